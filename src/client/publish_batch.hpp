#pragma once
// What a publisher sends and what it reads from the answer. Pure.

#include <tidings/event.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// One object of POST /events. Fails with Errc::invalid_json if the draft's data is not JSON.
Result<std::string> publish_object(const EventDraft& draft);

// What became of one item of a batch, or of a whole request.
enum class Fate : std::uint8_t { sent, again, refused };
Fate fate_of(unsigned status) noexcept;

struct ItemAnswer {
    unsigned status = 0;
    std::string id;      // where it was published
    std::string detail;  // where it was not: the problem's detail, else its title
};

// The answer to a batch of `items`. Fails with Errc::internal if it is not what a hub answers.
Result<std::vector<ItemAnswer>> read_batch_answer(std::string_view body, std::size_t items);
// "detail" or "title" of a problem document; else the text's first line, at most 200 bytes.
std::string problem_text(std::string_view body);

}  // namespace tidings
