#pragma once

#include "http_server/websocket_peer.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "presence/roster.hpp"
#include "signaling/presence_hub.hpp"

#include <memory>
#include <unordered_map>

namespace fairlead::signaling {

/// One worker's presence sockets: says to the hub what they say, and does to them what the roster wants.
class PresenceDoor {
public:
    /// Everything referred to outlives this, and every socket that was let in.
    PresenceDoor(loop::Loop& loop, PresenceHub& hub, std::size_t worker);
    PresenceDoor(const PresenceDoor&) = delete;
    PresenceDoor& operator=(const PresenceDoor&) = delete;

    /// What a socket of `user` does once it is accepted.
    [[nodiscard]] http_server::WebSocketEvents events(presence::UserInfo user);

    /// Actions of the roster for sockets of this worker.
    void apply(presence::Actions actions);

    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

private:
    struct Session {
        std::weak_ptr<http_server::WebSocketPeer> peer; // locked on this loop alone
        std::size_t unreported = 0;                     // texts handed to the socket of which the roster has not heard
    };
    void report_written(presence::SessionId id, Session& session, http_server::WebSocketPeer& peer);
    void look_at_slow();

    loop::Loop& loop_;
    PresenceHub& hub_;
    std::size_t worker_;
    std::uint64_t next_ = 1;
    std::unordered_map<presence::SessionId, Session> sessions_;
    loop::Timer slow_timer_;
};

} // namespace fairlead::signaling
