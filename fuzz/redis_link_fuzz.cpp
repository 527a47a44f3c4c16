// A script for the machines of a link: time, answers and failures in any order. Whatever comes: a link that
// is ready was introduced, it always has a time at which it goes on, it does not hammer, and its log lines
// hold no password. The input is a row of choices; texts come from a few tables and from the input.

#include "byte_source.hpp"
#include "redis/link.hpp"
#include "redis/sentinel.hpp"

#include <cstdlib>

namespace {

using namespace tidings;
using namespace tidings::redis;
using std::chrono::milliseconds;

constexpr std::string_view urls[] = {
    "redis://h",
    "redis://u:geheim@h/3",
    "rediss://:geheim@h",
    "redis+sentinel://u:geheim@a,b/m?sentinel_password=geheim",
};

constexpr std::string_view texts[] = {
    "redis_version:7.0.15\r\nrun_id:x\r\nrole:master\r\nloading:0\r\n",
    "redis_version:7.0.15\r\nrun_id:x\r\nrole:slave\r\n",
    "redis_version:6.0.0\r\nrun_id:x\r\nrole:master\r\n",
    "redis_version:7.2.0\r\nrun_id:x\r\nrole:master\r\nloading:1\r\n",
    "yes",
    "m 10.0.0.1 1 10.0.0.2 2",
    "message",
    "127.0.0.1",
    "6379",
    "appendonly",
    "",
};

constexpr std::string_view errors[] = {"WRONGPASS no", "NOPERM 'x'", "LOADING x", "READONLY x", "ERR x", ""};

std::string text_of(ByteSource& source) {
    const auto choice = source.below(std::size(texts) + 1);
    if (choice < std::size(texts)) return std::string{texts[choice]};
    std::string text;
    for (auto left = source.below(32); left > 0; --left) text += static_cast<char>(source.byte());
    return text;
}

Value value_of(ByteSource& source, int depth = 0) {
    switch (source.below(depth < 3 ? 6 : 5)) {
        case 0: return {};
        case 1: return Value::of_integer(source.byte());
        case 2: return Value::of_status(source.below(2) == 0 ? "OK" : text_of(source));
        case 3: return Value::of_error(std::string{errors[source.below(std::size(errors))]});
        case 4: return Value::of_text(text_of(source));
        default: break;
    }
    std::vector<Value> items;
    for (auto left = source.below(5); left > 0; --left) items.push_back(value_of(source, depth + 1));
    return Value::of_array(std::move(items));
}

void check(bool holds) {
    if (!holds) std::abort();
}

RedisLink::Input link_input(ByteSource& source) {
    switch (source.below(9)) {
        case 0: return RedisLink::Start{};
        case 1: return RedisLink::Found{{"10.0.0.1", 1}};
        case 2: return RedisLink::Connected{};
        case 3: return RedisLink::Failed{text_of(source)};
        case 4: return RedisLink::Failed{"x", RedisLink::Failed::Cause::lasting};
        case 5: return RedisLink::Received{};
        case 6: return RedisLink::Tick{};
        default: return RedisLink::Reply{value_of(source)};
    }
}

void drive_link(ByteSource source) {
    const auto url = RedisUrl::parse(urls[source.below(std::size(urls))]).value();
    RedisLink link{{.url = url, .seed = source.byte()}};
    milliseconds now{0};
    bool started = false;
    std::size_t owed = 0;  // answers to the introduction
    milliseconds closed_at{-1};
    while (!source.empty()) {
        now += milliseconds{source.below(8) == 0 ? source.byte() * 200 : source.byte()};
        const auto input = link_input(source);
        const bool was_ready = link.is_ready();
        const bool is_reply = std::holds_alternative<RedisLink::Reply>(input);
        const auto action = link.step(now, input);
        started = started || std::holds_alternative<RedisLink::Start>(input);
        if (is_reply && !was_ready && owed > 0) --owed;
        if (action.log) check(action.log->text.find("geheim") == std::string::npos);
        check(link.wake_at().has_value() == started);
        check(action.what != RedisLink::Do::find || url.topology == RedisUrl::Topology::sentinel);
        const bool goes_on = action.what == RedisLink::Do::connect || action.what == RedisLink::Do::find;
        if (action.what == RedisLink::Do::write) {
            check(!action.bytes.empty() && action.replies > 0);
            if (!was_ready) owed = action.replies;
        }
        if (goes_on && closed_at >= milliseconds{0} && action.what == RedisLink::Do::find)
            check(now >= closed_at + milliseconds{100});
        if (action.what == RedisLink::Do::close) {
            closed_at = now;
            check(!link.is_ready() && *link.wake_at() >= now + milliseconds{100});
        }
        if (action.what == RedisLink::Do::ready) {
            check(owed == 0 && link.is_ready());
            check(!link.server().run_id.empty() && link.server().role == "master");
        }
        check(link.is_ready() ==
              (was_ready ? action.what != RedisLink::Do::close : action.what == RedisLink::Do::ready));
    }
}

SentinelInput::Any sentinel_input(ByteSource& source) {
    switch (source.below(6)) {
        case 0: return SentinelInput::Connected{};
        case 1: return SentinelInput::Failed{text_of(source)};
        case 2: return SentinelInput::Tick{};
        default: return SentinelInput::Reply{value_of(source)};
    }
}

void drive_sentinels(ByteSource source) {
    const auto url = RedisUrl::parse(urls[3]).value();
    SentinelSearch search{url};
    SentinelWatch watch{url};
    milliseconds now{0};
    bool running = false;
    while (!source.empty()) {
        now += milliseconds{source.byte() * 10};
        if (!running) search.start(now);
        running = true;
        const auto input = sentinel_input(source);
        const auto action = search.step(now, input);
        if (action.what == SentinelAction::Do::found) {
            check(!action.endpoint.host.empty() && action.endpoint.port != 0);
            watch.start(now, search.sentinels(), action.endpoint);
        }
        if (action.what == SentinelAction::Do::failed) check(!action.why.empty());
        running = search.wake_at().has_value();
        check(!search.sentinels().empty() && search.sentinels().size() <= SentinelSearch::sentinels_max);
        const auto watched = watch.step(now, input);
        if (watched.what == SentinelAction::Do::moved) check(watched.endpoint.port != 0);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    drive_link({data, size});
    drive_sentinels({data, size});
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    InfoText::parse(text);
    parse_switch_master(text, "m");
    if (const auto url = RedisUrl::parse(text)) {
        check(!url->hosts.empty());
        const auto redacted = url->redacted();
        // Short passwords may occur elsewhere by chance.
        if (url->password.size() > 12) check(redacted.find(":" + url->password + "@") == std::string::npos);
    }
    return 0;
}
