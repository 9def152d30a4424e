#pragma once

#include "net/address.hpp"
#include "sim/simulation.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace fairlead::sim {

using namespace std::chrono_literals;

/// A UDP datagram under way.
struct Packet {
    net::TransportAddress source;
    net::TransportAddress destination;
    std::vector<std::byte> payload;
};

/// What one direction of a link does to packets. Probabilities from 0 to 1, drawn for each packet by itself.
struct Quality {
    Duration delay = 5ms;
    /// Up to this much more, evenly. More than the gap between two packets means that they may change places.
    Duration jitter{};
    double loss = 0;
    /// How long a burst of losses lasts in the mean, all packets in it being lost; 0: each is lost by itself. The share
    /// that is lost stays the same, its shape changes.
    Duration loss_burst{};
    double duplicate = 0;
    /// One bit flips, as when a checksum was wrongly "repaired" by a middlebox.
    double corrupt = 0;
    /// The end is cut off.
    double truncate = 0;
};
/// As seen from what is attached.
struct Link {
    Quality up;
    Quality down;
};
[[nodiscard]] inline Link symmetric(const Quality& quality) {
    return {quality, quality};
}

/// Takes what a network delivers.
class Interface {
public:
    virtual void receive(Packet packet) = 0;

protected:
    ~Interface() = default;
};

struct NetworkStats {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t unroutable = 0;
};

/// A cloud: everything attached reaches everything attached, each over its own link. What is not attached goes to the
/// gateway where there is one.
class Network {
public:
    explicit Network(Simulation& simulation) : simulation_(simulation) {}
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    /// `interface` must be detached before it dies.
    void attach(const net::IpAddress& address, Interface& interface, const Link& link = {});
    void detach(const net::IpAddress& address);
    void set_link(const net::IpAddress& address, const Link& link);
    /// An attached address that takes what is for nobody here.
    void set_gateway(const net::IpAddress& address) { gateway_ = address; }

    /// From what is attached under `from`, whatever the packet says is its source.
    void send(const net::IpAddress& from, Packet packet);

    [[nodiscard]] const NetworkStats& stats() const { return stats_; }
    [[nodiscard]] Simulation& simulation() { return simulation_; }

private:
    struct Direction {
        Quality quality;
        bool losing = false; // in a burst of losses, when last looked at
        Instant looked_at{};
    };
    struct Attachment {
        Interface* interface = nullptr;
        Direction up;
        Direction down;
    };
    bool loses(Direction& direction);
    template <class Arrive>
    void carry(Direction& direction, Packet packet, Arrive arrive);
    void route(Packet packet);
    void deliver(const net::IpAddress& attachment, Packet packet);
    void note(std::uint64_t what, const Packet& packet);

    Simulation& simulation_;
    std::map<net::IpAddress, Attachment> attached_;
    std::optional<net::IpAddress> gateway_;
    NetworkStats stats_;
};

class Host;

/// A UDP socket on a host. Closed when destroyed.
class Socket {
public:
    using Receive = std::function<void(const net::TransportAddress& from, Bytes payload)>;

    Socket(Host& host, const net::TransportAddress& local) : host_(host), local_(local) {}
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// The address it sends from now; changes when the host moves.
    [[nodiscard]] const net::TransportAddress& local() const { return local_; }
    void on_receive(Receive receive) { receive_ = std::move(receive); }
    void send(const net::TransportAddress& to, Bytes payload);

private:
    friend class Host;
    Host& host_;
    net::TransportAddress local_;
    Receive receive_;
};

/// A machine with one address per family and UDP sockets on them. Outlives its sockets.
class Host final : public Interface {
public:
    Host(Network& network, const net::IpAddress& address, const Link& link = {});
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void add_address(const net::IpAddress& address, const Link& link = {});

    /// Null when the port is taken, or for port 0 when none of the ephemeral ones is free.
    [[nodiscard]] std::unique_ptr<Socket> open(const net::IpAddress& address, std::uint16_t port = 0);
    [[nodiscard]] std::unique_ptr<Socket> open(std::uint16_t port = 0) { return open(addresses_.front(), port); }

    /// Leaves one network and joins another under a new address, as from Wi-Fi to mobile data. Sockets keep their
    /// ports, and what was under way to the old address is lost.
    void move(Network& network, const net::IpAddress& address, const Link& link = {});

    [[nodiscard]] const net::IpAddress& address() const { return addresses_.front(); }
    [[nodiscard]] Simulation& simulation() { return network_->simulation(); }
    [[nodiscard]] std::size_t open_sockets() const { return sockets_.size(); }

    void receive(Packet packet) override;

private:
    friend class Socket;
    Network* network_;
    std::vector<net::IpAddress> addresses_;
    std::map<net::TransportAddress, Socket*> sockets_;
    std::uint16_t next_ephemeral_ = 32768;
};

} // namespace fairlead::sim
