#pragma once

#include "time/instant.hpp"

#include <chrono>
#include <cstddef>

namespace fairlead::loop {

/// Decides when a loop had better let some work gather before it waits again, as network cards moderate their
/// interrupts: going to sleep and waking up costs as much as relaying a datagram, and a loop that does both for every
/// single one spends half of its time on it. Below `begins_at` pieces of work a second nothing is ever delayed, nor
/// where work comes in batches already (docs/adr/0013).
class Moderation {
public:
    /// What a piece of work waits at most, above its own turn.
    static constexpr Duration pause = std::chrono::microseconds(50);
    static constexpr double begins_at = 40'000;
    static constexpr double ends_at = 30'000;
    /// A turn with this many pieces is a batch: gathering more wins little.
    static constexpr std::size_t batch = 8;
    /// How long is looked back.
    static constexpr Duration window = std::chrono::milliseconds(4);

    /// `pieces` of work were found ready: datagrams or trains of them, streams.
    void worked(std::size_t pieces) { pieces_ += pieces; }
    /// A turn is over: how long to let work gather before the next wait. Zero most of the time.
    [[nodiscard]] Duration after_turn(Instant now);

private:
    Instant window_began_{};
    std::size_t pieces_ = 0;
    std::size_t turns_ = 0;
    bool pausing_ = false;
};

} // namespace fairlead::loop
