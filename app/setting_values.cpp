#include "setting_values.hpp"

#include "base/store_url.hpp"

#include <charconv>

namespace tidings::app {

Result<void> any_text(const std::string&) { return {}; }

Result<void> check_base_path(const std::string& text) {
    if (text.empty()) return {};
    const bool plain =
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._~-") ==
        std::string::npos;
    if (text.front() != '/' || text.back() == '/' || !plain || text.find("//") != std::string::npos) {
        return Error{
            Errc::invalid_field,
            "allowed: a path that begins with a slash and does not end with one, such as \"/api/v1\""};
    }
    return {};
}

Result<void> check_store_url(const std::string& text) {
    if (text == "memory:") return {};
    if (text.starts_with("lmdb:") && text.size() > 5) return {};
    if (is_redis_url(text)) return {};
    std::string detail = "allowed: " + std::string{store_urls};
    if (text.starts_with("redis+cluster:")) detail = "Redis Cluster is not yet supported; " + detail;
    return Error{Errc::invalid_field, detail};
}

Result<void> check_redis_prefix(const std::string& text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (!text.empty() && text.size() <= 64 && text.find_first_not_of(plain) == std::string::npos) return {};
    return Error{Errc::invalid_field, "allowed: 1 to 64 characters of A-Z a-z 0-9 . _ -"};
}

Result<void> check_address(std::string_view address) {
    constexpr std::string_view allowed =
        "allowed: \"HOST:PORT\", such as \"127.0.0.1:8080\" or \"[::1]:8080\"";
    if (address.starts_with("unix:")) {
        return Error{Errc::invalid_field,
                     "\"unix:\" is not supported by this version; " + std::string{allowed}};
    }
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return Error{Errc::invalid_field, std::string{allowed}};
    const std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    if (!bracketed && host.find_first_of(":[]/ ") != std::string_view::npos) {
        return Error{Errc::invalid_field, std::string{allowed}};
    }
    unsigned number = 0;
    const auto [rest, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (ec != std::errc{} || rest != port.data() + port.size() || number > 65'535) {
        return Error{Errc::invalid_field, std::string{allowed} + "; a port is a number from 0 to 65535"};
    }
    return {};
}

Result<void> check_listen(const std::string& text) { return check_address(text); }

bool is_loopback(std::string_view address) {
    const std::string_view host = address.substr(0, address.rfind(':'));
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::string toml_quoted(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            quoted += '\\';
            quoted += character;
        } else if (byte < 0x20 || byte == 0x7f) {
            quoted += "\\u00";
            quoted += hex[byte >> 4];
            quoted += hex[byte & 15];
        } else {
            quoted += character;
        }
    }
    return quoted + "\"";
}

void SettingTable::add(std::string name, SettingKind kind, std::string allowed, std::string meaning, Set set,
                       Print print) {
    rows_.push_back({std::move(name), kind, std::move(allowed), std::move(meaning), "", std::move(set),
                     std::move(print)});
}

Result<void> SettingTable::not_allowed(std::string_view allowed) {
    return Error{Errc::invalid_field, "allowed: " + std::string{allowed}};
}

std::string SettingTable::toml_list(const std::vector<std::string>& texts) {
    std::string list = "[";
    for (const auto& text : texts) list += (list.size() > 1 ? ", " : "") + toml_quoted(text);
    return list + "]";
}

void SettingTable::store_url() {
    add(
        "store.url", SettingKind::text, std::string{store_urls},
        "Where events are kept. It is shown without its password.",
        [](Config& config, const SettingValue& value) -> Result<void> {
            const auto* given = std::get_if<std::string>(&value);
            if (given == nullptr) return not_allowed(store_urls);
            if (auto checked = check_store_url(*given); !checked) return checked;
            config.store.url = *given;
            return {};
        },
        [](const Config& config) { return toml_quoted(without_password(config.store.url)); });
}

void SettingTable::add_retry_range() {
    const std::string allowed = "two durations from 100ms to 10m, the smaller first, like [\"2s\", \"5s\"]";
    add(
        "delivery.retry", SettingKind::texts, allowed,
        "Each client is told to wait a time drawn from this range before it reconnects.",
        [allowed](Config& config, const SettingValue& value) -> Result<void> {
            const auto* given = std::get_if<std::vector<std::string>>(&value);
            if (given == nullptr || given->size() != 2) return not_allowed(allowed);
            const auto least = parse_duration((*given)[0]);
            const auto most = parse_duration((*given)[1]);
            if (!least || !most || *least < std::chrono::milliseconds{100} || *most < *least ||
                *most > std::chrono::minutes{10}) {
                return not_allowed(allowed);
            }
            config.delivery.retry_min = *least;
            config.delivery.retry_max = *most;
            return {};
        },
        [](const Config& config) {
            return toml_list(
                {duration_text(config.delivery.retry_min), duration_text(config.delivery.retry_max)});
        });
}

void SettingTable::operations_listen() {
    const std::string allowed = "\"HOST:PORT\"; port 0 picks a free one";
    add(
        "operations.listen", SettingKind::text, allowed,
        "The address of `/livez`, `/readyz` and `/metrics`. Unset, a port that is taken is replaced by a "
        "free one.",
        [allowed](Config& config, const SettingValue& value) -> Result<void> {
            const auto* given = std::get_if<std::string>(&value);
            if (given == nullptr) return not_allowed(allowed);
            if (auto checked = check_address(*given); !checked) return checked;
            config.operations.listen = *given;
            config.operations.listen_set = true;
            return {};
        },
        [](const Config& config) { return toml_quoted(config.operations.listen); });
}

}  // namespace tidings::app
