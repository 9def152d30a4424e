#pragma once

#include "account/credentials.hpp"
#include "admission/admission.hpp"
#include "config/model.hpp"
#include "datagram/engine.hpp"
#include "loop/loop.hpp"
#include "process/random.hpp"
#include "relay/peer_policy.hpp"
#include "serve/addresses.hpp"
#include "stream/stream.hpp"
#include "stream/tls_context.hpp"
#include "telemetry/exposition.hpp"
#include "turn/config.hpp"
#include "turn_datagram/turn_datagram.hpp"
#include "turn_dtls/turn_dtls.hpp"
#include "turn_relay/live_relays.hpp"
#include "turn_relay/shared_quota.hpp"
#include "turn_relay/turn_relay.hpp"
#include "turn_stream/turn_stream.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::serve {

/// What all workers' TURN shares: counts behind locks that no packet touches, and immutable snapshots.
struct TurnShared {
    const config::Model& model;
    const Addresses& addresses;
    turn_relay::LiveRelays& live;
    turn_relay::SharedQuota& quota;
    admission::Gate& gate;
    turn::ServerConfig config;
    relay::PeerPolicyOptions peers;
    std::shared_ptr<const account::SharedSecrets> secrets;
    account::Users users;
    std::shared_ptr<stream::TlsContext> tls; ///< null when nothing speaks TLS
    std::optional<dtls::ServerContext> dtls; ///< none when nothing speaks DTLS
    std::size_t workers = 1;
};

/// A listener that could not be opened.
struct ListenFailure {
    std::string what; ///< "turn udp 0.0.0.0:3478"
    std::string why;
    bool in_use = false;
};

/// One worker's share of TURN: its relay, its transports, its listeners. Lives and dies on the worker's loop.
class TurnWorker {
public:
    TurnWorker(loop::Loop& loop, datagram::Engine& engine, stream::DeadlineWheel& wheel, const TurnShared& shared,
               std::size_t index);
    ~TurnWorker();
    TurnWorker(const TurnWorker&) = delete;
    TurnWorker& operator=(const TurnWorker&) = delete;
    TurnWorker(TurnWorker&&) = delete;
    TurnWorker& operator=(TurnWorker&&) = delete;

    /// Opens every configured listener. A family that this machine lacks is passed over when the other one works.
    [[nodiscard]] std::vector<ListenFailure> listen();

    /// No new allocations: they are answered 300 without an alternate, so that clients try their next server.
    void drain() { relay_.server().redirect(turn::Redirect{}); }
    /// DTLS associations from now on use this certificate. (TLS has its own way: stream::TlsContext::replace.)
    void replace(const dtls::ServerContext& context) {
        if (dtls_) {
            dtls_->replace(context);
        }
    }
    /// No new connections; existing ones end.
    void close();
    [[nodiscard]] bool idle() const { return !streams_ || streams_->busy() == 0; }

    [[nodiscard]] const turn_relay::TurnRelay& relay() const { return relay_; }

    /// Adds this worker's counters to a scrape. Any thread: it only reads counters.
    struct Totals;
    void add_to(Totals& totals) const;

private:
    void listen_datagrams(const net::TransportAddress& address, bool plain, bool dtls,
                          std::vector<ListenFailure>& failures);
    void listen_streams(const net::TransportAddress& address, bool plain, bool tls,
                        std::vector<ListenFailure>& failures);

    const TurnShared& shared_;
    process::SystemRandom random_;
    account::Credentials credentials_;
    relay::PeerPolicy peers_;
    datagram::Engine& engine_;
    turn_relay::TurnRelay relay_;
    std::optional<turn_datagram::TurnDatagram> datagrams_;
    std::optional<turn_dtls::TurnDtls> dtls_;
    std::optional<turn_stream::TurnStream> streams_;
};

/// Sums over workers, for /metrics.
struct TurnWorker::Totals {
    struct Series {
        std::string_view name;
        std::string_view help;
        telemetry::Labels labels;
        std::uint64_t value = 0;
        bool gauge = false;
    };
    std::vector<Series> series;

    void add(std::string_view name, std::string_view help, std::uint64_t value, const telemetry::Labels& labels = {},
             bool gauge = false);
    void write(telemetry::Exposition& exposition) const;
};

} // namespace fairlead::serve
