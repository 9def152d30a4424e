#pragma once

#include "account/shared_secret.hpp"
#include "admission/admission.hpp"
#include "config/model.hpp"
#include "loop/fleet.hpp"
#include "loop/signals.hpp"
#include "loop/timer.hpp"
#include "process/random.hpp"
#include "process/systemd.hpp"
#include "serve/addresses.hpp"
#include "serve/state.hpp"
#include "serve/turn_worker.hpp"
#include "serve/web_front.hpp"
#include "signaling/presence_hub.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::serve {

/// Why the server could not be started, with the exit code that says so to scripts.
struct StartError {
    int exit_code = 2;
    std::vector<std::string> messages;
};

/// The whole running server. Made and ended on the main thread; what belongs to a worker is made and ended on that
/// worker's loop.
class Server {
public:
    explicit Server(const config::Model& model);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;

    /// Nothing when everything listens.
    [[nodiscard]] std::optional<StartError> start();
    /// Waits for the end that a signal brings.
    void wait();

private:
    struct Worker;

    [[nodiscard]] std::optional<StartError> prepare();
    [[nodiscard]] std::optional<StartError> prepare_certificate();
    [[nodiscard]] std::optional<StartError> listen();
    void prepare_turn();
    void announce() const;
    void on_signal(int signal);
    void reload_certificate();
    void begin_drain();
    void look_at_drain();
    void end();

    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] Health health() const;

    const config::Model& model_;
    std::optional<State> state_;
    Addresses addresses_;
    std::shared_ptr<const account::SharedSecrets> secrets_;
    stream::CertificatePem certificate_;
    std::shared_ptr<stream::TlsContext> turn_tls_;
    std::shared_ptr<stream::TlsContext> web_tls_;
    admission::Gate gate_;
    turn_relay::SharedQuota quota_;
    std::unique_ptr<turn_relay::LiveRelays> live_;
    std::unique_ptr<TurnShared> turn_;
    std::unique_ptr<WebShared> web_;
    std::unique_ptr<signaling::PresenceHub> presence_;
    std::unique_ptr<loop::Fleet> fleet_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<loop::Signals> signals_;
    std::unique_ptr<loop::Timer> drain_timer_;
    std::unique_ptr<loop::Timer> watchdog_timer_;
    process::ServiceManager service_manager_;
    Instant drain_deadline_ = never;
    UnixTime started_;
    std::atomic<bool> listening_{false};
    std::atomic<bool> draining_{false};
    std::atomic<bool> ended_{false};
};

} // namespace fairlead::serve
