#include "signaling/presence_hub.hpp"

#include <utility>
#include <variant>

namespace fairlead::signaling {

PresenceHub::PresenceHub(loop::Loop& hub, const presence::RosterOptions& options, std::size_t workers, Deliver deliver)
    : hub_(hub), roster_(options), deliver_(std::move(deliver)), by_worker_(workers), timer_(hub, "presence", [this] {
          roster_.handle_timeout(hub_.steady_now(), actions_);
          settle();
      }) {}

void PresenceHub::connect(presence::SessionId session, const presence::UserInfo& user) {
    roster_.connect(hub_.steady_now(), session, user, actions_);
    settle();
}

void PresenceHub::message(presence::SessionId session, std::string_view text) {
    roster_.message(hub_.steady_now(), session, text, actions_);
    settle();
}

void PresenceHub::written(presence::SessionId session, std::size_t count) {
    roster_.written(hub_.steady_now(), session, count, actions_);
    settle();
}

void PresenceHub::disconnect(presence::SessionId session) {
    roster_.disconnect(hub_.steady_now(), session, actions_);
    settle();
}

namespace {

void copy(stats::Counter& to, std::uint64_t from) {
    to.add(from - to.value());
}

} // namespace

void PresenceHub::settle() {
    for (presence::Action& action : actions_) {
        const std::size_t worker = worker_of(std::visit([](const auto& a) { return a.session; }, action));
        by_worker_.at(worker).push_back(std::move(action));
    }
    actions_.clear();
    for (std::size_t worker = 0; worker < by_worker_.size(); ++worker) {
        if (!by_worker_[worker].empty()) {
            deliver_(worker, std::exchange(by_worker_[worker], {}));
        }
    }
    timer_.expires_at(roster_.next_timeout());
    copy(figures_.sessions, roster_.sessions());
    copy(figures_.users, roster_.users());
    const presence::RosterStats& stats = roster_.stats();
    copy(figures_.relayed, stats.relayed);
    copy(figures_.errors_sent, stats.errors_sent);
    copy(figures_.closed_as_slow, stats.closed_as_slow);
    copy(figures_.closed_as_invalid, stats.closed_as_invalid);
    copy(figures_.sessions_refused, stats.sessions_refused);
}

} // namespace fairlead::signaling
