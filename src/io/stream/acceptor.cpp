#include "stream/acceptor.hpp"

#include "loop/timer.hpp"
#include "loop/watch.hpp"
#include "process/socket_address.hpp"

#include <boost/asio/error.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

namespace fairlead::stream {
namespace {

ErrorCode last_error() {
    return {errno, boost::system::system_category()};
}

process::Descriptor spare_descriptor() {
    return process::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

} // namespace

struct Acceptor::State {
    State(DeadlineWheel& w, process::Descriptor s)
        : wheel(w),
          socket(std::move(s)),
          watch(std::make_unique<loop::Watch>(w.loop(), socket.get())),
          spare(spare_descriptor()) {}

    // Out of descriptors: one is kept for this moment. The peer learns at once, and the connection does not keep the
    // listening socket readable, which would spin the loop. False when even that failed.
    [[nodiscard]] bool turn_away() {
        spare.reset();
        const process::Descriptor unlucky(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (unlucky) {
            stats.out_of_descriptors.add();
            const linger now{1, 0};
            ::setsockopt(unlucky.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
            return true;
        }
        // Linux looks for a free descriptor before it looks for a connection, so there may have been none.
        if (errno == EAGAIN) {
            watch->drained();
            return true;
        }
        return false;
    }

    DeadlineWheel& wheel;
    process::Descriptor socket;
    std::unique_ptr<loop::Watch> watch; // while open
    process::Descriptor spare;
    Stats stats;
};

Acceptor::Acceptor(DeadlineWheel& wheel, process::Descriptor socket)
    : state_(std::make_shared<State>(wheel, std::move(socket))),
      local_(process::local_address(state_->socket.get()).value_or(net::TransportAddress{})) {}

Acceptor::~Acceptor() {
    close();
}

Result<std::unique_ptr<Acceptor>, ErrorCode> Acceptor::listen(DeadlineWheel& wheel, const ListenOptions& options) {
    const bool v6 = options.local.address.is_v6();
    process::Descriptor socket(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) {
        return fail(last_error());
    }
    // A restart must not wait for the connections of the last run to leave TIME_WAIT.
    set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (v6) {
        set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (options.reuse_port) {
        set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (options.defer_accept_seconds > 0) {
        set_option(socket.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_seconds);
    }
    const process::SocketAddress address(options.local);
    if (::bind(socket.get(), address.data(), address.size()) != 0 || ::listen(socket.get(), options.backlog) != 0) {
        return fail(last_error());
    }
    return adopt(wheel, std::move(socket));
}

Result<std::unique_ptr<Acceptor>, ErrorCode> Acceptor::adopt(DeadlineWheel& wheel, process::Descriptor socket) {
    int listening = 0;
    socklen_t length = sizeof listening;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
        return fail(last_error());
    }
    if (listening == 0) {
        return fail(ErrorCode(asio::error::invalid_argument));
    }
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
    std::unique_ptr<Acceptor> acceptor(new Acceptor(wheel, std::move(socket)));
    if (!acceptor->state_->watch->ok()) {
        return fail(ErrorCode(asio::error::no_memory));
    }
    return acceptor;
}

const Acceptor::Stats& Acceptor::stats() const {
    return state_->stats;
}

void Acceptor::close() {
    state_->watch.reset();
    state_->socket.reset();
}

asio::awaitable<Accepted> Acceptor::accept() {
    return accept_on(state_);
}

asio::awaitable<Accepted> Acceptor::accept_on(std::shared_ptr<State> state) {
    Accepted accepted;
    while (state->watch) {
        if (!state->spare) {
            state->spare = spare_descriptor();
        }
        accepted.ec = co_await state->watch->readable();
        if (accepted.ec) {
            co_return accepted;
        }
        process::Descriptor socket(::accept4(state->socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
            set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
            state->stats.accepted.add();
            accepted.stream = std::make_unique<TcpStream>(state->wheel, std::move(socket));
            co_return accepted;
        }
        bool pause = false;
        switch (errno) {
        case EAGAIN:
            state->watch->drained();
            break;
        case EMFILE:
        case ENFILE:
            pause = !state->turn_away();
            break;
        case ENOMEM:
        case ENOBUFS:
            state->stats.out_of_memory.add();
            pause = true;
            break;
        default: // accept(2): errors of the connection that was to be taken; also EPERM of a firewall
            state->stats.gone.add();
            break;
        }
        if (pause) {
            const Instant later = state->wheel.loop().steady_now() + std::chrono::milliseconds(100);
            co_await loop::sleep_until(state->wheel.loop(), later);
        }
    }
    accepted.ec = asio::error::operation_aborted;
    co_return accepted;
}

} // namespace fairlead::stream
