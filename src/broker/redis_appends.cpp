// What the Redis store writes: appends and bounds.

#include "broker/redis_core.hpp"

#include "event/time_text.hpp"
#include "store/log_rules.hpp"

#include <algorithm>

namespace tidings {
namespace {

using redis::AppendCall;
using redis::AppendQueue;
using redis::AppendResult;

constexpr std::size_t bounds_waiting_max = 65'536;

template <std::size_t N>
std::string hex_of(const std::array<std::uint8_t, N>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

// A version 7 UUID that is no position: for readers of messages that want an id for everything.
Uuid passing_id(std::uint64_t milliseconds, std::uint64_t random, std::uint64_t more) {
    Uuid id;
    for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
    for (std::size_t i = 6; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(more >> (8 * (i - 6)));
    for (std::size_t i = 8; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(random >> (8 * (i - 8)));
    id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

AppendCall call_of(AppendItem item, const RandomSource& random) {
    AppendCall call;
    using Kind = AppendCall::Kind;
    call.kind = item.close ? Kind::closes : item.retain ? Kind::retained : Kind::unretained;
    call.occurred_at = time_text(item.occurred_at);
    if (call.kind == Kind::unretained) {
        const auto since = item.occurred_at.time_since_epoch();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        call.passing_id =
            passing_id(static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)), random(), random());
    }
    if (item.idempotency) {
        call.idempotency_key = hex_of(item.idempotency->key);
        call.idempotency_body = hex_of(item.idempotency->body);
    }
    call.audience = std::move(item.audience);
    call.type = std::move(item.type);
    call.category = std::move(item.category);
    call.data = std::move(item.data);
    call.key = std::move(item.key);
    return call;
}

Result<Appended> result_of(const AppendQueue::Outcome& outcome) {
    using Fate = AppendQueue::Fate;
    using Kind = AppendResult::Kind;
    switch (outcome.fate) {
        case Fate::answered: break;
        case Fate::not_sent: return Error{Errc::store_unavailable, "Redis is away; nothing was stored"};
        case Fate::no_room:
            return Error{Errc::store_unavailable, "too much waits for Redis already; nothing was stored"};
        case Fate::unknown:
            return Error{Errc::outcome_unknown,
                         "Redis has not answered; repeat the request with the same idempotency key"};
        case Fate::unconfirmed:
            return Error{Errc::outcome_unknown,
                         "stored, but not confirmed; repeat the request with the same idempotency key"};
        case Fate::refused: {
            const auto error = redis::classify(outcome.result.why);
            return Error{error.errc, error.error().detail};
        }
    }
    switch (outcome.result.kind) {
        case Kind::appended: return Appended{outcome.result.id, outcome.result.position, false};
        case Kind::duplicate: return Appended{outcome.result.id, outcome.result.position, true};
        case Kind::unretained: return Appended{Uuid{}, outcome.result.position, false};
        case Kind::closed: return Error{Errc::topic_closed, "the topic is finished; publish to a new one"};
        case Kind::conflict:
            return Error{Errc::idempotency_conflict,
                         "this idempotency key came with another body before; use a new key for a new event"};
        case Kind::failed: break;
    }
    const auto error = redis::classify(outcome.result.why);
    return Error{error.errc, error.error().detail};
}

}  // namespace

void RedisCore::append(std::vector<AppendItem> batch, Append done) {
    // What is malformed fails alone and is never sent.
    auto results = std::make_unique<std::vector<std::optional<Error>>>();
    std::vector<AppendCall> calls;
    for (auto& item : batch) {
        results->push_back(malformed(item, options_.limits));
        if (!results->back()) calls.push_back(call_of(std::move(item), options_.random));
    }
    const auto request = next_request_++;
    append_waiters_.emplace(
        request, [done = std::move(done), results = std::move(results)](AppendResults answered) mutable {
            AppendResults all;
            std::size_t next = 0;
            for (auto& refused : *results) {
                if (refused) {
                    all.emplace_back(std::move(*refused));
                } else {
                    all.push_back(next < answered.size() ? std::move(answered[next])
                                                         : Result<Appended>{Error{Errc::cancelled}});
                    ++next;
                }
            }
            done(std::move(all));
        });
    queue_.add(request, std::move(calls), steady());
    pump();
    hand_out_answers();
}

void RedisCore::pump() {
    if (phase_ != Phase::online || stopping_ || leaving_) return;
    while (may_write_) {
        const auto call = queue_.next();
        if (!call) break;
        send_call(*call);
    }
    send_bound();
}

void RedisCore::send_call(const AppendQueue::Call& call) {
    const std::uint64_t serial = call.serial;
    auto bytes = redis::append_command(scripts_, form(ScriptName::append), names_, head(), serial, call.items,
                                       last_entries_);
    // A subscriber link that breaks meanwhile takes the call's marker with it.
    const auto epoch = hearing_epoch_;
    commands_->send(std::move(bytes), 1, [this, serial, epoch](Result<std::vector<redis::Value>> reply) {
        if (!reply) return queue_.again(serial);
        on_append_reply(serial, reply->front(), epoch == hearing_epoch_);
    });
}

void RedisCore::on_append_reply(std::uint64_t serial, const redis::Value& value, bool marker_comes) {
    if (lacks(ScriptName::append, value)) {
        queue_.postpone(serial);
        return pump();
    }
    if (value.is_error()) {
        const auto error = redis::classify(value.text);
        take_error(value, "an append with " + names_.partition());
        using Retry = redis::ReplyError::Retry;
        const bool passes = error.retry == Retry::soon || error.link == redis::ReplyError::Link::break_it;
        if (passes) {
            queue_.postpone(serial);
        } else {
            queue_.refuse(serial, value.text);
        }
    } else if (auto reply = redis::parse_append_reply(value)) {
        if (reply->no_lease) {
            // It was silent for so long that the others do not count on it any more.
            queue_.postpone(serial);
            may_write_ = false;
            send_state();
        } else {
            tell_failed_items(serial, reply->results);
            note_promised(reply->results);
            note_last_entries(serial, *reply);
            queue_.replied(serial, std::move(reply->results));
            const auto marked = std::find(marked_.begin(), marked_.end(), serial);
            if (marked != marked_.end() || !hearing_ || !marker_comes) {
                if (marked != marked_.end()) marked_.erase(marked);
                settle_replied(serial);
            }
        }
        suspect_term(reply->term);
    } else {
        queue_.replied(serial, {});  // unknown: it was executed, whatever it did
    }
    hand_out_answers();
    if (value.is_error()) return;  // the next try waits for the tick
    pump();
}

// What was replied to will be answered with success, sooner or later: a report that is made meanwhile has to
// say so. With replicas to wait for that is not certain; what waits when a term ends is answered as unknown.
void RedisCore::note_promised(const std::vector<AppendResult>& results) {
    if (options_.store.wait_replicas > 0) return;
    for (const auto& result : results) {
        if (result.kind == AppendResult::Kind::appended) book_.acknowledged(result.position);
    }
}

void RedisCore::note_last_entries(std::uint64_t serial, const redis::AppendReply& reply) {
    const auto items = queue_.items_of(serial);
    if (reply.repeated || items.size() != reply.results.size()) return;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const bool entry = reply.results[i].kind == AppendResult::Kind::appended &&
                           items[i].kind == AppendCall::Kind::retained;
        // Of several in a row for one log the last counts.
        const bool more = i + 1 < items.size() && items[i + 1].audience == items[i].audience;
        if (entry && !more)
            last_entries_.note(reply.term, items[i].audience.text(), reply.results[i].position);
    }
}

void RedisCore::tell_failed_items(std::uint64_t serial, const std::vector<AppendResult>& results) {
    const auto items = queue_.items_of(serial);
    for (std::size_t i = 0; i < std::min(items.size(), results.size()); ++i) {
        if (results[i].kind != AppendResult::Kind::failed) continue;
        tell_refusal("an append to " + names_.stream(items[i].audience), redis::classify(results[i].why));
    }
}

// Its listeners have heard it. With replicas to wait for it is answered when they have it.
void RedisCore::settle_replied(std::uint64_t serial) {
    if (options_.store.wait_replicas == 0) return queue_.settle(serial);
    awaited_.push_back(serial);
    wait_for_replicas();
}

void RedisCore::settle_all_replied() {
    for (const auto serial : queue_.replied_serials()) {
        if (options_.store.wait_replicas == 0) {
            queue_.settle(serial);
        } else {
            queue_.unconfirmed(serial);
        }
    }
    awaited_.clear();
    marked_.clear();
    hand_out_answers();
}

// WAIT counts replicas that have all that its own connection wrote: a small write first makes that everything
// that was appended before.
void RedisCore::wait_for_replicas() {
    if (waiting_for_replicas_ || !replicas_ || !replicas_->is_ready() || !commands_->is_ready()) return;
    if (replicas_->server().run_id != commands_->server().run_id) {
        return replicas_->break_link({Errc::connection_failed, "the links lead to different servers"});
    }
    if (awaited_.empty()) return;
    waiting_for_replicas_ = true;
    const std::string count = std::to_string(options_.store.wait_replicas);
    const std::string limit =
        std::to_string(std::max<std::int64_t>(1, options_.store.publish_wait.count() / 2));
    std::string bytes =
        redis::command({"SET", names_.wait(instance_), std::to_string(awaited_.back()), "PX", "60000"});
    bytes += redis::command({"WAIT", count, limit});
    replicas_->send(std::move(bytes), 2, [this, serials = std::exchange(awaited_, {})](auto reply) {
        waiting_for_replicas_ = false;
        const auto have = reply ? (*reply)[1].as_integer().value_or(0) : 0;
        const bool wrote = reply && !(*reply)[0].is_error();
        for (const auto serial : serials) {
            if (wrote && have >= static_cast<std::int64_t>(options_.store.wait_replicas)) {
                queue_.settle(serial);
            } else {
                queue_.unconfirmed(serial);
            }
        }
        hand_out_answers();
        wait_for_replicas();
    });
}

void RedisCore::hand_out_answers() {
    for (auto& answer : queue_.take_answers()) {
        const auto waiter = append_waiters_.find(answer.request);
        if (waiter == append_waiters_.end()) continue;
        auto done = std::move(waiter->second);
        append_waiters_.erase(waiter);
        AppendResults results;
        std::uint64_t appended = 0;
        for (const auto& outcome : answer.outcomes) {
            results.push_back(stopping_ && outcome.fate == AppendQueue::Fate::not_sent
                                  ? Result<Appended>{Error{Errc::cancelled, "the store is closed"}}
                                  : result_of(outcome));
            if (!results.back()) continue;
            ++appended;
            book_.acknowledged(results.back()->position);
            note_clock(results.back()->position);
        }
        {
            const std::lock_guard lock{figures_mutex_};
            figures_.appends += appended;
            ++figures_.commits;
        }
        done(std::move(results));
    }
}

// How far the partition's clock is ahead of the wall's.
void RedisCore::note_clock(Position position) {
    const auto system = std::chrono::system_clock::now().time_since_epoch();
    const auto wall = options_.clock ? static_cast<std::int64_t>(options_.clock())
                                     : std::chrono::duration_cast<std::chrono::milliseconds>(system).count();
    const std::lock_guard lock{figures_mutex_};
    figures_.clock_ahead_ms = static_cast<std::int64_t>(position.milliseconds) - wall;
}

// ---- bounds

void RedisCore::bound(BoundDone done) {
    if (phase_ != Phase::online || book_.pending() || stopping_) return done(away_error());
    if (bound_waiters_.size() >= bounds_waiting_max)
        return done(Error{Errc::overloaded, "too many bounds wait"});
    bound_waiters_.push_back(std::move(done));
    bound_after_ = next_request_;
    send_bound();
}

// One in flight; who asks meanwhile waits for the next, since the one under way may be older than what they
// have seen.
void RedisCore::send_bound() {
    if (bound_call_ || phase_ != Phase::online || stopping_) return;
    if (bound_waiters_.empty() && foreign_found_.empty()) return;
    // Calls are carried out in order: what was sent before it comes before it.
    if (may_write_ && !bound_waiters_.empty() && queue_.unsent_before(bound_after_)) return;
    bound_call_ = BoundCall{};  // emplace() does not see its initialisers yet (clang 19)
    bound_call_->serial = next_bound_++;
    bound_call_->waiters = std::exchange(bound_waiters_, {});
    bound_call_->foreign = std::exchange(foreign_found_, {});
    bound_call_->marked = !subscribes();
    ask_bound();
}

void RedisCore::ask_bound() {
    std::optional<Position> least;
    for (const auto& entry : bound_call_->foreign)
        least = std::max(least.value_or(Position{}), entry.position);
    const auto serial = bound_call_->serial;
    auto bytes = redis::bound_command(scripts_, form(ScriptName::bound), names_, head(), serial, least);
    commands_->send(std::move(bytes), 1, [this, serial](Result<std::vector<redis::Value>> reply) {
        if (!bound_call_ || bound_call_->serial != serial) return;
        if (!reply) return fail_bounds(reply.error());
        if (lacks(ScriptName::bound, reply->front())) return ask_bound();
        on_bound_reply(reply->front());
    });
}

void RedisCore::on_bound_reply(const redis::Value& value) {
    if (take_error(value, "a bound of " + names_.partition()))
        return fail_bounds(redis::classify(value.text).error());
    auto reply = redis::parse_bound_reply(value);
    if (!reply) return fail_bounds({Errc::store_unavailable, "the script answered something else"});
    const auto position = reply->position;
    const bool same = reply->facts.table.running().name == book_.known();
    learn(std::move(reply->facts));
    if (!bound_call_) return;  // learning of a new term has failed it
    if (!same || book_.pending()) return fail_bounds(away_error());
    book_.seen(position);
    note_clock(position);
    tails_.bound(position, steady());
    bound_call_->bound = Bound{position, book_.known().tag, book_.table()};
    finish_bound();
}

void RedisCore::finish_bound() {
    if (!bound_call_ || !bound_call_->bound || !bound_call_->marked) return;
    auto call = std::move(*bound_call_);
    bound_call_.reset();
    flush();
    for (auto& waiter : call.waiters) waiter(*call.bound);
    send_bound();
}

void RedisCore::fail_bounds(const Error& why) {
    if (!bound_call_) return;
    auto call = std::move(*bound_call_);
    bound_call_.reset();
    // What was found is handed up all the same, but without a place.
    for (auto& entry : call.foreign) {
        entry.retained = false;
        entry.position = last_position_;
        hand_up(std::move(entry));
    }
    for (auto& waiter : call.waiters) waiter(why);
    auto others = std::exchange(bound_waiters_, {});
    for (auto& waiter : others) waiter(why);
}

}  // namespace tidings
