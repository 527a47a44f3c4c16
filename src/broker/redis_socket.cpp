#include "broker/redis_socket.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <optional>
#include <utility>

namespace tidings {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Cause = RedisSocket::Handlers::Cause;

constexpr std::size_t read_bytes = 64 * 1024;

Error unusable(const std::string& what, const error_code& ec) {
    return {Errc::invalid_field, "the Redis URL names " + what + ", which cannot be used: " + ec.message()};
}

}  // namespace

class RedisTls {
public:
    explicit RedisTls(redis::RedisUrl::Verify its_verify) : verify{its_verify} {}

    ssl::context context{ssl::context::tls_client};
    redis::RedisUrl::Verify verify;
};

Result<std::shared_ptr<RedisTls>> read_redis_tls(const redis::RedisUrl& url) {
    auto tls = std::make_shared<RedisTls>(url.verify);
    error_code ec;
    tls->context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                                 ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                             ec);
    if (ec) return unusable("TLS", ec);
    if (url.ca_file.empty()) {
        tls->context.set_default_verify_paths(ec);
    } else {
        tls->context.load_verify_file(url.ca_file, ec);
    }
    if (ec) return unusable("the CA file " + url.ca_file, ec);
    if (!url.certificate_file.empty()) {
        tls->context.use_certificate_chain_file(url.certificate_file, ec);
        if (ec) return unusable("the certificate " + url.certificate_file, ec);
        tls->context.use_private_key_file(url.key_file, ssl::context::pem, ec);
        if (ec) return unusable("the key " + url.key_file, ec);
    }
    return tls;
}

// One attempt and what comes of it. Shared by its owner and its pending operations, which may end after the
// owner has let it go: then `handlers` is gone and they do nothing.
struct RedisSocket::Session : std::enable_shared_from_this<RedisSocket::Session> {
    Session(asio::io_context& context, std::shared_ptr<Handlers> its_handlers,
            std::shared_ptr<RedisTls> its_tls, std::string its_name)
        : handlers{std::move(its_handlers)},
          tls{std::move(its_tls)},
          server_name{std::move(its_name)},
          resolver{context},
          socket{context} {}

    // Runs `next` if the owner still wants to know, and says that it failed if it did.
    template <class Next>
    auto then(std::string_view what, Next next) {
        return
            [self = shared_from_this(), what, next = std::move(next)](const error_code& ec, auto... results) {
                if (!self->handlers) return;
                if (ec) return self->fail(std::string{what} + ": " + ec.message());
                next(std::move(results)...);
            };
    }

    void fail(std::string why, Cause cause = Cause::passing) {
        const auto told = handlers;
        abandon();
        told->failed(std::move(why), cause);
    }

    void abandon() {
        handlers.reset();
        resolver.cancel();
        error_code ignored;
        if (stream) {
            stream->next_layer().close(ignored);
        } else {
            socket.close(ignored);
        }
    }

    void resolve(const redis::Endpoint& endpoint) {
        resolver.async_resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::numeric_service,
                               then("the name of the server", [this](tcp::resolver::results_type found) {
                                   connect(std::move(found));
                               }));
    }

    void connect(tcp::resolver::results_type found) {
        asio::async_connect(socket, found, then("no connection", [this](const tcp::endpoint&) {
                                error_code ignored;
                                socket.set_option(tcp::no_delay{true}, ignored);
                                socket.set_option(asio::socket_base::keep_alive{true}, ignored);
                                if (tls) return shake_hands();
                                begin();
                            }));
    }

    void shake_hands() {
        stream.emplace(std::move(socket), tls->context);
        error_code ec;
        if (tls->verify == redis::RedisUrl::Verify::chain_and_name) {
            stream->set_verify_mode(ssl::verify_peer, ec);
            stream->set_verify_callback(ssl::host_name_verification{server_name}, ec);
        } else {
            stream->set_verify_mode(ssl::verify_none, ec);
        }
        asio::ip::make_address(server_name, ec);
        // The extension is for names; an address has no place in it (RFC 6066).
        if (ec) SSL_set_tlsext_host_name(stream->native_handle(), server_name.c_str());
        stream->async_handshake(ssl::stream_base::client,
                                [self = shared_from_this()](const error_code& failed) {
                                    if (!self->handlers) return;
                                    if (failed) return self->fail_tls(failed);
                                    self->begin();
                                });
    }

    // A server that ended the connection may be starting; one whose certificate is wrong stays so.
    void fail_tls(const error_code& ec) {
        const long verified = SSL_get_verify_result(stream->native_handle());
        if (verified != X509_V_OK) {
            return fail("the certificate of the server is not trusted: " +
                            std::string{X509_verify_cert_error_string(verified)} +
                            "; name its CA with ?ca=FILE, or its name with server_name",
                        Cause::lasting);
        }
        const bool spoken = ec.category() == asio::error::get_ssl_category();
        fail("no TLS: " + ec.message() + (spoken ? "; does the server speak TLS on this port?" : ""),
             spoken ? Cause::lasting : Cause::passing);
    }

    void begin() {
        open = true;
        const auto told = handlers;
        told->connected();
        if (!handlers) return;
        flush();
        read();
    }

    void read() {
        const auto buffer = asio::buffer(input);
        auto received = then("the connection ended", [this](std::size_t size) {
            const auto told = handlers;
            told->received({input.data(), size});
            if (handlers) read();
        });
        if (stream) {
            stream->async_read_some(buffer, std::move(received));
        } else {
            socket.async_read_some(buffer, std::move(received));
        }
    }

    void write(std::string_view bytes) {
        gathered += bytes;
        if (std::exchange(flush_is_posted, true)) return;
        asio::post(resolver.get_executor(), [self = shared_from_this()] {
            self->flush_is_posted = false;
            if (self->handlers) self->flush();
        });
    }

    void flush() {
        if (!open || !writing.empty() || gathered.empty()) return;
        writing.swap(gathered);
        auto written = then("the connection ended", [this](std::size_t) {
            writing.clear();
            flush();
        });
        if (stream) {
            asio::async_write(*stream, asio::buffer(writing), std::move(written));
        } else {
            asio::async_write(socket, asio::buffer(writing), std::move(written));
        }
    }

    std::shared_ptr<Handlers> handlers;  // none: the owner has let this go
    std::shared_ptr<RedisTls> tls;
    std::string server_name;
    tcp::resolver resolver;
    tcp::socket socket;                              // until TLS takes it
    std::optional<ssl::stream<tcp::socket>> stream;  // over TLS
    bool open = false;
    bool flush_is_posted = false;
    std::string gathered;
    std::string writing;
    std::array<char, read_bytes> input;
};

RedisSocket::RedisSocket(Loop& loop, Handlers handlers)
    : loop_{loop}, handlers_{std::make_shared<Handlers>(std::move(handlers))} {}

RedisSocket::~RedisSocket() { close(); }

void RedisSocket::connect(const redis::Endpoint& endpoint, std::shared_ptr<RedisTls> tls,
                          std::string server_name) {
    close();
    session_ = std::make_shared<Session>(loop_.context(), handlers_, std::move(tls), std::move(server_name));
    session_->resolve(endpoint);
}

void RedisSocket::write(std::string_view bytes) {
    if (session_ && session_->handlers) session_->write(bytes);
}

void RedisSocket::close() {
    if (!session_) return;
    session_->abandon();
    session_.reset();
}

std::size_t RedisSocket::unwritten() const noexcept {
    return session_ ? session_->gathered.size() + session_->writing.size() : 0;
}

}  // namespace tidings
