// Clients whose address changes under them: a NAT that forgets, Wi-Fi that becomes mobile data, and a stranger who is
// given the address that somebody else had.
#include "sim/scenarios/world.hpp"

namespace fairlead::sim {
namespace {

using stun::ErrorCode;

std::uint16_t code(ErrorCode error) {
    return static_cast<std::uint16_t>(error);
}

// The address that a client comes from is part of what names its allocation (RFC 8656 section 5): from a new one it is
// a stranger.
TEST(MovingClients, FindNoAllocationUnderTheirNewAddressAndMakeANewOne) {
    World world(8);
    Network mobile(world.simulation);
    const Nat mobile_nat(mobile, net::IpAddress::v4(10, 0, 0, 1), world.internet, household(2), {.lifetime = 1h});
    Home alice(world, 1, {});
    alice.client.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated(); }, 5s));
    const auto before = alice.client.relayed();

    alice.host.move(mobile, net::IpAddress::v4(10, 0, 0, 7));
    alice.client.refresh(600s);
    ASSERT_TRUE(world.simulation.run_until([&] { return !alice.client.failures.empty(); }, 5s));
    EXPECT_EQ(alice.client.failures.back().error, code(ErrorCode::allocation_mismatch));

    TurnClient again(alice.host, world.server.address(), client_of("user 1"));
    again.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return again.allocated(); }, 5s));
    EXPECT_NE(again.relayed(), before);
    EXPECT_EQ(world.server.machine().allocation_count(), 2U);

    // Nobody refreshes the one of the old address; it ends with its lifetime and gives its port back.
    alice.client.vanish();
    world.simulation.run_for(15min);
    EXPECT_EQ(world.server.machine().allocation_count(), 1U);
    EXPECT_EQ(world.server.open_relays(), 1U);
    EXPECT_TRUE(again.allocated());
    EXPECT_TRUE(again.failures.empty());
}

TEST(MovingClients, ANatThatForgotLooksLikeAMove) {
    World world(9);
    Home alice(world, 1, {});
    alice.client.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated(); }, 5s));
    alice.nat.forget();
    alice.client.refresh(600s);
    ASSERT_TRUE(world.simulation.run_until([&] { return !alice.client.failures.empty(); }, 5s));
    EXPECT_EQ(alice.client.failures.back().error, code(ErrorCode::allocation_mismatch));
}

// A NAT that forgets silently takes the peer's packets with it: what the server sends to the old mapping must not reach
// whoever comes next there, and the next one cannot use what is not theirs.
TEST(MovingClients, AStrangerUnderTheSameAddressCannotTakeTheAllocationOver) {
    World world(10);
    Network carrier(world.simulation);
    // One outside port: whoever speaks is given the same 5-tuple.
    const Nat nat(carrier, net::IpAddress::v4(100, 64, 0, 1), world.internet, household(1),
                  {.first_port = 2000, .last_port = 2000});
    Host alices(carrier, net::IpAddress::v4(100, 64, 0, 2));
    Host mallorys(carrier, net::IpAddress::v4(100, 64, 0, 3));
    TurnClient alice(alices, world.server.address(), client_of("alice"));
    TurnClient mallory(mallorys, world.server.address(), client_of("mallory"));
    alice.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return alice.allocated(); }, 5s));
    const auto mapped = alice.mapped;
    alice.vanish();
    world.simulation.run_for(3min); // the mapping is gone, the allocation is not
    ASSERT_EQ(world.server.machine().allocation_count(), 1U);

    mallory.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return !mallory.failures.empty(); }, 5s));
    EXPECT_EQ(mallory.failures.back().error, code(ErrorCode::allocation_mismatch));
    mallory.bind();
    ASSERT_TRUE(world.simulation.run_until([&] { return mallory.mapped.has_value(); }, 5s));
    EXPECT_EQ(mallory.mapped, mapped) << "the scenario needs the same 5-tuple";

    // RFC 8656 section 5: the username of the Allocate goes with the allocation, others get 441.
    mallory.refresh(3600s);
    mallory.refresh(0s);
    mallory.permit({household(9), 9000});
    mallory.bind_channel(0x4000, {household(9), 9000});
    mallory.failures.clear();
    ASSERT_TRUE(world.simulation.run_until([&] { return mallory.failures.size() == 4; }, 20s));
    for (const auto& failure : mallory.failures) {
        EXPECT_EQ(failure.error, code(ErrorCode::wrong_credentials));
    }
    EXPECT_EQ(world.server.machine().allocation_count(), 1U);

    world.simulation.run_for(10min);
    EXPECT_EQ(world.server.machine().allocation_count(), 0U);
    mallory.allocate();
    EXPECT_TRUE(world.simulation.run_until([&] { return mallory.allocated(); }, 5s)) << "free for whoever comes next";
}

} // namespace
} // namespace fairlead::sim
