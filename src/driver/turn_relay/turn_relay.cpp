#include "turn_relay/turn_relay.hpp"

#include "bytes/reader.hpp"
#include "log/address.hpp"
#include "log/log.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::turn_relay {

namespace {

// A port that the system would not give us belongs to somebody else's socket, who may keep it for long.
constexpr auto aside_time = std::chrono::minutes(5);
// Ports are drawn at random from those we do not use; if so many in a row belong to strangers, the range is as good as
// full.
constexpr int bind_attempts = 64;

std::uint8_t one_hop_less(std::uint8_t ttl) {
    return ttl > 1 ? static_cast<std::uint8_t>(ttl - 1) : ttl;
}

} // namespace

TurnRelay::TurnRelay(const turn::ServerConfig& config, const Options& options, const Deps& deps)
    : engine_(deps.engine),
      random_(deps.random),
      live_(deps.live),
      socket_buffer_(options.socket_buffer),
      timer_(deps.engine.loop(), "turn sweep",
             [this] {
                 const Now now = engine_.loop().now();
                 server_.handle_timeout(now, *this);
                 settle();
                 engine_.flush();
             }),
      server_(config, turn::ServerDeps{*this, deps.credentials, deps.peers, deps.quota, deps.random}) {
    for (const RelayAddress& address : options.addresses) {
        pools_.push_back({address, std::make_unique<relay::PortPool>(options.ports)});
    }
}

TurnRelay::~TurnRelay() = default;

void TurnRelay::attach(net::Transport transport, ClientTransport& clients) {
    transports_[static_cast<std::size_t>(transport)] = &clients;
}

// --- from clients
// -----------------------------------------------------------------------------------------------------------------

void TurnRelay::from_client(const Now& now, const net::FiveTuple& path, Bytes bytes, const Marks& marks) {
    const turn::ClientVerdict verdict = server_.relay().from_client(now.steady, path, bytes);
    if (const auto* send = std::get_if<turn::SendToPeer>(&verdict)) {
        to_peer(*send, bytes, marks);
    } else if (std::holds_alternative<turn::ForServer>(verdict)) {
        server_.handle(now, path, bytes, *this);
    }
}

void TurnRelay::from_client_train(const Now& now, const net::FiveTuple& path, Bytes bytes, std::size_t segment_size,
                                  const Marks& marks) {
    // Most trains are a video frame on one channel: segments that begin with the same channel number and length as the
    // one judged last share its verdict (turn::Relay says when).
    constexpr std::size_t channel_header = 4;
    turn::SendToPeer judged;
    std::optional<std::uint32_t> judged_header;
    std::size_t repeats = 0;
    while (!bytes.empty()) {
        const Bytes segment = bytes.first(std::min(segment_size, bytes.size()));
        bytes = bytes.subspan(segment.size());
        const bool comparable = segment.size() == segment_size && segment.size() >= channel_header;
        const std::uint32_t header = comparable ? bytes::load_u32(segment, 0) : 0;
        if (comparable && judged_header == header) {
            ++repeats;
            to_peer(judged, segment, marks);
            continue;
        }
        if (repeats > 0) {
            server_.relay().repeated(judged, repeats);
            repeats = 0;
        }
        judged_header.reset();
        const turn::ClientVerdict verdict = server_.relay().from_client(now.steady, path, segment);
        if (const auto* send = std::get_if<turn::SendToPeer>(&verdict)) {
            to_peer(*send, segment, marks);
            // Send indications (first bits 00) carry a transaction id each: no two are alike.
            if (comparable && (header >> 30U) == 1U) {
                judged = *send;
                judged_header = header;
            }
        } else if (std::holds_alternative<turn::ForServer>(verdict)) {
            server_.handle(now, path, segment, *this);
        }
    }
    if (repeats > 0) {
        server_.relay().repeated(judged, repeats);
    }
}

void TurnRelay::to_peer(const turn::SendToPeer& verdict, Bytes bytes, const Marks& marks) {
    datagram::SendOptions options;
    options.tos = marks.tos;
    options.ttl = one_hop_less(marks.ttl);
    options.dont_fragment = verdict.dont_fragment;
    engine_.queue(sockets_[verdict.relay].socket, verdict.peer, {}, bytes.subspan(verdict.offset, verdict.length),
                  options);
}

void TurnRelay::connection_closed(const Now& now, const net::FiveTuple& path) {
    server_.connection_closed(now, path);
    settle();
}

// --- from peers
// -------------------------------------------------------------------------------------------------------------------

void TurnRelay::on_batch(datagram::SocketId /*socket*/, std::uint64_t tag, std::span<datagram::Received> batch) {
    const Now now = engine_.loop().now();
    const auto relay = static_cast<turn::RelayId>(tag);
    for (const datagram::Received& received : batch) {
        from_peer(now, relay, received);
    }
}

void TurnRelay::from_peer(const Now& now, turn::RelayId relay, const datagram::Received& received) {
    std::array<std::byte, turn::Relay::max_header> header; // written by the relay before it is read
    const Marks marks{.tos = received.tos, .ttl = one_hop_less(received.ttl)};
    const std::size_t size = received.is_train() ? received.segment_size : received.bytes.size();
    const std::size_t alike = size == 0 ? 1 : received.bytes.size() / size;
    const auto relay_segments = [&](std::size_t from, std::size_t count, std::size_t length) {
        const turn::PeerDataVerdict verdict =
            server_.relay().from_peer(now.steady, relay, received.from, length, header, count);
        const auto* send = std::get_if<turn::SendToClient>(&verdict);
        if (send == nullptr) {
            return;
        }
        ClientTransport& to = clients(send->path);
        for (std::size_t i = 0; i < count; ++i) {
            to.send(send->path, Bytes(header).first(send->header), received.bytes.subspan(from + i * length, length),
                    send->padding, marks);
        }
    };
    relay_segments(0, alike, size);
    if (const std::size_t rest = received.bytes.size() - alike * size; rest > 0) {
        relay_segments(alike * size, 1, rest);
    }
}

void TurnRelay::on_icmp_error(datagram::SocketId /*socket*/, std::uint64_t tag, const datagram::IcmpError& error) {
    reserve(turn::Relay::max_header);
    const turn::IcmpError reported{.type = error.type, .code = error.code, .data = error.data};
    const turn::PeerDataVerdict verdict = server_.relay().from_peer_icmp(
        engine_.loop().now().steady, static_cast<turn::RelayId>(tag), error.peer, reported, room_);
    if (const auto* send = std::get_if<turn::SendToClient>(&verdict)) {
        transmit(send->path, send->header);
    }
}

void TurnRelay::on_turn_end() {
    settle();
}

// --- relay sockets
// ----------------------------------------------------------------------------------------------------------------

TurnRelay::AddressPool* TurnRelay::pool_for(const turn::RelayRequest& request) {
    AddressPool* first = nullptr;
    for (AddressPool& pool : pools_) {
        if (pool.address.bound.family() != request.family) {
            continue;
        }
        // On a machine with several addresses, relay from the one that the client reached: its routes are known to
        // work.
        if (pool.address.bound == request.path.server.address) {
            return &pool;
        }
        first = first != nullptr ? first : &pool;
    }
    return first;
}

Result<turn::OpenedRelays, turn::RelayError> TurnRelay::open(const turn::RelayRequest& request) {
    AddressPool* const pool = pool_for(request);
    if (pool == nullptr) {
        return fail(turn::RelayError::family_unsupported);
    }
    const Instant now = engine_.loop().steady_now();
    for (int attempt = 0; attempt < bind_attempts; ++attempt) {
        std::optional<relay::Port> port;
        std::optional<relay::Port> next;
        switch (request.port) {
        case turn::PortWish::any:
            port = pool->ports->take(now, random_);
            break;
        case turn::PortWish::even:
            port = pool->ports->take_even(now, random_);
            break;
        case turn::PortWish::even_and_next:
            if (auto pair = pool->ports->take_pair(now, random_)) {
                port = std::move(pair->first);
                next = std::move(pair->second);
            }
            break;
        }
        if (!port) {
            return fail(turn::RelayError::ports_exhausted);
        }
        auto opened = bind(*pool, std::move(*port));
        if (!opened) {
            if (opened.error() == turn::RelayError::ports_exhausted) {
                continue; // somebody else has that port
            }
            return fail(opened.error());
        }
        turn::OpenedRelays result{.relay = *opened, .reserved = std::nullopt};
        if (next) {
            auto reserved = bind(*pool, std::move(*next));
            if (!reserved) {
                close(opened->id);
                if (reserved.error() == turn::RelayError::ports_exhausted) {
                    continue;
                }
                return fail(reserved.error());
            }
            result.reserved = *reserved;
        }
        return result;
    }
    return fail(turn::RelayError::ports_exhausted);
}

Result<turn::OpenedRelay, turn::RelayError> TurnRelay::bind(AddressPool& pool, relay::Port port) {
    const bool fresh = unused_.empty();
    const auto id = fresh ? static_cast<turn::RelayId>(sockets_.size()) : unused_.back();
    datagram::OpenOptions options;
    options.local = {.address = pool.address.bound, .port = port.number()};
    options.receiver = this;
    options.tag = id;
    options.tos_and_ttl = true;
    options.icmp_errors = true;
    options.receive_buffer = socket_buffer_;
    options.send_buffer = socket_buffer_;
    const auto socket = engine_.open(options);
    if (!socket) {
        switch (socket.error()) {
        case datagram::OpenError::address_in_use:
        case datagram::OpenError::not_permitted:
            port.set_aside(engine_.loop().steady_now() + aside_time);
            return fail(turn::RelayError::ports_exhausted);
        default:
            log::warn("turn", "relay socket refused",
                      {{"address", options.local.to_string()}, {"reason", describe(socket.error())}});
            return fail(turn::RelayError::system);
        }
    }
    if (fresh) {
        sockets_.emplace_back();
    } else {
        unused_.pop_back();
    }
    RelaySocket& slot = sockets_[id];
    slot.socket = *socket;
    slot.bound = options.local;
    slot.port = std::move(port);
    slot.open = true;
    live_.add(slot.bound);
    return turn::OpenedRelay{.id = id, .relayed = {.address = pool.address.relayed, .port = slot.bound.port}};
}

void TurnRelay::close(turn::RelayId id) {
    assert(id < sockets_.size() && sockets_[id].open);
    RelaySocket& slot = sockets_[id];
    live_.remove(slot.bound);
    engine_.close(slot.socket);
    slot.port.release();
    slot.open = false;
    unused_.push_back(id);
}

std::size_t TurnRelay::ports_free() const {
    std::size_t sum = 0;
    for (const AddressPool& pool : pools_) {
        sum += pool.ports->free();
    }
    return sum;
}

std::size_t TurnRelay::ports_total() const {
    std::size_t sum = 0;
    for (const AddressPool& pool : pools_) {
        sum += pool.ports->size();
    }
    return sum;
}

// --- answers and facts
// ------------------------------------------------------------------------------------------------------------

MutableBytes TurnRelay::reserve(std::size_t at_most) {
    room_ = engine_.reserve(at_most);
    return room_;
}

void TurnRelay::transmit(const net::FiveTuple& path, std::size_t length) {
    clients(path).transmit(path, room_.first(length));
}

void TurnRelay::settle() {
    if (!server_.events().empty()) {
        std::vector<turn::Event> facts = server_.events().take();
        for (const turn::Event& fact : facts) {
            report(fact);
        }
        server_.events().reuse(std::move(facts));
    }
    for (ClientTransport* const transport : transports_) {
        if (transport != nullptr) {
            transport->flush();
        }
    }
    arm_timer();
}

void TurnRelay::arm_timer() {
    timer_.expires_at(server_.next_timeout());
}

namespace {

struct Reporter {
    void operator()(const turn::AllocationCreated& e) const {
        log::info("turn", "allocation created",
                  {{"allocation", e.id},
                   {"client", log::shown(e.path.client)},
                   {"transport", describe(e.path.transport)},
                   {"relayed", e.relayed.to_string()},
                   {"user", e.username},
                   {"lifetime", e.lifetime.count()}});
    }
    void operator()(const turn::AllocationRefreshed& e) const {
        log::debug("turn", "allocation refreshed", {{"allocation", e.id}, {"lifetime", e.lifetime.count()}});
    }
    void operator()(const turn::AllocationEnded& e) const {
        log::info("turn", "allocation ended",
                  {{"allocation", e.id},
                   {"client", log::shown(e.path.client)},
                   {"user", e.username},
                   {"reason", describe(e.reason)},
                   {"seconds", std::chrono::duration_cast<std::chrono::seconds>(e.duration).count()},
                   {"bytes_to_peers", e.traffic.bytes_to_peers},
                   {"bytes_to_client", e.traffic.bytes_to_client}});
    }
    void operator()(const turn::PermissionInstalled& e) const {
        log::debug("turn", "permission installed", {{"allocation", e.id}, {"peer", log::shown(e.peer)}});
    }
    void operator()(const turn::PermissionEnded& e) const {
        log::debug("turn", "permission ended", {{"allocation", e.id}, {"peer", log::shown(e.peer)}});
    }
    void operator()(const turn::ChannelBound& e) const {
        log::debug("turn", "channel bound",
                   {{"allocation", e.id}, {"channel", e.channel}, {"peer", log::shown(e.peer)}});
    }
    void operator()(const turn::ChannelEnded& e) const {
        log::debug("turn", "channel ended",
                   {{"allocation", e.id}, {"channel", e.channel}, {"peer", log::shown(e.peer)}});
    }
    void operator()(const turn::AuthenticationFailed& e) const {
        // A stale nonce is part of every long session, and the client comes back at once with a fresh one.
        const auto level = e.reason == turn::AuthFailure::stale_nonce ? log::Level::debug : log::Level::warn;
        if (log::enabled("turn", level)) {
            log::write(level, "turn", "authentication failed", "authentication failed",
                       {{"client", log::shown(e.path.client)},
                        {"transport", describe(e.path.transport)},
                        {"user", e.username},
                        {"reason", describe(e.reason)}});
        }
    }
    void operator()(const turn::RequestRefused& e) const {
        log::info("turn", "request refused",
                  {{"client", log::shown(e.path.client)},
                   {"user", e.username},
                   {"code", static_cast<unsigned>(e.code)},
                   {"reason", e.why}});
    }
    // All our credential stores answer at once; a store that does not is served by the driver that owns it.
    void operator()(const turn::KeyWanted& /*e*/) const {}
};

} // namespace

void TurnRelay::report(const turn::Event& event) {
    std::visit(Reporter{}, event);
    if (const auto* ended = std::get_if<turn::AllocationEnded>(&event)) {
        if (ClientTransport* const to = transports_[static_cast<std::size_t>(ended->path.transport)]) {
            to->allocation_ended(ended->path);
        }
    }
}

} // namespace fairlead::turn_relay
