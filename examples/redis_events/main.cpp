// Two processes and a Redis between them, without a hub. The one that works publishes domain events on its
// bus; a handler maps them, RedisPublisher stores and announces them. The other one reads a user's events
// with RedisSubscriber, as they come, and says where some are missing.
//
//   TIDINGS_REDIS=redis://127.0.0.1:6379 ./redis_events listen ann
//   TIDINGS_REDIS=redis://127.0.0.1:6379 ./redis_events work ann
//   ./redis_events --self-test      both, with a redis-server of its own on a free port, if there is one
#include <tidings/event_bus.hpp>
#include <tidings/redis.hpp>
#include <tidings/sse_event_handler.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int parcels = 3;

// A domain event: it knows nothing of notifications.
struct ParcelSent {
    std::string customer;
    std::string order;
    std::int64_t number = 0;
};

tidings::Registry make_registry() {
    tidings::Registry registry;
    tidings::EventTypeInfo sent;
    sent.type = "parcel.sent";
    sent.category = "orders";
    sent.description = "A parcel of an order left the warehouse.";
    sent.data = {{"order", tidings::FieldType::string}, {"number", tidings::FieldType::integer}};
    registry.add_category("orders").value();
    registry.add_type(sent).value();
    registry
        .map<ParcelSent>(
            "parcel.sent",
            [](const ParcelSent& event) { return tidings::UserId::parse(event.customer).value(); },
            [](const ParcelSent& event) {
                return tidings::Payload{{"order", event.order}, {"number", event.number}};
            })
        .value();
    return registry;
}

void log(tidings::LogLevel level, std::string_view text, std::initializer_list<tidings::LogField> fields) {
    if (level < tidings::LogLevel::warning) return;
    std::cerr << text;
    for (const auto& field : fields) std::cerr << " " << field.name << "=" << field.value;
    std::cerr << "\n";
}

// ---- the process that works

int work(const std::string& url, const std::string& customer) {
    const auto registry = std::make_shared<const tidings::Registry>(make_registry());
    tidings::RedisPublisherOptions options;
    options.redis.url = url;
    options.registry = registry;
    options.log = log;
    auto publisher = tidings::RedisPublisher::create(std::move(options));
    if (!publisher) {
        std::cerr << publisher.error().message() << "\n";
        return 2;
    }
    tidings::SseEventHandler handler{*registry, *publisher, log};
    tidings::EventBus bus;
    wire(bus, handler);
    // The business operation: each line returns at once, whether there is a Redis or not.
    for (int number = 1; number <= parcels; ++number) bus.publish(ParcelSent{customer, "A-17", number});
    publisher->flush(std::chrono::seconds{10});  // only because this program ends here
    const auto counters = publisher->counters();
    std::cout << counters.sent << " sent, " << counters.failed << " failed\n";
    return counters.sent == parcels ? 0 : 1;
}

// ---- the process that listens

tidings::Result<tidings::RedisSubscriber> make_subscriber(const std::string& url) {
    tidings::RedisSubscriberOptions options;
    options.redis.url = url;
    options.registry = std::make_shared<const tidings::Registry>(make_registry());
    options.log = log;
    return tidings::RedisSubscriber::create(std::move(options));
}

void show(const tidings::SubscriberEvent& item) {
    if (const auto* event = std::get_if<tidings::Event>(&item)) {
        std::cout << event->type << " " << event->data << std::endl;
    } else {
        std::cout << "some events are missing: " << name_of(std::get<tidings::Gap>(item).reason) << std::endl;
    }
}

int listen(const std::string& url, const std::string& customer) {
    auto subscriber = make_subscriber(url);
    const auto user = tidings::UserId::parse(customer);
    if (!subscriber || !user) {
        std::cerr << (!subscriber ? subscriber.error() : user.error()).message() << "\n";
        return 2;
    }
    for (const auto& item : subscriber->events(*user)) show(item);  // until it is interrupted
    return 0;
}

// ---- both

std::string free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return std::to_string(ntohs(address.sin_port));
}

// A process of our own; it is ended with this object.
class Process {
public:
    explicit Process(std::vector<std::string> arguments) {
        std::vector<char*> pointers;
        for (auto& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        if (::posix_spawnp(&id_, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0) id_ = -1;
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (id_ <= 0) return;
        ::kill(id_, SIGTERM);
        wait();
    }

    bool started() const { return id_ > 0; }
    int wait() {
        int status = 0;
        ::waitpid(id_, &status, 0);
        id_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }

private:
    pid_t id_ = -1;
};

int self_test(const std::string& program) {
    const std::string port = free_port();
    const Process redis{{"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp",
                         "--logfile", "/dev/null"}};
    if (!redis.started()) {
        std::cout << "skipped: there is no redis-server on the PATH\n";
        return 0;
    }
    const std::string url = "redis://127.0.0.1:" + port;
    auto subscriber = make_subscriber(url).value();
    tidings::EventStreamOptions options;
    options.idle = std::chrono::seconds{20};
    auto stream = subscriber.events(tidings::UserId::parse("ann").value(), {}, options);
    if (!stream.wait_live(std::chrono::seconds{20})) {
        std::cerr << "the subscription did not become live\n";
        return 1;
    }
    ::setenv("TIDINGS_REDIS", url.c_str(), 1);
    Process worker{{program, "work", "ann"}};
    int heard = 0;
    for (const auto& item : stream) {
        show(item);
        heard += std::holds_alternative<tidings::Event>(item) ? 1 : 0;
        if (heard == parcels) break;
    }
    return worker.wait() == 0 && heard == parcels ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (argc == 2 && what == "--self-test") return self_test(argv[0]);
    const char* url = std::getenv("TIDINGS_REDIS");
    if (argc == 3 && url != nullptr && what == "work") return work(url, argv[2]);
    if (argc == 3 && url != nullptr && what == "listen") return listen(url, argv[2]);
    std::cerr << "usage: TIDINGS_REDIS=redis://... redis_events listen|work CUSTOMER, or redis_events "
                 "--self-test\n";
    return 2;
}
