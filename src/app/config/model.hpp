#pragma once

#include "config/origin.hpp"
#include "net/address.hpp"
#include "net/prefix.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everything that can be configured, as plain values. The initialisers here are the defaults; registry.cpp gives each
/// value its key, its range and its description. Readers of a Model may rely on all ranges and cross rules: load()
/// hands out no Model that breaks one.
namespace fairlead::config {

using namespace std::chrono_literals;

/// A value that no log line, dump or message may show.
struct Secret {
    std::string text;
    friend bool operator==(const Secret&, const Secret&) = default;
};

struct ByteSize {
    std::uint64_t bytes = 0;
    friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

/// Both ends belong to the range.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// A static TURN user: either the password, or the long-term key itself (RFC 8489 section 9.2.2).
struct User {
    std::string name;
    Secret password;
    /// MD5(name ":" realm ":" password), instead of the password.
    std::optional<std::array<std::byte, 16>> key;
    friend bool operator==(const User&, const User&) = default;
};

/// One-to-one NAT: what clients are told instead of the address that the socket is bound to.
struct AddressMapping {
    net::IpAddress advertised;
    /// Empty: every local address of the same family.
    std::optional<net::IpAddress> local;
    friend bool operator==(const AddressMapping&, const AddressMapping&) = default;
};

using Addresses = std::vector<net::IpAddress>;
using TransportAddresses = std::vector<net::TransportAddress>;

struct Server {
    /// Empty: one per core.
    std::optional<unsigned> workers;
    /// Empty: $STATE_DIRECTORY, or .run in the working directory. load() fills it, so readers always find a path.
    std::filesystem::path state_dir;
    std::chrono::seconds drain_timeout = 30s;
    bool dev = false;
};

struct Listen {
    /// STUN and TURN over UDP and TCP. Wildcards of both families are two entries.
    TransportAddresses turn = {{net::IpAddress::any(net::Family::v4), 3478},
                               {net::IpAddress::any(net::Family::v6), 3478}};
    /// STUN and TURN over TLS and DTLS.
    TransportAddresses turn_tls = {{net::IpAddress::any(net::Family::v4), 5349},
                                   {net::IpAddress::any(net::Family::v6), 5349}};
    bool udp = true;
    bool tcp = true;
    bool tls = true;
    bool dtls = true;
    TransportAddresses http = {{net::IpAddress::any(net::Family::v4), 8080},
                               {net::IpAddress::any(net::Family::v6), 8080}};
    TransportAddresses https = {{net::IpAddress::any(net::Family::v4), 8443},
                                {net::IpAddress::any(net::Family::v6), 8443}};
    /// /metrics, /healthz, /readyz.
    TransportAddresses admin = {{net::IpAddress::v4(127, 0, 0, 1), 9641}};
};

struct Advertise {
    /// Name or address in the URLs that clients are given; empty: found at start.
    std::optional<std::string> host;
    std::vector<AddressMapping> relay_addresses;
};

enum class PeerPreset : std::uint8_t {
    public_only, ///< special-purpose addresses are refused unless allowed
    any,         ///< all are accepted unless denied
    list,        ///< only what is allowed
};

struct Peers {
    PeerPreset policy = PeerPreset::public_only;
    std::vector<net::Prefix> allow;
    std::vector<net::Prefix> deny;
    /// Peer ports below this are refused; 0: none.
    std::uint32_t lowest_port = 1024;
};

struct Relay {
    /// Empty: the addresses that the system sends from, one per family.
    Addresses addresses;
    PortRange ports = {49152, 65535};
    Peers peers;
};

struct Lifetimes {
    std::chrono::seconds allocation = 600s;
    std::chrono::seconds allocation_max = 3600s;
    std::chrono::seconds permission = 300s;
    std::chrono::seconds channel = 600s;
    std::chrono::seconds nonce = 600s;
};

struct Quotas {
    /// Concurrent allocations of one user; 0: no limit.
    std::uint32_t user = 20;
    /// Concurrent allocations of the server; 0: no limit but the ports.
    std::uint32_t total = 0;
    std::uint32_t permissions = 64;
    std::uint32_t channels = 64;
};

/// Answers to requests without valid credentials: a token bucket per source (IPv4 address, IPv6 /56) and one for all.
struct UnauthenticatedAnswers {
    bool limited = true;
    /// Per second.
    std::uint32_t rate = 20;
    std::uint32_t burst = 20;
    std::uint32_t total_rate = 20'000;
    std::uint32_t total_burst = 20'000;
};

struct Turn {
    bool enabled = true;
    std::string realm = "fairlead";
    /// Shared secrets of time-limited credentials: the first signs, all are accepted. Empty: the one in the state
    /// directory, generated at the first start.
    std::vector<Secret> secrets;
    std::vector<User> users;
    /// A time-limited username that ends later than this from now is refused; 0: no limit.
    std::chrono::seconds longest_credential_life = std::chrono::days(7);
    Lifetimes lifetimes;
    Quotas quotas;
    UnauthenticatedAnswers unauthenticated_answers;
    /// Channel numbers 0x4000 to 0x7FFF instead of RFC 8656's 0x4000 to 0x4FFF.
    bool rfc5766_channel_numbers = false;
    /// FINGERPRINT in every answer; otherwise only where the request had it.
    bool fingerprint = false;
    /// SOFTWARE attribute; empty: none.
    std::string software;
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

struct Tls {
    /// PEM files; both empty: a self-signed certificate in the state directory.
    std::filesystem::path certificate;
    std::filesystem::path key;
    TlsVersion min_version = TlsVersion::tls_1_2;
};

struct RtcConfig {
    bool enabled = true;
    std::chrono::seconds ttl = 1800s;
    std::chrono::seconds credential_life = 12h;
    /// "https://app.example.org", or "*" alone.
    std::vector<std::string> allowed_origins;
    /// For application servers, which vouch for the username they name.
    std::vector<Secret> api_keys;
    /// Credentials for callers without a key, too.
    bool open = false;
};

enum class UserIdForm : std::uint8_t { issuer, username };

struct Presence {
    bool enabled = true;
    std::string path = "/presence";
    ByteSize max_message = {std::uint64_t{64} * 1024};
    /// Between two relayed messages to one user; 0: no pacing.
    std::chrono::milliseconds pace = 100ms;
    UserIdForm user_id = UserIdForm::issuer;
    std::uint32_t sessions_per_user = 8;
};

struct Web {
    bool enabled = true;
    /// Serves the pages from here instead of the built-in ones; empty: built-in.
    std::filesystem::path root;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
enum class LogFormat : std::uint8_t { automatic, text, json };
enum class LogAddresses : std::uint8_t { shown, masked, hidden };

struct Log {
    LogLevel level = LogLevel::info;
    /// Topics that differ from `level`.
    std::map<std::string, LogLevel, std::less<>> topics;
    LogFormat format = LogFormat::automatic;
    LogAddresses addresses = LogAddresses::shown;
};

struct Limits {
    /// Streams of all kinds: TURN over TCP and TLS, HTTP, WebSocket.
    std::uint32_t connections = 10000;
    /// From one source address.
    std::uint32_t connections_per_source = 256;
    ByteSize http_header = {std::uint64_t{16} * 1024};
    ByteSize http_body = {std::uint64_t{64} * 1024};
    /// Until a new connection has finished its TLS handshake and sent its first complete message.
    std::chrono::seconds handshake_timeout = 10s;
    /// Of an HTTP connection between two requests.
    std::chrono::seconds idle_timeout = 60s;
};

/// Where each value that is not a built-in default came from, by key path.
class Origins {
public:
    /// Built-in when the key was not set.
    [[nodiscard]] Origin of(std::string_view path) const;
    void set(std::string_view path, Origin origin);

private:
    std::map<std::string, Origin, std::less<>> by_path_;
};

struct Model {
    Server server;
    Listen listen;
    Advertise advertise;
    Relay relay;
    Turn turn;
    Tls tls;
    RtcConfig rtcconfig;
    Presence presence;
    Web web;
    Log log;
    Limits limits;
    Origins origins;
};

} // namespace fairlead::config
