#include "loop/signals.hpp"

#include "process/descriptor.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

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

class Signals::Reader : public std::enable_shared_from_this<Reader> {
public:
    Reader(Loop& loop, Handler handler) : loop_(loop), handler_(std::move(handler)), descriptor_(loop.context()) {
        const sigset_t set = ours();
        const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd >= 0) {
            descriptor_.assign(fd);
        }
    }

    void wait() {
        if (!descriptor_.is_open()) {
            return;
        }
        descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                               [self = shared_from_this()](const boost::system::error_code& ec) {
                                   if (!ec && self->handler_) {
                                       self->read();
                                   }
                               });
    }

    void close() {
        handler_ = {};
        boost::system::error_code ignored;
        descriptor_.close(ignored);
    }

private:
    void read() {
        loop_.running("signal");
        // Armed first, so that a handler that throws does not end the delivery.
        const auto self = shared_from_this();
        wait();
        signalfd_siginfo info{};
        while (handler_ && ::read(descriptor_.native_handle(), &info, sizeof info) == sizeof info) {
            const Handler handler = handler_; // it may destroy us
            handler(static_cast<int>(info.ssi_signo));
        }
    }

    Loop& loop_;
    Handler handler_;
    asio::posix::stream_descriptor descriptor_;
};

Signals::Signals(Loop& loop, Handler handler) : reader_(std::make_shared<Reader>(loop, std::move(handler))) {
    reader_->wait();
}

Signals::~Signals() {
    reader_->close();
}

} // namespace fairlead::loop
