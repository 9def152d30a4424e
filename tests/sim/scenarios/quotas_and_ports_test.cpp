// Resources are conserved whatever happens in which order: ports, quotas, objects. And what is exhausted becomes free
// again.
#include "sim/scenarios/world.hpp"

namespace fairlead::sim {
namespace {

using stun::ErrorCode;

// Many clients of few users do whatever they please, while the server has fewer ports than they want.
struct Crowd {
    static constexpr std::size_t people = 60;
    static constexpr std::size_t users = 12;

    explicit Crowd(std::uint64_t seed)
        : world(seed, {.config = {}, .first_relay_port = 50000, .last_relay_port = 50031, .user_quota = 4}) {
        for (std::size_t i = 0; i < people; ++i) {
            homes.push_back(std::make_unique<Home>(world, i, NatBehaviour{.lifetime = 15min},
                                                   symmetric({.delay = 10ms, .jitter = 30ms, .loss = 0.05}),
                                                   client_of("user " + std::to_string(i % users))));
        }
    }
    void act() {
        Random& random = world.simulation.random();
        Home& home = *homes[random.below(homes.size())];
        TurnClient& client = home.client;
        const net::TransportAddress peer{household(random.below(people)), 9000};
        switch (random.below(8)) {
        case 0:
        case 1:
            client.allocate();
            break;
        case 2: {
            turn::AllocateOptions options;
            options.even_port = random.below(2) == 0;
            client.allocate(options);
            break;
        }
        case 3:
            client.refresh(0s);
            break;
        case 4:
            client.refresh(std::chrono::seconds(random.below(4000)));
            break;
        case 5:
            client.permit(peer);
            break;
        case 6:
            client.bind_channel(static_cast<std::uint16_t>(0x4000 + random.below(8)), peer);
            break;
        default:
            home.nat.forget(); // from now on it comes from elsewhere, and what it had is orphaned
        }
    }

    World world;
    std::vector<std::unique_ptr<Home>> homes;
};

TEST(QuotasAndPorts, AreConservedWhateverAnybodyDoes) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Crowd crowd(seed);
        TurnServer& server = crowd.world.server;
        for (int step = 0; step < 2000; ++step) {
            crowd.act();
            crowd.world.simulation.run_for(std::chrono::milliseconds(crowd.world.simulation.random().below(4000)));
            expect_conserved(server);
            ASSERT_LE(server.open_relays(), 32U);
            for (std::size_t user = 0; user < Crowd::users; ++user) {
                ASSERT_LE(server.quota_held("user " + std::to_string(user)), 4U);
            }
        }
        // The crowd wanted more than there was, of both kinds.
        EXPECT_GT(server.seen().refused.count(ErrorCode::insufficient_capacity), 0U);
        EXPECT_GT(server.seen().refused.count(ErrorCode::allocation_quota_reached), 0U);
        EXPECT_GT(server.seen().created, 100U);
        for (auto& home : crowd.homes) {
            home->client.vanish();
        }
        crowd.world.simulation.run_for(2h);
        expect_nothing_left(server);
    }
}

TEST(QuotasAndPorts, EveryPortServesAgainAfterItsHolderLeft) {
    World world(12, {.config = {}, .first_relay_port = 50000, .last_relay_port = 50009, .user_quota = 0});
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<Home>> homes;
        std::set<std::uint16_t> ports;
        for (std::size_t i = 0; i < 11; ++i) {
            homes.push_back(std::make_unique<Home>(world, i, NatBehaviour{}));
            homes.back()->client.allocate();
        }
        world.simulation.run_for(5s);
        std::size_t refused = 0;
        for (const auto& home : homes) {
            if (home->client.allocated()) {
                ports.insert(home->client.relayed().port);
            } else {
                ASSERT_EQ(home->client.failures.size(), 1U);
                EXPECT_EQ(home->client.failures[0].error, static_cast<std::uint16_t>(ErrorCode::insufficient_capacity));
                ++refused;
            }
        }
        EXPECT_EQ(ports.size(), 10U);
        EXPECT_EQ(refused, 1U);
        homes.clear(); // without goodbye
        world.simulation.run_for(11min);
        expect_nothing_left(world.server);
    }
}

// RFC 8656 sections 3.2 and 9: 600 seconds an allocation, 300 a permission; expiry is to the instant, whenever memory
// is freed.
TEST(QuotasAndPorts, ExpiryTakesEffectToTheInstantAndNotBefore) {
    World world(13);
    Simulation& simulation = world.simulation;
    Home alice(world, 1, {.lifetime = 1h});
    Home bob(world, 2, {.filtering = Dependence::endpoint_independent});
    turn::ClientConfig idle = client_of("idle");
    idle.refresh = false;
    TurnClient client(alice.host, world.server.address(), idle);
    client.allocate();
    ASSERT_TRUE(simulation.run_until([&] { return world.server.seen().created == 1; }, 5s));
    const Instant created = simulation.now().steady;
    ASSERT_TRUE(simulation.run_until([&] { return client.allocated(); }, 5s));
    client.permit({bob.nat.outer_address(), 1});
    ASSERT_TRUE(simulation.run_until([&] { return world.server.seen().permissions_installed == 1; }, 5s));
    const Instant permitted = simulation.now().steady;

    const net::TransportAddress relayed = client.relayed();
    const auto heard_at = [&](Instant at_relay) {
        client.received.clear();
        simulation.run_for(at_relay - 10ms - simulation.now().steady); // 5 ms to the NAT's network, 5 to the relay …
        bob.client.send_directly(relayed, "x");
        simulation.run_for(100ms);
        return client.received.size() == 1;
    };
    const Duration way = 20ms; // … and 5 up and 5 down in Bob's home before that
    EXPECT_TRUE(heard_at(permitted + 300s - way));
    EXPECT_FALSE(heard_at(permitted + 300s + way));
    client.permit({bob.nat.outer_address(), 1});
    simulation.run_for(1s);
    EXPECT_TRUE(heard_at(created + 590s));
    EXPECT_TRUE(heard_at(created + 600s - 200ms));
    EXPECT_FALSE(heard_at(created + 600s + way));
    simulation.run_for(2s);
    expect_nothing_left(world.server);
}

} // namespace
} // namespace fairlead::sim
