#pragma once
// How many streams and connections there may be: in the process, per user, per address.

#include <tidings/limits.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace tidings {

enum class Admitted : std::uint8_t { yes, process_full, user_full, address_full };

// Thread-safe: shards share one, because a user's connections spread over them. Asked only when streams come
// and go. Memory: two small entries per user and address with an open stream.
class Admission {
public:
    explicit Admission(const Limits& limits) : limits_{limits} {}

    Admitted enter(std::uint64_t subject, std::uint64_t address) {
        const std::lock_guard lock{mutex_};
        if (streams_ >= limits_.streams) return Admitted::process_full;
        if (count(users_, subject) >= limits_.streams_per_user) return Admitted::user_full;
        if (count(addresses_, address) >= limits_.streams_per_address) return Admitted::address_full;
        ++streams_;
        ++users_[subject];
        ++addresses_[address];
        return Admitted::yes;
    }

    void leave(std::uint64_t subject, std::uint64_t address) {
        const std::lock_guard lock{mutex_};
        --streams_;
        lower(users_, subject);
        lower(addresses_, address);
    }

    void reconfigure(const Limits& limits) {
        const std::lock_guard lock{mutex_};
        limits_ = limits;
    }

    std::size_t streams() const {
        const std::lock_guard lock{mutex_};
        return streams_;
    }

private:
    using Counts = boost::unordered_flat_map<std::uint64_t, std::uint32_t>;
    static std::size_t count(const Counts& counts, std::uint64_t key) {
        const auto at = counts.find(key);
        return at == counts.end() ? 0 : at->second;
    }
    static void lower(Counts& counts, std::uint64_t key) {
        const auto at = counts.find(key);
        if (at != counts.end() && --at->second == 0) counts.erase(at);
    }

    mutable std::mutex mutex_;
    Limits limits_;
    std::size_t streams_ = 0;
    Counts users_;
    Counts addresses_;
};

// The place of a stream that is about to open. Given back when the client is gone before it does; kept, and
// left with Admission::leave, when it has opened. Owned by the pending write of the stream's head.
class Seat {
public:
    Seat(Admission& admission, std::uint64_t subject, std::uint64_t address)
        : admission_{&admission}, subject_{subject}, address_{address} {}
    ~Seat() {
        if (admission_ != nullptr) admission_->leave(subject_, address_);
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    void keep() noexcept { admission_ = nullptr; }

private:
    Admission* admission_;
    std::uint64_t subject_;
    std::uint64_t address_;
};

}  // namespace tidings
