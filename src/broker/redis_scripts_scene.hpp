#pragma once
// For tests: the scripts of src/redis called directly on a server of the test's own.

#include "redis/script_calls.hpp"
#include "redis/term_text.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::redis_scripts {

using namespace redis;

inline constexpr Milliseconds noon = 1'768'876'200'000;
inline constexpr Milliseconds hour = 3'600'000;
inline const Audience ann{Audience::Kind::user, "11111111-2222-7333-8444-555555555555"};
inline const Audience room{Audience::Kind::topic, "room"};
inline const std::string stream = "sse:stream:user:" + ann.name;
inline const std::string partition = "sse:tidings:partition";

inline AppendCall item(Audience audience = ann, std::string data = "{}") {
    AppendCall call;
    call.audience = std::move(audience);
    call.type = "sync.accounts.completed";
    call.category = "data_sync";
    call.data = std::move(data);
    call.occurred_at = "2026-01-20T02:30:00+00:00";
    return call;
}
inline AppendCall closing(Audience topic = room) {
    auto call = item(std::move(topic));
    call.kind = AppendCall::Kind::closes;
    return call;
}
inline AppendCall passing(Audience audience = ann) {
    auto call = item(std::move(audience));
    call.kind = AppendCall::Kind::unretained;
    call.passing_id = *Uuid::parse("0199a2b4-0000-7abc-8def-0123456789ab");
    return call;
}
inline AppendCall with_key(AppendCall call, std::string key, std::string body) {
    call.idempotency_key = std::move(key);
    call.idempotency_body = std::move(body);
    return call;
}

// A server, one connection to it, and the hub "a" with its lease; the scripts' clock stands at noon until it
// is moved. Tests change `head` as they like.
class RedisScripts : public testing::Test {
protected:
    void SetUp() override { begin(head); }

    // What a hub says at first.
    static CallHead hub(std::string instance) {
        CallHead head;
        head.run_id = "run1";
        head.instance = std::move(instance);
        head.fresh_tag = 0xfffffff1;
        head.server = "host:1";
        head.wall = noon;
        return head;
    }
    void begin(CallHead& who) {
        const auto reply = state(who);
        who.known = reply.facts.table.running().name;
    }

    Value run(const std::string& bytes) {
        RespReader reader;
        if (!reader.feed(bytes)) return {};
        const auto command = reader.next().value_or(Value{});
        std::vector<std::string> args;
        for (const auto& word : command.items) args.push_back(word.text);
        return client.call(args);
    }
    Value call(const std::vector<std::string>& args) { return client.call(args); }

    Value raw_append(const CallHead& who, std::uint64_t with_serial, const std::vector<AppendCall>& items) {
        return run(append_command(scripts, ScriptForm::by_source, names, who, with_serial, items));
    }
    AppendReply append_as(const CallHead& who, const std::vector<AppendCall>& items) {
        const auto value = raw_append(who, ++serial, items);
        auto reply = parse_append_reply(value);
        EXPECT_TRUE(reply) << value.text;
        return reply.value_or(AppendReply{});
    }
    std::vector<AppendResult> append(const std::vector<AppendCall>& items) {
        return append_as(head, items).results;
    }
    AppendResult append(const AppendCall& one) {
        const auto results = append(std::vector<AppendCall>{one});
        return results.size() == 1 ? results.front() : AppendResult{};
    }
    BoundReply bound_as(const CallHead& who, std::optional<Position> at_least = {}) {
        const auto value = run(bound_command(scripts, ScriptForm::by_source, names, who, ++serial, at_least));
        auto reply = parse_bound_reply(value);
        EXPECT_TRUE(reply) << value.text;
        return reply.value_or(BoundReply{});
    }
    BoundReply bound(std::optional<Position> at_least = {}) { return bound_as(head, at_least); }
    StateReply state(const CallHead& who, const StateCall& what = {}) {
        const auto value = run(state_command(scripts, ScriptForm::by_source, names, who, what));
        auto reply = parse_state_reply(value);
        EXPECT_TRUE(reply || what.part == StateCall::Part::leaving) << value.text;
        return reply.value_or(StateReply{});
    }

    std::string field(const std::string& name) {
        return std::string{call({"HGET", partition, name}).text_or_empty()};
    }
    void set_field(const std::string& name, const std::string& value) {
        call({"HSET", partition, name, value});
    }
    std::int64_t length(const std::string& key) { return call({"XLEN", key}).as_integer().value_or(-1); }
    // `prev` of the last entry of a log, as it stands there.
    std::string last_prev(const std::string& key) {
        const auto last = call({"XREVRANGE", key, "+", "-", "COUNT", "1"});
        const std::string meta{last.at(0).at(1).at(9).text_or_empty()};
        const auto from = meta.find("\"prev\": \"");
        return from == std::string::npos ? meta : meta.substr(from + 9, meta.find('"', from + 9) - from - 9);
    }
    void foreign(const std::string& id, const std::string& key = stream) {
        const auto reply =
            call({"XADD", key, id, "event_id", "0199a2b4-0000-7abc-8def-0123456789ab", "event_type",
                  "sync.accounts.completed", "data", "{}", "occurred_at", "2026-01-20T02:30:00+00:00"});
        EXPECT_FALSE(reply.is_error()) << reply.text;
    }

    test::RedisServer server;
    test::RedisClient client{server.port()};
    Scripts scripts;
    Names names;
    CallHead head = hub("a");
    std::uint64_t serial = 0;
};

// Subscribed, on a connection of its own.
class Listener {
public:
    Listener(std::uint16_t port, const std::vector<std::string>& channels) : client_{port} {
        std::vector<std::string> words{"SUBSCRIBE"};
        words.insert(words.end(), channels.begin(), channels.end());
        client_.send(words);
        for (std::size_t i = 0; i < channels.size(); ++i) client_.next();
    }
    // "<channel> <message>"
    std::string next() {
        const auto value = client_.next();
        if (!value) return "nothing";
        return std::string{value->at(1).text_or_empty()} + " " + std::string{value->at(2).text_or_empty()};
    }

private:
    test::RedisClient client_;
};

}  // namespace tidings::redis_scripts
