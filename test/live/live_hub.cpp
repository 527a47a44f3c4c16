#include "live/live_hub.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "live/eventually.hpp"
#include "support/redis_server.hpp"

namespace tidings::test {
namespace {

constexpr std::string_view registry_text = R"(categories = ["alpha", "beta", "gamma"]
[[event]]
type = "item.alpha"
category = "alpha"
description = "Kept, of the first category."
data = { n = "integer", from = "string?", pad = "string?" }
[event.from]
name = "AlphaHappened"
user_id = "/user_id"
data = { n = "/n", from = "/from", pad = "/pad" }
[[event]]
type = "item.beta"
category = "beta"
description = "Kept, of the second category."
data = { n = "integer", from = "string?", pad = "string?" }
[[event]]
type = "item.drop"
category = "gamma"
description = "Dropped where a reader is slow."
slow_reader = "drop"
data = { n = "integer", from = "string?", pad = "string?" }
[[event]]
type = "item.passing"
category = "gamma"
description = "Not kept."
slow_reader = "drop"
retain = false
data = { n = "integer", from = "string?", pad = "string?" }
[[event]]
type = "item.latest"
category = "gamma"
description = "Of one `from` only the newest counts."
slow_reader = "conflate"
key = "/from"
data = { n = "integer", from = "string?", pad = "string?" }
)";

std::filesystem::path new_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "tidings-live-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
}

std::string binary() {
    const char* name = std::getenv("TIDINGS_BIN");
    return name != nullptr ? name : "tidings";
}

// Another for each hub, so that a client of an earlier one that meets this one's port is refused.
std::string secret_of(const std::filesystem::path& directory) {
    return "a secret that only this live test knows: " + directory.filename().string();
}

std::string quoted_toml(std::string_view text) { return "\"" + std::string{text} + "\""; }

std::uint16_t port_of(std::string_view line) {
    return static_cast<std::uint16_t>(std::strtoul(line.substr(line.rfind(':') + 1).data(), nullptr, 10));
}

int exit_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status); }

// In the child: nothing but system calls until exec.
[[noreturn]] void run_hub(const std::string& program, const std::string& config, int output, int errors) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::execlp(program.c_str(), program.c_str(), "serve", "--config", config.c_str(), nullptr);
    ::_exit(127);
}

}  // namespace

std::string_view name_of(LiveStore store) {
    switch (store) {
        case LiveStore::memory: return "memory";
        case LiveStore::lmdb: return "lmdb";
        case LiveStore::redis: break;
    }
    return "redis";
}

LiveHub::LiveHub(LiveStore store, std::map<std::string, std::string> settings) : directory_{new_directory()} {
    std::string url = "memory:";
    if (store == LiveStore::lmdb) url = "lmdb:" + (directory_ / "store").string();
    if (store == LiveStore::redis) {
        redis_ = std::make_unique<RedisServer>();
        url = redis_->url();
    }
    settings_ = {{"server.listen", R"(["127.0.0.1:0"])"},
                 {"server.shards", "2"},
                 {"store.url", quoted_toml(url)},
                 {"store.lmdb_map", R"("256MiB")"},
                 {"delivery.drain", R"("200ms")"},
                 {"delivery.retry", R"(["100ms", "190ms"])"},
                 {"operations.listen", R"("127.0.0.1:0")"},
                 {"auth.leeway", R"("0s")"},
                 {"log.level", R"("info")"}};
    for (auto& [name, toml] : settings) settings_[name] = toml;
    registry_ = (directory_ / "registry.toml").string();
    std::ofstream{registry_} << registry_text;
}

LiveHub::~LiveHub() {
    kill();
    if (::testing::Test::HasFailure()) std::fprintf(stderr, "the hub's log:\n%s\n", log().c_str());
    std::error_code ec;
    std::filesystem::remove_all(directory_, ec);
}

std::string LiveHub::config_text() const {
    std::ostringstream text;
    text << "registry.file = " << quoted_toml(registry_) << "\n";
    for (const auto& [name, toml] : settings_) text << name << " = " << toml << "\n";
    text << "auth.key = [{ algorithm = \"HS256\", secret = " << quoted_toml(secret_of(directory_)) << " }]\n";
    return text.str();
}

void LiveHub::set(const std::string& name, const std::string& toml) {
    if (toml.empty()) {
        settings_.erase(name);
    } else {
        settings_[name] = toml;
    }
}

void LiveHub::write_config() const { std::ofstream{config_file()} << config_text(); }

void LiveHub::use_registry(std::string file) { registry_ = std::move(file); }

bool LiveHub::start(LivePort port) {
    const auto listen = settings_["server.listen"];
    if (port == LivePort::as_before) {
        settings_["server.listen"] = "[\"127.0.0.1:" + std::to_string(port_) + "\"]";
    }
    write_config();
    settings_["server.listen"] = listen;
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) std::abort();
    const std::string log_file = (directory_ / "log").string();
    const int errors = ::open(log_file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    const std::string program = binary();
    const std::string config = config_file().string();
    process_ = ::fork();
    if (process_ == 0) run_hub(program, config, pipe[1], errors);
    ::close(pipe[1]);
    ::close(errors);
    const bool listens = process_ > 0 && read_addresses(pipe[0]);
    ::close(pipe[0]);
    EXPECT_TRUE(listens) << "the hub did not start:\n" << log();
    if (!listens) kill();
    return listens;
}

bool LiveHub::read_addresses(int output) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::string said;
    while (said.find("operations on ") == std::string::npos || !said.ends_with('\n')) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd ready{output, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return false;
        std::array<char, 1024> bytes{};
        const auto count = ::read(output, bytes.data(), bytes.size());
        if (count <= 0) return false;
        said.append(bytes.data(), static_cast<std::size_t>(count));
    }
    std::istringstream lines{said};
    port_ = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("listening on ") && port_ == 0) port_ = port_of(line);
        if (line.starts_with("operations on ")) operations_port_ = port_of(line);
    }
    return port_ != 0;
}

void LiveHub::send_signal(int number) {
    if (process_ > 0) ::kill(process_, number);
}

int LiveHub::wait() {
    if (process_ <= 0) return -1;
    int status = 0;
    const bool over = eventually([&] { return ::waitpid(process_, &status, WNOHANG) == process_; });
    EXPECT_TRUE(over) << "the hub does not end";
    if (!over) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, &status, 0);
    }
    process_ = -1;
    return exit_of(status);
}

void LiveHub::kill() {
    send_signal(SIGKILL);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

int LiveHub::terminate() {
    send_signal(SIGTERM);
    return wait();
}

std::string LiveHub::url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/api/v1"; }

std::string LiveHub::log() const {
    std::ifstream file{directory_ / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::size_t LiveHub::resident_bytes() const {
    std::ifstream file{"/proc/" + std::to_string(process_) + "/statm"};
    std::size_t all = 0;
    std::size_t resident = 0;
    file >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string LiveHub::secret() const { return secret_of(directory_); }

std::string LiveHub::token(const TokenWish& wish) const {
    AuthConfig auth;
    KeyConfig key;
    key.secret = secret_of(directory_);
    auth.keys.push_back(key);
    const auto now = std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now());
    const auto minted = mint_token(auth, wish, now);
    EXPECT_TRUE(minted) << (minted ? "" : minted.error().message());
    return minted ? *minted : "";
}

std::string LiveHub::reader(const std::string& user, const std::vector<std::string>& topics) const {
    TokenWish wish;
    wish.user = user;
    wish.topics = topics;
    return token(wish);
}

std::string LiveHub::publisher() const {
    TokenWish wish;
    wish.user = "publisher";
    wish.publish = {"*"};
    wish.operate = true;
    return token(wish);
}

}  // namespace tidings::test
