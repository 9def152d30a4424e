#include "config/check.hpp"

#include "account/user.hpp"
#include "text/format.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace fairlead::config {

namespace {

using Violations = std::vector<Violation>;

struct Listener {
    std::string_view path;
    net::TransportAddress address;
    bool uses_tcp = false;
    bool uses_udp = false;
};

std::vector<Listener> listeners(const Listen& listen) {
    std::vector<Listener> all;
    const auto add = [&](std::string_view path, const TransportAddresses& addresses, bool tcp, bool udp) {
        for (const auto& address : addresses) {
            all.push_back({path, address, tcp, udp});
        }
    };
    add("listen.turn", listen.turn, listen.tcp, listen.udp);
    add("listen.turn-tls", listen.turn_tls, listen.tls, listen.dtls);
    add("listen.http", listen.http, true, false);
    add("listen.https", listen.https, true, false);
    add("listen.admin", listen.admin, true, false);
    return all;
}

/// Whether both cannot be bound: the wildcard of a family covers all of it.
bool collide(const Listener& a, const Listener& b) {
    const bool same_transport = (a.uses_tcp && b.uses_tcp) || (a.uses_udp && b.uses_udp);
    const bool same_place =
        a.address.address == b.address.address ||
        (a.address.family() == b.address.family() && (a.address.address.is_any() || b.address.address.is_any()));
    return same_transport && same_place && a.address.port == b.address.port;
}

void check_listeners(const Model& model, Violations& violations) {
    const auto all = listeners(model.listen);
    std::vector<std::pair<std::string_view, std::string_view>> told;
    for (auto later = all.begin(); later != all.end(); ++later) {
        for (auto earlier = all.begin(); earlier != later; ++earlier) {
            const std::pair pair(later->path, earlier->path);
            if (collide(*later, *earlier) && std::ranges::find(told, pair) == told.end()) {
                told.push_back(pair);
                violations.push_back({{later->path, earlier->path},
                                      fmt::format("{} is taken by {} ({})", later->address.to_string(), earlier->path,
                                                  earlier->address.to_string())});
            }
        }
    }
    for (const auto& address : model.listen.admin) {
        if (!address.address.is_loopback()) {
            violations.push_back(
                {{"listen.admin"},
                 fmt::format("{} is not a loopback address: whoever reaches it sees the metrics", address.to_string()),
                 true});
        }
    }
}

void check_relay(const Model& model, Violations& violations) {
    const Peers& peers = model.relay.peers;
    if (peers.policy == PeerPreset::list && peers.allow.empty()) {
        violations.push_back({{"relay.peers.policy", "relay.peers.allow"},
                              "list accepts what relay.peers.allow lists, and that is empty"});
    }
    const auto& mappings = model.advertise.relay_addresses;
    for (auto mapping = mappings.begin(); mapping != mappings.end(); ++mapping) {
        const auto clash = std::find_if(mappings.begin(), mapping, [&](const AddressMapping& other) {
            return other.advertised.family() == mapping->advertised.family() &&
                   (!other.local || !mapping->local || other.local == mapping->local);
        });
        if (clash != mapping) {
            violations.push_back({{"advertise.relay-addresses"},
                                  fmt::format("{} and {} replace the same address", clash->advertised.to_string(),
                                              mapping->advertised.to_string())});
        }
        const auto& bound = model.relay.addresses;
        if (mapping->local && !bound.empty() && std::ranges::find(bound, *mapping->local) == bound.end()) {
            violations.push_back({{"advertise.relay-addresses", "relay.addresses"},
                                  fmt::format("{} is not among relay.addresses", mapping->local->to_string())});
        }
    }
}

void check_turn(const Model& model, Violations& violations) {
    const Turn& turn = model.turn;
    if (turn.lifetimes.allocation > turn.lifetimes.allocation_max) {
        violations.push_back({{"turn.lifetimes.allocation", "turn.lifetimes.allocation-max"},
                              "is longer than turn.lifetimes.allocation-max"});
    }
    if (turn.quotas.total != 0 && turn.quotas.user > turn.quotas.total) {
        violations.push_back({{"turn.quotas.user", "turn.quotas.total"}, "is more than turn.quotas.total", true});
    }
    constexpr std::size_t weak = 16;
    if (std::ranges::any_of(turn.secrets, [](const Secret& secret) { return secret.text.size() < weak; })) {
        violations.push_back(
            {{"turn.secrets"},
             "a secret of less than 16 characters can be guessed from one credential; `openssl rand -hex "
             "32` makes a good one",
             true});
    }
    if (model.rtcconfig.credential_life < model.rtcconfig.ttl + 10min) {
        violations.push_back(
            {{"rtcconfig.credential-life", "rtcconfig.ttl"},
             "is shorter than rtcconfig.ttl and 10 minutes, so that calls would fail late in the ttl"});
    }
    if (turn.longest_credential_life != 0s && model.rtcconfig.credential_life > turn.longest_credential_life) {
        violations.push_back({{"rtcconfig.credential-life", "turn.longest-credential-life"},
                              "is longer than turn.longest-credential-life, so that the server would refuse its own "
                              "credentials"});
    }
}

void check_users(const Model& model, Violations& violations) {
    for (const User& user : model.turn.users) {
        const auto account = user.key ? account::User::with_key(user.name, *user.key)
                                      : account::User::with_password(user.name, user.password.text);
        if (!account) {
            violations.push_back({{"turn.users"}, fmt::format("{}: {}", user.name, describe(account.error()))});
        }
    }
}

std::string owner_of(const struct stat& file) {
    const auto* user = getpwuid(file.st_uid);
    const auto* group = getgrgid(file.st_gid);
    return fmt::format("{}:{}", user != nullptr ? user->pw_name : std::to_string(file.st_uid),
                       group != nullptr ? group->gr_name : std::to_string(file.st_gid));
}

/// Why `path` cannot be read by this process; empty when it can.
std::string unreadable(const std::filesystem::path& path) {
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) {
        return fmt::format("cannot read {}: {}", path.string(), std::generic_category().message(errno));
    }
    if (S_ISDIR(file.st_mode)) {
        return fmt::format("cannot read {}: it is a directory", path.string());
    }
    if (access(path.c_str(), R_OK) != 0) {
        const auto reason = std::generic_category().message(errno);
        return fmt::format("cannot read {}: {}; it belongs to {} with mode {:04o}, and this process has uid {}",
                           path.string(), reason, owner_of(file), file.st_mode & 07777U, geteuid());
    }
    return {};
}

void check_files(const Model& model, Violations& violations) {
    const Tls& tls = model.tls;
    if (tls.certificate.empty() != tls.key.empty()) {
        const std::string_view given = tls.certificate.empty() ? "tls.key" : "tls.certificate";
        const std::string_view missing = tls.certificate.empty() ? "tls.certificate" : "tls.key";
        violations.push_back({{given, missing}, fmt::format("needs {}, too", missing)});
    }
    for (const auto& [path, file] :
         {std::pair<std::string_view, const std::filesystem::path&>{"tls.certificate", tls.certificate},
          {"tls.key", tls.key}}) {
        if (file.empty()) {
            continue;
        }
        if (auto reason = unreadable(file); !reason.empty()) {
            violations.push_back({{path}, std::move(reason)});
        }
    }
    std::error_code ignored;
    if (!model.web.root.empty() && !std::filesystem::is_directory(model.web.root, ignored)) {
        violations.push_back({{"web.root"}, fmt::format("{} is not a directory", model.web.root.string())});
    }
}

void check_web(const Model& model, Violations& violations) {
    const auto& origins = model.rtcconfig.allowed_origins;
    if (origins.size() > 1 && std::ranges::find(origins, "*") != origins.end()) {
        violations.push_back({{"rtcconfig.allowed-origins"}, "\"*\" is every origin; it stands alone"});
    }
    if (model.limits.connections_per_source > model.limits.connections) {
        violations.push_back(
            {{"limits.connections-per-source", "limits.connections"}, "is more than limits.connections"});
    }
}

} // namespace

std::vector<Violation> check(const Model& model) {
    Violations violations;
    check_listeners(model, violations);
    check_relay(model, violations);
    check_turn(model, violations);
    check_users(model, violations);
    check_files(model, violations);
    check_web(model, violations);
    return violations;
}

} // namespace fairlead::config
