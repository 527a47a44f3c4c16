#include "client/sse_client_machine.hpp"

#include <algorithm>
#include <utility>

namespace tidings {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds retry_least{100};         // a server cannot make a client spin,
constexpr milliseconds retry_most{300'000};      // nor silence it for longer
constexpr std::size_t id_bytes_max = 16 * 1024;  // of a request's field

}  // namespace

SseClientMachine::SseClientMachine(SseClientSettings settings, RandomSource random)
    : settings_{std::move(settings)}, random_{std::move(random)}, last_event_id_{settings_.last_event_id} {}

SseClientMachine::Action SseClientMachine::step(const Input& input) {
    if (state_ == State::done) return {Do::done};
    return std::visit([this](const auto& one) { return on(one); }, input);
}

SseClientMachine::Action SseClientMachine::on(const Start&) { return connect(); }

SseClientMachine::Action SseClientMachine::on(const Connected&) {
    state_ = State::asking;
    return {Do::ask, settings_.answer};
}

SseClientMachine::Action SseClientMachine::on(const Unreachable&) {
    // Whoever calls a hub that was never there should hear of it; one that was there is worth waiting for.
    if (connections_ == 0) return finish(Outcome::unreachable);
    return fail(milliseconds{0});
}

SseClientMachine::Action SseClientMachine::on(const Head& head) {
    status_ = head.status;
    ++connections_;
    if (head.status == 200 && head.body == Head::Body::event_stream) {
        failures_ = 0;
        state_ = State::listening;
        return {Do::listen, settings_.silence};
    }
    if (head.status == 204) return finish(Outcome::finished);
    if (head.status == 401 || head.status == 403) return finish(Outcome::refused);
    if (head.status == 408 || head.status == 429 || head.status >= 500) return fail(head.retry_after);
    return finish(Outcome::rejected);
}

SseClientMachine::Action SseClientMachine::on(const Received&) {
    return state_ == State::listening ? Action{Do::listen, settings_.silence} : Action{};
}

SseClientMachine::Action SseClientMachine::on(const Id& id) {
    if (id.text.size() <= id_bytes_max) last_event_id_ = id.text;
    return {};
}

SseClientMachine::Action SseClientMachine::on(const Retry& retry) {
    settings_.retry = std::clamp(retry.time, retry_least, retry_most);
    return {};
}

SseClientMachine::Action SseClientMachine::on(const Ended&) {
    return state_ == State::listening ? come_back() : on(Unreachable{});
}

SseClientMachine::Action SseClientMachine::on(const TimedOut&) {
    switch (state_) {
        case State::waiting: return connect();
        case State::listening: return come_back();
        case State::connecting:
        case State::asking: return on(Unreachable{});
        case State::idle:
        case State::done: break;
    }
    return {};
}

SseClientMachine::Action SseClientMachine::on(const Stop&) { return finish(Outcome::stopped); }
SseClientMachine::Action SseClientMachine::on(const Expired&) { return finish(Outcome::timed_out); }

SseClientMachine::Action SseClientMachine::connect() {
    state_ = State::connecting;
    return {Do::connect, settings_.answer};
}

SseClientMachine::Action SseClientMachine::come_back() {
    state_ = State::waiting;
    return {Do::wait, jittered(settings_.retry)};
}

SseClientMachine::Action SseClientMachine::fail(milliseconds at_least) {
    constexpr unsigned doublings_max = 16;
    const milliseconds most = std::max(settings_.back_off_max, settings_.retry);
    const milliseconds wait = std::min(settings_.retry * (1 << std::min(failures_, doublings_max)), most);
    ++failures_;
    state_ = State::waiting;
    return {Do::wait, jittered(std::max(wait, std::min(at_least, retry_most)))};
}

SseClientMachine::Action SseClientMachine::finish(Outcome outcome) {
    state_ = State::done;
    outcome_ = outcome;
    return {Do::done};
}

// Up to a quarter more, so that clients that were cut together do not return together.
milliseconds SseClientMachine::jittered(milliseconds wait) {
    const auto quarter = static_cast<std::uint64_t>(wait.count() / 4);
    return wait + milliseconds{static_cast<std::int64_t>(random_() % (quarter + 1))};
}

}  // namespace tidings
