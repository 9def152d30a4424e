#include "datagram/engine.hpp"

#include "datagram/outgoing.hpp"
#include "datagram/slab.hpp"
#include "datagram/socket_table.hpp"
#include "process/descriptor.hpp"
#include "process/socket_address.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace fairlead::datagram {

namespace {

OpenError error_of(int error) {
    switch (error) {
    case EADDRINUSE:
        return OpenError::address_in_use;
    case EADDRNOTAVAIL:
        return OpenError::address_not_available;
    case EAFNOSUPPORT:
        return OpenError::family_not_supported;
    case EACCES:
    case EPERM:
        return OpenError::not_permitted;
    case EMFILE:
    case ENFILE:
        return OpenError::too_many_descriptors;
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC: // fs.epoll.max_user_watches
        return OpenError::out_of_memory;
    default:
        return OpenError::other;
    }
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// Options are wishes: a kernel without one of them still serves. Each call costs a third of a microsecond, so a relay
// socket asks only for what it needs.
void configure(int fd, const OpenOptions& options, bool wildcard) {
    const bool v6 = options.local.address.is_v6();
    const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (v6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (options.reuse_port) {
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (options.trains) {
        set_option(fd, SOL_UDP, UDP_GRO, 1);
    }
    if (wildcard) {
        set_option(fd, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
    }
    if (options.tos_and_ttl) {
        set_option(fd, level, v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1);
        set_option(fd, level, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1);
    }
    if (options.icmp_errors) {
        set_option(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, 1);
    }
    if (!v6) {
        set_option(fd, level, IP_MTU_DISCOVER, options.dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
    } else if (options.dont_fragment) {
        set_option(fd, level, IPV6_DONTFRAG, 1);
    }
    // FORCE passes the system's maximum where we are allowed to; else the maximum is what we get.
    if (options.receive_buffer > 0) {
        set_option(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
        set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, options.receive_buffer);
    }
    if (options.send_buffer > 0) {
        set_option(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
        set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, options.send_buffer);
    }
}

std::uint64_t to_word(SocketId id) {
    return (std::uint64_t{id.generation} << 32U) | id.index;
}

SocketId from_word(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32U)};
}

} // namespace

std::string_view describe(OpenError error) {
    switch (error) {
    case OpenError::address_in_use:
        return "address in use";
    case OpenError::address_not_available:
        return "address not available on this host";
    case OpenError::family_not_supported:
        return "address family not supported";
    case OpenError::not_permitted:
        return "not permitted";
    case OpenError::too_many_descriptors:
        return "too many open descriptors";
    case OpenError::out_of_memory:
        return "out of memory";
    case OpenError::other:
        break;
    }
    return "other error";
}

const char* describe(SendDrop reason) {
    static constexpr std::array<const char*, send_drop_reasons> names = {
        "buffer_full",   "device_queue_full", "too_large",   "unreachable", "refused",
        "not_permitted", "bad_destination",   "socket_gone", "other"};
    return names.at(static_cast<std::size_t>(reason));
}

class Engine::Impl final : public loop::ReadySink {
public:
    Impl(loop::Loop& loop, Stats& stats)
        : loop_(loop), stats_(stats), outgoing_(sockets_, stats), sink_(loop.add_sink(*this)) {
        outgoing_.set_now(loop.steady_now());
    }

    ~Impl() {
        outgoing_.flush(loop_.steady_now());
        loop_.remove_sink(sink_);
        for (const Socket& socket : sockets_.all()) {
            process::Descriptor(socket.fd).reset();
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    template <class Nth>
    Result<SocketId, OpenError> open(const OpenOptions& options, std::size_t ports, const Nth& nth) {
        const bool v6 = options.local.address.is_v6();
        process::Descriptor fd(
            ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
        if (!fd) {
            return refuse(errno);
        }
        const bool wildcard = options.local.address.is_any();
        configure(fd.get(), options, wildcard);
        Socket socket;
        socket.local = options.local;
        if (const int error = bind_first(fd.get(), socket.local, ports, nth); error != 0) {
            return refuse(error);
        }
        socket.fd = fd.get();
        socket.receiver = options.receiver;
        socket.tag = options.tag;
        socket.wildcard = wildcard;
        socket.icmp_errors = options.icmp_errors;
        const SocketId id = sockets_.insert(socket);
        if (!loop_.watch(sink_, fd.get(), EPOLLIN, to_word(id))) {
            const int error = errno;
            sockets_.erase(id);
            return refuse(error);
        }
        (void)fd.release();
        stats_.sockets_opened.add();
        return id;
    }

    void close(SocketId id) {
        const Socket* socket = sockets_.find(id);
        if (socket == nullptr) {
            return;
        }
        outgoing_.flush_socket(id.index, loop_.steady_now());
        // The descriptor is ours alone, so closing it takes it out of the epoll set.
        process::Descriptor(socket->fd).reset();
        sockets_.erase(id);
        stats_.sockets_closed.add();
    }

    void flush() { outgoing_.flush(loop_.steady_now()); }

    void on_ready(std::uint64_t word, std::uint32_t events) override {
        loop_.running("datagrams");
        if (touched_.empty() && slab_.empty()) {
            stats_.turns.add();
            outgoing_.set_now(loop_.steady_now());
        }
        const SocketId id = from_word(word);
        if ((events & EPOLLERR) != 0) {
            read_errors(id);
        }
        if ((events & EPOLLIN) != 0) {
            read(id);
        }
    }

    void on_turn_end() override {
        loop_.running("end of a turn of datagrams");
        end_batches();
    }

    SocketTable& sockets() { return sockets_; }
    Outgoing& outgoing() { return outgoing_; }

private:
    std::unexpected<OpenError> refuse(int error) {
        stats_.open_failures.add();
        return fail(error_of(error));
    }

    // Binds to the first of the `count` ports that `nth` names which is free, and learns which one it was. errno, or 0.
    template <class Nth>
    static int bind_first(int fd, net::TransportAddress& local, std::size_t count, const Nth& nth) {
        int error = EADDRINUSE;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint16_t port = nth(i);
            local.port = port;
            const process::SocketAddress address(local);
            if (::bind(fd, address.data(), address.size()) == 0) {
                if (port == 0) {
                    local = process::local_address(fd).value_or(local);
                }
                return 0;
            }
            error = errno;
            if (error != EADDRINUSE) {
                return error;
            }
        }
        return error;
    }

    // Whatever was read has been decided upon: send it, and the slots are free again.
    void end_batches() {
        for (std::size_t i = 0; i < touched_.size(); ++i) {
            loop_.guarded("end of a turn of datagrams", [&] { touched_[i]->on_turn_end(); });
        }
        touched_.clear();
        outgoing_.flush(loop_.steady_now());
        slab_.clear();
    }

    void touch(Receiver* receiver) {
        if (std::ranges::find(touched_, receiver) == touched_.end()) {
            touched_.push_back(receiver);
        }
    }

    void read(SocketId id) {
        if (slab_.left() == 0) {
            end_batches();
        }
        Socket* socket = sockets_.find(id);
        if (socket == nullptr) {
            return; // closed earlier in this turn
        }
        stats_.receive_calls.add();
        const int n = slab_.receive(socket->fd, slab_.left());
        if (n <= 0) {
            if (n < 0 && errno != EAGAIN && errno != EINTR) {
                stats_.receive_errors.add(); // a pending error, cleared by being read
            }
            return;
        }
        loop_.worked(static_cast<std::size_t>(n) - 1);
        std::size_t count = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            const Slab::Arrival arrival = slab_.arrival(i);
            if (arrival.truncated) {
                stats_.truncated.add();
                continue;
            }
            if (!arrival.from) {
                continue;
            }
            Received& received = batch_[count++];
            received.from = *arrival.from;
            received.to = socket->local;
            if (arrival.to && socket->wildcard) {
                received.to.address = *arrival.to;
            }
            received.bytes = arrival.bytes;
            received.segment_size = arrival.segment_size;
            received.tos = arrival.tos;
            received.ttl = arrival.ttl;
            stats_.datagrams_received.add(received.segments());
            stats_.bytes_received.add(received.bytes.size());
            if (received.is_train()) {
                stats_.trains_received.add();
            }
        }
        if (count != 0 && socket->receiver != nullptr) {
            touch(socket->receiver);
            socket->receiver->on_batch(id, socket->tag, std::span(batch_).first(count));
        }
    }

    void read_errors(SocketId id) {
        constexpr int most = 16;
        for (int i = 0; i < most; ++i) {
            const Socket* socket = sockets_.find(id);
            if (socket == nullptr || !read_error(id, *socket)) {
                return;
            }
        }
    }

    // One entry of the error queue (ip(7), IP_RECVERR). False when there is none left.
    bool read_error(SocketId id, const Socket& socket) {
        std::array<std::byte, 1500> original;
        alignas(cmsghdr) std::array<std::byte, 256> control;
        process::SocketAddress destination;
        iovec piece{original.data(), original.size()};
        msghdr header{};
        header.msg_name = destination.data();
        header.msg_namelen = process::SocketAddress::capacity;
        header.msg_iov = &piece;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const ssize_t n = ::recvmsg(socket.fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (n < 0) {
            // An error without an entry: reading it clears it, or epoll would name the socket for ever.
            int pending = 0;
            socklen_t length = sizeof pending;
            if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &pending, &length) == 0 && pending != 0) {
                stats_.receive_errors.add();
            }
            return false;
        }
        const auto peer = destination.get();
        for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr && peer; c = CMSG_NXTHDR(&header, c)) {
            const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
            const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
            if (!v4 && !v6) {
                continue;
            }
            sock_extended_err error{};
            std::memcpy(&error, CMSG_DATA(c), sizeof error);
            if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) {
                continue; // our own kernel's opinion: the send call said it already
            }
            stats_.icmp_errors.add();
            IcmpError event;
            event.peer = *peer;
            event.type = error.ee_type;
            event.code = error.ee_code;
            event.data = error.ee_info;
            event.original = std::span(original).first(std::min(static_cast<std::size_t>(n), original.size()));
            process::SocketAddress reporter;
            const std::size_t offender_at = CMSG_LEN(sizeof error);
            if (c->cmsg_len > offender_at) {
                std::memcpy(reporter.data(), CMSG_DATA(c) + sizeof error,
                            std::min<std::size_t>(c->cmsg_len - offender_at, process::SocketAddress::capacity));
            }
            event.reporter = reporter.get().value_or(net::TransportAddress{}).address;
            if (socket.receiver != nullptr) {
                touch(socket.receiver);
                socket.receiver->on_icmp_error(id, socket.tag, event);
            }
            break;
        }
        return true;
    }

    loop::Loop& loop_;
    Stats& stats_;
    SocketTable sockets_;
    Outgoing outgoing_;
    Slab slab_;
    std::array<Received, Slab::slot_count> batch_;
    std::vector<Receiver*> touched_; // in this turn
    std::uint8_t sink_;
};

Engine::Engine(loop::Loop& loop) : loop_(loop), impl_(std::make_unique<Impl>(loop, stats_)) {}

Engine::~Engine() = default;

Result<SocketId, OpenError> Engine::open(const OpenOptions& options) {
    return impl_->open(options, 1, [&](std::size_t) { return options.local.port; });
}

Result<SocketId, OpenError> Engine::open_any(const OpenOptions& options, std::span<const std::uint16_t> ports) {
    return impl_->open(options, ports.size(), [&](std::size_t i) { return ports[i]; });
}

Result<SocketId, OpenError> Engine::open_random(const OpenOptions& options, std::uint16_t first, std::uint16_t last,
                                                Random& random) {
    // The random ones find a port at once while the range is mostly free, the ones in order while it is mostly taken.
    constexpr std::size_t guesses = 8;
    constexpr std::size_t most = 512;
    if (last < first) {
        return fail(OpenError::address_in_use);
    }
    const std::size_t width = std::size_t{last} - first + 1;
    std::size_t start = 0;
    return impl_->open(options, guesses + std::min(width, most), [&](std::size_t i) {
        if (i <= guesses) {
            start = random.next_u32() % width; // the bias of a range of ports in 32 bits is nothing
        }
        const std::size_t further = i <= guesses ? 0 : i - guesses;
        return static_cast<std::uint16_t>(first + (start + further) % width);
    });
}

void Engine::close(SocketId socket) {
    impl_->close(socket);
}

bool Engine::is_open(SocketId socket) const {
    return impl_->sockets().find(socket) != nullptr;
}

std::optional<net::TransportAddress> Engine::local(SocketId socket) const {
    const Socket* found = impl_->sockets().find(socket);
    return found == nullptr ? std::nullopt : std::optional(found->local);
}

int Engine::descriptor(SocketId socket) const {
    const Socket* found = impl_->sockets().find(socket);
    return found == nullptr ? -1 : found->fd;
}

void Engine::queue(SocketId via, const net::TransportAddress& to, Bytes head, Bytes body, const SendOptions& options) {
    impl_->outgoing().queue(via, to, head, body, options);
}

MutableBytes Engine::reserve(std::size_t at_most) {
    return impl_->outgoing().reserve(at_most);
}

void Engine::commit(SocketId via, const net::TransportAddress& to, std::size_t length, const SendOptions& options) {
    impl_->outgoing().queue(via, to, {}, impl_->outgoing().reserved(length), options);
}

void Engine::flush() {
    impl_->flush();
}

bool Engine::has_queued() const {
    return !impl_->outgoing().empty();
}

} // namespace fairlead::datagram
