#include "datagram/outgoing.hpp"

#include "process/descriptor.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fairlead::datagram {
namespace {

using namespace std::chrono_literals;

// Before Linux 4.18 the control message would be ignored and a run leave as one huge datagram, so ask first.
bool kernel_can_segment() {
    const process::Descriptor probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    int size = 0;
    socklen_t length = sizeof size;
    return probe && ::getsockopt(probe.get(), SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
}

std::uint64_t spread(const net::IpAddress& address, std::uint64_t salt) {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    const auto bytes = address.bytes();
    std::memcpy(&high, bytes.data(), 4);
    if (bytes.size() == 16) {
        std::memcpy(&high, bytes.data(), 8);
        std::memcpy(&low, bytes.data() + 8, 8);
    }
    return ((high ^ salt) * 0x9E3779B97F4A7C15U) ^ (low * 0xC2B2AE3D27D4EB4FU);
}

std::size_t run_slot(const net::TransportAddress& to) {
    return (spread(to.address, to.port) >> 32U) % 256;
}

SendDrop reason_of(int error) {
    switch (error) {
    case EAGAIN:
        return SendDrop::buffer_full;
    case ENOBUFS:
    case ENOMEM:
        return SendDrop::device_queue_full;
    case EMSGSIZE:
        return SendDrop::too_large;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
        return SendDrop::unreachable;
    case ECONNREFUSED:
        return SendDrop::refused;
    case EPERM:
    case EACCES:
        return SendDrop::not_permitted;
    case EINVAL:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
    case EDESTADDRREQ:
        return SendDrop::bad_destination;
    default:
        return SendDrop::other;
    }
}

// Control messages of one msghdr, appended one after the other.
class ControlWriter {
public:
    ControlWriter(msghdr& header, std::span<std::byte> room) : header_(header) {
        header_.msg_control = room.data();
        header_.msg_controllen = 0;
    }

    template <class T>
    void add(int level, int type, const T& value) {
        auto* at = static_cast<std::byte*>(header_.msg_control) + header_.msg_controllen;
        cmsghdr control{};
        control.cmsg_level = level;
        control.cmsg_type = type;
        control.cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(at, &control, sizeof control);
        std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
        header_.msg_controllen += CMSG_SPACE(sizeof value);
    }

private:
    msghdr& header_;
};

} // namespace

Outgoing::Outgoing(SocketTable& sockets, Stats& stats)
    : sockets_(sockets),
      stats_(stats),
      segmentation_(kernel_can_segment()),
      entries_(entry_count),
      arena_(arena_size),
      messages_(entry_count),
      headers_(entry_count),
      pieces_(2 * entry_count),
      addresses_(entry_count),
      controls_(entry_count) {
    dirty_.reserve(entry_count);
}

MutableBytes Outgoing::reserve(std::size_t at_most) {
    at_most = std::min(at_most, Engine::max_datagram);
    // Both, so that the queue() of commit() never has to flush what was written here.
    if (arena_size - arena_used_ < at_most || entries_used_ == entry_count) {
        flush(now_);
    }
    return MutableBytes(arena_).subspan(arena_used_, at_most);
}

Bytes Outgoing::reserved(std::size_t length) {
    const Bytes bytes = MutableBytes(arena_).subspan(arena_used_, length);
    arena_used_ += length;
    return bytes;
}

void Outgoing::queue(SocketId via, const net::TransportAddress& to, Bytes head, Bytes body,
                     const SendOptions& options) {
    Socket* socket = sockets_.find(via);
    if (socket == nullptr) {
        return stats_.dropped(SendDrop::socket_gone);
    }
    if (head.size() > Engine::max_head || head.size() + body.size() > Engine::max_datagram) {
        return stats_.dropped(SendDrop::too_large);
    }
    if (to.family() != socket->local.family()) {
        return stats_.dropped(SendDrop::bad_destination);
    }
    if (entries_used_ == entry_count || arena_size - arena_used_ < head.size()) {
        flush(now_);
    }
    const std::uint32_t index = entries_used_++;
    Entry& entry = entries_[index];
    entry.to = to;
    entry.has_from = socket->wildcard && options.from.has_value() && options.from->family() == to.family();
    if (entry.has_from) {
        entry.from = *options.from;
    }
    entry.dont_fragment = options.dont_fragment;
    entry.tos = options.tos;
    entry.ttl = options.ttl;
    entry.next = none;
    entry.head_length = static_cast<std::uint8_t>(head.size());
    if (!head.empty()) {
        entry.head = arena_.data() + arena_used_;
        std::memcpy(arena_.data() + arena_used_, head.data(), head.size());
        arena_used_ += head.size();
    }
    entry.body = body.data();
    entry.body_length = static_cast<std::uint32_t>(body.size());

    if (socket->first_queued == none) {
        socket->first_queued = index;
        dirty_.push_back(via.index);
    } else {
        entries_[socket->last_queued].next = index;
    }
    socket->last_queued = index;
}

void Outgoing::flush(Instant now) {
    now_ = now;
    for (const std::uint32_t index : dirty_) {
        flush_socket(index, now);
    }
    dirty_.clear();
    entries_used_ = 0;
    arena_used_ = 0;
}

void Outgoing::flush_socket(std::uint32_t index, Instant now) {
    now_ = now;
    Socket& socket = sockets_.at(index);
    if (socket.first_queued == none) {
        return; // flushed when it was closed, and perhaps another socket by now
    }
    group(socket);
    socket.first_queued = none;
    socket.last_queued = none;
    pieces_used_ = 0;
    for (std::size_t i = 0; i < message_count_; ++i) {
        fill(i, messages_[i], socket);
    }
    for (std::size_t begin = 0; begin < message_count_;) {
        std::size_t end = begin + 1;
        while (end < message_count_ && messages_[end].dont_fragment == messages_[begin].dont_fragment) {
            ++end;
        }
        if (messages_[begin].dont_fragment && socket.local.address.is_v4()) {
            send_fragmentation_forbidden(socket, begin, end);
        } else {
            send(socket, begin, end);
        }
        begin = end;
    }
}

bool Outgoing::extends(const Message& message, const Entry& entry) const {
    const Entry& first = entries_[message.first];
    return !message.closed && message.count < most_segments && entry.length() <= message.segment &&
           message.total + entry.length() <= Engine::max_datagram && first.to == entry.to && first.tos == entry.tos &&
           first.ttl == entry.ttl && first.dont_fragment == entry.dont_fragment && first.has_from == entry.has_from &&
           (!entry.has_from || first.from == entry.from);
}

void Outgoing::group(Socket& socket) {
    message_count_ = 0;
    // A relay socket mostly has one datagram to send, for which no table need be cleared.
    if (socket.first_queued != socket.last_queued) {
        open_runs_.fill(none);
    } else {
        const Entry& only = entries_[socket.first_queued];
        open_runs_[run_slot(only.to)] = none;
    }
    for (std::uint32_t index = socket.first_queued; index != none;) {
        Entry& entry = entries_[index];
        const std::uint32_t next = std::exchange(entry.next, none);
        const std::size_t length = entry.length();
        std::uint32_t& open = open_runs_[run_slot(entry.to)];
        if (open != none && length != 0 && extends(messages_[open], entry)) {
            Message& run = messages_[open];
            entries_[run.last].next = index;
            run.last = index;
            ++run.count;
            run.total += static_cast<std::uint32_t>(length);
            run.closed = length < run.segment; // only the last of a run may be shorter
        } else {
            open = static_cast<std::uint32_t>(message_count_);
            messages_[message_count_++] = {.first = index,
                                           .last = index,
                                           .count = 1,
                                           .segment = static_cast<std::uint32_t>(length),
                                           .total = static_cast<std::uint32_t>(length),
                                           .closed = !segmentation_ || length == 0 || refuses_trains(entry.to.address),
                                           .dont_fragment = entry.dont_fragment};
        }
        index = next;
    }
}

void Outgoing::fill(std::size_t at, const Message& message, const Socket& socket) {
    const Entry& first = entries_[message.first];
    msghdr& header = headers_[at].msg_hdr;
    addresses_[at].set(first.to);
    header.msg_name = addresses_[at].data();
    header.msg_namelen = addresses_[at].size();
    header.msg_flags = 0;

    const std::size_t begin = pieces_used_;
    const auto append = [&](const std::byte* data, std::size_t length) {
        if (length == 0) {
            return;
        }
        if (pieces_used_ > begin) {
            iovec& last = pieces_[pieces_used_ - 1];
            if (static_cast<std::byte*>(last.iov_base) + last.iov_len == data) {
                last.iov_len += length; // a train passed on as it came lies in one piece
                return;
            }
        }
        pieces_[pieces_used_++] = {const_cast<std::byte*>(data), length};
    };
    for (std::uint32_t index = message.first; index != none; index = entries_[index].next) {
        const Entry& entry = entries_[index];
        append(entry.head, entry.head_length);
        append(entry.body, entry.body_length);
    }
    header.msg_iov = &pieces_[begin];
    header.msg_iovlen = pieces_used_ - begin;

    ControlWriter control(header, controls_[at].bytes);
    const bool v4 = socket.local.address.is_v4();
    if (message.count > 1) {
        control.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(message.segment));
    }
    if (first.has_from && v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, first.from.bytes().data(), sizeof info.ipi_spec_dst);
        control.add(IPPROTO_IP, IP_PKTINFO, info);
    } else if (first.has_from) {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, first.from.bytes().data(), sizeof info.ipi6_addr);
        control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (first.tos != 0) {
        control.add(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, int{first.tos});
    }
    if (first.ttl != 0) {
        control.add(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, int{first.ttl});
    }
    if (message.dont_fragment && !v4) {
        control.add(IPPROTO_IPV6, IPV6_DONTFRAG, int{1});
    }
    if (header.msg_controllen == 0) {
        header.msg_control = nullptr;
    }
}

void Outgoing::sent(const Message& message) {
    stats_.datagrams_sent.add(message.count);
    stats_.bytes_sent.add(message.total);
    if (message.count > 1) {
        stats_.trains_sent.add();
    }
}

void Outgoing::send(Socket& socket, std::size_t begin, std::size_t end) {
    bool again = false;
    while (begin < end) {
        stats_.send_calls.add();
        int n = 0;
        if (end - begin == 1) {
            n = ::sendmsg(socket.fd, &headers_[begin].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 1;
        } else {
            n = ::sendmmsg(socket.fd, &headers_[begin], static_cast<unsigned>(end - begin),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        if (n > 0) {
            // Short of the end without an error: the next call starts at the message that failed and says why.
            for (int i = 0; i < n; ++i) {
                sent(messages_[begin++]);
            }
            again = false;
            continue;
        }
        switch (failed(socket, begin, errno, again)) {
        case Next::retry:
            again = true;
            break;
        case Next::skip:
            ++begin;
            again = false;
            break;
        case Next::give_up:
            for (; begin < end; ++begin) {
                stats_.dropped(SendDrop::buffer_full, messages_[begin].count);
            }
            break;
        }
    }
}

void Outgoing::send_fragmentation_forbidden(Socket& socket, std::size_t begin, std::size_t end) {
    // IPv4 has no control message for DF. PROBE sets it and ignores the path MTU known so far, which is what somebody
    // who sends with DF wants to find out.
    const int forbid = IP_PMTUDISC_PROBE;
    int before = IP_PMTUDISC_DONT;
    socklen_t length = sizeof before;
    ::getsockopt(socket.fd, IPPROTO_IP, IP_MTU_DISCOVER, &before, &length);
    ::setsockopt(socket.fd, IPPROTO_IP, IP_MTU_DISCOVER, &forbid, sizeof forbid);
    send(socket, begin, end);
    ::setsockopt(socket.fd, IPPROTO_IP, IP_MTU_DISCOVER, &before, sizeof before);
}

Outgoing::Next Outgoing::failed(Socket& socket, std::size_t at, int error, bool again) {
    const Message& message = messages_[at];
    switch (error) {
    case EINTR:
        return Next::retry;
    case EAGAIN:
        return Next::give_up;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EPROTO:
    case EACCES:
    case ENOPROTOOPT:
        // With IP_RECVERR the error may be about an earlier datagram, to somebody else; reading it has cleared it.
        if (socket.icmp_errors && !again) {
            return Next::retry;
        }
        break;
    case EMSGSIZE:
        if (message.count == 1 && socket.icmp_errors && !again) {
            return Next::retry;
        }
        [[fallthrough]];
    case EIO:
    case EINVAL:
    case EOPNOTSUPP:
        if (message.count > 1) {
            stats_.train_refusals.add();
            remember_refusal(entries_[message.first].to.address);
            send_singly(socket, message);
            return Next::skip;
        }
        break;
    default:
        break;
    }
    stats_.dropped(reason_of(error), message.count);
    return Next::skip;
}

void Outgoing::send_singly(Socket& socket, const Message& train) {
    // The arrays are full of messages still to be sent, so this one has its own.
    for (std::uint32_t index = train.first; index != none; index = entries_[index].next) {
        const Entry& entry = entries_[index];
        iovec pieces[2] = {{const_cast<std::byte*>(entry.head), entry.head_length},
                           {const_cast<std::byte*>(entry.body), entry.body_length}};
        process::SocketAddress address(entry.to);
        Control room;
        msghdr header{};
        header.msg_name = address.data();
        header.msg_namelen = address.size();
        header.msg_iov = entry.head_length == 0 ? &pieces[1] : &pieces[0];
        header.msg_iovlen = entry.head_length == 0 ? 1 : 2;
        // The same control messages as the train's, without the first, which asks for segmentation.
        const std::size_t skip = CMSG_SPACE(sizeof(std::uint16_t));
        const auto at = static_cast<std::size_t>(&train - messages_.data());
        const msghdr& whole = headers_[at].msg_hdr;
        if (whole.msg_controllen > skip) {
            header.msg_controllen = whole.msg_controllen - skip;
            std::memcpy(room.bytes.data(), static_cast<std::byte*>(whole.msg_control) + skip, header.msg_controllen);
            header.msg_control = room.bytes.data();
        }
        stats_.send_calls.add();
        if (::sendmsg(socket.fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            stats_.dropped(reason_of(errno));
            continue;
        }
        stats_.datagrams_sent.add();
        stats_.bytes_sent.add(entry.length());
    }
}

bool Outgoing::refuses_trains(const net::IpAddress& to) const {
    if (now_ >= refusals_until_) {
        return false;
    }
    const Refusal& refusal = refusals_[(spread(to, 0) >> 32U) % refusals_.size()];
    return refusal.until > now_ && refusal.to == to;
}

void Outgoing::remember_refusal(const net::IpAddress& to) {
    // A minute: routes and devices change, and a wrong guess costs one refused call.
    refusals_[(spread(to, 0) >> 32U) % refusals_.size()] = {to, now_ + 1min};
    refusals_until_ = now_ + 1min;
}

} // namespace fairlead::datagram
