#pragma once

#include "loop/loop.hpp"
#include "process/descriptor.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace fairlead::loop {

/// A bounded ring with one writer thread and one reader thread. The indices live on their own cache lines and each side
/// remembers what it last saw of the other, so the line of the other side is touched once per batch, not per task.
class SpscRing {
public:
    static constexpr std::size_t capacity = 1024;

    /// Writer. Leaves `task` alone and returns false when full.
    bool push(Task& task);
    /// Reader.
    bool pop(Task& into);

private:
    alignas(64) std::atomic<std::size_t> written_{0};
    std::size_t read_seen_ = 0;
    alignas(64) std::atomic<std::size_t> read_{0};
    std::size_t written_seen_ = 0;
    alignas(64) std::array<Task, capacity> slots_;
};

/// The inbound side of one loop: one ring per sending loop, made at its first send, and one locked queue for threads
/// that run no loop. An eventfd wakes the reader, and is rung only while the reader sleeps.
class Mailbox {
public:
    explicit Mailbox(Loop& owner);
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Any thread.
    bool send(Task task);
    void wake();

    // --- the owner's thread

    /// Runs what has arrived, at most `batch` tasks.
    void drain();
    /// Before waiting. False when something arrived meanwhile: do not wait.
    [[nodiscard]] bool fall_asleep();
    void awake() { asleep_.store(false, std::memory_order_relaxed); }
    [[nodiscard]] int descriptor() const { return wakeup_.get(); }

    static constexpr std::size_t batch = 256;

private:
    struct Lane;
    Lane& lane_of(const Loop* sender);

    Loop& owner_;
    process::Descriptor wakeup_;
    alignas(64) std::atomic<bool> asleep_{false};
    alignas(64) std::atomic<bool> filled_{false}; // something was sent since the last drain
    std::mutex lanes_mutex_;
    static constexpr std::size_t most_lanes = 1024; // loops of one program, and one for all other threads
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::size_t first_ = 0; // the lane the next drain begins with
    std::atomic<std::size_t> lane_count_{0};
};

} // namespace fairlead::loop
