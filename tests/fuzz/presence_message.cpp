// links: presence
// oracle: whatever sessions send, what reaches others is JSON, queues stay within their bounds, nobody is told anything
// behind its own close, and when everybody has gone nothing is left.
#include "presence/roster.hpp"
#include "json/scan.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <span>
#include <string>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

class Harness {
public:
    explicit Harness(presence::RosterOptions options) : roster_(options) {}

    void run(std::span<const std::uint8_t> in);

private:
    void connect(std::uint8_t who);
    void apply();

    presence::Roster roster_;
    presence::Actions out_;
    Instant now_{};
    presence::SessionId next_ = 1;
    std::map<presence::SessionId, std::size_t> open_; // unwritten texts of each
    std::set<presence::SessionId> paused_;
};

void Harness::connect(std::uint8_t who) {
    const std::string name(1, static_cast<char>('a' + who % 6));
    open_[next_] = 0;
    roster_.connect(now_, next_++, {.issuer = "i", .subject = name, .username = name}, out_);
}

void Harness::apply() {
    for (const auto& action : out_) {
        if (const auto* send = std::get_if<presence::Send>(&action)) {
            require(open_.contains(send->session));
            require(json::scan(*send->text, {.size = send->text->size(), .depth = 80}).has_value());
            require(++open_[send->session] <= 100 + 16 + 16 + 64);
        } else if (const auto* close = std::get_if<presence::Close>(&action)) {
            require(open_.erase(close->session) == 1);
            paused_.erase(close->session);
        } else if (const auto* drop = std::get_if<presence::Drop>(&action)) {
            require(open_.erase(drop->session) == 1);
            paused_.erase(drop->session);
        } else if (const auto* pause = std::get_if<presence::Pause>(&action)) {
            require(open_.contains(pause->session) && paused_.insert(pause->session).second);
        } else if (const auto* resume = std::get_if<presence::Resume>(&action)) {
            require(paused_.erase(resume->session) == 1);
        }
    }
    out_.clear();
    require(roster_.sessions() == open_.size());
}

/// Steps of an operation byte and an argument byte; a message takes its text from what follows, up to a zero byte.
void Harness::run(std::span<const std::uint8_t> in) {
    while (in.size() >= 2) {
        const std::uint8_t operation = in[0] % 8U;
        const std::uint8_t argument = in[1];
        in = in.subspan(2);
        auto chosen = open_.begin();
        if (!open_.empty()) {
            std::advance(chosen, static_cast<std::ptrdiff_t>(argument % open_.size()));
        }
        if (operation <= 1 || open_.empty()) {
            connect(argument);
        } else if (operation <= 4) {
            const auto end = std::ranges::find(in, std::uint8_t{0});
            const std::string text(in.begin(), end);
            roster_.message(now_, chosen->first, text, out_);
            in = in.subspan(std::min(in.size(), text.size() + 1));
        } else if (operation == 5) {
            const std::size_t count = std::exchange(chosen->second, 0);
            roster_.written(now_, chosen->first, count, out_);
        } else if (operation == 6) {
            const presence::SessionId gone = chosen->first;
            open_.erase(gone);
            paused_.erase(gone);
            roster_.disconnect(now_, gone, out_);
        } else {
            now_ += std::chrono::milliseconds{argument * 20U};
            roster_.handle_timeout(now_, out_);
        }
        apply();
    }
    while (!open_.empty()) {
        const presence::SessionId gone = open_.begin()->first;
        open_.erase(gone);
        paused_.erase(gone);
        roster_.disconnect(now_, gone, out_);
        apply();
    }
    require(roster_.users() == 0);
    const auto load = roster_.load();
    require(load.waiting_messages == 0 && load.waiting_bytes == 0);
    require(roster_.next_timeout() == never);
}

} // namespace

/// The first byte chooses the options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) {
        return 0;
    }
    Harness harness({.form = (data[0] & 1U) != 0 ? presence::UserIdForm::username : presence::UserIdForm::issuer,
                     .pace = std::chrono::milliseconds{(data[0] & 2U) != 0 ? 0 : 100},
                     .longest_wait = std::chrono::seconds{(data[0] & 4U) != 0 ? 1 : 30},
                     .largest_message = 4'096,
                     .relay_to_all_sessions = (data[0] & 8U) != 0,
                     .sessions_per_user = 3,
                     .sessions = 12,
                     .targets_per_message = 4,
                     .rooms_per_session = 2,
                     .users_per_room = 3,
                     .waiting_bytes = 8'192});
    harness.run(std::span(data, size).subspan(1));
    return 0;
}
