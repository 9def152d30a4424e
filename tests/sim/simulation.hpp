#pragma once

#include "random/seeded.hpp"
#include "time/instant.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

/// A network that fits into a test: virtual time, links, NATs, hosts. Hours pass in seconds, and the same seed makes
/// the same run, packet for packet.
namespace fairlead::sim {

/// One virtual clock, one queue of what will happen, one seed. Nothing here reads the machine's clock, so a test that
/// takes long has much to do; it never waits.
class Simulation {
public:
    explicit Simulation(std::uint64_t seed);

    [[nodiscard]] Now now() const { return now_; }
    [[nodiscard]] Random& random() { return random_; }
    /// True with this probability.
    [[nodiscard]] bool chance(double probability);

    /// `happen` runs when the clock reads `when`; things of the same instant run in the order they were asked for. An
    /// instant that has passed means now, never means never.
    void at(Instant when, std::function<void()> happen);
    void after(Duration delay, std::function<void()> happen) { at(now_.steady + delay, std::move(happen)); }

    /// Lets things happen until `done` says so, asked after each of them. False when it has not within `limit`; the
    /// clock then reads exactly that much later.
    bool run_until(const std::function<bool()>& done, Duration limit);
    void run_for(Duration time);

    /// Mixes a fact into the digest of the run. Networks note every packet and what became of it.
    void note(std::uint64_t fact);
    void note(std::span<const std::byte> bytes);
    /// Equal for two runs exactly when they noted the same facts in the same order.
    [[nodiscard]] std::uint64_t trace_hash() const { return trace_; }
    [[nodiscard]] std::uint64_t events() const { return happened_; }

private:
    struct Event {
        Instant when;
        std::uint64_t order;
        std::function<void()> happen;
    };
    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            return a.when != b.when ? a.when > b.when : a.order > b.order;
        }
    };
    void advance(Instant to);

    Now now_;
    SeededRandom random_;
    std::vector<Event> queue_; // a heap, the next event in front
    std::uint64_t asked_ = 0;
    std::uint64_t happened_ = 0;
    std::uint64_t trace_;
};

/// Rings at a deadline that may move: what a machine with next_timeout() needs. Set it after every call of the machine;
/// only a deadline nearer than all before costs an event. Silent once destroyed.
class Alarm {
public:
    Alarm(Simulation& simulation, std::function<void()> ring);
    void set(Instant deadline);

private:
    struct State {
        std::function<void()> ring;
        Instant deadline = never;
        Instant queued = never; // the nearest event in the queue that is ours
    };
    static void queue(Simulation& simulation, const std::shared_ptr<State>& state);

    Simulation& simulation_;
    std::shared_ptr<State> state_;
};

} // namespace fairlead::sim
