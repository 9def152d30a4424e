#include "sim/network.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace fairlead::sim {
namespace {

// What became of a packet, in the trace.
enum Fate : std::uint64_t { sent = 1, lost, delivered, unroutable };

} // namespace

void Network::attach(const net::IpAddress& address, Interface& interface, const Link& link) {
    const bool fresh =
        attached_.emplace(address, Attachment{&interface, {.quality = link.up}, {.quality = link.down}}).second;
    assert(fresh);
    static_cast<void>(fresh);
}

void Network::detach(const net::IpAddress& address) {
    attached_.erase(address);
}

void Network::set_link(const net::IpAddress& address, const Link& link) {
    auto& attachment = attached_.at(address);
    attachment.up.quality = link.up;
    attachment.down.quality = link.down;
}

void Network::note(std::uint64_t what, const Packet& packet) {
    simulation_.note(what);
    simulation_.note(static_cast<std::uint64_t>(simulation_.now().steady.time_since_epoch().count()));
    simulation_.note(net::hash(packet.source, 1));
    simulation_.note(net::hash(packet.destination, 2));
    simulation_.note(packet.payload);
}

bool Network::loses(Direction& direction) {
    const Quality& quality = direction.quality;
    if (quality.loss_burst == Duration::zero()) {
        return simulation_.chance(quality.loss);
    }
    // Gilbert's model in continuous time: two states, of which the losing one has the share `loss` and lasts
    // `loss_burst` in the mean. What was seen at the last packet fades with the time since.
    const Instant now = simulation_.now().steady;
    const std::chrono::duration<double> since = now - direction.looked_at;
    const std::chrono::duration<double> burst = quality.loss_burst;
    const double memory = std::exp(-since / (burst * (1 - quality.loss)));
    direction.losing = simulation_.chance(quality.loss * (1 - memory) + (direction.losing ? memory : 0));
    direction.looked_at = now;
    return direction.losing;
}

template <class Arrive>
void Network::carry(Direction& direction, Packet packet, Arrive arrive) {
    const Quality& quality = direction.quality;
    if (loses(direction)) {
        ++stats_.lost;
        note(Fate::lost, packet);
        return;
    }
    if (simulation_.chance(quality.corrupt) && !packet.payload.empty()) {
        auto& byte = packet.payload[simulation_.random().below(packet.payload.size())];
        byte ^= static_cast<std::byte>(1U << simulation_.random().below(8));
    }
    if (simulation_.chance(quality.truncate) && !packet.payload.empty()) {
        packet.payload.resize(simulation_.random().below(packet.payload.size()));
    }
    int copies = 1;
    if (simulation_.chance(quality.duplicate)) {
        ++stats_.duplicated;
        ++copies;
    }
    for (; copies > 0; --copies) {
        Duration delay = quality.delay;
        if (quality.jitter > Duration::zero()) {
            delay += Duration(static_cast<Duration::rep>(
                simulation_.random().below(static_cast<std::uint64_t>(quality.jitter.count()) + 1)));
        }
        simulation_.after(
            delay, [arrive, packet = copies > 1 ? packet : std::move(packet)]() mutable { arrive(std::move(packet)); });
    }
}

void Network::send(const net::IpAddress& from, Packet packet) {
    const auto sender = attached_.find(from);
    if (sender == attached_.end()) {
        return; // unplugged
    }
    ++stats_.sent;
    note(Fate::sent, packet);
    carry(sender->second.up, std::move(packet), [this](Packet arrived) { route(std::move(arrived)); });
}

void Network::route(Packet packet) {
    auto to = attached_.find(packet.destination.address);
    if (to == attached_.end() && gateway_) {
        to = attached_.find(*gateway_);
    }
    if (to == attached_.end()) {
        ++stats_.unroutable;
        note(Fate::unroutable, packet);
        return;
    }
    carry(to->second.down, std::move(packet),
          [this, address = to->first](Packet arrived) { deliver(address, std::move(arrived)); });
}

void Network::deliver(const net::IpAddress& attachment, Packet packet) {
    const auto receiver = attached_.find(attachment);
    if (receiver == attached_.end()) { // left while the packet was under way
        ++stats_.unroutable;
        note(Fate::unroutable, packet);
        return;
    }
    ++stats_.delivered;
    note(Fate::delivered, packet);
    receiver->second.interface->receive(std::move(packet));
}

Socket::~Socket() {
    host_.sockets_.erase(local_);
}

void Socket::send(const net::TransportAddress& to, Bytes payload) {
    host_.network_->send(local_.address, {local_, to, {payload.begin(), payload.end()}});
}

Host::Host(Network& network, const net::IpAddress& address, const Link& link) : network_(&network) {
    add_address(address, link);
}

Host::~Host() {
    assert(sockets_.empty());
    for (const auto& address : addresses_) {
        network_->detach(address);
    }
}

void Host::add_address(const net::IpAddress& address, const Link& link) {
    network_->attach(address, *this, link);
    addresses_.push_back(address);
}

std::unique_ptr<Socket> Host::open(const net::IpAddress& address, std::uint16_t port) {
    net::TransportAddress local{address, port};
    for (int tries = 0; port == 0 && tries < 32768; ++tries) {
        local.port = next_ephemeral_;
        next_ephemeral_ =
            next_ephemeral_ == 65535 ? std::uint16_t{32768} : static_cast<std::uint16_t>(next_ephemeral_ + 1);
        if (!sockets_.contains(local)) {
            break;
        }
    }
    if (sockets_.contains(local)) {
        return nullptr;
    }
    auto socket = std::make_unique<Socket>(*this, local);
    sockets_.emplace(local, socket.get());
    return socket;
}

void Host::move(Network& network, const net::IpAddress& address, const Link& link) {
    const auto same_family = [&](const net::IpAddress& a) { return a.family() == address.family(); };
    const auto old = std::ranges::find_if(addresses_, same_family);
    assert(old != addresses_.end());
    for (const auto& each : addresses_) {
        network_->detach(each);
    }
    std::map<net::TransportAddress, Socket*> moved;
    for (const auto& [local, socket] : sockets_) {
        if (local.address == *old) {
            socket->local_.address = address;
        }
        moved.emplace(socket->local_, socket);
    }
    sockets_ = std::move(moved);
    *old = address;
    network_ = &network;
    for (const auto& each : addresses_) {
        network_->attach(each, *this, link);
    }
}

void Host::receive(Packet packet) {
    const auto found = sockets_.find(packet.destination);
    if (found != sockets_.end() && found->second->receive_) {
        // A copy: the receiver may close the socket, and with it the function that runs.
        const auto receive = found->second->receive_;
        receive(packet.source, packet.payload);
    }
}

} // namespace fairlead::sim
