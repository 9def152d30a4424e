#pragma once

#include "loop/loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::loop {

/// The program's threads: workers (each owns its sockets and what lives on them), the hub (single things: broker,
/// presence, directory) and one loop for calls that block (SQLite, files).
class Fleet {
public:
    struct Options {
        /// 0: one per core this process may run on.
        unsigned workers = 0;
        /// Without a thread of its own the hub is worker 0. Nothing: decided by the number of workers (from two up).
        std::optional<bool> hub_thread = std::nullopt;
        bool blocking_thread = true;
    };
    explicit Fleet(const Options& options);
    /// Stops and joins.
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    [[nodiscard]] std::size_t workers() const { return worker_count_; }
    [[nodiscard]] Loop& worker(std::size_t index) { return *loops_.at(index); }
    [[nodiscard]] Loop& hub() { return *hub_; }
    /// For calls that block; the hub when there is no such thread.
    [[nodiscard]] Loop& blocking() { return *blocking_; }
    /// Every loop once, for health checks and metrics.
    [[nodiscard]] const std::vector<std::unique_ptr<Loop>>& loops() const { return loops_; }

    /// Starts one thread per loop. `on_start` (may be empty) runs first on each of them. False when a thread could not
    /// be created; those already running are stopped and joined then.
    [[nodiscard]] bool start(std::function<void(Loop&)> on_start = {});
    /// Asks every loop to end. Safe from any thread.
    void stop();
    /// Waits for every thread. Not from a loop.
    void join();

    /// Runs `task` on each worker, and waits until all have done so. Not from a loop.
    void on_each_worker(const std::function<void(std::size_t index, Loop&)>& task);

private:
    std::size_t worker_count_ = 0;
    std::vector<std::unique_ptr<Loop>> loops_;
    Loop* hub_ = nullptr;
    Loop* blocking_ = nullptr;
    std::vector<std::thread> threads_;
};

} // namespace fairlead::loop
