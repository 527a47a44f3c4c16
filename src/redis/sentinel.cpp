#include "redis/sentinel.hpp"

#include "redis/reply_error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tidings::redis {
namespace {

using Do = SentinelAction::Do;
using std::chrono::milliseconds;

constexpr milliseconds time_of_one{1'000};  // for a Sentinel to connect, and then to answer
constexpr milliseconds watch_idle{10'000};  // of silence, then PING
constexpr milliseconds watch_pong{5'000};
constexpr milliseconds watch_retry{1'000};
constexpr std::size_t heard_bytes_max = 1'000;

std::optional<Endpoint> endpoint_of(std::string_view host, std::string_view port) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:";
    Endpoint endpoint{.host = std::string{host}};
    const auto [stopped, ec] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (ec != std::errc{} || stopped != port.data() + port.size() || endpoint.port == 0) return std::nullopt;
    if (host.empty() || host.size() > 255 || host.find_first_not_of(allowed) != std::string_view::npos) {
        return std::nullopt;
    }
    return endpoint;
}

std::optional<Endpoint> endpoint_in(const Value& pair) {
    return endpoint_of(pair.at(0).text_or_empty(), pair.at(1).text_or_empty());
}

bool needs_password(const RedisUrl& url) { return !url.sentinel_password.empty(); }

// AUTH, if there is a password, and the question for the master.
std::string question(const RedisUrl& url) {
    std::string bytes;
    if (needs_password(url)) {
        bytes = url.sentinel_user.empty() ? command({"AUTH", url.sentinel_password})
                                          : command({"AUTH", url.sentinel_user, url.sentinel_password});
    }
    return bytes + command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", url.master});
}

}  // namespace

SentinelSearch::SentinelSearch(const RedisUrl& url) : url_{url}, sentinels_{url.hosts} {}

SentinelAction SentinelSearch::start(Time now) {
    now_ = now;
    running_ = true;
    heard_.clear();
    asked_ = 0;
    return ask_next();
}

SentinelAction SentinelSearch::step(Time now, const SentinelInput::Any& input) {
    now_ = now;
    if (!running_) return {};
    return std::visit([this](const auto& one) { return on(one); }, input);
}

SentinelAction SentinelSearch::ask_next() {
    if (asked_ >= sentinels_.size()) {
        running_ = false;
        wake_at_.reset();
        return {.what = Do::failed,
                .why = "no Sentinel tells where the master '" + url_.master + "' is: " + heard_};
    }
    replies_ = 0;
    wake_at_ = now_ + time_of_one;
    return {.what = Do::connect, .endpoint = sentinels_[asked_]};
}

SentinelAction SentinelSearch::said(std::string what) {
    if (heard_.size() < heard_bytes_max) {
        heard_ += (heard_.empty() ? "" : "; ") + sentinels_[asked_].address() + ": " + what;
    }
    ++asked_;
    return ask_next();
}

SentinelAction SentinelSearch::on(const SentinelInput::Connected&) {
    wake_at_ = now_ + time_of_one;
    return {.what = Do::write, .bytes = question(url_) + command({"SENTINEL", "SENTINELS", url_.master})};
}

SentinelAction SentinelSearch::on(const SentinelInput::Failed& failed) { return said(failed.why); }

SentinelAction SentinelSearch::on(const SentinelInput::Tick&) {
    if (!wake_at_ || now_ < *wake_at_) return {};
    return said("no answer in time");
}

SentinelAction SentinelSearch::on(const SentinelInput::Reply& reply) {
    const std::size_t number = replies_++ + (needs_password(url_) ? 0 : 1);
    const Value& value = reply.value;
    if (number == 0) return value.is_error() ? said(classify(value.text).text) : SentinelAction{};
    if (number == 1) {
        if (value.is_error()) return said(classify(value.text).text);
        if (value.is_nil()) return said("it does not know this master");
        const auto endpoint = endpoint_in(value);
        if (!endpoint) return said("its answer is not an address");
        found_ = *endpoint;
        return {};
    }
    std::rotate(sentinels_.begin(), sentinels_.begin() + static_cast<std::ptrdiff_t>(asked_),
                sentinels_.begin() + static_cast<std::ptrdiff_t>(asked_) + 1);
    learn(value);
    running_ = false;
    wake_at_.reset();
    return {.what = Do::found, .endpoint = found_};
}

void SentinelSearch::learn(const Value& others) {
    for (const auto& other : others.items) {
        const auto endpoint =
            endpoint_of(other.field("ip").text_or_empty(), other.field("port").text_or_empty());
        if (!endpoint || sentinels_.size() >= sentinels_max) continue;
        if (std::ranges::find(sentinels_, *endpoint) == sentinels_.end()) sentinels_.push_back(*endpoint);
    }
}

SentinelWatch::SentinelWatch(const RedisUrl& url) : url_{url} {}

SentinelAction SentinelWatch::start(Time now, std::vector<Endpoint> sentinels, Endpoint master) {
    now_ = now;
    sentinels_ = std::move(sentinels);
    master_ = std::move(master);
    chosen_ = 0;
    return connect();
}

SentinelAction SentinelWatch::step(Time now, const SentinelInput::Any& input) {
    now_ = now;
    if (sentinels_.empty() || !wake_at_) return {};
    return std::visit([this](const auto& one) { return on(one); }, input);
}

SentinelAction SentinelWatch::connect() {
    if (sentinels_.empty()) return {};
    state_ = State::connecting;
    replies_ = 0;
    wake_at_ = now_ + time_of_one;
    return {.what = Do::connect, .endpoint = sentinels_[chosen_]};
}

SentinelAction SentinelWatch::try_another() {
    state_ = State::waiting;
    chosen_ = (chosen_ + 1) % sentinels_.size();
    wake_at_ = now_ + watch_retry;
    return {.what = Do::close};
}

// The question goes with the subscription: what switched before it is in the answer, what switches after it
// in a message.
SentinelAction SentinelWatch::on(const SentinelInput::Connected&) {
    if (state_ != State::connecting) return {};
    state_ = State::listening;
    wake_at_ = now_ + watch_idle;
    return {.what = Do::write, .bytes = question(url_) + command({"SUBSCRIBE", "+switch-master"})};
}

SentinelAction SentinelWatch::on(const SentinelInput::Failed&) {
    return state_ == State::waiting ? SentinelAction{} : try_another();
}

SentinelAction SentinelWatch::on(const SentinelInput::Reply& reply) {
    if (state_ != State::listening && state_ != State::asked_for_life) return {};
    state_ = State::listening;
    wake_at_ = now_ + watch_idle;
    const Value& value = reply.value;
    if (value.is_error()) return try_another();
    if (replies_++ == (needs_password(url_) ? 1U : 0U)) {
        const auto endpoint = endpoint_in(value);
        return endpoint ? moved_to(*endpoint) : try_another();
    }
    if (value.at(0).text_or_empty() != "message") return {};
    const auto endpoint = parse_switch_master(value.at(2).text_or_empty(), url_.master);
    return endpoint ? moved_to(*endpoint) : SentinelAction{};
}

SentinelAction SentinelWatch::on(const SentinelInput::Tick&) {
    if (!wake_at_ || now_ < *wake_at_) return {};
    switch (state_) {
        case State::waiting: return connect();
        case State::connecting:
        case State::asked_for_life: return try_another();
        case State::listening: break;
    }
    state_ = State::asked_for_life;
    wake_at_ = now_ + watch_pong;
    return {.what = Do::write, .bytes = command({"PING"})};
}

SentinelAction SentinelWatch::moved_to(Endpoint endpoint) {
    if (endpoint == master_) return {};
    master_ = endpoint;
    return {.what = Do::moved, .endpoint = std::move(endpoint)};
}

std::optional<Endpoint> parse_switch_master(std::string_view message, std::string_view master) {
    std::array<std::string_view, 5> words;
    for (auto& word : words) {
        const auto end = std::min(message.find(' '), message.size());
        word = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
    }
    if (words[0] != master || !message.empty()) return std::nullopt;
    return endpoint_of(words[3], words[4]);
}

}  // namespace tidings::redis
