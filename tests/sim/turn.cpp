#include "sim/turn.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::sim {
namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

} // namespace

std::string password_of(std::string_view username) {
    return "password of " + std::string(username);
}

turn::ClientConfig client_of(const std::string& username) {
    turn::ClientConfig config;
    config.username = username;
    config.password = password_of(username);
    return config;
}

TurnServer::TurnServer(Host& host, const TurnServerOptions& options, std::uint16_t port)
    : simulation_(host.simulation()),
      host_(host),
      user_quota_(options.user_quota),
      ports_(static_cast<std::size_t>(options.last_relay_port - options.first_relay_port) + 1),
      listener_(host.open(port)),
      alarm_(simulation_, [this] {
          server_->handle_timeout(simulation_.now(), *this);
          turn_ended();
      }) {
    for (std::uint32_t each = options.first_relay_port; each <= options.last_relay_port; ++each) {
        free_ports_.push_back(static_cast<std::uint16_t>(each));
    }
    server_ = std::make_unique<turn::Server>(
        options.config,
        turn::ServerDeps{
            .relays = *this, .credentials = *this, .peers = *this, .quota = *this, .random = simulation_.random()});
    listener_->on_receive([this](const net::TransportAddress& from, Bytes datagram) { from_client(from, datagram); });
}

std::size_t TurnServer::quota_held(const std::string& user) const {
    const auto found = quota_.find(user);
    return found == quota_.end() ? 0 : found->second;
}

void TurnServer::from_client(const net::TransportAddress& from, Bytes datagram) {
    const net::FiveTuple path{from, listener_->local(), net::Transport::udp};
    const Now now = simulation_.now();
    const auto verdict = server_->relay().from_client(now.steady, path, datagram);
    if (const auto* to = std::get_if<turn::SendToPeer>(&verdict)) {
        relays_.at(to->relay)->send(to->peer, datagram.subspan(to->offset, to->length));
    } else if (std::holds_alternative<turn::ForServer>(verdict)) {
        server_->handle(now, path, datagram, *this);
        turn_ended();
    }
}

void TurnServer::from_peer(turn::RelayId id, const net::TransportAddress& peer, Bytes payload) {
    std::array<std::byte, turn::Relay::max_header> header{};
    const auto verdict = server_->relay().from_peer(simulation_.now().steady, id, peer, payload.size(), header);
    if (const auto* to = std::get_if<turn::SendToClient>(&verdict)) {
        std::vector<std::byte> message(header.begin(), header.begin() + to->header);
        message.insert(message.end(), payload.begin(), payload.end());
        message.resize(message.size() + to->padding);
        listener_->send(to->path.client, message);
    }
}

std::optional<turn::OpenedRelay> TurnServer::open_port(std::uint16_t port) {
    auto socket = host_.open(port);
    if (!socket) {
        return std::nullopt;
    }
    turn::RelayId id = 0;
    if (free_ids_.empty()) {
        id = static_cast<turn::RelayId>(relays_.size());
        relays_.emplace_back();
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
    }
    socket->on_receive([this, id](const net::TransportAddress& peer, Bytes payload) { from_peer(id, peer, payload); });
    const turn::OpenedRelay opened{id, socket->local()};
    relays_[id] = std::move(socket);
    std::erase(free_ports_, port);
    return opened;
}

Result<turn::OpenedRelays, turn::RelayError> TurnServer::open(const turn::RelayRequest& request) {
    if (request.family != host_.address().family()) {
        return fail(turn::RelayError::family_unsupported);
    }
    const auto is_free = [&](std::uint16_t port) { return std::ranges::find(free_ports_, port) != free_ports_.end(); };
    const auto suits = [&](std::uint16_t port) {
        return request.port == turn::PortWish::any ||
               (port % 2 == 0 &&
                (request.port == turn::PortWish::even || is_free(static_cast<std::uint16_t>(port + 1))));
    };
    const auto port = std::ranges::find_if(free_ports_, suits);
    if (port == free_ports_.end()) {
        return fail(turn::RelayError::ports_exhausted);
    }
    const std::uint16_t chosen = *port;
    turn::OpenedRelays opened;
    opened.relay = open_port(chosen).value();
    if (request.port == turn::PortWish::even_and_next) {
        opened.reserved = open_port(static_cast<std::uint16_t>(chosen + 1)).value();
    }
    return opened;
}

void TurnServer::close(turn::RelayId id) {
    assert(relays_.at(id) != nullptr);
    free_ports_.push_back(relays_[id]->local().port);
    relays_[id].reset();
    free_ids_.push_back(id);
}

turn::CredentialAnswer TurnServer::find(const turn::Claim& claim, UnixTime /*now*/) {
    if (claim.username.empty()) {
        return turn::UnknownUser{};
    }
    const std::string username(claim.username);
    auto known = keys_.find(username);
    if (known == keys_.end()) {
        known = keys_.emplace(username, stun::long_term_keys(username, claim.realm, password_of(username))).first;
    }
    turn::Account account;
    account.username = username;
    account.user = username;
    account.keys[0] = known->second;
    account.key_count = 1;
    return account;
}

turn::QuotaAnswer TurnServer::take(std::string_view /*realm*/, std::string_view user) {
    auto& held = quota_[std::string(user)];
    if (user_quota_ != 0 && held >= user_quota_) {
        return turn::QuotaAnswer::user_limit;
    }
    ++held;
    ++quota_held_;
    return turn::QuotaAnswer::granted;
}

void TurnServer::give_back(std::string_view /*realm*/, std::string_view user) {
    auto& held = quota_.at(std::string(user));
    assert(held > 0);
    --held;
    --quota_held_;
}

MutableBytes TurnServer::reserve(std::size_t at_most) {
    room_.resize(at_most);
    return room_;
}

void TurnServer::transmit(const net::FiveTuple& path, std::size_t length) {
    listener_->send(path.client, Bytes(room_).first(length));
}

void TurnServer::turn_ended() {
    for (const turn::Event& event : server_->events().take()) {
        std::visit(Overloaded{
                       [&](const turn::AllocationCreated&) { ++seen_.created; },
                       [&](const turn::AllocationRefreshed&) { ++seen_.refreshed; },
                       [&](const turn::AllocationEnded& ended) { ++seen_.ended[ended.reason]; },
                       [&](const turn::PermissionInstalled&) { ++seen_.permissions_installed; },
                       [&](const turn::PermissionEnded&) { ++seen_.permissions_ended; },
                       [&](const turn::ChannelBound&) { ++seen_.channels_bound; },
                       [&](const turn::ChannelEnded&) { ++seen_.channels_ended; },
                       [&](const turn::RequestRefused& refused) { ++seen_.refused[refused.code]; },
                       [](const auto&) {},
                   },
                   event);
    }
    alarm_.set(server_->next_timeout());
}

TurnClient::TurnClient(Host& host, const net::TransportAddress& server, turn::ClientConfig config)
    : simulation_(host.simulation()),
      server_(server),
      random_(simulation_.random().next_u64()),
      socket_(host.open()),
      client_(std::move(config), {socket_->local(), server, net::Transport::udp}, random_),
      alarm_(simulation_, [this] {
          client_.handle_timeout(simulation_.now().steady, *this);
          turn_ended();
      }) {
    socket_->on_receive([this](const net::TransportAddress& from, Bytes datagram) { receive(from, datagram); });
}

void TurnClient::allocate(const turn::AllocateOptions& options) {
    client_.allocate(simulation_.now().steady, options, *this);
    turn_ended();
}

void TurnClient::refresh(std::chrono::seconds lifetime) {
    client_.refresh(simulation_.now().steady, lifetime, *this);
    turn_ended();
}

void TurnClient::permit(const net::TransportAddress& peer) {
    client_.permit(simulation_.now().steady, std::span(&peer, 1), *this);
    turn_ended();
}

void TurnClient::bind_channel(std::uint16_t channel, const net::TransportAddress& peer) {
    client_.bind_channel(simulation_.now().steady, channel, peer, *this);
    turn_ended();
}

void TurnClient::bind() {
    client_.bind(simulation_.now().steady, *this);
    turn_ended();
}

bool TurnClient::send(const net::TransportAddress& peer, std::string_view text) {
    return client_.send(simulation_.now().steady, peer, as_bytes(text), *this);
}

void TurnClient::send_directly(const net::TransportAddress& to, std::string_view text) {
    socket_->send(to, as_bytes(text));
}

void TurnClient::vanish() {
    socket_.reset();
    alarm_.set(never);
}

const net::TransportAddress& TurnClient::relayed() const {
    assert(client_.allocated());
    return client_.allocation()->relayed;
}

MutableBytes TurnClient::reserve(std::size_t at_most) {
    room_.resize(at_most);
    return room_;
}

void TurnClient::transmit(const net::FiveTuple& /*path*/, std::size_t length) {
    if (socket_) {
        socket_->send(server_, Bytes(room_).first(length));
    }
}

void TurnClient::receive(const net::TransportAddress& from, Bytes datagram) {
    if (from != server_) {
        data({from, std::string(as_text(datagram))});
        return;
    }
    client_.handle(simulation_.now().steady, datagram, *this);
    turn_ended();
}

void TurnClient::data(Received what) {
    if (on_data) {
        on_data(what);
    } else {
        received.push_back(std::move(what));
    }
}

void TurnClient::turn_ended() {
    for (turn::ClientEvent& event : client_.take_events()) {
        std::visit(Overloaded{
                       [&](const turn::ClientData& each) {
                           data({each.peer, std::string(as_text(each.data)), each.by_channel});
                       },
                       [&](const turn::ClientBound& each) { mapped = each.mapped; },
                       [&](const turn::ClientAllocated& each) { mapped = each.mapped; },
                       [&](const turn::ClientPermitted&) { ++permitted; },
                       [&](const turn::ClientChannelBound&) { ++channels_bound; },
                       [&](turn::ClientFailed& failed) { failures.push_back(std::move(failed)); },
                       [](const auto&) {},
                   },
                   event);
    }
    alarm_.set(socket_ ? client_.next_timeout() : never);
}

} // namespace fairlead::sim
