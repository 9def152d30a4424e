#include "process/random.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace fairlead::process {
namespace {

// Counts forks: a child must not hand out the bytes that its parent has in the buffer.
std::atomic<std::uint32_t> forks{0};

void read_kernel(std::span<std::byte> into) {
    while (!into.empty()) {
        const ssize_t n = ::getrandom(into.data(), into.size(), 0);
        if (n > 0) {
            into = into.subspan(static_cast<std::size_t>(n));
        } else if (errno != EINTR) {
            std::abort(); // without randomness there are no secrets, so there is no server
        }
    }
}

class Buffer {
public:
    ~Buffer() { wipe(bytes_); }

    void draw(std::span<std::byte> into) {
        if (into.size() > sizeof bytes_ / 4) {
            return read_kernel(into);
        }
        const std::uint32_t fork = forks.load(std::memory_order_relaxed);
        if (fork != fork_ || into.size() > left_) {
            read_kernel(bytes_);
            left_ = sizeof bytes_;
            fork_ = fork;
        }
        const auto drawn = std::span(bytes_).subspan(left_ - into.size(), into.size());
        std::ranges::copy(drawn, into.begin());
        wipe(drawn);
        left_ -= into.size();
    }

private:
    static void wipe(std::span<std::byte> bytes) { ::explicit_bzero(bytes.data(), bytes.size()); }

    std::byte bytes_[4096];
    std::size_t left_ = 0;
    std::uint32_t fork_ = 0;
};

} // namespace

void SystemRandom::fill(std::span<std::byte> into) {
    static std::once_flag watching;
    std::call_once(watching,
                   [] { ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }); });
    thread_local Buffer buffer;
    buffer.draw(into);
}

} // namespace fairlead::process
