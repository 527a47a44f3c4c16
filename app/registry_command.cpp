#include "commands.hpp"

#include "base/json.hpp"
#include "base/nearest.hpp"

#include <tidings/registry.hpp>

#include <algorithm>
#include <ostream>

namespace tidings::app {
namespace {

std::string_view name_of(FieldType type) {
    switch (type) {
        case FieldType::uuid: return "uuid";
        case FieldType::string: return "string";
        case FieldType::integer: return "integer";
        case FieldType::number: return "number";
        case FieldType::boolean: return "boolean";
        case FieldType::decimal: return "decimal";
        case FieldType::datetime: return "datetime";
        case FieldType::object: return "object";
        case FieldType::array: return "array";
    }
    return "";
}

std::string source_of(const Registry& registry, const std::string& type) {
    for (const Mapping& mapping : registry.mappings()) {
        if (mapping.type == type) return mapping.name;
    }
    return {};
}

void list(const Registry& registry, Terminal& terminal) {
    std::size_t types = 0;
    std::size_t categories = 0;
    for (const EventTypeInfo& info : registry.types()) {
        types = std::max(types, info.type.size());
        categories = std::max(categories, info.category.size());
    }
    const Colours colours{terminal};
    for (const EventTypeInfo& info : registry.types()) {
        const std::string source = source_of(registry, info.type);
        terminal.out << info.type << std::string(types + 2 - info.type.size(), ' ') << info.category
                     << std::string(categories + 2 - info.category.size(), ' ')
                     << colours.dim(source.empty() ? "-" : source) << "\n";
    }
    terminal.out << registry.types().size() << " types, " << registry.mappings().size() << " mappings, "
                 << registry.categories().size() << " categories\n";
}

// The member of /event-types that describes one type.
std::string type_json(const Registry& registry, const std::string& type) {
    const std::string whole = registry.json();
    const auto types = json_member(whole, "event_types");
    const auto elements = types ? json_elements(*types) : std::nullopt;
    for (const std::string_view element : elements.value_or(std::vector<std::string_view>{})) {
        const auto name = json_member(element, "type");
        if (name && json_string(*name) == type) return std::string{element};
    }
    return "null";
}

int show(const Registry& registry, const RegistryOptions& options, Terminal& terminal) {
    const EventTypeInfo* info = registry.find(options.type);
    if (info == nullptr) {
        std::vector<std::string> names;
        for (const EventTypeInfo& one : registry.types()) names.push_back(one.type);
        const std::string hint = nearest_hint(options.type, names);
        say_error(terminal, "there is no type '" + options.type + "'" + (hint.empty() ? "" : "; " + hint));
        return exit_failed;
    }
    if (options.output == Output::json) {
        terminal.out << type_json(registry, info->type) << "\n";
        return exit_done;
    }
    const Colours colours{terminal};
    terminal.out << colours.bold(info->type) << "\n";
    if (!info->description.empty()) terminal.out << "  " << info->description << "\n";
    terminal.out << "  category     " << info->category << "\n"
                 << "  slow reader  " << name_of(info->slow_reader) << "\n";
    if (!info->key.empty()) terminal.out << "  key          " << info->key << "\n";
    terminal.out << "  retained     " << (info->retain ? "yes" : "no") << "\n";
    const std::string source = source_of(registry, info->type);
    if (!source.empty()) terminal.out << "  from         " << source << "\n";
    for (const DataField& field : info->data) {
        terminal.out << "  data         " << field.name << ": " << name_of(field.type)
                     << (field.nullable ? "?" : "") << "\n";
    }
    return exit_done;
}

}  // namespace

int registry(const RegistryOptions& options, Terminal& terminal) {
    std::string file = options.file;
    if (file.empty()) {
        ConfigSources sources;
        sources.file = options.config;
        sources.environment = terminal.environment;
        const auto loaded = load_config(std::move(sources));
        if (!loaded) return say_diagnostics(terminal, loaded.error());
        file = loaded->registry_file;
    }
    if (file.empty()) {
        say_error(terminal,
                  "name a registry file, such as registry/finance.toml, or a --config that names one");
        return exit_usage;
    }
    const auto loaded = Registry::load(file);
    if (!loaded) {
        say_diagnostics(terminal, loaded.error());
        return options.what == RegistryOptions::Do::check ? exit_failed : exit_usage;
    }
    if (options.what == RegistryOptions::Do::show) return show(*loaded, options, terminal);
    if (options.what == RegistryOptions::Do::list && options.output == Output::json) {
        terminal.out << loaded->json() << "\n";
    } else if (options.what == RegistryOptions::Do::list) {
        list(*loaded, terminal);
    }
    return exit_done;
}

}  // namespace tidings::app
