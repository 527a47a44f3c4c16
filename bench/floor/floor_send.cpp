// F0: one thread, and one send() for each event and stream. floor_send [--port N] [--heartbeat SECONDS]
// A stream of GET /u7 is user 7's, and an event "u7 {...}" goes to it alone.
#include "floor_server.hpp"

#include <chrono>

namespace {

using tidings::floor::option;

class SendFloor final : public tidings::floor::FloorServer {
public:
    SendFloor(std::size_t port, std::size_t heartbeat_seconds)
        : FloorServer{port}, ticks_{heartbeat_seconds * 1000 / tick.count()} {}

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds tick{50};

    void sweep(const std::string& chunk) override {
        for (const int stream : streams()) send_to(stream, chunk);
    }

    static void send_to(int stream, const std::string& chunk) {
        const auto sent = ::send(stream, chunk.data(), chunk.size(), MSG_NOSIGNAL);
        if (sent == static_cast<ssize_t>(chunk.size())) return;
        if (sent < 0 && errno != EAGAIN) return;  // it is gone, as its next read will tell
        send_rest(stream, std::string_view{chunk}.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)));
    }

    // Each tick has its share of the streams, so that each stream has one heartbeat a period.
    int milliseconds_to_wait() override {
        if (ticks_ == 0) return -1;
        const auto now = Clock::now();
        if (now >= next_) {
            const auto count = streams().size();
            const auto end = count * (phase_ + 1) / ticks_;
            for (auto i = count * phase_ / ticks_; i < end; ++i) send_to(streams()[i], heartbeat_);
            phase_ = (phase_ + 1) % ticks_;
            next_ = std::max(next_ + tick, now);
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - now);
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

    void user_came(std::size_t user, int stream) override {
        if (users_.size() <= user) users_.resize(user + 1, -1);
        users_[user] = stream;
    }
    bool send_to_user(std::size_t user, const std::string& chunk) override {
        if (user < users_.size() && users_[user] >= 0) send_to(users_[user], chunk);
        return true;
    }
    void stream_went(int stream) override {
        for (int& each : users_) {
            if (each == stream) each = -1;
        }
    }

    std::size_t ticks_;  // in a period; 0: no heartbeats
    std::size_t phase_ = 0;
    Clock::time_point next_ = Clock::now();
    const std::string heartbeat_ = "5\r\n: hb\n\r\n";
    std::vector<int> users_;  // their streams, by number
};

}  // namespace

int main(int argc, char** argv) {
    SendFloor{option(argc, argv, "--port", 0), option(argc, argv, "--heartbeat", 0)}.run();
}
