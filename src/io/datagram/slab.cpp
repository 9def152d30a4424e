#include "datagram/slab.hpp"

#include <netinet/udp.h>
#include <sys/mman.h>

#include <cstring>
#include <exception>

namespace fairlead::datagram {
namespace {

template <class T>
T payload_of(const cmsghdr* header) {
    T value;
    std::memcpy(&value, CMSG_DATA(header), sizeof value);
    return value;
}

} // namespace

void Slab::Unmap::operator()(std::byte* memory) const {
    ::munmap(memory, slot_count * stride);
}

Slab::Slab() {
    void* memory = ::mmap(nullptr, slot_count * stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { // NOLINT: the macro's cast
        std::terminate();       // a loop without four megabytes to receive into cannot serve
    }
    memory_.reset(static_cast<std::byte*>(memory));
    for (std::size_t i = 0; i < slot_count; ++i) {
        buffers_[i] = {slot(i), room};
        messages_[i].msg_hdr.msg_name = senders_[i].data();
        messages_[i].msg_hdr.msg_iov = &buffers_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
        messages_[i].msg_hdr.msg_control = controls_[i].bytes.data();
        prepare(i);
    }
}

void Slab::prepare(std::size_t i) {
    msghdr& header = messages_[i].msg_hdr;
    header.msg_namelen = process::SocketAddress::capacity;
    header.msg_controllen = sizeof controls_[i].bytes;
    header.msg_flags = 0;
}

int Slab::receive(int fd, std::size_t most) {
    first_ = used_;
    int n = 0;
    if (most == 1) {
        const ssize_t length = ::recvmsg(fd, &messages_[first_].msg_hdr, MSG_DONTWAIT);
        messages_[first_].msg_len = static_cast<unsigned>(length);
        n = length < 0 ? -1 : 1;
    } else {
        n = ::recvmmsg(fd, &messages_[first_], static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
    }
    if (n > 0) {
        used_ += static_cast<std::size_t>(n);
    }
    return n;
}

Slab::Arrival Slab::arrival(std::size_t i) {
    i += first_;
    msghdr& header = messages_[i].msg_hdr;
    const std::size_t length = messages_[i].msg_len;
    Arrival arrival;
    arrival.from = senders_[i].get();
    arrival.bytes = {slot(i), length};
    arrival.segment_size = static_cast<std::uint16_t>(length);
    arrival.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(c))) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            const int size = payload_of<int>(c);
            if (size > 0 && static_cast<std::size_t>(size) < length) {
                arrival.segment_size = static_cast<std::uint16_t>(size);
            }
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            const auto info = payload_of<in_pktinfo>(c);
            std::uint8_t bytes[4];
            std::memcpy(bytes, &info.ipi_spec_dst, sizeof bytes);
            arrival.to = net::IpAddress::v4(bytes);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            arrival.to = net::IpAddress::v6(payload_of<in6_pktinfo>(c).ipi6_addr.s6_addr);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            arrival.tos = payload_of<std::uint8_t>(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            arrival.tos = static_cast<std::uint8_t>(payload_of<int>(c));
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            arrival.ttl = static_cast<std::uint8_t>(payload_of<int>(c));
        }
    }
    prepare(i);
    return arrival;
}

} // namespace fairlead::datagram
