#pragma once

#include "account/shared_secret.hpp"
#include "http/response.hpp"
#include "rtcconfig/ice_servers.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::rtcconfig {

enum class IceTransportPolicy : std::uint8_t { all, relay };
enum class BundlePolicy : std::uint8_t { balanced, max_compat, max_bundle };
[[nodiscard]] std::string_view describe(IceTransportPolicy policy);
[[nodiscard]] std::string_view describe(BundlePolicy policy);

/// The longest ttl that may be sent: the JSXC client turns seconds into a browser timer a thousand times too long, and
/// above 2^31 ms that fires at once, over and over.
inline constexpr std::chrono::seconds longest_ttl{2147};
/// A call that starts at the end of the ttl must still be able to allocate.
inline constexpr std::chrono::seconds credential_margin = std::chrono::minutes{10};

struct FixedCredential {
    std::string username;
    std::string password;
};

struct Options {
    /// The name (or address) clients are told.
    std::string host = {};
    std::vector<Endpoint> endpoints = {};
    std::vector<IceServer> additional = {};

    /// Where TURN credentials come from: shared secrets before the fixed one; with neither, TURN entries carry none.
    std::shared_ptr<const account::SharedSecrets> secrets = {};
    std::optional<FixedCredential> fixed = {};

    std::chrono::seconds ttl{1800};
    std::chrono::seconds life_for_users = std::chrono::hours{12};
    /// What the TURN REST endpoint grants ("a day is the draft's suggestion").
    std::chrono::seconds rest_life = std::chrono::hours{24};

    IceTransportPolicy ice_transport_policy = IceTransportPolicy::all;
    BundlePolicy bundle_policy = BundlePolicy::max_bundle;

    /// Who else than an authenticated user gets credentials. Keys are for application servers, which vouch for the
    /// username they name.
    std::vector<std::string> api_keys = {};
    bool open_to_anybody = false;

    /// Origins that may read the answer from a page with credentials. "*" lets any page read it, without cookies.
    std::vector<std::string> origins = {};
};

/// What the driver knows of the caller.
struct Caller {
    /// Set when a bearer token or a same-site cookie named somebody (`sub`).
    std::optional<std::string> user = {};
    /// The Origin field, when there is one.
    std::optional<std::string> origin = {};
};

/// `GET /rtcconfig`: the configuration for W3C clients, JSXC and Crolang in one body. 200, 401 (nobody named), 403
/// (wrong key), 503 (nothing to offer). `key` is the query parameter of that name.
[[nodiscard]] http::Response rtc_configuration(UnixTime now, const Options& options, const Caller& caller,
                                               const std::optional<std::string>& key = std::nullopt);

/// The query of `GET /turn`, or the form body of the POST form.
struct TurnRestQuery {
    std::optional<std::string> service = {};
    std::optional<std::string> username = {};
    std::optional<std::string> key = {};
};

/// draft-uberti-behave-turn-rest-00 section 2. 200, 400 (service other than turn and stun, or a username of more than
/// 512 bytes), 401 (no key), 403 (wrong key), 503.
[[nodiscard]] http::Response turn_rest(UnixTime now, const Options& options, const Caller& caller,
                                       const TurnRestQuery& query);

/// Cross-origin fields for an answer to `origin`, and Vary. Also right for the answer to a preflight.
void set_cross_origin(http::Response& response, const Options& options, const std::optional<std::string>& origin);

} // namespace fairlead::rtcconfig
