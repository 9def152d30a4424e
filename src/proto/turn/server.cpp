#include "turn/server.hpp"

#include "bytes/reader.hpp"
#include "turn/core.hpp"
#include "turn/known_attributes.hpp"

#include <algorithm>

namespace fairlead::turn {

namespace {

using stun::Attribute;
using stun::Class;
using stun::ErrorCode;
using stun::Method;
using stun::PasswordAlgorithm;

// RFC 8489 sections 14.3, 14.9, 14.10: fewer than 509 bytes, and fewer than 128 characters of up to six bytes.
constexpr std::size_t max_username = 508;
constexpr std::size_t max_quoted = 763;

// IP and UDP headers, which the amplification is counted with.
std::size_t packet_overhead(const net::FiveTuple& path) {
    return path.client.address.is_v4() ? 28 : 48;
}

constexpr std::size_t padded(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

// PASSWORD-ALGORITHMS (RFC 8489 section 14.11): algorithm and length of its parameters, of which there are none.
Bytes password_algorithms(const ServerConfig& config) {
    static constexpr std::array both{std::byte{0}, std::byte{2}, std::byte{0}, std::byte{0},
                                     std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}};
    return config.md5_keys ? Bytes(both) : Bytes(both).first(4);
}

AnswerBudget::Limits limits_of(const ServerConfig& config) {
    return {.burst = static_cast<double>(config.unauthenticated_burst),
            .per_second = static_cast<double>(config.unauthenticated_per_second),
            .total_burst = static_cast<double>(config.unauthenticated_total_burst),
            .total_per_second = static_cast<double>(config.unauthenticated_total_per_second)};
}

bool is_relay_method(Method method) {
    return method == Method::allocate || method == Method::refresh || method == Method::create_permission ||
           method == Method::channel_bind;
}

} // namespace

std::string_view describe(RelayError error) {
    switch (error) {
    case RelayError::family_unsupported:
        return "address family not supported";
    case RelayError::ports_exhausted:
        return "no free relay port";
    case RelayError::system:
        return "relay socket could not be opened";
    }
    return "unknown";
}

std::string_view describe(Silence why) {
    switch (why) {
    case Silence::malformed:
        return "malformed";
    case Silence::not_a_request:
        return "not a request";
    case Silence::unknown_method:
        return "unknown method";
    case Silence::switched_off:
        return "switched off";
    case Silence::over_budget:
        return "over budget";
    case Silence::parked:
        return "parked";
    case Silence::no_room:
        return "no room";
    }
    return "unknown";
}

Server::Core::Core(ServerConfig given, const ServerDeps& dependencies)
    : realm(given.realm),
      config(std::move(given)),
      deps(dependencies),
      allocations(deps.random.next_u64()),
      relay(allocations, config, deps.peers, stats.relay, deps.random.next_u64()),
      nonces_(config.nonce_secret, config.nonce_lifetime, deps.random),
      budget_(limits_of(config), deps.random.next_u64()),
      recent_(deps.random.next_u64()) {}

// --- dispatch
// ---------------------------------------------------------------------------------------------------------

void Server::Core::handle(Now now, const net::FiveTuple& path, Bytes message, net::Outbox& out,
                          const CredentialAnswer* supplied) {
    if (supplied == nullptr) {
        stats.bytes_in.add(message.size());
    }
    const auto request = stun::Message::parse(message);
    if (!request) {
        return silence(Silence::malformed);
    }
    // Two servers that answer each other's errors would never stop: nothing but requests is answered.
    if (request->message_class() != Class::request) {
        return silence(Silence::not_a_request);
    }
    if (supplied == nullptr) {
        stats.requests.add();
    }
    const Exchange exchange{.now = now, .path = path, .request = *request, .out = out};
    if (request->method() == Method::binding) {
        return config.answer_bindings ? binding(exchange, supplied) : silence(Silence::switched_off);
    }
    if (!is_relay_method(request->method())) {
        return silence(Silence::unknown_method);
    }
    return config.relay ? relay_request(exchange, supplied) : silence(Silence::switched_off);
}

// RFC 8489 section 12: thirty-two bytes for a bare request over IPv4.
void Server::Core::binding(const Exchange& exchange, const CredentialAnswer* supplied) {
    if (supplied == nullptr) {
        stats.binding_requests.add();
    }
    std::optional<Identity> identity;
    if (config.binding_needs_credentials && config.authentication == ServerConfig::Authentication::long_term) {
        identity = authenticate(exchange, supplied);
        if (!identity) {
            return;
        }
    } else if (!may_answer_stranger(exchange, false)) {
        return;
    }
    const Identity* signer = identity ? &*identity : nullptr;
    const bool unknown_attributes = has_unknown(exchange.request, true);
    stun::Writer answer(exchange.out.reserve(answer_room), unknown_attributes ? Class::error : Class::success,
                        Method::binding, exchange.request.transaction_id());
    if (unknown_attributes) {
        stats.errors[static_cast<std::size_t>(ErrorCode::unknown_attribute)].add();
        answer.error(ErrorCode::unknown_attribute);
        answer.unknown_attributes(UnknownAttributes(exchange.request, true).types());
    } else {
        stats.binding_answers.add();
        answer.xor_address(Attribute::xor_mapped_address, exchange.path.client);
    }
    send(exchange, signer, answer);
}

void Server::Core::relay_request(const Exchange& exchange, const CredentialAnswer* supplied) {
    const auto identity = authenticate(exchange, supplied);
    if (!identity) {
        return;
    }
    if (const UnknownAttributes unknown(exchange.request, config.dont_fragment); unknown.any()) {
        return refuse(exchange, *identity, {ErrorCode::unknown_attribute, "comprehension-required attribute"},
                      [&](stun::Writer& answer) { answer.unknown_attributes(unknown.types()); });
    }
    switch (exchange.request.method()) {
    case Method::allocate:
        return allocate(exchange, *identity);
    case Method::refresh:
        return refresh(exchange, *identity);
    case Method::create_permission:
        return create_permission(exchange, *identity);
    default:
        return channel_bind(exchange, *identity);
    }
}

// --- authentication: RFC 8489 section 9.2.4
// ---------------------------------------------------------------------------

std::optional<Identity> Server::Core::authenticate(const Exchange& exchange, const CredentialAnswer* supplied) {
    if (config.authentication == ServerConfig::Authentication::none) {
        return Identity{};
    }
    const stun::Message& request = exchange.request;
    if (!request.has_integrity() && !request.has_integrity_sha256()) {
        // A bare header asks for nothing and earns no challenge: its 400 is eight bytes longer than itself.
        if (request.empty() && exchange.path.transport == net::Transport::udp) {
            refuse_stranger(exchange, ErrorCode::bad_request);
        } else {
            challenge(exchange, ErrorCode::unauthenticated, std::nullopt);
        }
        return std::nullopt;
    }

    const auto username = request.text(Attribute::username);
    const auto hash = request.find(Attribute::userhash);
    const auto claimed_realm = request.text(Attribute::realm);
    const auto nonce = request.text(Attribute::nonce);
    const bool complete = (username || hash) && claimed_realm && nonce;
    const bool in_bounds = complete && (!username || (!username->empty() && username->size() <= max_username)) &&
                           (!hash || hash->size() == std::tuple_size_v<crypto::Sha256>) &&
                           claimed_realm->size() <= max_quoted && nonce->size() <= max_quoted;
    if (!in_bounds) {
        refuse_stranger(exchange, ErrorCode::bad_request, AuthFailure::missing_attributes);
        return std::nullopt;
    }

    // Nothing below is done, looked up or remembered for a sender who has not shown that it receives what we send.
    const auto checked = nonces_.check(exchange.now.unix, exchange.path.client.address, *nonce);
    if (checked.verdict != NonceIssuer::Verdict::good) {
        const bool stale = checked.verdict == NonceIssuer::Verdict::stale;
        challenge(exchange, ErrorCode::stale_nonce, stale ? AuthFailure::stale_nonce : AuthFailure::forged_nonce);
        return std::nullopt;
    }
    if (*claimed_realm != realm) {
        // Our realm went with the nonce, so the client mixes up two servers: coturn's answers.
        const bool allocating = request.method() == Method::allocate;
        refuse_stranger(exchange, allocating ? ErrorCode::allocation_mismatch : ErrorCode::wrong_credentials,
                        AuthFailure::wrong_realm);
        return std::nullopt;
    }
    const auto algorithm = password_algorithm(exchange, checked.features);
    if (!algorithm) {
        refuse_stranger(exchange, ErrorCode::bad_request, AuthFailure::downgraded);
        return std::nullopt;
    }

    const Claim claim{.realm = realm,
                      .username = username && !hash ? *username : std::string_view(),
                      .userhash = hash && config.username_anonymity ? *hash : Bytes()};
    const bool nameless = claim.username.empty() && claim.userhash.empty(); // a USERHASH that we never asked for
    const CredentialAnswer answer = supplied != nullptr ? *supplied
                                    : nameless          ? CredentialAnswer(UnknownUser{})
                                                        : deps.credentials.find(claim, exchange.now.unix);
    if (std::holds_alternative<AnswersLater>(answer) && supplied == nullptr) {
        park(exchange, claim);
        return std::nullopt;
    }
    Identity identity;
    if (!prove(exchange, answer, *algorithm, identity)) {
        const bool known = std::holds_alternative<Account>(answer);
        challenge(exchange, ErrorCode::unauthenticated,
                  known ? AuthFailure::wrong_password : AuthFailure::unknown_user);
        return std::nullopt;
    }
    if (identity.expires < exchange.now.unix) {
        challenge(exchange, ErrorCode::unauthenticated, AuthFailure::credential_expired);
        return std::nullopt;
    }
    budget_.verified(exchange.now.steady, exchange.path.client.address);
    return identity;
}

// Tries every key of the account; for an unknown user as many that cannot match, so that both take the same time.
bool Server::Core::prove(const Exchange& exchange, const CredentialAnswer& answer, PasswordAlgorithm algorithm,
                         Identity& identity) {
    static constexpr std::array<std::byte, 32> nobodys_key{};
    const stun::Message& request = exchange.request;
    const auto matches = [&](Bytes key) {
        return request.has_integrity_sha256() ? request.integrity_sha256_matches(key) : request.integrity_matches(key);
    };
    const Account* account = std::get_if<Account>(&answer);
    const std::size_t candidates = account != nullptr ? std::min(account->key_count, Account::max_keys) : usual_keys_;
    bool proven = false;
    for (std::size_t i = 0; i < candidates; ++i) {
        const Bytes key = account != nullptr ? account->keys[i].of(algorithm) : Bytes();
        const bool match = matches(key.empty() ? Bytes(nobodys_key) : key) && !key.empty();
        if (match && !proven) {
            std::ranges::copy(key, identity.key.begin());
            identity.key_size = key.size();
            proven = true;
        }
    }
    if (account == nullptr) {
        return false;
    }
    usual_keys_ = std::max<std::size_t>(1, candidates);
    identity.username = account->username;
    identity.user = account->user;
    identity.expires = account->expires;
    identity.sha256 = request.has_integrity_sha256();
    return proven;
}

// Nothing when the client's idea of the offer is not the offer: somebody in between took SHA-256 out of it (RFC 8489
// section 9.2.1, "bid-down"). That the nonce itself was not tampered with its MAC has shown.
std::optional<PasswordAlgorithm> Server::Core::password_algorithm(const Exchange& exchange,
                                                                  stun::SecurityFeatures promised) const {
    const auto chosen = exchange.request.find(Attribute::password_algorithm);
    const auto offered = exchange.request.find(Attribute::password_algorithms);
    const auto md5 = config.md5_keys ? std::optional(PasswordAlgorithm::md5) : std::nullopt;
    if (!promised.password_algorithms || (!chosen && !offered)) {
        return md5;
    }
    if (!chosen || !offered || chosen->size() != 4 || !std::ranges::equal(*offered, password_algorithms(config))) {
        return std::nullopt;
    }
    if (bytes::load_u16(*chosen, 2) != 0) {
        return std::nullopt; // neither algorithm has parameters
    }
    switch (static_cast<PasswordAlgorithm>(bytes::load_u16(*chosen, 0))) {
    case PasswordAlgorithm::sha256:
        return PasswordAlgorithm::sha256;
    case PasswordAlgorithm::md5:
        return md5;
    }
    return std::nullopt;
}

void Server::Core::park(const Exchange& exchange, const Claim& claim) {
    silence(Silence::parked);
    const bool retransmitted = std::ranges::any_of(parked_, [&](const auto& row) {
        return row.second.path == exchange.path && std::ranges::equal(row.second.message, exchange.request.bytes());
    });
    if (retransmitted || parked_.size() >= config.max_parked_requests) {
        return;
    }
    const std::uint64_t ticket = next_ticket_++;
    const Bytes bytes = exchange.request.bytes();
    parked_.emplace(ticket, Parked{.path = exchange.path,
                                   .message = {bytes.begin(), bytes.end()},
                                   .expires = exchange.now.steady + config.parked_request_lifetime});
    events.add(KeyWanted{.ticket = ticket,
                         .realm = realm,
                         .username = std::string(claim.username),
                         .userhash = std::string(as_text(claim.userhash))});
    arm(exchange.now.steady);
}

void Server::Core::provide_key(Now now, std::uint64_t ticket, const CredentialAnswer& answer, net::Outbox& out) {
    const auto found = parked_.find(ticket);
    if (found == parked_.end()) {
        return;
    }
    const Parked parked = std::move(found->second);
    parked_.erase(found);
    if (now.steady < parked.expires) {
        handle(now, parked.path, parked.message, out, &answer);
    }
}

// --- answers
// ----------------------------------------------------------------------------------------------------------

// Streams and DTLS have shown where they are by their handshake, an allocation's client by having one; there only
// failures count, against guessing.
bool Server::Core::may_answer_stranger(const Exchange& exchange, bool failed) {
    const bool known_place = exchange.path.transport != net::Transport::udp ||
                             live_allocation(exchange.path, exchange.now.steady) != nullptr;
    if (!config.limit_unauthenticated || (known_place && !failed)) {
        return true;
    }
    if (budget_.take(exchange.now.steady, exchange.path.client.address)) {
        return true;
    }
    silence(Silence::over_budget);
    return false;
}

bool Server::Core::offers_sha256(const Exchange& exchange) const {
    if (!config.md5_keys || config.offer_sha256 == ServerConfig::OfferSha256::always) {
        return true;
    }
    if (config.offer_sha256 == ServerConfig::OfferSha256::never) {
        return false;
    }
    if (exchange.path.transport != net::Transport::udp) {
        return true;
    }
    const std::size_t overhead = packet_overhead(exchange.path);
    const std::size_t answer = stun::header_size + 8 + 4 + padded(realm.size()) + 4 + padded(NonceIssuer::max_size) +
                               4 + password_algorithms(config).size() + (exchange.request.has_fingerprint() ? 8 : 0);
    return overhead + answer <= 2 * (overhead + exchange.request.bytes().size());
}

// 401 and 438: as small as they can be, because anybody can have them sent to anybody.
void Server::Core::challenge(const Exchange& exchange, ErrorCode code, std::optional<AuthFailure> failure) {
    if (!may_answer_stranger(exchange, failure.has_value() && failure != AuthFailure::stale_nonce)) {
        return;
    }
    const bool sha256 = offers_sha256(exchange);
    const auto nonce =
        nonces_.issue(exchange.now.unix, exchange.path.client.address,
                      {.password_algorithms = sha256, .username_anonymity = sha256 && config.username_anonymity});
    stun::Writer answer(exchange.out.reserve(answer_room), Class::error, exchange.request.method(),
                        exchange.request.transaction_id());
    answer.error(code);
    answer.put(Attribute::realm, realm);
    answer.put(Attribute::nonce, nonce.view());
    if (sha256) {
        answer.put(Attribute::password_algorithms, password_algorithms(config));
    }
    if (code == ErrorCode::stale_nonce) {
        stats.stale_nonces.add();
    } else if (!failure) {
        stats.challenges.add();
    }
    stats.errors[static_cast<std::size_t>(code)].add();
    if (failure) {
        authentication_failed(exchange, *failure);
    }
    send(exchange, nullptr, answer);
}

void Server::Core::refuse_stranger(const Exchange& exchange, ErrorCode code, std::optional<AuthFailure> failure) {
    if (!may_answer_stranger(exchange, failure.has_value())) {
        return;
    }
    stun::Writer answer(exchange.out.reserve(answer_room), Class::error, exchange.request.method(),
                        exchange.request.transaction_id());
    answer.error(code);
    stats.errors[static_cast<std::size_t>(code)].add();
    if (failure) {
        authentication_failed(exchange, *failure);
    }
    send(exchange, nullptr, answer);
}

void Server::Core::authentication_failed(const Exchange& exchange, AuthFailure failure) {
    if (failure == AuthFailure::stale_nonce) {
        return; // an hour-long call has a few
    }
    stats.authentication_failed.add();
    constexpr std::size_t shown = 128;
    const auto username = exchange.request.text(Attribute::username).value_or(std::string_view());
    events.add(AuthenticationFailed{
        .path = exchange.path, .username = std::string(username.substr(0, shown)), .reason = failure});
}

void Server::Core::refused(const Exchange& exchange, const Identity& identity, const Refusal& refusal) {
    stats.errors[static_cast<std::size_t>(refusal.code)].add();
    events.add(RequestRefused{.path = exchange.path,
                              .username = identity.username,
                              .method = exchange.request.method(),
                              .code = refusal.code,
                              .why = std::string(refusal.why)});
}

void Server::Core::send(const Exchange& exchange, const Identity* identity, stun::Writer& answer) {
    if (identity != nullptr && identity->key_size != 0) {
        if (!config.software.empty()) {
            answer.put(Attribute::software, config.software);
        }
        if (identity->sha256) {
            answer.integrity_sha256(identity->signing_key());
        } else {
            answer.integrity(identity->signing_key());
        }
    }
    if (exchange.request.has_fingerprint() || config.always_fingerprint) {
        answer.fingerprint();
    }
    const std::size_t size = answer.finish();
    if (size == 0) {
        return silence(Silence::no_room);
    }
    stats.bytes_out.add(size);
    exchange.out.transmit(exchange.path, size);
}

// --- life and death of allocations
// ------------------------------------------------------------------------------------

Allocation* Server::Core::live_allocation(const net::FiveTuple& path, Instant now) const {
    Allocation* allocation = allocations.find(path);
    return allocation != nullptr && allocation->live(now) ? allocation : nullptr;
}

void Server::Core::end(Allocation& allocation, Instant now, EndReason reason) {
    if (allocation.reservation_token != 0) {
        reservations.drop(allocation.reservation_token);
        note_reservations();
    }
    events.add(AllocationEnded{.id = allocation.id,
                               .path = allocation.path,
                               .username = allocation.username,
                               .user = allocation.quota.user(),
                               .reason = reason,
                               .duration = now - allocation.created,
                               .traffic = allocation.traffic});
    const auto removed = allocations.remove(allocation); // closes its relays, gives back its quota
    stats.allocations_ended.add();
    stats.allocations.subtract();
}

void Server::Core::connection_closed(Now now, const net::FiveTuple& path) {
    if (Allocation* allocation = allocations.find(path); allocation != nullptr) {
        end(*allocation, now.steady, EndReason::connection_closed);
    }
    std::erase_if(parked_, [&](const auto& row) { return row.second.path == path; });
}

void Server::Core::reconfigure(const ServerConfig& given) {
    const std::size_t max_allocations = config.max_allocations;
    const std::size_t max_relays = config.max_relays;
    config = given;
    config.realm = realm;
    config.max_allocations = max_allocations;
    config.max_relays = max_relays;
    nonces_.set_lifetime(config.nonce_lifetime);
    budget_.set_limits(limits_of(config));
}

// --- time
// -------------------------------------------------------------------------------------------------------------

namespace {
// Many allocations are swept in eighths, so that no call holds up the packets behind it.
constexpr std::size_t sweep_at_once = 512;
constexpr std::size_t slices = 8;
} // namespace

void Server::Core::arm(Instant now) {
    if (next_sweep_ == never) {
        next_sweep_ = now + std::chrono::seconds(1);
    }
}

Instant Server::Core::next_timeout() const {
    return next_sweep_;
}

void Server::Core::handle_timeout(Now now) {
    if (now.steady < next_sweep_) {
        return;
    }
    const bool sliced = allocations.size() > sweep_at_once;
    // Downwards: removing a row moves the last one into its place, which this pass has seen already.
    for (std::size_t left = sliced ? allocations.size() / slices + 1 : allocations.size(); left != 0; --left) {
        if (sweep_at_ == 0 || sweep_at_ > allocations.size()) {
            sweep_at_ = allocations.size();
        }
        if (sweep_at_ == 0) {
            break;
        }
        sweep(--sweep_at_, now.steady);
    }
    reservations.drop_expired(now.steady);
    note_reservations();
    std::erase_if(parked_, [&](const auto& row) { return row.second.expires <= now.steady; });
    const bool idle = allocations.size() == 0 && reservations.size() == 0 && parked_.empty();
    next_sweep_ = idle ? never : now.steady + std::chrono::milliseconds(sliced ? 1000 / slices : 1000);
}

void Server::Core::sweep(std::size_t row, Instant now) {
    if (now < allocations.look_at(row)) {
        return;
    }
    Allocation& allocation = allocations.at(row);
    if (!allocation.live(now)) {
        return end(allocation, now, EndReason::expired);
    }
    drop_expired(allocation, now);
    allocations.look_again(row);
}

void Server::Core::drop_expired(Allocation& allocation, Instant now) {
    for (RelayedAddress& relayed : allocation.relays) {
        if (relayed.relay.open() && relayed.expires <= now) {
            allocations.forget_relay(relayed.relay.id());
            relayed.relay.close();
        }
    }
    std::erase_if(allocation.permissions, [&](const Permission& permission) {
        const bool expired = permission.expires <= now;
        if (expired) {
            events.add(PermissionEnded{.id = allocation.id, .peer = permission.peer});
        }
        return expired;
    });
    std::erase_if(allocation.channels, [&](const ChannelBinding& binding) {
        const bool expired = binding.expires <= now;
        if (expired) {
            events.add(ChannelEnded{.id = allocation.id, .channel = binding.channel, .peer = binding.peer});
        }
        return expired;
    });
}

// --- the public face
// --------------------------------------------------------------------------------------------------

Server::Server(ServerConfig config, const ServerDeps& deps) : core_(std::make_unique<Core>(std::move(config), deps)) {}
Server::~Server() = default;

void Server::handle(Now now, const net::FiveTuple& path, Bytes message, net::Outbox& out) {
    core_->handle(now, path, message, out);
}
Relay& Server::relay() {
    return core_->relay;
}
void Server::connection_closed(Now now, const net::FiveTuple& path) {
    core_->connection_closed(now, path);
}
void Server::provide_key(Now now, std::uint64_t ticket, const CredentialAnswer& answer, net::Outbox& out) {
    core_->provide_key(now, ticket, answer, out);
}
Instant Server::next_timeout() const {
    return core_->next_timeout();
}
void Server::handle_timeout(Now now, net::Outbox& /*out*/) {
    core_->handle_timeout(now);
}
Events& Server::events() {
    return core_->events;
}
const ServerStats& Server::stats() const {
    return core_->stats;
}
const ServerConfig& Server::config() const {
    return core_->config;
}
void Server::reconfigure(const ServerConfig& config) {
    core_->reconfigure(config);
}
bool Server::has_allocation(Instant now, const net::FiveTuple& path) const {
    return core_->live_allocation(path, now) != nullptr;
}
std::size_t Server::allocation_count() const {
    return core_->allocations.size();
}

void Server::for_each_allocation(Instant now, const std::function<void(const AllocationInfo&)>& visit) const {
    for (std::size_t row = 0; row < core_->allocations.size(); ++row) {
        const Allocation& allocation = core_->allocations.at(row);
        if (!allocation.live(now)) {
            continue;
        }
        const auto& [first, second] = allocation.relays;
        AllocationInfo info{.id = allocation.id,
                            .path = allocation.path,
                            .username = allocation.username,
                            .user = allocation.quota.user(),
                            .relayed = first.live(now) ? first.relay.relayed() : second.relay.relayed(),
                            .additional = std::nullopt,
                            .created = allocation.created,
                            .expires = allocation.expires(),
                            .permissions = allocation.permissions.size(),
                            .channels = allocation.channels.size(),
                            .traffic = allocation.traffic};
        if (first.live(now) && second.live(now)) {
            info.additional = second.relay.relayed();
        }
        visit(info);
    }
}

bool Server::end_allocation(Now now, AllocationId id) {
    for (std::size_t row = 0; row < core_->allocations.size(); ++row) {
        if (core_->allocations.at(row).id == id) {
            core_->end(core_->allocations.at(row), now.steady, EndReason::ended_by_operator);
            return true;
        }
    }
    return false;
}

std::size_t Server::end_user(Now now, std::string_view user) {
    std::size_t ended = 0;
    for (std::size_t row = core_->allocations.size(); row != 0; --row) {
        if (core_->allocations.at(row - 1).quota.user() == user) {
            core_->end(core_->allocations.at(row - 1), now.steady, EndReason::ended_by_operator);
            ++ended;
        }
    }
    return ended;
}

void Server::redirect(std::optional<Redirect> to) {
    core_->redirect = std::move(to);
}

} // namespace fairlead::turn
