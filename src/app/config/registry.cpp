#include "config/registry.hpp"

#include "config/codec.hpp"
#include "text/format.hpp"

#include <limits>
#include <memory>

namespace fairlead::config {

namespace {

template <class T>
std::string spelled(const T& value) {
    return Codec<T>::format(value);
}

/// What is wrong with a value that has the right form; nothing when it is right.
template <class T>
using Rule = std::function<std::optional<std::string>(const T&)>;

/// "expected a whole number, 1 to 256, found "many"; hint"
std::string message(const Option& option, const Mismatch& mismatch) {
    std::string text = "expected " + mismatch.expected;
    if (!option.range.empty() && !option.is_list) {
        text += ", " + option.range;
    }
    text += ", found " + found(*mismatch.node, option.secret);
    return mismatch.hint.empty() ? text : text + "; " + mismatch.hint;
}

} // namespace

class Declarations {
public:
    explicit Declarations(Registry& registry) : registry_(registry) {}

    void section(const std::string& path, std::string description) {
        registry_.sections_.push_back({path, std::move(description)});
    }
    std::size_t option(Option option) {
        registry_.options_.push_back(std::move(option));
        return registry_.options_.size() - 1;
    }
    Option& at(std::size_t index) { return registry_.options_[index]; }

private:
    Registry& registry_;
};

namespace {

/// The refinements of one option; each returns itself so that a declaration reads as one sentence.
template <class T>
class Declared {
public:
    Declared(Declarations& all, std::size_t index, std::shared_ptr<std::vector<Rule<T>>> rules)
        : all_(all), index_(index), rules_(std::move(rules)) {}

    Declared& between(const T& least, const T& most) {
        const auto range = fmt::format("{} to {}", spelled(least), spelled(most));
        option().range = range;
        return rule([=](const T& value) { return least <= value && value <= most; }, range);
    }

    /// Zero, which means something of its own, or a value of the range.
    Declared& zero_or_between(const T& least, const T& most) {
        const auto range = fmt::format("0, or {} to {}", spelled(least), spelled(most));
        option().range = range;
        return rule([=](const T& value) { return value == T{} || (least <= value && value <= most); }, range);
    }

    Declared& rule(std::function<bool(const T&)> holds, const std::string& expected) {
        rules_->push_back([holds = std::move(holds), expected](const T& value) {
            return holds(value) ? std::nullopt : std::optional("expected " + expected);
        });
        return *this;
    }

    /// Described like a range in the reference.
    Declared& must_be(const std::string& expected, std::function<bool(const T&)> holds) {
        option().range = expected;
        return rule(std::move(holds), expected);
    }

    Declared& changes_live() {
        option().needs_restart = false;
        return *this;
    }
    Declared& also_called(std::string environment) {
        option().aliases.push_back(std::move(environment));
        return *this;
    }
    Declared& in_development(const T& value) {
        option().dev_default = Codec<T>::write(value);
        return *this;
    }

private:
    Option& option() { return all_.at(index_); }

    Declarations& all_;
    std::size_t index_;
    std::shared_ptr<std::vector<Rule<T>>> rules_;
};

template <class S>
class DeclaredSection {
public:
    using Get = std::function<S&(Model&)>;

    DeclaredSection(Declarations& all, std::string path, std::string description, Get get)
        : all_(all), path_(std::move(path)), get_(std::move(get)) {
        all_.section(path_, std::move(description));
    }

    template <class Sub>
    DeclaredSection<Sub> section(const std::string& name, Sub S::* member, std::string description) {
        return {all_, path_ + '.' + name, std::move(description),
                [get = get_, member](Model& model) -> Sub& { return get(model).*member; }};
    }

    template <class T>
    Declared<T> option(const std::string& name, T S::* member, std::string description) {
        auto rules = std::make_shared<std::vector<Rule<T>>>();
        Option option;
        option.path = path_ + '.' + name;
        option.type = Codec<T>::type;
        option.description = std::move(description);
        option.secret = Codec<T>::is_secret;
        option.is_list = Codec<T>::is_list;
        option.is_switch = std::is_same_v<T, bool>;
        option.write = [get = get_, member](const Model& model) {
            // get() only forms a reference; nothing is changed through it.
            return Codec<T>::write(get(const_cast<Model&>(model)).*member);
        };
        const auto index = all_.option(std::move(option));
        all_.at(index).read = [get = get_, member, rules, path = path_ + '.' + name](const Node& node, Model& model,
                                                                                     Problems& problems) {
            const Option& self = *registry().find(path);
            Mismatches mismatches;
            auto value = Codec<T>::read(node, mismatches);
            for (const Mismatch& mismatch : mismatches) {
                problems.push_back({mismatch.node->at, path, message(self, mismatch)});
            }
            if (!value) {
                return false;
            }
            for (const Rule<T>& rule : *rules) {
                if (const auto wrong = rule(*value)) {
                    problems.push_back({node.at, path, *wrong + ", found " + found(node, self.secret)});
                    return false;
                }
            }
            get(model).*member = *std::move(value);
            return true;
        };
        return {all_, index, std::move(rules)};
    }

private:
    Declarations& all_;
    std::string path_;
    Get get_;
};

template <class S>
DeclaredSection<S> top(Declarations& all, const std::string& name, S Model::* member, std::string description) {
    return {all, name, std::move(description), [member](Model& model) -> S& { return model.*member; }};
}

bool no_blanks(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

bool is_origin(const std::string& text) {
    const auto scheme = text.find("://");
    return text == "*" ||
           (scheme != std::string::npos && (text.starts_with("https") || text.starts_with("http")) &&
            text.size() > scheme + 3 && text.find('/', scheme + 3) == std::string::npos && no_blanks(text));
}

bool sound_path(const std::string& path) {
    return path.starts_with('/') && no_blanks(path) && path.find_first_of("?#") == std::string::npos;
}

/// A host as it stands in an iceServers URL: a name, an IPv4 literal or an IPv6 literal without brackets.
bool sound_host(const std::optional<std::string>& host) {
    if (!host || net::IpAddress::parse(*host)) {
        return true;
    }
    const auto in_name = [](char c) { return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '.'; };
    return host->size() <= 253 && std::ranges::all_of(*host, in_name) && !host->starts_with('.') &&
           !host->starts_with('-') && host->find("..") == std::string::npos;
}

std::vector<net::Prefix> private_networks() {
    std::vector<net::Prefix> networks;
    for (const auto* text : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"}) {
        networks.push_back(*net::Prefix::parse(text));
    }
    return networks;
}

constexpr ByteSize kibibytes(std::uint64_t count) {
    return {count * 1024};
}

void declare_server(Declarations& all) {
    auto server = top(all, "server", &Model::server, "The process.");
    server
        .option("workers", &Server::workers,
                "Worker loops, each a thread with sockets and state of its own; auto is one per core.")
        .must_be("auto, or 1 to 256", [](const auto& count) { return !count || (*count >= 1 && *count <= 256); });
    server.option(
        "state-dir", &Server::state_dir,
        "Directory for what the server must remember: the generated secret and the self-signed certificate. Made "
        "with mode 0700 when it is missing. Without a value it is $STATE_DIRECTORY (set by systemd), else .run in "
        "the working directory.");
    server
        .option("drain-timeout", &Server::drain_timeout,
                "How long SIGUSR1 lets running allocations go on before the server ends; new ones are refused from "
                "then on. SIGTERM and SIGINT end it at once.")
        .between(0s, 24h);
    server.option("dev", &Server::dev,
                  "Development mode, also the flag --dev: relays to private and loopback addresses, gives credentials "
                  "and presence to everybody, and logs more. Options whose default it changes say so below. Not for a "
                  "server that strangers can reach.");
}

void declare_listen(Declarations& all) {
    auto listen =
        top(all, "listen", &Model::listen,
            "Where sockets are opened. A port alone means all addresses of IPv4 and IPv6; an empty list opens "
            "none.");
    listen.option("turn", &Listen::turn, "STUN and TURN over UDP and TCP.");
    listen.option("turn-tls", &Listen::turn_tls, "STUN and TURN over TLS (TCP) and DTLS (UDP).");
    listen.option("udp", &Listen::udp, "Serve TURN over UDP on the turn addresses.");
    listen.option("tcp", &Listen::tcp, "Serve TURN over TCP on the turn addresses.");
    listen.option("tls", &Listen::tls, "Serve TURN over TLS on the turn-tls addresses.");
    listen.option("dtls", &Listen::dtls, "Serve TURN over DTLS on the turn-tls addresses.");
    listen.option("http", &Listen::http, "Web pages, RTC configuration and WebSockets over plain HTTP.");
    listen.option("https", &Listen::https,
                  "The same over TLS. Browsers give pages the camera only here, or on localhost.");
    listen.option(
        "admin", &Listen::admin,
        "/metrics, /healthz and /readyz over plain HTTP, without authentication: keep it on addresses that only "
        "the operator reaches.");
}

void declare_advertise(Declarations& all) {
    auto advertise = top(all, "advertise", &Model::advertise,
                         "What clients are told, where that differs from what sockets are bound to.");
    advertise
        .option("host", &Advertise::host,
                "Name or address of this server in the stun: and turn: URLs of iceServers; auto finds an address at "
                "start. Set the name of the certificate here.")
        .must_be("auto, a host name or an IP address, without port or brackets", sound_host);
    advertise.option(
        "relay-addresses", &Advertise::relay_addresses,
        "One-to-one NAT: the public address that stands in XOR-RELAYED-ADDRESS. PUBLIC replaces every relay "
        "address of its family; PUBLIC/PRIVATE replaces that private one.");
}

void declare_relay(Declarations& all) {
    auto relay = top(all, "relay", &Model::relay, "The sockets that face the peers.");
    relay.option("addresses", &Relay::addresses,
                 "Addresses of this machine that relayed transport addresses are opened on; auto finds one per family "
                 "at start.");
    relay
        .option("ports", &Relay::ports, "Ports of relayed transport addresses (RFC 8656 section 7.2 names this range).")
        .must_be("within 1024-65535, at least 2 ports",
                 [](const PortRange& ports) { return ports.first >= 1024 && ports.first < ports.last; });
    auto peers =
        relay.section("peers", &Relay::peers,
                      "Which peer addresses clients may reach through the relay; `fairlead check-peer ADDRESS` "
                      "says which rule decides.");
    peers.option("policy", &Peers::policy,
                 "public-only refuses every special-purpose range (private, loopback, link-local, multicast, cloud "
                 "metadata and the like); any refuses only what deny lists; list accepts only what allow lists. The "
                 "listeners of this server are never peers.");
    peers
        .option("allow", &Peers::allow,
                "Address ranges that are accepted whatever the policy says. Of all ranges in allow and deny that hold "
                "an address the longest decides.")
        .in_development(private_networks());
    peers.option("deny", &Peers::deny, "Address ranges that are refused whatever the policy says.");
    peers
        .option(
            "lowest-port", &Peers::lowest_port,
            "Peer ports below this are refused at any address: there are the services of other machines, not media. "
            "0: none is refused.")
        .between(0, 65535);
}

void declare_turn(Declarations& all) {
    auto turn = top(all, "turn", &Model::turn, "Who may allocate, for how long and how much.");
    turn.option("enabled", &Turn::enabled,
                "Relay for clients; without it the TURN listeners answer STUN Binding only.");
    turn.option("realm", &Turn::realm,
                "The realm of all users. Part of every long-term key: changing it makes keys void.")
        .must_be("1 to 127 characters", [](const std::string& realm) { return !realm.empty() && realm.size() <= 127; });
    turn.option(
        "secrets", &Turn::secrets,
        "Shared secrets of time-limited credentials (\"TURN REST\"): the first signs new ones, all are "
        "accepted, so "
        "that a secret can be replaced without a gap. Empty: one is generated and kept in the state directory.");
    turn.option(
        "users", &Turn::users,
        "Users with a password of their own, for devices that cannot ask for credentials. 0x and 32 hexadecimal "
        "digits are the long-term key MD5(name:realm:password) instead of the password.");
    turn.option("longest-credential-life", &Turn::longest_credential_life,
                "Time-limited credentials that end later than this from now are refused; 0s accepts all.")
        .zero_or_between(60s, std::chrono::days(3650));
    turn.option("rfc5766-channel-numbers", &Turn::rfc5766_channel_numbers,
                "Accept channel numbers up to 0x7FFF, as clients from before RFC 8656 (2020) choose them, such as "
                "coturn's turnutils_uclient.");
    turn.option("fingerprint", &Turn::fingerprint,
                "Add FINGERPRINT to every answer, not only to those whose request had it.");
    turn.option("software", &Turn::software,
                "Text of the SOFTWARE attribute in answers; empty sends none, so that strangers learn no version.")
        .must_be("at most 127 characters", [](const std::string& text) { return text.size() <= 127; });

    auto lifetimes = turn.section("lifetimes", &Turn::lifetimes, "How long things last without a refresh.");
    lifetimes.option("allocation", &Lifetimes::allocation, "Of an allocation whose request names no LIFETIME.")
        .between(60s, 24h);
    lifetimes.option("allocation-max", &Lifetimes::allocation_max, "The most that a client can ask for.")
        .between(60s, 24h);
    lifetimes.option("permission", &Lifetimes::permission, "Of a permission; RFC 8656 section 9 says 5 minutes.")
        .between(1s, 1h);
    lifetimes.option("channel", &Lifetimes::channel, "Of a channel binding; RFC 8656 section 12 says 10 minutes.")
        .between(1s, 1h);
    lifetimes.option("nonce", &Lifetimes::nonce, "Of a nonce; afterwards the client gets 438 and a new one.")
        .between(10s, 24h);

    auto quotas = turn.section("quotas", &Turn::quotas, "How much; what exceeds a quota is answered with 486 or 508.");
    quotas.option(
        "user", &Quotas::user,
        "Concurrent allocations of one user; of a time-limited username the part without the time counts. 0: no "
        "limit.");
    quotas.option("total", &Quotas::total, "Concurrent allocations of the server; 0: no limit but the relay ports.");
    quotas.option("permissions", &Quotas::permissions, "Permissions of one allocation.").between(1, 4096);
    quotas.option("channels", &Quotas::channels, "Channel bindings of one allocation.").between(1, 4096);

    auto answers = turn.section("unauthenticated-answers", &Turn::unauthenticated_answers,
                                "A budget for answers to requests without valid credentials: it keeps forged source "
                                "addresses from using the server to flood somebody.");
    const auto budget = [&](const std::string& name, std::uint32_t UnauthenticatedAnswers::* member,
                            const std::string& description) {
        answers.option(name, member, description).between(1, 1'000'000);
    };
    answers.option("limited", &UnauthenticatedAnswers::limited, "Keep the budget; what exceeds it gets no answer.");
    budget("rate", &UnauthenticatedAnswers::rate, "Answers per second to one source (IPv4 address, IPv6 /56).");
    budget("burst", &UnauthenticatedAnswers::burst, "Answers at once to one source, after a pause.");
    budget("total-rate", &UnauthenticatedAnswers::total_rate, "Answers per second to all sources together.");
    budget("total-burst", &UnauthenticatedAnswers::total_burst, "Answers at once to all sources, after a pause.");
}

void declare_tls(Declarations& all) {
    auto tls = top(all, "tls", &Model::tls, "The certificate of all TLS and DTLS listeners.");
    tls.option("certificate", &Tls::certificate,
               "PEM file with the certificate and then its chain. Empty, together with key: a self-signed certificate, "
               "generated and kept in the state directory.")
        .changes_live();
    tls.option("key", &Tls::key, "PEM file with the private key.").changes_live();
    tls.option("min-version", &Tls::min_version,
               "The oldest version of TLS that is accepted; of DTLS it is always 1.2.");
}

void declare_rtcconfig(Declarations& all) {
    auto rtcconfig =
        top(all, "rtcconfig", &Model::rtcconfig,
            "GET /rtcconfig and GET /turn: iceServers with fresh credentials for browsers and applications.");
    rtcconfig.option("enabled", &RtcConfig::enabled, "Serve both.");
    rtcconfig
        .option(
            "ttl", &RtcConfig::ttl,
            "How long a client may keep the answer. More than 2147s makes the refresh timer of JSXC clients overflow.")
        .between(60s, 2147s);
    rtcconfig
        .option("credential-life", &RtcConfig::credential_life,
                "How long the credentials in the answer can be used; at least ttl and 10 minutes.")
        .between(11min, std::chrono::days(365));
    rtcconfig
        .option(
            "allowed-origins", &RtcConfig::allowed_origins,
            "Origins of web pages on other hosts that may ask (CORS), such as https://app.example.org; \"*\" is every "
            "page.")
        .must_be("* or origins such as https://app.example.org, without a path",
                 [](const std::vector<std::string>& origins) { return std::ranges::all_of(origins, is_origin); });
    rtcconfig.option("api-keys", &RtcConfig::api_keys,
                     "Keys for application servers: who presents one gets credentials for the user that it names.");
    rtcconfig
        .option(
            "open", &RtcConfig::open,
            "Credentials for callers without a key, too. Then everybody who reaches the server can relay through it.")
        .in_development(true);
}

void declare_presence(Declarations& all) {
    auto presence =
        top(all, "presence", &Model::presence,
            "Presence and relay of signaling messages between users, over a WebSocket. Only in development mode "
            "(server.dev), where people type a name: tokens of an identity provider are not accepted yet.");
    presence.option("enabled", &Presence::enabled, "Serve it.");
    presence.option("path", &Presence::path, "Where the WebSocket is.")
        .must_be("a path such as /presence, without query", sound_path);
    presence
        .option("max-message", &Presence::max_message, "The largest message; a larger one closes its sender with 1009.")
        .between(kibibytes(1), kibibytes(1024));
    presence
        .option("pace", &Presence::pace,
                "The least time between two relayed messages to one user; 0ms: none. A bare number is milliseconds.")
        .between(0ms, 10s)
        .also_called("PRESENCE_PACE_MS");
    presence.option("user-id", &Presence::user_id, "Users are named by {\"issuer\",\"subject\"} or by {\"username\"}.")
        .also_called("PRESENCE_USERID");
    presence.option("sessions-per-user", &Presence::sessions_per_user, "Concurrent WebSockets of one user.")
        .between(1, 1000);
}

void declare_web(Declarations& all) {
    auto web = top(all, "web", &Model::web, "The web pages: call, connection test.");
    web.option("enabled", &Web::enabled, "Serve them.");
    web.option("root", &Web::root, "Directory that replaces the built-in pages while they are being developed.");
}

void declare_log(Declarations& all) {
    auto log = top(all, "log", &Model::log, "Log lines, on standard error.");
    log.option("level", &Log::level, "The least important lines that are written.").in_development(LogLevel::debug);
    log.option("topics", &Log::topics, "Levels of single topics that differ, such as {turn: debug, http: warning}.");
    log.option("format", &Log::format, "auto is text on a terminal and JSON lines elsewhere.");
    log.option("addresses", &Log::addresses,
               "Clients' and peers' addresses in lines: masked keeps the /24 of IPv4 and the /48 of IPv6.");
}

void declare_limits(Declarations& all) {
    auto limits = top(all, "limits", &Model::limits, "What connections may cost, before anybody is authenticated.");
    limits.option("connections", &Limits::connections, "TCP connections of all kinds together.").between(1, 1'000'000);
    limits.option("connections-per-source", &Limits::connections_per_source, "TCP connections from one address.")
        .between(1, 1'000'000);
    limits.option("http-header", &Limits::http_header, "Request line and header fields; more is answered with 431.")
        .between(kibibytes(1), kibibytes(256));
    limits.option("http-body", &Limits::http_body, "Request body; more is answered with 413.")
        .between({0}, kibibytes(16 * 1024));
    limits
        .option("handshake-timeout", &Limits::handshake_timeout,
                "From a connection's start to the end of its TLS handshake and first complete message.")
        .between(1s, 5min);
    limits.option("idle-timeout", &Limits::idle_timeout, "Of an HTTP connection between two requests.").between(1s, 1h);
}

} // namespace

Registry::Registry() {
    Declarations all(*this);
    declare_server(all);
    declare_listen(all);
    declare_advertise(all);
    declare_relay(all);
    declare_turn(all);
    declare_tls(all);
    declare_rtcconfig(all);
    declare_presence(all);
    declare_web(all);
    declare_log(all);
    declare_limits(all);
}

const Option* Registry::find(std::string_view path) const {
    const auto option = std::ranges::find(options_, path, &Option::path);
    return option == options_.end() ? nullptr : &*option;
}

bool Registry::is_section(std::string_view path) const {
    return std::ranges::find(sections_, path, &Section::path) != sections_.end();
}

std::vector<std::string> Registry::children(std::string_view section) const {
    std::vector<std::string> names;
    const auto add = [&](std::string_view path) {
        const auto dot = path.rfind('.');
        const auto parent = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
        if (parent == section) {
            names.emplace_back(path.substr(dot == std::string_view::npos ? 0 : dot + 1));
        }
    };
    std::ranges::for_each(sections_, add, &Section::path);
    std::ranges::for_each(options_, add, &Option::path);
    return names;
}

const Registry& registry() {
    static const Registry instance;
    return instance;
}

std::string Option::environment() const {
    std::string name = "FAIRLEAD_";
    for (const char c : path) {
        name += c == '.'   ? "__"
                : c == '-' ? "_"
                           : std::string(1, static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    }
    return name;
}

std::string Option::flag() const {
    std::string name = "--" + path;
    std::ranges::replace(name, '.', '-');
    return name;
}

std::string_view Option::leaf() const {
    return std::string_view(path).substr(path.rfind('.') + 1);
}

} // namespace fairlead::config
