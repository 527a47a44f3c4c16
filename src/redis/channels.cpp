#include "redis/channels.hpp"

#include <algorithm>
#include <utility>

namespace tidings::redis {
namespace {

void append_batches(std::vector<std::string>& commands, std::string_view verb,
                    const std::vector<std::string_view>& names) {
    std::vector<std::string_view> args;
    for (std::size_t from = 0; from < names.size(); from += ChannelSet::names_per_command) {
        const auto count = std::min(ChannelSet::names_per_command, names.size() - from);
        args.assign(1, verb);
        args.insert(args.end(), names.begin() + static_cast<std::ptrdiff_t>(from),
                    names.begin() + static_cast<std::ptrdiff_t>(from + count));
        append_command(commands.emplace_back(), args);
    }
}

}  // namespace

ChannelSet::Channel* ChannelSet::find(std::string_view name) {
    const auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : found->second.get();
}

ChannelSet::Channel& ChannelSet::channel(std::string_view name) {
    if (auto* found = find(name)) return *found;
    auto made = std::make_unique<Channel>();
    made->name = name;
    Channel& one = *made;
    channels_.emplace(std::string_view{one.name}, std::move(made));
    return one;
}

void ChannelSet::mark(Channel& one) {
    if (std::exchange(one.marked, true)) return;
    changed_.push_back(&one);
}

void ChannelSet::forget_if_idle(Channel& one) {
    if (one.uses > 0 || one.owed > 0 || one.sent == Sent::subscribe || one.marked) return;
    channels_.erase(std::string_view{one.name});
}

void ChannelSet::use(std::string_view name) {
    Channel& one = channel(name);
    if (one.uses++ > 0) return;
    ++in_use_;
    if (!one.confirmed()) ++unconfirmed_;
    if (one.sent != Sent::subscribe) mark(one);
}

void ChannelSet::release(std::string_view name) {
    Channel* one = find(name);
    if (one == nullptr || one->uses == 0) return;
    if (one->uses == 1) {
        --in_use_;
        if (!one->confirmed()) --unconfirmed_;
    }
    if (--one->uses > 0) return;
    if (one->sent == Sent::subscribe) mark(*one);
    forget_if_idle(*one);
}

bool ChannelSet::in_use(std::string_view name) const {
    const auto found = channels_.find(name);
    return found != channels_.end() && found->second->uses > 0;
}

std::vector<std::string> ChannelSet::all_in_use() const {
    std::vector<std::string> names;
    for (const auto& [name, one] : channels_) {
        if (one->uses > 0) names.emplace_back(name);
    }
    return names;
}

void ChannelSet::attach(Waiter waiter, Pending& pending) {
    pending.missing = 0;
    for (const auto& name : pending.names) {
        Channel* one = find(name);
        if (one != nullptr && one->confirmed()) continue;
        ++pending.missing;
        if (one != nullptr) one->waiters.push_back(waiter);
    }
}

ChannelSet::Waiting ChannelSet::wait(Waiter waiter, std::span<const std::string> names) {
    Pending pending;
    pending.names.assign(names.begin(), names.end());
    attach(waiter, pending);
    if (pending.missing == 0) return Waiting::over;
    waiters_.insert_or_assign(waiter, std::move(pending));
    return Waiting::begun;
}

void ChannelSet::cancel(Waiter waiter) {
    const auto found = waiters_.find(waiter);
    if (found == waiters_.end()) return;
    for (const auto& name : found->second.names) {
        if (Channel* one = find(name)) std::erase(one->waiters, waiter);
    }
    waiters_.erase(found);
}

std::vector<std::string> ChannelSet::take_commands() {
    std::vector<std::string_view> subscribe;
    std::vector<std::string_view> unsubscribe;
    auto changed = std::exchange(changed_, {});
    for (Channel* one : changed) {
        one->marked = false;
        const bool subscribed = one->sent == Sent::subscribe;
        if (one->uses > 0 && !subscribed) {
            subscribe.emplace_back(one->name);
            one->sent = Sent::subscribe;
            ++one->owed;
        } else if (one->uses == 0 && subscribed) {
            unsubscribe.emplace_back(one->name);
            one->sent = Sent::unsubscribe;
            ++one->owed;
        } else {
            forget_if_idle(*one);
        }
    }
    std::vector<std::string> commands;
    append_batches(commands, "UNSUBSCRIBE", unsubscribe);
    append_batches(commands, "SUBSCRIBE", subscribe);
    return commands;
}

std::vector<ChannelSet::Waiter> ChannelSet::confirm(const Value& push) {
    const auto kind = push.at(0).text_or_empty();
    if (kind != "subscribe" && kind != "unsubscribe") return {};
    Channel* one = find(push.at(1).text_or_empty());
    if (one == nullptr || one->owed == 0) return {};
    --one->owed;
    if (!one->confirmed()) {
        forget_if_idle(*one);
        return {};
    }
    --unconfirmed_;
    std::vector<Waiter> complete;
    for (const Waiter waiter : std::exchange(one->waiters, {})) {
        const auto found = waiters_.find(waiter);
        if (found == waiters_.end() || --found->second.missing > 0) continue;
        complete.push_back(waiter);
        waiters_.erase(found);
    }
    return complete;
}

void ChannelSet::reset() {
    changed_.clear();
    unconfirmed_ = in_use_;
    for (auto it = channels_.begin(); it != channels_.end();) {
        Channel& one = *it->second;
        one.owed = 0;
        one.sent = Sent::nothing;
        one.marked = false;
        one.waiters.clear();
        if (one.uses == 0) {
            channels_.erase(it++);
        } else {
            mark(one);
            ++it;
        }
    }
    for (auto& [waiter, pending] : waiters_) attach(waiter, pending);
}

}  // namespace tidings::redis
