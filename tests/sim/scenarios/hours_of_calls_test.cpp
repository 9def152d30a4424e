// Many calls for a long time: refreshes, permissions and channels are renewed while media flows over links that lose
// packets, and when everybody has left nothing remains.
#include "sim/scenarios/world.hpp"

namespace fairlead::sim {
namespace {

constexpr std::size_t calls = 1000;
constexpr auto length_of_call = 2h;

// Two people who talk through channels, one packet each way now and then.
class Call {
public:
    Call(World& world, std::size_t number, const Link& link)
        : simulation_(world.simulation), a_(world, 2 * number, nat(), link), b_(world, 2 * number + 1, nat(), link) {}

    void start() {
        a_.client.allocate();
        b_.client.allocate();
        simulation_.after(10s, [this] { connect(); });
    }
    void hang_up(bool politely) {
        talking_ = false;
        for (Home* home : {&a_, &b_}) {
            if (politely && home->client.allocated()) {
                home->client.refresh(0s);
            } else {
                home->client.vanish();
            }
        }
    }

    std::size_t sent = 0;
    std::size_t heard = 0;
    [[nodiscard]] std::size_t failures() const { return a_.client.failures.size() + b_.client.failures.size(); }
    [[nodiscard]] bool allocated() const { return a_.client.allocated() && b_.client.allocated(); }

private:
    // Longer than the four minutes between two renewals, so that only the client's renewals keep the way back open.
    static NatBehaviour nat() { return {.mapping = Dependence::address_and_port_dependent, .lifetime = 5min}; }
    void connect() {
        if (!allocated()) {
            simulation_.after(5s, [this] { connect(); });
            return;
        }
        for (auto [here, there] : {std::pair(&a_, &b_), std::pair(&b_, &a_)}) {
            here->client.bind_channel(0x4000, there->client.relayed());
            here->client.on_data = [this](const TurnClient::Received&) { ++heard; };
        }
        simulation_.after(5s, [this] { talk(); });
    }
    void talk() {
        if (!talking_) {
            return;
        }
        a_.client.send(b_.client.relayed(), "from a");
        b_.client.send(a_.client.relayed(), "from b");
        sent += 2;
        simulation_.after(2min, [this] { talk(); });
    }

    Simulation& simulation_;
    bool talking_ = true;
    Home a_;
    Home b_;
};

TEST(HoursOfCalls, KeepThousandsOfAllocationsAliveAndLeaveNothingBehind) {
    World world(5);
    const Quality lossy{.delay = 20ms, .jitter = 30ms, .loss = 0.01};
    std::vector<std::unique_ptr<Call>> all;
    for (std::size_t i = 0; i < calls; ++i) {
        all.push_back(std::make_unique<Call>(world, i, symmetric(lossy)));
        world.simulation.after(i * 100ms, [&call = *all.back()] { call.start(); });
    }
    const Instant end = world.simulation.now().steady + length_of_call;
    while (world.simulation.now().steady < end) {
        world.simulation.run_for(1min);
        expect_conserved(world.server);
    }

    std::size_t sent = 0;
    std::size_t heard = 0;
    for (const auto& call : all) {
        EXPECT_TRUE(call->allocated());
        EXPECT_EQ(call->failures(), 0U) << "a renewal was lost for good";
        sent += call->sent;
        heard += call->heard;
    }
    EXPECT_EQ(world.server.seen().created, 2 * calls);
    EXPECT_EQ(world.server.machine().allocation_count(), 2 * calls);
    EXPECT_TRUE(world.server.seen().ended.empty());
    EXPECT_TRUE(world.server.seen().refused.empty());
    // Channels live 10 minutes and permissions 5: every one of them was renewed many times.
    EXPECT_GT(world.server.seen().refreshed, 2 * calls * 10);
    EXPECT_GT(world.server.seen().channels_bound, 2 * calls * 10);
    EXPECT_EQ(world.server.seen().channels_ended, 0U);
    // Each packet crosses two access links, each losing one in a hundred in its direction.
    EXPECT_GT(static_cast<double>(heard), 0.97 * static_cast<double>(sent));
    EXPECT_LT(static_cast<double>(heard), 0.99 * static_cast<double>(sent));

    for (std::size_t i = 0; i < calls; ++i) {
        all[i]->hang_up(i % 2 == 0);
    }
    world.simulation.run_for(2h);
    expect_nothing_left(world.server);
    EXPECT_GT(world.server.seen().ended.at(turn::EndReason::refreshed_to_zero), calls * 9 / 10);
    EXPECT_GE(world.server.seen().ended.at(turn::EndReason::expired), calls);
}

} // namespace
} // namespace fairlead::sim
