#include "stream/stream.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::stream {

DeadlineWheel::DeadlineWheel(loop::Loop& loop)
    : loop_(loop), timer_(loop, "deadlines", [this] { tick(); }), epoch_(loop.refresh_now().steady) {}

DeadlineWheel::~DeadlineWheel() {
    for (Entry*& slot : slots_) {
        while (slot != nullptr) {
            remove(*slot);
        }
    }
}

// Rounded up: looked at a second late rather than early.
std::int64_t DeadlineWheel::second_of(Instant deadline) const {
    return std::chrono::ceil<std::chrono::seconds>(deadline - epoch_).count();
}

void DeadlineWheel::set(Entry& entry, Instant deadline) {
    if (deadline == never) {
        return remove(entry);
    }
    entry.deadline_ = deadline;
    if (entry.wheel_ != nullptr) {
        if (entry.slot_ <= second_of(deadline)) {
            return; // looked at in time, and moved on then
        }
        remove(entry);
        entry.deadline_ = deadline;
    }
    link(entry);
}

void DeadlineWheel::link(Entry& entry) {
    if (linked_++ == 0) {
        // The wheel stood still; no slot holds anything.
        ticked_ = std::chrono::floor<std::chrono::seconds>(loop_.steady_now() - epoch_).count();
        timer_.expires_at(epoch_ + std::chrono::seconds(ticked_ + 1));
    }
    entry.wheel_ = this;
    entry.slot_ = std::clamp(second_of(entry.deadline_), ticked_ + 1, ticked_ + slot_count - 1);
    Entry*& slot = slots_[static_cast<std::size_t>(entry.slot_ % slot_count)];
    entry.previous_ = nullptr;
    entry.next_ = slot;
    if (slot != nullptr) {
        slot->previous_ = &entry;
    }
    slot = &entry;
}

void DeadlineWheel::remove(Entry& entry) {
    entry.deadline_ = never;
    DeadlineWheel* const wheel = std::exchange(entry.wheel_, nullptr);
    if (wheel == nullptr) {
        return;
    }
    (entry.previous_ != nullptr ? entry.previous_->next_
                                : wheel->slots_[static_cast<std::size_t>(entry.slot_ % slot_count)]) = entry.next_;
    if (entry.next_ != nullptr) {
        entry.next_->previous_ = entry.previous_;
    }
    if (--wheel->linked_ == 0) {
        wheel->timer_.cancel();
    }
}

void DeadlineWheel::tick() {
    const Instant now = loop_.steady_now();
    const std::int64_t until = std::chrono::floor<std::chrono::seconds>(now - epoch_).count();
    while (ticked_ < until && linked_ != 0) {
        Entry*& slot = slots_[static_cast<std::size_t>(++ticked_ % slot_count)];
        // Those with time left go to a slot ahead, so this one only gets shorter.
        while (slot != nullptr) {
            Entry& entry = *slot;
            const Instant deadline = entry.deadline_;
            remove(entry);
            if (deadline <= now) {
                loop_.guarded("deadline", [&entry] { entry.on_deadline(); });
            } else {
                set(entry, deadline);
            }
        }
    }
    if (linked_ != 0) {
        timer_.expires_at(epoch_ + std::chrono::seconds(ticked_ + 1));
    }
}

} // namespace fairlead::stream
