#include "loop/watch.hpp"

#include "loop/timer.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/epoll.h>

#include <utility>

namespace fairlead::loop {
namespace {

// An error code as first argument would be thrown by use_awaitable.
struct Outcome {
    ErrorCode ec;
};

constexpr std::uint32_t generation_bits = 28; // what the epoll word has room for, beside 32 bits of index

} // namespace

Watch::Watch(Loop& loop, int fd) : loop_(loop), fd_(fd) {
    loop_.watches().insert(*this);
    const std::uint64_t word = (std::uint64_t{generation_} << 32U) | index_;
    ok_ = loop_.watch(loop_.watches().sink(), fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, word);
}

Watch::~Watch() {
    cancel(asio::error::operation_aborted);
    if (ok_) {
        loop_.unwatch(fd_);
    }
    loop_.watches().erase(*this);
}

asio::awaitable<ErrorCode> Watch::readable() {
    return wait(this, &Watch::on_readable_, &Watch::readable_);
}

asio::awaitable<ErrorCode> Watch::writable() {
    return wait(this, &Watch::on_writable_, &Watch::writable_);
}

asio::awaitable<ErrorCode> Watch::wait(Watch* self, Handler Watch::* slot, bool Watch::* ready) {
    // A peer that is always faster than we are must not keep the loop for itself.
    constexpr std::uint8_t most_unsuspended = 16;
    const bool at_once = self->*ready;
    if (at_once && ++self->unsuspended_ < most_unsuspended) {
        co_return ErrorCode{};
    }
    self->unsuspended_ = 0;
    auto initiate = [self, slot, at_once](auto handler) {
        Handler resume = [h = std::move(handler)](ErrorCode ec) mutable { h(Outcome{ec}); };
        if (at_once) {
            Loop& loop = self->loop_;
            loop.timers().sleep(loop, loop.steady_now(), [r = std::move(resume)]() mutable { r({}); });
        } else {
            self->*slot = std::move(resume);
        }
    };
    const Outcome outcome =
        co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Outcome)>(initiate, asio::use_awaitable);
    co_return outcome.ec;
}

void Watch::resume_later(Handler handler, ErrorCode why) {
    asio::post(loop_.context(), [resume = std::move(handler), why]() mutable { resume(why); });
}

void Watch::cancel(ErrorCode why) {
    for (Handler* handler : {&on_readable_, &on_writable_}) {
        if (*handler) {
            resume_later(std::exchange(*handler, nullptr), why);
        }
    }
}

void Watch::on_ready(std::uint32_t events) {
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        ended_ = true;
    }
    readable_ = readable_ || ended_ || (events & EPOLLIN) != 0;
    writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    // The resumed coroutine may destroy this watch: what follows goes by the table.
    const std::uint32_t index = index_;
    const std::uint32_t generation = generation_;
    WatchTable& table = loop_.watches();
    if (readable_ && on_readable_) {
        std::exchange(on_readable_, nullptr)({});
    }
    const WatchTable::Slot& slot = table.slots_[index];
    if (slot.watch == this && slot.generation == generation && writable_ && on_writable_) {
        std::exchange(on_writable_, nullptr)({});
    }
}

WatchTable::WatchTable(Loop& loop) : sink_(loop.add_sink(*this)) {}

void WatchTable::on_ready(std::uint64_t word, std::uint32_t events) {
    const auto index = static_cast<std::uint32_t>(word);
    const auto generation = static_cast<std::uint32_t>(word >> 32U);
    if (index < slots_.size() && slots_[index].watch != nullptr && slots_[index].generation == generation) {
        slots_[index].watch->on_ready(events);
    }
}

void WatchTable::abandon() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (Watch* watch = slots_[i].watch; watch != nullptr) {
            const Watch::Handler reader = std::exchange(watch->on_readable_, nullptr);
            const Watch::Handler writer = std::exchange(watch->on_writable_, nullptr);
        }
    }
}

void WatchTable::insert(Watch& watch) {
    std::uint32_t index = first_free_;
    if (index == no_slot) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        first_free_ = slots_[index].next_free;
    }
    Slot& slot = slots_[index];
    slot.watch = &watch;
    slot.generation = (slot.generation + 1) & ((1U << generation_bits) - 1);
    watch.index_ = index;
    watch.generation_ = slot.generation;
}

void WatchTable::erase(const Watch& watch) {
    slots_[watch.index_].watch = nullptr;
    slots_[watch.index_].next_free = first_free_;
    first_free_ = watch.index_;
}

} // namespace fairlead::loop
