#pragma once
// Which channels a link is subscribed to, and who waits for that.

#include "redis/resp.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::redis {

// Counted uses of channel names, and the commands that make one subscriber link follow them. Owned by that
// link's owner, on its thread; bounded by the names in use. Nothing is sent for a name that is released and
// used again between two calls of take_commands().
//
// A name is confirmed when Redis has confirmed the last SUBSCRIBE that was sent for it: a confirmation of an
// earlier one, from before an UNSUBSCRIBE, does not count.
class ChannelSet {
public:
    using Waiter = std::uint64_t;  // chosen by the caller, different for each wait

    static constexpr std::size_t names_per_command = 512;

    void use(std::string_view name);
    // Each after its use(). A release of a name that is not in use is ignored.
    void release(std::string_view name);
    bool in_use(std::string_view name) const;
    std::vector<std::string> all_in_use() const;

    enum class Waiting : std::uint8_t { over, begun };
    // Waits until all the names are confirmed; call it after use(). `over`: they are already. Otherwise
    // confirm() returns the waiter once. If the link is lost before, it waits for all of them again.
    // A waiter of a name that is released meanwhile may wait for ever: cancel it.
    Waiting wait(Waiter waiter, std::span<const std::string> names);
    void cancel(Waiter waiter);

    // The commands to send now, each SUBSCRIBE or UNSUBSCRIBE of up to names_per_command names. After
    // reset() nothing is subscribed, so everything in use comes again.
    std::vector<std::string> take_commands();
    // A push of the link. Returns the waiters that are complete by it.
    std::vector<Waiter> confirm(const Value& push);
    // The link is lost: nothing is subscribed, and confirmations that are still owed will not come.
    void reset();

    // Whether every name in use is confirmed.
    bool all_confirmed() const noexcept { return unconfirmed_ == 0; }
    std::size_t size() const noexcept { return in_use_; }  // names in use

private:
    enum class Sent : std::uint8_t { nothing, subscribe, unsubscribe };

    struct Channel {
        std::string name;
        std::size_t uses = 0;
        std::size_t owed = 0;  // confirmations of commands that were sent
        Sent sent = Sent::nothing;
        bool marked = false;  // is in changed_
        std::vector<Waiter> waiters{};

        bool confirmed() const noexcept { return uses > 0 && sent == Sent::subscribe && owed == 0; }
    };
    struct Pending {
        std::vector<std::string> names{};
        std::size_t missing = 0;
    };

    Channel& channel(std::string_view name);
    Channel* find(std::string_view name);
    void mark(Channel& one);
    void forget_if_idle(Channel& one);
    void attach(Waiter waiter, Pending& pending);

    // Addresses of channels are kept in changed_, so they must not move.
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Channel>> channels_;
    boost::unordered_flat_map<Waiter, Pending> waiters_;
    std::vector<Channel*> changed_;
    std::size_t in_use_ = 0;
    std::size_t unconfirmed_ = 0;  // of those in use
};

}  // namespace tidings::redis
