// A registry file of any bytes is a registry or diagnostics, never a crash; what it accepts holds together.

#include <tidings/registry.hpp>

#include "base/assert.hpp"
#include "base/json.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace tidings;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto parsed = Registry::parse_toml(text, "fuzz.toml");
    if (!parsed) {
        TIDINGS_ASSERT(!parsed.error().empty());
        for (const auto& diagnostic : parsed.error()) TIDINGS_ASSERT(!diagnostic.what.empty());
        return 0;
    }
    TIDINGS_ASSERT(check_json(parsed->json(), Limits{}).has_value());
    for (const auto& info : parsed->types()) {
        TIDINGS_ASSERT(parsed->find(info.type) == &info);
        TIDINGS_ASSERT(parsed->categories().at(info.category_index) == info.category);
    }
    for (const auto& mapping : parsed->mappings()) {
        TIDINGS_ASSERT(parsed->find(mapping.type) != nullptr);
        const auto mapped = parsed->map_named(mapping.name, R"({"user_id":"u1","topic":"t","a":1,"b":"x"})");
        const auto* draft = mapped ? std::get_if<EventDraft>(&*mapped) : nullptr;
        // What a mapping makes is what the type declares.
        if (draft != nullptr) TIDINGS_ASSERT(parsed->check_data(draft->type, draft->data).has_value());
    }
    return 0;
}
