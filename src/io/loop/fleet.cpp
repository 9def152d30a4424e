#include "loop/fleet.hpp"

#include "log/log.hpp"

#include <pthread.h>
#include <sched.h>

#include <latch>
#include <system_error>

namespace fairlead::loop {
namespace {

unsigned usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (::sched_getaffinity(0, sizeof cores, &cores) != 0) {
        return 1;
    }
    return static_cast<unsigned>(CPU_COUNT(&cores));
}

} // namespace

Fleet::Fleet(const Options& options) : worker_count_(options.workers != 0 ? options.workers : usable_cores()) {
    for (std::size_t i = 0; i < worker_count_; ++i) {
        loops_.push_back(std::make_unique<Loop>("worker " + std::to_string(i)));
    }
    hub_ = loops_.front().get();
    if (options.hub_thread.value_or(worker_count_ >= 2)) {
        hub_ = loops_.emplace_back(std::make_unique<Loop>("hub")).get();
    }
    blocking_ = hub_;
    if (options.blocking_thread) {
        blocking_ = loops_.emplace_back(std::make_unique<Loop>("blocking")).get();
    }
}

Fleet::~Fleet() {
    stop();
    join();
}

bool Fleet::start(std::function<void(Loop&)> on_start) {
    for (const auto& loop : loops_) {
        try {
            threads_.emplace_back([&each = *loop, on_start] {
                ::pthread_setname_np(::pthread_self(), each.name().substr(0, 15).c_str());
                if (on_start) {
                    on_start(each);
                }
                each.run();
            });
        } catch (const std::system_error& error) {
            log::error("loop", "a thread could not be started", {{"loop", loop->name()}, {"error", error.what()}});
            stop();
            join();
            return false;
        }
    }
    return true;
}

void Fleet::stop() {
    for (const auto& loop : loops_) {
        loop->stop();
    }
}

void Fleet::join() {
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

void Fleet::on_each_worker(const std::function<void(std::size_t, Loop&)>& task) {
    std::latch done(static_cast<std::ptrdiff_t>(worker_count_));
    for (std::size_t i = 0; i < worker_count_; ++i) {
        Loop& loop = worker(i);
        const auto run = [&task, &done, &loop, i] {
            // Counted down however the task ends.
            const std::unique_ptr<std::latch, void (*)(std::latch*)> count(&done,
                                                                           [](std::latch* l) { l->count_down(); });
            task(i, loop);
        };
        if (!loop.send(run)) {
            done.count_down();
        }
    }
    done.wait();
}

} // namespace fairlead::loop
