// The registry file. The only place that knows the TOML library.

#include <tidings/registry.hpp>

#include "base/nearest.hpp"
#include "event/conflation_key.hpp"
#include "event/field_value.hpp"
#include "event/type_name.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>
#include <tuple>
#include <utility>

namespace tidings {
namespace {

constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;
// The library destroys nested tables recursively; a file that a person wrote has no such line.
constexpr std::ptrdiff_t dots_per_line_max = 1000;

// Reads one parsed file into a Registry and gathers what is wrong with it, all at once. Lives for one call.
class RegistryReader {
public:
    explicit RegistryReader(std::string file) : file_{std::move(file)} {}

    boost::system::result<Registry, Diagnostics> read(const toml::table& root) {
        check_keys(root, {"categories", "event"}, "the file");
        read_categories(root);
        read_events(root);
        std::sort(wrong_.begin(), wrong_.end(), [](const auto& a, const auto& b) {
            return std::tie(a.line, a.column, a.what) < std::tie(b.line, b.column, b.what);
        });
        if (!wrong_.empty()) return std::move(wrong_);
        return std::move(registry_);
    }

private:
    // In the order in which they were written; the library sorts by name.
    using Members = std::vector<std::pair<const toml::key*, const toml::node*>>;
    static Members members(const toml::table& table) {
        Members found;
        for (const auto& [key, node] : table) found.emplace_back(&key, &node);
        std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
            const auto& left = a.first->source().begin;
            const auto& right = b.first->source().begin;
            return std::pair{left.line, left.column} < std::pair{right.line, right.column};
        });
        return found;
    }

    void say(const toml::source_region& where, std::string what, std::string hint = {}) {
        wrong_.push_back({file_, where.begin.line, where.begin.column, std::move(what), std::move(hint)});
    }

    void check_keys(const toml::table& table, const std::vector<std::string>& allowed,
                    const std::string& where) {
        for (const auto& [key, node] : table) {
            const std::string name{key.str()};
            if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
            std::string hint = nearest_hint(name, allowed);
            if (hint.empty()) hint = "allowed: " + joined(allowed);
            say(key.source(), "unknown key " + shown(name) + " in " + where, std::move(hint));
        }
    }

    // The string under `key`; says so when it is something else, or is absent and `need` is yes.
    enum class Need : std::uint8_t { yes, no };
    std::optional<std::string> text(const toml::table& table, std::string_view key, Need need,
                                    const std::string& where) {
        const auto* node = table.get(key);
        if (node == nullptr) {
            if (need == Need::yes) say(table.source(), where + " has no '" + std::string{key} + "'");
            return std::nullopt;
        }
        if (const auto* value = node->as_string()) return value->get();
        say(node->source(), "'" + std::string{key} + "' of " + where + " is a string");
        return std::nullopt;
    }

    std::optional<bool> boolean(const toml::table& table, std::string_view key, const std::string& where) {
        const auto* node = table.get(key);
        if (node == nullptr) return std::nullopt;
        if (const auto* value = node->as_boolean()) return value->get();
        say(node->source(), "'" + std::string{key} + "' of " + where + " is true or false");
        return std::nullopt;
    }

    const toml::table* table(const toml::table& parent, std::string_view key, const std::string& where) {
        const auto* node = parent.get(key);
        if (node == nullptr) return nullptr;
        if (const auto* found = node->as_table()) return found;
        say(node->source(), "'" + std::string{key} + "' of " + where + " is a table");
        return nullptr;
    }

    void read_categories(const toml::table& root) {
        const auto* node = root.get("categories");
        const auto* list = node == nullptr ? nullptr : node->as_array();
        if (list == nullptr) {
            const toml::source_region nowhere{};
            say(node == nullptr ? nowhere : node->source(), "'categories' is a list of names",
                "for example categories = [\"orders\", \"security\"]");
            return;
        }
        for (const auto& element : *list) {
            const auto* name = element.as_string();
            if (name == nullptr) {
                say(element.source(), "a category is a string");
                continue;
            }
            const auto added = registry_.add_category(name->get());
            if (!added) say(element.source(), added.error().detail);
        }
    }

    void read_events(const toml::table& root) {
        const auto* node = root.get("event");
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr)
            return say(node->source(), "'event' is a list of tables", "write [[event]] with two brackets");
        for (const auto& element : *list) {
            if (const auto* event = element.as_table()) {
                read_event(*event);
            } else {
                say(element.source(), "an event is a table", "write [[event]] with two brackets");
            }
        }
    }

    void read_event(const toml::table& event) {
        EventTypeInfo info;
        const auto type = text(event, "type", Need::yes, "this event");
        const std::string where = type ? "the event " + shown(*type) : "this event";
        check_keys(event, {"type", "category", "description", "data", "from", "slow_reader", "retain", "key"},
                   where);
        const auto category = text(event, "category", Need::yes, where);
        info.type = type.value_or("");
        info.category = category.value_or("");
        info.description = text(event, "description", Need::no, where).value_or("");
        info.retain = boolean(event, "retain", where).value_or(true);
        const std::size_t before = wrong_.size();
        info.slow_reader = slow_reader(event, info.retain, where);
        if (const auto* data = table(event, "data", where)) info.data = fields(*data, info);
        if (before == wrong_.size()) read_key(event, info, where);
        if (!type || !category || before != wrong_.size()) return;
        const auto added = registry_.add_type(info);
        if (!added) {
            const char* key = added.error() == Errc::unknown_category ? "category" : "type";
            return say(event.get(key)->source(), added.error().detail, first_place(info.type));
        }
        places_.emplace(info.type, event.get("type")->source().begin.line);
        if (const auto* from = table(event, "from", where)) read_mapping(*from, info);
    }

    void read_key(const toml::table& event, EventTypeInfo& info, const std::string& where) {
        auto key = text(event, "key", Need::no, where);
        if (!key) return;
        if (const auto leads = check_key_pointer(info, *key); !leads) {
            return say(event.get("key")->source(), leads.error().detail);
        }
        info.key = *std::move(key);
    }

    std::string first_place(const std::string& type) const {
        const auto found = places_.find(type);
        return found == places_.end() ? "" : "the first is in line " + std::to_string(found->second);
    }

    SlowReader slow_reader(const toml::table& event, bool retain, const std::string& where) {
        const auto policy = text(event, "slow_reader", Need::no, where);
        if (!policy) return retain ? SlowReader::resume : SlowReader::drop;
        const auto& source = event.get("slow_reader")->source();
        for (const auto known : {SlowReader::drop, SlowReader::conflate}) {
            if (*policy == name_of(known)) return known;
        }
        if (*policy != "resume") {
            const std::string hint = nearest_hint(*policy, {"resume", "drop", "conflate"});
            say(source, "unknown slow_reader " + shown(*policy),
                hint.empty() ? "allowed: resume, drop, conflate" : hint);
        } else if (!retain) {
            say(source, "slow_reader = \"resume\" reads from the log, so it cannot go with retain = false",
                "use \"drop\" or \"conflate\", or remove it");
        }
        return SlowReader::resume;
    }

    std::vector<DataField> fields(const toml::table& data, const EventTypeInfo& info) {
        std::vector<DataField> found;
        for (const auto& [key, node] : members(data)) {
            const std::string name{key->str()};
            const auto* value = node->as_string();
            if (value == nullptr) {
                say(node->source(),
                    "the field " + shown(name) + " of " + shown(info.type) + " is given its type as a string",
                    "allowed: " + joined(field_type_names()) + ", each with a trailing ? if it may be null");
                continue;
            }
            std::string_view declared = value->get();
            const bool nullable = declared.ends_with('?');
            if (nullable) declared.remove_suffix(1);
            if (const auto known = field_type(declared)) {
                found.push_back({name, *known, nullable});
                continue;
            }
            std::string hint = nearest_hint(declared, field_type_names());
            if (hint.empty())
                hint =
                    "allowed: " + joined(field_type_names()) + ", each with a trailing ? if it may be null";
            say(node->source(), "unknown type " + shown(declared) + " of the field " + shown(name),
                std::move(hint));
        }
        return found;
    }

    void read_mapping(const toml::table& from, const EventTypeInfo& info) {
        const std::string where = "the mapping to " + shown(info.type);
        const std::size_t before = wrong_.size();
        check_keys(from, {"name", "user_id", "topic", "broadcast", "data"}, where);
        Mapping mapping;
        mapping.type = info.type;
        mapping.name = text(from, "name", Need::yes, where).value_or("");
        mapping.user_id = text(from, "user_id", Need::no, where).value_or("");
        mapping.topic = text(from, "topic", Need::no, where).value_or("");
        mapping.broadcast = boolean(from, "broadcast", where).value_or(false);
        if (const auto* data = table(from, "data", where)) {
            for (const auto& [key, node] : members(*data)) {
                if (const auto* pointer = node->as_string()) {
                    mapping.data.push_back({std::string{key->str()}, pointer->get()});
                } else {
                    say(node->source(),
                        "the field " + shown(key->str()) + " of " + where + " is a JSON Pointer",
                        "for example \"/account_id\"");
                }
            }
        }
        if (before != wrong_.size()) return;
        if (const auto added = registry_.add_mapping(mapping); !added) {
            say_mapping(from, mapping, info);
            if (before == wrong_.size()) say(from.source(), added.error().detail);
        }
    }

    // Every field that is only declared or only sent, each at its own place.
    void say_mapping(const toml::table& from, const Mapping& mapping, const EventTypeInfo& info) {
        std::vector<std::string> declared;
        for (const auto& field : info.data) declared.push_back(field.name);
        for (const auto& take : mapping.data) {
            if (std::find(declared.begin(), declared.end(), take.field) != declared.end()) continue;
            say(from["data"].as_table()->find(take.field)->first.source(),
                "the field " + shown(take.field) + " is sent but not declared in the data of " +
                    shown(info.type),
                nearest_hint(take.field, declared));
        }
        for (const auto& name : declared) {
            const auto sent = [&](const auto& take) { return take.field == name; };
            if (std::any_of(mapping.data.begin(), mapping.data.end(), sent)) continue;
            say(from.source(), "the field " + shown(name) + " of " + shown(info.type) +
                                   " is declared but not sent by the mapping of " + shown(mapping.name));
        }
    }

    std::string file_;
    Registry registry_;
    Diagnostics wrong_;
    std::map<std::string, std::size_t> places_;  // type to the line that declared it
};

bool reasonable_lines(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '.') >
            dots_per_line_max) {
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

}  // namespace

boost::system::result<Registry, Diagnostics> Registry::parse_toml(std::string_view text, std::string file) {
    if (text.size() > file_bytes_max) return Diagnostics{{file, 0, 0, "the file has more than 4 MiB"}};
    if (!reasonable_lines(text)) return Diagnostics{{file, 0, 0, "a line has more than 1000 dots"}};
    try {
        const toml::table root = toml::parse(text, file);
        return RegistryReader{std::move(file)}.read(root);
    } catch (const toml::parse_error& error) {
        const auto& at = error.source().begin;
        return Diagnostics{{file, at.line, at.column, "not TOML: " + std::string{error.description()}}};
    }
}

boost::system::result<Registry, Diagnostics> Registry::load(const std::string& path) {
    std::ifstream stream{path, std::ios::binary};
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    if (!stream || !text) {
        return Diagnostics{
            {path, 0, 0, "cannot be read", "give the path of a registry file, such as finance.toml"}};
    }
    return parse_toml(std::move(text).str(), path);
}

}  // namespace tidings
