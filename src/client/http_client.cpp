#include "client/http_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <atomic>
#include <optional>

namespace tidings {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;

}  // namespace

// The connection and the loop that drives it; the loop runs only inside send().
struct HttpClient::Impl {
    Impl(Url its_url, HttpTimeouts its_timeouts) : url{std::move(its_url)}, timeouts{its_timeouts} {}

    // Runs one operation to its end. At the deadline, or when cancelled, the socket is closed and the
    // operation's own end is awaited, so that nothing of it outlives this call.
    template <class Start>
    error_code drive(Clock::time_point deadline, Start start) {
        std::optional<error_code> outcome;
        loop.restart();
        start([&outcome](const error_code& ec, const auto&...) { outcome = ec; });
        while (!outcome && !cancelled && loop.run_one_until(deadline) > 0) {
        }
        if (outcome) return *outcome;
        resolver.cancel();
        close();
        loop.restart();
        while (!outcome && loop.run_one() > 0) {
        }
        return asio::error::timed_out;
    }

    void close() {
        error_code ignored;
        socket.close(ignored);
        buffer.clear();
        connected = false;
    }

    error_code connect() {
        close();
        const auto deadline = Clock::now() + timeouts.connect;
        tcp::resolver::results_type endpoints;
        error_code ec = drive(deadline, [&](auto done) {
            resolver.async_resolve(
                url.host, url.port,
                [&endpoints, done](const error_code& failed, tcp::resolver::results_type found) {
                    endpoints = std::move(found);
                    done(failed);
                });
        });
        if (ec) return ec;
        ec = drive(deadline, [&](auto done) { asio::async_connect(socket, endpoints, done); });
        if (ec) return ec;
        socket.set_option(tcp::no_delay{true}, ec);
        connected = true;
        return {};
    }

    // One attempt on the open connection. `answered`: a byte of the answer came.
    error_code exchange(const HttpRequest& request, HttpResponse& response, bool& answered) {
        http::request<http::string_body> message{http::string_to_verb(request.method), request.target, 11};
        message.set(http::field::host, url.authority());
        message.set(http::field::user_agent, "tidings/" TIDINGS_VERSION);
        for (const auto& [name, value] : request.fields) message.set(name, value);
        message.body() = request.body;
        message.prepare_payload();
        const auto deadline = Clock::now() + timeouts.answer;
        const error_code unsent =
            drive(deadline, [&](auto done) { http::async_write(socket, message, std::move(done)); });
        if (!socket.is_open()) return unsent;
        // A hub that refuses a request may answer before it has read the whole and then close, so that
        // writing fails.
        http::response_parser<http::string_body> parser;
        parser.body_limit(answer_bytes_max);
        const error_code unread =
            drive(deadline, [&](auto done) { http::async_read(socket, buffer, parser, std::move(done)); });
        answered = parser.got_some();
        if (unread) return unsent ? unsent : unread;
        const auto& head = parser.get();
        response.status = head.result_int();
        response.content_type = std::string{head[http::field::content_type]};
        response.retry_after = std::string{head[http::field::retry_after]};
        response.body = std::move(parser.get().body());
        if (unsent || !parser.keep_alive()) close();
        return {};
    }

    Error error_of(const error_code& ec) const {
        const std::string where = " (" + url.authority() + ")";
        if (cancelled) return {Errc::cancelled, "the request was cancelled" + where};
        if (ec == asio::error::timed_out) return {Errc::timed_out, "no answer in time" + where};
        return {Errc::connection_failed, ec.message() + where};
    }

    Url url;
    HttpTimeouts timeouts;
    asio::io_context loop{1};
    tcp::resolver resolver{loop};
    tcp::socket socket{loop};
    boost::beast::flat_buffer buffer{answer_bytes_max};
    bool connected = false;
    std::atomic<bool> cancelled{false};
};

HttpClient::HttpClient(Url url, HttpTimeouts timeouts)
    : impl_{std::make_unique<Impl>(std::move(url), timeouts)} {}

HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
    while (true) {
        if (impl_->cancelled) return impl_->error_of({});
        const bool reused = impl_->connected;
        if (!reused) {
            if (const auto ec = impl_->connect()) {
                impl_->close();
                return impl_->error_of(ec);
            }
        }
        HttpResponse response;
        bool answered = false;
        const auto ec = impl_->exchange(request, response, answered);
        if (!ec) return response;
        impl_->close();
        const bool gone = ec != asio::error::timed_out && !answered && !impl_->cancelled;
        if (!reused || !gone || request.repeatable == Repeatable::no) return impl_->error_of(ec);
    }
}

void HttpClient::cancel() {
    impl_->cancelled = true;
    asio::post(impl_->loop, [] {});
}

const Url& HttpClient::url() const noexcept { return impl_->url; }

}  // namespace tidings
