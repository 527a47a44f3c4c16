#pragma once
// What one writer knows of its partition's terms and of the other writers, and what it reports of a term that
// ended (delivery: "When is an end sealed?"). No socket, no clock.

#include "redis/script_calls.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tidings::redis {

// Steps: learn() with the terms of every reply; acknowledged() and seen() with every position; state_call()
// before each call of the state script and joined() with its reply. Owned by one store, on its thread. Keeps
// what it saw of the last few terms, and at most 256 joins.
class TermBook {
public:
    explicit TermBook(std::string instance) : instance_{std::move(instance)} {}

    // The newest term that it knows; zero: none.
    TermName known() const noexcept { return known_; }
    // The terms as they are given upward; null: none known yet. A term whose number this writer has known
    // under another tag is not among them: a cursor of the one must not be taken for one of the other.
    const std::shared_ptr<const TermTable>& table() const noexcept { return table_; }
    const TermFacts& facts() const noexcept { return facts_; }
    bool pending() const noexcept { return facts_.pending; }
    std::uint64_t version() const noexcept { return version_; }  // of the membership, as it is reported

    // True: a term has begun since.
    bool learn(TermFacts facts);

    void acknowledged(Position position) { raise(position, &Extent::acknowledged); }
    void seen(Position position) { raise(position, &Extent::seen); }

    // With reports of the last few terms that it knows.
    StateCall state_call() const;
    // True: another writer knows of this one, so that its writes can be vouched for.
    bool joined(const StateReply& reply);
    // Somebody joined: what joined() said of the others holds no more.
    void heard_join(const std::string& instance, std::uint64_t version);

private:
    struct Extent {
        std::optional<Position> acknowledged{};
        std::optional<Position> seen{};
    };
    void raise(Position position, std::optional<Position> Extent::* which);
    void prune();

    std::string instance_;
    TermName known_{};
    TermFacts facts_;
    std::shared_ptr<const TermTable> table_;  // shared with every bound that was given out
    std::map<std::uint16_t, std::uint32_t> tags_;
    std::map<std::uint16_t, Extent> extents_;
    std::map<std::string, std::uint64_t> joins_;
    std::uint64_t version_ = 0;
    std::uint64_t joins_forgotten_to_ = 0;
};

}  // namespace tidings::redis
