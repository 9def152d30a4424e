#pragma once

#include "http_server/bell.hpp"
#include "http_server/router.hpp"
#include "loop/timer.hpp"

namespace fairlead::http_server {

/// The handler's decision to speak WebSocket.
struct Acceptance {
    WebSocketOptions options;
    WebSocketEvents events;
};
using Answer = std::variant<http::Response, Acceptance>;

/// What a connection waits for while a handler works. Lives in the connection's coroutine, on its loop.
class Responder::Promise {
public:
    Promise(loop::Loop& loop, Instant deadline)
        : decided_(loop), deadline_(loop, "http answer deadline", [this] { give_up(); }) {
        deadline_.expires_at(deadline);
    }

    /// The first answer counts.
    void give(Answer answer) {
        if (!answer_) {
            answer_ = std::move(answer);
            decided_.ring();
        }
    }
    /// Nobody is interested any more.
    void give_up() {
        given_up_ = true;
        decided_.ring();
    }
    /// Nothing when the deadline has passed, or the connection has ended.
    static asio::awaitable<std::optional<Answer>> wait(std::shared_ptr<Promise> promise);

private:
    std::optional<Answer> answer_;
    Bell decided_;
    loop::Timer deadline_;
    bool given_up_ = false;
};

} // namespace fairlead::http_server
