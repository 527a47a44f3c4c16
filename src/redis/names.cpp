#include "redis/names.hpp"

namespace tidings::redis {

std::string Names::stream(const Audience& audience) const {
    switch (audience.kind) {
        case Audience::Kind::user: return prefix_ + ":stream:user:" + audience.name;
        case Audience::Kind::topic: return prefix_ + ":stream:topic:" + audience.name;
        case Audience::Kind::broadcast: break;
    }
    return prefix_ + ":stream:broadcast";
}

std::string Names::channel(const Audience& audience) const {
    switch (audience.kind) {
        case Audience::Kind::user: return prefix_ + ":user:" + audience.name;
        case Audience::Kind::topic: return prefix_ + ":topic:" + audience.name;
        case Audience::Kind::broadcast: break;
    }
    return keys_.broadcast_channel();
}

std::optional<Audience> Names::audience_of(std::string_view channel) const {
    if (keys_.is_broadcast(channel)) return Audience::broadcast();
    const std::string topics = prefix_ + ":topic:";
    if (channel.starts_with(topics)) {
        auto topic = Audience::topic(channel.substr(topics.size()));
        if (!topic) return std::nullopt;
        return *std::move(topic);
    }
    const std::string users = prefix_ + ":user:";
    if (!channel.starts_with(users)) return std::nullopt;
    return Audience{Audience::Kind::user, std::string{channel.substr(users.size())}};
}

}  // namespace tidings::redis
