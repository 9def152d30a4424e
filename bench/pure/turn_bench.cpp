// What a TURN decision costs at 10 to 100,000 allocations, a whole request, and the heap of an idle allocation.

#include "turn/fakes.hpp"

#include <benchmark/benchmark.h>

#include <malloc.h>

#include <algorithm>

namespace fairlead::turn {
namespace {

using fakes::Crafted;
using fakes::World;
using stun::Attribute;
using stun::Class;
using stun::Method;

/// Ports without end, one host.
class EndlessPorts final : public RelayOpener {
public:
    Result<OpenedRelays, RelayError> open(const RelayRequest& /*request*/) override {
        return OpenedRelays{.relay = {.id = next_++, .relayed = fakes::address("192.0.2.15:50000")}, .reserved = {}};
    }
    void close(RelayId /*id*/) override {}

private:
    RelayId next_ = 0;
};

class NoQuota final : public Quota {
public:
    QuotaAnswer take(std::string_view /*realm*/, std::string_view /*user*/) override { return QuotaAnswer::granted; }
    void give_back(std::string_view /*realm*/, std::string_view /*user*/) override {}
};

net::FiveTuple path_of(std::size_t n) {
    return {.client = {.address = net::IpAddress::v4(198, 51, static_cast<std::uint8_t>(n >> 8U),
                                                     static_cast<std::uint8_t>(n)),
                       .port = static_cast<std::uint16_t>(1'024 + n / 65'536)},
            .server = fakes::address("192.0.2.1:3478"),
            .transport = net::Transport::udp};
}
net::TransportAddress peer_of(std::size_t n) {
    return {.address = net::IpAddress::v4(203, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)),
            .port = 7'000};
}

/// `count` allocations, each with one permission and one channel.
struct Filled {
    explicit Filled(std::size_t count) : server(config(), {ports, users, rules, quota, random}) {
        users.add("1800000000:alice", "secret");
        const std::size_t before = mallinfo2().uordblks;
        for (std::size_t n = 0; n < count; ++n) {
            request(n, Crafted(Class::request, Method::allocate, 1).udp().bytes());
            request(n, Crafted(Class::request, Method::channel_bind, 2).channel(0x4000).peer(peer_of(n)).bytes());
            server.events().reuse(server.events().take());
            out.sent.clear();
        }
        bytes_each = static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(count);
        for (std::size_t n = 0; n < count; ++n) {
            order.push_back(n);
        }
        for (std::size_t n = count; n > 1; --n) {
            std::swap(order[n - 1], order[random.below(n)]);
        }
    }
    static ServerConfig config() {
        ServerConfig config;
        config.authentication = ServerConfig::Authentication::none;
        config.limit_unauthenticated = false;
        return config;
    }
    void request(std::size_t n, const std::vector<std::byte>& bytes) { server.handle(now, path_of(n), bytes, out); }

    Now now{.steady = Instant{} + std::chrono::hours(1), .unix = unix_time(1'700'000'000)};
    SeededRandom random{1};
    EndlessPorts ports;
    fakes::UserTable users{"example.org"};
    fakes::PeerRules rules;
    NoQuota quota;
    fakes::RecordingOutbox out;
    Server server;
    double bytes_each = 0;
    std::vector<std::size_t> order;
};

Filled& filled(std::size_t count) {
    static std::map<std::size_t, std::unique_ptr<Filled>> worlds;
    auto& world = worlds[count];
    if (!world) {
        world = std::make_unique<Filled>(count);
    }
    return *world;
}

void BM_channel_data_from_client(benchmark::State& state) {
    Filled& world = filled(static_cast<std::size_t>(state.range(0)));
    std::vector<net::FiveTuple> paths;
    for (const std::size_t n : world.order) {
        paths.push_back(path_of(n));
    }
    std::vector<std::byte> datagram(4 + 172);
    bytes::Writer(datagram).u32(0x40000000U | 172U);
    std::size_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(world.server.relay().from_client(world.now.steady, paths[at], datagram));
        at = at + 1 == paths.size() ? 0 : at + 1;
    }
    state.counters["heap_per_allocation"] = world.bytes_each;
}

void BM_send_indication_from_client(benchmark::State& state) {
    Filled& world = filled(static_cast<std::size_t>(state.range(0)));
    std::vector<net::FiveTuple> paths;
    std::vector<std::vector<std::byte>> datagrams;
    for (const std::size_t n : world.order) {
        paths.push_back(path_of(n));
        datagrams.push_back(Crafted(Class::indication, Method::send)
                                .peer(peer_of(n))
                                .put(Attribute::data, std::string(172, 'x'))
                                .bytes());
    }
    std::size_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(world.server.relay().from_client(world.now.steady, paths[at], datagrams[at]));
        at = at + 1 == paths.size() ? 0 : at + 1;
    }
}

void BM_from_peer(benchmark::State& state) {
    Filled& world = filled(static_cast<std::size_t>(state.range(0)));
    std::array<std::byte, Relay::max_header> header{};
    std::size_t at = 0;
    for (auto _ : state) {
        const std::size_t n = world.order[at];
        benchmark::DoNotOptimize(
            world.server.relay().from_peer(world.now.steady, static_cast<RelayId>(n), peer_of(n), 172, header));
        at = at + 1 == world.order.size() ? 0 : at + 1;
    }
}

// The sweep of everything that a second holds, when nothing expires.
void BM_sweep(benchmark::State& state) {
    Filled& world = filled(static_cast<std::size_t>(state.range(0)));
    Now now = world.now;
    for (auto _ : state) {
        now.steady = std::max(world.server.next_timeout(), now.steady);
        if (now.steady > world.now.steady + std::chrono::seconds(250)) {
            state.SkipWithError("ran into the lifetimes");
            break;
        }
        world.server.handle_timeout(now, world.out);
    }
}

void BM_challenge(benchmark::State& state) {
    World world;
    const auto request = Crafted(Class::request, Method::allocate).udp().bytes();
    for (auto _ : state) {
        world.server->handle(world.now, world.path(), request, world.out);
        world.out.sent.clear();
    }
}

void BM_authenticated_refresh(benchmark::State& state) {
    World world;
    (void)world.allocate(world.path());
    Crafted request(Class::request, Method::refresh);
    const auto bytes = world.sign(world.path(), request);
    for (auto _ : state) {
        world.server->handle(world.now, world.path(), bytes, world.out);
        world.out.sent.clear();
        world.server->events().reuse(world.server->events().take());
    }
}

void BM_binding(benchmark::State& state) {
    World world;
    const auto request = Crafted(Class::request, Method::binding).bytes();
    for (auto _ : state) {
        world.server->handle(world.now, world.path(), request, world.out);
        world.out.sent.clear();
    }
}

BENCHMARK(BM_channel_data_from_client)->RangeMultiplier(10)->Range(10, 100'000);
BENCHMARK(BM_send_indication_from_client)->RangeMultiplier(10)->Range(10, 10'000);
BENCHMARK(BM_from_peer)->RangeMultiplier(10)->Range(10, 100'000);
BENCHMARK(BM_sweep)->Arg(10'000)->Arg(100'000)->Iterations(1'000);
BENCHMARK(BM_binding);
BENCHMARK(BM_challenge);
BENCHMARK(BM_authenticated_refresh);

} // namespace
} // namespace fairlead::turn
