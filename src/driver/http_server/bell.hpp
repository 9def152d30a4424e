#pragma once

#include "loop/loop.hpp"

namespace fairlead::http_server {

/// One coroutine waits, somebody on the same loop rings. Ringing when nobody waits does nothing: whoever waits checks
/// first whether there is a reason to.
class Bell {
public:
    explicit Bell(loop::Loop& loop) : loop_(loop) {}
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    /// The bell must outlive the wait.
    boost::asio::awaitable<void> rung();
    /// Resumes who waits on a later handler, never from inside this call.
    void ring();

private:
    loop::Loop& loop_;
    loop::Task waiting_;
};

} // namespace fairlead::http_server
