#include "server/ndjson_session.hpp"

#include "server/connection.hpp"
#include "server/counters.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidings {

NdjsonSession::NdjsonSession(Connection& connection, Credential credential)
    : connection_{connection},
      credential_{std::move(credential)},
      room_(read_bytes),
      // A line is an event and what stands around it.
      splitter_{connection.settings().config.limits.event_bytes * 2 + 4096},
      outstanding_bytes_max_{connection.settings().config.limits.append_queue_bytes / 8} {}

bool NdjsonSession::feed(std::string_view piece, BodyEnd end) {
    const auto keep = shared_from_this();  // the last answer may end the connection, and this with it
    splitter_.feed(piece);
    if (end == BodyEnd::reached) {
        end_ = end;
        splitter_.finish();
    }
    go_on();
    return !paused_;
}

bool NdjsonSession::has_room() const noexcept {
    return answers_.size() < outstanding_max && outstanding_bytes_ < outstanding_bytes_max_;
}

// Lines that are answered at once make room for more, and nothing else will come to take those.
void NdjsonSession::go_on() {
    do {
        take_lines();
        answer_ready();
    } while (paused_ && has_room());
}

void NdjsonSession::take_lines() {
    const PublishScope scope{connection_.host(), connection_.settings(), credential_};
    taking_ = true;
    paused_ = true;
    Batch batch;
    batch.first = next_serial();
    while (has_room()) {
        const auto line = splitter_.next();
        if (!line) {
            paused_ = false;
            break;
        }
        if (batch.items.empty()) batch.items.reserve(expected_items);
        take_line(scope, *line, batch);
        if (batch.items.size() < append_items && batch.bytes < outstanding_bytes_max_) continue;
        send(std::exchange(batch, {}));
        batch.first = next_serial();
    }
    if (!batch.items.empty()) send(std::move(batch));
    taking_ = false;
}

void NdjsonSession::take_line(const PublishScope& scope, const NdjsonSplitter::Line& line, Batch& batch) {
    Answer answer;
    const std::size_t before = batch.items.size();
    std::optional<Error> refused;
    if (line.text) {
        refused = prepare_item(scope, *line.text, {}, batch.items);
    } else {
        refused = line.text.error();
    }
    if (refused) {
        ++connection_.host().counters().publish_refused;
        answer.ready = true;
        add_batch_answer(answer.text, *refused);
    }
    answer.appends = batch.items.size() - before;
    for (std::size_t i = before; i < batch.items.size(); ++i) batch.bytes += batch.items[i].data.size();
    answers_.push_back(std::move(answer));
}

void NdjsonSession::send(Batch batch) {
    outstanding_bytes_ += batch.bytes;
    append_within_wait(connection_.host(), connection_.settings(), std::move(batch.items),
                       [weak = weak_from_this(), first = batch.first, last = next_serial(),
                        bytes = batch.bytes](const AppendResults& results) {
                           const auto self = weak.lock();
                           if (!self) return;
                           self->outstanding_bytes_ -= bytes;
                           self->settle(first, last, results);
                           if (!self->taking_) self->settled();
                       });
}

// The results of the lines first … last-1, in their order. What can be answered now goes to the others'
// answers.
void NdjsonSession::settle(std::uint64_t first, std::uint64_t last, const AppendResults& results) {
    std::size_t at = 0;
    release_ready();
    // Refused lines at the front were answered before the store was.
    for (std::uint64_t serial = std::max(first, first_answer_); serial < last; ++serial) {
        auto& answer = answers_[static_cast<std::size_t>(serial - first_answer_)];
        if (!answer.ready) {
            const auto own = std::span{results}.subspan(at, answer.appends);
            at += answer.appends;
            add_batch_answer(serial == first_answer_ ? lines_ : answer.text, own);
            answer.ready = true;
            if (serial == first_answer_) lines_ += '\n';
        } else if (serial == first_answer_) {
            lines_.append(answer.text).append(1, '\n');
        }
        if (serial != first_answer_) continue;
        answers_.pop_front();
        ++first_answer_;
    }
    release_ready();
}

void NdjsonSession::settled() {
    const auto keep = shared_from_this();  // the last answer may end the connection, and this with it
    answer_ready();
    if (over_ || !paused_) return;
    go_on();
    if (!paused_ && end_ == BodyEnd::open) connection_.resume_body();
}

void NdjsonSession::release_ready() {
    while (!answers_.empty() && answers_.front().ready) {
        lines_.append(answers_.front().text).append(1, '\n');
        answers_.pop_front();
        ++first_answer_;
    }
}

void NdjsonSession::answer_ready() {
    if (over_) return;
    if (!std::exchange(begun_, true)) {
        http::Fields fields;
        fields.add("Content-Type", "application/x-ndjson");
        fields.add("Cache-Control", "no-store");
        connection_.begin_lines(fields);
    }
    release_ready();
    // The lines must not be there any more when a write comes back to this.
    connection_.write_lines(std::exchange(lines_, {}));
    if (end_ == BodyEnd::reached && answers_.empty() && !paused_) {
        over_ = true;
        connection_.end_lines();
    }
}

}  // namespace tidings
