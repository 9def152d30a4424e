#include "loop/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace fairlead::loop {

bool SpscRing::push(Task& task) {
    const std::size_t at = written_.load(std::memory_order_relaxed);
    if (at - read_seen_ == capacity) {
        read_seen_ = read_.load(std::memory_order_acquire);
        if (at - read_seen_ == capacity) {
            return false;
        }
    }
    slots_[at % capacity] = std::move(task);
    written_.store(at + 1, std::memory_order_release);
    return true;
}

bool SpscRing::pop(Task& into) {
    const std::size_t at = read_.load(std::memory_order_relaxed);
    if (at == written_seen_) {
        written_seen_ = written_.load(std::memory_order_acquire);
        if (at == written_seen_) {
            return false;
        }
    }
    into = std::move(slots_[at % capacity]);
    read_.store(at + 1, std::memory_order_release);
    return true;
}

/// The way from one sender. While the ring is full, tasks wait in `overflow`, and then all later ones do as well until
/// the reader has emptied it, so the order is kept. Senders without a loop share one lane and always take the lock.
struct Mailbox::Lane {
    explicit Lane(const Loop* s) : sender(s) {}

    bool send(Task& task) {
        if (sender != nullptr && !overflowing.load(std::memory_order_acquire) && ring.push(task)) {
            return true;
        }
        const std::lock_guard lock(mutex);
        if (overflow.size() >= Loop::mailbox_capacity) {
            return false;
        }
        overflow.push_back(std::move(task));
        overflowing.store(true, std::memory_order_release);
        return true;
    }

    bool take(Task& into) {
        if (sender != nullptr && ring.pop(into)) {
            return true;
        }
        if (!overflowing.load(std::memory_order_acquire)) {
            return false;
        }
        const std::lock_guard lock(mutex);
        // What the sender put into the ring before it began to overflow comes first.
        if (sender != nullptr && ring.pop(into)) {
            return true;
        }
        into = std::move(overflow.front());
        overflow.pop_front();
        if (overflow.empty()) {
            overflow.shrink_to_fit();
            overflowing.store(false, std::memory_order_release);
        }
        return true;
    }

    const Loop* sender;
    SpscRing ring;
    std::atomic<bool> overflowing{false};
    std::mutex mutex;
    std::deque<Task> overflow;
};

Mailbox::Mailbox(Loop& owner) : owner_(owner), wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), lanes_(most_lanes) {}
Mailbox::~Mailbox() = default;

Mailbox::Lane& Mailbox::lane_of(const Loop* sender) {
    // Lanes are only ever added, at the first send; the vector is full size from the start, so what lies below the
    // count can be read without the lock.
    const std::size_t known = lane_count_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < known; ++i) {
        if (lanes_[i]->sender == sender) {
            return *lanes_[i];
        }
    }
    const std::lock_guard lock(lanes_mutex_);
    for (std::size_t i = known; i < lane_count_.load(std::memory_order_relaxed); ++i) {
        if (lanes_[i]->sender == sender) {
            return *lanes_[i];
        }
    }
    const std::size_t count = lane_count_.load(std::memory_order_relaxed);
    lanes_[count] = std::make_unique<Lane>(sender);
    lane_count_.store(count + 1, std::memory_order_release);
    return *lanes_[count];
}

bool Mailbox::send(Task task) {
    if (!lane_of(Loop::current()).send(task)) {
        return false;
    }
    // Either the reader sees `filled_` before it sleeps, or we see it asleep: both orders are total.
    filled_.store(true, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) {
        wake();
    }
    return true;
}

void Mailbox::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wakeup_.get(), &one, sizeof one);
}

bool Mailbox::fall_asleep() {
    asleep_.store(true, std::memory_order_seq_cst);
    return !filled_.load(std::memory_order_seq_cst);
}

void Mailbox::drain() {
    if (!filled_.load(std::memory_order_relaxed) || !filled_.exchange(false, std::memory_order_acq_rel)) {
        return;
    }
    const std::size_t lanes = lane_count_.load(std::memory_order_acquire);
    std::size_t left = batch;
    Task task;
    for (std::size_t i = 0; i < lanes; ++i) {
        const std::size_t at = (first_ + i) % lanes;
        while (lanes_[at]->take(task)) {
            owner_.stats_.mailbox_tasks.add();
            owner_.guarded("mailbox task", [&task] { task(); });
            task = nullptr;
            if (--left == 0) {
                first_ = at + 1; // the next batch begins with the next sender
                filled_.store(true, std::memory_order_relaxed);
                return;
            }
        }
    }
}

} // namespace fairlead::loop
