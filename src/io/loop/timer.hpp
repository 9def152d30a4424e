#pragma once

#include "loop/loop.hpp"

#include <memory>

namespace fairlead::loop {

/// A one-shot deadline on the steady clock. Destroying or cancelling it on the loop's thread guarantees that the
/// callback does not run any more. The callback may set the timer again or destroy it.
class Timer {
public:
    /// `name` (a literal) appears in the log when the callback throws.
    Timer(Loop& loop, const char* name, Task on_expiry);
    ~Timer();
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;

    /// Replaces a deadline set before. `never` cancels; the past fires on the next turn. Setting the deadline that is
    /// already set costs nothing.
    void expires_at(Instant deadline);
    void expires_after(Duration delay);
    void cancel();
    [[nodiscard]] Instant deadline() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace fairlead::loop
