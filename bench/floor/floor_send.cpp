// F0: one thread, and one send() for each event and stream. floor_send [--port N]
#include "floor_server.hpp"

namespace {

class SendFloor final : public tidings::floor::FloorServer {
public:
    using FloorServer::FloorServer;

private:
    void sweep(const std::string& chunk) override {
        for (const int stream : streams()) {
            const auto sent = ::send(stream, chunk.data(), chunk.size(), MSG_NOSIGNAL);
            if (sent == static_cast<ssize_t>(chunk.size())) continue;
            if (sent < 0 && errno != EAGAIN) continue;  // it is gone, as its next read will tell
            send_rest(stream, std::string_view{chunk}.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)));
        }
    }
};

}  // namespace

int main(int argc, char** argv) { SendFloor{tidings::floor::option(argc, argv, "--port", 0)}.run(); }
