#include "stream/write_queue.hpp"

#include "loop/timer.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

namespace fairlead::stream {

std::string_view describe(WriteFailure failure) {
    switch (failure) {
    case WriteFailure::slow_peer:
        return "slow peer";
    case WriteFailure::timed_out:
        return "peer takes nothing";
    case WriteFailure::broken:
        break;
    }
    return "connection broken";
}

struct WriteQueue::State : std::enable_shared_from_this<State> {
    State(loop::Loop& l, Stream& s, const Limits& limits_wanted, std::function<void(WriteFailure)> failed,
          std::function<void()> drained)
        : loop(l), stream(&s), limits(limits_wanted), on_failure(std::move(failed)), on_drained(std::move(drained)) {}

    [[nodiscard]] std::size_t waiting() const { return bytes.size() - taken; }

    // Room behind what waits; what was taken before it is given up first, when that is more than what would move.
    std::byte* make_room(std::size_t n) {
        if (taken != 0 && (taken >= bytes.size() - taken || bytes.size() + n > bytes.capacity())) {
            bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
            taken = 0;
        }
        const std::size_t end = bytes.size();
        bytes.resize(end + n);
        return bytes.data() + end;
    }

    // A push is complete: it becomes one record.
    void end_record(std::size_t size) {
        if (limits.records && size != 0) {
            records.push_back(static_cast<std::uint32_t>(size));
        }
    }

    void append(Bytes more) {
        std::ranges::copy(more, make_room(more.size()));
        crossed_high = crossed_high || waiting() > limits.high;
    }

    [[nodiscard]] bool admits(std::size_t n) {
        if (stream == nullptr) {
            return false;
        }
        if (waiting() + n > limits.most) {
            fail(WriteFailure::slow_peer);
            return false;
        }
        return true;
    }

    // Ends everything now, and tells on a later handler.
    void fail(WriteFailure why) {
        if (stream == nullptr) {
            return;
        }
        Stream* const broken = std::exchange(stream, nullptr);
        forget();
        loop.post([self = shared_from_this(), why] {
            if (const auto tell = std::exchange(self->on_failure, nullptr)) {
                tell(why);
            }
        });
        if (why == WriteFailure::broken) {
            broken->close();
        } else {
            broken->reset(); // no lingering for a peer that does not read
        }
    }

    void forget() {
        bytes = {};
        records = {};
        taken = 0;
        reserved = 0;
        stall.reset();
    }

    // Hands over what can be; true when all of it went.
    bool write_some() {
        while (stream != nullptr && (waiting() != 0 || stream->has_unsent())) {
            const ReadResult result = limits.records ? write_records() : write_bytes();
            if (result.ec && result.ec != asio::error::would_block) {
                fail(WriteFailure::broken);
                return false;
            }
            if (result.n == 0 && (result.ec || waiting() != 0 || stream->has_unsent())) {
                return false;
            }
            taken += result.n;
            if (stall) {
                stall->expires_at(loop.steady_now() + limits.stall_limit);
            }
        }
        if (stream == nullptr) {
            return false;
        }
        bytes = {}; // an idle connection holds no buffer
        records = {};
        taken = 0;
        return true;
    }

    ReadResult write_bytes() {
        const std::array<Bytes, 1> rest{Bytes(bytes).subspan(taken)};
        return stream->try_write(rest);
    }

    ReadResult write_records() {
        std::array<Bytes, 64> pieces;
        const std::size_t count = std::min(pieces.size(), records.size());
        std::size_t at = taken;
        for (std::size_t i = 0; i < count; ++i) {
            pieces[i] = Bytes(bytes).subspan(at, records[i]);
            at += records[i];
        }
        const ReadResult result = stream->try_write_records(std::span(pieces).first(count));
        for (std::size_t left = result.n; left != 0;) {
            const std::size_t gone = std::min<std::size_t>(left, records.front());
            left -= gone;
            records.front() -= static_cast<std::uint32_t>(gone);
            if (records.front() == 0) {
                records.pop_front();
            }
        }
        return result;
    }

    void flush() {
        if (pumping || stream == nullptr || (waiting() == 0 && !stream->has_unsent())) {
            return;
        }
        if (write_some()) {
            return finished();
        }
        if (stream != nullptr) {
            pumping = true;
            stall = std::make_unique<loop::Timer>(loop, "stalled write", [this] { fail(WriteFailure::timed_out); });
            stall->expires_at(loop.steady_now() + limits.stall_limit);
            loop.spawn("write queue", pump(shared_from_this()));
        }
    }

    static asio::awaitable<void> pump(std::shared_ptr<State> self) {
        while (self->stream != nullptr) {
            const ErrorCode ec = co_await self->stream->wait_writable();
            if (self->stream == nullptr) {
                break;
            }
            if (ec) {
                self->fail(WriteFailure::broken);
                break;
            }
            const bool all = self->write_some();
            if (self->stream != nullptr && self->crossed_high && self->waiting() <= self->limits.low) {
                self->tell_drained();
            }
            if (all) {
                break;
            }
        }
        self->pumping = false;
        self->stall.reset();
        if (self->stream != nullptr) {
            self->finished();
        }
    }

    void tell_drained() {
        crossed_high = false;
        if (on_drained) {
            loop.post([self = shared_from_this()] {
                if (self->stream != nullptr && self->on_drained) {
                    self->on_drained();
                }
            });
        }
    }

    void finished() {
        if (crossed_high) {
            tell_drained();
        }
        if (ending && stream != nullptr) {
            stream->shutdown();
        }
    }

    loop::Loop& loop;
    Stream* stream; // null after the end
    Limits limits;
    std::function<void(WriteFailure)> on_failure;
    std::function<void()> on_drained;
    std::vector<std::byte> bytes;
    std::deque<std::uint32_t> records; // sizes of the pushes that wait, when Limits::records
    std::size_t taken = 0;             // of the front, already written
    std::size_t reserved = 0;
    bool pumping = false;
    bool ending = false;
    bool crossed_high = false;
    std::unique_ptr<loop::Timer> stall;
};

WriteQueue::WriteQueue(loop::Loop& loop, Stream& stream, const Limits& limits,
                       std::function<void(WriteFailure)> on_failure, std::function<void()> on_drained)
    : state_(std::make_shared<State>(loop, stream, limits, std::move(on_failure), std::move(on_drained))) {}

WriteQueue::~WriteQueue() {
    close();
}

bool WriteQueue::push(Bytes bytes) {
    if (!state_->admits(bytes.size())) {
        return false;
    }
    state_->append(bytes);
    state_->end_record(bytes.size());
    return true;
}

bool WriteQueue::push(std::span<const Bytes> pieces) {
    std::size_t total = 0;
    for (const Bytes piece : pieces) {
        total += piece.size();
    }
    if (!state_->admits(total)) {
        return false;
    }
    for (const Bytes piece : pieces) {
        state_->append(piece);
    }
    state_->end_record(total);
    return true;
}

MutableBytes WriteQueue::reserve(std::size_t n) {
    if (!state_->admits(n)) {
        return {};
    }
    state_->reserved = n;
    return {state_->make_room(n), n};
}

void WriteQueue::commit(std::size_t n) {
    const std::size_t surplus = std::exchange(state_->reserved, 0) - n;
    if (state_->stream != nullptr) {
        state_->bytes.resize(state_->bytes.size() - surplus);
        state_->end_record(n);
        state_->crossed_high = state_->crossed_high || state_->waiting() > state_->limits.high;
    }
}

void WriteQueue::flush() {
    state_->flush();
}

bool WriteQueue::write(std::span<const Bytes> pieces) {
    State& state = *state_;
    if (state.stream == nullptr) {
        return false;
    }
    std::size_t taken = 0;
    if (state.waiting() == 0 && !state.pumping && !state.limits.records) {
        const ReadResult result = state.stream->try_write(pieces);
        if (result.ec && result.ec != asio::error::would_block) {
            state.fail(WriteFailure::broken);
            return false;
        }
        taken = result.n;
    }
    for (const Bytes piece : pieces) {
        const std::size_t gone = std::min(taken, piece.size());
        taken -= gone;
        if (gone < piece.size() && !push(piece.subspan(gone))) {
            return false;
        }
    }
    state.flush();
    return state.stream != nullptr;
}

void WriteQueue::shutdown_when_empty() {
    state_->ending = true;
    if (state_->stream != nullptr && state_->waiting() == 0 && !state_->pumping) {
        state_->stream->shutdown();
    }
}

void WriteQueue::close() {
    state_->stream = nullptr;
    state_->on_failure = nullptr;
    state_->on_drained = nullptr;
    state_->forget();
}

std::size_t WriteQueue::waiting() const {
    return state_->waiting();
}

bool WriteQueue::congested() const {
    return state_->waiting() > state_->limits.high;
}

} // namespace fairlead::stream
