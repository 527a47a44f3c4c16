// Sends through io_uring. Each write carries MSG_DONTWAIT, so it is done, or refused, by the time it was
// submitted: a batch is one system call, and nothing is under way between two calls of send().

#include "net/send_backend.hpp"

#ifdef TIDINGS_IO_URING

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace tidings {
namespace {

constexpr unsigned batch_max = 256;
constexpr int send_flags = MSG_NOSIGNAL | MSG_DONTWAIT;

// The cheapest ring that the kernel makes. Zero, or a negative errno.
int make_ring(unsigned entries, io_uring& ring) {
    constexpr std::array<unsigned, 3> choices{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                              IORING_SETUP_COOP_TASKRUN, 0};
    int error = 0;
    for (const unsigned flags : choices) {
        io_uring_params params{};
        params.flags = flags;
        error = io_uring_queue_init_params(entries, &ring, &params);
        if (error != -EINVAL) break;
    }
    return error;
}

std::ptrdiff_t taken_of(int result) noexcept {
    if (result >= 0) return result;
    return result == -EAGAIN || result == -EWOULDBLOCK || result == -ENOBUFS ? 0 : -1;
}

class UringSends final : public SendBackend {
public:
    explicit UringSends(std::size_t least) : least_{least} {}
    ~UringSends() override { give_up(); }
    UringSends(const UringSends&) = delete;
    UringSends& operator=(const UringSends&) = delete;

    bool start() {
        open_ = make_ring(batch_max, ring_) == 0;
        return open_;
    }

    void send(std::span<SendOp> ops) override {
        if (ops.size() < least_) return plain_->send(ops);
        for (std::size_t done = 0; done < ops.size(); done += batch_max) {
            const auto batch = ops.subspan(done, std::min<std::size_t>(batch_max, ops.size() - done));
            if (open_) {
                send_batch(batch);
            } else {
                plain_->send(batch);
            }
        }
    }
    SendPath path() const noexcept override { return open_ ? SendPath::io_uring : SendPath::send; }

private:
    void send_batch(std::span<SendOp> ops) {
        for (std::size_t i = 0; i < ops.size(); ++i) prepare(ops[i], i);
        std::size_t submitted = 0;
        std::size_t settled = 0;
        while (settled < ops.size()) {
            const auto left = static_cast<unsigned>(ops.size() - settled);
            const int count = io_uring_submit_and_wait(&ring_, left);
            if (count > 0) submitted += static_cast<std::size_t>(count);
            settled += reap(ops);
            if (count < 0 && count != -EINTR) break;
        }
        if (settled == ops.size()) return;
        io_uring_cqe* entry = nullptr;
        while (settled < submitted && io_uring_wait_cqe(&ring_, &entry) == 0) settled += reap(ops);
        // What the kernel has not taken over will not be sent by it either once the ring is gone.
        give_up();
        plain_->send(ops.subspan(submitted));
    }

    void prepare(SendOp& op, std::size_t number) {
        op.taken = -1;  // should its result never come: nobody knows what has left
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (op.pieces.size() == 1) {
            io_uring_prep_send(entry, op.descriptor, op.pieces[0].iov_base, op.pieces[0].iov_len, send_flags);
        } else {
            auto& message = messages_[number];
            message = {};
            message.msg_iov = const_cast<iovec*>(op.pieces.data());
            message.msg_iovlen = op.pieces.size();
            io_uring_prep_sendmsg(entry, op.descriptor, &message, send_flags);
        }
        io_uring_sqe_set_data64(entry, number);
    }

    std::size_t reap(std::span<SendOp> ops) {
        unsigned head = 0;
        unsigned count = 0;
        io_uring_cqe* entry = nullptr;
        io_uring_for_each_cqe(&ring_, head, entry) {
            auto& op = ops[io_uring_cqe_get_data64(entry)];
            op.taken = taken_of(entry->res);
            if (entry->res == -EINTR) plain_->send({&op, 1});
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
        return count;
    }

    void give_up() {
        if (open_) io_uring_queue_exit(&ring_);
        open_ = false;
    }

    std::size_t least_;
    std::unique_ptr<SendBackend> plain_ = make_plain_sends();
    io_uring ring_{};
    std::array<msghdr, batch_max> messages_;
    bool open_ = false;
};

}  // namespace

std::unique_ptr<SendBackend> make_uring_sends(std::size_t least) {
    auto made = std::make_unique<UringSends>(least);
    if (!made->start()) return nullptr;
    return made;
}

Result<void> uring_offered() {
    io_uring ring{};
    if (const int error = make_ring(2, ring); error != 0) {
        return Error{Errc::overloaded, std::string{"io_uring is not offered here: "} + std::strerror(-error)};
    }
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    const bool sends = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_SEND) != 0 &&
                       io_uring_opcode_supported(probe, IORING_OP_SENDMSG) != 0;
    if (probe != nullptr) io_uring_free_probe(probe);
    io_uring_queue_exit(&ring);
    if (!sends) return Error{Errc::overloaded, "io_uring of this kernel does not send"};
    return {};
}

}  // namespace tidings

#else

namespace tidings {

std::unique_ptr<SendBackend> make_uring_sends(std::size_t) { return nullptr; }

Result<void> uring_offered() { return Error{Errc::overloaded, "this build has no io_uring (liburing)"}; }

}  // namespace tidings

#endif
