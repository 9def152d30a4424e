#include "turn/client.hpp"

#include "bytes/reader.hpp"
#include "bytes/writer.hpp"
#include "demux/first_byte.hpp"
#include "stun/writer.hpp"
#include "turn/channel_data.hpp"
#include "turn/stream_framer.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::turn {

namespace {

using stun::Attribute;
using stun::Class;
using stun::ErrorCode;
using stun::Method;
using stun::PasswordAlgorithm;

constexpr std::size_t request_room = 1'500;
// Comfortably before the server's five minutes (RFC 8656 section 9); a ChannelBind refreshes both.
constexpr std::chrono::seconds permission_refresh{240};
constexpr unsigned most_challenges = 3;

// RFC 8656 section 8: "a client ... refreshes ... at least one minute before" it would expire.
Duration refresh_after(std::chrono::seconds lifetime) {
    return lifetime > std::chrono::seconds(120) ? Duration(lifetime - std::chrono::seconds(60))
                                                : Duration(lifetime) / 2;
}

std::array<std::byte, 4> leading(std::uint8_t value) {
    return {std::byte{value}, std::byte{0}, std::byte{0}, std::byte{0}};
}

std::array<std::byte, 8> big_endian(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    bytes::Writer(bytes).u64(value);
    return bytes;
}

std::optional<std::uint64_t> token_in(const stun::Message& message) {
    const auto value = message.find(Attribute::reservation_token);
    return value && value->size() == 8 ? bytes::Reader(*value).u64() : std::nullopt;
}

// The algorithms of PASSWORD-ALGORITHMS, parameters skipped (RFC 8489 section 14.11).
bool offers(Bytes list, PasswordAlgorithm wanted) {
    bytes::Reader reader(list);
    while (reader.remaining() >= 4) {
        const auto algorithm = reader.u16().value_or(0);
        const std::size_t length = reader.u16().value_or(0);
        if (algorithm == static_cast<std::uint16_t>(wanted)) {
            return true;
        }
        if (!reader.skip((length + 3) & ~std::size_t{3})) {
            return false;
        }
    }
    return false;
}

} // namespace

Client::Client(ClientConfig config, const net::FiveTuple& path, Random& random)
    : config_(std::move(config)), path_(path), random_(random) {}

void Client::bind(Instant now, net::Outbox& out) {
    start(now, {.method = Method::binding}, out);
}

void Client::allocate(Instant now, const AllocateOptions& options, net::Outbox& out) {
    start(now, {.method = Method::allocate, .options = options}, out);
}

void Client::refresh(Instant now, std::chrono::seconds lifetime, net::Outbox& out) {
    start(now, {.method = Method::refresh, .lifetime = lifetime}, out);
}

void Client::permit(Instant now, std::span<const net::TransportAddress> peers, net::Outbox& out) {
    start(now, {.method = Method::create_permission, .peers = {peers.begin(), peers.end()}}, out);
}

void Client::bind_channel(Instant now, std::uint16_t channel, const net::TransportAddress& peer, net::Outbox& out) {
    start(now, {.method = Method::channel_bind, .peers = {peer}, .channel = channel}, out);
}

bool Client::send(Instant /*now*/, const net::TransportAddress& peer, Bytes data, net::Outbox& out) {
    std::size_t size = 0;
    if (const auto bound = std::ranges::find(channels_, peer, &Channel::peer); bound != channels_.end()) {
        if (data.size() > 0xffff) {
            return false;
        }
        const std::size_t padding = net::is_stream(path_.transport) ? stream_padding(data.size()) : 0;
        bytes::Writer writer(out.reserve(ChannelData::header_size + data.size() + padding));
        writer.u16(bound->number);
        writer.u16(static_cast<std::uint16_t>(data.size()));
        writer.put(data);
        writer.zeros(padding);
        size = writer.ok() ? writer.size() : 0;
    } else {
        stun::TransactionId id{};
        random_.fill(id);
        stun::Writer writer(out.reserve(data.size() + 64), Class::indication, Method::send, id);
        writer.xor_address(Attribute::xor_peer_address, peer);
        writer.put(Attribute::data, data);
        size = writer.finish();
    }
    if (size != 0) {
        out.transmit(path_, size);
    }
    return size != 0;
}

void Client::start(Instant now, Pending pending, net::Outbox& out) {
    random_.fill(pending.id);
    write(pending);
    transmit(now, pending, out);
    pending_.push_back(std::move(pending));
}

void Client::write(Pending& pending) {
    std::vector<std::byte> room(request_room);
    stun::Writer writer(room, Class::request, pending.method, pending.id);
    switch (pending.method) {
    case Method::allocate: {
        const AllocateOptions& options = pending.options;
        writer.put(Attribute::requested_transport, leading(options.transport));
        if (options.lifetime) {
            writer.u32(Attribute::lifetime, static_cast<std::uint32_t>(options.lifetime->count()));
        }
        if (options.family) {
            writer.put(Attribute::requested_address_family, leading(static_cast<std::uint8_t>(*options.family)));
        }
        if (options.additional_ipv6) {
            writer.put(Attribute::additional_address_family, leading(static_cast<std::uint8_t>(net::Family::v6)));
        }
        if (options.even_port) {
            writer.put(Attribute::even_port,
                       std::array{std::byte{*options.even_port ? std::uint8_t{0x80} : std::uint8_t{0}}});
        }
        if (options.reservation_token) {
            writer.put(Attribute::reservation_token, big_endian(*options.reservation_token));
        }
        if (options.dont_fragment) {
            writer.put(Attribute::dont_fragment, Bytes());
        }
        break;
    }
    case Method::refresh:
        if (pending.lifetime) {
            writer.u32(Attribute::lifetime, static_cast<std::uint32_t>(pending.lifetime->count()));
        }
        break;
    case Method::channel_bind:
        writer.u32(Attribute::channel_number, std::uint32_t{pending.channel} << 16U);
        [[fallthrough]];
    case Method::create_permission:
        for (const net::TransportAddress& peer : pending.peers) {
            writer.xor_address(Attribute::xor_peer_address, peer);
        }
        break;
    default:
        break;
    }
    if (!config_.software.empty()) {
        writer.put(Attribute::software, config_.software);
    }
    pending.key.clear();
    // RFC 8489 section 9.2.3.2: once challenged, always with credentials. A Binding goes without unless it was asked.
    if (!nonce_.empty() && (pending.method != Method::binding || pending.challenged != 0)) {
        if (hash_username_) {
            writer.put(Attribute::userhash, stun::userhash(config_.username, realm_));
        } else {
            writer.put(Attribute::username, config_.username);
        }
        writer.put(Attribute::realm, realm_);
        writer.put(Attribute::nonce, nonce_);
        if (algorithm_) {
            writer.put(Attribute::password_algorithms, offered_algorithms_);
            writer.u32(Attribute::password_algorithm, static_cast<std::uint32_t>(*algorithm_) << 16U);
            writer.integrity_sha256(key_);
        } else {
            writer.integrity(key_);
        }
        pending.key = key_;
        pending.signed_with_sha256 = algorithm_.has_value();
    }
    if (config_.fingerprint) {
        writer.fingerprint();
    }
    room.resize(writer.finish());
    pending.message = std::move(room);
}

void Client::transmit(Instant now, Pending& pending, net::Outbox& out) {
    const MutableBytes room = out.reserve(pending.message.size());
    if (!pending.message.empty() && room.size() >= pending.message.size()) {
        std::ranges::copy(pending.message, room.begin());
        out.transmit(path_, pending.message.size());
    }
    ++pending.sent;
    if (net::is_stream(path_.transport)) {
        pending.due = now + config_.stream_timeout;
    } else if (pending.sent < config_.rc) {
        pending.due = now + config_.rto * (1U << (pending.sent - 1));
    } else {
        pending.due = now + config_.rto * config_.rm;
    }
}

void Client::handle(Instant now, Bytes datagram, net::Outbox& out) {
    if (demux::classify(datagram) == demux::Kind::channel_data) {
        const auto header = ChannelData::parse(datagram);
        const auto bound = header ? std::ranges::find(channels_, header->channel, &Channel::number) : channels_.end();
        if (bound != channels_.end()) {
            events_.emplace_back(ClientData{.peer = bound->peer,
                                            .data = datagram.subspan(ChannelData::header_size, header->length),
                                            .by_channel = true});
        }
        return;
    }
    const auto message = stun::Message::parse(datagram);
    if (!message) {
        return;
    }
    if (message->is(Class::indication, Method::data)) {
        return indication(*message);
    }
    if (message->message_class() != Class::success && message->message_class() != Class::error) {
        return;
    }
    const auto found = std::ranges::find(pending_, message->transaction_id(), &Pending::id);
    if (found == pending_.end() || found->method != message->method() || !authentic(*found, *message)) {
        return;
    }
    Pending pending = std::move(*found);
    pending_.erase(found);
    answered(now, std::move(pending), *message, out);
}

// RFC 8489 section 9.2.5. An error without integrity is believed, so that a tool can tell it; a success is not.
bool Client::authentic(const Pending& pending, const stun::Message& message) {
    if (pending.key.empty()) {
        return true;
    }
    if (!message.has_integrity() && !message.has_integrity_sha256()) {
        return message.message_class() == Class::error;
    }
    return pending.signed_with_sha256 ? message.integrity_sha256_matches(pending.key)
                                      : message.integrity_matches(pending.key);
}

void Client::answered(Instant now, Pending pending, const stun::Message& message, net::Outbox& out) {
    if (message.message_class() == Class::success) {
        return succeeded(now, pending, message);
    }
    const auto code = message.error_code();
    const bool unauthenticated = code == static_cast<std::uint16_t>(ErrorCode::unauthenticated) && pending.key.empty();
    const bool stale = code == static_cast<std::uint16_t>(ErrorCode::stale_nonce);
    if ((unauthenticated || stale) && pending.challenged < most_challenges && learn_challenge(message)) {
        ++pending.challenged;
        pending.sent = 0;
        return start(now, std::move(pending), out);
    }
    failed(pending, &message);
}

// RFC 8489 section 9.2.5; false when the challenge is incomplete or has been tampered with.
bool Client::learn_challenge(const stun::Message& message) {
    const auto realm = message.text(Attribute::realm);
    const auto nonce = message.text(Attribute::nonce);
    if (!realm || !nonce) {
        return false;
    }
    const auto features = stun::read_nonce_cookie(*nonce).value_or(stun::SecurityFeatures{});
    const auto offered = message.find(Attribute::password_algorithms);
    std::optional<PasswordAlgorithm> algorithm;
    if (features.password_algorithms && config_.sha256) {
        if (!offered) {
            return false; // the nonce promises what somebody took away
        }
        if (offers(*offered, PasswordAlgorithm::sha256)) {
            algorithm = PasswordAlgorithm::sha256;
        } else if (offers(*offered, PasswordAlgorithm::md5)) {
            algorithm = PasswordAlgorithm::md5;
        } else {
            return false;
        }
        offered_algorithms_.assign(offered->begin(), offered->end());
    }
    realm_ = *realm;
    nonce_ = *nonce;
    algorithm_ = algorithm;
    hash_username_ = features.username_anonymity && config_.anonymous_username && config_.sha256;
    const auto keys = stun::long_term_keys(config_.username, realm_, config_.password);
    const Bytes key = keys.of(algorithm.value_or(PasswordAlgorithm::md5));
    key_.assign(key.begin(), key.end());
    return true;
}

void Client::succeeded(Instant now, const Pending& pending, const stun::Message& message) {
    const auto lifetime = std::chrono::seconds(message.u32(Attribute::lifetime).value_or(0));
    switch (pending.method) {
    case Method::binding:
        if (const auto mapped = message.xor_address(Attribute::xor_mapped_address)) {
            events_.emplace_back(ClientBound{.mapped = *mapped});
        }
        return;
    case Method::allocate: {
        ClientAllocated allocated;
        bool first = true;
        for (std::size_t i = 0; i < message.attribute_count(); ++i) {
            const stun::AttributeView attribute = message.attribute(i);
            const auto relayed =
                attribute.is(Attribute::xor_relayed_address) ? message.xor_address(attribute.value) : std::nullopt;
            if (relayed && std::exchange(first, false)) {
                allocated.relayed = *relayed;
            } else if (relayed) {
                allocated.additional = relayed;
            }
        }
        if (const auto error = message.find(Attribute::address_error_code); error && error->size() >= 4) {
            allocated.additional_error = static_cast<std::uint16_t>(
                (std::to_integer<unsigned>((*error)[2]) & 7U) * 100 + std::to_integer<unsigned>((*error)[3]));
        }
        allocated.mapped = message.xor_address(Attribute::xor_mapped_address).value_or(net::TransportAddress{});
        allocated.lifetime = lifetime;
        allocated.reservation_token = token_in(message);
        allocated_ = allocated;
        refresh_allocation_at_ = config_.refresh ? now + refresh_after(lifetime) : never;
        events_.emplace_back(allocated);
        return;
    }
    case Method::refresh:
        if (lifetime.count() == 0) {
            allocated_.reset();
            channels_.clear();
            permissions_.clear();
            refresh_allocation_at_ = never;
        } else {
            refresh_allocation_at_ = config_.refresh ? now + refresh_after(lifetime) : never;
        }
        if (!pending.quiet) {
            events_.emplace_back(ClientRefreshed{.lifetime = lifetime});
        }
        return;
    case Method::create_permission:
        for (const net::TransportAddress& peer : pending.peers) {
            const auto known = std::ranges::find(permissions_, peer, &Permission::peer);
            const Instant refresh_at = config_.refresh ? now + permission_refresh : never;
            if (known != permissions_.end()) {
                known->refresh_at = refresh_at;
            } else {
                permissions_.push_back({.peer = peer, .refresh_at = refresh_at});
            }
        }
        if (!pending.quiet) {
            events_.emplace_back(ClientPermitted{.peers = pending.peers});
        }
        return;
    case Method::channel_bind: {
        const auto known = std::ranges::find(channels_, pending.channel, &Channel::number);
        const Instant refresh_at = config_.refresh ? now + permission_refresh : never;
        if (known != channels_.end()) {
            known->refresh_at = refresh_at;
        } else {
            channels_.push_back({.number = pending.channel, .peer = pending.peers.front(), .refresh_at = refresh_at});
        }
        if (!pending.quiet) {
            events_.emplace_back(ClientChannelBound{.channel = pending.channel, .peer = pending.peers.front()});
        }
        return;
    }
    default:
        return;
    }
}

void Client::failed(const Pending& pending, const stun::Message* message) {
    ClientFailed failure{.method = pending.method};
    if (message != nullptr) {
        failure.error = message->error_code().value_or(0);
        const auto value = message->find(Attribute::error_code);
        failure.reason = value && value->size() > 4 ? std::string(as_text(value->subspan(4))) : std::string();
        const auto alternate = message->find(Attribute::alternate_server);
        failure.alternate = alternate ? stun::decode_address(*alternate) : std::nullopt;
    }
    events_.emplace_back(std::move(failure));
}

void Client::indication(const stun::Message& message) {
    const auto peer = message.xor_address(Attribute::xor_peer_address);
    if (!peer) {
        return;
    }
    if (const auto data = message.find(Attribute::data)) {
        events_.emplace_back(ClientData{.peer = *peer, .data = *data});
    } else if (const auto icmp = message.find(Attribute::icmp); icmp && icmp->size() == 8) {
        events_.emplace_back(ClientIcmp{.peer = *peer,
                                        .type = std::to_integer<std::uint8_t>((*icmp)[2]),
                                        .code = std::to_integer<std::uint8_t>((*icmp)[3]),
                                        .data = bytes::load_u32(*icmp, 4)});
    }
}

void Client::refresh_due(Instant now, net::Outbox& out) {
    if (refresh_allocation_at_ <= now) {
        refresh_allocation_at_ = never; // the answer sets the next
        start(now, {.method = Method::refresh, .quiet = true}, out);
    }
    for (Permission& permission : permissions_) {
        if (permission.refresh_at <= now) {
            permission.refresh_at = never;
            start(now, {.method = Method::create_permission, .peers = {permission.peer}, .quiet = true}, out);
        }
    }
    for (Channel& channel : channels_) {
        if (channel.refresh_at <= now) {
            channel.refresh_at = never;
            start(now,
                  {.method = Method::channel_bind, .peers = {channel.peer}, .channel = channel.number, .quiet = true},
                  out);
        }
    }
}

void Client::handle_timeout(Instant now, net::Outbox& out) {
    std::vector<Pending> given_up;
    for (auto pending = pending_.begin(); pending != pending_.end();) {
        if (now < pending->due) {
            ++pending;
        } else if (!net::is_stream(path_.transport) && pending->sent < config_.rc) {
            transmit(now, *pending, out);
            ++pending;
        } else {
            given_up.push_back(std::move(*pending));
            pending = pending_.erase(pending);
        }
    }
    for (const Pending& pending : given_up) {
        failed(pending, nullptr);
    }
    refresh_due(now, out);
}

Instant Client::next_timeout() const {
    Instant next = refresh_allocation_at_;
    for (const Pending& pending : pending_) {
        next = std::min(next, pending.due);
    }
    for (const Permission& permission : permissions_) {
        next = std::min(next, permission.refresh_at);
    }
    for (const Channel& channel : channels_) {
        next = std::min(next, channel.refresh_at);
    }
    return next;
}

} // namespace fairlead::turn
