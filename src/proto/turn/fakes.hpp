#pragma once

// For tests and scenarios only: a server's surroundings in memory, and a way to write requests by hand.

#include "net/outbox.hpp"
#include "random/seeded.hpp"
#include "stun/writer.hpp"
#include "turn/server.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::turn::fakes {

/// Keeps everything that was sent.
class RecordingOutbox final : public net::Outbox {
public:
    struct Sent {
        net::FiveTuple path;
        std::vector<std::byte> bytes;
    };
    MutableBytes reserve(std::size_t at_most) override {
        room_.assign(std::min(at_most, limit), std::byte{0xee});
        return room_;
    }
    void transmit(const net::FiveTuple& path, std::size_t length) override {
        sent.push_back({path, {room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(length)}});
    }
    [[nodiscard]] std::vector<Sent> take() { return std::exchange(sent, {}); }

    std::vector<Sent> sent;
    std::size_t limit = 65'536;

private:
    std::vector<std::byte> room_;
};

/// A small range of ports on 192.0.2.15 and 2001:db8::15.
class PortPool final : public RelayOpener {
public:
    explicit PortPool(std::uint16_t first = 50'000, std::uint16_t count = 64) : first_(first), count_(count) {}

    Result<OpenedRelays, RelayError> open(const RelayRequest& request) override {
        if (!families.contains(request.family)) {
            return fail(RelayError::family_unsupported);
        }
        for (std::uint16_t i = 0; i < count_; ++i) {
            const auto port = static_cast<std::uint16_t>(first_ + i);
            const bool even = port % 2 == 0;
            const bool next_free = i + 1 < count_ && !in_use(request.family, static_cast<std::uint16_t>(port + 1));
            if (in_use(request.family, port) || (request.port != PortWish::any && !even) ||
                (request.port == PortWish::even_and_next && !next_free)) {
                continue;
            }
            OpenedRelays opened{.relay = take(request.family, port)};
            if (request.port == PortWish::even_and_next) {
                opened.reserved = take(request.family, static_cast<std::uint16_t>(port + 1));
            }
            return opened;
        }
        return fail(RelayError::ports_exhausted);
    }
    void close(RelayId id) override { sockets_.at(id).reset(); }

    [[nodiscard]] std::size_t open_count() const {
        return static_cast<std::size_t>(std::ranges::count_if(sockets_, [](const auto& s) { return s.has_value(); }));
    }
    [[nodiscard]] std::optional<RelayId> id_of(const net::TransportAddress& relayed) const {
        const auto found = std::ranges::find(sockets_, std::optional(relayed));
        return found == sockets_.end() ? std::nullopt : std::optional(static_cast<RelayId>(found - sockets_.begin()));
    }

    std::set<net::Family> families{net::Family::v4, net::Family::v6};

private:
    static net::IpAddress host(net::Family family) {
        return *net::IpAddress::parse(family == net::Family::v4 ? "192.0.2.15" : "2001:db8::15");
    }
    [[nodiscard]] bool in_use(net::Family family, std::uint16_t port) const {
        return id_of({.address = host(family), .port = port}).has_value();
    }
    OpenedRelay take(net::Family family, std::uint16_t port) {
        const net::TransportAddress relayed{.address = host(family), .port = port};
        auto slot = std::ranges::find(sockets_, std::optional<net::TransportAddress>());
        if (slot == sockets_.end()) {
            slot = sockets_.emplace(sockets_.end());
        }
        *slot = relayed;
        return {.id = static_cast<RelayId>(slot - sockets_.begin()), .relayed = relayed};
    }

    std::uint16_t first_;
    std::uint16_t count_;
    std::vector<std::optional<net::TransportAddress>> sockets_;
};

/// Users with passwords. A username's quota identity is what follows its first colon, as with time-limited names.
class UserTable final : public Credentials {
public:
    explicit UserTable(std::string realm) : realm_(std::move(realm)) {}

    void add(const std::string& username, const std::string& password, UnixTime expires = UnixTime::max()) {
        Account& account = users_[username];
        account.username = username;
        const auto colon = username.find(':');
        account.user = colon == std::string::npos ? username : username.substr(colon + 1);
        account.keys[account.key_count++] = stun::long_term_keys(username, realm_, password);
        account.expires = expires;
    }
    [[nodiscard]] CredentialAnswer lookup(std::string_view username) const {
        const auto found = users_.find(std::string(username));
        return found == users_.end() ? CredentialAnswer(UnknownUser{}) : CredentialAnswer(found->second);
    }
    CredentialAnswer find(const Claim& claim, UnixTime /*now*/) override {
        ++lookups;
        if (later) {
            return AnswersLater{};
        }
        for (const auto& [name, account] : users_) {
            if (!claim.userhash.empty() && std::ranges::equal(claim.userhash, stun::userhash(name, realm_))) {
                return account;
            }
        }
        return lookup(claim.username);
    }

    bool later = false;
    std::size_t lookups = 0;

private:
    std::string realm_;
    std::map<std::string, Account> users_;
};

class PeerRules final : public PeerPolicy {
public:
    PeerVerdict verdict(const net::IpAddress& peer) override {
        ++asked;
        return refused.contains(peer) ? PeerVerdict::refuse("refused address") : PeerVerdict::allow();
    }
    PeerVerdict verdict(const net::TransportAddress& peer) override {
        ++asked;
        return refused.contains(peer.address) || refused_ports.contains(peer.port) ? PeerVerdict::refuse("refused port")
                                                                                   : PeerVerdict::allow();
    }
    std::set<net::IpAddress> refused;
    std::set<std::uint16_t> refused_ports;
    std::size_t asked = 0;
};

class CountingQuota final : public Quota {
public:
    QuotaAnswer take(std::string_view /*realm*/, std::string_view user) override {
        if (total >= capacity) {
            return QuotaAnswer::capacity_limit;
        }
        if (held[std::string(user)] >= per_user) {
            return QuotaAnswer::user_limit;
        }
        ++held[std::string(user)];
        ++total;
        return QuotaAnswer::granted;
    }
    void give_back(std::string_view /*realm*/, std::string_view user) override {
        --held.at(std::string(user));
        --total;
    }
    std::map<std::string, int> held;
    int per_user = 1'000;
    int total = 0;
    int capacity = 100'000;
};

/// A request or indication written by hand.
class Crafted {
public:
    Crafted(stun::Class message_class, stun::Method method, std::uint32_t transaction = 1)
        : room_(70'000), writer_(room_, message_class, method, id(transaction)) {}
    Crafted(const Crafted&) = delete; // the writer refers to the room, which only a move takes along
    Crafted& operator=(const Crafted&) = delete;
    Crafted(Crafted&&) = default;
    Crafted& operator=(Crafted&&) = default;
    ~Crafted() = default;

    static stun::TransactionId id(std::uint32_t transaction) {
        stun::TransactionId bytes{};
        bytes::Writer(bytes).u32(transaction);
        return bytes;
    }
    Crafted& put(stun::Attribute type, Bytes value) {
        return with([&] { writer_.put(type, value); });
    }
    Crafted& put(stun::Attribute type, std::string_view value) { return put(type, as_bytes(value)); }
    Crafted& u32(stun::Attribute type, std::uint32_t value) {
        return with([&] { writer_.u32(type, value); });
    }
    Crafted& peer(const net::TransportAddress& peer) {
        return with([&] { writer_.xor_address(stun::Attribute::xor_peer_address, peer); });
    }
    Crafted& udp() { return u32(stun::Attribute::requested_transport, 17U << 24U); }
    Crafted& channel(std::uint16_t number) {
        return u32(stun::Attribute::channel_number, std::uint32_t{number} << 16U);
    }
    Crafted& integrity(Bytes key) {
        return with([&] { writer_.integrity(key); });
    }
    Crafted& integrity_sha256(Bytes key) {
        return with([&] { writer_.integrity_sha256(key); });
    }
    Crafted& fingerprint() {
        return with([&] { writer_.fingerprint(); });
    }
    [[nodiscard]] std::vector<std::byte> bytes() {
        const std::size_t size = writer_.finish();
        return {room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size)};
    }

private:
    template <class F>
    Crafted& with(F&& write) {
        std::forward<F>(write)();
        return *this;
    }
    std::vector<std::byte> room_;
    stun::Writer writer_;
};

/// An answer that owns its bytes.
struct Answer {
    std::vector<std::byte> bytes;
    [[nodiscard]] stun::Message message() const { return stun::Message::parse(bytes).value(); }
    [[nodiscard]] bool success() const { return message().message_class() == stun::Class::success; }
    [[nodiscard]] unsigned error() const { return message().error_code().value_or(0); }
};

inline net::TransportAddress address(std::string_view text) {
    return net::TransportAddress::parse(text).value();
}

/// A server with everything around it, a clock, and the user "alice" with the password "secret".
struct World {
    static ServerConfig defaults() {
        ServerConfig config;
        config.realm = "example.org";
        config.limit_unauthenticated = false;
        return config;
    }
    explicit World(const ServerConfig& config = defaults())
        : users(config.realm), server(std::make_unique<Server>(config, ServerDeps{pool, users, rules, quota, random})) {
        users.add("alice", "secret");
        users.add("bob", "hunter2");
    }

    net::FiveTuple path(std::uint16_t port = 4'000, net::Transport transport = net::Transport::udp) const {
        return {
            .client = {.address = client, .port = port}, .server = address("192.0.2.1:3478"), .transport = transport};
    }
    void advance(Duration by) {
        now.steady += by;
        now.unix += std::chrono::duration_cast<std::chrono::seconds>(by);
    }
    /// Advances as a driver would, waking the server whenever it wants.
    void run(std::chrono::seconds by) {
        const Instant end = now.steady + by;
        while (server->next_timeout() <= end) {
            advance(std::max(server->next_timeout() - now.steady, Duration::zero()));
            server->handle_timeout(now, out);
        }
        advance(end - now.steady);
    }

    std::vector<RecordingOutbox::Sent> exchange(const net::FiveTuple& on, Bytes bytes) {
        server->handle(now, on, bytes, out);
        return out.take();
    }
    /// The answer; an empty one when there is none.
    Answer ask(const net::FiveTuple& on, Bytes bytes) {
        auto sent = exchange(on, bytes);
        return sent.empty() ? Answer{} : Answer{std::move(sent.front().bytes)};
    }
    /// NONCE of a fresh challenge.
    std::string nonce(const net::FiveTuple& on) {
        const Answer challenge = ask(on, Crafted(stun::Class::request, stun::Method::allocate, 0xffff).udp().bytes());
        return std::string(challenge.message().text(stun::Attribute::nonce).value());
    }
    [[nodiscard]] stun::LongTermKeys keys(std::string_view username = "alice",
                                          std::string_view password = "secret") const {
        return stun::long_term_keys(username, server->config().realm, password);
    }
    /// The request with alice's credentials and SHA-1 integrity.
    std::vector<std::byte> sign(const net::FiveTuple& on, Crafted& request, std::string_view username = "alice",
                                std::string_view password = "secret") {
        return request.put(stun::Attribute::username, username)
            .put(stun::Attribute::realm, server->config().realm)
            .put(stun::Attribute::nonce, nonce(on))
            .integrity(*keys(username, password).md5)
            .bytes();
    }
    Answer ask_signed(const net::FiveTuple& on, Crafted& request) { return ask(on, sign(on, request)); }
    Answer ask_signed(const net::FiveTuple& on, Crafted&& request) { return ask(on, sign(on, request)); }
    Answer allocate(const net::FiveTuple& on, std::uint32_t transaction = 1) {
        return ask_signed(on, Crafted(stun::Class::request, stun::Method::allocate, transaction).udp());
    }
    Answer permit(const net::FiveTuple& on, const net::TransportAddress& peer, std::uint32_t transaction = 2) {
        return ask_signed(on, Crafted(stun::Class::request, stun::Method::create_permission, transaction).peer(peer));
    }
    Answer bind_channel(const net::FiveTuple& on, std::uint16_t channel, const net::TransportAddress& peer,
                        std::uint32_t transaction = 3) {
        return ask_signed(
            on, Crafted(stun::Class::request, stun::Method::channel_bind, transaction).channel(channel).peer(peer));
    }
    Answer refresh(const net::FiveTuple& on, std::uint32_t lifetime, std::uint32_t transaction = 4) {
        return ask_signed(
            on,
            Crafted(stun::Class::request, stun::Method::refresh, transaction).u32(stun::Attribute::lifetime, lifetime));
    }
    /// The relay of the (first) allocation.
    [[nodiscard]] RelayId relay_of(const Answer& allocated) const {
        return pool.id_of(*allocated.message().xor_address(stun::Attribute::xor_relayed_address)).value();
    }

    net::IpAddress client = net::IpAddress::v4(198, 51, 100, 7);
    Now now{.steady = Instant{} + std::chrono::hours(1000), .unix = unix_time(1'800'000'000)};
    SeededRandom random{42};
    PortPool pool;
    UserTable users;
    PeerRules rules;
    CountingQuota quota;
    RecordingOutbox out;
    std::unique_ptr<Server> server;
};

} // namespace fairlead::turn::fakes
