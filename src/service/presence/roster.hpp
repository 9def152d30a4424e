#pragma once

#include "presence/identity.hpp"
#include "time/instant.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::presence {

/// The driver's name for a connection; never used again after disconnect().
using SessionId = std::uint64_t;

/// A message that several sessions may share. Immutable.
using Text = std::shared_ptr<const std::string>;

/// WebSocket close codes (RFC 6455 section 7.4.1) that the roster uses.
enum class CloseCode : std::uint16_t {
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    try_again_later = 1013,
};

/// What the driver shall do. In order, per session.
struct Send {
    SessionId session;
    Text text;
};
/// Send a close frame behind what was sent before and end the connection, after 5 s at the latest. The session is gone
/// from the roster: no disconnect() follows, and what is still reported for it is ignored.
struct Close {
    SessionId session;
    CloseCode code;
    std::string_view reason; ///< static text
};
/// End the connection without a close frame: its writes do not finish.
struct Drop {
    SessionId session;
};
/// Stop reading from the connection, and start again. Messages that were read already may still be handed in (up to the
/// roster's inbox limit).
struct Pause {
    SessionId session;
};
struct Resume {
    SessionId session;
};
using Action = std::variant<Send, Close, Drop, Pause, Resume>;
using Actions = std::vector<Action>;

struct RosterOptions {
    UserIdForm form = UserIdForm::issuer;
    /// Least time between two relayed messages to one user; 0 = off.
    std::chrono::milliseconds pace{100};
    /// A message that has waited this long for its receiver is given up with error `target-busy`.
    std::chrono::seconds longest_wait{30};
    /// Bytes of one message; between 1 and 1 MiB.
    std::size_t largest_message = std::size_t{64} * 1024;
    /// Relay to every session of the target instead of its newest.
    bool relay_to_all_sessions = false;
    std::size_t sessions_per_user = 8;
    std::size_t sessions = 10'000;
    std::size_t targets_per_message = 64;
    std::size_t rooms_per_session = 16;
    std::size_t users_per_room = 64;
    /// Bytes of messages that wait for a slot, of all receivers together; above it, senders get `target-busy` at once.
    std::size_t waiting_bytes = std::size_t{64} * 1024 * 1024;
};

struct RosterStats {
    std::uint64_t sessions_opened = 0;
    std::uint64_t sessions_refused = 0;
    std::uint64_t relayed = 0;
    std::uint64_t presence_sent = 0;
    std::uint64_t presence_cancelled = 0; ///< changes that came and went before a receiver could be told
    std::uint64_t errors_sent = 0;
    std::uint64_t closed_as_invalid = 0;
    std::uint64_t closed_as_slow = 0;
    std::uint64_t dropped = 0; ///< connections whose writes did not finish
};

/// Who is online, and the relay between them: the JSON presence protocol over WebSocket as a pure machine.
///
/// The driver reports connections and text messages and, for every Send, when the socket has taken the text. That
/// notice is the only measure of a slow reader.
class Roster {
public:
    explicit Roster(RosterOptions options = {});
    ~Roster();
    Roster(Roster&&) noexcept;
    Roster& operator=(Roster&&) noexcept;

    /// A connection whose user is established. A user that validate() refuses, the ninth session of one user, or one
    /// session too many in total is answered with Close.
    void connect(Instant now, SessionId session, const UserInfo& user, Actions& out);

    /// One text message, as it came. (Binary messages are the driver's to refuse, with 1003.)
    void message(Instant now, SessionId session, std::string_view text, Actions& out);

    /// The socket has taken the next `count` texts of this session, in the order they were sent.
    void written(Instant now, SessionId session, std::size_t count, Actions& out);

    /// The connection has ended, in whatever way.
    void disconnect(Instant now, SessionId session, Actions& out);

    void handle_timeout(Instant now, Actions& out);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::size_t sessions() const;
    [[nodiscard]] std::size_t users() const;
    [[nodiscard]] std::vector<UserInfo> online() const;
    [[nodiscard]] const RosterStats& stats() const;

    /// Bytes and entries held for messages that wait and for changes not yet told; for metrics and tests of growth.
    struct Load {
        std::size_t waiting_messages = 0;
        std::size_t waiting_bytes = 0;
        std::size_t untold_changes = 0;
    };
    [[nodiscard]] Load load() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

} // namespace fairlead::presence
