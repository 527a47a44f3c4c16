#pragma once
// A value that is replaced as a whole while other threads read it: the registry, the keys, the settings of a
// reload.

#include <memory>
#include <mutex>
#include <utility>

namespace tidings {

// Thread-safe. The value is shared because readers keep the one they took while a reload puts another in its
// place.
template <class T>
class Snapshot {
public:
    explicit Snapshot(std::shared_ptr<const T> value) : value_{std::move(value)} {}

    std::shared_ptr<const T> take() const {
        const std::lock_guard lock{mutex_};
        return value_;
    }
    void put(std::shared_ptr<const T> value) {
        const std::lock_guard lock{mutex_};
        value_.swap(value);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

}  // namespace tidings
