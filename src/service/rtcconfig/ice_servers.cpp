#include "rtcconfig/ice_servers.hpp"

#include "text/ascii.hpp"
#include "text/format.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead::rtcconfig {

namespace {

// Clients gather in the order of the list: what is cheapest and most direct stands first.
constexpr Endpoint kinds[] = {
    {Endpoint::Service::stun, net::Transport::udp, 0},
    {Endpoint::Service::turn, net::Transport::udp, 0},
    {Endpoint::Service::turn, net::Transport::tcp, 0},
    {Endpoint::Service::turn, net::Transport::tls, 0},
};

bool same_kind(const Endpoint& a, const Endpoint& b) {
    return a.service == b.service && a.transport == b.transport;
}

std::string bracketed(std::string_view host) {
    const auto address = net::IpAddress::parse(host);
    return address && address->is_v6() ? fmt::format("[{}]", host) : std::string(host);
}

/// One endpoint of each kind, then a second of each, … while there is room; the result in the order of `kinds`.
std::vector<Endpoint> choose(std::span<const Endpoint> endpoints, std::size_t at_most) {
    std::vector<Endpoint> chosen;
    for (std::size_t round = 0; chosen.size() < at_most && round < endpoints.size(); ++round) {
        for (const Endpoint& kind : kinds) {
            std::size_t seen = 0;
            for (const Endpoint& endpoint : endpoints) {
                const bool is_new = std::ranges::find(chosen, endpoint) == chosen.end();
                if (same_kind(endpoint, kind) && seen++ == round && is_new && chosen.size() < at_most) {
                    chosen.push_back(endpoint);
                }
            }
        }
    }
    std::ranges::sort(chosen, {}, [&](const Endpoint& endpoint) {
        const auto rank = std::ranges::find_if(kinds, [&](const Endpoint& kind) { return same_kind(kind, endpoint); });
        const auto place = std::ranges::find(endpoints, endpoint);
        return std::pair(rank - std::begin(kinds), place - endpoints.begin());
    });
    return chosen;
}

bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_host(std::string_view text) {
    if (text.starts_with('[')) {
        const auto address =
            text.ends_with(']') ? net::IpAddress::parse(text.substr(1, text.size() - 2)) : std::nullopt;
        return address && address->is_v6();
    }
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
        return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

std::vector<std::string> read_urls(const json::Value& entry) {
    std::vector<std::string> urls;
    for (const auto* name : {"urls", "url"}) {
        const json::Value* const member = entry.find(name);
        if (member == nullptr) {
            continue;
        }
        if (member->text() != nullptr) {
            urls.push_back(*member->text());
        } else if (const auto* array = member->array()) {
            for (const json::Value& url : *array) {
                if (url.text() != nullptr) {
                    urls.push_back(*url.text());
                }
            }
        }
        break;
    }
    std::erase_if(urls, [](const std::string& url) { return !is_ice_url(url); });
    return urls;
}

} // namespace

std::string url(std::string_view host, const Endpoint& endpoint) {
    if (endpoint.service == Endpoint::Service::stun) {
        return fmt::format("stun:{}:{}", bracketed(host), endpoint.port);
    }
    switch (endpoint.transport) {
    case net::Transport::udp:
        return fmt::format("turn:{}:{}?transport=udp", bracketed(host), endpoint.port);
    case net::Transport::tcp:
        return fmt::format("turn:{}:{}?transport=tcp", bracketed(host), endpoint.port);
    case net::Transport::tls:
        return fmt::format("turns:{}:{}?transport=tcp", bracketed(host), endpoint.port);
    case net::Transport::dtls:
        return fmt::format("turns:{}:{}?transport=udp", bracketed(host), endpoint.port);
    }
    return {};
}

bool is_ice_url(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return false;
    }
    const std::string scheme = text::lower(text.substr(0, colon));
    const bool turn = scheme == "turn" || scheme == "turns";
    if (!turn && scheme != "stun" && scheme != "stuns") {
        return false;
    }
    std::string_view rest = text.substr(colon + 1);
    if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
        const std::string_view transport = rest.substr(query + 1);
        if (!turn || (transport != "transport=udp" && transport != "transport=tcp")) {
            return false;
        }
        rest = rest.substr(0, query);
    }
    const std::size_t bracket = rest.rfind(']');
    const std::size_t port = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (port != std::string_view::npos && !is_port(rest.substr(port + 1))) {
        return false;
    }
    return is_host(rest.substr(0, port));
}

std::vector<IceServer> ice_servers(std::string_view host, std::span<const Endpoint> endpoints,
                                   const std::optional<account::EphemeralCredential>& credential,
                                   std::span<const IceServer> additional) {
    std::vector<IceServer> servers;
    std::size_t room = most_urls;
    IceServer stun;
    IceServer turn;
    for (const Endpoint& endpoint : choose(endpoints, room)) {
        (endpoint.service == Endpoint::Service::stun ? stun : turn).urls.push_back(url(host, endpoint));
        --room;
    }
    if (credential) {
        turn.username = credential->username;
        turn.credential = credential->password;
    }
    for (IceServer* own : {&stun, &turn}) {
        if (!own->urls.empty()) {
            servers.push_back(std::move(*own));
        }
    }
    for (const IceServer& other : additional) {
        if (other.urls.empty() || other.urls.size() > room) {
            continue;
        }
        room -= other.urls.size();
        servers.push_back(other);
    }
    return servers;
}

void write(json::Writer& out, std::span<const IceServer> servers) {
    out.begin_array();
    for (const IceServer& server : servers) {
        out.begin_object().key("urls").begin_array();
        for (const std::string& each : server.urls) {
            out.value(each);
        }
        out.end_array();
        if (!server.username.empty() || !server.credential.empty()) {
            out.member("username", server.username)
                .member("credential", server.credential)
                .member("password", server.credential);
        }
        out.end_object();
    }
    out.end_array();
}

std::optional<std::vector<IceServer>> parse_ice_servers(const json::Value& array) {
    if (array.array() == nullptr) {
        return std::nullopt;
    }
    std::vector<IceServer> servers;
    for (const json::Value& entry : *array.array()) {
        IceServer server{.urls = read_urls(entry)};
        if (server.urls.empty()) {
            continue;
        }
        server.username = entry.text("username").value_or("");
        server.credential = entry.text("credential").value_or(entry.text("password").value_or(""));
        servers.push_back(std::move(server));
    }
    return servers;
}

} // namespace fairlead::rtcconfig
