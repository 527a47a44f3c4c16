#include "store/log_rules.hpp"

#include <algorithm>
#include <utility>

namespace tidings {
namespace {

constexpr std::uint64_t entry_overhead = 64;  // key, lengths and times of an entry, in every store alike
constexpr std::size_t short_text_max =
    1024;  // type, category, key, name: far above what publishing lets through

std::size_t index_of(Audience::Kind kind) noexcept { return static_cast<std::size_t>(kind); }

Retention retention_of(const RetentionPolicy& policy, Audience::Kind kind) noexcept {
    return policy.of(Audience{kind, {}});
}

Milliseconds minus(Milliseconds moment, Milliseconds age) noexcept { return moment > age ? moment - age : 0; }

template <class Item>
Entry entry_from(Item&& item, Position position, std::uint32_t tag, Position previous) {
    Entry entry;
    entry.audience = std::forward<Item>(item).audience;
    entry.position = position;
    entry.tag = tag;
    entry.previous = previous;
    if (!item.close) {
        entry.type = std::forward<Item>(item).type;
        entry.category = std::forward<Item>(item).category;
        entry.data = std::forward<Item>(item).data;
        entry.key = std::forward<Item>(item).key;
    }
    entry.closes = item.close;
    entry.retained = item.retain || item.close;
    entry.occurred_at = item.occurred_at;
    return entry;
}

}  // namespace

Partition::Partition(std::shared_ptr<const TermTable> terms, Position last, AgeChanges changes)
    : terms_{std::move(terms)}, last_{last}, clock_{last.milliseconds}, changes_{changes} {}

void Partition::observe(Milliseconds wall) noexcept { clock_ = std::max(clock_, wall); }

Position Partition::mint() noexcept {
    last_ = tidings::mint(last_, last_.term, clock_);
    clock_ = std::max(clock_, last_.milliseconds);
    return last_;
}

Milliseconds age_of(const RetentionPolicy& policy, Audience::Kind kind) noexcept {
    const auto age = retention_of(policy, kind).age.count();
    return age > 0 ? static_cast<Milliseconds>(age) : 0;
}

std::uint64_t entry_bytes(std::uint64_t texts) noexcept { return entry_overhead + texts; }

std::uint64_t entry_bytes(const AppendItem& item) noexcept {
    return entry_overhead + item.type.size() + item.category.size() + item.data.size() + item.key.size();
}

std::uint64_t entry_bytes(const Entry& entry) noexcept {
    return entry_overhead + entry.type.size() + entry.category.size() + entry.data.size() + entry.key.size();
}

// Strictly beyond, so that everything that is dead lies before absent_floor(), whatever its sequence.
bool expired(const LogState& state, Milliseconds clock) noexcept { return clock > state.expires; }

Position absent_floor(const TermTable& terms, Milliseconds clock, Milliseconds age,
                      Milliseconds changed) noexcept {
    return terms.at(std::max(minus(clock, age), changed));
}

bool holds_too_much(const LogState& state, const Retention& retention) noexcept {
    return state.entries > 1 && (state.entries > retention.events || state.bytes > retention.bytes);
}

std::optional<TermTable> next_terms(TermTable table, Milliseconds limit, std::uint32_t tag, bool sealed,
                                    Milliseconds keep) {
    std::uint16_t number = 1;
    if (!table.terms.empty()) {
        auto& running = table.terms.back();
        if (running.name.number == 0xffff) return std::nullopt;
        number = static_cast<std::uint16_t>(running.name.number + 1);
        running.end = {running.name.number, limit, 0};
        running.running = false;
        running.sealed = sealed;
    }
    std::erase_if(table.terms, [&](const Term& term) { return term.end.milliseconds + keep < limit; });
    Term begun;
    begun.name = {number, tag};
    begun.start = {number, limit, 0};
    begun.running = true;
    table.terms.push_back(begun);
    return table;
}

std::optional<Result<Appended>> Appender::known_key(const AppendItem& item) {
    if (!item.idempotency) return std::nullopt;
    const auto known = tables_.find_key(item.idempotency->key);
    if (!known || partition_.clock() > known->expires) return std::nullopt;
    if (known->body != item.idempotency->body) {
        return Error{Errc::idempotency_conflict,
                     "this idempotency key came with another body before; use a new key for a new event"};
    }
    const Uuid id = known->retained ? EventId{known->position, known->tag, 0}.uuid() : Uuid{};
    return Appended{id, known->position, true};
}

std::optional<Error> malformed(const AppendItem& item, const Limits& limits) {
    if (item.close && item.audience.kind != Audience::Kind::topic) {
        return Error{Errc::invalid_field, "only a topic can be closed"};
    }
    const auto fits = [](const std::string& text) { return text.size() <= short_text_max; };
    if (!fits(item.type) || !fits(item.category) || !fits(item.key) ||
        item.audience.name.size() > audience_name_max) {
        return Error{Errc::invalid_field, "type, category and key have at most 1024 bytes, a name 256"};
    }
    if (item.data.size() > limits.event_bytes) {
        return Error{Errc::event_too_large,
                     "data has at most " + std::to_string(limits.event_bytes) + " bytes"};
    }
    return std::nullopt;
}

std::optional<Result<Appended>> Appender::refused(const AppendItem& item,
                                                  const std::optional<LogState>& log) const {
    if (log && log->closed) {
        if (!item.close) return Error{Errc::topic_closed, "the topic is finished; publish to a new one"};
        const auto& tombstone = *log->closed;
        return Appended{EventId{tombstone.position, tombstone.tag, 0}.uuid(), tombstone.position, true};
    }
    const auto added = entry_bytes(item);
    if (!tables_.has_room(added))
        return Error{Errc::store_full, "the store is full until what it retains expires"};
    return std::nullopt;
}

void Appender::remember_key(const AppendItem& item, const Appended& appended) {
    if (!item.idempotency) return;
    KeyState state;
    state.body = item.idempotency->body;
    state.position = appended.position;
    state.tag = partition_.tag();
    state.retained = !appended.id.nil();
    state.expires = partition_.clock() + age_of(policy_, item.audience.kind);
    tables_.save_key(item.idempotency->key, item.audience.kind, state);
}

void Appender::trim_oldest(LogState& log) {
    const auto removed = tables_.remove_oldest(log);
    log.floor = std::max(log.floor, removed.position);
    --log.entries;
    log.bytes -= std::min(log.bytes, removed.bytes);
    ++trimmed_;
}

template <class Item>
Appended Appender::pass_unretained(Item&& item, std::vector<Entry>& published) {
    const Position position = partition_.last();
    published.push_back(entry_from(std::forward<Item>(item), position, partition_.tag(), position));
    return {Uuid{}, position, false};
}

template <class Item>
Appended Appender::keep(Item&& item, std::optional<LogState> log, std::vector<Entry>& published) {
    const auto& retention = policy_.of(item.audience);
    const auto age = age_of(policy_, item.audience.kind);
    const Position position = partition_.mint();
    LogState state;
    if (log) {
        state = *log;
    } else {
        const auto changed = partition_.age_changes().at[index_of(item.audience.kind)];
        state.floor = absent_floor(*partition_.terms(), partition_.clock(), age, changed);
        state.last = state.floor;
    }
    Entry entry = entry_from(std::forward<Item>(item), position, partition_.tag(), state.last);
    state.last = position;
    state.expires = partition_.clock() + age;
    if (!log) tables_.create(entry.audience, state);
    if (entry.closes) {
        state.closed = Tombstone{position, partition_.tag()};
    } else {
        tables_.add(state, entry);
        ++state.entries;
        state.bytes += entry_bytes(entry);
        while (holds_too_much(state, retention)) trim_oldest(state);
    }
    tables_.save(entry.audience, state);
    published.push_back(std::move(entry));
    return {EventId{position, partition_.tag(), 0}.uuid(), position, false};
}

template <class Item>
Result<Appended> Appender::append_any(Item&& item, std::vector<Entry>& published) {
    if (auto fault = malformed(item, limits_)) return std::move(*fault);
    if (auto known = known_key(item)) return std::move(*known);
    auto log = tables_.find(item.audience);
    if (log && expired(*log, partition_.clock())) {
        while (log->entries > 0) trim_oldest(*log);
        tables_.erase(item.audience, *log);
        log.reset();
    }
    if (auto refusal = refused(item, log)) return std::move(*refusal);
    const bool kept = item.retain || item.close;
    // What is moved are the texts; the key's digests and the kind of the audience stay.
    const Appended appended = kept ? keep(std::forward<Item>(item), std::move(log), published)
                                   : pass_unretained(std::forward<Item>(item), published);
    remember_key(item, appended);
    return appended;
}

Result<Appended> Appender::append(const AppendItem& item, std::vector<Entry>& published) {
    return append_any(item, published);
}

Result<Appended> Appender::append(AppendItem&& item, std::vector<Entry>& published) {
    return append_any(std::move(item), published);
}

std::size_t Appender::sweep(std::size_t budget) {
    std::size_t left = budget;
    while (left > 0) {
        auto dead = tables_.first_expired(partition_.clock());
        if (!dead) break;
        auto& [audience, state] = *dead;
        for (; state.entries > 0 && left > 0; --left) trim_oldest(state);
        if (left == 0) {
            tables_.save(audience, state);  // the rest another time; readers see it as absent already
            break;
        }
        tables_.erase(audience, state);
        --left;
    }
    while (left > 0 && tables_.erase_expired_key(partition_.clock())) --left;
    return budget - left;
}

std::pair<LogPage, bool> begin_page(const Audience& audience, const std::optional<LogState>& log,
                                    const PageView& view, Position bound) {
    LogPage page;
    page.audience = audience;
    if (!log || expired(*log, view.clock)) {
        const auto age = age_of(view.policy, audience.kind);
        page.floor = absent_floor(view.terms, view.clock, age, view.changes.at[index_of(audience.kind)]);
        return {std::move(page), false};
    }
    page.floor = log->floor;
    if (log->closed && log->closed->position <= bound) page.closed = log->closed->position;
    return {std::move(page), log->entries > 0};
}

bool PageRoom::take(std::uint64_t bytes) noexcept {
    if (taken_ > 0 && (taken_ >= events_ || taken_bytes_ + bytes > bytes_)) return false;
    ++taken_;
    taken_bytes_ += bytes;
    return true;
}

}  // namespace tidings
