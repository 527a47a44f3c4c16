#pragma once
// How many streams and connections there may be: in the process, per user, per address.

#include <tidings/limits.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace tidings {

enum class Admitted : std::uint8_t { yes, process_full, user_full, address_full };

// Thread-safe: shards share one, because a user's connections spread over them. Asked only when streams come
// and go. Memory: 8 bytes (and the table's slack) for a user or an address with one open stream, 16 for one
// with more.
class Admission {
public:
    // What is looked at of an address: a stream's record has room for no more.
    static constexpr std::uint64_t address_mask = (std::uint64_t{1} << 60) - 1;

    explicit Admission(const Limits& limits) : limits_{limits} {}

    Admitted enter(std::uint64_t subject, std::uint64_t address) {
        const std::lock_guard lock{mutex_};
        if (streams_ >= limits_.streams) return Admitted::process_full;
        address &= address_mask;
        if (users_.count(subject) >= limits_.streams_per_user) return Admitted::user_full;
        if (addresses_.count(address) >= limits_.streams_per_address) return Admitted::address_full;
        ++streams_;
        users_.raise(subject);
        addresses_.raise(address);
        return Admitted::yes;
    }

    void leave(std::uint64_t subject, std::uint64_t address) {
        const std::lock_guard lock{mutex_};
        --streams_;
        users_.lower(subject);
        addresses_.lower(address & address_mask);
    }

    void reconfigure(const Limits& limits) {
        const std::lock_guard lock{mutex_};
        limits_ = limits;
    }

    std::size_t streams() const {
        const std::lock_guard lock{mutex_};
        return streams_;
    }

    // What its tables take, but for a byte an entry of their own.
    std::size_t memory_bytes() const {
        const std::lock_guard lock{mutex_};
        return users_.memory_bytes() + addresses_.memory_bytes();
    }

private:
    // How often each key is held. Most are held once, and a set has half of a map's entry.
    class Counts {
    public:
        std::size_t count(std::uint64_t key) const {
            if (once_.contains(key)) return 1;
            const auto at = often_.find(key);
            return at == often_.end() ? 0 : at->second;
        }
        void raise(std::uint64_t key) {
            if (once_.erase(key) > 0) {
                often_.emplace(key, 2);
            } else if (const auto at = often_.find(key); at != often_.end()) {
                ++at->second;
            } else {
                once_.insert(key);
            }
        }
        void lower(std::uint64_t key) {
            if (once_.erase(key) > 0) return;
            const auto at = often_.find(key);
            if (at == often_.end() || --at->second > 1) return;
            often_.erase(at);
            once_.insert(key);
        }
        std::size_t memory_bytes() const noexcept {
            return once_.bucket_count() * sizeof(std::uint64_t) +
                   often_.bucket_count() * sizeof(std::pair<std::uint64_t, std::uint32_t>);
        }

    private:
        boost::unordered_flat_set<std::uint64_t> once_;
        boost::unordered_flat_map<std::uint64_t, std::uint32_t> often_;
    };

    mutable std::mutex mutex_;
    Limits limits_;
    std::size_t streams_ = 0;
    Counts users_;
    Counts addresses_;
};

// The place of a stream that is about to open. Given back when the client is gone before it does; kept, and
// left with Admission::leave, when it has opened. Owned by whoever opens it.
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
