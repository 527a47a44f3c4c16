#pragma once
// The seam for streams whose bytes do not go straight to a descriptor: TLS, HTTP/2, and the pipes of tests.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidings {

enum class CloseKind : std::uint8_t {
    clean,  // everything was written and ended as its protocol ends
    abort   // as its protocol breaks off: the client must see an unfinished answer
};

// Owned by the reactor that the stream was given to. Never blocks.
class StreamWriter {
public:
    virtual ~StreamWriter() = default;
    // The number of bytes taken, fewer when it would block (then the owner calls StreamReactor::writable()
    // when there is room), or -1 when the peer is gone.
    virtual std::ptrdiff_t write(std::span<const iovec> pieces) = 0;
    // Bytes taken that the peer has not yet acknowledged; 0 where that is unknown.
    virtual std::size_t unacknowledged() const = 0;
    virtual void close(CloseKind kind) = 0;
};

}  // namespace tidings
