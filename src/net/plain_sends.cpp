#include "net/send_backend.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace tidings {
namespace {

constexpr std::size_t uring_from = 8;  // a batch of fewer costs more than as many system calls

std::ptrdiff_t send_one(const SendOp& op) {
    constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    ssize_t taken = 0;
    do {
        if (op.pieces.size() == 1) {
            taken = ::send(op.descriptor, op.pieces[0].iov_base, op.pieces[0].iov_len, flags);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(op.pieces.data());
            message.msg_iovlen = op.pieces.size();
            taken = ::sendmsg(op.descriptor, &message, flags);
        }
    } while (taken < 0 && errno == EINTR);
    if (taken >= 0) return taken;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -1;
}

class PlainSends final : public SendBackend {
public:
    void send(std::span<SendOp> ops) override {
        for (auto& op : ops) op.taken = send_one(op);
    }
    SendPath path() const noexcept override { return SendPath::send; }
};

}  // namespace

std::unique_ptr<SendBackend> make_plain_sends() { return std::make_unique<PlainSends>(); }

std::unique_ptr<SendBackend> make_sends(SendPath wish) {
    std::unique_ptr<SendBackend> made;
    if (wish == SendPath::automatic) made = make_uring_sends(uring_from);
    if (wish == SendPath::io_uring) made = make_uring_sends(1);
    return made ? std::move(made) : make_plain_sends();
}

}  // namespace tidings
