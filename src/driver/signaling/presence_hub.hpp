#pragma once

#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "presence/roster.hpp"
#include "stats/counter.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::signaling {

/// A presence session is named by the worker that owns its connection and a number of that worker's, so that an action
/// finds its way back.
[[nodiscard]] constexpr presence::SessionId session_id(std::size_t worker, std::uint64_t number) {
    return (static_cast<std::uint64_t>(worker) << 48U) | number;
}
[[nodiscard]] constexpr std::size_t worker_of(presence::SessionId session) {
    return static_cast<std::size_t>(session >> 48U);
}

/// The one roster of the server, on the hub's loop. Workers send it what their connections say and get back what to do,
/// a batch per event and worker.
class PresenceHub {
public:
    /// Called on the hub's loop with actions for connections of `worker`, in order. It hands them over
    /// (loop::Loop::send).
    using Deliver = std::function<void(std::size_t worker, presence::Actions actions)>;

    PresenceHub(loop::Loop& hub, const presence::RosterOptions& options, std::size_t workers, Deliver deliver);
    PresenceHub(const PresenceHub&) = delete;
    PresenceHub& operator=(const PresenceHub&) = delete;

    // All on the hub's loop.
    void connect(presence::SessionId session, const presence::UserInfo& user);
    void message(presence::SessionId session, std::string_view text);
    void written(presence::SessionId session, std::size_t count);
    void disconnect(presence::SessionId session);

    [[nodiscard]] loop::Loop& loop() { return hub_; }

    /// Copies of the roster's figures, for readers on any thread.
    struct Figures {
        stats::Counter sessions;
        stats::Counter users;
        stats::Counter relayed;
        stats::Counter errors_sent;
        stats::Counter closed_as_slow;
        stats::Counter closed_as_invalid;
        stats::Counter sessions_refused;
    };
    [[nodiscard]] const Figures& figures() const { return figures_; }

private:
    void settle();

    loop::Loop& hub_;
    presence::Roster roster_;
    Deliver deliver_;
    presence::Actions actions_;
    std::vector<presence::Actions> by_worker_;
    loop::Timer timer_;
    Figures figures_;
};

} // namespace fairlead::signaling
