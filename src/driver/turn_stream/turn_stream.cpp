#include "turn_stream/turn_stream.hpp"

#include "log/address.hpp"
#include "log/log.hpp"
#include "stream/write_queue.hpp"
#include "turn/stream_framer.hpp"

#include <boost/asio/error.hpp>

#include <array>
#include <utility>

namespace fairlead::turn_stream {

namespace {

using loop::asio::awaitable;

// One read takes what one batch of the datagram engine takes: enough for a burst, small enough to stay in cache.
constexpr std::size_t scratch_size = std::size_t{64} << 10U;
// Reads of one connection before the loop's other work gets its turn.
constexpr int reads_per_turn = 4;
// RFC 8446 section 5.1: the content type of a handshake record. No STUN message and no ChannelData begins with it.
constexpr std::byte tls_handshake{22};

constexpr std::array<std::byte, 3> zeros{};

// Counts a coroutine in and out.
class Busy {
public:
    explicit Busy(std::size_t& count) : count_(count) { ++count_; }
    ~Busy() { --count_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    Busy(Busy&&) = delete;
    Busy& operator=(Busy&&) = delete;

private:
    std::size_t& count_;
};

} // namespace

struct TurnStream::Connection {
    Connection(TurnStream& owner, std::unique_ptr<stream::Stream> s, net::Transport transport, admission::Pass p)
        : stream(std::move(s)),
          path{.client = stream->peer(), .server = stream->local(), .transport = transport},
          pass(std::move(p)),
          queue(owner.loop_, *stream,
                {.high = owner.options_.congested_at,
                 .low = owner.options_.congested_at / 4,
                 .most = owner.options_.closed_at,
                 .records = stream->is_tls()},
                [&owner, client = path.client](stream::WriteFailure why) {
                    if (why != stream::WriteFailure::broken) {
                        owner.stats_.slow_peers.add();
                        log::info("turn", "connection closed",
                                  {{"client", log::shown(client)}, {"reason", describe(why)}});
                    }
                }) {}

    std::unique_ptr<stream::Stream> stream;
    net::FiveTuple path;
    admission::Pass pass;
    turn::StreamFramer framer;
    stream::WriteQueue queue;
    bool in_unflushed = false;
    bool greeted = false; // a first whole message has come
};

TurnStream::TurnStream(turn_relay::TurnRelay& relay, stream::DeadlineWheel& wheel, admission::Gate& gate,
                       std::shared_ptr<stream::TlsContext> tls, const Options& options)
    : relay_(relay),
      loop_(relay.engine().loop()),
      wheel_(wheel),
      gate_(gate),
      tls_(std::move(tls)),
      options_(options),
      scratch_(scratch_size) {
    relay.attach(net::Transport::tcp, *this);
    relay.attach(net::Transport::tls, *this);
}

TurnStream::~TurnStream() = default;

Result<net::TransportAddress, stream::ErrorCode> TurnStream::listen(const Listener& listener) {
    stream::ListenOptions options;
    options.local = listener.local;
    options.reuse_port = options_.reuse_port;
    auto acceptor = stream::Acceptor::listen(wheel_, options);
    if (!acceptor) {
        return fail(acceptor.error());
    }
    const net::TransportAddress local = (*acceptor)->local();
    open_.push_back({std::move(*acceptor), listener});
    loop_.spawn("turn accept", accept(open_.back().acceptor.get(), listener));
    return local;
}

void TurnStream::close() {
    closed_ = true;
    for (const Open& open : open_) {
        open.acceptor->close();
    }
    for (const auto& [path, connection] : connections_) {
        connection->stream->close();
    }
}

awaitable<void> TurnStream::accept(stream::Acceptor* acceptor, Listener listener) {
    const Busy busy(busy_);
    for (;;) {
        stream::Accepted accepted = co_await acceptor->accept();
        if (accepted.ec || closed_) {
            co_return;
        }
        stats_.accepted.add();
        admission::Pass pass = gate_.admit(accepted.stream->peer().address);
        if (!pass) {
            stats_.refused_full.add();
            accepted.stream->reset();
            continue;
        }
        loop_.spawn("turn connection", serve(std::move(accepted.stream), listener, std::move(pass)));
    }
}

awaitable<void> TurnStream::serve(std::unique_ptr<stream::TcpStream> tcp, Listener listener, admission::Pass pass) {
    const Busy busy(busy_);
    const Instant deadline = loop_.steady_now() + options_.first_message;
    tcp->expires_at(deadline);
    stream::ErrorCode readable;
    stream::ReadResult peeked;
    std::array<std::byte, 1> first{};
    do { // a stream may wake up with nothing to read
        readable = co_await tcp->wait_readable();
        peeked = readable ? stream::ReadResult{} : tcp->try_peek(first);
    } while (peeked.ec == loop::asio::error::would_block);
    if (peeked.n == 0) {
        (readable == loop::asio::error::timed_out ? stats_.timed_out : stats_.connections_closed).add();
        co_return;
    }
    const bool secure = first[0] == tls_handshake;
    if (secure ? !listener.tls || !tls_ : !listener.plain) {
        stats_.wrong_protocol.add();
        tcp->reset();
        co_return;
    }
    std::unique_ptr<stream::Stream> stream;
    if (secure) {
        const net::TransportAddress client = tcp->peer();
        std::shared_ptr<stream::TlsContext> context = tls_;
        stream::Secured secured = co_await stream::accept_tls(std::move(tcp), std::move(context), deadline);
        if (secured.ec) {
            stats_.tls_failed.add();
            log::info("turn", "TLS handshake failed", {{"client", log::shown(client)}, {"reason", secured.detail}});
            co_return;
        }
        stream = std::move(secured.stream);
    } else {
        stream = std::move(tcp);
    }
    if (closed_) {
        co_return;
    }
    auto connection = std::make_shared<Connection>(*this, std::move(stream),
                                                   secure ? net::Transport::tls : net::Transport::tcp, std::move(pass));
    connection->stream->expires_at(loop_.steady_now() + options_.first_message);
    connections_[connection->path] = connection;
    co_await serve_messages(connection);
    connection->queue.close();
    connection->stream->close();
    connections_.erase(connection->path);
    stats_.connections_closed.add();
    relay_.connection_closed(loop_.now(), connection->path);
    relay_.engine().flush();
}

awaitable<void> TurnStream::serve_messages(std::shared_ptr<Connection> connection) {
    for (;;) {
        stream::ErrorCode ec = co_await connection->stream->wait_readable();
        for (int i = 0; i < reads_per_turn && !ec; ++i) {
            const stream::ReadResult read = connection->stream->try_read(scratch_);
            if (read.ec == loop::asio::error::would_block) {
                break;
            }
            ec = read.ec;
            if (read.n > 0) {
                const bool framed = take(*connection, Bytes(scratch_).first(read.n));
                relay_.engine().flush(); // before scratch_ is read into again
                relay_.settle();
                if (!framed) {
                    connection->stream->reset();
                    co_return;
                }
            }
        }
        if (ec) {
            if (ec == loop::asio::error::timed_out) {
                stats_.timed_out.add();
            }
            co_return;
        }
    }
}

// Hands every whole message to the relay. False when the bytes are not STUN: the stream cannot be followed any more.
bool TurnStream::take(Connection& connection, Bytes arrived) {
    const Now now = loop_.now();
    bool whole_message = false;
    for (;;) {
        const auto message = connection.framer.next(arrived);
        if (!message) {
            stats_.framing_errors.add();
            log::info("turn", "connection closed",
                      {{"client", log::shown(connection.path.client)}, {"reason", describe(message.error())}});
            return false;
        }
        if (!*message) {
            break;
        }
        whole_message = true;
        relay_.from_client(now, connection.path, **message, {});
        // A message put together from pieces lies in the framer, not in scratch_, and is gone with the next one.
        if (connection.framer.buffered() > 0) {
            relay_.engine().flush();
        }
    }
    set_deadline(connection, whole_message);
    return true;
}

void TurnStream::set_deadline(Connection& connection, bool whole_message) {
    connection.greeted = connection.greeted || whole_message;
    if (!connection.greeted) {
        return; // the deadline of the first message stands, however slowly it drips
    }
    const Instant now = loop_.steady_now();
    if (connection.framer.mid_message()) {
        if (whole_message) {
            connection.stream->expires_at(now + options_.unfinished_message);
        }
        return;
    }
    if (relay_.server().has_allocation(now, connection.path)) {
        connection.stream->expires_at(never);
    } else {
        connection.stream->expires_at(now + options_.idle_without_allocation);
    }
}

void TurnStream::send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
                      const turn_relay::Marks& /*marks*/) {
    const auto found = connections_.find(path);
    if (found == connections_.end()) {
        return;
    }
    Connection& connection = *found->second;
    if (connection.queue.congested()) {
        stats_.congestion_drops.add();
        return;
    }
    const std::array<Bytes, 3> pieces{header, payload, Bytes(zeros).first(padding)};
    if (connection.queue.push(pieces) && !connection.in_unflushed) {
        connection.in_unflushed = true;
        unflushed_.push_back(found->second);
    }
}

void TurnStream::transmit(const net::FiveTuple& path, Bytes message) {
    const auto found = connections_.find(path);
    if (found != connections_.end() && found->second->queue.push(message) && !found->second->in_unflushed) {
        found->second->in_unflushed = true;
        unflushed_.push_back(found->second);
    }
}

void TurnStream::allocation_ended(const net::FiveTuple& path) {
    if (const auto found = connections_.find(path); found != connections_.end()) {
        found->second->stream->expires_at(loop_.steady_now() + options_.idle_without_allocation);
    }
}

void TurnStream::flush() {
    // flush() may end a stream, never begin one: the list does not grow meanwhile.
    for (const std::shared_ptr<Connection>& connection : unflushed_) {
        connection->in_unflushed = false;
        connection->queue.flush();
    }
    unflushed_.clear();
}

} // namespace fairlead::turn_stream
