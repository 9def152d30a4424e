// Links that lose, double, reorder, damage and cut packets: requests get through by retransmission, application data is
// lost as often as the links lose it and no more, and the server neither trips nor keeps anything.
#include "sim/scenarios/world.hpp"

#include <algorithm>
#include <iterator>

namespace fairlead::sim {
namespace {

struct BadLink {
    const char* name;
    Quality quality;
    // Of 200 round trips: four crossings of the bad link and as many of good ones.
    int at_least;

    friend void PrintTo(const BadLink& link, std::ostream* out) { *out << link.name; }
};

const BadLink bad_links[] = {
    {"five_percent_loss", {.delay = 20ms, .loss = 0.05}, 165},
    {"loss_in_bursts", {.delay = 20ms, .loss = 0.05, .loss_burst = 700ms}, 150},
    {"jitter", {.delay = 40ms, .jitter = 16ms}, 200},
    {"one_in_five_twice", {.delay = 20ms, .duplicate = 0.2}, 200},
    {"reordered", {.delay = 5ms, .jitter = 300ms}, 200},
    {"one_in_ten_damaged", {.delay = 20ms, .corrupt = 0.1}, 145},
    {"one_in_ten_cut_off", {.delay = 20ms, .truncate = 0.1}, 140},
    {"everything_at_once",
     {.delay = 30ms,
      .jitter = 60ms,
      .loss = 0.05,
      .loss_burst = 200ms,
      .duplicate = 0.1,
      .corrupt = 0.03,
      .truncate = 0.03},
     130},
};

class BadLinks : public testing::TestWithParam<BadLink> {
protected:
    static constexpr std::uint64_t seeds = 20;

    // Alice behind the bad link, Bob behind a good one, 200 round trips between their relays, then an hour of renewals.
    void call(std::uint64_t seed) const {
        World world(seed);
        // Mappings that outlive the pauses between two renewals: what is tried here are links, not forgetful NATs.
        const NatBehaviour patient{.lifetime = 30min};
        // FINGERPRINT tells a damaged request from a wrong password: it is dropped, and comes again.
        turn::ClientConfig user = client_of("alice");
        user.fingerprint = true;
        Home alice(world, 1, patient, symmetric(GetParam().quality), user);
        Home bob(world, 2, patient);
        alice.client.allocate();
        bob.client.allocate();
        ASSERT_TRUE(
            world.simulation.run_until([&] { return alice.client.allocated() && bob.client.allocated(); }, 40s));
        alice.client.bind_channel(0x4000, bob.client.relayed());
        bob.client.permit(alice.client.relayed());
        world.simulation.run_for(40s);

        bob.client.on_data = [&](const TurnClient::Received& data) { bob.client.send(data.peer, data.text); };
        std::set<std::string> asked;
        for (int i = 0; i < 200; ++i) {
            asked.insert("ping " + std::to_string(i));
            alice.client.send(bob.client.relayed(), "ping " + std::to_string(i));
            world.simulation.run_for(1s);
        }
        world.simulation.run_for(5s);
        std::set<std::string> answered;
        for (const auto& data : alice.client.received) {
            answered.insert(data.text);
        }
        const std::set<std::string> intact = intersection(asked, answered);
        EXPECT_GE(static_cast<int>(intact.size()), GetParam().at_least);
        if (GetParam().quality.corrupt == 0 && GetParam().quality.truncate == 0) {
            EXPECT_EQ(intact, answered) << "the relay changed what it carried";
        }

        world.simulation.run_for(1h);
        EXPECT_EQ(world.server.machine().allocation_count(), 2U);
        expect_conserved(world.server);
        alice.client.vanish();
        bob.client.vanish();
        world.simulation.run_for(2h);
        expect_nothing_left(world.server);
    }
    static std::set<std::string> intersection(const std::set<std::string>& a, const std::set<std::string>& b) {
        std::set<std::string> both;
        std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
        return both;
    }
};

TEST_P(BadLinks, CarryWhatTheyCarryAndTheAllocationHolds) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE(seed);
        call(seed);
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, BadLinks, testing::ValuesIn(bad_links),
                         [](const auto& each) { return std::string(each.param.name); });

// A request whose answer was lost comes again; it must not make a second allocation, nor be refused as one.
TEST(BadLinks, AnAllocateWhoseAnswerIsLostMakesOneAllocation) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        World world(seed);
        Home alice(world, 1, {}, {.up = {}, .down = {.loss = 0.6}});
        alice.client.allocate();
        world.simulation.run_for(1min);
        EXPECT_LE(world.server.machine().allocation_count(), 1U);
        EXPECT_LE(world.server.seen().created, 1U);
        EXPECT_EQ(world.server.seen().refused.count(stun::ErrorCode::allocation_mismatch), 0U);
    }
}

} // namespace
} // namespace fairlead::sim
