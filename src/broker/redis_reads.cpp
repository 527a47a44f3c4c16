// What the Redis store reads: pages of logs, and the place of an id that another system gave.

#include "broker/redis_core.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t search_page = 256;
constexpr Milliseconds search_window = 60'000;
constexpr std::size_t searches_per_window = 20;  // of one user
constexpr std::size_t searched_max = 8192;

}  // namespace

redis::ReadContext RedisCore::read_context(const Registry& registry) const {
    redis::ReadContext context{names_, book_.facts(), options_.store.retention, registry};
    context.event_bytes = options_.limits.event_bytes;
    context.reply_bytes = options_.limits.redis_reply_bytes;
    if (options_.clock) context.wall = options_.clock();
    context.evicts = may_evict();
    return context;
}

void RedisCore::read(ReadRequest request, ReadDone done) {
    const bool there = phase_ == Phase::online && reads_->is_ready() && !stopping_ &&
                       reads_->server().run_id == commands_->server().run_id;
    if (!there) return done(away_error());
    if (request.bound.term != book_.known().number) {
        return done(Error{Errc::store_unavailable, "another term has begun"});
    }
    auto reading = std::make_shared<Reading>();  // shared between the goes of one read
    reading->number = next_read_++;
    read_waiters_.emplace(reading->number, std::move(done));
    reading->request = pages_.begin(reading->number, request);
    for (const auto& log : reading->request.logs) reading->begins.push_back(log.after);
    if (!reading->request.logs.empty()) read_part(std::move(reading));
    hand_out_pages();
}

void RedisCore::read_part(std::shared_ptr<Reading> reading) {
    const auto registry = options_.registry();
    auto commands = redis::read_commands(reading->request, read_context(*registry));
    reads_->send(
        std::move(commands.bytes), commands.replies,
        [this, reading, page_events = commands.page_events](Result<std::vector<redis::Value>> replies) {
            if (!replies) return fail_read(reading->number, replies.error());
            on_pages(reading, page_events, *replies);
        });
}

void RedisCore::on_pages(const std::shared_ptr<Reading>& reading, std::size_t page_events,
                         const std::vector<redis::Value>& replies) {
    // The first of them says what is wrong, the last only that nothing was carried out.
    for (const auto& reply : replies) {
        if (take_error(reply, "to read logs"))
            return fail_read(reading->number, redis::classify(reply.text).error());
    }
    const auto& exec = replies.back();
    const auto registry = options_.registry();
    auto found = redis::read_pages(exec, reading->request, page_events, read_context(*registry), wire_);
    if (!found) {
        // The bound's term may have ended while the read was under way; its replies say so themselves.
        if (redis::same_term(exec, book_.facts())) warn(refusals_, found.error().detail);
        send_state();
        return fail_read(reading->number, found.error());
    }
    if (found->unreadable > 0) {
        warn(unreadable_, "entries of a log cannot be read and are passed over: " + found->first_fault);
        const std::lock_guard lock{figures_mutex_};
        figures_.ignored_messages += found->unreadable;
    }
    if (found->unread_to.empty()) {
        for (std::size_t i = 0; i < found->pages.size(); ++i) {
            auto& page = found->pages[i];
            const bool moved = reading->request.logs[i].after != reading->begins[i];
            // What was passed over is no loss: the chain goes past it.
            if (moved && !page.entries.empty())
                page.entries[0].previous = std::max(reading->begins[i], page.floor);
        }
        pages_.arrived(reading->number, std::move(found->pages));
        return hand_out_pages();
    }
    // A page of nothing but what cannot be read: on from behind it, all logs at once, so that all pages are
    // of one moment.
    for (const auto& [log, position] : found->unread_to) reading->request.logs[log].after = position;
    read_part(reading);
}

void RedisCore::fail_read(std::uint64_t number, const Error& why) {
    pages_.failed(number, why);
    hand_out_pages();
}

void RedisCore::hand_out_pages() {
    for (auto& finished : pages_.finished()) {
        const auto waiter = read_waiters_.find(finished.read);
        if (waiter == read_waiters_.end()) continue;
        auto done = std::move(waiter->second);
        read_waiters_.erase(waiter);
        done(std::move(finished.pages));
    }
}

// ---- the place of a foreign id

bool RedisCore::search_allowed(const std::vector<Audience>& logs) {
    const auto user = std::find_if(logs.begin(), logs.end(), [](const Audience& audience) {
        return audience.kind == Audience::Kind::user;
    });
    const std::string who = user == logs.end() ? std::string{} : user->name;
    if (searches_.size() > searched_max) searches_.clear();
    auto& [since, count] = searches_[who];
    const auto now = steady();
    if (now - since > search_window) {
        since = now;
        count = 0;
    }
    return ++count <= searches_per_window;
}

void RedisCore::find(std::vector<Audience> logs, Uuid id, FindDone done) {
    if (phase_ != Phase::online || !reads_->is_ready() || stopping_) return done(away_error());
    std::string key = id.text();
    for (const auto& log : logs) key += " " + log.text();
    const auto known = searched_.find(key);
    if (known != searched_.end()) return done(std::optional{known->second});
    if (!search_allowed(logs)) return done(std::optional<Position>{});
    auto search = std::make_shared<Search>();  // shared between the pages of one search
    search->logs = std::move(logs);
    search->id = id;
    search->left = options_.limits.foreign_search;
    search->done = [this, key = std::move(key),
                    done = std::move(done)](Result<std::optional<Position>> found) mutable {
        if (searched_.size() > searched_max) searched_.clear();
        if (found && *found) searched_.emplace(std::move(key), **found);
        done(std::move(found));
    };
    search_on(std::move(search));
}

// Backwards through one log after the other, a page at a time.
void RedisCore::search_on(std::shared_ptr<Search> search) {
    if (search->log >= search->logs.size() || search->left == 0)
        return search->done(std::optional<Position>{});
    const auto stream = names_.stream(search->logs[search->log]);
    const std::string end = search->before.empty() ? "+" : "(" + search->before;
    const auto count = std::min(search->left, fitting(search_page, options_.limits));
    auto bytes = redis::command({"XREVRANGE", stream, end, "-", "COUNT", std::to_string(count)});
    reads_->send(std::move(bytes), 1, [this, search, count](Result<std::vector<redis::Value>> replies) {
        if (!replies) return search->done(replies.error());
        const auto& page = replies->front();
        if (page.is_error() || page.items.size() < count) {
            search->before.clear();
        } else {
            search->before = page.items.back().at(0).text_or_empty();
        }
        search->left -= std::min(search->left, page.items.size());
        for (const auto& item : page.items) {
            const auto id = Uuid::parse_any(redis::WireReader::event_id_of(item));
            if (id != search->id) continue;
            const auto position = redis::WireReader::position_of(item, book_.facts().table);
            return search->done(position);
        }
        if (search->before.empty()) ++search->log;
        search_on(search);
    });
}

}  // namespace tidings
