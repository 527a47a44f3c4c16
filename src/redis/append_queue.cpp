#include "redis/append_queue.hpp"

#include <algorithm>

namespace tidings::redis {
namespace {

std::size_t bytes_of(const AppendCall& item) noexcept {
    return sizeof(AppendCall) + item.audience.name.size() + item.type.size() + item.data.size() +
           item.key.size() + item.category.size();
}

}  // namespace

void AppendQueue::add(std::uint64_t request, std::vector<AppendCall> items, Milliseconds now) {
    std::size_t bytes = 0;
    for (const auto& item : items) bytes += bytes_of(item);
    const bool room = items_ + items.size() <= bounds_.items && bytes_ + bytes <= bounds_.bytes;
    if (!room || items.empty()) {
        answers_.push_back({request, std::vector<Outcome>(items.size(), Outcome{Fate::no_room, {}})});
        return;
    }
    Request waiting;
    waiting.outcomes.resize(items.size());
    waiting.left = items.size();
    waiting.deadline = now + bounds_.patience;
    requests_.emplace(request, std::move(waiting));
    items_ += items.size();
    bytes_ += bytes;
    queued_bytes_ += bytes;
    for (std::size_t i = 0; i < items.size(); ++i) queue_.push_back({{request, i}, std::move(items[i])});
}

std::size_t AppendQueue::under_way() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        calls_.begin(), calls_.end(), [](const auto& call) { return call.second.stage == Stage::sent; }));
}

bool AppendQueue::fills_a_call() const noexcept {
    return queue_.size() >= bounds_.call_items || queued_bytes_ >= bounds_.call_bytes;
}

std::optional<AppendQueue::Call> AppendQueue::next() {
    const std::size_t sent = under_way();
    if (sent >= bounds_.calls) return std::nullopt;
    for (auto& [serial, call] : calls_) {
        if (call.stage != Stage::to_send) continue;
        call.stage = Stage::sent;
        return Call{serial, call.items};
    }
    if (sent >= bounds_.small_calls && !fills_a_call()) return std::nullopt;
    Sent call;
    while (!queue_.empty() && call.items.size() < bounds_.call_items) {
        auto& front = queue_.front();
        const std::size_t bytes = bytes_of(front.item);
        if (!requests_.contains(front.place.request)) {  // its deadline has passed
            --items_;
            bytes_ -= bytes;
            queued_bytes_ -= bytes;
            queue_.pop_front();
            continue;
        }
        if (!call.items.empty() && call.bytes + bytes > bounds_.call_bytes) break;
        call.bytes += bytes;
        queued_bytes_ -= bytes;
        call.places.push_back(front.place);
        call.items.push_back(std::move(front.item));
        queue_.pop_front();
    }
    if (call.items.empty()) return std::nullopt;
    call.stage = Stage::sent;
    const std::uint64_t serial = next_serial_++;
    const auto at = calls_.emplace(serial, std::move(call)).first;
    return Call{serial, at->second.items};
}

std::span<const AppendCall> AppendQueue::items_of(std::uint64_t serial) const {
    const auto call = calls_.find(serial);
    if (call == calls_.end()) return {};
    return call->second.items;
}

void AppendQueue::replied(std::uint64_t serial, std::vector<AppendResult> results) {
    const auto call = calls_.find(serial);
    if (call == calls_.end() || call->second.stage == Stage::replied) return;
    if (results.size() != call->second.items.size()) return conclude_call(call, Fate::unknown);
    call->second.stage = Stage::replied;
    call->second.results = std::move(results);
}

void AppendQueue::again(std::uint64_t serial) {
    const auto call = calls_.find(serial);
    if (call == calls_.end() || call->second.stage != Stage::sent) return;
    call->second.unanswered = true;
    send_again(call);
}

void AppendQueue::postpone(std::uint64_t serial) {
    const auto call = calls_.find(serial);
    if (call != calls_.end() && call->second.stage == Stage::sent) send_again(call);
}

void AppendQueue::send_again(std::map<std::uint64_t, Sent>::iterator call) {
    if (!anybody_waits(call->second)) return forget(call);
    call->second.stage = Stage::to_send;
}

void AppendQueue::refuse(std::uint64_t serial, const std::string& why) {
    const auto call = calls_.find(serial);
    if (call == calls_.end() || call->second.stage == Stage::replied) return;
    conclude_call(call, call->second.unanswered ? Fate::unknown : Fate::refused, why);
}

void AppendQueue::settle(std::uint64_t serial) {
    const auto call = calls_.find(serial);
    if (call == calls_.end() || call->second.stage != Stage::replied) return;
    const Sent& sent = call->second;
    for (std::size_t i = 0; i < sent.places.size(); ++i) {
        conclude(sent.places[i], {Fate::answered, sent.results[i]});
    }
    forget(call);
}

void AppendQueue::unconfirmed(std::uint64_t serial) {
    const auto call = calls_.find(serial);
    if (call != calls_.end()) conclude_call(call, Fate::unconfirmed);
}

std::vector<std::uint64_t> AppendQueue::replied_serials() const {
    std::vector<std::uint64_t> serials;
    for (const auto& [serial, call] : calls_) {
        if (call.stage == Stage::replied) serials.push_back(serial);
    }
    return serials;
}

void AppendQueue::link_lost() {
    for (auto call = calls_.begin(); call != calls_.end();) {
        const auto next = std::next(call);
        if (call->second.stage == Stage::sent) {
            call->second.unanswered = true;
            send_again(call);
        }
        call = next;
    }
}

AppendQueue::Fate AppendQueue::fate_now(const Sent& call) noexcept {
    if (call.stage == Stage::replied) return Fate::unconfirmed;
    return call.stage == Stage::sent || call.unanswered ? Fate::unknown : Fate::not_sent;
}

void AppendQueue::expire(Milliseconds now) {
    std::vector<std::uint64_t> late;
    for (const auto& [number, request] : requests_) {
        if (request.deadline <= now) late.push_back(number);
    }
    for (const auto number : late) {
        auto node = requests_.extract(number);
        auto& outcomes = node.mapped().outcomes;
        for (auto& [serial, call] : calls_) {
            for (const auto& place : call.places) {
                if (place.request == number) outcomes[place.index].fate = fate_now(call);
            }
        }
        answers_.push_back({number, std::move(outcomes)});
    }
    // A call that nobody waits for any more is not sent again; nor is an item that was answered as not sent.
    for (auto call = calls_.begin(); call != calls_.end();) {
        const auto next = std::next(call);
        const bool new_to_server = call->second.stage == Stage::to_send && !call->second.unanswered;
        if (new_to_server) drop_answered(call->second);
        if (call->second.stage != Stage::sent && !anybody_waits(call->second)) forget(call);
        call = next;
    }
    while (!queue_.empty() && !requests_.contains(queue_.front().place.request)) {
        --items_;
        const std::size_t bytes = bytes_of(queue_.front().item);
        bytes_ -= bytes;
        queued_bytes_ -= bytes;
        queue_.pop_front();
    }
}

void AppendQueue::drop_answered(Sent& call) {
    for (std::size_t i = call.places.size(); i-- > 0;) {
        if (requests_.contains(call.places[i].request)) continue;
        --items_;
        bytes_ -= bytes_of(call.items[i]);
        call.places.erase(call.places.begin() + static_cast<std::ptrdiff_t>(i));
        call.items.erase(call.items.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

void AppendQueue::close() {
    while (!calls_.empty()) conclude_call(calls_.begin(), fate_now(calls_.begin()->second));
    for (auto& [number, request] : requests_) answers_.push_back({number, std::move(request.outcomes)});
    requests_.clear();
    queue_.clear();
    items_ = bytes_ = queued_bytes_ = 0;
}

bool AppendQueue::unsent_before(std::uint64_t request) const noexcept {
    if (!queue_.empty() && queue_.front().place.request < request) return true;
    return std::any_of(calls_.begin(), calls_.end(), [request](const auto& call) {
        return call.second.stage == Stage::to_send && call.second.places.front().request < request;
    });
}

bool AppendQueue::anybody_waits(const Sent& call) const {
    return std::any_of(call.places.begin(), call.places.end(),
                       [this](const Place& place) { return requests_.contains(place.request); });
}

void AppendQueue::conclude(const Place& place, Outcome outcome) {
    const auto request = requests_.find(place.request);
    if (request == requests_.end()) return;
    request->second.outcomes[place.index] = std::move(outcome);
    if (--request->second.left > 0) return;
    answers_.push_back({place.request, std::move(request->second.outcomes)});
    requests_.erase(request);
}

void AppendQueue::conclude_call(std::map<std::uint64_t, Sent>::iterator call, Fate fate,
                                const std::string& why) {
    for (const auto& place : call->second.places) {
        Outcome outcome;
        outcome.fate = fate;
        outcome.result.why = why;
        conclude(place, std::move(outcome));
    }
    forget(call);
}

void AppendQueue::forget(std::map<std::uint64_t, Sent>::iterator call) {
    items_ -= call->second.items.size();
    for (const auto& item : call->second.items) bytes_ -= bytes_of(item);
    calls_.erase(call);
}

}  // namespace tidings::redis
