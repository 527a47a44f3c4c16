#include "signals.hpp"

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace tidings::app {
namespace {

// Waits for signals on its thread. SIGUSR1, which nobody else sends it, ends the wait.
class Watch {
public:
    explicit Watch(OnInterrupt on_interrupt) : on_interrupt_{std::move(on_interrupt)} {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGUSR1);
        sigaddset(&signals_, SIGHUP);
        for (const int signal : {SIGINT, SIGTERM}) {
            // What was ignored when the process began stays so: a shell's background job is not for Ctrl-C.
            struct sigaction before{};
            sigaction(signal, nullptr, &before);
            if (before.sa_handler != SIG_IGN) sigaddset(&signals_, signal);
        }
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
        // Under nohup SIGHUP begins ignored, and an ignored signal never arrives; here it asks for a reload,
        // which a closed terminal may ask for too.
        struct sigaction deliver{};
        deliver.sa_handler = SIG_DFL;
        sigaction(SIGHUP, &deliver, nullptr);
        thread_ = std::thread{[this] { wait(); }};
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() {
        pthread_kill(thread_.native_handle(), SIGUSR1);
        thread_.join();
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    void wait() {
        int signal = 0;
        while (sigwait(&signals_, &signal) == 0 && signal != SIGUSR1) {
            on_interrupt_(signal == SIGHUP ? Interrupt::reload : Interrupt::end);
        }
    }

    OnInterrupt on_interrupt_;
    sigset_t signals_{};
    sigset_t before_{};
    std::thread thread_;
};

}  // namespace

std::shared_ptr<void> watch_signals(OnInterrupt on_interrupt) {
    return std::make_shared<Watch>(std::move(on_interrupt));
}

}  // namespace tidings::app
