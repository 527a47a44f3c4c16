#pragma once
// Pages of the logs that many streams read at once, broadcast and topics: each is read once for all of them
// (delivery: "From replay to live without a seam"). No socket, no clock.

#include "event/log_page.hpp"

#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace tidings::redis {

// A read is given to begin(), which says which of its logs have to be asked for; what they brought is given
// to arrived() or failed(). finished() then has the reads that are complete. A page is kept as long as reads
// up to the same bound come, and within `kept_bytes`: entries up to a bound do not change, so one page serves
// all who ask for the same. Owned by one store, on its thread.
class PageShare {
public:
    explicit PageShare(std::size_t kept_bytes = 16 * 1024 * 1024) : kept_bytes_max_{kept_bytes} {}

    // The part of the request that has to be read now; no logs: nothing.
    ReadRequest begin(std::uint64_t read, const ReadRequest& request);
    // The pages of that part, in its order.
    void arrived(std::uint64_t read, std::vector<LogPage> pages);
    // That part cannot be read: it fails, and so do those who waited for it.
    void failed(std::uint64_t read, const Error& why);

    struct Finished {
        std::uint64_t read = 0;
        Result<std::vector<LogPage>> pages;
    };
    std::vector<Finished> finished() { return std::exchange(finished_, {}); }
    // Nothing that was kept counts any more: another term has begun.
    void clear();
    std::uint64_t shared() const noexcept { return shared_; }  // pages that need not be read again

private:
    // The log, from where, up to where, and how much of it.
    using Key = std::tuple<Audience, Position, Position, std::size_t, std::size_t, std::int64_t>;
    using PagePtr = std::shared_ptr<const LogPage>;  // shared: by the reads that take copies of it
    struct Reading {
        std::vector<PagePtr> pages;
        std::vector<std::size_t> asked;  // places in `pages` that its own part brings
        std::size_t missing = 0;
    };
    struct Kept {
        PagePtr page;                                                  // null: it is being read
        std::vector<std::pair<std::uint64_t, std::size_t>> waiting{};  // reads and places
        std::size_t bytes = 0;
        std::uint64_t reader = 0;
    };
    static Key key_of(const ReadRequest& request, const LogAfter& log);
    void place(std::uint64_t read, std::size_t place, PagePtr page);
    void finish_if_complete(std::uint64_t read);
    void drop_older(Position bound);

    std::map<Key, Kept> kept_;
    std::map<std::uint64_t, Reading> readings_;
    std::map<std::uint64_t, std::vector<Key>> asked_;  // by the read that asks
    std::vector<Finished> finished_;
    Position newest_bound_{};
    std::size_t kept_bytes_ = 0;
    const std::size_t kept_bytes_max_;
    std::uint64_t shared_ = 0;
};

}  // namespace tidings::redis
