#include "socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace fairlead::peer {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void fail(const std::string& what, int error = errno) {
    throw std::runtime_error(what + ": " + std::strerror(error));
}

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress to_system(const net::TransportAddress& address) {
    SocketAddress system;
    if (address.address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&v4.sin_addr, address.address.bytes().data(), sizeof v4.sin_addr);
        std::memcpy(&system.storage, &v4, sizeof v4);
        system.length = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.address.bytes().data(), sizeof v6.sin6_addr);
        std::memcpy(&system.storage, &v6, sizeof v6);
        system.length = sizeof v6;
    }
    return system;
}

net::TransportAddress from_system(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
        return {net::IpAddress::v4(bytes), ntohs(v4.sin_port)};
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {net::IpAddress::v6(bytes), ntohs(v6.sin6_port)};
}

int open_socket(net::Family family, int type) {
    const int fd = ::socket(family == net::Family::v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        fail("socket");
    }
    return fd;
}

bool wait(int fd, short events, milliseconds patience) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(std::max(patience, milliseconds{0}).count())) > 0;
}

} // namespace

Socket Socket::udp(net::Family family) {
    const int fd = open_socket(family, SOCK_DGRAM);
    const SocketAddress any = to_system({net::IpAddress::any(family), 0});
    if (::bind(fd, any.get(), any.length) != 0) {
        fail("bind");
    }
    return {fd, std::nullopt};
}

Socket Socket::tcp(const net::TransportAddress& server, milliseconds patience) {
    Socket socket(open_socket(server.family(), SOCK_STREAM), server);
    const SocketAddress address = to_system(server);
    if (::connect(socket.fd_, address.get(), address.length) != 0 && errno != EINPROGRESS) {
        fail("connect");
    }
    if (!wait(socket.fd_, POLLOUT, patience)) {
        fail("connect", ETIMEDOUT);
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        fail("connect", error);
    }
    return socket;
}

Socket::~Socket() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), server_(other.server_), framer_(std::move(other.framer_)) {}

void Socket::send(const net::TransportAddress& to, Bytes message) {
    if (!server_) {
        const SocketAddress address = to_system(to);
        ::sendto(fd_, message.data(), message.size(), 0, address.get(), address.length);
        return;
    }
    // ChannelData (first two bits 01) is padded on a stream.
    std::vector<std::byte> framed(message.begin(), message.end());
    if ((std::to_integer<unsigned>(framed.front()) & 0xc0U) == 0x40U) {
        framed.resize(framed.size() + turn::stream_padding(framed.size() - 4));
    }
    for (Bytes rest = framed; !rest.empty();) {
        const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || !wait(fd_, POLLOUT, std::chrono::seconds{5}))) {
            fail("send");
        }
        rest = rest.subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
}

void Socket::receive(milliseconds patience, const Take& take) {
    if (!wait(fd_, POLLIN, patience)) {
        return;
    }
    server_ ? receive_stream(take) : receive_datagrams(take);
}

void Socket::receive_datagrams(const Take& take) {
    std::array<std::byte, 65536> room;
    for (;;) {
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(fd_, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0) {
            return; // nothing more, or a peer's ICMP error: UDP goes on
        }
        take(from_system(from), Bytes(room).first(static_cast<std::size_t>(got)));
    }
}

void Socket::receive_stream(const Take& take) {
    std::array<std::byte, 65536> room;
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server closed the connection", got < 0 ? errno : ECONNRESET);
    }
    Bytes arrived = Bytes(room).first(static_cast<std::size_t>(got));
    for (;;) {
        const auto message = framer_.next(arrived);
        if (!message) {
            throw std::runtime_error("the server's stream is not TURN: " + std::string(describe(message.error())));
        }
        if (!*message) {
            return;
        }
        take(*server_, **message);
    }
}

} // namespace fairlead::peer
