#pragma once
// One request after another to one hub.

#include "client/url.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidings {

// Whether a request may be sent again when a kept connection turns out to be gone: only if doing it twice is
// doing it once, as with an idempotency key.
enum class Repeatable : std::uint8_t { no, yes };

struct HttpRequest {
    std::string method = "POST";
    std::string target;  // the whole path and query
    std::vector<std::pair<std::string, std::string>> fields{};
    std::string body{};
    Repeatable repeatable = Repeatable::no;
};

struct HttpResponse {
    unsigned status = 0;
    std::string content_type;
    std::string retry_after;  // as it stands in the head; may be empty
    std::string body;
};

struct HttpTimeouts {
    std::chrono::milliseconds connect{5'000};
    std::chrono::milliseconds answer{30'000};  // from the first byte sent to the whole answer
};

// A blocking HTTP/1.1 client over TCP that keeps its connection. It belongs to one thread; only cancel() may
// be called from another. An answer may have 16 MiB.
class HttpClient {
public:
    explicit HttpClient(Url url, HttpTimeouts timeouts = {});
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // Fails with Errc::connection_failed (nothing listens, or the connection broke), timed_out, or cancelled.
    // After a failure it is unknown whether the hub took the request; the next one uses a new connection.
    Result<HttpResponse> send(const HttpRequest& request);
    // Ends the request in progress and refuses later ones. From any thread.
    void cancel();
    const Url& url() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidings
