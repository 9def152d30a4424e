#include "stream/stream.hpp"

#include "process/socket_address.hpp"

#include <boost/asio/error.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fairlead::stream {
namespace {

ErrorCode system_error(int error) {
    if (error == EAGAIN) {
        return asio::error::would_block;
    }
    return {error, boost::system::system_category()};
}

constexpr std::size_t most_pieces = 8;

} // namespace

asio::awaitable<ReadResult> Stream::read_some(MutableBytes into) {
    while (true) {
        const ReadResult result = try_read(into);
        if (result.ec != asio::error::would_block) {
            if (!result.ec && has_had_its_share()) {
                co_await loop::sleep_until(loop(), loop().steady_now()); // one turn
            }
            co_return result;
        }
        // After an error the stream may be gone: nothing of it is touched then.
        if (const ErrorCode ec = co_await wait_readable()) {
            co_return ReadResult{ec, 0};
        }
    }
}

asio::awaitable<ErrorCode> Stream::write(Bytes bytes) {
    const std::array<Bytes, 1> one{bytes};
    co_return co_await write_pieces(one);
}

asio::awaitable<ErrorCode> Stream::write(std::string_view text) {
    return write(as_bytes(text));
}

asio::awaitable<ErrorCode> Stream::write_pieces(std::span<const Bytes> pieces) {
    std::array<Bytes, most_pieces> rest;
    const auto end = std::ranges::copy(pieces.first(std::min(pieces.size(), most_pieces)), rest.begin()).out;
    auto next = rest.begin();
    while (true) {
        while (next != end && next->empty()) {
            ++next;
        }
        if (next == end) {
            co_return ErrorCode{};
        }
        ReadResult result = try_write(std::span(next, end));
        if (result.ec && result.ec != asio::error::would_block) {
            co_return result.ec;
        }
        if (result.n == 0) {
            if (const ErrorCode ec = co_await wait_writable()) {
                co_return ec;
            }
        } else if (has_had_its_share()) {
            co_await loop::sleep_until(loop(), loop().steady_now()); // one turn
            if (!is_open()) {
                co_return ErrorCode(asio::error::operation_aborted);
            }
        }
        for (; result.n != 0; ++next) {
            const std::size_t taken = std::min(result.n, next->size());
            *next = next->subspan(taken);
            result.n -= taken;
            if (!next->empty()) {
                break;
            }
        }
    }
}

TcpStream::TcpStream(DeadlineWheel& wheel, process::Descriptor socket)
    : wheel_(wheel),
      socket_(std::move(socket)),
      watch_(std::make_unique<loop::Watch>(wheel.loop(), socket_.get())),
      peer_(process::peer_address(socket_.get()).value_or(net::TransportAddress{})),
      local_(process::local_address(socket_.get()).value_or(net::TransportAddress{})) {
    if (!watch_->ok()) {
        end(asio::error::no_memory);
    }
}

TcpStream::~TcpStream() {
    end(asio::error::operation_aborted);
}

void TcpStream::end(ErrorCode why) {
    DeadlineWheel::remove(*this);
    if (watch_) {
        ended_ = why;
        watch_->cancel(why);
        watch_.reset();
    }
    socket_.reset();
}

void TcpStream::on_deadline() {
    end(asio::error::timed_out);
}

void TcpStream::close() {
    end(asio::error::operation_aborted);
}

void TcpStream::reset() {
    if (watch_) {
        const linger now{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close();
}

bool TcpStream::is_open() const {
    return watch_ != nullptr;
}

void TcpStream::expires_at(Instant deadline) {
    if (watch_) {
        wheel_.set(*this, deadline);
    }
}

void TcpStream::override_addresses(const net::TransportAddress& peer, const net::TransportAddress& local) {
    peer_ = peer;
    local_ = local;
}

ReadResult TcpStream::try_read(MutableBytes into) {
    if (!watch_) {
        return {ended_, 0};
    }
    if (!watch_->maybe_readable()) {
        return {asio::error::would_block, 0};
    }
    const ssize_t n = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (n < 0) {
        if (errno == EINTR) {
            return try_read(into);
        }
        if (errno == EAGAIN) {
            watch_->drained();
        }
        return {system_error(errno), 0};
    }
    if (n == 0 && !into.empty()) {
        return {asio::error::eof, 0};
    }
    if (static_cast<std::size_t>(n) < into.size()) {
        watch_->drained(); // epoll(7): a short read has emptied the stream; the next arrival is a new edge
    }
    return {{}, static_cast<std::size_t>(n)};
}

ReadResult TcpStream::try_peek(MutableBytes into) {
    if (!watch_) {
        return {ended_, 0};
    }
    const ssize_t n = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT | MSG_PEEK);
    if (n < 0) {
        if (errno == EAGAIN) {
            watch_->drained();
        }
        return {system_error(errno), 0};
    }
    if (n == 0 && !into.empty()) {
        return {asio::error::eof, 0};
    }
    if (static_cast<std::size_t>(n) < into.size()) {
        watch_->drained(); // the caller waits for more
    }
    return {{}, static_cast<std::size_t>(n)};
}

ReadResult TcpStream::try_write(std::span<const Bytes> pieces) {
    if (!watch_) {
        return {ended_, 0};
    }
    constexpr std::size_t most_vectors = 64;
    std::array<iovec, most_vectors> vectors;
    std::size_t count = 0;
    std::size_t total = 0;
    for (const Bytes piece : pieces.first(std::min(pieces.size(), most_vectors))) {
        vectors[count++] = {const_cast<std::byte*>(piece.data()), piece.size()};
        total += piece.size();
    }
    if (total == 0) {
        return {};
    }
    msghdr header{};
    header.msg_iov = vectors.data();
    header.msg_iovlen = count;
    const ssize_t n = ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EINTR) {
            return try_write(pieces);
        }
        if (errno == EAGAIN) {
            watch_->filled();
        }
        return {system_error(errno), 0};
    }
    if (static_cast<std::size_t>(n) < total) {
        watch_->filled();
    }
    return {{}, static_cast<std::size_t>(n)};
}

asio::awaitable<ErrorCode> TcpStream::wait_readable() {
    if (!watch_) {
        co_return ended_;
    }
    co_return co_await watch_->readable();
}

asio::awaitable<ErrorCode> TcpStream::wait_writable() {
    if (!watch_) {
        co_return ended_;
    }
    co_return co_await watch_->writable();
}

void TcpStream::shutdown() {
    if (watch_) {
        ::shutdown(socket_.get(), SHUT_WR);
    }
}

process::Descriptor TcpStream::release() {
    process::Descriptor socket(socket_.release());
    if (watch_) {
        wheel_.loop().unwatch(socket.get());
    }
    end(asio::error::operation_aborted);
    return socket;
}

int TcpStream::descriptor() const {
    return socket_.get();
}

asio::awaitable<Connected> connect(DeadlineWheel& wheel, net::TransportAddress to, net::TransportAddress local,
                                   Instant deadline) {
    Connected result;
    const bool v6 = to.address.is_v6();
    process::Descriptor socket(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!socket) {
        result.ec = system_error(errno);
        co_return result;
    }
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const bool anywhere = local.address.is_any() && local.port == 0;
    if (!anywhere) {
        if (local.port == 0) {
            ::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        }
        const process::SocketAddress source(local);
        if (::bind(socket.get(), source.data(), source.size()) != 0) {
            result.ec = system_error(errno);
            co_return result;
        }
    }
    const process::SocketAddress target(to);
    if (::connect(socket.get(), target.data(), target.size()) != 0 && errno != EINPROGRESS) {
        result.ec = system_error(errno);
        co_return result;
    }
    auto stream = std::make_unique<TcpStream>(wheel, std::move(socket));
    if (!stream->is_open()) {
        result.ec = stream->ended_;
        co_return result;
    }
    stream->expires_at(deadline);
    stream->watch_->filled();
    result.ec = co_await stream->wait_writable();
    if (!result.ec) {
        int error = 0;
        socklen_t length = sizeof error;
        ::getsockopt(stream->descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            result.ec = system_error(error);
        }
    }
    if (!result.ec) {
        stream->expires_at(never);
        stream->peer_ = to;
        stream->local_ = process::local_address(stream->descriptor()).value_or(local);
        result.stream = std::move(stream);
    }
    co_return result;
}

} // namespace fairlead::stream
