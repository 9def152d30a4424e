#pragma once

#include "account/shared_secret.hpp"
#include "admission/admission.hpp"
#include "config/model.hpp"
#include "http_server/server.hpp"
#include "loop/loop.hpp"
#include "presence/roster.hpp"
#include "rtcconfig/configuration.hpp"
#include "serve/addresses.hpp"
#include "serve/turn_worker.hpp"
#include "signaling/presence_door.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::serve {

/// What /healthz and /readyz tell.
struct Health {
    bool alive = true; ///< every loop turns
    bool ready = true; ///< alive, listening, not draining
    std::vector<std::string> reasons;
};

/// What the workers' HTTP shares.
struct WebShared {
    const config::Model& model;
    rtcconfig::Options rtc;
    bool host_is_configured = false; ///< else clients are told the host by which they reached us
    admission::Gate& gate;
    std::shared_ptr<stream::TlsContext> tls;
    signaling::PresenceHub* presence = nullptr;
    std::function<std::string()> metrics;
    std::function<Health()> health;
};

[[nodiscard]] WebShared make_web_shared(const config::Model& model, const Addresses& addresses,
                                        std::shared_ptr<const account::SharedSecrets> secrets, admission::Gate& gate,
                                        std::shared_ptr<stream::TlsContext> tls);
[[nodiscard]] presence::RosterOptions presence_options(const config::Model& model);

/// The lines that tell people what to open and what to paste.
[[nodiscard]] std::vector<std::string> web_announcement(const config::Model& model, const Addresses& addresses,
                                                        const account::SharedSecrets& secrets, UnixTime now);

/// One worker's HTTP: pages, RTC configuration, presence sockets; on the first worker also the admin listener.
class WebFront {
public:
    WebFront(loop::Loop& loop, stream::DeadlineWheel& wheel, const WebShared& shared, std::size_t index);
    ~WebFront();
    WebFront(const WebFront&) = delete;
    WebFront& operator=(const WebFront&) = delete;
    WebFront(WebFront&&) = delete;
    WebFront& operator=(WebFront&&) = delete;

    [[nodiscard]] std::vector<ListenFailure> listen();
    void close();
    [[nodiscard]] bool idle() const;

    /// Actions of the presence roster for this worker's sockets.
    void apply(presence::Actions actions) { door_.apply(std::move(actions)); }

    void add_to(TurnWorker::Totals& totals) const;

private:
    [[nodiscard]] std::shared_ptr<const http_server::Router> public_routes();
    [[nodiscard]] std::shared_ptr<const http_server::Router> admin_routes() const;
    /// Who wants to be present, or the answer that says why not.
    [[nodiscard]] Result<presence::UserInfo, http::Response> presence_user(const http_server::Request& request) const;
    void open_presence(const http_server::Request& request, http_server::Upgrade upgrade);
    [[nodiscard]] http::Response rtc_configuration(const http_server::Request& request) const;
    [[nodiscard]] http::Response turn_rest(const http_server::Request& request) const;
    [[nodiscard]] rtcconfig::Options rtc_for(const http_server::Request& request) const;

    loop::Loop& loop_;
    const WebShared& shared_;
    std::size_t index_;
    signaling::PresenceDoor door_;
    std::optional<http_server::HttpServer> public_;
    std::optional<http_server::HttpServer> admin_;
};

} // namespace fairlead::serve
