#pragma once

#include "account/shared_secret.hpp"
#include "net/address.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::json {
class Value;
class Writer;
} // namespace fairlead::json

namespace fairlead::rtcconfig {

/// A listener of this server as clients reach it: after port forwarding, not before.
struct Endpoint {
    enum class Service : std::uint8_t { stun, turn };
    Service service = Service::turn;
    net::Transport transport = net::Transport::udp; ///< tls means a turns: URL
    std::uint16_t port = 3478;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// RFC 7064 / RFC 7065. `host` is a name or an address; IPv6 gets its brackets here. The port is always written, and
/// the transport for turn and turns.
[[nodiscard]] std::string url(std::string_view host, const Endpoint& endpoint);
/// Whether `text` is a stun:, stuns:, turn: or turns: URL with a plausible host, port and transport.
[[nodiscard]] bool is_ice_url(std::string_view text);

/// One entry of RTCConfiguration.iceServers (W3C webrtc-pc section 4.2.4). STUN entries have no username.
struct IceServer {
    std::vector<std::string> urls = {};
    std::string username = {};
    std::string credential = {};
};

/// Browsers warn about long lists, and every URL costs gathering time.
inline constexpr std::size_t most_urls = 5;

/// The list for one client: the STUN URL, then one entry with every TURN URL (udp, tcp, turns) that `credential` opens.
/// At most most_urls in total, each kind once before any kind twice. Without a credential the TURN entry has none
/// (servers without authentication). `additional` entries of other servers follow while there is room.
[[nodiscard]] std::vector<IceServer> ice_servers(std::string_view host, std::span<const Endpoint> endpoints,
                                                 const std::optional<account::EphemeralCredential>& credential,
                                                 std::span<const IceServer> additional = {});

/// Writes the array in the form that everybody can read: `urls` as an array, and both `credential` (W3C) and `password`
/// (Crolang) with the same value.
void write(json::Writer& out, std::span<const IceServer> servers);

/// Reads what webhooks and files write: `url` or `urls`, text or array, `credential` or `password`. Entries without a
/// valid URL are left out. Nothing when it is not an array.
[[nodiscard]] std::optional<std::vector<IceServer>> parse_ice_servers(const json::Value& array);

} // namespace fairlead::rtcconfig
