#include "stream_connection.hpp"

#include "bytes/reader.hpp"
#include "stun/message.hpp"

#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fairlead::load {
namespace {

constexpr std::size_t read_size = 64 << 10;

// RFC 8656 section 12.5: over a stream, ChannelData is padded to a multiple of four, which its length does not say.
struct FrameSize {
    std::size_t frame;
    std::size_t on_wire;
};
FrameSize frame_size(Bytes header) {
    const std::size_t length = bytes::load_u16(header, 2);
    const bool channel_data = (std::to_integer<unsigned>(header[0]) & 0xc0U) == 0x40U;
    if (channel_data) {
        return {4 + length, 4 + (length + 3) / 4 * 4};
    }
    return {stun::header_size + length, stun::header_size + length};
}

} // namespace

StreamConnection::StreamConnection(const net::TransportAddress& server, std::optional<net::IpAddress> from,
                                   SSL_CTX* tls) {
    const auto [address, length] = to_sockaddr(server);
    fd_ = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (from) {
        ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        const auto [source, source_length] = to_sockaddr({*from, 0});
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&source), source_length) != 0) {
            throw std::system_error(errno, std::generic_category(), "bind");
        }
    }
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno != EINPROGRESS) {
        state_ = State::closed;
        return;
    }
    if (tls != nullptr) {
        ssl_.reset(SSL_new(tls));
        SSL_set_fd(ssl_.get(), fd_);
        SSL_set_connect_state(ssl_.get());
    }
}

StreamConnection::~StreamConnection() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

StreamConnection::StreamConnection(StreamConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      state_(other.state_),
      ssl_(std::move(other.ssl_)),
      incoming_(std::move(other.incoming_)),
      outgoing_(std::move(other.outgoing_)) {}

void StreamConnection::advance() {
    if (state_ == State::connecting) {
        int error = 0;
        socklen_t length = sizeof error;
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
        sockaddr_storage peer{};
        socklen_t peer_length = sizeof peer;
        if (error != 0) {
            state_ = State::closed;
        } else if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0) {
            state_ = ssl_ ? State::handshaking : State::open;
        }
    }
    if (state_ == State::handshaking) {
        const int outcome = SSL_do_handshake(ssl_.get());
        if (outcome == 1) {
            state_ = State::open;
        } else if (const int why = SSL_get_error(ssl_.get(), outcome);
                   why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            state_ = State::closed;
        }
    }
    if (state_ == State::open && !outgoing_.empty()) {
        const auto waiting = std::exchange(outgoing_, {});
        write(waiting);
    }
}

bool StreamConnection::write(Bytes data) {
    if (state_ != State::open || !outgoing_.empty()) {
        return false;
    }
    while (!data.empty()) {
        const auto written = write_some(data);
        if (!written) {
            state_ = State::closed;
            return false;
        }
        if (*written == 0) {
            outgoing_.assign(data.begin(), data.end());
            break;
        }
        data = data.subspan(*written);
    }
    return true;
}

void StreamConnection::read(const Take& take) {
    while (state_ == State::open) {
        static std::array<std::byte, read_size> room;
        const auto got = read_some(room);
        if (!got) {
            state_ = State::closed;
        } else if (*got == 0) {
            return;
        }
        incoming_.insert(incoming_.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(got.value_or(0)));
        split_frames(take);
    }
}

void StreamConnection::split_frames(const Take& take) {
    Bytes rest = incoming_;
    while (rest.size() >= 4) {
        const FrameSize size = frame_size(rest);
        if (rest.size() < size.on_wire) {
            break;
        }
        take(rest.first(size.frame));
        rest = rest.subspan(size.on_wire);
    }
    incoming_.erase(incoming_.begin(), incoming_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

std::optional<std::size_t> StreamConnection::write_some(Bytes data) {
    if (ssl_) {
        ERR_clear_error();
        std::size_t written = 0;
        const int outcome = SSL_write_ex(ssl_.get(), data.data(), data.size(), &written);
        if (outcome == 1) {
            return written;
        }
        const int why = SSL_get_error(ssl_.get(), outcome);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? std::optional<std::size_t>(0) : std::nullopt;
    }
    const ssize_t written = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
    if (written >= 0) {
        return static_cast<std::size_t>(written);
    }
    return errno == EAGAIN ? std::optional<std::size_t>(0) : std::nullopt;
}

std::optional<std::size_t> StreamConnection::read_some(MutableBytes room) {
    if (ssl_) {
        ERR_clear_error();
        std::size_t got = 0;
        const int outcome = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
        if (outcome == 1) {
            return got;
        }
        const int why = SSL_get_error(ssl_.get(), outcome);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? std::optional<std::size_t>(0) : std::nullopt;
    }
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    if (got > 0) {
        return static_cast<std::size_t>(got);
    }
    return got < 0 && errno == EAGAIN ? std::optional<std::size_t>(0) : std::nullopt;
}

} // namespace fairlead::load
