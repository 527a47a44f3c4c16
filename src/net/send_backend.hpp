#pragma once
// How bytes go to sockets: many writes at a time, by the system call or by the kernel's ring.

#include <tidings/config.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

namespace tidings {

// One write that is due. The bytes and the pieces stay where they are until send() has returned.
struct SendOp {
    int descriptor = -1;
    std::span<const iovec> pieces;
    std::ptrdiff_t taken = 0;  // afterwards: bytes, fewer when it would block; -1: the peer is gone
};

// Owned by one reactor and used on its thread. Never blocks: when send() returns every write has its result.
class SendBackend {
public:
    virtual ~SendBackend() = default;
    virtual void send(std::span<SendOp> ops) = 0;
    virtual SendPath path() const noexcept = 0;
};

// One system call for each write. Always works.
std::unique_ptr<SendBackend> make_plain_sends();

// Batches through io_uring; fewer than `least` at a time go by plain sends, which cost less then. Null where
// the kernel or the build has none. To be made on the thread that uses it.
std::unique_ptr<SendBackend> make_uring_sends(std::size_t least);

// Whether io_uring can be used for sends here: by this build, kernel and whatever confines the process. The
// error says what is missing.
Result<void> uring_offered();

// The backend for the setting. Where io_uring is not offered, plain sends.
std::unique_ptr<SendBackend> make_sends(SendPath wish);

}  // namespace tidings
