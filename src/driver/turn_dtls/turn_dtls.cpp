#include "turn_dtls/turn_dtls.hpp"

#include "log/address.hpp"
#include "log/log.hpp"

#include <algorithm>
#include <array>

namespace fairlead::turn_dtls {

namespace {

// Retransmission deadlines of handshakes are looked at this often: a fifth of the first one.
constexpr auto handshake_tick = std::chrono::milliseconds(50);
constexpr auto sweep_interval = std::chrono::seconds(1);

} // namespace

struct TurnDtls::Association final : dtls::EndpointSink {
    Association(TurnDtls& o, const net::FiveTuple& p, Instant at)
        : owner(o), path(p), endpoint(o.context_), since(at), last_heard(at) {}

    void transmit(Bytes datagram) override { owner.datagrams_.send_raw(path, datagram); }
    void received(MutableBytes plaintext) override {
        // The relay may refer to the plaintext until the flush, but it lies on the endpoint's stack: flush before it is
        // gone.
        owner.relay_.from_client(now, path, plaintext, {});
        owner.relay_.engine().flush();
    }

    TurnDtls& owner;
    net::FiveTuple path;
    dtls::Endpoint endpoint;
    Instant since;
    Instant last_heard;
    Now now{}; // of the datagram in hand
    bool over = false;
};

TurnDtls::TurnDtls(turn_relay::TurnRelay& relay, turn_datagram::TurnDatagram& datagrams, dtls::ServerContext context,
                   Random& random, const Limits& limits)
    : relay_(relay),
      datagrams_(datagrams),
      context_(std::move(context)),
      verifier_(random),
      limits_(limits),
      associations_(0, net::Hasher{random.next_u64()}),
      timer_(relay.engine().loop(), "dtls", [this] { tick(); }) {
    relay.attach(net::Transport::dtls, *this);
    datagrams.on_dtls(*this);
}

TurnDtls::~TurnDtls() = default;

void TurnDtls::on_dtls(const Now& now, const net::FiveTuple& path, Bytes bytes) {
    Association* association = nullptr;
    if (const auto found = associations_.find(path); found != associations_.end()) {
        association = found->second.get();
    } else {
        class Direct final : public net::Outbox {
        public:
            explicit Direct(turn_datagram::TurnDatagram& d) : datagrams_(d) {}
            MutableBytes reserve(std::size_t at_most) override {
                return MutableBytes(room_).first(std::min(at_most, room_.size()));
            }
            void transmit(const net::FiveTuple& to, std::size_t length) override {
                datagrams_.send_raw(to, Bytes(room_).first(length));
            }

        private:
            turn_datagram::TurnDatagram& datagrams_;
            std::array<std::byte, 64> room_{};
        } answer(datagrams_);
        switch (verifier_.handle(now, path, bytes, answer)) {
        case dtls::HelloVerifier::Verdict::challenged:
            stats_.challenged.add();
            return;
        case dtls::HelloVerifier::Verdict::ignored:
            stats_.ignored.add();
            return;
        case dtls::HelloVerifier::Verdict::verified:
            association = open(now, path);
        }
        if (association == nullptr) {
            return;
        }
    }
    association->now = now;
    association->last_heard = now.steady;
    const auto before = association->endpoint.state();
    association->endpoint.handle(bytes, *association);
    after(now, *association, before);
}

void TurnDtls::on_dtls_turn_end() {
    ended_.clear();
    arm();
}

TurnDtls::Association* TurnDtls::open(const Now& now, const net::FiveTuple& path) {
    if (associations_.size() >= limits_.associations || handshaking_.size() >= limits_.handshaking) {
        stats_.refused_full.add();
        return nullptr;
    }
    auto created = std::make_unique<Association>(*this, path, now.steady);
    Association* const association = created.get();
    associations_.emplace(path, std::move(created));
    handshaking_.push_back(association);
    stats_.associations_opened.add();
    return association;
}

void TurnDtls::after(const Now& now, Association& association, dtls::Endpoint::State before) {
    const auto state = association.endpoint.state();
    if (before == dtls::Endpoint::State::handshaking && state != before) {
        std::erase(handshaking_, &association);
        (state == dtls::Endpoint::State::connected ? stats_.handshakes_done : stats_.handshakes_failed).add();
        if (state == dtls::Endpoint::State::closed) {
            log::info("dtls", "handshake failed", {{"client", log::shown(association.path.client)}});
        }
    }
    if (state == dtls::Endpoint::State::closed) {
        end(now, association);
    }
}

void TurnDtls::end(const Now& now, Association& association) {
    if (association.over) {
        return;
    }
    association.over = true;
    std::erase(handshaking_, &association);
    stats_.associations_closed.add();
    const net::FiveTuple path = association.path;
    ended_.push_back(associations_.extract(path));
    relay_.connection_closed(now, path);
}

void TurnDtls::send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
                    const turn_relay::Marks& /*marks*/) {
    frame_.assign(header.begin(), header.end());
    frame_.insert(frame_.end(), payload.begin(), payload.end());
    frame_.resize(frame_.size() + padding);
    transmit(path, frame_);
}

void TurnDtls::transmit(const net::FiveTuple& path, Bytes message) {
    const auto found = associations_.find(path);
    if (found == associations_.end() || !found->second->endpoint.send(message, *found->second)) {
        stats_.send_failed.add();
    }
}

void TurnDtls::allocation_ended(const net::FiveTuple& path) {
    if (const auto found = associations_.find(path); found != associations_.end()) {
        found->second->last_heard = relay_.engine().loop().steady_now(); // the idle minute begins now
    }
}

void TurnDtls::tick() {
    const Now now = relay_.engine().loop().now();
    // handle_timeout may end an association, which takes it out of handshaking_.
    const std::vector<Association*> handshaking = handshaking_;
    for (Association* const association : handshaking) {
        const auto before = association->endpoint.state();
        if (now.steady - association->since >= limits_.handshake_time) {
            stats_.handshakes_failed.add();
            end(now, *association);
            continue;
        }
        if (association->endpoint.next_timeout(now.steady) <= now.steady) {
            association->endpoint.handle_timeout(*association);
            after(now, *association, before);
        }
    }
    if (now.steady >= next_sweep_) {
        next_sweep_ = now.steady + sweep_interval;
        std::vector<Association*> idle;
        for (const auto& [path, association] : associations_) {
            if (now.steady - association->last_heard >= limits_.idle_time &&
                !relay_.server().has_allocation(now.steady, path)) {
                idle.push_back(association.get());
            }
        }
        for (Association* const association : idle) {
            association->endpoint.close(*association);
            end(now, *association);
        }
    }
    ended_.clear();
    relay_.engine().flush();
    arm();
}

void TurnDtls::arm() {
    if (!handshaking_.empty()) {
        if (timer_.deadline() > relay_.engine().loop().steady_now() + handshake_tick) {
            timer_.expires_after(handshake_tick);
        }
    } else if (!associations_.empty() && timer_.deadline() == never) {
        timer_.expires_after(sweep_interval);
    }
}

} // namespace fairlead::turn_dtls
