#include "traffic.hpp"

#include "bytes/reader.hpp"
#include "bytes/writer.hpp"

#include <algorithm>

namespace fairlead::load {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t channel_data_header = 4;
constexpr std::size_t burst_size = 16;
/// A generator that was held up this long lets the packets go rather than send them all at once: a burst is another
/// pattern.
constexpr auto forgivable_delay = 1ms;
constexpr auto straggler_wait = 300ms;
/// In a closed loop, packets not back by now are lost and no longer count as in flight.
constexpr auto loss_wait = 20ms;

/// The head of every packet's payload: looks like RTP, carries which run it belongs to and when it left.
struct Stamp {
    static constexpr std::size_t size = 28;
    static constexpr std::uint32_t rtp_header = 0x80600000;

    std::uint32_t run;
    std::uint64_t sent_ns;
    std::uint32_t flow;

    void write(MutableBytes payload) const {
        bytes::Writer out(payload);
        out.u32(rtp_header);
        out.u32(0);
        out.u32(flow);
        out.u32(run);
        out.u64(sent_ns);
    }
    static std::optional<Stamp> read(Bytes payload) {
        bytes::Reader in(payload);
        if (payload.size() < size || in.u32() != rtp_header || !in.skip(4)) {
            return std::nullopt;
        }
        const auto flow = in.u32();
        const auto run = in.u32();
        return Stamp{.run = run.value_or(0), .sent_ns = in.u64().value_or(0), .flow = flow.value_or(0)};
    }
};

std::uint64_t nanoseconds(Instant instant) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(instant.time_since_epoch()).count());
}

class Run {
public:
    Run(Path& path, const Options& options)
        : path_(path),
          options_(options),
          burst_(options.pattern == Pattern::b16 ? burst_size : 1),
          packet_(path.headroom() + options.payload),
          room_(burst_ * packet_),
          id_(static_cast<std::uint32_t>(nanoseconds(Clock::now()) >> 10U)) {}

    Tally drive(std::chrono::duration<double> duration) {
        const Instant start = Clock::now();
        const Instant end = start + std::chrono::duration_cast<Duration>(duration);
        options_.saturate ? saturate(end) : pace(end);
        tally_.elapsed = Clock::now() - start;
        const Instant last = Clock::now() + straggler_wait;
        while (tally_.delivered < tally_.sent && Clock::now() < last) {
            receive();
        }
        return std::move(tally_);
    }

private:
    void pace(Instant end) {
        const auto interval = std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(static_cast<double>(burst_) / options_.rate));
        Instant due = Clock::now();
        for (Instant now = due; now < end; now = Clock::now()) {
            if (now > due + forgivable_delay) {
                const auto missed = (now - due) / interval;
                tally_.skipped += static_cast<std::uint64_t>(missed) * burst_;
                due += missed * interval;
            }
            if (now >= due) {
                send(now);
                path_.flush();
                due += interval;
            }
            receive();
        }
    }

    void saturate(Instant end) {
        std::uint64_t given_up = 0;
        Instant last_arrival = Clock::now();
        for (Instant now = last_arrival; now < end; now = Clock::now()) {
            while (tally_.sent - tally_.delivered - given_up + burst_ <= options_.in_flight) {
                send(now);
            }
            path_.flush();
            if (receive() != 0) {
                last_arrival = now;
            } else if (now > last_arrival + loss_wait) {
                given_up = tally_.sent - tally_.delivered;
                last_arrival = now;
            }
            given_up = std::min(given_up, tally_.sent - tally_.delivered);
        }
    }

    void send(Instant now) {
        for (std::size_t i = 0; i < burst_; ++i) {
            const Stamp stamp{.run = id_, .sent_ns = nanoseconds(now), .flow = static_cast<std::uint32_t>(flow_)};
            stamp.write(MutableBytes(room_).subspan(i * packet_ + path_.headroom()));
        }
        path_.send(flow_, room_, packet_);
        tally_.sent += burst_;
        flow_ = (flow_ + 1) % path_.flows();
    }

    std::size_t receive() {
        std::size_t received = 0;
        path_.receive([&](Bytes payload) {
            if (payload.size() != options_.payload) {
                return;
            }
            const auto stamp = Stamp::read(payload);
            if (!stamp || stamp->run != id_) {
                return; // a straggler of the run before
            }
            ++received;
            if (options_.latency) {
                tally_.latencies.push_back(static_cast<std::uint32_t>(nanoseconds(Clock::now()) - stamp->sent_ns));
            }
        });
        tally_.delivered += received;
        return received;
    }

    Path& path_;
    const Options& options_;
    std::size_t burst_;
    std::size_t packet_;
    std::vector<std::byte> room_;
    std::uint32_t id_;
    std::size_t flow_ = 0;
    Tally tally_;
};

} // namespace

double Tally::quantile(double share) const {
    if (latencies.empty()) {
        return 0;
    }
    std::vector<std::uint32_t> sorted = latencies;
    const auto position = static_cast<std::ptrdiff_t>(share * static_cast<double>(sorted.size() - 1));
    std::ranges::nth_element(sorted, sorted.begin() + position);
    return sorted[static_cast<std::size_t>(position)];
}

RelayPath::RelayPath(Links& links, const Clients& clients, DatagramSocket& peer, Direction direction)
    : links_(links), peer_(peer), direction_(direction) {
    to_relayed_.reserve(links.count());
    for (std::size_t i = 0; i < links.count(); ++i) {
        to_relayed_.emplace_back(clients.relayed_address(i), std::nullopt);
    }
}

std::size_t RelayPath::headroom() const {
    return direction_ == Direction::client_to_peer ? channel_data_header : 0;
}

void RelayPath::send(std::size_t flow, MutableBytes run, std::size_t packet) {
    if (direction_ == Direction::peer_to_client) {
        peer_.queue(to_relayed_[flow], run, packet);
        return;
    }
    for (std::size_t offset = 0; offset < run.size(); offset += packet) {
        bytes::Writer header(run.subspan(offset, channel_data_header));
        header.u16(Clients::channel);
        header.u16(static_cast<std::uint16_t>(packet - channel_data_header));
    }
    links_.queue(flow, run, packet);
}

void RelayPath::flush() {
    direction_ == Direction::client_to_peer ? links_.flush() : static_cast<void>(peer_.flush());
}

void RelayPath::receive(const Take& take) {
    if (direction_ == Direction::client_to_peer) {
        peer_.receive(take);
        return;
    }
    links_.receive([&](Bytes frame) {
        if (frame.size() > channel_data_header && bytes::load_u16(frame, 0) == Clients::channel) {
            take(frame.subspan(channel_data_header));
        }
    });
}

Tally drive(Path& path, const Options& options, std::chrono::duration<double> duration) {
    return Run(path, options).drive(duration);
}

} // namespace fairlead::load
