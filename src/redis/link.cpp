#include "redis/link.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tidings::redis {
namespace {

constexpr unsigned major_least = 6;
constexpr unsigned minor_least = 2;

// The number at the beginning; it and one separator are removed.
unsigned take_number(std::string_view& text) {
    unsigned number = 0;
    const auto [stopped, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
    if (!text.empty()) text.remove_prefix(1);
    return ec == std::errc{} ? number : 0;
}

bool is_new_enough(std::string_view version) {
    const unsigned major = take_number(version);
    const unsigned minor = take_number(version);
    return major > major_least || (major == major_least && minor >= minor_least);
}

// What a server says is shown in logs and passed on: one short line.
std::string clean(std::string_view text) {
    std::string line{text.substr(0, 100)};
    std::ranges::replace_if(line, [](char c) { return c < 32 || c > 126; }, '?');
    return line;
}

RedisLink::Action write(std::string bytes, std::size_t replies) {
    return {.what = RedisLink::Do::write, .bytes = std::move(bytes), .replies = replies};
}

}  // namespace

InfoText InfoText::parse(std::string_view text) {
    InfoText info;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto name = line.substr(0, colon);
        const auto value = line.substr(colon + 1);
        if (name == "run_id") info.run_id = clean(value);
        if (name == "redis_version") info.version = clean(value);
        if (name == "role") info.role = clean(value);
        if (name == "redis_mode") info.mode = clean(value);
        if (name == "loading") info.loading = value != "0";
        if (name == "master_replid2") info.promoted = value.find_first_not_of('0') != std::string_view::npos;
    }
    return info;
}

RedisLink::RedisLink(RedisLinkOptions options) : options_{std::move(options)}, random_{options_.seed} {}

RedisLink::Action RedisLink::step(Time now, const Input& input) {
    now_ = now;
    if (state_ == State::stopped) return {};
    return std::visit([this](const auto& one) { return on(one); }, input);
}

RedisLink::Action RedisLink::on(const Start&) { return state_ == State::idle ? begin() : Action{}; }

RedisLink::Action RedisLink::begin() {
    if (options_.url.topology == RedisUrl::Topology::single) return connect(options_.url.hosts.front());
    state_ = State::finding;
    wake_at_ = now_ + options_.times.find;
    return {.what = Do::find};
}

RedisLink::Action RedisLink::on(const Found& found) {
    return state_ == State::finding ? connect(found.endpoint) : Action{};
}

RedisLink::Action RedisLink::connect(Endpoint endpoint) {
    state_ = State::connecting;
    endpoint_ = std::move(endpoint);
    wake_at_ = now_ + options_.times.connect;
    return {.what = Do::connect, .endpoint = endpoint_};
}

// All questions go at once: one round trip instead of seven, and a failed answer to an early one breaks the
// link anyway.
RedisLink::Action RedisLink::on(const Connected&) {
    if (state_ != State::connecting) return {};
    state_ = State::introducing;
    wake_at_ = now_ + options_.times.introduce;
    server_ = {.address = endpoint_.address()};
    append_only_known_ = false;
    questions_.clear();
    std::string bytes;
    const auto ask = [&](Question question, std::initializer_list<std::string_view> args) {
        append_command(bytes, {args.begin(), args.size()});
        questions_.push_back(question);
    };
    const RedisUrl& url = options_.url;
    if (!url.password.empty() && url.user.empty()) ask(Question::auth, {"AUTH", url.password});
    if (!url.password.empty() && !url.user.empty()) ask(Question::auth, {"AUTH", url.user, url.password});
    if (url.database != 0) ask(Question::select, {"SELECT", std::to_string(url.database)});
    ask(Question::name, {"CLIENT", "SETNAME", options_.client_name});
    ask(Question::info, {"INFO"});
    ask(Question::append_only, {"CONFIG", "GET", "appendonly"});
    ask(Question::append_fsync, {"CONFIG", "GET", "appendfsync"});
    ask(Question::policy, {"CONFIG", "GET", "maxmemory-policy"});
    return write(std::move(bytes), questions_.size());
}

RedisLink::Action RedisLink::on(const Reply& reply) {
    if (state_ != State::introducing || questions_.empty()) return {};
    const auto question = questions_.front();
    questions_.pop_front();
    Action action = answered(question, reply.value);
    if (action.what == Do::none && state_ == State::introducing && questions_.empty()) return become_ready();
    return action;
}

RedisLink::Action RedisLink::answered(Question question, const Value& value) {
    switch (question) {
        case Question::auth:
        case Question::select:
            if (value.is_error()) return refused(classify(value.text));
            if (!value.is_status("OK")) return lose("the server does not answer as Redis does", Pace::slow);
            return {};
        case Question::info:
            if (value.is_error()) return refused(classify(value.text));
            return learned(InfoText::parse(value.text_or_empty()));
        case Question::name:
            // A name is only a help; without a password everything fails here first.
            if (value.is_error() && classify(value.text).link == ReplyError::Link::break_it)
                return refused(classify(value.text));
            return {};
        case Question::append_only:
        case Question::append_fsync:
        case Question::policy: configured(question, value); return {};
    }
    return {};
}

RedisLink::Action RedisLink::refused(const ReplyError& error) {
    return lose(error.error().detail, error.retry == ReplyError::Retry::soon ? Pace::fast : Pace::slow);
}

RedisLink::Action RedisLink::learned(const InfoText& info) {
    if (info.version.empty() || info.run_id.empty()) {
        return lose("the server does not answer INFO as Redis does", Pace::slow);
    }
    if (!is_new_enough(info.version)) {
        return lose("Redis " + info.version + " is too old: Tidings needs 6.2 or newer", Pace::slow);
    }
    if (info.mode == "cluster") {
        return lose("this server belongs to a Redis Cluster, which this version does not support",
                    Pace::slow);
    }
    if (info.mode == "sentinel") {
        return lose("this is a Sentinel, not a Redis server: use redis+sentinel://HOST/MASTER", Pace::slow);
    }
    if (info.loading) return lose("Redis is reading its data after a start", Pace::fast);
    if (info.role != "master") {
        const bool single = options_.url.topology == RedisUrl::Topology::single;
        return lose("this server is a replica, not the master" +
                        std::string{single ? ": name the master, or use redis+sentinel:// to follow it" : ""},
                    Pace::fast);
    }
    server_.run_id = info.run_id;
    server_.version = info.version;
    server_.role = info.role;
    server_.promoted = info.promoted;
    return {};
}

// What may not be asked stays unknown.
void RedisLink::configured(Question question, const Value& value) {
    const auto setting = value.at(1).text_or_empty();
    if (setting.empty()) return;
    if (question == Question::policy) server_.eviction = clean(setting);
    if (question == Question::append_only) {
        append_only_known_ = true;
        append_only_ = setting == "yes";
    }
    if (question == Question::append_fsync) server_.fsync = clean(setting);
}

RedisLink::Action RedisLink::become_ready() {
    if (!append_only_known_) server_.fsync = "unknown";
    if (append_only_known_ && !append_only_) server_.fsync = "off";
    state_ = State::ready;
    ready_since_ = now_;
    heard_at_ = now_;
    pinged_ = false;
    wake_at_ = now_ + options_.times.idle;
    const bool again = !std::exchange(logged_cause_, {}).empty();
    return {.what = Do::ready,
            .log = LogLine{again ? LogLevel::info : LogLevel::debug,
                           "connected to Redis " + server_.version + " at " + server_.address}};
}

RedisLink::Action RedisLink::on(const Received&) {
    if (state_ != State::ready) return {};
    heard_at_ = now_;
    pinged_ = false;
    // The timer is not moved for each of many: it looks again when it is up.
    return {};
}

RedisLink::Action RedisLink::on(const Tick&) {
    if (!wake_at_ || now_ < *wake_at_) return {};
    switch (state_) {
        case State::waiting: return begin();
        case State::finding:
        case State::connecting:
        case State::introducing: return lose(what_timed_out(), Pace::fast);
        case State::ready: break;
        case State::idle:
        case State::stopped: return {};
    }
    if (pinged_) return lose("Redis at " + endpoint_.address() + " is silent", Pace::fast);
    if (now_ < heard_at_ + options_.times.idle) {
        wake_at_ = heard_at_ + options_.times.idle;
        return {};
    }
    pinged_ = true;
    wake_at_ = now_ + options_.times.pong;
    return write(command({"PING"}), 1);
}

RedisLink::Action RedisLink::on(const Hurry&) { return state_ == State::waiting ? begin() : Action{}; }

std::string RedisLink::what_timed_out() const {
    switch (state_) {
        case State::finding: return "no Sentinel answered in time";
        case State::connecting:
            // A plain Redis waits for the rest of what it takes for a command.
            return "no connection to " + endpoint_.address() + " in time" +
                   (options_.url.tls == RedisUrl::Tls::on ? "; does the server speak TLS on this port?" : "");
        default: return "Redis at " + endpoint_.address() + " did not answer in time";
    }
}

RedisLink::Action RedisLink::on(const Failed& failed) {
    if (state_ == State::idle || state_ == State::waiting) return {};
    return lose(failed.why, failed.cause == Failed::Cause::lasting ? Pace::slow : Pace::fast);
}

RedisLink::Action RedisLink::on(const Stop&) {
    state_ = State::stopped;
    wake_at_.reset();
    return {.what = Do::close};
}

RedisLink::Action RedisLink::lose(std::string why, Pace pace) {
    if (state_ == State::ready && now_ >= ready_since_ + options_.times.settled) failures_ = 0;
    state_ = State::waiting;
    questions_.clear();
    const LinkTimes& times = options_.times;
    const Time least = pace == Pace::slow ? times.slow_min : times.back_off_min;
    const Time most = pace == Pace::slow ? times.slow_max : times.back_off_max;
    constexpr unsigned doublings_max = 16;
    wake_at_ = now_ + jittered(std::min(least * (1U << std::min(failures_, doublings_max)), most));
    ++failures_;
    cause_ = std::move(why);
    Action action{.what = Do::close};
    if (logged_cause_ != cause_) {
        logged_cause_ = cause_;
        action.log =
            LogLine{LogLevel::warning, "no link to Redis (" + options_.url.redacted() + "): " + cause_};
    }
    return action;
}

// Up to a quarter more, so that the links of many hubs do not return together.
RedisLink::Time RedisLink::jittered(Time wait) {
    const auto quarter = static_cast<std::uint64_t>(wait.count() / 4);
    return wait + Time{static_cast<std::int64_t>(random_() % (quarter + 1))};
}

}  // namespace tidings::redis
