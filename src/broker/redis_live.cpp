// What arrives on the subscriber link: our own and other hubs' events, the original's, and markers.

#include "broker/redis_core.hpp"

#include <algorithm>
#include <charconv>

namespace tidings {
namespace {

constexpr Milliseconds breaks_apart = 1'000;  // an order that does not hold is not mended more often
constexpr std::size_t between_max = 128;
constexpr Milliseconds far_ahead = 86'400'000;
constexpr std::size_t watchers_max = 65'536;

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace

void RedisCore::watch(std::vector<Audience> audiences, WatchDone done) {
    if (!subscribes()) return done({});
    // While Redis is away every stream that comes waits here, also after it has gone.
    if (watchers_.size() >= watchers_max)
        return done(Error{Errc::overloaded, "too many streams wait for Redis"});
    std::vector<std::string> names;
    std::vector<Audience> fresh;
    for (auto& audience : audiences) {
        names.push_back(names_.channel(audience));
        if (foreign() && !channels_.in_use(names.back())) fresh.push_back(std::move(audience));
        channels_.use(names.back());
    }
    const auto waiter = next_watcher_++;
    const bool over = channels_.wait(waiter, names) == redis::ChannelSet::Waiting::over;
    if (over) return done({});
    watchers_.emplace(waiter,
                      [this, fresh = std::move(fresh), done = std::move(done)](Result<void> result) mutable {
                          if (result) {
                              for (const auto& audience : fresh) hears_from_now_on(audience);
                          }
                          done(std::move(result));
                      });
    subscribe_soon();
}

void RedisCore::unwatch(const std::vector<Audience>& audiences) {
    if (!subscribes()) return;
    for (const auto& audience : audiences) {
        const auto name = names_.channel(audience);
        channels_.release(name);
        if (!channels_.in_use(name)) log_ends_.erase(audience.text());
    }
    subscribe_soon();
}

// All that came in one turn of the loop shares its commands.
void RedisCore::subscribe_soon() {
    if (subscribe_posted_) return;
    subscribe_posted_ = true;
    loop_.post([this] {
        subscribe_posted_ = false;
        if (!subscriber_ || !subscriber_->is_ready()) return;
        for (auto& command : channels_.take_commands()) subscriber_->push_command(std::move(command));
    });
}

void RedisCore::on_push(redis::Value value) {
    const auto kind = value.at(0).text_or_empty();
    if (kind == "message") return on_message(value.at(1).text_or_empty(), value.at(2).text_or_empty());
    if (kind != "subscribe" && kind != "unsubscribe") {
        if (value.is_error()) take_error(value, "a subscription");
        return;
    }
    // What was heard before belongs to another subscription.
    if (const auto audience = names_.audience_of(value.at(1).text_or_empty()))
        log_ends_.erase(audience->text());
    for (const auto waiter : channels_.confirm(value)) {
        const auto at = watchers_.find(waiter);
        if (at == watchers_.end()) continue;
        auto done = std::move(at->second);
        watchers_.erase(at);
        done({});
    }
    if (!hearing_ && channels_.all_confirmed()) {
        hearing_ = true;
        for (const auto& name : channels_.all_in_use()) {
            if (const auto audience = names_.audience_of(name)) hears_from_now_on(*audience);
        }
        synchronise();
    }
}

void RedisCore::on_message(std::string_view channel, std::string_view text) {
    if (channel == names_.hub_channel(instance_)) return on_marker(text);
    if (channel == names_.hubs_channel()) return on_join(text);
    if (const auto audience = names_.audience_of(channel)) return on_event(*audience, text);
}

// "a <serial>": the call's events have come before. "b <serial>": everything before the bound has.
void RedisCore::on_marker(std::string_view text) {
    const auto serial = text.size() > 2 ? number_of(text.substr(2)) : std::nullopt;
    if (!serial) return;
    flush();
    if (text.starts_with("a ")) {
        const auto replied = queue_.replied_serials();
        if (std::find(replied.begin(), replied.end(), *serial) != replied.end()) {
            settle_replied(*serial);
            hand_out_answers();
        } else if (marked_.size() < marked_max) {
            marked_.push_back(*serial);
        }
    } else if (text.starts_with("b ") && bound_call_ && bound_call_->serial == *serial) {
        bound_call_->marked = true;
        auto foreign = std::exchange(bound_call_->foreign, {});
        std::sort(foreign.begin(), foreign.end(),
                  [](const Entry& a, const Entry& b) { return a.position < b.position; });
        for (auto& entry : foreign) hand_up(std::move(entry));
        finish_bound();
    }
}

// "joined <instance> <version>"
void RedisCore::on_join(std::string_view text) {
    constexpr std::string_view word = "joined ";
    const auto space = text.rfind(' ');
    if (!text.starts_with(word) || space <= word.size()) return;
    const auto version = number_of(text.substr(space + 1));
    const auto who = text.substr(word.size(), space - word.size());
    if (!version || who == instance_) return;
    book_.heard_join(std::string{who}, *version);
    send_state();
}

void RedisCore::on_event(const Audience& audience, std::string_view text) {
    // Before everything is confirmed streams wait for a bound, and will read this from the log.
    if (!book_.table() || !hearing_) return;
    const auto registry = options_.registry();
    auto found = wire_.message(text, audience, *book_.table(), *registry);
    if (!found) {
        warn(unreadable_, "a message cannot be read and is passed over: " + found.error().message());
        const std::lock_guard lock{figures_mutex_};
        ++figures_.ignored_messages;
        return;
    }
    auto& entry = found->entry;
    switch (found->origin) {
        case redis::Origin::foreign: return on_foreign(std::move(entry));
        // Streams will read it from the log as soon as its term is known here.
        case redis::Origin::other_term: return suspect_term({entry.position.term, entry.tag});
        case redis::Origin::ours: break;
    }
    if (entry.retained) {
        if (!follows(entry)) return break_live();
        book_.seen(entry.position);
    }
    last_position_ = std::max(last_position_, entry.position);
    hand_up(std::move(entry));
}

// Each event names the one before it in its log. Where that is not the one that was heard last, something
// passed without a message: another system's entry, or a message that was lost. Ours come in order, so one
// that names an earlier one than was heard is forged, or its log was deleted meanwhile: the log itself says
// what is so.
bool RedisCore::follows(const Entry& entry) {
    auto& end = log_ends_[entry.audience.text()];
    if (entry.previous < end.ours) return false;
    const Position heard = std::exchange(end.heard, std::max(end.heard, entry.position));
    end.ours = entry.position;
    if (heard != Position{} && entry.previous > heard) look_between(entry.audience, heard, entry.previous);
    return true;
}

void RedisCore::look_between(const Audience& audience, Position after, Position until) {
    if (!reads_->is_ready()) return;
    const auto count = fitting(between_max, options_.limits);
    auto bytes = redis::command({"XRANGE", names_.stream(audience), "(" + redis::entry_id_text(after),
                                 redis::entry_id_text(until), "COUNT", std::to_string(count)});
    reads_->send(std::move(bytes), 1, [=, this](Result<std::vector<redis::Value>> replies) {
        if (!replies || !replies->front().is_array()) return;
        const auto registry = options_.registry();
        const auto& items = replies->front().items;
        bool lost = false;
        Position before = after;
        for (const auto& item : items) {
            auto entry = wire_.entry(item, audience, book_.facts().table, *registry, before);
            if (const auto position = redis::WireReader::position_of(item, book_.facts().table))
                before = *position;
            if (!entry) continue;
            if (entry->origin == redis::Origin::foreign) {
                take_foreign(std::move(entry->entry));
            } else {
                lost = true;
            }
        }
        if (lost) break_live();
        if (items.size() >= count && before > after && before < until) look_between(audience, before, until);
        send_bound();
    });
}

// What arrived does not follow, although the link stands: all streams read the log.
void RedisCore::break_live() {
    {
        const std::lock_guard lock{figures_mutex_};
        ++figures_.link_gaps;
    }
    break_wanted_ = true;
    mend();
}

// Not more often than once in a while, but then for all that came meanwhile.
void RedisCore::mend() {
    if (!break_wanted_ || steady() - broken_at_ < breaks_apart) return;
    break_wanted_ = false;
    broken_at_ = steady();
    flush();
    if (listener_ != nullptr) listener_->broken(LinkBreak::plain);
}

void RedisCore::hand_up(Entry entry) {
    live_.push_back(std::move(entry));
    if (live_.size() >= std::max<std::size_t>(1, options_.limits.append_batch)) return flush();
    if (flush_posted_) return;
    flush_posted_ = true;
    loop_.post([this] {
        flush_posted_ = false;
        flush();
    });
}

void RedisCore::flush() {
    if (live_.empty()) return;
    auto batch = std::exchange(live_, {});
    if (listener_ != nullptr) listener_->entries(batch);
}

// ---- other systems' events

bool RedisCore::foreign() const noexcept {
    return options_.store.foreign_producers == ForeignProducers::retained;
}

void RedisCore::on_foreign(Entry entry) {
    {
        const std::lock_guard lock{figures_mutex_};
        ++figures_.foreign;
    }
    if (options_.store.foreign_producers == ForeignProducers::none) return;
    // Only users have logs that others append to. Without a log it has no place, so it goes out without an
    // id.
    if (!foreign() || entry.audience.kind != Audience::Kind::user) {
        entry.retained = false;
        entry.position = last_position_;
        return hand_up(std::move(entry));
    }
    if (desk_.arrived(std::move(entry), steady())) look_for_foreign();
}

void RedisCore::look_for_foreign() {
    const auto now = steady();
    for (auto& entry : desk_.give_up(now)) {
        entry.retained = false;
        entry.position = last_position_;
        hand_up(std::move(entry));
    }
    for (const auto& look : desk_.due(now)) look_up(look);
    for (const auto& look : desk_.due_late(now)) look_late(look);
    for (const auto& tail : tails_.due(now)) read_tail(tail.audience, tail.after);
    const auto next = desk_.next();
    if (!next || foreign_timer_) return;
    foreign_timer_ = true;
    const auto wait = *next > now ? *next - now : 1;
    loop_.later(std::chrono::milliseconds{wait}, [this] {
        foreign_timer_ = false;
        look_for_foreign();
    });
}

void RedisCore::look_up(const redis::ForeignDesk::Look& look) {
    if (phase_ == Phase::away || !reads_->is_ready()) return desk_.missing(look);
    auto bytes = redis::command({"XREVRANGE", names_.stream(look.audience), "+", "-", "COUNT", "32"});
    reads_->send(std::move(bytes), 1, [this, look](Result<std::vector<redis::Value>> replies) {
        const auto* items = replies ? &replies->front().items : nullptr;
        for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
            const auto& item = (*items)[i];
            if (Uuid::parse_any(redis::WireReader::event_id_of(item)) != look.id) continue;
            const auto& table = book_.facts().table;
            const auto position = redis::WireReader::position_of(item, table);
            if (!position) break;
            const auto before = i + 1 < items->size() ? redis::WireReader::position_of((*items)[i + 1], table)
                                                      : std::optional<Position>{};
            auto entry = desk_.found(look, *position, before.value_or(position->before()));
            if (!entry) return;
            if (channels_.in_use(names_.channel(look.audience))) {
                auto& end = log_ends_[look.audience.text()].heard;
                end = std::max(end, *position);
            }
            place_foreign(*std::move(entry));
            return send_bound();
        }
        desk_.missing(look);
        look_for_foreign();
    });
}

// Found in a log: handed up with its place, unless it was before.
void RedisCore::take_foreign(Entry entry) {
    if (!foreign() || !desk_.first_time({entry.audience, entry.foreign_id})) return;
    place_foreign(std::move(entry));
}

// An id that lies far beyond any time would take the clock of everybody there: its event has no place.
void RedisCore::place_foreign(Entry entry) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto wall =
        static_cast<Milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    const auto sane =
        std::max(options_.clock ? options_.clock() : wall, last_position_.milliseconds) + far_ahead;
    if (entry.position.milliseconds <= sane) return foreign_found_.push_back(std::move(entry));
    entry.retained = false;
    entry.position = last_position_;
    hand_up(std::move(entry));
}

// Once more for a message that went out without a place: who read the log before its entry was there, and
// came after the message, has had neither.
void RedisCore::look_late(const redis::ForeignDesk::Look& look) {
    if (phase_ == Phase::away || !reads_->is_ready()) return;
    auto bytes = redis::command({"XREVRANGE", names_.stream(look.audience), "+", "-", "COUNT", "128"});
    reads_->send(std::move(bytes), 1, [this, look](Result<std::vector<redis::Value>> replies) {
        if (!replies) return;
        const auto registry = options_.registry();
        for (const auto& item : replies->front().items) {
            if (Uuid::parse_any(redis::WireReader::event_id_of(item)) != look.id) continue;
            auto entry = wire_.entry(item, look.audience, book_.facts().table, *registry, {});
            if (!entry || entry->origin != redis::Origin::foreign) return;
            entry->entry.previous = entry->entry.position.before();
            take_foreign(std::move(entry->entry));
            return send_bound();
        }
    });
}

void RedisCore::hears_from_now_on(const Audience& audience) {
    if (foreign() && audience.kind == Audience::Kind::user) tails_.subscribed(audience);
}

// What lies there without that its message was heard: it came before the subscription.
void RedisCore::read_tail(const Audience& audience, Position after) {
    if (phase_ == Phase::away || !reads_->is_ready() || !channels_.in_use(names_.channel(audience))) return;
    auto bytes = redis::command({"XRANGE", names_.stream(audience), "(" + redis::entry_id_text(after), "+",
                                 "COUNT", std::to_string(between_max)});
    reads_->send(std::move(bytes), 1, [this, audience, after](Result<std::vector<redis::Value>> replies) {
        if (!replies || !replies->front().is_array()) return;
        const auto registry = options_.registry();
        const auto& items = replies->front().items;
        Position before = after;
        for (const auto& item : items) {
            auto entry = wire_.entry(item, audience, book_.facts().table, *registry, before);
            if (entry) before = entry->entry.position;
            if (entry && entry->origin == redis::Origin::foreign) take_foreign(std::move(entry->entry));
        }
        send_bound();
        const auto last =
            items.empty() ? std::nullopt : redis::WireReader::position_of(items.back(), book_.facts().table);
        if (items.size() >= between_max && last) read_tail(audience, *last);
    });
}

}  // namespace tidings
