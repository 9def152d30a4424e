#pragma once

#include "http_server/bell.hpp"
#include "http_server/request.hpp"
#include "stream/write_queue.hpp"
#include "websocket/connection.hpp"

#include <deque>
#include <functional>

namespace fairlead::http_server {

class WebSocketPeer;

/// How a WebSocket ended. `code` is what the peer's Close carried, or ours when we closed; 1006 when there was none.
struct WebSocketEnd {
    enum class Why : std::uint8_t {
        closed,        ///< a Close frame came, or answered ours
        violation,     ///< the peer broke the protocol
        lost,          ///< the stream ended or failed without a Close
        dead,          ///< no sign of life for WebSocketOptions::dead_after
        slow_consumer, ///< the peer took nothing of what waits for it
        failed,        ///< a handler threw
        shutdown,      ///< the server went away
    };
    Why why = Why::lost;
    std::uint16_t code = 1006;
    std::string reason;
};
[[nodiscard]] std::string_view describe(WebSocketEnd::Why why);

/// All of them run on the connection's loop; any may be empty. They may call everything of the peer. on_close comes
/// once, last, for every connection whose on_open has run.
struct WebSocketEvents {
    std::function<void(WebSocketPeer&)> on_open;
    /// The payload is valid for the call.
    std::function<void(WebSocketPeer&, const websocket::Message&)> on_message;
    /// What waited has gone below a quarter of the limit again.
    std::function<void(WebSocketPeer&)> on_drained;
    std::function<void(WebSocketPeer&, const WebSocketEnd&)> on_close;
};

struct WebSocketOptions {
    /// One of the client's offer, or empty.
    std::string subprotocol{};
    websocket::Limits limits{};
    /// Bytes, and messages, that may wait for a slow peer. What would exceed them closes the connection with 1008.
    std::size_t queue = std::size_t{1} << 20U;
    std::size_t queue_messages = 4096;
    Duration ping_every = std::chrono::seconds(25);
    /// Silence (not even a Pong) after which the peer counts as gone. Not measured while reading is paused.
    Duration dead_after = std::chrono::seconds(55);
};

/// A WebSocket from any thread: every call is handed to the connection's loop, in order, and does nothing when the
/// connection is gone by then. False when that loop is too far behind to take more.
class WebSocketHandle {
public:
    WebSocketHandle() = default;
    bool send_text(std::string text) const;
    bool send_binary(std::string data) const;
    bool close(std::uint16_t code, std::string reason) const;
    bool pause() const;
    bool resume() const;
    /// Runs `call` on the connection's loop if the connection is still there.
    bool run(std::function<void(WebSocketPeer&)> call) const;

private:
    friend class WebSocketPeer;
    WebSocketHandle(loop::Loop& loop, std::weak_ptr<WebSocketPeer> peer) : loop_(&loop), peer_(std::move(peer)) {}
    loop::Loop* loop_ = nullptr;
    std::weak_ptr<WebSocketPeer> peer_; // locked on loop_ alone
};

/// The server's end of a WebSocket. Its loop's thread only; see handle() for other threads.
class WebSocketPeer final : public std::enable_shared_from_this<WebSocketPeer>, private stream::DeadlineWheel::Entry {
public:
    struct Stats;
    WebSocketPeer(stream::DeadlineWheel& wheel, std::unique_ptr<stream::Stream> stream, net::TransportAddress client,
                  WebSocketOptions options, WebSocketEvents events, Stats& stats);
    ~WebSocketPeer();
    WebSocketPeer(const WebSocketPeer&) = delete;
    WebSocketPeer& operator=(const WebSocketPeer&) = delete;

    /// False, and nothing is sent, when the connection is closing, or closes because of this message (too much waits).
    bool send_text(std::string_view text) { return send(text, true); }
    bool send_binary(Bytes data) { return send(as_text(data), false); }

    /// Sends Close. The connection ends when the peer has answered it, 5 s later at the latest.
    void close(std::uint16_t code, std::string_view reason);
    void close(websocket::CloseCode code, std::string_view reason) { close(static_cast<std::uint16_t>(code), reason); }
    /// The server ends: 1001, and on_close says shutdown.
    void go_away();
    /// Ends at once, without a word.
    void abort();

    /// Stops reading: TCP's window then slows the sender down. Messages already read but not yet delivered wait too.
    void pause();
    void resume();
    [[nodiscard]] bool is_paused() const { return paused_; }
    /// A Close has been sent or received, or the stream has failed.
    [[nodiscard]] bool is_closing() const { return connection_.is_close_sent() || connection_.is_input_over() || end_; }

    /// Bytes, and messages, of which the kernel has not yet taken everything.
    [[nodiscard]] std::size_t bytes_waiting() const { return queue_.waiting(); }
    [[nodiscard]] std::size_t messages_waiting();

    [[nodiscard]] const net::TransportAddress& client() const { return client_; }
    [[nodiscard]] loop::Loop& loop() { return wheel_.loop(); }
    [[nodiscard]] WebSocketHandle handle() { return {loop(), weak_from_this()}; }

    struct Stats {
        stats::Counter opened;
        stats::Counter closed; ///< opened - closed are open
        stats::Counter messages_in;
        stats::Counter messages_out;
        stats::Counter violations[websocket::violation_count];
        stats::Counter dead;
        stats::Counter slow_consumers;
        stats::Counter handler_exceptions;
    };

    /// The life of a connection, run by the server. `read_ahead` came with the handshake.
    static asio::awaitable<void> run(std::shared_ptr<WebSocketPeer> peer, std::string read_ahead,
                                     std::span<std::byte> scratch);

private:
    using Why = WebSocketEnd::Why;
    [[nodiscard]] bool is_reading() const { return !end_ && !connection_.is_input_over(); }
    [[nodiscard]] bool must_wait() const { return !is_closing() && (paused_ || queue_.congested()); }
    void begin();
    void heard();
    void consume(Bytes& input);
    void handle(const websocket::Event& event);
    bool send(std::string_view payload, bool is_text);
    void write_control();
    void close(Why why, std::uint16_t code, std::string_view reason);
    void end(Why why, std::uint16_t code, std::string_view reason);
    void report_end();
    template <class Call>
    void guarded(const char* what, const Call& call);
    void on_deadline() override;
    void on_write_failure(stream::WriteFailure why);
    void wake() { resumed_.ring(); }

    stream::DeadlineWheel& wheel_;
    std::unique_ptr<stream::Stream> stream_;
    net::TransportAddress client_;
    WebSocketOptions options_;
    WebSocketEvents events_;
    Stats& stats_;
    websocket::Connection connection_;
    stream::WriteQueue queue_;
    std::deque<std::uint64_t> message_ends_; // by position in all bytes ever queued; only messages that still wait
    std::uint64_t queued_ = 0;
    std::string frame_; // reused for encoding
    Bell resumed_;
    Instant last_heard_;
    WebSocketEnd closing_; // what our own Close said
    std::optional<WebSocketEnd> end_;
    bool ping_outstanding_ = false;
    bool paused_ = false;
    bool corked_ = false; // inside consume(): what handlers send leaves in one go
};

} // namespace fairlead::http_server
