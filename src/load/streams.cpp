#include "load/streams.hpp"

#include "client/publish_batch.hpp"
#include "load/tokens.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tidings::load {
namespace {

constexpr std::size_t headroom = 64;
constexpr std::size_t receive_bytes = 512 * 1024;
static_assert(headroom >= stamp_bytes);

enum class LastId : std::uint8_t { absent, present };

std::string request_text(const Plan& plan, LastId last_id) {
    std::string text = "GET " + plan.subscribe.path + " HTTP/1.1\r\nHost: " + plan.to.host + ":" +
                       std::to_string(plan.to.port) + "\r\n";
    for (const auto& [name, value] : plan.subscribe.headers) {
        // A stream without an id yet does not send an empty one.
        if (last_id == LastId::absent && value.find("{id}") != std::string::npos) continue;
        text.append(name).append(": ").append(value) += "\r\n";
    }
    return text + "\r\n";
}

bool is_chunked(std::string_view head) {
    constexpr std::string_view field = "transfer-encoding: chunked";
    return !std::ranges::search(head, field, {}, [](unsigned char c) { return std::tolower(c); }).empty();
}

}  // namespace

Streams::Streams(const Plan& plan, Poller& poller, StreamWatcher& watcher, Reading reading)
    : plan_{plan},
      poller_{poller},
      watcher_{watcher},
      reading_{reading},
      request_{request_text(plan, LastId::present)},
      request_without_id_{request_text(plan, LastId::absent)},
      streams_(plan.streams),
      places_(plan.streams),
      blocks_(reading == Reading::exact ? plan.streams : 0),
      buffer_(headroom + receive_bytes) {
    for (std::size_t i = 0; i < plan.stalled; ++i) streams_[i].reads = false;
}

Result<void> Streams::prepare() {
    const auto to = address_of(plan_.to);
    if (!to) return to.error();
    to_ = *to;
    for (const auto& text : plan_.source_addresses) {
        const auto source = address_of({text, 0});
        if (!source) return source.error();
        sources_.push_back(*source);
    }
    const TextTemplate user{plan_.user};
    const auto now = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        users_.push_back(user.text({.n = i}));
        if (plan_.key.empty()) continue;
        auto token = i != 0 && users_[i] == users_[i - 1] ? Result<std::string>{tokens_.back()}
                                                          : mint(plan_.key, users_[i], plan_.claims, now);
        if (!token) return token.error();
        tokens_.push_back(std::move(*token));
    }
    return {};
}

std::string Streams::Refusal::sentence() const {
    return (status == 0 ? "" : std::to_string(status) + " ") + problem_text(text);
}

void Streams::start(std::uint32_t index, std::int64_t now) {
    Stream& stream = streams_[index];
    const sockaddr_in* source = sources_.empty() ? nullptr : &sources_[index % sources_.size()];
    auto socket = begin_connecting(to_, source);
    stream.started = now;
    stream.tail = {};
    stream.events = 0;
    if (!socket) {
        ++counts_.refused;
        if (counts_.refused == 1) first_refusal_ = {0, socket.error().detail};
        watcher_.ended(index, now);
        return;
    }
    stream.socket = std::move(*socket);
    stream.state = State::connecting;
    ++opening_;
    if (reading_ == Reading::exact) blocks_[index].begin();
    send_request(index);
    // On the loopback a connection is there when connect() returns, so that one call to epoll does.
    const bool sent = stream.state == State::head;
    poller_.watch(stream.socket.number(), Owner::stream, index, sent ? EPOLLIN : EPOLLOUT);
}

void Streams::send_request(std::uint32_t index) {
    Stream& stream = streams_[index];
    Slots slots{.user = users_[index], .n = index};
    if (!tokens_.empty()) slots.token = tokens_[index];
    if (reading_ == Reading::exact) slots.id = blocks_[index].last_id();
    const std::string request = (slots.id.empty() ? request_without_id_ : request_).text(slots);
    const auto sent = ::send(stream.socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
    // A request is far smaller than the smallest buffer, so it goes as a whole or not yet.
    if (sent == static_cast<ssize_t>(request.size())) stream.state = State::head;
}

void Streams::drop(std::uint32_t index) {
    Stream& stream = streams_[index];
    if (stream.state != State::idle) close(stream);
}

void Streams::close(Stream& stream) {
    const auto index = static_cast<std::uint32_t>(&stream - streams_.data());
    if (!heads_.empty()) std::erase_if(heads_, [index](const auto& head) { return head.first == index; });
    --(stream.state == State::open ? open_ : opening_);
    stream.state = State::idle;
    stream.socket.reset();
}

void Streams::lose(std::uint32_t index, Refusal why, std::int64_t now) {
    Stream& stream = streams_[index];
    if (stream.state == State::open) {
        ++counts_.ended;
    } else {
        ++counts_.refused;
        if (counts_.refused == 1) first_refusal_ = std::move(why);
    }
    close(stream);
    watcher_.ended(index, now);
}

void Streams::on_event(std::uint32_t index, std::uint32_t events) {
    Stream& stream = streams_[index];
    if (stream.state == State::connecting) {
        send_request(index);
        if (stream.state == State::head) {
            poller_.change(stream.socket.number(), Owner::stream, index, EPOLLIN);
        } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            lose(index, {0, "connection refused"}, monotonic_ns());
        }
        return;
    }
    if (stream.state != State::idle) read(index);
}

void Streams::read(std::uint32_t index) {
    Stream& stream = streams_[index];
    char* data = buffer_.data() + headroom;
    const auto got = ::recv(stream.socket.number(), data, receive_bytes, 0);
    const std::int64_t now = monotonic_ns();
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        lose(index, {0, got == 0 ? "closed before the stream began" : std::strerror(errno)}, now);
        return;
    }
    ++counts_.reads;
    counts_.bytes += static_cast<std::uint64_t>(got);
    if (stream.state == State::open) {
        read_body(index, data, static_cast<std::size_t>(got), now);
    } else {
        read_head(index, {data, static_cast<std::size_t>(got)}, now);
    }
}

void Streams::read_head(std::uint32_t index, std::string_view bytes, std::int64_t now) {
    const auto kept = std::ranges::find(heads_, index, [](const auto& head) { return head.first; });
    std::string head = kept == heads_.end() ? std::string{} : std::move(kept->second);
    if (kept != heads_.end()) heads_.erase(kept);
    head += bytes;
    const auto end = head.find("\r\n\r\n");
    const bool refused = head.size() >= 12 && head.compare(9, 3, "200") != 0;
    if (refused && end != std::string::npos) {
        lose(index, {std::atoi(head.c_str() + 9), head.substr(end + 4)}, now);
        return;
    }
    const bool body = end != std::string::npos && end + 4 < head.size();
    if (end == std::string::npos || (plan_.subscribe.open == Plan::Subscribe::Open::body && !body)) {
        heads_.emplace_back(index, std::move(head));
        return;
    }
    Stream& stream = streams_[index];
    --opening_;
    ++open_;
    ++counts_.opened;
    stream.state = State::open;
    if (reading_ == Reading::exact && !is_chunked(std::string_view{head}.substr(0, end)))
        blocks_[index].take_plain();
    if (!stream.reads) poller_.change(stream.socket.number(), Owner::stream, index, 0);
    if (body) {
        const auto rest = std::string_view{head}.substr(end + 4);
        std::memmove(buffer_.data() + headroom, rest.data(), rest.size());
        read_body(index, buffer_.data() + headroom, rest.size(), now);
    }
    watcher_.opened(index, now);
}

void Streams::read_body(std::uint32_t index, char* data, std::size_t size, std::int64_t now) {
    if (reading_ == Reading::exact) {
        blocks_[index].feed({data, size}, [&](const Stamp& stamp) {
            ++streams_[index].events;
            if (ledger_ != nullptr) ledger_->delivered(places_[index], stamp, now);
        });
        watcher_.received(index, now);
    } else if (ledger_ != nullptr) {
        Ledger::Place& place = places_[index];
        Ledger& ledger = *ledger_;
        scan_stamps(streams_[index].tail, data, size,
                    [&](const Stamp& stamp) { ledger.delivered(place, stamp, now); });
    }
}

}  // namespace tidings::load
