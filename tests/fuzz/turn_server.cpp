// links: turn random
// A session of commands: datagrams from four 5-tuples, as they are or with a valid signature put behind them, data from
// peers, time, closed connections. oracle: only requests are answered, along their own path, with messages that parse;
// ports and quotas are conserved at every step; unauthenticated answers stay within the budget; after an hour of quiet
// nothing is left.
#include "turn/fakes.hpp"

#include "bytes/reader.hpp"
#include "crypto/hmac.hpp"

#include <cstdint>
#include <cstdlib>

using namespace fairlead;
using namespace fairlead::turn;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Session {
    Session() {
        ServerConfig config = fakes::World::defaults();
        config.limit_unauthenticated = true;
        config.max_permissions_per_allocation = 4;
        config.max_channels_per_allocation = 4;
        world = std::make_unique<fakes::World>(config);
        world->pool = fakes::PortPool(50'000, 8);
        world->quota.per_user = 6;
    }

    [[nodiscard]] net::FiveTuple path(std::uint8_t which) const {
        return world->path(static_cast<std::uint16_t>(4'000 + which % 4),
                           which % 4 == 3 ? net::Transport::tcp : net::Transport::udp);
    }

    void datagram(const net::FiveTuple& from, Bytes bytes) {
        const ClientVerdict verdict = world->server->relay().from_client(world->now.steady, from, bytes);
        if (const auto* to_peer = std::get_if<SendToPeer>(&verdict)) {
            require(to_peer->offset + to_peer->length <= bytes.size());
            require(world->server->has_allocation(world->now.steady, from));
        }
        if (!std::holds_alternative<ForServer>(verdict)) {
            return;
        }
        const auto request = stun::Message::parse(bytes);
        const auto sent = world->exchange(from, bytes);
        require(sent.size() <= 1);
        for (const auto& answer : sent) {
            require(request.has_value() && request->message_class() == stun::Class::request);
            require(answer.path == from);
            const auto message = stun::Message::parse(answer.bytes);
            require(message.has_value() && message->transaction_id() == request->transaction_id());
            require(message->method() == request->method());
            require(message->message_class() == stun::Class::success || message->error_code().has_value());
            // Against its signature, an answer may be larger; a stranger's may not.
            if (!message->has_integrity() && from.transport == net::Transport::udp) {
                require(answer.bytes.size() + 28 <= 2 * (bytes.size() + 28));
            }
        }
    }

    // Puts a header, credentials and a valid signature around attributes that may be anything.
    void signed_request(const net::FiveTuple& from, std::uint8_t method, Bytes attributes) {
        static constexpr std::array methods{stun::Method::allocate, stun::Method::refresh,
                                            stun::Method::create_permission, stun::Method::channel_bind,
                                            stun::Method::binding};
        const auto ours = fakes::Crafted(stun::Class::request, methods[method % methods.size()], ++transaction).bytes();
        std::vector<std::byte> bytes(ours.begin(), ours.end());
        bytes.insert(bytes.end(), attributes.begin(), attributes.end());
        bytes.resize(bytes.size() / 4 * 4);
        const auto append = [&](stun::Attribute type, std::string_view value) {
            const std::size_t at = bytes.size();
            bytes.resize(at + 4 + (value.size() + 3) / 4 * 4);
            bytes::Writer out(MutableBytes(bytes).subspan(at));
            out.u16(static_cast<std::uint16_t>(type));
            out.u16(static_cast<std::uint16_t>(value.size()));
            out.put(as_bytes(value));
        };
        const auto challenge =
            world->exchange(world->path(9, net::Transport::tcp),
                            fakes::Crafted(stun::Class::request, stun::Method::allocate).udp().bytes());
        require(challenge.size() == 1);
        const auto nonce = stun::Message::parse(challenge[0].bytes).value().text(stun::Attribute::nonce);
        append(stun::Attribute::username, "alice");
        append(stun::Attribute::realm, world->server->config().realm);
        append(stun::Attribute::nonce, nonce.value());
        const std::size_t length = bytes.size() + 24 - stun::header_size;
        bytes[2] = static_cast<std::byte>(length >> 8U);
        bytes[3] = static_cast<std::byte>(length & 0xffU);
        const auto mac = crypto::hmac_sha1(*key.md5, {bytes});
        append(stun::Attribute::message_integrity, as_text(mac));
        datagram(from, bytes);
    }

    void from_peer(std::uint8_t which, std::uint16_t length) {
        std::array<std::byte, Relay::max_header> header{};
        const net::TransportAddress peer{.address = net::IpAddress::v4(203, 0, 113, which), .port = which};
        const auto verdict = world->server->relay().from_peer(world->now.steady, which % 8U, peer, length, header);
        if (const auto* to_client = std::get_if<SendToClient>(&verdict)) {
            require(to_client->header <= header.size() && to_client->padding < 4);
            require(world->server->has_allocation(world->now.steady, to_client->path));
        }
        (void)world->server->relay().from_peer_icmp(world->now.steady, which % 8U, peer, {.type = which}, header);
    }

    void conserved() const {
        const auto reservations = static_cast<int>(world->server->stats().reservations.value());
        require(world->quota.total == static_cast<int>(world->server->allocation_count()) + reservations);
        for (const auto& [user, held] : world->quota.held) {
            require(held >= 0 && held <= world->quota.per_user);
        }
        require(world->pool.open_count() >= static_cast<std::size_t>(world->quota.total));
        require(world->pool.open_count() <= 2 * static_cast<std::size_t>(world->quota.total));
    }

    std::unique_ptr<fakes::World> world;
    stun::LongTermKeys key = stun::long_term_keys("alice", "example.org", "secret");
    std::uint32_t transaction = 100;
};

} // namespace

// Commands: kind, argument, length (two bytes), then that many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session session;
    bytes::Reader input(std::as_bytes(std::span(data, size)));
    for (int commands = 0; commands < 200; ++commands) {
        const auto kind = input.u8();
        const auto argument = input.u8();
        const auto length = input.u16();
        if (!kind || !argument || !length) {
            break;
        }
        const Bytes bytes = input.take(std::min<std::size_t>(*length, input.remaining())).value_or(Bytes());
        const net::FiveTuple from = session.path(*argument);
        switch (*kind % 6) {
        case 0:
            session.datagram(from, bytes);
            break;
        case 1:
        case 2:
            session.signed_request(from, static_cast<std::uint8_t>(*argument / 4), bytes);
            break;
        case 3:
            session.from_peer(*argument, *length);
            break;
        case 4:
            session.world->run(std::chrono::seconds(*argument));
            break;
        default:
            session.world->server->connection_closed(session.world->now, from);
            break;
        }
        session.conserved();
        (void)session.world->server->events().take();
    }
    session.world->run(std::chrono::hours(2));
    require(session.world->server->allocation_count() == 0 && session.world->quota.total == 0);
    require(session.world->pool.open_count() == 0 && session.world->server->next_timeout() == never);
    return 0;
}
