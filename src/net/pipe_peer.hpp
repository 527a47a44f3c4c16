#pragma once
// For tests: a stream's other end without a socket.

#include "net/stream_writer.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace tidings {

// What the client of a PipeWriter has, and how much it will still take.
struct PipePeer {
    std::string bytes;
    std::size_t room = ~std::size_t{0};
    std::size_t writes = 0;
    std::optional<CloseKind> closed;
    bool gone = false;
};

class PipeWriter final : public StreamWriter {
public:
    // Shared with the test, which looks at the peer after the stream has ended.
    explicit PipeWriter(std::shared_ptr<PipePeer> peer) : peer_{std::move(peer)} {}

    std::ptrdiff_t write(std::span<const iovec> pieces) override {
        if (peer_->gone) return -1;
        ++peer_->writes;
        std::ptrdiff_t taken = 0;
        for (const auto& piece : pieces) {
            const std::size_t part = std::min(piece.iov_len, peer_->room);
            peer_->bytes.append(static_cast<const char*>(piece.iov_base), part);
            peer_->room -= part;
            taken += static_cast<std::ptrdiff_t>(part);
            if (part < piece.iov_len) break;
        }
        return taken;
    }
    std::size_t unacknowledged() const override { return 0; }
    void close(CloseKind kind) override { peer_->closed = kind; }

private:
    std::shared_ptr<PipePeer> peer_;
};

}  // namespace tidings
