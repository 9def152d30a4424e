#include "turn_datagram/turn_datagram.hpp"

#include "demux/first_byte.hpp"

#include <algorithm>

namespace fairlead::turn_datagram {

TurnDatagram::TurnDatagram(turn_relay::TurnRelay& relay, const Options& options)
    : relay_(relay), engine_(relay.engine()), options_(options) {
    relay.attach(net::Transport::udp, *this);
}

TurnDatagram::~TurnDatagram() {
    for (const Open& open : open_) {
        engine_.close(open.socket);
    }
}

Result<net::TransportAddress, datagram::OpenError> TurnDatagram::listen(const Listener& listener) {
    datagram::OpenOptions options;
    options.local = listener.local;
    options.receiver = this;
    options.tag = open_.size();
    options.reuse_port = options_.reuse_port;
    options.tos_and_ttl = true;
    options.receive_buffer = options_.socket_buffer;
    options.send_buffer = options_.socket_buffer;
    const auto socket = engine_.open(options);
    if (!socket) {
        return fail(socket.error());
    }
    Open open{.socket = *socket, .listener = listener, .wildcard = listener.local.address.is_any()};
    open.listener.local = *engine_.local(*socket);
    open_.push_back(open);
    return open.listener.local;
}

void TurnDatagram::on_batch(datagram::SocketId /*socket*/, std::uint64_t tag, std::span<datagram::Received> batch) {
    const Now now = engine_.loop().now();
    const Listener& listener = open_[tag].listener;
    for (const datagram::Received& received : batch) {
        net::FiveTuple path{.client = received.from, .server = received.to, .transport = net::Transport::udp};
        path.server.port = listener.local.port;
        const turn_relay::Marks marks{.tos = received.tos, .ttl = received.ttl};
        switch (const demux::Kind kind = demux::classify(received.bytes); kind) {
        case demux::Kind::quic:
        case demux::Kind::stun:
        case demux::Kind::channel_data:
            if (!listener.stun || (kind == demux::Kind::quic && !options_.rfc5766_channels)) {
                stats_.not_for_us.add(received.segments());
            } else if (received.is_train()) {
                relay_.from_client_train(now, path, received.bytes, received.segment_size, marks);
            } else {
                relay_.from_client(now, path, received.bytes, marks);
            }
            break;
        case demux::Kind::dtls:
            if (listener.dtls && dtls_ != nullptr) {
                path.transport = net::Transport::dtls;
                for (std::size_t i = 0; i < received.segments(); ++i) {
                    dtls_->on_dtls(now, path, received.segment(i));
                }
                break;
            }
            [[fallthrough]];
        default:
            stats_.not_for_us.add(received.segments());
        }
    }
}

void TurnDatagram::on_turn_end() {
    relay_.settle();
    if (dtls_ != nullptr) {
        dtls_->on_dtls_turn_end();
    }
}

const TurnDatagram::Open* TurnDatagram::open_for(const net::FiveTuple& path) const {
    const Open* wildcard = nullptr;
    for (const Open& open : open_) {
        if (open.listener.local == path.server) {
            return &open;
        }
        if (open.wildcard && open.listener.local.port == path.server.port &&
            open.listener.local.family() == path.server.family()) {
            wildcard = &open;
        }
    }
    return wildcard;
}

namespace {

datagram::SendOptions options_for(bool wildcard, const net::FiveTuple& path, const turn_relay::Marks& marks) {
    datagram::SendOptions options;
    if (wildcard) {
        options.from = path.server.address;
    }
    options.tos = marks.tos;
    options.ttl = marks.ttl;
    return options;
}

} // namespace

void TurnDatagram::send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
                        const turn_relay::Marks& marks) {
    const Open* const open = open_for(path);
    if (open == nullptr) {
        return;
    }
    const datagram::SendOptions options = options_for(open->wildcard, path, marks);
    if (padding == 0) {
        engine_.queue(open->socket, path.client, header, payload, options);
        return;
    }
    // Only Data indications whose length is odd to four come here; STUN attributes are padded, ChannelData over UDP is
    // not.
    const std::size_t length = header.size() + payload.size() + padding;
    const MutableBytes room = engine_.reserve(length);
    if (room.size() < length) {
        return;
    }
    std::ranges::copy(header, room.begin());
    std::ranges::copy(payload, room.begin() + static_cast<std::ptrdiff_t>(header.size()));
    std::ranges::fill(room.subspan(length - padding, padding), std::byte{0});
    engine_.commit(open->socket, path.client, length, options);
}

void TurnDatagram::transmit(const net::FiveTuple& path, Bytes message) {
    const Open* const open = open_for(path);
    if (open == nullptr) {
        return;
    }
    // The relay wrote the message into the engine's own room: nothing to copy.
    engine_.commit(open->socket, path.client, message.size(), options_for(open->wildcard, path, {}));
}

void TurnDatagram::send_raw(const net::FiveTuple& path, Bytes datagram) {
    const Open* const open = open_for(path);
    const MutableBytes room = engine_.reserve(datagram.size());
    if (open == nullptr || room.size() < datagram.size()) {
        return;
    }
    std::ranges::copy(datagram, room.begin());
    engine_.commit(open->socket, path.client, datagram.size(), options_for(open->wildcard, path, {}));
}

} // namespace fairlead::turn_datagram
