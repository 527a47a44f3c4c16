#include "server/ndjson_session.hpp"

#include "server/connection.hpp"
#include "server/counters.hpp"

#include <algorithm>

namespace tidings {

NdjsonSession::NdjsonSession(Connection& connection, Credential credential)
    : connection_{connection},
      credential_{std::move(credential)},
      // A line is an event and what stands around it.
      splitter_{connection.settings().config.limits.event_bytes * 2 + 4096} {}

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

// Lines that are answered at once make room for more, and nothing else will come to take those.
void NdjsonSession::go_on() {
    do {
        take_lines();
        answer_ready();
    } while (paused_ && answers_.size() < outstanding_max);
}

void NdjsonSession::take_lines() {
    auto& host = connection_.host();
    std::vector<AppendItem> items;
    std::uint64_t first = first_answer_ + answers_.size();
    const auto next_serial = [&] { return first_answer_ + answers_.size(); };
    while (answers_.size() < outstanding_max) {
        auto line = splitter_.next();
        if (!line) break;
        Answer answer;
        PreparedItem item;
        if (line->text) {
            item = prepare_item(host.context(), connection_.settings(), credential_, *line->text, {});
        } else {
            item.refused = line->text.error();
        }
        if (item.refused) {
            ++host.counters().publish_refused;
            answer.ready = true;
            answer.text = batch_answer(*item.refused);
        }
        answer.appends = item.appends.size();
        answers_.push_back(std::move(answer));
        items.insert(items.end(), std::make_move_iterator(item.appends.begin()),
                     std::make_move_iterator(item.appends.end()));
        if (items.size() >= append_lines) {
            send(std::exchange(items, {}), first, next_serial());
            first = next_serial();
        }
    }
    if (!items.empty()) send(std::move(items), first, next_serial());
    paused_ = answers_.size() >= outstanding_max;
}

void NdjsonSession::send(std::vector<AppendItem> items, std::uint64_t first, std::uint64_t last) {
    append_within_wait(connection_.host(), connection_.settings(), std::move(items),
                       [weak = weak_from_this(), first, last](const AppendResults& results) {
                           if (const auto self = weak.lock()) self->settle(first, last, results);
                       });
}

// The results of the lines first … last-1, in their order.
void NdjsonSession::settle(std::uint64_t first, std::uint64_t last, const AppendResults& results) {
    std::size_t at = 0;
    // Refused lines at the front were answered before the store was.
    for (std::uint64_t serial = std::max(first, first_answer_); serial < last; ++serial) {
        auto& answer = answers_[static_cast<std::size_t>(serial - first_answer_)];
        if (answer.ready) continue;
        answer.text = batch_answer(item_answer(std::span{results}.subspan(at, answer.appends)));
        answer.ready = true;
        at += answer.appends;
    }
    const auto keep = shared_from_this();  // the last answer may end the connection, and this with it
    answer_ready();
    if (over_ || !paused_) return;
    go_on();
    if (!paused_ && end_ == BodyEnd::open) connection_.resume_body();
}

void NdjsonSession::answer_ready() {
    if (over_) return;
    http::Fields fields;
    fields.add("Content-Type", "application/x-ndjson");
    fields.add("Cache-Control", "no-store");
    connection_.begin_lines(std::move(fields));
    while (!answers_.empty() && answers_.front().ready) {
        const std::string text = std::move(answers_.front().text);
        answers_.pop_front();
        ++first_answer_;
        connection_.write_line(text);
    }
    if (end_ == BodyEnd::reached && answers_.empty() && !paused_) {
        over_ = true;
        connection_.end_lines();
    }
}

}  // namespace tidings
