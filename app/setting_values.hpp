#pragma once
// How rows of the table of settings are made: each kind of value is checked, set and printed in one place.

#include "settings.hpp"

#include <limits>
#include <type_traits>
#include <utility>

namespace tidings::app {

template <class T>
struct Range {
    T least;
    T most;
};

using TextCheck = Result<void> (*)(const std::string&);

Result<void> any_text(const std::string& text);
Result<void> check_base_path(const std::string& text);
inline constexpr std::string_view store_urls =
    "\"memory:\", \"lmdb:DIRECTORY\", \"redis://[USER:PASSWORD@]HOST[:PORT][/DB]\", the same with "
    "\"rediss://\", or \"redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/NAME\"";
Result<void> check_store_url(const std::string& text);
Result<void> check_redis_prefix(const std::string& text);
Result<void> check_listen(const std::string& text);

// Builds the table. Every function takes an accessor `Config& -> T&`. Lives while the table is made, on one
// thread.
class SettingTable {
public:
    template <class Access>
    void text(std::string name, std::string allowed, std::string meaning, Access access, TextCheck check) {
        add(
            std::move(name), SettingKind::text, allowed, std::move(meaning),
            [access, check, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::string>(&value);
                if (given == nullptr) return not_allowed(allowed);
                if (auto checked = check(*given); !checked) return checked;
                access(config) = *given;
                return {};
            },
            [access](Config config) { return toml_quoted(access(config)); });
    }

    template <class Access>
    void texts(std::string name, std::string allowed, std::string meaning, Access access, TextCheck check) {
        add(
            std::move(name), SettingKind::texts, allowed, std::move(meaning),
            [access, check, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::vector<std::string>>(&value);
                if (given == nullptr || given->empty()) return not_allowed(allowed);
                for (const auto& one : *given) {
                    if (auto checked = check(one); !checked) return checked;
                }
                access(config) = *given;
                return {};
            },
            [access](Config config) { return toml_list(access(config)); });
    }

    template <class Access>
    void count(std::string name, Range<std::size_t> range, std::string meaning, Access access) {
        const std::string allowed =
            "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
        add(
            std::move(name), SettingKind::count, allowed, std::move(meaning),
            [access, range, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::int64_t>(&value);
                if (given == nullptr || *given < 0 || static_cast<std::size_t>(*given) < range.least ||
                    static_cast<std::size_t>(*given) > range.most) {
                    return not_allowed(allowed);
                }
                access(config) = static_cast<std::remove_reference_t<decltype(access(config))>>(*given);
                return {};
            },
            [access](Config config) { return std::to_string(access(config)); });
    }

    template <class Access>
    void duration(std::string name, Range<std::chrono::milliseconds> range, std::string meaning,
                  Access access) {
        const std::string allowed =
            "a duration from " + duration_text(range.least) + " to " + duration_text(range.most);
        add(
            std::move(name), SettingKind::duration, allowed, std::move(meaning),
            [access, range, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::string>(&value);
                const auto parsed = given != nullptr ? parse_duration(*given) : Errc::invalid_field;
                if (!parsed || *parsed < range.least || *parsed > range.most) return not_allowed(allowed);
                access(config) = *parsed;
                return {};
            },
            [access](Config config) { return toml_quoted(duration_text(access(config))); });
    }

    template <class Access>
    void size(std::string name, Range<std::size_t> range, std::string meaning, Access access) {
        const std::string allowed = "a size from " + size_text(range.least) + " to " + size_text(range.most);
        add(
            std::move(name), SettingKind::size, allowed, std::move(meaning),
            [access, range, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::string>(&value);
                const auto parsed = given != nullptr ? parse_size(*given) : Errc::invalid_field;
                if (!parsed || *parsed < range.least || *parsed > range.most) return not_allowed(allowed);
                access(config) = *parsed;
                return {};
            },
            [access](Config config) { return toml_quoted(size_text(access(config))); });
    }

    template <class T, class Access>
    void choice(std::string name, std::vector<std::pair<std::string, T>> names, std::string meaning,
                Access access) {
        std::string allowed;
        for (const auto& [text, value] : names) allowed += (allowed.empty() ? "\"" : ", \"") + text + "\"";
        add(
            std::move(name), SettingKind::text, allowed, std::move(meaning),
            [access, names, allowed](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<std::string>(&value);
                for (const auto& [text, meant] : names) {
                    if (given == nullptr || text != *given) continue;
                    access(config) = meant;
                    return {};
                }
                return not_allowed(allowed);
            },
            [access, names](Config config) {
                for (const auto& [text, meant] : names) {
                    if (meant == access(config)) return toml_quoted(text);
                }
                return toml_quoted("");
            });
    }

    template <class Access>
    void boolean(std::string name, std::string meaning, Access access) {
        add(
            std::move(name), SettingKind::boolean, "true or false", std::move(meaning),
            [access](Config& config, const SettingValue& value) -> Result<void> {
                const auto* given = std::get_if<bool>(&value);
                if (given == nullptr) return not_allowed("true or false");
                access(config) = *given;
                return {};
            },
            [access](Config config) { return std::string{access(config) ? "true" : "false"}; });
    }

    // Limits: `bounded` completes "the most …"; `at_limit` says what happens there.
    template <class Access>
    void limit_count(std::string name, Range<std::size_t> range, std::string bounded, std::string at_limit,
                     Access access) {
        count(std::move(name), range, "Limit: " + std::move(bounded) + ".", access);
        rows_.back().at_limit = std::move(at_limit);
    }
    template <class Access>
    void limit_size(std::string name, Range<std::size_t> range, std::string bounded, std::string at_limit,
                    Access access) {
        size(std::move(name), range, "Limit: " + std::move(bounded) + ".", access);
        rows_.back().at_limit = std::move(at_limit);
    }
    template <class Access>
    void limit_duration(std::string name, Range<std::chrono::milliseconds> range, std::string bounded,
                        std::string at_limit, Access access) {
        duration(std::move(name), range, "Limit: " + std::move(bounded) + ".", access);
        rows_.back().at_limit = std::move(at_limit);
    }

    void add_retry_range();
    void store_url();
    void operations_listen();
    std::vector<Setting> take() && { return std::move(rows_); }

private:
    using Set = std::function<Result<void>(Config&, const SettingValue&)>;
    using Print = std::function<std::string(const Config&)>;

    void add(std::string name, SettingKind kind, std::string allowed, std::string meaning, Set set,
             Print print);
    static Result<void> not_allowed(std::string_view allowed);
    static std::string toml_list(const std::vector<std::string>& texts);

    std::vector<Setting> rows_;
};

// The rows of [server.limits].
void add_limits(SettingTable& table);

}  // namespace tidings::app
