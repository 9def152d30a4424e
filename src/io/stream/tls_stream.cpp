#include "stream/stream.hpp"
#include "stream/tls_context.hpp"
#include "stream/tls_native.hpp"

#include <boost/asio/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

namespace fairlead::stream {
namespace {

ErrorCode protocol_error() {
    return make_error_code(boost::system::errc::protocol_error);
}

// What a TLS stream's BIO refers to.
struct Transport {
    std::unique_ptr<TcpStream> tcp;
    /// Finished records on their way to the kernel: while corked, and what it did not take.
    std::vector<std::byte> unsent;
    bool corked = false;
};

// OpenSSL reads and writes through the TcpStream, so readiness is known in one place, no write raises SIGPIPE, and the
// stream's own errors (its deadline, close()) come through.
int read_from_stream(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    auto& tcp = *static_cast<Transport*>(BIO_get_data(bio))->tcp;
    const ReadResult result = tcp.try_read(std::as_writable_bytes(std::span(into, static_cast<std::size_t>(size))));
    if (result.ec == asio::error::would_block) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (result.ec == asio::error::eof) {
        return 0;
    }
    return result.ec ? -1 : static_cast<int>(result.n);
}

int write_to_stream(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
    const std::array<Bytes, 1> piece{as_bytes(std::string_view(from, static_cast<std::size_t>(size)))};
    if (transport.corked || !transport.unsent.empty()) {
        transport.unsent.insert(transport.unsent.end(), piece[0].begin(), piece[0].end());
        return size;
    }
    const ReadResult result = transport.tcp->try_write(piece);
    if (result.ec == asio::error::would_block) {
        BIO_set_retry_write(bio);
        return -1;
    }
    return result.ec ? -1 : static_cast<int>(result.n);
}

long control_stream(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

BIO_METHOD* stream_method() {
    static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method = [] {
        std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> made(
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream"), &BIO_meth_free);
        BIO_meth_set_read(made.get(), read_from_stream);
        BIO_meth_set_write(made.get(), write_to_stream);
        BIO_meth_set_ctrl(made.get(), control_stream);
        return made;
    }();
    return method.get();
}

} // namespace

/// TLS over a TcpStream. Without a byte in flight it holds the SSL object and no buffer.
class TlsStream final : public Stream {
public:
    TlsStream(std::unique_ptr<TcpStream> tcp, std::shared_ptr<const TlsContext::Native> native)
        : transport_{.tcp = std::move(tcp), .unsent = {}, .corked = false},
          native_(std::move(native)),
          ssl_(SSL_new(native_->context.get())) {
        BIO* bio = BIO_new(stream_method());
        BIO_set_data(bio, &transport_);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
    }

    [[nodiscard]] SSL* ssl() { return ssl_.get(); }
    [[nodiscard]] TcpStream& tcp() { return *transport_.tcp; }

    ReadResult try_read(MutableBytes into) override {
        if (!transport_.tcp->is_open()) {
            return {transport_.tcp->ended_, 0};
        }
        ERR_clear_error();
        std::size_t n = 0;
        if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &n) == 1) {
            starved_ = false;
            return {{}, n};
        }
        const ErrorCode ec = reason(SSL_get_error(ssl_.get(), 0), read_waits_for_write_);
        starved_ = true;
        return {ec, 0};
    }

    ReadResult try_write(std::span<const Bytes> pieces) override {
        if (!transport_.tcp->is_open()) {
            return {transport_.tcp->ended_, 0};
        }
        if (const ErrorCode ec = send_unsent()) {
            return {ec, 0};
        }
        // Small pieces share a record: a frame of 200 bytes in a record of its own would cost 22 bytes and a system
        // call.
        std::size_t written = 0;
        while (true) {
            const Bytes chunk = gather(pieces, written);
            if (chunk.empty()) {
                return {{}, written};
            }
            ERR_clear_error();
            std::size_t n = 0;
            if (SSL_write_ex(ssl_.get(), chunk.data(), chunk.size(), &n) != 1) {
                bool waits_for_write = false;
                const ErrorCode ec = reason(SSL_get_error(ssl_.get(), 0), waits_for_write);
                return {written != 0 && ec == asio::error::would_block ? ErrorCode{} : ec, written};
            }
            written += n;
        }
    }

    ReadResult try_write_records(std::span<const Bytes> pieces) override {
        if (!transport_.tcp->is_open()) {
            return {transport_.tcp->ended_, 0};
        }
        if (const ErrorCode ec = send_unsent()) {
            return {ec, 0};
        }
        std::size_t written = 0;
        ErrorCode failed;
        transport_.corked = true;
        for (const Bytes piece : pieces) {
            ERR_clear_error();
            std::size_t n = 0;
            if (!piece.empty() && SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &n) != 1) {
                bool waits_for_write = false;
                failed = reason(SSL_get_error(ssl_.get(), 0), waits_for_write);
                break;
            }
            written += n;
        }
        transport_.corked = false;
        if (const ErrorCode ec = send_unsent(); ec && ec != asio::error::would_block) {
            return {ec, 0};
        }
        return {written != 0 && failed == asio::error::would_block ? ErrorCode{} : failed, written};
    }
    [[nodiscard]] bool has_unsent() const override { return !transport_.unsent.empty(); }

    asio::awaitable<ErrorCode> wait_readable() override {
        // A whole record may lie in OpenSSL's buffer, which the socket knows nothing of: it has to be asked first.
        if (!starved_) {
            co_return ErrorCode{};
        }
        if (read_waits_for_write_) {
            co_return co_await transport_.tcp->wait_writable();
        }
        co_return co_await transport_.tcp->wait_readable();
    }

    asio::awaitable<ErrorCode> wait_writable() override { return transport_.tcp->wait_writable(); }

    void shutdown() override {
        if (transport_.tcp->is_open()) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get()); // sends close_notify; the peer's is read like any other end
            ERR_clear_error();
            transport_.tcp->shutdown();
        }
    }
    void close() override { transport_.tcp->close(); }
    void reset() override { transport_.tcp->reset(); }
    [[nodiscard]] bool is_open() const override { return transport_.tcp->is_open(); }
    void expires_at(Instant deadline) override { transport_.tcp->expires_at(deadline); }
    [[nodiscard]] const net::TransportAddress& peer() const override { return transport_.tcp->peer(); }
    [[nodiscard]] const net::TransportAddress& local() const override { return transport_.tcp->local(); }
    void override_addresses(const net::TransportAddress& peer, const net::TransportAddress& local) override {
        transport_.tcp->override_addresses(peer, local);
    }

    [[nodiscard]] loop::Loop& loop() override { return transport_.tcp->loop(); }
    [[nodiscard]] bool is_tls() const override { return true; }
    [[nodiscard]] std::string_view alpn() const override {
        const unsigned char* name = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &length);
        return {reinterpret_cast<const char*>(name), length}; // NOLINT: OpenSSL's word for bytes
    }
    [[nodiscard]] std::string_view server_name() const override {
        const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
        return name == nullptr ? std::string_view() : name;
    }
    [[nodiscard]] std::string tls_description() const override {
        return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get());
    }

    /// What SSL_get_error means for us; would_block while the transport is not ready.
    ErrorCode reason(int error, bool& waits_for_write) {
        waits_for_write = false;
        switch (error) {
        case SSL_ERROR_WANT_READ:
            return asio::error::would_block;
        case SSL_ERROR_WANT_WRITE:
            waits_for_write = true;
            return asio::error::would_block;
        case SSL_ERROR_ZERO_RETURN:
            return asio::error::eof;
        case SSL_ERROR_SYSCALL:
            return transport_.tcp->is_open() ? ErrorCode(asio::error::connection_reset) : transport_.tcp->ended_;
        default:
            return protocol_error();
        }
    }

private:
    static constexpr std::size_t record = 16'384;

    // would_block while some of it is left.
    ErrorCode send_unsent() {
        if (transport_.unsent.empty()) {
            return {};
        }
        const std::array<Bytes, 1> rest{transport_.unsent};
        const ReadResult result = transport_.tcp->try_write(rest);
        if (result.ec) {
            return result.ec;
        }
        if (result.n < transport_.unsent.size()) {
            transport_.unsent.erase(transport_.unsent.begin(),
                                    transport_.unsent.begin() + static_cast<std::ptrdiff_t>(result.n));
            return asio::error::would_block;
        }
        transport_.unsent = {}; // an idle stream holds no buffer
        return {};
    }

    // The next bytes behind `skip`, at most a record's worth: a view of a large piece, or small ones joined.
    static Bytes gather(std::span<const Bytes> pieces, std::size_t skip) {
        thread_local std::array<std::byte, record> joined;
        std::size_t used = 0;
        for (Bytes piece : pieces) {
            const std::size_t passed = std::min(skip, piece.size());
            skip -= passed;
            piece = piece.subspan(passed);
            if (used == 0 && piece.size() >= record) {
                return piece.first(record);
            }
            const std::size_t taken = std::min(piece.size(), record - used);
            std::ranges::copy(piece.first(taken), joined.begin() + static_cast<std::ptrdiff_t>(used));
            used += taken;
        }
        return Bytes(joined).first(used);
    }

    Transport transport_;                              // before ssl_, whose BIO refers to it
    std::shared_ptr<const TlsContext::Native> native_; // its callbacks look at it
    Owned<SSL> ssl_;
    bool starved_ = false; // the last read wanted more than has arrived
    bool read_waits_for_write_ = false;
};

namespace {

asio::awaitable<Secured> shake_hands(std::unique_ptr<TlsStream> stream, Instant deadline) {
    Secured result;
    TcpStream& tcp = stream->tcp();
    tcp.expires_at(deadline);
    while (true) {
        ERR_clear_error();
        const int done = SSL_do_handshake(stream->ssl());
        if (done == 1) {
            tcp.expires_at(never);
            result.stream = std::move(stream);
            co_return result;
        }
        bool waits_for_write = false;
        result.ec = stream->reason(SSL_get_error(stream->ssl(), done), waits_for_write);
        if (result.ec != asio::error::would_block) {
            result.detail = take_openssl_error();
            if (const long verdict = SSL_get_verify_result(stream->ssl()); verdict != X509_V_OK) {
                result.detail = X509_verify_cert_error_string(verdict);
            }
            break;
        }
        if (waits_for_write) {
            result.ec = co_await tcp.wait_writable();
        } else {
            result.ec = co_await tcp.wait_readable();
        }
        if (result.ec) {
            result.detail = result.ec == asio::error::timed_out ? "the handshake took too long" : result.ec.message();
            break;
        }
    }
    stream->close();
    co_return result;
}

} // namespace

asio::awaitable<Secured> accept_tls(std::unique_ptr<TcpStream> stream, std::shared_ptr<TlsContext> context,
                                    Instant deadline) {
    auto secured = std::make_unique<TlsStream>(std::move(stream), context->native());
    SSL_set_accept_state(secured->ssl());
    return shake_hands(std::move(secured), deadline);
}

asio::awaitable<Secured> connect_tls(std::unique_ptr<TcpStream> stream, std::shared_ptr<TlsContext> context,
                                     std::string server_name, Instant deadline) {
    const auto native = context->native();
    auto secured = std::make_unique<TlsStream>(std::move(stream), native);
    SSL* const ssl = secured->ssl();
    SSL_set_connect_state(ssl);
    const bool literal = net::IpAddress::parse(server_name).has_value();
    // RFC 6066 section 3: literal addresses are not permitted in "HostName".
    if (!literal) {
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name.data());
    }
    if (native->verify_peer) {
        X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
        if (literal) {
            X509_VERIFY_PARAM_set1_ip_asc(expected, server_name.c_str());
        } else {
            X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            X509_VERIFY_PARAM_set1_host(expected, server_name.c_str(), server_name.size());
        }
    }
    return shake_hands(std::move(secured), deadline);
}

} // namespace fairlead::stream
