#include "clients.hpp"

#include "bytes/base64.hpp"
#include "bytes/reader.hpp"
#include "crypto/hmac.hpp"
#include "stun/credential.hpp"
#include "stun/writer.hpp"
#include "text/format.hpp"

#include <algorithm>
#include <random>

namespace fairlead::load {
namespace {

using namespace std::chrono_literals;

// RFC 8489 section 6.2.1 begins at 500 ms for paths of unknown length; this one is a loopback.
constexpr auto first_timeout = 250ms;
constexpr std::uint8_t max_attempts = 7;
constexpr std::uint32_t max_requests = 32; // of one client: a server that finds every nonce stale is not asked for ever
constexpr auto stream_patience = 20s;
constexpr auto credential_life = std::chrono::hours{12};
constexpr std::uint8_t transport_udp = 17;

Instant now() {
    return std::chrono::steady_clock::now();
}

} // namespace

Clients::Clients(Links& links, const Login& login, const net::TransportAddress& peer, net::Family relay_family)
    : links_(links), peer_(peer), relay_family_(relay_family), clients_(links.count()), salt_(std::random_device{}()) {
    const auto expiry =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() + credential_life).time_since_epoch();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        Client& client = clients_[i];
        client.username = login.username;
        client.password = login.password;
        if (!login.secret.empty()) {
            client.username = fmt::format("{}:load{}", expiry.count(), i);
            client.password = bytes::to_base64(crypto::hmac_sha1(as_bytes(login.secret), {as_bytes(client.username)}));
        }
    }
}

void Clients::establish(std::size_t window) {
    run(Step::challenge, window);
}

void Clients::release(std::size_t window) {
    run(Step::release, window);
}

std::size_t Clients::established() const {
    return static_cast<std::size_t>(std::ranges::count(clients_, Step::established, &Client::step));
}

void Clients::run(Step from, std::size_t window) {
    const Step entitled = from == Step::challenge ? Step::waiting : Step::established;
    const Instant give_up = now() + stream_patience;
    std::size_t next = 0;
    Instant next_sweep = now() + first_timeout / 5;
    while (next < clients_.size() || under_way_ > 0) {
        while (next < clients_.size() && under_way_ < window) {
            if (clients_[next].step != entitled) {
                ++next;
                continue;
            }
            if (!links_.open(next)) {
                if (!links_.closed(next) && now() < give_up) {
                    break;
                }
                fail(next++, 0);
                continue;
            }
            ++under_way_;
            begin(next++, from, now());
        }
        links_.flush();
        const Instant arrival = now();
        links_.receive([&](Bytes frame) { take(frame, arrival); });
        if (arrival >= next_sweep) {
            resend_lost(arrival);
            next_sweep = arrival + first_timeout / 5;
        }
    }
    links_.flush();
}

void Clients::begin(std::size_t client, Step step, Instant now) {
    clients_[client].step = step;
    clients_[client].attempts = 0;
    ++clients_[client].generation;
    send(client, now);
}

stun::Method Clients::method_of(Step step) {
    switch (step) {
    case Step::permit:
        return stun::Method::create_permission;
    case Step::bind:
        return stun::Method::channel_bind;
    case Step::release:
        return stun::Method::refresh;
    default:
        return stun::Method::allocate;
    }
}

stun::TransactionId Clients::transaction_id(std::size_t client) const {
    stun::TransactionId id{};
    bytes::Writer writer(id);
    writer.u32(static_cast<std::uint32_t>(client));
    writer.u32(clients_[client].generation);
    writer.u32(salt_);
    return id;
}

void Clients::send(std::size_t index, Instant now) {
    using enum stun::Attribute;
    Client& client = clients_[index];
    std::array<std::byte, 1024> room{};
    stun::Writer request(room, stun::Class::request, method_of(client.step), transaction_id(index));
    switch (client.step) {
    case Step::challenge:
    case Step::allocate:
        request.u32(requested_transport, std::uint32_t{transport_udp} << 24U);
        if (relay_family_ == net::Family::v6) {
            request.u32(requested_address_family, std::uint32_t{2} << 24U);
        }
        break;
    case Step::permit:
        request.xor_address(xor_peer_address, peer_);
        break;
    case Step::bind:
        request.u32(channel_number, std::uint32_t{channel} << 16U);
        request.xor_address(xor_peer_address, peer_);
        break;
    case Step::release:
        request.u32(lifetime, 0);
        break;
    default:
        break;
    }
    if (!client.key.empty()) {
        request.put(username, client.username);
        request.put(realm, client.realm);
        request.put(nonce, client.nonce);
        request.integrity(client.key);
    }
    links_.queue(index, Bytes(room).first(request.finish()));
    ++client.attempts;
    client.resend = now + (links_.unreliable() ? first_timeout * (1 << (client.attempts - 1)) : stream_patience);
}

bool Clients::busy(std::size_t client) const {
    const Step step = clients_[client].step;
    return step != Step::waiting && step != Step::established && step != Step::done && step != Step::failed;
}

void Clients::resend_lost(Instant now) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (!busy(i)) {
            continue;
        }
        if (links_.closed(i) || (clients_[i].resend <= now && clients_[i].attempts == max_attempts)) {
            fail(i, 0);
        } else if (clients_[i].resend <= now) {
            send(i, now);
        }
    }
}

void Clients::take(Bytes frame, Instant now) {
    if (frame.size() < stun::header_size || (std::to_integer<unsigned>(frame[0]) & 0xc0U) != 0) {
        return; // relayed data
    }
    const auto answer = stun::Message::parse(frame);
    if (!answer) {
        return;
    }
    const std::size_t client = bytes::load_u32(answer->transaction_id(), 0);
    if (client >= clients_.size() || !busy(client) || answer->transaction_id() != transaction_id(client)) {
        return;
    }
    if (answer->message_class() == stun::Class::success) {
        answered(client, *answer, now);
    } else if (answer->message_class() == stun::Class::error) {
        refused(client, *answer, now);
    }
}

void Clients::answered(std::size_t index, const stun::Message& answer, Instant now) {
    Client& client = clients_[index];
    switch (client.step) {
    case Step::challenge: // a server that asks for no credentials
    case Step::allocate:
        if (const auto relayed = answer.xor_address(stun::Attribute::xor_relayed_address)) {
            client.relayed = *relayed;
            return begin(index, Step::permit, now);
        }
        return fail(index, 0);
    case Step::permit:
        return begin(index, Step::bind, now);
    case Step::bind:
        client.step = Step::established;
        break;
    default:
        client.step = Step::done;
    }
    client.resend = never;
    --under_way_;
}

void Clients::refused(std::size_t index, const stun::Message& answer, Instant now) {
    Client& client = clients_[index];
    const std::uint16_t code = answer.error_code().value_or(0);
    const bool challenged = client.step == Step::challenge && code == 401;
    const bool stale = client.step != Step::challenge && code == 438 && client.generation < max_requests;
    const auto nonce = answer.text(stun::Attribute::nonce);
    if (!nonce || !(challenged || stale)) {
        return fail(index, code);
    }
    client.nonce = *nonce;
    if (challenged) {
        client.realm = answer.text(stun::Attribute::realm).value_or("");
        const auto keys = stun::long_term_keys(client.username, client.realm, client.password);
        const Bytes key = keys.of(stun::PasswordAlgorithm::md5);
        client.key.assign(key.begin(), key.end());
        return begin(index, Step::allocate, now);
    }
    begin(index, client.step, now);
}

void Clients::fail(std::size_t index, std::uint16_t error_code) {
    Client& client = clients_[index];
    if (!first_failure_) {
        first_failure_ = Failure{index, method_of(client.step), error_code};
    }
    if (busy(index)) {
        --under_way_;
    }
    client.step = Step::failed;
    client.resend = never;
}

} // namespace fairlead::load
