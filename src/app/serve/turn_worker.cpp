#include "serve/turn_worker.hpp"

#include "log/log.hpp"
#include "text/format.hpp"

#include <algorithm>

namespace fairlead::serve {

namespace {

turn_relay::Options relay_options(const TurnShared& shared, std::size_t index) {
    turn_relay::Options options;
    options.addresses = shared.addresses.relays;
    // check-config has made sure that every worker gets a pair at least.
    options.ports =
        relay::PortPool::slice({shared.model.relay.ports.first, shared.model.relay.ports.last}, index, shared.workers)
            .value_or(relay::PortPool::Range{shared.model.relay.ports.first, shared.model.relay.ports.last});
    return options;
}

turn::ServerConfig config_of(const TurnShared& shared, std::size_t index) {
    turn::ServerConfig config = shared.config;
    config.worker_index = static_cast<std::uint8_t>(index);
    return config;
}

bool family_missing(datagram::OpenError error) {
    return error == datagram::OpenError::family_not_supported || error == datagram::OpenError::address_not_available;
}

} // namespace

TurnWorker::TurnWorker(loop::Loop& /*loop*/, datagram::Engine& engine, stream::DeadlineWheel& wheel,
                       const TurnShared& shared, std::size_t index)
    : shared_(shared),
      credentials_(shared.users, shared.secrets),
      peers_(shared.peers, &shared.live),
      engine_(engine),
      relay_(config_of(shared, index), relay_options(shared, index),
             {.engine = engine,
              .credentials = credentials_,
              .peers = peers_,
              .quota = shared.quota,
              .random = random_,
              .live = shared.live}) {
    const config::Listen& listen = shared.model.listen;
    if (listen.udp || listen.dtls) {
        datagrams_.emplace(relay_, turn_datagram::TurnDatagram::Options{.reuse_port = shared.workers > 1,
                                                                        .rfc5766_channels =
                                                                            shared.model.turn.rfc5766_channel_numbers});
        if (shared.dtls && listen.dtls) {
            dtls_.emplace(relay_, *datagrams_, *shared.dtls, random_, turn_dtls::TurnDtls::Limits{});
        }
    }
    if (listen.tcp || listen.tls) {
        turn_stream::TurnStream::Options options;
        options.reuse_port = shared.workers > 1;
        options.first_message = shared.model.limits.handshake_timeout;
        streams_.emplace(relay_, wheel, shared.gate, shared.tls, options);
    }
}

TurnWorker::~TurnWorker() = default;

std::vector<ListenFailure> TurnWorker::listen() {
    const config::Listen& listen = shared_.model.listen;
    std::vector<ListenFailure> failures;
    for (const net::TransportAddress& address : listen.turn) {
        if (listen.udp) {
            listen_datagrams(address, true, listen.dtls, failures);
        }
        if (listen.tcp) {
            listen_streams(address, true, listen.tls, failures);
        }
    }
    for (const net::TransportAddress& address : listen.turn_tls) {
        if (listen.dtls) {
            listen_datagrams(address, listen.udp, true, failures);
        }
        if (listen.tls) {
            listen_streams(address, listen.tcp, true, failures);
        }
    }
    return failures;
}

void TurnWorker::listen_datagrams(const net::TransportAddress& address, bool plain, bool dtls,
                                  std::vector<ListenFailure>& failures) {
    const auto bound = datagrams_->listen({.local = address, .stun = plain, .dtls = dtls});
    if (bound) {
        return;
    }
    if (address.address.is_any() && address.address.is_v6() && family_missing(bound.error())) {
        return; // a machine without IPv6; the IPv4 wildcard stands beside this one
    }
    failures.push_back({.what = fmt::format("turn over {} on {}", plain ? "udp" : "dtls", address.to_string()),
                        .why = std::string(describe(bound.error())),
                        .in_use = bound.error() == datagram::OpenError::address_in_use});
}

void TurnWorker::listen_streams(const net::TransportAddress& address, bool plain, bool tls,
                                std::vector<ListenFailure>& failures) {
    const auto bound = streams_->listen({.local = address, .plain = plain, .tls = tls});
    if (bound) {
        return;
    }
    const auto& error = bound.error();
    if (address.address.is_any() && address.address.is_v6() &&
        (error == boost::system::errc::address_family_not_supported ||
         error == boost::system::errc::address_not_available)) {
        return;
    }
    failures.push_back({.what = fmt::format("turn over {} on {}", plain ? "tcp" : "tls", address.to_string()),
                        .why = error.message(),
                        .in_use = error == boost::system::errc::address_in_use});
}

void TurnWorker::close() {
    if (streams_) {
        streams_->close();
    }
}

// --- metrics
// ----------------------------------------------------------------------------------------------------------------------

void TurnWorker::Totals::add(std::string_view name, std::string_view help, std::uint64_t value,
                             const telemetry::Labels& labels, bool gauge) {
    const auto found =
        std::ranges::find_if(series, [&](const Series& s) { return s.name == name && s.labels == labels; });
    if (found != series.end()) {
        found->value += value;
    } else {
        series.push_back({.name = name, .help = help, .labels = labels, .value = value, .gauge = gauge});
    }
}

void TurnWorker::Totals::write(telemetry::Exposition& exposition) const {
    for (const Series& s : series) {
        if (s.gauge) {
            exposition.gauge(s.name, s.help, static_cast<double>(s.value), s.labels);
        } else {
            exposition.counter(s.name, s.help, s.value, s.labels);
        }
    }
}

void TurnWorker::add_to(Totals& totals) const {
    const turn::ServerStats& server = relay_.server().stats();
    totals.add("fairlead_stun_binding_requests_total", "Binding requests.", server.binding_requests.value());
    totals.add("fairlead_stun_binding_answers_total", "Binding requests that were answered.",
               server.binding_answers.value());
    totals.add("fairlead_turn_requests_total", "STUN and TURN requests of any method.", server.requests.value());
    totals.add("fairlead_turn_successes_total", "Success responses to TURN requests.", server.successes.value());
    for (std::size_t code = 0; code < server.errors.size(); ++code) {
        if (const std::uint64_t count = server.errors[code].value(); count > 0) {
            totals.add("fairlead_turn_errors_total", "Error responses by code.", count,
                       {{"code", std::to_string(code)}});
        }
    }
    for (std::size_t why = 0; why < turn::silences; ++why) {
        totals.add("fairlead_turn_silent_total", "STUN messages that got no answer, by reason.",
                   server.silent[why].value(), {{"reason", std::string(describe(static_cast<turn::Silence>(why)))}});
    }
    totals.add("fairlead_turn_authentication_failures_total", "Requests with wrong credentials.",
               server.authentication_failed.value());
    totals.add("fairlead_turn_allocations", "Allocations now.", server.allocations.value(), {}, true);
    totals.add("fairlead_turn_allocations_created_total", "Allocations created.", server.allocations_created.value());
    totals.add("fairlead_turn_allocations_ended_total", "Allocations ended.", server.allocations_ended.value());
    totals.add("fairlead_turn_permissions_installed_total", "Permissions created or refreshed.",
               server.permissions_installed.value());
    totals.add("fairlead_turn_channels_bound_total", "Channels bound or refreshed.", server.channels_bound.value());
    const turn::RelayStats& relayed = server.relay;
    totals.add("fairlead_turn_relayed_packets_total", "Relayed packets by direction.", relayed.packets_to_peers.value(),
               {{"direction", "to_peer"}});
    totals.add("fairlead_turn_relayed_packets_total", "Relayed packets by direction.",
               relayed.packets_to_clients.value(), {{"direction", "to_client"}});
    totals.add("fairlead_turn_relayed_bytes_total", "Relayed application bytes by direction.",
               relayed.bytes_to_peers.value(), {{"direction", "to_peer"}});
    totals.add("fairlead_turn_relayed_bytes_total", "Relayed application bytes by direction.",
               relayed.bytes_to_clients.value(), {{"direction", "to_client"}});
    for (std::size_t why = 0; why < turn::drop_reasons; ++why) {
        const std::string reason(describe(static_cast<turn::DropReason>(why)));
        totals.add("fairlead_turn_dropped_packets_total", "Application data dropped, by origin and reason.",
                   relayed.from_client_dropped[why].value(), {{"from", "client"}, {"reason", reason}});
        totals.add("fairlead_turn_dropped_packets_total", "Application data dropped, by origin and reason.",
                   relayed.from_peer_dropped[why].value(), {{"from", "peer"}, {"reason", reason}});
    }
    const datagram::Stats& engine = engine_.stats();
    totals.add("fairlead_udp_datagrams_received_total", "Datagrams received.", engine.datagrams_received.value());
    totals.add("fairlead_udp_datagrams_sent_total", "Datagrams sent.", engine.datagrams_sent.value());
    totals.add("fairlead_udp_receive_calls_total", "System calls that received datagrams.",
               engine.receive_calls.value());
    totals.add("fairlead_udp_send_calls_total", "System calls that sent datagrams.", engine.send_calls.value());
    for (std::size_t why = 0; why < datagram::send_drop_reasons; ++why) {
        totals.add("fairlead_udp_send_drops_total", "Datagrams that the system did not take, by reason.",
                   engine.send_drops[why].value(),
                   {{"reason", datagram::describe(static_cast<datagram::SendDrop>(why))}});
    }
    if (datagrams_) {
        totals.add("fairlead_udp_not_for_us_total", "Datagrams that are neither STUN nor ChannelData nor DTLS.",
                   datagrams_->stats().not_for_us.value());
    }
    if (dtls_) {
        const auto& dtls = dtls_->stats();
        totals.add("fairlead_dtls_associations", "DTLS associations now.",
                   dtls.associations_opened.value() - dtls.associations_closed.value(), {}, true);
        totals.add("fairlead_dtls_challenges_total", "HelloVerifyRequests sent.", dtls.challenged.value());
        totals.add("fairlead_dtls_ignored_total", "DTLS records of no association.", dtls.ignored.value());
        totals.add("fairlead_dtls_handshakes_total", "DTLS handshakes by outcome.", dtls.handshakes_done.value(),
                   {{"outcome", "done"}});
        totals.add("fairlead_dtls_handshakes_total", "DTLS handshakes by outcome.", dtls.handshakes_failed.value(),
                   {{"outcome", "failed"}});
        totals.add("fairlead_dtls_handshakes_total", "DTLS handshakes by outcome.", dtls.refused_full.value(),
                   {{"outcome", "refused_full"}});
    }
    if (streams_) {
        const auto& streams = streams_->stats();
        totals.add("fairlead_turn_connections_accepted_total", "TCP connections accepted for TURN.",
                   streams.accepted.value());
        const auto closed = [&](const char* reason, const stats::Counter& counter) {
            totals.add("fairlead_turn_connections_refused_total", "TURN connections given up, by reason.",
                       counter.value(), {{"reason", reason}});
        };
        closed("full", streams.refused_full);
        closed("tls_failed", streams.tls_failed);
        closed("wrong_protocol", streams.wrong_protocol);
        closed("framing_error", streams.framing_errors);
        closed("timed_out", streams.timed_out);
        closed("slow_peer", streams.slow_peers);
        totals.add("fairlead_turn_congestion_drops_total",
                   "Relayed messages dropped because a stream client does not keep up.",
                   streams.congestion_drops.value());
    }
}

} // namespace fairlead::serve
