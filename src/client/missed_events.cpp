// What came after an id, asked once: the answer that the original's get_missed_events gives, with its reason.

#include "client/redis_settings.hpp"
#include "client/subscriber_core.hpp"

#include <algorithm>
#include <future>

namespace tidings::detail {
namespace {

constexpr std::chrono::milliseconds ask_again{50};

MissedCause cause_of(GapReason reason) noexcept {
    switch (reason) {
        case GapReason::unknown_id: return MissedCause::unknown_id;
        case GapReason::store_reset: return MissedCause::store_reset;
        case GapReason::trimmed:
        case GapReason::overflow:
        case GapReason::foreign: break;
    }
    return MissedCause::trimmed;
}

}  // namespace

MissedEvents SubscriberCore::missed(const UserId& user, std::string_view id,
                                    const CategoryFilter& categories) {
    MissedEvents away;
    away.cause = MissedCause::store_away;
    if (on_thread()) {
        log_line(options_.log, LogLevel::error,
                 "missed_events waits; from a callback use the form that does not", {});
        return away;
    }
    // Shared: the answer may come after the patience has ended.
    auto answered = std::make_shared<std::promise<MissedEvents>>();
    auto answer = answered->get_future();
    missed(user, id, categories, [answered](MissedEvents found) { answered->set_value(std::move(found)); });
    // A thread that a callback holds up must not hold up this one.
    const auto limit = options_.patience + std::chrono::seconds{1};
    return answer.wait_for(limit) == std::future_status::ready ? answer.get() : away;
}

void SubscriberCore::missed(const UserId& user, std::string_view id, const CategoryFilter& categories,
                            std::function<void(MissedEvents)> done) {
    FollowRequest request;
    request.logs = {Audience::user(user), Audience::broadcast()};
    request.cursor = id;
    request.foreign = store_->foreign();
    request.repeats = false;
    request.held_events = 0;
    // Shared, because post() takes what can be copied or not, and the answer is needed where it fails.
    auto query = std::make_shared<std::unique_ptr<Query>>(
        std::make_unique<Query>(std::move(request), categories, std::move(done)));
    const bool kept =
        options_.redis.retention.user.events > 0 && options_.redis.retention.user.age.count() > 0;
    const bool known = Uuid::parse_any(id).has_value();
    const bool posted = post([this, query, kept, known] {
        const auto number = next_id_++;
        queries_.emplace(number, std::move(*query));
        if (!kept) return answer(number, MissedCause::retention_off);
        if (!known) return answer(number, MissedCause::unknown_id);
        loop_.later(options_.patience, [this, number] { answer(number, MissedCause::store_away); });
        step(number, queries_.at(number)->follower.start());
    });
    if (posted) return;
    MissedEvents away;
    away.cause = MissedCause::store_away;
    guarded([&] { (*query)->done(std::move(away)); });
}

void SubscriberCore::step(std::uint64_t number, Follower::Action action) {
    collect(number);
    if (!queries_.contains(number)) return;
    const auto again = [this, number] {
        loop_.later(ask_again, [this, number] {
            const auto at = queries_.find(number);
            if (at != queries_.end()) step(number, at->second->follower.on_failed());
        });
    };
    // Takes an answer of the store's to the machine, on the thread.
    const auto onward = [this, number, again](auto take) {
        return [this, number, again, take](auto answer) {
            loop_.post([this, number, again, take, answer = std::move(answer)]() mutable {
                const auto at = queries_.find(number);
                if (at == queries_.end()) return;
                if (!answer) return again();
                step(number, take(at->second->follower, *std::move(answer)));
            });
        };
    };
    using Kind = Follower::Action::Kind;
    switch (action.kind) {
        case Kind::none: return;
        case Kind::live: return answer(number, std::nullopt);
        case Kind::ask_bound:
            return store_->bound(
                onward([](Follower& follower, Bound bound) { return follower.on_bound(bound); }));
        case Kind::find: {
            std::vector<Audience> logs;
            for (auto& log : action.read.logs) logs.push_back(std::move(log.audience));
            return store_->find(std::move(logs), action.id,
                                onward([](Follower& follower, std::optional<Position> found) {
                                    return follower.on_found(found);
                                }));
        }
        case Kind::read:
            return store_->read(std::move(action.read),
                                onward([](Follower& follower, std::vector<LogPage> pages) {
                                    return follower.on_pages(std::move(pages));
                                }));
    }
}

void SubscriberCore::collect(std::uint64_t number) {
    auto& query = *queries_.at(number);
    auto& found = query.found;
    for (auto& item : query.follower.take()) {
        if (const auto* gap = std::get_if<Gap>(&item)) {
            if (!found.cause) found.cause = cause_of(gap->reason);
            continue;
        }
        auto event = event_of(std::get<Entry>(std::move(item)), query.categories);
        if (event) found.events.push_back(*std::move(event));
    }
    // Other systems' ids are looked for only where their logs are read.
    if (found.cause == MissedCause::unknown_id && !store_->foreign())
        found.cause = MissedCause::retention_off;
    found.more = found.events.size() >= options_.missed_events;
    if (found.more) answer(number, std::nullopt);
}

void SubscriberCore::answer(std::uint64_t number, std::optional<MissedCause> cause) {
    const auto at = queries_.find(number);
    if (at == queries_.end()) return;
    const auto query = std::move(at->second);
    queries_.erase(at);
    if (cause) {
        query->found.events.clear();
        query->found.cause = cause;
    }
    guarded([&] { query->done(std::move(query->found)); });
}

}  // namespace tidings::detail
