#include "server/publish_desk.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace tidings {

// What waits for the store, and for the clock: whichever comes first takes `done`.
struct PublishDesk::Waiting {
    Callback<void(AppendResults)> done;
    std::size_t items = 0;
    const std::thread::id shard = std::this_thread::get_id();
    // The shard's thread alone touches these.
    bool within_append = true;
    std::optional<AppendResults> at_once{};
};

void PublishDesk::append(std::vector<AppendItem> items, std::chrono::milliseconds wait,
                         Callback<void(AppendResults)> done) {
    // Shared between the store's answer and the clock's.
    auto waiting = std::make_shared<Waiting>();
    waiting->done = std::move(done);
    waiting->items = items.size();
    store_.append(std::move(items), [this, waiting](AppendResults results) {
        if (std::this_thread::get_id() == waiting->shard && waiting->within_append) {
            waiting->at_once = std::move(results);
            return;
        }
        loop_.post([this, waiting, results = std::move(results)]() mutable {
            finish(*waiting, std::move(results));
        });
    });
    waiting->within_append = false;
    if (waiting->at_once) {
        if (before_answer_) before_answer_();
        return finish(*waiting, std::move(*waiting->at_once));
    }
    keep_time(wait, std::move(waiting));
}

void PublishDesk::finish(Waiting& waiting, AppendResults results) {
    if (!waiting.done) return;
    for (const auto& result : results) {
        if (result && !result->duplicate) ++counters_.published;
    }
    auto answer = std::exchange(waiting.done, {});
    answer(std::move(results));
}

void PublishDesk::keep_time(std::chrono::milliseconds wait, std::shared_ptr<Waiting> waiting) {
    drop_answered();
    deadlines_.push_back({std::chrono::steady_clock::now() + wait, std::move(waiting)});
    if (!armed_) arm();
}

void PublishDesk::drop_answered() {
    while (!deadlines_.empty() && !deadlines_.front().waiting->done) deadlines_.pop_front();
}

// One timer for all. A wait that a reload made shorter than those before it is over when theirs are.
void PublishDesk::arm() {
    armed_ = true;
    const auto left = deadlines_.front().at - std::chrono::steady_clock::now();
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(left);
    loop_.later(std::max(rounded_up, std::chrono::milliseconds{0}), [this] { expire(); });
}

void PublishDesk::expire() {
    armed_ = false;
    const auto now = std::chrono::steady_clock::now();
    for (drop_answered(); !deadlines_.empty() && deadlines_.front().at <= now; drop_answered()) {
        const auto waiting = std::move(deadlines_.front().waiting);
        deadlines_.pop_front();
        auto answer = std::exchange(waiting->done, {});
        answer(AppendResults(
            waiting->items,
            Result<Appended>{
                Error{Errc::outcome_unknown,
                      "the store has not answered; repeat the request with the same idempotency key"}}));
    }
    if (!deadlines_.empty() && !armed_) arm();
}

}  // namespace tidings
