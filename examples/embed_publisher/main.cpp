// An application that tells its users what happens, without ever waiting for it or failing because of it:
// business code publishes domain events on a bus, a handler maps them, HubPublisher delivers them to a hub.
//
//   TIDINGS_URL=http://127.0.0.1:8080 TIDINGS_TOKEN=... ./embed_publisher ann
//   ./embed_publisher --self-test      with a hub of its own, on a free port
#include <tidings/event_bus.hpp>
#include <tidings/hub.hpp>
#include <tidings/hub_publisher.hpp>
#include <tidings/registry.hpp>
#include <tidings/sse_event_handler.hpp>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

namespace {

// A domain event: it knows nothing of notifications.
struct OrderShipped {
    std::string customer;
    std::string order;
    std::int64_t parcels = 0;
};

// Which event it becomes, for whom, with which data.
tidings::Registry make_registry() {
    tidings::Registry registry;
    tidings::EventTypeInfo shipped;
    shipped.type = "order.shipped";
    shipped.category = "orders";
    shipped.description = "An order left the warehouse.";
    shipped.data = {{"order", tidings::FieldType::string}, {"parcels", tidings::FieldType::integer}};
    registry.add_category("orders").value();
    registry.add_type(shipped).value();
    registry
        .map<OrderShipped>(
            "order.shipped",
            [](const OrderShipped& event) { return tidings::UserId::parse(event.customer).value(); },
            [](const OrderShipped& event) {
                return tidings::Payload{{"order", event.order}, {"parcels", event.parcels}};
            })
        .value();
    return registry;
}

void log(tidings::LogLevel level, std::string_view text, std::initializer_list<tidings::LogField> fields) {
    if (level < tidings::LogLevel::info) return;
    std::cerr << text;
    for (const auto& field : fields) std::cerr << " " << field.name << "=" << field.value;
    std::cerr << "\n";
}

// The business operation. It returns at once whether there is a hub or not.
void ship(const tidings::EventBus& bus, const std::string& customer) {
    bus.publish(OrderShipped{customer, "A-17", 2});
}

int run(const std::string& url, const std::string& token, const std::string& customer) {
    const tidings::Registry registry = make_registry();
    tidings::HubPublisherOptions options;
    options.url = url;
    options.token = token;
    options.log = log;
    auto publisher = tidings::HubPublisher::create(std::move(options));
    if (!publisher) {
        std::cerr << publisher.error().message() << "\n";
        return 2;
    }
    tidings::SseEventHandler handler{registry, *publisher, log};
    tidings::EventBus bus;
    wire(bus, handler);
    ship(bus, customer);
    const bool all = publisher->flush(std::chrono::seconds{10});  // only because this program ends here
    const auto counters = publisher->counters();
    std::cout << counters.sent << " sent, " << counters.failed << " failed\n";
    return all && counters.sent == 1 ? 0 : 1;
}

int self_test() {
    tidings::Config config;
    config.server.listen = {"127.0.0.1:0"};
    config.operations.listen = "127.0.0.1:0";
    config.auth.keys.emplace_back().secret = "self-test-secret-self-test-secret";
    tidings::Hub hub{config, make_registry(), log};
    if (const auto started = hub.start(); !started) {
        std::cerr << started.error().message() << "\n";
        return 1;
    }
    // Signed with that secret: sub "shop", may publish everything, until 2100.
    return run(
        hub.addresses().front(),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJzaG9wIiwiZXhwIjo0MTAyNDQ0ODAwLCJ0aWRpbmdzIjp7InB1"
        "Ymxpc2giOlsiKiJdfX0.kqrI6rOB57EuBXUf35dL-s0clsDX1FH16yaOuDRNzgw",
        "ann");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string{argv[1]} == "--self-test") return self_test();
    const char* url = std::getenv("TIDINGS_URL");
    const char* token = std::getenv("TIDINGS_TOKEN");
    if (argc != 2 || url == nullptr) {
        std::cerr << "usage: TIDINGS_URL=... TIDINGS_TOKEN=... embed_publisher CUSTOMER | --self-test\n";
        return 2;
    }
    return run(url, token != nullptr ? token : "", argv[1]);
}
