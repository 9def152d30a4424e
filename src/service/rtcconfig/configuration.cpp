#include "rtcconfig/configuration.hpp"

#include "bytes/bytes.hpp"
#include "crypto/hmac.hpp"
#include "json/writer.hpp"

#include <algorithm>

namespace fairlead::rtcconfig {

namespace {

using std::chrono::seconds;

constexpr std::size_t longest_username = 512;

enum class Access : std::uint8_t { granted, nobody, wrong_key };

Access access(const Options& options, const Caller& caller, const std::optional<std::string>& key) {
    if (caller.user) {
        return Access::granted;
    }
    if (key) {
        bool right = false;
        for (const std::string& known : options.api_keys) {
            right |= crypto::equal(as_bytes(known), as_bytes(*key));
        }
        if (right) {
            return Access::granted;
        }
        if (!options.open_to_anybody) {
            return Access::wrong_key;
        }
    }
    return options.open_to_anybody ? Access::granted : Access::nobody;
}

http::Response refusal(Access access) {
    if (access == Access::wrong_key) {
        return http::Response(http::Status::forbidden);
    }
    http::Response response(http::Status::unauthorized);
    response.set("WWW-Authenticate", "Bearer");
    return response;
}

/// The credential of `user`, from wherever they come. Nothing: TURN without authentication.
std::optional<account::EphemeralCredential> credential(UnixTime now, const Options& options, std::string_view user,
                                                       seconds life) {
    if (options.secrets != nullptr && !options.secrets->empty()) {
        return options.secrets->issue(now, user, life);
    }
    if (options.fixed) {
        return account::EphemeralCredential{
            .username = options.fixed->username, .password = options.fixed->password, .expiry = now + life};
    }
    return std::nullopt;
}

http::Response finish(http::Response response, const Options& options, const Caller& caller) {
    response.set("Cache-Control", "no-store");
    set_cross_origin(response, options, caller.origin);
    return response;
}

} // namespace

std::string_view describe(IceTransportPolicy policy) {
    switch (policy) {
    case IceTransportPolicy::all:
        return "all";
    case IceTransportPolicy::relay:
        return "relay";
    }
    return "all";
}

std::string_view describe(BundlePolicy policy) {
    switch (policy) {
    case BundlePolicy::balanced:
        return "balanced";
    case BundlePolicy::max_compat:
        return "max-compat";
    case BundlePolicy::max_bundle:
        return "max-bundle";
    }
    return "balanced";
}

void set_cross_origin(http::Response& response, const Options& options, const std::optional<std::string>& origin) {
    response.set("Vary", "Origin");
    if (!origin) {
        return;
    }
    const auto listed = [&](std::string_view o) {
        return std::ranges::find(options.origins, o) != options.origins.end();
    };
    if (*origin != "*" && listed(*origin)) {
        response.set("Access-Control-Allow-Origin", *origin);
        response.set("Access-Control-Allow-Credentials", "true");
    } else if (listed("*")) {
        response.set("Access-Control-Allow-Origin", "*");
    }
}

http::Response rtc_configuration(UnixTime now, const Options& options, const Caller& caller,
                                 const std::optional<std::string>& key) {
    if (const Access allowed = access(options, caller, key); allowed != Access::granted) {
        return finish(refusal(allowed), options, caller);
    }
    seconds ttl = std::clamp(options.ttl, seconds{1}, longest_ttl);
    const seconds wanted =
        caller.user ? std::max(options.life_for_users, ttl + credential_margin) : ttl + credential_margin;
    const auto issued = credential(now, options, caller.user.value_or(""), wanted);
    if (issued) {
        // A short longest life must not leave an answer that outlives its credential.
        const seconds life = issued->expiry - now;
        ttl = std::clamp(life - credential_margin, std::min(seconds{1}, ttl), ttl);
    }
    const auto servers = ice_servers(options.host, options.endpoints, issued, options.additional);
    if (servers.empty()) {
        return finish(http::Response(http::Status::service_unavailable), options, caller);
    }
    json::Writer out;
    out.begin_object().member("ttl", ttl.count()).key("iceServers");
    write(out, servers);
    out.member("iceTransportPolicy", describe(options.ice_transport_policy))
        .member("bundlePolicy", describe(options.bundle_policy))
        .member("rtcpMuxPolicy", "require")
        .member("iceCandidatePoolSize", 0)
        .end_object();
    return finish(http::Response::json(http::Status::ok, out.take()), options, caller);
}

http::Response turn_rest(UnixTime now, const Options& options, const Caller& caller, const TurnRestQuery& query) {
    if (const Access allowed = access(options, caller, query.key); allowed != Access::granted) {
        return finish(refusal(allowed), options, caller);
    }
    const bool stun = query.service == "stun";
    if ((!stun && query.service != "turn") || query.username.value_or("").size() > longest_username) {
        return finish(http::Response(http::Status::bad_request), options, caller);
    }
    // A token names its own user; the holder of a key, or anybody where the endpoint is open, says whom it asks for.
    const std::string user = caller.user ? *caller.user : query.username.value_or("");
    const auto issued = stun ? std::nullopt : credential(now, options, user, options.rest_life);
    json::Writer uris;
    uris.begin_array();
    std::size_t count = 0;
    for (const IceServer& server : ice_servers(options.host, options.endpoints, issued)) {
        for (const std::string& uri : server.urls) {
            if (uri.starts_with("stun:") == stun) {
                uris.value(uri);
                ++count;
            }
        }
    }
    uris.end_array();
    if (count == 0) {
        return finish(http::Response(http::Status::service_unavailable), options, caller);
    }
    json::Writer out;
    out.begin_object();
    if (issued) {
        out.member("username", issued->username)
            .member("password", issued->password)
            .member("ttl", (issued->expiry - now).count());
    } else {
        out.member("ttl", options.rest_life.count());
    }
    out.key("uris").raw(uris.text()).end_object();
    return finish(http::Response::json(http::Status::ok, out.take()), options, caller);
}

} // namespace fairlead::rtcconfig
