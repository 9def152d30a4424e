#include "http_server/websocket_peer.hpp"

#include "log/log.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>

namespace fairlead::http_server {
namespace {

/// Our Close must have left, and been answered, within this.
constexpr Duration close_deadline = std::chrono::seconds(5);
/// How long a peer that broke the protocol may take to read our Close.
constexpr Duration linger_deadline = std::chrono::seconds(2);
/// Room in the write queue beyond what messages may use: a Close, Pongs and Pings always fit.
constexpr std::size_t control_room = std::size_t{64} * 1024;

stream::WriteQueue::Limits write_limits(const WebSocketOptions& options) {
    return {.high = options.queue / 2, .low = options.queue / 4, .most = options.queue + control_room};
}

} // namespace

std::string_view describe(WebSocketEnd::Why why) {
    switch (why) {
    case WebSocketEnd::Why::closed:
        return "closed";
    case WebSocketEnd::Why::violation:
        return "protocol violation";
    case WebSocketEnd::Why::lost:
        return "connection lost";
    case WebSocketEnd::Why::dead:
        return "no sign of life";
    case WebSocketEnd::Why::slow_consumer:
        return "slow consumer";
    case WebSocketEnd::Why::failed:
        return "handler failed";
    case WebSocketEnd::Why::shutdown:
        return "server going away";
    }
    return "unknown";
}

bool WebSocketHandle::run(std::function<void(WebSocketPeer&)> call) const {
    if (loop_ == nullptr) {
        return false;
    }
    return loop_->send([peer = peer_, call = std::move(call)] {
        if (const auto alive = peer.lock()) {
            call(*alive);
        }
    });
}

bool WebSocketHandle::send_text(std::string text) const {
    return run([text = std::move(text)](WebSocketPeer& peer) { peer.send_text(text); });
}
bool WebSocketHandle::send_binary(std::string data) const {
    return run([data = std::move(data)](WebSocketPeer& peer) { peer.send_binary(as_bytes(data)); });
}
bool WebSocketHandle::close(std::uint16_t code, std::string reason) const {
    return run([code, reason = std::move(reason)](WebSocketPeer& peer) { peer.close(code, reason); });
}
bool WebSocketHandle::pause() const {
    return run([](WebSocketPeer& peer) { peer.pause(); });
}
bool WebSocketHandle::resume() const {
    return run([](WebSocketPeer& peer) { peer.resume(); });
}

WebSocketPeer::WebSocketPeer(stream::DeadlineWheel& wheel, std::unique_ptr<stream::Stream> stream,
                             net::TransportAddress client, WebSocketOptions options, WebSocketEvents events,
                             Stats& stats)
    : wheel_(wheel),
      stream_(std::move(stream)),
      client_(client),
      options_(std::move(options)),
      events_(std::move(events)),
      stats_(stats),
      connection_(websocket::Role::server, options_.limits),
      queue_(
          wheel.loop(), *stream_, write_limits(options_), [this](stream::WriteFailure why) { on_write_failure(why); },
          [this] {
              wake();
              if (events_.on_drained && !is_closing()) {
                  guarded("on_drained", [this] { events_.on_drained(*this); });
              }
          }),
      resumed_(wheel.loop()),
      last_heard_(wheel.loop().steady_now()) {}

WebSocketPeer::~WebSocketPeer() {
    wheel_.remove(*this);
}

asio::awaitable<void> WebSocketPeer::run(std::shared_ptr<WebSocketPeer> peer, std::string read_ahead,
                                         std::span<std::byte> scratch) {
    peer->begin();
    Bytes input = as_bytes(read_ahead);
    while (peer->is_reading()) {
        if (peer->must_wait()) {
            co_await peer->resumed_.rung();
            continue;
        }
        if (input.empty()) {
            const stream::ErrorCode ec = co_await peer->stream_->wait_readable();
            const stream::ReadResult read = ec ? stream::ReadResult{ec, 0} : peer->stream_->try_read(scratch);
            if (read.ec == asio::error::would_block) {
                continue;
            }
            if (read.ec) {
                peer->end(Why::lost, 1006, read.ec.message());
                break;
            }
            peer->heard();
            input = scratch.first(read.n);
        }
        peer->consume(input);
        if (!input.empty()) { // paused: the scratch buffer is everybody's
            std::string rest(as_text(input));
            read_ahead = std::move(rest);
            input = as_bytes(read_ahead);
        }
    }
    peer->report_end();
    // The server ends the TCP connection first (RFC 6455 section 7.1.1): at once when both Close frames have passed,
    // else after giving the peer time to read ours, since unread bytes here would turn FIN into RST.
    if (peer->stream_->is_open()) {
        peer->queue_.shutdown_when_empty();
        peer->stream_->expires_at(peer->loop().steady_now() + linger_deadline);
        bool open = !(peer->end_->why != Why::violation && peer->queue_.waiting() == 0);
        while (open) {
            const stream::ErrorCode ec = co_await peer->stream_->wait_readable();
            const stream::ReadResult read = ec ? stream::ReadResult{ec, 0} : peer->stream_->try_read(scratch);
            open = !read.ec || read.ec == asio::error::would_block;
        }
    }
    peer->queue_.close();
    peer->stream_->close();
}

void WebSocketPeer::begin() {
    stats_.opened.add();
    stream_->expires_at(never);
    wheel_.set(*this, last_heard_ + options_.ping_every);
    if (events_.on_open) {
        guarded("on_open", [this] { events_.on_open(*this); });
    }
}

void WebSocketPeer::heard() {
    last_heard_ = loop().steady_now();
    ping_outstanding_ = false;
}

void WebSocketPeer::consume(Bytes& input) {
    corked_ = true;
    while (!input.empty() && is_reading() && !(paused_ && !is_closing())) {
        const auto event = connection_.push(input);
        if (connection_.has_answers()) {
            write_control();
        }
        if (event) {
            handle(*event);
        }
    }
    corked_ = false;
    queue_.flush();
}

void WebSocketPeer::handle(const websocket::Event& event) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) {
        stats_.messages_in.add();
        if (events_.on_message) {
            guarded("on_message", [&] { events_.on_message(*this, *message); });
        }
    } else if (const auto* close = std::get_if<websocket::CloseReceived>(&event)) {
        if (closing_.code != 1006) {
            end(closing_.why, closing_.code, closing_.reason);
        } else {
            end(Why::closed, close->code, close->reason);
        }
    } else if (const auto* failed = std::get_if<websocket::Failed>(&event)) {
        stats_.violations[static_cast<std::size_t>(failed->why)].add();
        end(Why::violation, static_cast<std::uint16_t>(websocket::close_code(failed->why)),
            websocket::describe(failed->why));
    }
}

bool WebSocketPeer::send(std::string_view payload, bool is_text) {
    if (is_closing()) {
        return false;
    }
    frame_.clear();
    websocket::write({.fin = true,
                      .opcode = is_text ? websocket::Opcode::text : websocket::Opcode::binary,
                      .length = payload.size(),
                      .mask = {}},
                     frame_);
    const std::size_t size = frame_.size() + payload.size();
    if (corked_ && queue_.waiting() + size > options_.queue) { // the peer may well be ready to take what we held back
        queue_.flush();
    }
    if (queue_.waiting() + size > options_.queue || messages_waiting() >= options_.queue_messages) {
        stats_.slow_consumers.add();
        close(Why::slow_consumer, static_cast<std::uint16_t>(websocket::CloseCode::policy_violation),
              "connection too slow to keep up with messages");
        return false;
    }
    const std::array<Bytes, 2> pieces{as_bytes(frame_), as_bytes(payload)};
    if (!(corked_ ? queue_.push(pieces) : queue_.write(pieces))) {
        return false;
    }
    stats_.messages_out.add();
    queued_ += size;
    if (queue_.waiting() > 0) {
        message_ends_.push_back(queued_);
    }
    return true;
}

std::size_t WebSocketPeer::messages_waiting() {
    const std::uint64_t written = queued_ - queue_.waiting();
    while (!message_ends_.empty() && message_ends_.front() <= written) {
        message_ends_.pop_front();
    }
    return message_ends_.size();
}

void WebSocketPeer::write_control() {
    frame_.clear();
    connection_.write_answers(frame_);
    if (queue_.push(as_bytes(frame_))) {
        queued_ += frame_.size();
    }
    if (!corked_) {
        queue_.flush();
    }
}

void WebSocketPeer::close(std::uint16_t code, std::string_view reason) {
    close(Why::closed, code, reason);
}

void WebSocketPeer::close(Why why, std::uint16_t code, std::string_view reason) {
    if (is_closing()) {
        return;
    }
    closing_ = {.why = why, .code = code, .reason = std::string(reason)};
    frame_.clear();
    connection_.write_close(code, reason, frame_);
    if (queue_.push(as_bytes(frame_))) {
        queued_ += frame_.size();
    }
    queue_.flush();
    stream_->expires_at(loop().steady_now() + close_deadline);
    wake();
}

void WebSocketPeer::go_away() {
    close(Why::shutdown, static_cast<std::uint16_t>(websocket::CloseCode::going_away), "server is going away");
}

void WebSocketPeer::abort() {
    end(Why::closed, 1006, {});
    stream_->reset();
    wake();
}

void WebSocketPeer::pause() {
    paused_ = true;
}

void WebSocketPeer::resume() {
    if (paused_) {
        paused_ = false;
        last_heard_ = loop().steady_now(); // nobody could hear the peer meanwhile
        wake();
    }
}

void WebSocketPeer::end(Why why, std::uint16_t code, std::string_view reason) {
    if (!end_) {
        const bool unanswered = why == Why::lost && closing_.code != 1006;
        end_ = unanswered ? closing_ : WebSocketEnd{.why = why, .code = code, .reason = std::string(reason)};
    }
}

void WebSocketPeer::report_end() {
    wheel_.remove(*this);
    stats_.closed.add();
    end(Why::lost, 1006, {});
    if (events_.on_close) {
        guarded("on_close", [this] { events_.on_close(*this, *end_); });
    }
    events_ = {};
}

/// A handler's exception ends its connection and nothing else.
template <class Call>
void WebSocketPeer::guarded(const char* what, const Call& call) {
    try {
        call();
        return;
    } catch (const std::exception& error) {
        log::error("http", "WebSocket handler threw", {{"handler", what}, {"error", error.what()}});
    } catch (...) {
        log::error("http", "WebSocket handler threw", {{"handler", what}});
    }
    stats_.handler_exceptions.add();
    if (stream_->is_open()) {
        close(Why::failed, static_cast<std::uint16_t>(websocket::CloseCode::internal_error), {});
    }
}

void WebSocketPeer::on_deadline() {
    if (is_closing()) {
        return;
    }
    const Instant now = loop().steady_now();
    if (paused_ || queue_.congested()) {
        wheel_.set(*this, now + options_.ping_every);
        return;
    }
    if (ping_outstanding_ && now >= last_heard_ + options_.dead_after) {
        stats_.dead.add();
        end(Why::dead, 1006, {});
        stream_->reset();
        wake();
        return;
    }
    if (!ping_outstanding_ && now >= last_heard_ + options_.ping_every) {
        ping_outstanding_ = true;
        frame_.clear();
        connection_.write_ping({}, frame_);
        if (queue_.push(as_bytes(frame_))) {
            queued_ += frame_.size();
        }
        queue_.flush();
    }
    wheel_.set(*this, last_heard_ + (ping_outstanding_ ? options_.dead_after : options_.ping_every));
}

void WebSocketPeer::on_write_failure(stream::WriteFailure why) {
    if (why != stream::WriteFailure::broken) {
        stats_.slow_consumers.add();
        end(Why::slow_consumer, 1006, stream::describe(why));
    } else {
        end(Why::lost, 1006, stream::describe(why));
    }
    wake();
}

} // namespace fairlead::http_server
