#include "server/connection.hpp"

#include "http/problem.hpp"
#include "server/counters.hpp"
#include "server/endpoints.hpp"
#include "server/ndjson_session.hpp"
#include "sse/frame.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <utility>

namespace tidings {
namespace asio = boost::asio;

namespace {

constexpr std::size_t pipelined_bytes_max = 64 * 1024;  // of requests that wait for the present answer
constexpr std::size_t line_bytes_high = 256 * 1024;     // unsent answer lines: reading pauses
constexpr std::size_t unused_body_bytes_max = 1024;     // of a request whose body means nothing
constexpr std::size_t leaving_bytes_max = 1024 * 1024;  // thrown away after the last answer

}  // namespace

Connection::Connection(ConnectionHost& host, AcceptedSocket socket, http::Listener kind, std::string leftover)
    : host_{host},
      context_{host.context()},
      first_settings_{context_.settings.take()},
      settings_{first_settings_},
      fresh_{std::move(socket)},
      address_{fresh_.address()},
      kind_{kind},
      parser_{first_settings_->config.limits},
      input_{std::move(leftover)} {}

Connection::~Connection() = default;

void Connection::start() {
    if (input_.empty()) {
        read_at_once();
    } else {
        process();
    }
    if (!timed_ && phase_ != Phase::gone) wait(first_settings_->config.limits.head_timeout);
}

// Most requests come with the connection. One that is there whole and opens a stream never meets Asio.
void Connection::read_at_once() {
    const auto scratch = host_.connection_loop().scratch();
    const auto size = ::recv(fresh_.descriptor(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (size > 0) {
        input_.assign(scratch.data(), static_cast<std::size_t>(size));
        return process();
    }
    if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return close();
    read();
}

// Asio takes the socket over, for what has to wait. False: it could not, and the connection is closed.
bool Connection::attach() {
    if (socket_) return true;
    socket_.emplace(host_.connection_loop().context());
    const int descriptor = fresh_.release();
    // The family matters only to open() and bind(), which are not called.
    boost::system::error_code ec;
    socket_->assign(asio::ip::tcp::v4(), descriptor, ec);
    if (!ec) return true;
    fresh_ = AcceptedSocket{descriptor, address_};
    close();
    return false;
}

// The descriptor for whoever goes on with it; none: it could not be had back.
AcceptedSocket Connection::release() {
    if (!socket_) return std::move(fresh_);
    boost::system::error_code ec;
    const int descriptor = socket_->release(ec);
    return ec ? AcceptedSocket{} : AcceptedSocket{descriptor, address_};
}

void Connection::close() {
    if (phase_ == Phase::gone) return;
    phase_ = Phase::gone;
    ndjson_.reset();
    boost::system::error_code ec;
    if (socket_) socket_->close(ec);
    fresh_ = {};
    stop_waiting();
    host_.connection_closed(this);
}

void Connection::close_when_idle() {
    close_after_ = true;
    if (phase_ == Phase::head && !parser_.begun() && input_.empty()) close();
}

bool Connection::busy() const noexcept {
    if (phase_ == Phase::head) return parser_.begun();
    return phase_ == Phase::body || phase_ == Phase::answering;
}

void Connection::wait(std::chrono::milliseconds limit) {
    timed_ = true;
    if (!timer_) timer_.emplace(host_.connection_loop().context());
    timer_->expires_after(limit);
    timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        if (ec) return;
        if (const auto self = weak.lock()) self->on_timeout();
    });
}

void Connection::stop_waiting() {
    timed_ = true;
    if (timer_) timer_->cancel();
}

void Connection::on_timeout() {
    if (phase_ == Phase::gone || timer_->expiry() > asio::steady_timer::clock_type::now()) return;
    if (phase_ == Phase::leaving) return close();
    ++host_.counters().timeouts;
    const bool in_request = phase_ == Phase::body || (phase_ == Phase::head && parser_.begun());
    // Where an answer has begun, the only thing left to say is that it breaks off.
    if (!in_request || writing_ || lines_open_) return close();
    refuse({408, Error{Errc::timed_out, "the request took too long"}});
}

void Connection::read() {
    if (reading_ || phase_ == Phase::gone || !attach()) return;
    reading_ = true;
    // Waits first and reads then, so that those who wait share one buffer.
    socket_->async_wait(asio::ip::tcp::socket::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& ec) {
                            self->reading_ = false;
                            if (ec) return self->on_read(ec, {});
                            self->take_bytes();
                        });
}

void Connection::take_bytes() {
    if (phase_ == Phase::gone) return;
    const auto room = ndjson_ ? ndjson_->read_room() : host_.connection_loop().scratch();
    const auto size = ::recv(socket_->native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (size > 0) return on_read({}, {room.data(), static_cast<std::size_t>(size)});
    if (size == 0) return on_read(asio::error::eof, {});
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return read();
    on_read(asio::error::connection_reset, {});
}

void Connection::on_read(const boost::system::error_code& ec, std::string_view bytes) {
    if (phase_ == Phase::gone) return;
    if (ec) {
        // A client that has asked and closed its sending half still gets its answer; one that is gone gets
        // nothing.
        if (ec == asio::error::eof && phase_ == Phase::answering) {
            close_after_ = true;
            return;
        }
        return close();
    }
    if (phase_ == Phase::leaving) {
        left_over_ += bytes.size();
        return left_over_ < leaving_bytes_max ? read() : close();
    }
    input_.append(bytes);
    process();
}

// Takes what the phase can use of the input; what belongs to a later request waits for it, bounded.
void Connection::process() {
    if (phase_ == Phase::head) {
        const bool begun = parser_.begun();
        const auto progress = parser_.parse_head(input_);
        input_.erase(0, progress.consumed);
        if (progress.outcome == http::Outcome::refused) return refuse(parser_.refusal());
        if (progress.outcome == http::Outcome::complete) return head_complete();
        if (!begun && parser_.begun()) wait(first_settings_->config.limits.head_timeout);
        return read();
    }
    if (phase_ == Phase::body) return body_progress();
    if (input_.size() < pipelined_bytes_max) read();
}

void Connection::refuse(const http::Refusal& refusal) {
    ++host_.counters().malformed;
    close_after_ = true;
    http::ProblemContext problem;
    problem.status = refusal.status;
    respond(http::problem_response(refusal.error, problem));
}

void Connection::head_complete() {
    settings_ = context_.settings.take();
    credential_.reset();
    body_.clear();
    body_complete_ = false;
    const auto& request = parser_.request();
    if (request.connection == http::Connection::close) close_after_ = true;
    route_ = context_.routes.match(kind_, request.method, request.path);
    phase_ = Phase::body;
    if (route_.kind != http::RouteKind::endpoint) {
        if (request.body != http::BodyKind::none) close_after_ = true;
        return respond(answer_unrouted(route_, request));
    }
    using http::Endpoint;
    const bool posts = route_.endpoint == Endpoint::events_publish ||
                       route_.endpoint == Endpoint::domain_events || route_.endpoint == Endpoint::topic_close;
    if (posts) {
        // Refused before a byte of the body is read, so that a refusal costs next to nothing (C-42).
        if (const auto refused = authorise(host_, *settings_, request, credential_)) {
            close_after_ = close_after_ || request.body != http::BodyKind::none;
            return respond(http::problem_response(*refused, {.instance = request.path}));
        }
        if (route_.endpoint == Endpoint::events_publish && is_ndjson(request)) {
            parser_.limit_body(~std::uint64_t{0});
            ndjson_ = std::make_shared<NdjsonSession>(*this, *credential_);
        }
    }
    // Nobody had to say who they are to get here, so nobody may make us hold a body.
    if (!posts) parser_.limit_body(unused_body_bytes_max);
    if (request.expectation == http::Expectation::continue_100 && request.body != http::BodyKind::none) {
        output_ = http::continue_head();
        return write(std::move(output_), [this] { process(); });
    }
    process();
}

void Connection::body_progress() {
    const auto progress = parser_.parse_body(input_, body_);
    const bool moved = progress.consumed > 0;
    input_.erase(0, progress.consumed);
    if (progress.outcome == http::Outcome::refused) {
        if (ndjson_) return close();
        return refuse(parser_.refusal());
    }
    body_complete_ = progress.outcome == http::Outcome::complete;
    if (ndjson_) {
        if (moved) wait(settings_->config.limits.body_timeout);
        const std::string piece = std::exchange(body_, {});
        if (body_complete_) phase_ = Phase::answering;
        const bool room = ndjson_->feed(piece, body_complete_ ? BodyEnd::reached : BodyEnd::open);
        if (!body_complete_ && phase_ == Phase::body && room && lines_.size() < line_bytes_high) read();
        return;
    }
    if (!body_complete_) {
        if (moved || input_.empty()) wait(settings_->config.limits.body_timeout);
        return read();
    }
    phase_ = Phase::answering;
    stop_waiting();
    dispatch();
}

void Connection::resume_body() {
    if (phase_ == Phase::body && ndjson_ && !reading_ && lines_.size() < line_bytes_high) process();
}

void Connection::dispatch() {
    using http::Endpoint;
    const auto& request = parser_.request();
    const auto answer = [weak = weak_from_this()](http::Response response) {
        if (const auto self = weak.lock()) self->respond(std::move(response));
    };
    switch (route_.endpoint) {
        case Endpoint::events_stream: return stream();
        case Endpoint::events_publish:
            return publish(host_, *settings_, request, *credential_, std::move(body_), answer);
        case Endpoint::domain_events:
            return publish_domain_events(host_, *settings_, request, *credential_, std::move(body_), answer);
        case Endpoint::topic_close:
            return close_topic(host_, *settings_, request, *credential_, route_.topic, answer);
        case Endpoint::event_types: return respond(event_types(host_, *settings_, request));
        case Endpoint::livez: return respond(livez());
        case Endpoint::readyz: return readyz(host_, request, answer);
        case Endpoint::metrics: return metrics(host_, answer);
    }
}

void Connection::stream() {
    const auto& request = parser_.request();
    const bool has_credential = request.fields.find("Authorization") != nullptr;
    const auto probe = accepts_probe(request);
    if (!has_credential && !probe && request.method == http::Method::get) {
        if (const auto why = overload_of(context_)) {
            // Browsers alone may be what comes: their retries are to grow as well.
            if (*why == Refused::process_full) note_overload(context_, steady_ms());
            return refuse_stream(*why, false);
        }
    }
    auto plan = plan_stream(host_, *settings_, request);
    if (!plan) return respond(http::problem_response(plan.error(), {.instance = request.path}));
    if (probe) return respond(probe_answer());
    if (request.method == http::Method::head) {
        output_ = http::stream_head(reply());
        return write(std::move(output_), [this] { answered(); });
    }
    plan->address = address_;
    plan->after_end = close_after_ ? http::Connection::close : http::Connection::keep_alive;
    if (!plan->probes_topics) return open(std::move(*plan));
    // Shared because the answer and the plan must both outlive this call.
    auto held = std::make_shared<StreamPlan>(std::move(*plan));
    host_.probe_topics(*held, [self = shared_from_this(), held](TopicProbe found) {
        if (self->phase_ == Phase::gone) return;
        if (found != TopicProbe::finished_at_tail) return self->open(std::move(*held));
        self->respond(http::Response{204, {}, {}});
    });
}

void Connection::open(StreamPlan plan) {
    const auto& request = parser_.request();
    const bool has_credential = request.fields.find("Authorization") != nullptr;
    if (context_.draining) return refuse_stream(Refused::draining, has_credential);
    switch (context_.admission.enter(plan.subject, plan.address)) {
        case Admitted::yes: break;
        case Admitted::process_full:
            note_overload(context_, steady_ms());
            return refuse_stream(Refused::process_full, has_credential);
        case Admitted::user_full: return refuse_stream(Refused::user_full, has_credential);
        case Admitted::address_full: return refuse_stream(Refused::address_full, has_credential);
    }
    Seat seat{context_.admission, plan.subject, plan.address};
    context_.overloaded_since_ms = 0;
    auto& counters = host_.counters();
    ++counters.answers[200];
    ++(plan.framing == Framing::chunked ? counters.streams_http_1_1 : counters.streams_http_1_0);
    if (plan.catch_up.from.kind == CatchUpFrom::Kind::cursor) ++counters.resumes;
    // The first bytes leave with the head: a browser's `open` waits for them (C-2). No blank line after
    // `retry`.
    const std::string first = ": tidings\nretry: " + std::to_string(host_.draw_retry()) + "\n";
    const std::string head = http::stream_head(reply());
    plan.opening = plan.framing == Framing::chunked ? Frame::opening(head, first) : Frame::raw(head + first);
    plan.leftover = std::move(input_);
    stop_waiting();
    auto socket = release();
    if (socket.descriptor() < 0) return close();
    seat.keep();
    phase_ = Phase::gone;
    const auto self = shared_from_this();
    host_.connection_closed(this);
    host_.open_stream(std::move(plan), std::move(socket));
}

// Any answer but 200 silences a browser's EventSource for good, so one that could be a browser's gets a 200
// that breaks off and says when to come back (C-41). Others are told plainly.
void Connection::refuse_stream(Refused why, bool has_credential) {
    auto& counters = host_.counters();
    ++counters.refused[static_cast<std::size_t>(why)];
    const auto& request = parser_.request();
    const std::uint32_t retry_ms = overload_retry(context_, host_.draw_retry(), steady_ms());
    if (has_credential || !settings_->config.delivery.soft_refusal) {
        http::ProblemContext problem;
        problem.instance = request.path;
        problem.retry_after = std::chrono::seconds{(retry_ms + 999) / 1000};
        return respond(http::problem_response(refusal_error(why), problem));
    }
    ++counters.soft_refusals;
    ++counters.answers[200];
    const RefusalPlan plan{framing_of(request), retry_ms};
    become(http::stream_head(reply()),
           [this, plan](AcceptedSocket socket) { host_.refuse_softly(plan, std::move(socket)); });
}

// Writes the head, then gives the descriptor away: this connection ends, its socket goes on.
void Connection::become(std::string head, Callback<void(AcceptedSocket)> then) {
    // Shared because Asio's handlers are copied.
    auto next = std::make_shared<Callback<void(AcceptedSocket)>>(std::move(then));
    write(std::move(head), [this, next] {
        auto socket = release();
        if (socket.descriptor() < 0) return close();
        phase_ = Phase::gone;
        stop_waiting();
        (*next)(std::move(socket));
        host_.connection_closed(this);
    });
}

}  // namespace tidings
