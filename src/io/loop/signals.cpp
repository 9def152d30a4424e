#include "loop/signals.hpp"

#include "process/descriptor.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace fairlead::loop {
namespace {

sigset_t ours() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
        sigaddset(&set, signal);
    }
    return set;
}

} // namespace

void block_signals() {
    const sigset_t set = ours();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A peer that went away while we write is an error code, never a reason to end.
    ::signal(SIGPIPE, SIG_IGN);
}

class Signals::Reader final : public ReadySink {
public:
    Reader(Loop& loop, Handler handler) : loop_(loop), handler_(std::move(handler)), sink_(loop.add_sink(*this)) {
        const sigset_t set = ours();
        descriptor_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
        (void)loop_.watch(sink_, descriptor_.get(), EPOLLIN, 0);
    }
    ~Reader() { loop_.remove_sink(sink_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void on_ready(std::uint64_t /*word*/, std::uint32_t /*events*/) override {
        loop_.running("signal");
        signalfd_siginfo info{};
        if (::read(descriptor_.get(), &info, sizeof info) == sizeof info) {
            const Handler handler = handler_; // it may destroy us
            handler(static_cast<int>(info.ssi_signo));
        }
    }

private:
    Loop& loop_;
    Handler handler_;
    std::uint8_t sink_;
    process::Descriptor descriptor_;
};

Signals::Signals(Loop& loop, Handler handler) : reader_(std::make_unique<Reader>(loop, std::move(handler))) {}
Signals::~Signals() = default;

} // namespace fairlead::loop
