#include "client/sse_client.hpp"

#include "client/publish_batch.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <random>

namespace tidings {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Do = SseClientMachine::Do;
using std::chrono::milliseconds;

constexpr std::size_t refusal_bytes_max = 64 * 1024;

RandomSource system_random() {
    return [engine = std::mt19937_64{std::random_device{}()}]() mutable { return engine(); };
}

milliseconds seconds_of(std::string_view digits) {
    std::uint32_t seconds = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    return std::chrono::seconds{seconds};
}

}  // namespace

// Does what the machine says. Every handler carries the number of the connection that it belongs to, so that
// what a closed connection still completes is not taken for the next one's.
struct SseClient::Impl final : SseListener {
    Impl(SseClientOptions its_options, OnEvent its_on_event, OnNews its_on_news)
        : options{std::move(its_options)},
          on_event{std::move(its_on_event)},
          on_news{std::move(its_on_news)},
          machine{options.settings, options.random ? options.random : system_random()} {
        decoder.set_last_event_id(options.settings.last_event_id);
    }

    void event(const SseEvent& one) override { on_event(one); }
    void retry(milliseconds delay) override { machine.step(SseClientMachine::Retry{delay}); }

    void step(const SseClientMachine::Input& input) { obey(machine.step(input)); }

    void obey(const SseClientMachine::Action& action) {
        switch (action.what) {
            case Do::none: return;
            case Do::connect: connect(); break;
            case Do::ask: ask(); break;
            case Do::listen: break;
            case Do::wait:
                close();
                if (on_news) on_news({SseClientNews::Kind::coming_back, action.time, why});
                break;
            case Do::done:
                close();
                timer.cancel();
                limit.cancel();
                return;
        }
        expires(action.time);
    }

    void expires(milliseconds time) {
        timer.expires_after(time);
        timer.async_wait([this](const error_code& ec) {
            // One that was due when it was set anew has been queued already and must not count.
            if (ec || timer.expiry() > std::chrono::steady_clock::now()) return;
            why = "nothing came in time";
            step(SseClientMachine::TimedOut{});
        });
    }

    void close() {
        ++connection;
        error_code ignored;
        resolver.cancel();
        socket.close(ignored);
        buffer.clear();
        decoder.finish();
    }

    void connect() {
        close();
        resolver.async_resolve(
            options.url.host, options.url.port,
            [this, mine = connection](const error_code& ec, const tcp::resolver::results_type& endpoints) {
                if (mine != connection) return;
                if (ec) return unreachable(ec);
                asio::async_connect(socket, endpoints,
                                    [this, mine](const error_code& failed, const tcp::endpoint&) {
                                        if (mine != connection) return;
                                        if (failed) return unreachable(failed);
                                        step(SseClientMachine::Connected{});
                                    });
            });
    }

    void unreachable(const error_code& ec) {
        why = ec.message() + " (" + options.url.authority() + ")";
        step(SseClientMachine::Unreachable{});
    }

    void ask() {
        const std::string query = options.query.empty() ? "" : "?" + options.query;
        request = {http::verb::get, options.url.base + "/events" + query, 11};
        request.set(http::field::host, options.url.authority());
        request.set(http::field::accept, "text/event-stream");
        request.set(http::field::cache_control, "no-store");
        request.set(http::field::user_agent, "tidings/" TIDINGS_VERSION);
        if (!options.token.empty()) request.set(http::field::authorization, "Bearer " + options.token);
        if (!machine.last_event_id().empty()) request.set("Last-Event-ID", machine.last_event_id());
        parser.emplace();
        parser->body_limit(boost::none);
        http::async_write(socket, request, [this, mine = connection](const error_code& ec, std::size_t) {
            if (mine != connection) return;
            if (ec) return unreachable(ec);
            http::async_read_header(socket, buffer, *parser,
                                    [this, mine](const error_code& failed, std::size_t) {
                                        if (mine != connection) return;
                                        if (failed) return unreachable(failed);
                                        head();
                                    });
        });
    }

    void head() {
        const auto& answer = parser->get();
        const std::string_view type = answer[http::field::content_type];
        const bool is_stream = type.substr(0, type.find(';')) == "text/event-stream";
        if (answer.result_int() != 200 || !is_stream) {
            refusal.clear();
            return read_refusal();
        }
        if (on_news) on_news({SseClientNews::Kind::connected});
        step(SseClientMachine::Head{200, SseClientMachine::Head::Body::event_stream});
        read();
    }

    // Its body says why; it is read as long as the answer may take.
    void read_refusal() {
        if (parser->is_done() || refusal.size() >= refusal_bytes_max) return refused();
        read_some([this](const error_code& ec, std::string_view bytes) {
            refusal += bytes;
            if (ec) return refused();
            read_refusal();
        });
    }

    void refused() {
        const auto& answer = parser->get();
        why = std::to_string(answer.result_int()) + " " + problem_text(refusal);
        step(SseClientMachine::Head{answer.result_int(), SseClientMachine::Head::Body::other,
                                    seconds_of(answer[http::field::retry_after])});
    }

    void read() {
        read_some([this](const error_code& ec, std::string_view bytes) {
            const auto mine = connection;
            decoder.feed(bytes, *this);
            if (decoder.last_event_id() != machine.last_event_id()) {
                machine.step(SseClientMachine::Id{decoder.last_event_id()});
            }
            if (ec || parser->is_done()) {
                why = ec ? "the connection broke: " + ec.message() : "the stream ended";
                return step(SseClientMachine::Ended{});
            }
            step(SseClientMachine::Received{});
            if (mine == connection) read();
        });
    }

    template <class Then>
    void read_some(Then then) {
        auto& body = parser->get().body();
        body.data = bytes_read.data();
        body.size = bytes_read.size();
        http::async_read_some(
            socket, buffer, *parser, [this, then, mine = connection](error_code ec, std::size_t) {
                if (mine != connection) return;
                if (ec == http::error::need_buffer) ec = {};
                then(ec, {bytes_read.data(), bytes_read.size() - parser->get().body().size});
            });
    }

    SseClientOptions options;
    OnEvent on_event;
    OnNews on_news;
    SseClientMachine machine;
    SseDecoder decoder;
    asio::io_context loop{1};
    tcp::resolver resolver{loop};
    tcp::socket socket{loop};
    asio::steady_timer timer{loop};  // of the machine's action
    asio::steady_timer limit{loop};  // of the whole
    http::request<http::empty_body> request;
    std::optional<http::response_parser<http::buffer_body>> parser;
    boost::beast::flat_buffer buffer{64 * 1024};
    std::array<char, 16 * 1024> bytes_read{};
    std::string refusal;
    std::string why;
    std::uint64_t connection = 0;
};

SseClient::SseClient(SseClientOptions options, OnEvent on_event, OnNews on_news)
    : impl_{std::make_unique<Impl>(std::move(options), std::move(on_event), std::move(on_news))} {}

SseClient::~SseClient() = default;

SseClientResult SseClient::run() {
    if (impl_->options.time_limit.count() > 0) {
        impl_->limit.expires_after(impl_->options.time_limit);
        impl_->limit.async_wait([impl = impl_.get()](const error_code& ec) {
            if (!ec) impl->step(SseClientMachine::Expired{});
        });
    }
    impl_->step(SseClientMachine::Start{});
    impl_->loop.run();
    return {impl_->machine.outcome(), impl_->machine.status(), impl_->why, impl_->machine.last_event_id()};
}

void SseClient::stop() {
    asio::post(impl_->loop, [impl = impl_.get()] { impl->step(SseClientMachine::Stop{}); });
}

}  // namespace tidings
