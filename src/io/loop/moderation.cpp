#include "loop/moderation.hpp"

namespace fairlead::loop {

Duration Moderation::after_turn(Instant now) {
    ++turns_;
    const Duration elapsed = now - window_began_;
    if (elapsed >= window) {
        const double per_second = static_cast<double>(pieces_) / std::chrono::duration<double>(elapsed).count();
        // Pausing makes the batches larger, so what ends it is twice what begins it.
        const bool in_batches = pieces_ >= turns_ * (pausing_ ? 2 * batch : batch);
        pausing_ = per_second >= (pausing_ ? ends_at : begins_at) && !in_batches;
        window_began_ = now;
        pieces_ = 0;
        turns_ = 0;
    }
    return pausing_ ? pause : Duration::zero();
}

} // namespace fairlead::loop
