#include "redis/page_share.hpp"

#include <utility>

namespace tidings::redis {
namespace {

constexpr std::size_t page_overhead = 512;

std::size_t bytes_of(const LogPage& page) noexcept {
    std::size_t bytes = page_overhead;
    for (const auto& entry : page.entries) bytes += sizeof(Entry) + entry.data.size() + entry.type.size();
    for (const auto& entry : page.repeats) bytes += sizeof(Entry) + entry.data.size() + entry.type.size();
    return bytes;
}

// A user's log is read by that user's few streams alone.
bool shareable(const Audience& audience) noexcept { return audience.kind != Audience::Kind::user; }

}  // namespace

PageShare::Key PageShare::key_of(const ReadRequest& request, const LogAfter& log) {
    return {log.audience,        log.after,          request.bound,
            request.page_events, request.page_bytes, request.repeat_foreign.count()};
}

ReadRequest PageShare::begin(std::uint64_t read, const ReadRequest& request) {
    drop_older(request.bound);
    auto& reading = readings_[read];
    reading.pages.resize(request.logs.size());
    reading.missing = request.logs.size();
    ReadRequest part = request;
    part.logs.clear();
    auto& keys = asked_[read];
    for (std::size_t i = 0; i < request.logs.size(); ++i) {
        const auto& log = request.logs[i];
        const auto key = key_of(request, log);
        if (shareable(log.audience)) {
            const auto known = kept_.find(key);
            if (known != kept_.end()) {
                ++shared_;
                if (known->second.page) {
                    reading.pages[i] = known->second.page;
                    --reading.missing;
                } else {
                    known->second.waiting.emplace_back(read, i);
                }
                continue;
            }
            Kept asked;
            asked.reader = read;
            kept_.emplace(key, std::move(asked));
        }
        keys.push_back(key);
        reading.asked.push_back(i);
        part.logs.push_back(log);
    }
    finish_if_complete(read);
    return part;
}

void PageShare::arrived(std::uint64_t read, std::vector<LogPage> pages) {
    const auto reading = readings_.find(read);
    const auto keys = asked_.extract(read);
    if (keys.empty()) return;
    // It may have failed by a page that it waited for; for what it asked for itself others wait.
    std::vector<std::size_t> places;
    if (reading != readings_.end()) places = std::move(reading->second.asked);
    for (std::size_t i = 0; i < pages.size() && i < keys.mapped().size(); ++i) {
        const auto page = std::make_shared<const LogPage>(std::move(pages[i]));
        const auto kept = kept_.find(keys.mapped()[i]);
        if (i < places.size()) place(read, places[i], page);
        if (kept == kept_.end() || kept->second.reader != read || kept->second.page) continue;
        const auto waiting = std::exchange(kept->second.waiting, {});
        const auto bytes = bytes_of(*page);
        if (kept_bytes_ + bytes <= kept_bytes_max_) {
            kept->second.page = page;
            kept->second.bytes = bytes;
            kept_bytes_ += bytes;
        } else {
            kept_.erase(kept);
        }
        for (const auto& [other, at] : waiting) {
            place(other, at, page);
            finish_if_complete(other);
        }
    }
    finish_if_complete(read);
}

void PageShare::failed(std::uint64_t read, const Error& why) {
    const auto keys = asked_.extract(read);
    std::vector<std::uint64_t> failing{read};
    if (!keys.empty()) {
        for (const auto& key : keys.mapped()) {
            const auto kept = kept_.find(key);
            if (kept == kept_.end() || kept->second.reader != read || kept->second.page) continue;
            for (const auto& [other, at] : kept->second.waiting) failing.push_back(other);
            kept_.erase(kept);
        }
    }
    for (const auto one : failing) {
        if (readings_.erase(one) > 0) finished_.push_back({one, why});
    }
}

void PageShare::clear() {
    for (auto kept = kept_.begin(); kept != kept_.end();) {
        // What is being read is waited for; it says itself that its term is over.
        kept = kept->second.page ? kept_.erase(kept) : std::next(kept);
    }
    kept_bytes_ = 0;
    newest_bound_ = {};
}

void PageShare::place(std::uint64_t read, std::size_t place, PagePtr page) {
    const auto reading = readings_.find(read);
    if (reading == readings_.end() || reading->second.pages[place]) return;
    reading->second.pages[place] = std::move(page);
    --reading->second.missing;
}

void PageShare::finish_if_complete(std::uint64_t read) {
    const auto reading = readings_.find(read);
    if (reading == readings_.end() || reading->second.missing > 0) return;
    std::vector<LogPage> pages;
    for (const auto& page : reading->second.pages) pages.push_back(*page);
    readings_.erase(reading);
    asked_.erase(read);
    finished_.push_back({read, std::move(pages)});
}

void PageShare::drop_older(Position bound) {
    if (bound <= newest_bound_) return;
    const Position before = std::exchange(newest_bound_, bound);
    for (auto kept = kept_.begin(); kept != kept_.end();) {
        const bool old = std::get<2>(kept->first) < before && kept->second.page;
        if (old) kept_bytes_ -= kept->second.bytes;
        kept = old ? kept_.erase(kept) : std::next(kept);
    }
}

}  // namespace tidings::redis
