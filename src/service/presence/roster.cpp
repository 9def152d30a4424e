#include "presence/roster.hpp"

#include "presence/change_log.hpp"
#include "presence/messages.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace fairlead::presence {

namespace {

using std::chrono::seconds;

/// Messages that have passed the pacer and wait for the socket; one more closes the session.
constexpr std::size_t most_unwritten = 16;
/// Presence messages handed over before the first of them has been written.
constexpr std::size_t presence_burst = 100;
/// What may still arrive from a session after Pause: it was on its way.
constexpr std::size_t most_inbox_messages = 1'024;
constexpr std::size_t most_inbox_bytes = std::size_t{2} * 1024 * 1024;
/// Changes that one reader may be behind before it counts as one that does not read.
constexpr std::size_t longest_log = 65'536;

constexpr seconds write_limit{5};
constexpr seconds stall_limit{30};

constexpr std::string_view unreadable = "failed to unmarshal JSON";
constexpr std::string_view too_slow = "connection too slow to keep up with messages";
constexpr std::string_view too_big = "message too big";
constexpr std::string_view read_past_pause = "too many messages";
constexpr std::string_view unusable_user = "user id not usable";
constexpr std::string_view too_many_sessions = "too many sessions of this user";
constexpr std::string_view full = "server full";

enum class Kind : std::uint8_t { presence, relay, control };

struct Unwritten {
    Kind kind;
    Instant since;
};

/// A message on its way to one receiver, waiting for the receiver's slot.
struct Waiting {
    SessionId sender = 0;             ///< whose reading is paused; may be gone
    std::uint64_t sender_online = 0;  ///< the change by which the sender came online
    std::uint64_t sender_offline = 0; ///< the change by which it went, 0 while it is there
    std::optional<SessionId> only;    ///< one session of the receiver, instead of its newest
    Text text;                        ///< null: the user list, written when it leaves
    std::string type;                 ///< for the error message
    Instant deadline;
};

struct User;

struct Session {
    SessionId id = 0;
    User* user = nullptr;
    Reading reading;
    std::deque<Unwritten> unwritten;
    std::size_t unwritten_relays = 0;
    std::size_t unwritten_controls = 0;
    std::size_t unwritten_presence = 0;
    Instant last_progress{};
    std::size_t waiting = 0; ///< messages of this session in receivers' queues
    std::deque<std::string> inbox;
    std::size_t inbox_bytes = 0;
    std::set<std::string> rooms;
    bool paused = false;
    Instant armed = never;
    bool queued = false;
    bool leaving = false;

    [[nodiscard]] bool blocked() const { return waiting > 0 || unwritten_controls >= most_unwritten; }
};

struct User {
    std::string key;
    UserInfo info;
    std::uint64_t number = 0; ///< orders timers of one instant the same way in every run
    std::uint64_t online_change = 0;
    std::vector<Session*> sessions = {}; ///< oldest first
    Instant next_slot = Instant::min();
    std::deque<Waiting> waiting = {};
    std::size_t waiting_departed = 0; ///< of senders whose user has gone offline
    Instant armed = never;
    bool queued = false;
};

} // namespace

class Roster::State {
public:
    explicit State(RosterOptions options) : options_(options) {}

    void connect(Instant now, SessionId id, const UserInfo& info, Actions& out);
    void message(Instant now, SessionId id, std::string_view text, Actions& out);
    void written(Instant now, SessionId id, std::size_t count, Actions& out);
    void disconnect(Instant now, SessionId id, Actions& out);
    void handle_timeout(Instant now, Actions& out);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
    [[nodiscard]] std::size_t users() const { return users_.size(); }
    [[nodiscard]] std::vector<UserInfo> online() const;
    [[nodiscard]] const RosterStats& stats() const { return stats_; }
    [[nodiscard]] Load load() const { return {waiting_messages_, waiting_bytes_, log_.size()}; }

private:
    // Requests of a client.
    void process(Instant now, Session& session, std::string_view text, Actions& out);
    void relay(Instant now, Session& session, const Relay& request, Actions& out);
    void join(Instant now, Session& session, const std::string& room, Actions& out);
    void leave(Session& session, const std::string& room);
    void refuse(Instant now, Session& session, std::string_view code, std::string_view type, const UserId* target,
                Actions& out);

    // The way of a relayed message: into the receiver's queue, through its pacer, to a session.
    void enqueue(User& receiver, Waiting waiting);
    void pump(Instant now, User& user, Actions& out);
    void drop_waiting(Instant now, User& user, std::string_view code, Actions& out);
    void placed(const Waiting& waiting);
    [[nodiscard]] std::vector<Session*> destinations(const User& user, const Waiting& waiting) const;
    void pass_slot(Instant now, User& user) const;
    [[nodiscard]] const Text& user_list();

    // Presence.
    void announce(Instant now, Actions& out);
    void tell(Instant now, Session& session, Actions& out);
    [[nodiscard]] std::uint64_t readable_until(const Session& session) const;
    void shorten_log(Instant now, Actions& out);

    // Sessions.
    void hand(Instant now, Session& session, Text text, Kind kind, Actions& out);
    void close(Instant now, Session& session, CloseCode code, std::string_view reason, Actions& out);
    void remove(Instant now, Session& session, Actions& out);
    void unblock(Instant now, Session& session, Actions& out);

    // Whatever a call has made possible happens before the call returns.
    void settle(Instant now, Actions& out);
    void touch(User& user);
    void touch(Session& session);
    void arm(User& user, Instant at);
    void arm(Session& session);
    [[nodiscard]] static Instant write_deadline(const Session& session);

    [[nodiscard]] Session* find(SessionId id) const {
        const auto found = sessions_.find(id);
        return found != sessions_.end() ? found->second.get() : nullptr;
    }
    [[nodiscard]] User* find_user(const std::string& key) const {
        const auto found = users_.find(key);
        return found != users_.end() ? found->second.get() : nullptr;
    }

    RosterOptions options_;
    RosterStats stats_;
    std::unordered_map<std::string, std::unique_ptr<User>> users_;
    std::map<SessionId, std::unique_ptr<Session>> sessions_; // in order, so that every run tells them alike
    std::vector<std::unique_ptr<Session>>
        gone_sessions_; // until settle() is through: callers up the stack hold references
    std::vector<std::unique_ptr<User>> gone_users_;
    std::unordered_map<std::string, std::vector<SessionId>> rooms_;
    ChangeLog log_;
    std::size_t shorten_at_ = 1'024;
    std::deque<User*> touched_users_;
    std::deque<SessionId> touched_sessions_;
    std::map<std::pair<Instant, std::uint64_t>, User*> user_timers_;
    std::set<std::pair<Instant, SessionId>> session_timers_;
    std::uint64_t next_user_ = 1;
    std::size_t waiting_messages_ = 0;
    std::size_t waiting_bytes_ = 0;
    Text list_;
    std::uint64_t list_version_ = 0; ///< the newest change that list_ knows; 0 = none
};

// ------------------------------------------------------------------------------------------------ what the driver
// reports

void Roster::State::connect(Instant now, SessionId id, const UserInfo& info, Actions& out) {
    const auto refuse_session = [&](CloseCode code, std::string_view reason) {
        ++stats_.sessions_refused;
        out.emplace_back(Close{id, code, reason});
    };
    assert(find(id) == nullptr);
    if (find(id) != nullptr || !validate(info, options_.form)) {
        return refuse_session(CloseCode::policy_violation, unusable_user);
    }
    if (sessions_.size() >= options_.sessions) {
        return refuse_session(CloseCode::try_again_later, full);
    }
    const std::string key = info.id().key(options_.form);
    auto& place = users_[key];
    const bool is_new = place == nullptr;
    if (is_new) {
        place = std::make_unique<User>(User{.key = key, .info = info, .number = next_user_++});
    }
    User& user = *place;
    if (user.sessions.size() >= options_.sessions_per_user) {
        return refuse_session(CloseCode::policy_violation, too_many_sessions);
    }
    auto owned = std::make_unique<Session>();
    Session& session = *owned;
    session.id = id;
    session.user = &user;
    session.reading = {log_.head(), log_.head(), log_.head()};
    user.sessions.push_back(&session);
    sessions_.emplace(id, std::move(owned));
    ++stats_.sessions_opened;
    if (is_new) {
        user.online_change =
            log_.add(user.key, true, std::make_shared<const std::string>(write_user_online(user.info, options_.form)));
        announce(now, out);
    }
    settle(now, out);
}

void Roster::State::message(Instant now, SessionId id, std::string_view text, Actions& out) {
    Session* const session = find(id);
    if (session == nullptr) {
        return;
    }
    if (text.size() > options_.largest_message) {
        ++stats_.closed_as_invalid;
        close(now, *session, CloseCode::message_too_big, too_big, out);
    } else if (session->blocked() || !session->inbox.empty()) {
        if (session->inbox.size() >= most_inbox_messages || session->inbox_bytes + text.size() > most_inbox_bytes) {
            ++stats_.closed_as_invalid;
            close(now, *session, CloseCode::policy_violation, read_past_pause, out);
        } else {
            session->inbox.emplace_back(text);
            session->inbox_bytes += text.size();
        }
    } else {
        process(now, *session, text, out);
    }
    settle(now, out);
}

void Roster::State::written(Instant now, SessionId id, std::size_t count, Actions& out) {
    Session* const session = find(id);
    if (session == nullptr) {
        return;
    }
    assert(count <= session->unwritten.size());
    for (; count > 0 && !session->unwritten.empty(); --count) {
        switch (session->unwritten.front().kind) {
        case Kind::presence:
            --session->unwritten_presence;
            break;
        case Kind::relay:
            --session->unwritten_relays;
            break;
        case Kind::control:
            --session->unwritten_controls;
            break;
        }
        session->unwritten.pop_front();
        session->last_progress = now;
    }
    arm(*session);
    tell(now, *session, out);
    touch(*session);
    settle(now, out);
}

void Roster::State::disconnect(Instant now, SessionId id, Actions& out) {
    Session* const session = find(id);
    if (session == nullptr) {
        return;
    }
    // What it said before it went is said: a hang-up is often the last message of a page that closes.
    session->leaving = true;
    while (!session->inbox.empty() && find(id) != nullptr) {
        const std::string text = std::move(session->inbox.front());
        session->inbox.pop_front();
        process(now, *session, text, out);
    }
    if (find(id) != nullptr) {
        remove(now, *session, out);
    }
    settle(now, out);
}

void Roster::State::handle_timeout(Instant now, Actions& out) {
    while (!user_timers_.empty() && user_timers_.begin()->first.first <= now) {
        User& user = *user_timers_.begin()->second;
        user_timers_.erase(user_timers_.begin());
        user.armed = never;
        touch(user);
    }
    while (!session_timers_.empty() && session_timers_.begin()->first <= now) {
        Session& session = *find(session_timers_.begin()->second);
        session_timers_.erase(session_timers_.begin());
        session.armed = never;
        if (write_deadline(session) > now) {
            arm(session); // it has made progress since
        } else if (session.unwritten.front().kind == Kind::presence) {
            ++stats_.closed_as_slow;
            close(now, session, CloseCode::policy_violation, too_slow, out);
        } else {
            ++stats_.dropped;
            out.emplace_back(Drop{session.id});
            remove(now, session, out);
        }
    }
    settle(now, out);
}

Instant Roster::State::next_timeout() const {
    Instant next = never;
    if (!user_timers_.empty()) {
        next = std::min(next, user_timers_.begin()->first.first);
    }
    if (!session_timers_.empty()) {
        next = std::min(next, session_timers_.begin()->first);
    }
    return next;
}

std::vector<UserInfo> Roster::State::online() const {
    std::vector<UserInfo> all;
    all.reserve(users_.size());
    for (const auto& [key, user] : users_) {
        all.push_back(user->info);
    }
    return all;
}

// ------------------------------------------------------------------------------------------------------- client
// requests

void Roster::State::process(Instant now, Session& session, std::string_view text, Actions& out) {
    const Request request = read_request(text, options_.form, options_.largest_message, options_.targets_per_message);
    if (std::holds_alternative<Unreadable>(request)) {
        if (!session.leaving) {
            ++stats_.closed_as_invalid;
            close(now, session, CloseCode::invalid_payload, unreadable, out);
        }
    } else if (std::holds_alternative<ListRequest>(request)) {
        enqueue(*session.user, {.sender = session.id,
                                .sender_online = 0,
                                .sender_offline = 0,
                                .only = session.id,
                                .text = nullptr,
                                .type = "userList",
                                .deadline = now + options_.longest_wait});
    } else if (const auto* wanted = std::get_if<Relay>(&request)) {
        relay(now, session, *wanted, out);
    } else if (const auto* entered = std::get_if<JoinRoom>(&request)) {
        join(now, session, entered->room, out);
    } else if (const auto* left = std::get_if<LeaveRoom>(&request)) {
        leave(session, left->room);
    } else if (const auto* impossible = std::get_if<Impossible>(&request)) {
        const UserId* const target = impossible->targets.empty() ? nullptr : &impossible->targets.front();
        refuse(now, session, impossible->code, impossible->type, target, out);
    }
    if (session.blocked() && !session.paused && !session.leaving && find(session.id) == &session) {
        touch(session); // the pacer may have room at once; Pause only if not
    }
}

void Roster::State::relay(Instant now, Session& session, const Relay& request, Actions& out) {
    const auto text = std::make_shared<const std::string>(
        write_relayed(request.type, session.user->info.id(), request.body, options_.form));
    const auto send = [&](User& receiver, std::optional<SessionId> only) {
        if (waiting_bytes_ + text->size() > options_.waiting_bytes) {
            const UserId target = receiver.info.id();
            refuse(now, session, "target-busy", request.type, &target, out);
            return;
        }
        enqueue(receiver, {.sender = session.id,
                           .sender_online = session.user->online_change,
                           .sender_offline = 0,
                           .only = only,
                           .text = text,
                           .type = request.type,
                           .deadline = now + options_.longest_wait});
    };
    if (!request.room.empty()) {
        if (!session.rooms.contains(request.room)) {
            return refuse(now, session, "no-target", request.type, nullptr, out);
        }
        for (const SessionId member : rooms_[request.room]) {
            if (member != session.id) {
                send(*find(member)->user, member);
            }
        }
        return;
    }
    std::set<std::string> told; // a target named twice gets the message once
    for (const UserId& target : request.targets) {
        std::string key = target.key(options_.form);
        User* const receiver = find_user(key);
        if (receiver == nullptr) {
            refuse(now, session, "target-offline", request.type, &target, out);
        } else if (told.insert(std::move(key)).second) {
            send(*receiver, std::nullopt);
        }
    }
}

void Roster::State::join(Instant now, Session& session, const std::string& room, Actions& out) {
    auto& members = rooms_[room];
    if (session.rooms.contains(room)) {
        return;
    }
    if (session.leaving || members.size() >= options_.users_per_room ||
        session.rooms.size() >= options_.rooms_per_session) {
        if (members.empty()) {
            rooms_.erase(room);
        }
        return refuse(now, session, "room-full", "join", nullptr, out);
    }
    members.push_back(session.id);
    session.rooms.insert(room);
}

void Roster::State::leave(Session& session, const std::string& room) {
    if (session.rooms.erase(room) == 0) {
        return;
    }
    const auto place = rooms_.find(room);
    std::erase(place->second, session.id);
    if (place->second.empty()) {
        rooms_.erase(place);
    }
}

void Roster::State::refuse(Instant now, Session& session, std::string_view code, std::string_view type,
                           const UserId* target, Actions& out) {
    if (session.leaving) {
        return;
    }
    ++stats_.errors_sent;
    hand(now, session, std::make_shared<const std::string>(write_error(code, type, target, options_.form)),
         Kind::control, out);
}

// ------------------------------------------------------------------------------------------------------------- the
// pacer

void Roster::State::enqueue(User& receiver, Waiting waiting) {
    ++waiting_messages_;
    waiting_bytes_ += waiting.text != nullptr ? waiting.text->size() : 0;
    if (Session* const sender = find(waiting.sender)) {
        ++sender->waiting;
    }
    receiver.waiting.push_back(std::move(waiting));
    touch(receiver);
}

/// The message has left the queue, one way or another: its sender may be read from again.
void Roster::State::placed(const Waiting& waiting) {
    --waiting_messages_;
    waiting_bytes_ -= waiting.text != nullptr ? waiting.text->size() : 0;
    if (Session* const sender = find(waiting.sender)) {
        --sender->waiting;
        touch(*sender);
    }
}

std::vector<Session*> Roster::State::destinations(const User& user, const Waiting& waiting) const {
    if (waiting.only) {
        Session* const session = find(*waiting.only);
        return session != nullptr ? std::vector{session} : std::vector<Session*>();
    }
    if (options_.relay_to_all_sessions || user.sessions.empty()) {
        return user.sessions;
    }
    return {user.sessions.back()};
}

void Roster::State::pump(Instant now, User& user, Actions& out) {
    while (!user.waiting.empty()) {
        const Waiting& next = user.waiting.front();
        if (next.deadline <= now) {
            drop_waiting(now, user, "target-busy", out);
            continue;
        }
        const auto sessions = destinations(user, next);
        if (sessions.empty()) {
            drop_waiting(now, user, "target-offline", out);
            continue;
        }
        // userOnline of the sender comes first; tell() brings us back here.
        const bool introduced =
            std::ranges::all_of(sessions, [&](const Session* s) { return s->reading.position >= next.sender_online; });
        if (!introduced || user.next_slot > now) {
            arm(user, introduced ? std::min(user.next_slot, next.deadline) : next.deadline);
            return;
        }
        const auto slow =
            std::ranges::find_if(sessions, [](const Session* s) { return s->unwritten_relays >= most_unwritten; });
        if (slow != sessions.end()) {
            ++stats_.closed_as_slow;
            close(now, **slow, CloseCode::policy_violation, too_slow, out);
            continue; // another session may take over, or nobody is left
        }
        const Waiting leaving = std::move(user.waiting.front());
        user.waiting.pop_front();
        user.waiting_departed -= leaving.sender_offline != 0 ? 1 : 0;
        for (Session* const session : sessions) {
            hand(now, *session, leaving.text != nullptr ? leaving.text : user_list(), Kind::relay, out);
        }
        ++stats_.relayed;
        pass_slot(now, user);
        placed(leaving);
        if (leaving.sender_offline != 0) {
            for (Session* const session : user.sessions) {
                tell(now, *session, out);
            }
        }
    }
    arm(user, never);
}

void Roster::State::drop_waiting(Instant now, User& user, std::string_view code, Actions& out) {
    const Waiting dropped = std::move(user.waiting.front());
    user.waiting.pop_front();
    user.waiting_departed -= dropped.sender_offline != 0 ? 1 : 0;
    placed(dropped);
    if (Session* const sender = find(dropped.sender)) {
        const UserId target = user.info.id();
        refuse(now, *sender, code, dropped.type, &target, out);
    }
}

/// Slots are an interval apart on average, however late the timers are; but never two within 60 % of it.
void Roster::State::pass_slot(Instant now, User& user) const {
    const Instant due = user.next_slot == Instant::min() ? now : user.next_slot;
    user.next_slot = std::max(due + options_.pace, now + options_.pace * 3 / 5);
    if (now >= due + options_.pace) { // a pause, not lateness: nothing to catch up with
        user.next_slot = now + options_.pace;
    }
}

const Text& Roster::State::user_list() {
    if (list_version_ != log_.head()) {
        json::Writer out;
        out.begin_object().member("type", "userList").key("body").begin_object().key("users").begin_array();
        for (const auto& [key, user] : users_) {
            write_info(out, user->info, options_.form);
        }
        out.end_array().end_object().end_object();
        list_ = std::make_shared<const std::string>(out.take());
        list_version_ = log_.head();
    }
    return list_;
}

// --------------------------------------------------------------------------------------------------------------
// presence

void Roster::State::announce(Instant now, Actions& out) {
    for (const auto& [id, session] : sessions_) {
        tell(now, *session, out);
    }
}

/// How far a session may be told at this moment: userOffline of a user comes after the last message from it.
std::uint64_t Roster::State::readable_until(const Session& session) const {
    std::uint64_t until = log_.head();
    if (session.user->waiting_departed > 0) {
        for (const Waiting& waiting : session.user->waiting) {
            if (waiting.sender_offline > session.reading.position) {
                until = std::min(until, waiting.sender_offline - 1);
            }
        }
    }
    return until;
}

void Roster::State::tell(Instant now, Session& session, Actions& out) {
    Reading& reading = session.reading;
    const std::uint64_t before = reading.position;
    while (session.unwritten_presence < presence_burst) {
        if (reading.position == reading.end) {
            reading.begin = reading.position;
            reading.end = readable_until(session);
            if (reading.position == reading.end) {
                break;
            }
        }
        if (Text text = log_.step(reading)) {
            ++stats_.presence_sent;
            hand(now, session, std::move(text), Kind::presence, out);
        } else {
            ++stats_.presence_cancelled;
        }
    }
    if (reading.position != before && !session.user->waiting.empty()) {
        touch(*session.user);
    }
}

void Roster::State::shorten_log(Instant now, Actions& out) {
    if (log_.size() < shorten_at_) {
        return;
    }
    const auto slowest = [&] {
        std::uint64_t oldest = log_.head();
        for (const auto& [id, session] : sessions_) {
            oldest = std::min(oldest, session->reading.begin);
        }
        return oldest;
    };
    log_.forget(slowest());
    while (log_.size() > longest_log) {
        const std::uint64_t oldest = slowest();
        const auto behind =
            std::ranges::find_if(sessions_, [&](const auto& entry) { return entry.second->reading.begin == oldest; });
        ++stats_.closed_as_slow;
        close(now, *behind->second, CloseCode::policy_violation, too_slow, out);
        log_.forget(slowest());
    }
    shorten_at_ = std::max<std::size_t>(1'024, log_.size() * 2);
    shorten_at_ = std::min(shorten_at_, longest_log);
}

// --------------------------------------------------------------------------------------------------------------
// sessions

void Roster::State::hand(Instant now, Session& session, Text text, Kind kind, Actions& out) {
    if (session.unwritten.empty()) {
        session.last_progress = now;
    }
    session.unwritten.push_back({kind, now});
    session.unwritten_presence += kind == Kind::presence ? 1 : 0;
    session.unwritten_relays += kind == Kind::relay ? 1 : 0;
    session.unwritten_controls += kind == Kind::control ? 1 : 0;
    arm(session);
    out.emplace_back(Send{session.id, std::move(text)});
}

void Roster::State::close(Instant now, Session& session, CloseCode code, std::string_view reason, Actions& out) {
    out.emplace_back(Close{session.id, code, reason});
    remove(now, session, out);
}

void Roster::State::remove(Instant now, Session& session, Actions& out) {
    for (const std::string& room : std::set<std::string>(session.rooms)) {
        leave(session, room);
    }
    if (session.armed != never) {
        session_timers_.erase({session.armed, session.id});
        session.armed = never;
    }
    User& user = *session.user;
    std::erase(user.sessions, &session);
    const auto place = sessions_.find(session.id);
    gone_sessions_.push_back(std::move(place->second));
    sessions_.erase(place);
    touch(user); // messages for this session go to another, or nowhere
    if (!user.sessions.empty()) {
        return;
    }
    while (!user.waiting.empty()) {
        drop_waiting(now, user, "target-offline", out);
    }
    arm(user, never);
    const auto entry = users_.find(user.key);
    gone_users_.push_back(std::move(entry->second));
    users_.erase(entry);
    const std::uint64_t change = log_.add(
        user.key, false, std::make_shared<const std::string>(write_user_offline(user.info.id(), options_.form)));
    if (waiting_messages_ > 0) {
        for (const auto& [key, receiver] : users_) {
            for (Waiting& waiting : receiver->waiting) {
                if (waiting.sender_online == user.online_change) {
                    waiting.sender_offline = change;
                    ++receiver->waiting_departed;
                }
            }
        }
    }
    announce(now, out);
}

void Roster::State::unblock(Instant now, Session& session, Actions& out) {
    const SessionId id = session.id;
    while (!session.blocked() && !session.inbox.empty()) {
        const std::string text = std::move(session.inbox.front());
        session.inbox.pop_front();
        session.inbox_bytes -= text.size();
        process(now, session, text, out);
        if (find(id) == nullptr) {
            return;
        }
    }
    const bool pause = session.blocked() || !session.inbox.empty();
    if (pause && !session.paused) {
        out.emplace_back(Pause{id});
    } else if (!pause && session.paused) {
        out.emplace_back(Resume{id});
    }
    session.paused = pause;
}

// ------------------------------------------------------------------------------------------------------------ order of
// work

void Roster::State::settle(Instant now, Actions& out) {
    // Receivers before senders: a message that can leave at once leaves before anybody thinks of pausing its sender.
    while (!touched_users_.empty() || !touched_sessions_.empty()) {
        if (!touched_users_.empty()) {
            User& user = *touched_users_.front();
            touched_users_.pop_front();
            user.queued = false;
            if (!user.sessions.empty()) {
                pump(now, user, out);
            }
            continue;
        }
        Session* const session = find(touched_sessions_.front());
        touched_sessions_.pop_front();
        if (session != nullptr) {
            session->queued = false;
            unblock(now, *session, out);
        }
    }
    shorten_log(now, out);
    if (!touched_users_.empty() || !touched_sessions_.empty()) {
        return settle(now, out); // somebody was closed over the log; there is less to do each time
    }
    gone_sessions_.clear();
    gone_users_.clear();
}

void Roster::State::touch(User& user) {
    if (!std::exchange(user.queued, true)) {
        touched_users_.push_back(&user);
    }
}

void Roster::State::touch(Session& session) {
    if (!std::exchange(session.queued, true)) {
        touched_sessions_.push_back(session.id);
    }
}

void Roster::State::arm(User& user, Instant at) {
    if (user.armed == at) {
        return;
    }
    if (user.armed != never) {
        user_timers_.erase({user.armed, user.number});
    }
    if (at != never) {
        user_timers_.emplace(std::pair(at, user.number), &user);
    }
    user.armed = at;
}

/// A timer that is early finds out when it fires; only one that would be late is moved.
void Roster::State::arm(Session& session) {
    const Instant at = write_deadline(session);
    if (at >= session.armed) {
        return;
    }
    if (session.armed != never) {
        session_timers_.erase({session.armed, session.id});
    }
    session_timers_.emplace(at, session.id);
    session.armed = at;
}

Instant Roster::State::write_deadline(const Session& session) {
    if (session.unwritten.empty()) {
        return never;
    }
    const Unwritten& oldest = session.unwritten.front();
    const Instant begun = std::max(oldest.since, session.last_progress);
    return begun + (oldest.kind == Kind::presence ? Duration(stall_limit) : Duration(write_limit));
}

// ----------------------------------------------------------------------------------------------------------------
// Roster

Roster::Roster(RosterOptions options) : state_(std::make_unique<State>(options)) {}
Roster::~Roster() = default;
Roster::Roster(Roster&&) noexcept = default;
Roster& Roster::operator=(Roster&&) noexcept = default;

void Roster::connect(Instant now, SessionId session, const UserInfo& user, Actions& out) {
    state_->connect(now, session, user, out);
}
void Roster::message(Instant now, SessionId session, std::string_view text, Actions& out) {
    state_->message(now, session, text, out);
}
void Roster::written(Instant now, SessionId session, std::size_t count, Actions& out) {
    state_->written(now, session, count, out);
}
void Roster::disconnect(Instant now, SessionId session, Actions& out) {
    state_->disconnect(now, session, out);
}
void Roster::handle_timeout(Instant now, Actions& out) {
    state_->handle_timeout(now, out);
}
Instant Roster::next_timeout() const {
    return state_->next_timeout();
}
std::size_t Roster::sessions() const {
    return state_->sessions();
}
std::size_t Roster::users() const {
    return state_->users();
}
std::vector<UserInfo> Roster::online() const {
    return state_->online();
}
const RosterStats& Roster::stats() const {
    return state_->stats();
}
Roster::Load Roster::load() const {
    return state_->load();
}

} // namespace fairlead::presence
