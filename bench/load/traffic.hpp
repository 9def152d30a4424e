#pragma once

#include "clients.hpp"
#include "options.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace fairlead::load {

/// What became of the packets of one run.
struct Tally {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    std::uint64_t skipped = 0; ///< not sent because the generator itself was late
    std::chrono::duration<double> elapsed{0};
    std::vector<std::uint32_t> latencies; ///< nanoseconds, in order of arrival; empty unless asked for

    /// Nanoseconds; 0 without samples. `share` in [0, 1].
    [[nodiscard]] double quantile(double share) const;
};

/// A way for packets, from one end to the other.
class Path {
public:
    virtual ~Path() = default;
    /// How many independent flows there are.
    [[nodiscard]] virtual std::size_t flows() const = 0;
    /// Bytes that precede each payload in what send() is given: room for a ChannelData header.
    [[nodiscard]] virtual std::size_t headroom() const = 0;
    /// Queues the run of packets, each `headroom() + payload` bytes, on this flow.
    virtual void send(std::size_t flow, MutableBytes run, std::size_t packet) = 0;
    virtual void flush() = 0;
    /// Calls take(payload) for what has arrived at the far end.
    virtual void receive(const Take& take) = 0;
};

/// From the clients through their channels to the peer's socket, or back.
class RelayPath final : public Path {
public:
    RelayPath(Links& links, const Clients& clients, DatagramSocket& peer, Direction direction);

    [[nodiscard]] std::size_t flows() const override { return links_.count(); }
    [[nodiscard]] std::size_t headroom() const override;
    void send(std::size_t flow, MutableBytes run, std::size_t packet) override;
    void flush() override;
    void receive(const Take& take) override;

private:
    Links& links_;
    DatagramSocket& peer_;
    Direction direction_;
    std::vector<Route> to_relayed_; // one per client
};

/// From one socket to the other, without a server: what the path costs by itself.
class DirectPath final : public Path {
public:
    DirectPath(DatagramSocket& from, DatagramSocket& to, const net::TransportAddress& to_address)
        : from_(from), to_(to), route_(to_address, std::nullopt) {}

    [[nodiscard]] std::size_t flows() const override { return 1; }
    [[nodiscard]] std::size_t headroom() const override { return 0; }
    void send(std::size_t, MutableBytes run, std::size_t packet) override { from_.queue(route_, run, packet); }
    void flush() override { from_.flush(); }
    void receive(const Take& take) override { to_.receive(take); }

private:
    DatagramSocket& from_;
    DatagramSocket& to_;
    Route route_;
};

/// Sends along the path for `duration`, in the options' pattern and at their rate, and waits for the last packets.
[[nodiscard]] Tally drive(Path& path, const Options& options, std::chrono::duration<double> duration);

} // namespace fairlead::load
