#include "serve/server.hpp"

#include "log/log.hpp"
#include "process/clock.hpp"
#include "process/limits.hpp"
#include "text/format.hpp"

#include <csignal>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace fairlead::serve {

namespace {

constexpr int exit_usage = 2;
constexpr int exit_unavailable = 69;
constexpr int exit_permission = 77;

// How long an orderly end may take before the process just goes: SIGTERM means now.
constexpr auto end_within = std::chrono::milliseconds(800);

turn::ServerConfig turn_config(const config::Model& model, Random& random) {
    turn::ServerConfig config;
    config.realm = model.turn.realm;
    random.fill(config.nonce_secret);
    config.nonce_lifetime = model.turn.lifetimes.nonce;
    config.default_lifetime = model.turn.lifetimes.allocation;
    config.max_lifetime = model.turn.lifetimes.allocation_max;
    config.permission_lifetime = model.turn.lifetimes.permission;
    config.channel_lifetime = model.turn.lifetimes.channel;
    config.max_permissions_per_allocation = model.turn.quotas.permissions;
    config.max_channels_per_allocation = model.turn.quotas.channels;
    config.channel_range = model.turn.rfc5766_channel_numbers ? turn::ServerConfig::ChannelRange::rfc5766
                                                              : turn::ServerConfig::ChannelRange::rfc8656;
    config.always_fingerprint = model.turn.fingerprint;
    config.software = model.turn.software;
    config.relay = model.turn.enabled;
    config.limit_unauthenticated = model.turn.unauthenticated_answers.limited;
    config.unauthenticated_burst = model.turn.unauthenticated_answers.burst;
    config.unauthenticated_per_second = model.turn.unauthenticated_answers.rate;
    config.unauthenticated_total_burst = model.turn.unauthenticated_answers.total_burst;
    config.unauthenticated_total_per_second = model.turn.unauthenticated_answers.total_rate;
    return config;
}

relay::PeerPreset preset_of(config::PeerPreset preset) {
    switch (preset) {
    case config::PeerPreset::public_only:
        return relay::PeerPreset::public_only;
    case config::PeerPreset::any:
        return relay::PeerPreset::any;
    case config::PeerPreset::list:
        return relay::PeerPreset::list;
    }
    return relay::PeerPreset::public_only;
}

std::optional<account::User> account_of(const config::User& user) {
    if (!user.password.text.empty()) {
        const auto account = account::User::with_password(user.name, user.password.text);
        return account ? std::optional(*account) : std::nullopt;
    }
    if (!user.key) {
        return std::nullopt;
    }
    const auto account = account::User::with_key(user.name, *user.key);
    return account ? std::optional(*account) : std::nullopt;
}

} // namespace

relay::PeerPolicyOptions peer_policy(const config::Model& model, const Addresses& addresses) {
    relay::PeerPolicyOptions options;
    options.preset = preset_of(model.relay.peers.policy);
    options.allow = model.relay.peers.allow;
    options.deny = model.relay.peers.deny;
    options.lowest_port = static_cast<std::uint16_t>(model.relay.peers.lowest_port);
    const config::Listen& listen = model.listen;
    for (const auto* listeners : {&listen.turn, &listen.turn_tls, &listen.http, &listen.https, &listen.admin}) {
        options.services.insert(options.services.end(), listeners->begin(), listeners->end());
    }
    options.own_addresses = addresses.own;
    for (const turn_relay::RelayAddress& relay : addresses.relays) {
        options.relay_addresses.push_back(relay.bound);
        if (relay.relayed != relay.bound) {
            options.relay_addresses.push_back(relay.relayed);
        }
    }
    return options;
}

/// What lives on one worker's loop, in the order in which it is made.
struct Server::Worker {
    Worker(Server& server, loop::Loop& loop, std::size_t index)
        : engine(loop),
          wheel(loop),
          turn(loop, engine, wheel, *server.turn_, index),
          web(loop, wheel, *server.web_, index) {}

    datagram::Engine engine;
    stream::DeadlineWheel wheel;
    TurnWorker turn;
    WebFront web;
};

Server::Server(const config::Model& model)
    : model_(model),
      gate_({.connections = model.limits.connections, .per_source = model.limits.connections_per_source}),
      quota_({.per_user = model.turn.quotas.user, .total = model.turn.quotas.total}),
      service_manager_(process::ServiceManager::from_environment()),
      started_(process::unix_now()) {}

Server::~Server() {
    if (fleet_) {
        end();
        fleet_->join();
    }
}

// --- start
// ------------------------------------------------------------------------------------------------------------------------

std::optional<StartError> Server::start() {
    const Instant begun = process::steady_now();
    process::forbid_core_dumps();
    const std::uint64_t descriptors = process::raise_descriptor_limit(1U << 20U);
    if (descriptors < 16'384) {
        log::warn(
            "serve",
            "only {} descriptors allowed: that many allocations and connections at most (raise it with ulimit -n)",
            descriptors);
    }
    if (auto error = prepare()) {
        return error;
    }
    loop::Fleet::Options options;
    options.workers = model_.server.workers.value_or(0);
    options.blocking_thread = false;
    fleet_ = std::make_unique<loop::Fleet>(options);
    turn_->workers = fleet_->workers();
    if (!relay::PortPool::slice({model_.relay.ports.first, model_.relay.ports.last}, 0, fleet_->workers())) {
        return StartError{
            exit_usage,
            {fmt::format("relay.ports {}-{} has fewer pairs of ports than there are workers ({}): widen it, or set "
                         "server.workers",
                         model_.relay.ports.first, model_.relay.ports.last, fleet_->workers())}};
    }
    presence_ = std::make_unique<signaling::PresenceHub>(
        fleet_->hub(), presence_options(model_), fleet_->workers(),
        [this](std::size_t worker, presence::Actions actions) {
            fleet_->worker(worker).send(
                [this, worker, todo = std::move(actions)]() mutable { workers_[worker]->web.apply(std::move(todo)); });
        });
    web_->presence = presence_.get();
    web_->metrics = [this] { return metrics(); };
    web_->health = [this] { return health(); };
    signals_ = std::make_unique<loop::Signals>(fleet_->hub(), [this](int signal) { on_signal(signal); });
    drain_timer_ = std::make_unique<loop::Timer>(fleet_->hub(), "drain", [this] { look_at_drain(); });
    if (const auto interval = service_manager_.watchdog_interval()) {
        watchdog_timer_ = std::make_unique<loop::Timer>(fleet_->hub(), "watchdog", [this, wait = *interval] {
            if (health().alive) {
                service_manager_.watchdog();
            }
            watchdog_timer_->expires_after(wait);
        });
        watchdog_timer_->expires_after(*interval);
    }
    workers_.resize(fleet_->workers());
    if (!fleet_->start()) {
        return StartError{exit_unavailable, {"the system allows no more threads"}};
    }
    if (auto error = listen()) {
        return error;
    }
    listening_ = true;
    service_manager_.ready();
    log::info(
        "serve", "listening",
        {{"milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(process::steady_now() - begun).count()},
         {"workers", workers_.size()}});
    announce();
    return std::nullopt;
}

std::optional<StartError> Server::prepare() {
    auto state = State::open(model_.server.state_dir);
    if (!state) {
        return StartError{exit_permission, {state.error().message}};
    }
    state_ = *std::move(state);
    addresses_ = find_addresses(model_);
    if (addresses_.relays.empty() && model_.turn.enabled) {
        return StartError{exit_usage, {"this machine has no address to relay from; set relay.addresses"}};
    }
    for (const std::string& reason : addresses_.reasons) {
        log::info("serve", "relay address {}", reason);
    }
    std::vector<std::string> secrets;
    for (const config::Secret& secret : model_.turn.secrets) {
        secrets.push_back(secret.text);
    }
    if (secrets.empty()) {
        auto stored = state_->secret();
        if (!stored) {
            return StartError{exit_permission, {stored.error().message}};
        }
        secrets.push_back(*std::move(stored));
    }
    account::SharedSecretOptions options;
    options.longest_life = model_.turn.longest_credential_life;
    secrets_ = std::make_shared<const account::SharedSecrets>(std::move(secrets), options);
    if (auto error = prepare_certificate()) {
        return error;
    }
    prepare_turn();
    web_ = std::make_unique<WebShared>(make_web_shared(model_, addresses_, secrets_, gate_, web_tls_));
    return std::nullopt;
}

std::optional<StartError> Server::prepare_certificate() {
    if (!model_.tls.certificate.empty()) {
        auto loaded = stream::load_certificate(model_.tls.certificate.string(), model_.tls.key.string());
        if (!loaded) {
            return StartError{
                exit_permission,
                {fmt::format("tls.certificate: {}: {}", describe(loaded.error().why), loaded.error().detail)}};
        }
        certificate_ = *std::move(loaded);
    } else {
        std::vector<std::string> names{"localhost", addresses_.host};
        for (const net::IpAddress& address : addresses_.own) {
            names.push_back(address.to_string());
        }
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        auto made = state_->certificate(names, started_);
        if (!made) {
            return StartError{exit_permission, {made.error().message}};
        }
        certificate_ = *std::move(made);
    }
    stream::ServerTlsOptions options;
    options.tls_1_2 = model_.tls.min_version == config::TlsVersion::tls_1_2;
    options.alpn = {"stun.turn", "stun.nat-discovery"}; // RFC 7443
    auto turn_tls = stream::TlsContext::server(certificate_, options);
    options.alpn = {"http/1.1"};
    auto web_tls = stream::TlsContext::server(certificate_, options);
    auto dtls = dtls::ServerContext::create(certificate_.chain, certificate_.key);
    if (!turn_tls || !web_tls) {
        const stream::TlsFailure& failure = !turn_tls ? turn_tls.error() : web_tls.error();
        return StartError{exit_usage, {fmt::format("tls.certificate: {}: {}", describe(failure.why), failure.detail)}};
    }
    if (!dtls) {
        return StartError{exit_usage, {fmt::format("tls.certificate: {}", describe(dtls.error()))}};
    }
    turn_tls_ = *std::move(turn_tls);
    web_tls_ = *std::move(web_tls);
    process::SystemRandom random;
    stream::TicketKeys tickets{};
    random.fill(tickets);
    turn_tls_->set_ticket_keys(tickets);
    random.fill(tickets);
    web_tls_->set_ticket_keys(tickets);
    return std::nullopt;
}

void Server::prepare_turn() {
    std::vector<turn_relay::LiveRelays::AddressPair> pairs;
    for (const turn_relay::RelayAddress& relay : addresses_.relays) {
        pairs.push_back({.relayed = relay.relayed, .bound = relay.bound});
    }
    live_ = std::make_unique<turn_relay::LiveRelays>(pairs);
    process::SystemRandom random;
    account::Users users(model_.turn.realm);
    for (const config::User& user : model_.turn.users) {
        // check-config has looked at names, passwords and keys; what it let through is usable.
        if (const auto account = account_of(user)) {
            static_cast<void>(users.add(*account));
        }
    }
    turn_ = std::make_unique<TurnShared>(TurnShared{.model = model_,
                                                    .addresses = addresses_,
                                                    .live = *live_,
                                                    .quota = quota_,
                                                    .gate = gate_,
                                                    .config = turn_config(model_, random),
                                                    .peers = peer_policy(model_, addresses_),
                                                    .secrets = secrets_,
                                                    .users = std::move(users),
                                                    .tls = turn_tls_,
                                                    .dtls = std::nullopt});
    if (auto dtls = dtls::ServerContext::create(certificate_.chain, certificate_.key)) {
        turn_->dtls = *std::move(dtls);
    }
}

std::optional<StartError> Server::listen() {
    std::mutex mutex;
    std::vector<ListenFailure> failures;
    fleet_->on_each_worker([&](std::size_t index, loop::Loop& loop) {
        auto worker = std::make_unique<Worker>(*this, loop, index);
        auto failed = worker->turn.listen();
        auto web_failed = worker->web.listen();
        const std::scoped_lock lock(mutex);
        failures.insert(failures.end(), failed.begin(), failed.end());
        failures.insert(failures.end(), web_failed.begin(), web_failed.end());
        workers_[index] = std::move(worker);
    });
    if (failures.empty()) {
        return std::nullopt;
    }
    StartError error;
    error.exit_code = exit_permission;
    std::vector<std::string> seen;
    for (const ListenFailure& failure : failures) {
        std::string message = fmt::format("{}: {}", failure.what, failure.why);
        if (failure.in_use) {
            error.exit_code = exit_unavailable;
            message += "; another program has this port (see: ss -lntup)";
        }
        if (std::ranges::find(error.messages, message) == error.messages.end()) {
            error.messages.push_back(std::move(message));
        }
    }
    return error;
}

void Server::announce() const {
    for (const std::string& line : web_announcement(model_, addresses_, *secrets_, process::unix_now())) {
        log::info("serve", "{}", line);
    }
}

// --- end
// --------------------------------------------------------------------------------------------------------------------------

void Server::wait() {
    fleet_->join();
}

void Server::on_signal(int signal) {
    switch (signal) {
    case SIGTERM:
    case SIGINT:
        log::info("serve", "ending", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
        // Workers end on their own loops; waiting for them would block this one.
        std::thread([this] { end(); }).detach();
        break;
    case SIGUSR1:
        begin_drain();
        break;
    case SIGHUP:
    case SIGUSR2:
        reload_certificate();
        break;
    default:
        break;
    }
}

void Server::end() {
    if (ended_.exchange(true)) {
        return;
    }
    service_manager_.stopping();
    const auto on_workers = [this](auto&& task) {
        fleet_->on_each_worker([&](std::size_t index, loop::Loop&) {
            if (workers_[index]) {
                task(workers_[index]);
            }
        });
    };
    on_workers([](std::unique_ptr<Worker>& worker) {
        worker->turn.close();
        worker->web.close();
    });
    const Instant deadline = process::steady_now() + end_within;
    for (;;) {
        std::atomic<bool> idle{true};
        on_workers([&](std::unique_ptr<Worker>& worker) {
            if (!worker->turn.idle() || !worker->web.idle()) {
                idle = false;
            }
        });
        if (idle) {
            on_workers([](std::unique_ptr<Worker>& worker) { worker.reset(); });
            break;
        }
        if (process::steady_now() > deadline) {
            // Coroutines that will not end own streams that refer to their worker; the process is about to go, so both
            // stay.
            on_workers([](std::unique_ptr<Worker>& worker) { static_cast<void>(worker.release()); });
            log::warn("serve", "connections did not end in time");
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    fleet_->stop();
}

void Server::begin_drain() {
    if (draining_.exchange(true)) {
        return;
    }
    log::info("serve", "draining", {{"seconds", model_.server.drain_timeout.count()}});
    drain_deadline_ = process::steady_now() + model_.server.drain_timeout;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        fleet_->worker(i).send([this, i] { workers_[i]->turn.drain(); });
    }
    drain_timer_->expires_after(std::chrono::seconds(1));
}

void Server::look_at_drain() {
    std::uint64_t allocations = 0;
    for (const auto& worker : workers_) {
        allocations += worker->turn.relay().server().stats().allocations.value();
    }
    if (allocations == 0 || process::steady_now() >= drain_deadline_) {
        log::info("serve", "drained", {{"allocations", allocations}});
        std::thread([this] { end(); }).detach();
        return;
    }
    drain_timer_->expires_after(std::chrono::seconds(1));
}

void Server::reload_certificate() {
    if (model_.tls.certificate.empty()) {
        return;
    }
    const auto loaded = stream::load_certificate(model_.tls.certificate.string(), model_.tls.key.string());
    if (!loaded) {
        log::error("serve", "certificate not reloaded, the old one stays",
                   {{"reason", describe(loaded.error().why)}, {"detail", loaded.error().detail}});
        return;
    }
    for (const auto& context : {turn_tls_, web_tls_}) {
        if (const auto failure = context->replace(*loaded)) {
            log::error("serve", "certificate not reloaded, the old one stays",
                       {{"reason", describe(failure->why)}, {"detail", failure->detail}});
            return;
        }
    }
    if (const auto dtls = dtls::ServerContext::create(loaded->chain, loaded->key)) {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            fleet_->worker(i).send([this, i, context = *dtls] { workers_[i]->turn.replace(context); });
        }
    }
    log::info("serve", "certificate reloaded", {{"not_after", unix_seconds(turn_tls_->not_after())}});
}

// --- looking in
// -------------------------------------------------------------------------------------------------------------------

Health Server::health() const {
    Health health;
    const Instant now = process::steady_now();
    for (const auto& loop : fleet_->loops()) {
        if (now - loop->last_tick() > std::chrono::seconds(5)) {
            health.alive = false;
            health.reasons.push_back(fmt::format("loop {} has not turned for 5 s", loop->name()));
        }
    }
    if (!listening_) {
        health.ready = false;
        health.reasons.emplace_back("not listening yet");
    }
    if (draining_ || ended_) {
        health.ready = false;
        health.reasons.emplace_back("draining");
    }
    health.ready = health.ready && health.alive;
    return health;
}

std::string Server::metrics() const {
    telemetry::Exposition exposition;
    TurnWorker::Totals totals;
    for (const auto& worker : workers_) {
        if (worker) {
            worker->turn.add_to(totals);
            worker->web.add_to(totals);
        }
    }
    totals.write(exposition);
    const auto& presence = presence_->figures();
    exposition.gauge("fairlead_presence_sessions", "Presence sessions now.",
                     static_cast<double>(presence.sessions.value()));
    exposition.gauge("fairlead_presence_users", "Users online now.", static_cast<double>(presence.users.value()));
    exposition.counter("fairlead_presence_relayed_total", "Messages relayed between users.", presence.relayed.value());
    exposition.counter("fairlead_presence_errors_total", "Error messages to clients.", presence.errors_sent.value());
    exposition.counter("fairlead_presence_closed_total", "Sessions closed by the server, by reason.",
                       presence.closed_as_slow.value(), {{"reason", "slow"}});
    exposition.counter("fairlead_presence_closed_total", "Sessions closed by the server, by reason.",
                       presence.closed_as_invalid.value(), {{"reason", "invalid"}});
    exposition.gauge("fairlead_connections", "Accepted streams of all kinds now.",
                     static_cast<double>(gate_.connections()));
    exposition.counter("fairlead_connections_refused_total", "Streams refused, by reason.", gate_.refused_total(),
                       {{"reason", "total"}});
    exposition.counter("fairlead_connections_refused_total", "Streams refused, by reason.", gate_.refused_source(),
                       {{"reason", "source"}});
    exposition.counter("fairlead_log_lines_dropped_total", "Log lines lost because their destination was slow.",
                       log::lines_dropped());
    exposition.gauge("fairlead_certificate_not_after_seconds", "End of the certificate, in seconds since 1970.",
                     static_cast<double>(unix_seconds(turn_tls_->not_after())));
    exposition.gauge("fairlead_start_time_seconds", "Start of the process, in seconds since 1970.",
                     static_cast<double>(unix_seconds(started_)));
    exposition.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
                     static_cast<double>(process::resident_bytes()));
    exposition.gauge("process_open_fds", "Number of open file descriptors.",
                     static_cast<double>(process::open_descriptors()));
    return exposition.text();
}

} // namespace fairlead::serve
