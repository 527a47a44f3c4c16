// F2: as F0, with the sends of a batch in one system call through io_uring.
//   floor_uring [--port N] [--batch 256] [--plain-files 1]
#include "floor_server.hpp"

#include <liburing.h>

namespace {

using tidings::floor::option;

constexpr unsigned files_max = 20'000;

class UringFloor final : public tidings::floor::FloorServer {
public:
    UringFloor(std::size_t port, std::size_t batch, std::size_t plain_files)
        : FloorServer{port}, batch_{batch} {
        const auto entries = static_cast<unsigned>(batch);
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        if (io_uring_queue_init_params(entries, &ring_, &parameters) != 0) {
            std::fputs("floor_uring: no DEFER_TASKRUN here, with COOP_TASKRUN instead\n", stderr);
            parameters = {};
            parameters.flags = IORING_SETUP_COOP_TASKRUN;
            const int failed = io_uring_queue_init_params(entries, &ring_, &parameters);
            if (failed != 0) {
                std::fprintf(stderr, "floor_uring: io_uring is not to be had (error %d)\n", -failed);
                std::exit(1);
            }
        }
        registered_ = plain_files == 0 && io_uring_register_files_sparse(&ring_, files_max) == 0;
    }

private:
    // A stream's place in the ring's table is its descriptor.
    void stream_came(int descriptor) override {
        int file = descriptor;
        if (registered_) io_uring_register_files_update(&ring_, static_cast<unsigned>(descriptor), &file, 1);
    }
    void stream_went(int descriptor) override {
        int none = -1;
        if (registered_) io_uring_register_files_update(&ring_, static_cast<unsigned>(descriptor), &none, 1);
    }

    void sweep(const std::string& chunk) override {
        for (std::size_t from = 0; from < streams().size(); from += batch_)
            send_batch(chunk, from, std::min(from + batch_, streams().size()));
    }

    void send_batch(const std::string& chunk, std::size_t from, std::size_t end) {
        for (std::size_t i = from; i < end; ++i) {
            io_uring_sqe* entry = io_uring_get_sqe(&ring_);
            io_uring_prep_send(entry, streams()[i], chunk.data(), chunk.size(), MSG_NOSIGNAL);
            if (registered_) io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
            io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(streams()[i]));
        }
        std::size_t missing = end - from;
        io_uring_submit_and_wait(&ring_, static_cast<unsigned>(missing));
        while (missing > 0) {
            io_uring_cqe* done = nullptr;
            if (io_uring_wait_cqe(&ring_, &done) != 0) continue;
            const auto sent = done->res;
            const auto stream = static_cast<int>(done->user_data);
            io_uring_cqe_seen(&ring_, done);
            --missing;
            if (sent >= 0 && static_cast<std::size_t>(sent) < chunk.size())
                send_rest(stream, std::string_view{chunk}.substr(static_cast<std::size_t>(sent)));
        }
    }

    io_uring ring_{};
    std::size_t batch_;
    bool registered_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    UringFloor{option(argc, argv, "--port", 0), option(argc, argv, "--batch", 256),
               option(argc, argv, "--plain-files", 0)}
        .run();
}
