#pragma once

#include "bytes/bytes.hpp"
#include "result/result.hpp"
#include "stream/stream.hpp"
#include "time/instant.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::stream {

enum class TlsError : std::uint8_t {
    certificate_unreadable, ///< the file cannot be opened (path and permission: see errno text in `detail`)
    certificate_malformed,
    key_unreadable,
    key_malformed,
    key_does_not_match,
    bad_cipher_list,
    out_of_memory,
};
[[nodiscard]] std::string_view describe(TlsError error);
struct TlsFailure {
    TlsError why = TlsError::out_of_memory;
    std::string detail; ///< file name and the system's or OpenSSL's words
};

/// PEM text. A chain is the leaf first, then the intermediates. Keys are wiped when destroyed.
struct CertificatePem {
    std::string chain;
    std::string key;
    CertificatePem() = default;
    CertificatePem(std::string c, std::string k) : chain(std::move(c)), key(std::move(k)) {}
    CertificatePem(CertificatePem&&) = default;
    CertificatePem& operator=(CertificatePem&&) = default;
    CertificatePem(const CertificatePem&) = default;
    CertificatePem& operator=(const CertificatePem&) = default;
    ~CertificatePem();
};

/// Reads both files (each at most 1 MiB). What is in them is judged by TlsContext.
[[nodiscard]] Result<CertificatePem, TlsFailure> load_certificate(const std::string& chain_file,
                                                                  const std::string& key_file);

/// A new P-256 key and a certificate for `names` (DNS names or IP literals), signed by itself, valid for `days`.
[[nodiscard]] CertificatePem make_self_signed(std::span<const std::string> names, UnixTime now, int days = 3650);
/// Writes the certificate (0644) and the key (0600), each by a temporary file and rename. errno on failure, else 0.
[[nodiscard]] int store_certificate(const CertificatePem& pem, const std::string& chain_file,
                                    const std::string& key_file);

struct ServerTlsOptions {
    bool tls_1_2 = true;
    bool tls_1_3 = true;
    /// OpenSSL's list for 1.2; empty: ECDHE with AEAD only.
    std::string cipher_list{};
    std::string cipher_suites{}; ///< for 1.3; empty: OpenSSL's default
    /// In order of our preference. A client without ALPN is served; one that offers only others is refused, except with
    /// `alpn_required` false.
    std::vector<std::string> alpn{};
    bool alpn_required = false;
    std::string key_password{};
};

/// 80 bytes that seal session tickets, shared by the workers so that a client may resume on any of them.
using TicketKeys = std::array<std::byte, 80>;

/// The server's side of TLS: certificate, versions, ALPN, tickets. No compression, no renegotiation, no 0-RTT.
/// Immutable in use except for replace(); one per loop, or one shared by all (replace() and handshakes lock inside
/// OpenSSL).
class TlsContext {
public:
    [[nodiscard]] static Result<std::shared_ptr<TlsContext>, TlsFailure> server(const CertificatePem& certificate,
                                                                                const ServerTlsOptions& options);
    struct ClientOptions {
        bool verify = true;
        std::string ca_file{}; ///< empty: the system's
        std::vector<std::string> alpn{};
    };
    [[nodiscard]] static Result<std::shared_ptr<TlsContext>, TlsFailure> client(const ClientOptions& options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// New handshakes use `certificate`; running sessions are not touched. On failure the old one stays. Any thread.
    [[nodiscard]] std::optional<TlsFailure> replace(const CertificatePem& certificate);
    void set_ticket_keys(const TicketKeys& keys);

    /// Of the certificate in use.
    [[nodiscard]] UnixTime not_after() const;
    /// Subject alternative names of the certificate in use.
    [[nodiscard]] std::vector<std::string> names() const;

    /// The OpenSSL side, for the streams of this module.
    class Native;
    [[nodiscard]] std::shared_ptr<const Native> native() const;

private:
    TlsContext();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// `ec` tells why there is no stream; `detail` is for the log ("no shared cipher").
struct Secured {
    ErrorCode ec;
    std::string detail;
    std::unique_ptr<Stream> stream;
};
/// The server's handshake over a connected stream; timed_out at `deadline`. The connection is closed on failure.
asio::awaitable<Secured> accept_tls(std::unique_ptr<TcpStream> stream, std::shared_ptr<TlsContext> context,
                                    Instant deadline);
/// The client's. `server_name` is sent (unless an IP literal) and verified.
asio::awaitable<Secured> connect_tls(std::unique_ptr<TcpStream> stream, std::shared_ptr<TlsContext> context,
                                     std::string server_name, Instant deadline);

} // namespace fairlead::stream
