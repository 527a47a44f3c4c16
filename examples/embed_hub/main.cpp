// A whole hub inside a process: no second program to run. Each line typed becomes a notice to everybody.
//
//   TIDINGS_SECRET=<at least 32 bytes> ./embed_hub     listens on 127.0.0.1:8080 and keeps events in
//   ./notices
//   ./embed_hub --self-test                            on a free port, in memory, and reads its own stream
#include <tidings/hub.hpp>
#include <tidings/payload.hpp>
#include <tidings/sse_decoder.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

tidings::Registry make_registry() {
    tidings::Registry registry;
    tidings::EventTypeInfo notice;
    notice.type = "system.notice";
    notice.category = "system";
    notice.data = {{"text", tidings::FieldType::string}};
    registry.add_category("system").value();
    registry.add_type(notice).value();
    return registry;
}

void log(tidings::LogLevel level, std::string_view text, std::initializer_list<tidings::LogField>) {
    if (level >= tidings::LogLevel::warning) std::cerr << text << "\n";
}

void publish(tidings::Hub& hub, const std::string& text) {
    tidings::EventDraft draft{"system.notice", tidings::Audience::broadcast(),
                              tidings::Payload{{"text", text}}.text()};
    hub.publish(std::move(draft), [](const tidings::Result<tidings::Uuid>& done) {
        if (!done) std::cerr << "not published: " << done.error().message() << "\n";
    });
}

int run() {
    const char* secret = std::getenv("TIDINGS_SECRET");
    if (secret == nullptr) {
        std::cerr << "set TIDINGS_SECRET: the key that signs your users' tokens (HS256)\n";
        return 2;
    }
    tidings::Config config;
    config.server.listen = {"127.0.0.1:8080"};
    config.auth.keys.emplace_back().secret = secret;
    config.store.url = "lmdb:notices";
    tidings::Hub hub{config, make_registry(), log};
    if (const auto started = hub.start(); !started) {
        std::cerr << started.error().message() << "\n";
        return 1;
    }
    std::cout << "listening on " << hub.addresses().front() << "; each line is a notice to everybody"
              << std::endl;
    for (std::string line; std::getline(std::cin, line);) publish(hub, line);
    hub.drain();
    hub.wait();
    return 0;
}

// A client in a few lines: HTTP/1.0, so that the body is the bare event stream. Publishes once it is live.
bool receives(tidings::Hub& hub, const std::string& wanted) {
    const std::string address = hub.addresses().front();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    const timeval patience{10, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request =
        "GET /api/v1/events HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer "
        // Signed with the secret below: sub "ann", until 2100.
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDB9."
        "8LdLlxkZ5btseyzXG_L2lHJHei1j6RxmRdnf2vTMdac\r\n\r\n";
    bool found = false;
    if (connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        send(client, request.data(), request.size(), 0) > 0) {
        tidings::SseDecoder decoder;
        std::string head;
        char bytes[4096];
        for (ssize_t count; !found && (count = recv(client, bytes, sizeof bytes, 0)) > 0;) {
            std::string_view part{bytes, static_cast<std::size_t>(count)};
            if (const auto end = head.find("\r\n\r\n"); end == std::string::npos) {
                head += part;
                const auto body = head.find("\r\n\r\n");
                part = body == std::string::npos ? "" : std::string_view{head}.substr(body + 4);
            }
            for (const tidings::SseEvent& event : decoder.feed(part)) {
                if (event.type == "tidings.caught_up") publish(hub, wanted);
                found =
                    found || (event.type == "system.notice" && event.data.find(wanted) != std::string::npos);
            }
        }
    }
    close(client);
    return found;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || std::string{argv[1]} != "--self-test") return run();
    tidings::Config config;
    config.server.listen = {"127.0.0.1:0"};
    config.operations.listen = "127.0.0.1:0";
    config.auth.keys.emplace_back().secret = "self-test-secret-self-test-secret";
    tidings::Hub hub{config, make_registry(), log};
    const bool good = hub.start().has_value() && receives(hub, "hello");
    std::cout << (good ? "received what was published\n" : "nothing was received\n");
    return good ? 0 : 1;
}
