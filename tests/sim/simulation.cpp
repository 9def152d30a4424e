#include "sim/simulation.hpp"

#include <algorithm>

namespace fairlead::sim {
namespace {

// FNV-1a, 64 bits.
constexpr std::uint64_t offset_basis = 0xcbf29ce484222325;
constexpr std::uint64_t prime = 0x100000001b3;

// Far from zero on both clocks, so that "an hour ago" is always a time.
constexpr Instant start{std::chrono::hours(1000)};
constexpr UnixTime wall_start = unix_time(1'700'000'000);

} // namespace

Simulation::Simulation(std::uint64_t seed) : now_{start, wall_start}, random_(seed), trace_(offset_basis) {}

bool Simulation::chance(double probability) {
    if (probability <= 0) {
        return false;
    }
    return static_cast<double>(random_.next_u32()) < probability * 4294967296.0;
}

void Simulation::at(Instant when, std::function<void()> happen) {
    if (when != never) {
        queue_.push_back({std::max(when, now_.steady), asked_++, std::move(happen)});
        std::ranges::push_heap(queue_, Later{});
    }
}

void Simulation::advance(Instant to) {
    now_ = {to, wall_start + std::chrono::duration_cast<std::chrono::seconds>(to - start)};
}

bool Simulation::run_until(const std::function<bool()>& done, Duration limit) {
    const Instant end = now_.steady + limit;
    if (done()) {
        return true;
    }
    while (!queue_.empty() && queue_.front().when <= end) {
        std::ranges::pop_heap(queue_, Later{});
        const Event next = std::move(queue_.back());
        queue_.pop_back();
        advance(next.when);
        ++happened_;
        next.happen();
        if (done()) {
            return true;
        }
    }
    advance(end);
    return false;
}

void Simulation::run_for(Duration time) {
    run_until([] { return false; }, time);
}

void Simulation::note(std::uint64_t fact) {
    for (int i = 0; i < 8; ++i) {
        trace_ = (trace_ ^ (fact & 0xffU)) * prime;
        fact >>= 8U;
    }
}

void Simulation::note(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) {
        trace_ = (trace_ ^ std::to_integer<std::uint64_t>(b)) * prime;
    }
    note(bytes.size());
}

Alarm::Alarm(Simulation& simulation, std::function<void()> ring)
    : simulation_(simulation), state_(std::make_shared<State>()) {
    state_->ring = std::move(ring);
}

void Alarm::set(Instant deadline) {
    state_->deadline = deadline;
    if (deadline < state_->queued) {
        queue(simulation_, state_);
    }
}

void Alarm::queue(Simulation& simulation, const std::shared_ptr<State>& state) {
    const Instant when = state->deadline;
    state->queued = when;
    simulation.at(when, [&simulation, weak = std::weak_ptr(state), when] {
        const auto self = weak.lock();
        if (!self || self->queued != when) {
            return; // destroyed, or a nearer deadline came after this one was queued
        }
        self->queued = never;
        if (self->deadline <= simulation.now().steady) {
            self->deadline = never;
            self->ring();
        } else if (self->deadline != never) {
            queue(simulation, self);
        }
    });
}

} // namespace fairlead::sim
