#include "signaling/presence_door.hpp"

#include "log/address.hpp"
#include "log/log.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fairlead::signaling {

namespace {

// How late the roster may hear that a slow socket has taken a text; its own limits are seconds.
constexpr auto slow_interval = std::chrono::milliseconds(100);

} // namespace

PresenceDoor::PresenceDoor(loop::Loop& loop, PresenceHub& hub, std::size_t worker)
    : loop_(loop), hub_(hub), worker_(worker), slow_timer_(loop, "presence sockets", [this] { look_at_slow(); }) {}

http_server::WebSocketEvents PresenceDoor::events(presence::UserInfo user) {
    const presence::SessionId id = session_id(worker_, next_++);
    http_server::WebSocketEvents events;
    events.on_open = [this, id, user = std::move(user)](http_server::WebSocketPeer& peer) {
        sessions_[id].peer = peer.weak_from_this();
        log::info(
            "presence", "user connected",
            {{"user", user.subject.empty() ? user.username : user.subject}, {"client", log::shown(peer.client())}});
        hub_.loop().send([hub = &hub_, id, user] { hub->connect(id, user); });
    };
    events.on_message = [this, id](http_server::WebSocketPeer& peer, const websocket::Message& message) {
        if (!message.is_text) {
            peer.close(websocket::CloseCode::unsupported_data, "text messages only");
            return;
        }
        hub_.loop().send([hub = &hub_, id, text = std::string(as_text(message.payload))] { hub->message(id, text); });
    };
    events.on_drained = [this, id](http_server::WebSocketPeer& peer) {
        if (const auto found = sessions_.find(id); found != sessions_.end()) {
            report_written(id, found->second, peer);
        }
    };
    events.on_close = [this, id](http_server::WebSocketPeer& peer, const http_server::WebSocketEnd& end) {
        sessions_.erase(id);
        log::info("presence", "user disconnected",
                  {{"client", log::shown(peer.client())},
                   {"why", describe(end.why)},
                   {"code", end.code},
                   {"reason", end.reason}});
        hub_.loop().send([hub = &hub_, id] { hub->disconnect(id); });
    };
    return events;
}

void PresenceDoor::apply(presence::Actions actions) {
    std::vector<presence::SessionId> written;
    for (presence::Action& action : actions) {
        const presence::SessionId id = std::visit([](const auto& a) { return a.session; }, action);
        const auto found = sessions_.find(id);
        const auto peer = found == sessions_.end() ? nullptr : found->second.peer.lock();
        if (!peer) {
            continue; // gone meanwhile; the hub has been told
        }
        if (const auto* send = std::get_if<presence::Send>(&action)) {
            if (peer->send_text(*send->text)) {
                ++found->second.unreported;
                written.push_back(id);
            }
        } else if (const auto* close = std::get_if<presence::Close>(&action)) {
            peer->close(static_cast<std::uint16_t>(close->code), close->reason);
        } else if (std::holds_alternative<presence::Drop>(action)) {
            peer->abort();
        } else if (std::holds_alternative<presence::Pause>(action)) {
            peer->pause();
        } else {
            peer->resume();
        }
    }
    std::ranges::sort(written);
    written.erase(std::unique(written.begin(), written.end()), written.end());
    for (const presence::SessionId id : written) {
        // A failed write may have closed the socket, and its on_close erased the session.
        if (const auto found = sessions_.find(id); found != sessions_.end()) {
            if (const auto peer = found->second.peer.lock()) {
                report_written(id, found->second, *peer);
            }
        }
    }
}

void PresenceDoor::report_written(presence::SessionId id, Session& session, http_server::WebSocketPeer& peer) {
    const std::size_t waiting = std::min(peer.messages_waiting(), session.unreported);
    if (const std::size_t taken = session.unreported - waiting; taken > 0) {
        session.unreported = waiting;
        hub_.loop().send([hub = &hub_, id, taken] { hub->written(id, taken); });
    }
    if (waiting > 0 && slow_timer_.deadline() == never) {
        slow_timer_.expires_after(slow_interval);
    }
}

void PresenceDoor::look_at_slow() {
    bool more = false;
    for (auto& [id, session] : sessions_) {
        if (session.unreported == 0) {
            continue;
        }
        if (const auto peer = session.peer.lock()) {
            report_written(id, session, *peer);
            more = more || session.unreported > 0;
        }
    }
    if (more) {
        slow_timer_.expires_after(slow_interval);
    } else {
        slow_timer_.cancel();
    }
}

} // namespace fairlead::signaling
