#include "datagram_socket.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fairlead::load {
namespace {

constexpr std::size_t batch_size = 32;
constexpr std::size_t largest_datagram = 65536; // a run taken whole is one datagram of this size at most
constexpr std::size_t control_room = 128;
constexpr int buffer_bytes = 16 << 20;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

template <class T>
void append_control(msghdr& message, int level, int type, const T& value) {
    auto* header = reinterpret_cast<cmsghdr*>(static_cast<std::byte*>(message.msg_control) + message.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof(T));
    std::memcpy(CMSG_DATA(header), &value, sizeof(T));
    message.msg_controllen += CMSG_SPACE(sizeof(T));
}

void append_source(msghdr& message, const net::IpAddress& from) {
    if (from.is_v4()) {
        in_pktinfo info{};
        std::ranges::copy(from.bytes(), reinterpret_cast<std::uint8_t*>(&info.ipi_spec_dst));
        append_control(message, IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        std::ranges::copy(from.bytes(), std::begin(info.ipi6_addr.s6_addr));
        append_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

void address_to(const Route& route, msghdr& message, std::span<std::byte> control) {
    message.msg_name = const_cast<sockaddr_storage*>(&route.to);
    message.msg_namelen = route.to_length;
    message.msg_control = control.data();
    if (route.from) {
        append_source(message, *route.from);
    }
}

// Last step: leaves no empty control block behind, which the kernel would refuse.
void split(msghdr& message, std::size_t length, std::size_t segment) {
    if (segment != 0 && length > segment) {
        append_control(message, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
    }
    if (message.msg_controllen == 0) {
        message.msg_control = nullptr;
    }
}

} // namespace

std::pair<sockaddr_storage, socklen_t> to_sockaddr(const net::TransportAddress& address) {
    sockaddr_storage storage{};
    if (address.address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::ranges::copy(address.address.bytes(), reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
        std::memcpy(&storage, &v4, sizeof v4);
        return {storage, sizeof v4};
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::ranges::copy(address.address.bytes(), std::begin(v6.sin6_addr.s6_addr));
    std::memcpy(&storage, &v6, sizeof v6);
    return {storage, sizeof v6};
}

net::TransportAddress from_sockaddr(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
        return {net::IpAddress::v4(bytes), ntohs(v4.sin_port)};
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {net::IpAddress::v6(bytes), ntohs(v6.sin6_port)};
}

Route::Route(const net::TransportAddress& destination, std::optional<net::IpAddress> source) : from(source) {
    std::tie(to, to_length) = to_sockaddr(destination);
}

struct DatagramSocket::Batch {
    std::array<mmsghdr, batch_size> messages{};
    std::array<iovec, batch_size> pieces{};
    alignas(cmsghdr) std::array<std::array<std::byte, control_room>, batch_size> control{};
    std::unique_ptr<std::byte[]> room = std::make_unique_for_overwrite<std::byte[]>(batch_size * largest_datagram);
};

DatagramSocket::DatagramSocket(const net::TransportAddress& local, bool gro) {
    const auto [address, length] = to_sockaddr(local);
    fd_ = ::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        fail("socket");
    }
    // The generator must not be what loses packets. FORCE needs privileges; without them the system's limit holds.
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0) {
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    }
    if (::setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0) {
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    }
    const int on = 1;
    if (gro && ::setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof on) != 0) {
        fail("UDP_GRO");
    }
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        fail("bind");
    }
}

DatagramSocket::~DatagramSocket() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

DatagramSocket::DatagramSocket(DatagramSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      queued_(other.queued_),
      refused_bytes_(other.refused_bytes_),
      outgoing_(std::move(other.outgoing_)) {}

std::uint16_t DatagramSocket::port() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    return from_sockaddr(address).port;
}

bool DatagramSocket::send(const Route& route, Bytes data, std::size_t segment) {
    alignas(cmsghdr) std::array<std::byte, control_room> control{};
    iovec piece{const_cast<std::byte*>(data.data()), data.size()};
    msghdr message{};
    address_to(route, message, control);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    split(message, data.size(), segment);
    return ::sendmsg(fd_, &message, 0) == static_cast<ssize_t>(data.size());
}

void DatagramSocket::queue(const Route& route, Bytes data, std::size_t segment) {
    if (!outgoing_) {
        outgoing_ = std::make_unique<Batch>();
    }
    if (queued_ == batch_size) {
        refused_bytes_ += flush();
    }
    std::byte* const room = outgoing_->room.get() + queued_ * largest_datagram;
    std::ranges::copy(data, room);
    outgoing_->pieces[queued_] = {room, data.size()};
    msghdr& message = outgoing_->messages[queued_].msg_hdr;
    message = {};
    address_to(route, message, outgoing_->control[queued_]);
    message.msg_iov = &outgoing_->pieces[queued_];
    message.msg_iovlen = 1;
    split(message, data.size(), segment);
    ++queued_;
}

std::size_t DatagramSocket::flush() {
    std::size_t refused = std::exchange(refused_bytes_, 0);
    for (std::size_t first = 0; first < queued_;) {
        const int count = ::sendmmsg(fd_, &outgoing_->messages[first], static_cast<unsigned>(queued_ - first), 0);
        if (count > 0) {
            first += static_cast<std::size_t>(count);
            continue;
        }
        refused += outgoing_->pieces[first].iov_len;
        ++first;
    }
    queued_ = 0;
    return refused;
}

DatagramSocket::Batch& DatagramSocket::incoming() {
    static Batch batch;
    return batch;
}

std::size_t DatagramSocket::receive_batch() {
    Batch& batch = incoming();
    for (std::size_t i = 0; i < batch_size; ++i) {
        batch.pieces[i] = {batch.room.get() + i * largest_datagram, largest_datagram};
        msghdr& message = batch.messages[i].msg_hdr;
        message = {};
        message.msg_iov = &batch.pieces[i];
        message.msg_iovlen = 1;
        message.msg_control = batch.control[i].data();
        message.msg_controllen = control_room;
    }
    const int count = ::recvmmsg(fd_, batch.messages.data(), batch_size, 0, nullptr);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Bytes DatagramSocket::arrival(std::size_t i) {
    return {incoming().room.get() + i * largest_datagram, incoming().messages[i].msg_len};
}

std::size_t DatagramSocket::arrival_segment(std::size_t i) {
    msghdr& message = incoming().messages[i].msg_hdr;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) {
            int segment = 0;
            std::memcpy(&segment, CMSG_DATA(header), sizeof segment);
            return static_cast<std::size_t>(segment);
        }
    }
    return 0;
}

} // namespace fairlead::load
