#pragma once
// What waits to be appended, and what was sent and is not answered: batches for the script, their tokens,
// retries after a break, deadlines. No socket, no clock.

#include "redis/script_calls.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tidings::redis {

struct AppendBounds {
    std::size_t call_items = 128;  // of one call of the script
    std::size_t call_bytes = 1024 * 1024;
    std::size_t calls = 4;        // sent and not answered at once
    std::size_t small_calls = 2;  // beyond these only full ones are sent
    std::size_t items = 65'536;
    std::size_t bytes = 64 * 1024 * 1024;
    Milliseconds patience = 5'000;  // from add() until the deadline
};

// A request is what one caller gave; its items may share calls with others'. An answer comes for each request
// exactly once. A call that was sent keeps its serial and its items until it is answered, so that repeating
// it after a break publishes nothing twice (the server remembers serials for 120 s). Owned by one store, on
// its thread; bounded by AppendBounds.
class AppendQueue {
public:
    enum class Fate : std::uint8_t {
        answered,     // `result` says what became of it
        not_sent,     // the deadline passed, or the end came, before it was sent: nothing was stored
        unknown,      // sent, and not answered in time
        no_room,      // the queue is full: not taken
        unconfirmed,  // stored, but not by enough replicas in time
        refused       // the server refused the whole call and says why
    };
    struct Outcome {
        Fate fate = Fate::not_sent;
        AppendResult result{};
    };
    struct Answer {
        std::uint64_t request = 0;
        std::vector<Outcome> outcomes;  // one for each item
    };

    explicit AppendQueue(AppendBounds bounds) : bounds_{bounds} {}

    // `now` is of a steady clock, here and below. An empty request, and one beyond the room, is answered at
    // once.
    void add(std::uint64_t request, std::vector<AppendCall> items, Milliseconds now);

    // The next call to send; none: nothing waits, or enough is under way. A few calls go at once; while these
    // are under way what waits gathers for the next, since a call costs the server as much as several events.
    // Its items stand until it is answered.
    struct Call {
        std::uint64_t serial = 0;
        std::span<const AppendCall> items;
    };
    std::optional<Call> next();

    // What a call that is under way holds; empty: it is not.
    std::span<const AppendCall> items_of(std::uint64_t serial) const;

    // The reply to a call. Results beyond the items' number, or too few, count as unknown.
    void replied(std::uint64_t serial, std::vector<AppendResult> results);
    // No reply came: sent again, with a later next().
    void again(std::uint64_t serial);
    // The call was refused as a whole and stored nothing: sent again later, or answered. (Where an earlier
    // sending of it was not answered, that one may have stored it: refused is then unknown.)
    void postpone(std::uint64_t serial);
    void refuse(std::uint64_t serial, const std::string& why);
    // The call has been followed up: its listeners have heard it, and replicas have it. Only then is it
    // answered.
    void settle(std::uint64_t serial);
    void unconfirmed(std::uint64_t serial);
    // The serials that were replied to and not settled, oldest first.
    std::vector<std::uint64_t> replied_serials() const;
    // The link broke: what was sent and not replied to is sent again, in order, under its serials.
    void link_lost();

    // Answers whose deadline has passed; call often.
    void expire(Milliseconds now);
    // The end: everything that is left is answered.
    void close();

    // Whether something that was added before `request` has not been given to the link yet.
    bool unsent_before(std::uint64_t request) const noexcept;

    std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }
    std::size_t waiting_items() const noexcept { return items_; }
    bool idle() const noexcept { return requests_.empty(); }

private:
    struct Place {  // of an item
        std::uint64_t request = 0;
        std::size_t index = 0;
    };
    struct Pending {
        Place place;
        AppendCall item;
    };
    enum class Stage : std::uint8_t { to_send, sent, replied };
    struct Sent {
        Stage stage = Stage::to_send;
        bool unanswered = false;  // a sending of it has got no reply, and will get none
        std::vector<Place> places;
        std::vector<AppendCall> items;
        std::vector<AppendResult> results;
        std::size_t bytes = 0;
    };
    struct Request {
        std::vector<Outcome> outcomes;
        std::size_t left = 0;
        Milliseconds deadline = 0;
    };

    static Fate fate_now(const Sent& call) noexcept;
    void send_again(std::map<std::uint64_t, Sent>::iterator call);
    void conclude(const Place& place, Outcome outcome);
    void conclude_call(std::map<std::uint64_t, Sent>::iterator call, Fate fate, const std::string& why = {});
    void forget(std::map<std::uint64_t, Sent>::iterator call);
    void drop_answered(Sent& call);
    bool anybody_waits(const Sent& call) const;
    std::size_t under_way() const noexcept;
    bool fills_a_call() const noexcept;

    AppendBounds bounds_;
    std::deque<Pending> queue_;
    std::map<std::uint64_t, Sent> calls_;  // by serial
    std::map<std::uint64_t, Request> requests_;
    std::vector<Answer> answers_;
    std::uint64_t next_serial_ = 1;
    std::size_t items_ = 0;
    std::size_t bytes_ = 0;
    std::size_t queued_bytes_ = 0;  // of those that are in no call yet
};

}  // namespace tidings::redis
