#pragma once
// Every name that we use on Redis. The original's three are ChannelKeys'; the others are ours alone.

#include "event/wire_json.hpp"

#include <tidings/event.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tidings::redis {

// A value. All names begin with the prefix; docs/redis.md lists them.
class Names {
public:
    explicit Names(std::string prefix = "sse") : prefix_{std::move(prefix)}, keys_{prefix_} {}

    std::string stream(const Audience& audience) const;
    std::string channel(const Audience& audience) const;
    // Whose channel it is; none: not an audience's.
    std::optional<Audience> audience_of(std::string_view channel) const;

    std::string partition() const { return prefix_ + ":tidings:partition"; }
    std::string tombstone(const Audience& topic) const { return prefix_ + ":tidings:closed:" + topic.name; }
    // `digest` in hexadecimal.
    std::string idempotency(std::string_view digest) const {
        return prefix_ + ":tidings:key:" + std::string{digest};
    }
    std::string tokens(std::string_view instance) const {
        return prefix_ + ":tidings:tokens:" + std::string{instance};
    }
    std::string wait(std::string_view instance) const {
        return prefix_ + ":tidings:wait:" + std::string{instance};
    }
    // Where one hub's markers arrive, and where hubs hear of each other.
    std::string hub_channel(std::string_view instance) const {
        return prefix_ + ":tidings:hub:" + std::string{instance};
    }
    std::string hubs_channel() const { return prefix_ + ":tidings:hubs"; }

private:
    std::string prefix_;
    ChannelKeys keys_;
};

}  // namespace tidings::redis
