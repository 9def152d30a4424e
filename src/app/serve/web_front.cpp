#include "serve/web_front.hpp"

#include "http_server/static_files.hpp"
#include "log/log.hpp"
#include "process/clock.hpp"
#include "rtcconfig/ice_servers.hpp"
#include "text/format.hpp"
#include "web/assets.hpp"
#include "json/writer.hpp"

#include <algorithm>

namespace fairlead::serve {

namespace {

// Names typed in by hand are vouched for by nobody; the issuer says so.
constexpr std::string_view dev_issuer = "urn:fairlead:dev";

std::uint16_t first_port(const config::TransportAddresses& addresses) {
    return addresses.empty() ? std::uint16_t{0} : addresses.front().port;
}

std::string bracketed(const std::string& host) {
    return host.find(':') != std::string::npos && !host.starts_with('[') ? "[" + host + "]" : host;
}

// Host without port, brackets kept out: what a client typed to get here.
std::string host_only(std::string_view authority) {
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        return std::string(authority.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    return std::string(authority.substr(0, authority.find(':')));
}

} // namespace

WebShared make_web_shared(const config::Model& model, const Addresses& addresses,
                          std::shared_ptr<const account::SharedSecrets> secrets, admission::Gate& gate,
                          std::shared_ptr<stream::TlsContext> tls) {
    using Service = rtcconfig::Endpoint::Service;
    WebShared shared{.model = model, .rtc = {}, .gate = gate, .tls = std::move(tls), .metrics = {}, .health = {}};
    shared.host_is_configured = addresses.host_is_configured;
    shared.rtc.host = addresses.host;
    shared.rtc.secrets = std::move(secrets);
    shared.rtc.ttl = model.rtcconfig.ttl;
    shared.rtc.life_for_users = model.rtcconfig.credential_life;
    for (const config::Secret& key : model.rtcconfig.api_keys) {
        shared.rtc.api_keys.push_back(key.text);
    }
    shared.rtc.open_to_anybody = model.rtcconfig.open;
    shared.rtc.origins = model.rtcconfig.allowed_origins;
    const config::Listen& listen = model.listen;
    const std::uint16_t turn = first_port(listen.turn);
    const std::uint16_t turns = first_port(listen.turn_tls);
    auto& endpoints = shared.rtc.endpoints;
    if (turn != 0 && listen.udp) {
        endpoints.push_back({Service::stun, net::Transport::udp, turn});
        endpoints.push_back({Service::turn, net::Transport::udp, turn});
    }
    if (turn != 0 && listen.tcp) {
        endpoints.push_back({Service::turn, net::Transport::tcp, turn});
    }
    if (turns != 0 && listen.tls) {
        endpoints.push_back({Service::turn, net::Transport::tls, turns});
    }
    if (!model.turn.enabled) {
        std::erase_if(endpoints, [](const rtcconfig::Endpoint& e) { return e.service == Service::turn; });
    }
    return shared;
}

presence::RosterOptions presence_options(const config::Model& model) {
    presence::RosterOptions options;
    options.form = model.presence.user_id == config::UserIdForm::issuer ? presence::UserIdForm::issuer
                                                                        : presence::UserIdForm::username;
    options.pace = model.presence.pace;
    options.largest_message = static_cast<std::size_t>(model.presence.max_message.bytes);
    options.sessions_per_user = model.presence.sessions_per_user;
    options.sessions = model.limits.connections;
    return options;
}

std::vector<std::string> web_announcement(const config::Model& model, const Addresses& addresses,
                                          const account::SharedSecrets& secrets, UnixTime now) {
    std::vector<std::string> lines;
    const std::string host = bracketed(addresses.host);
    if (model.web.enabled) {
        for (const auto& [scheme, listeners] :
             {std::pair{"https", &model.listen.https}, std::pair{"http", &model.listen.http}}) {
            if (const std::uint16_t port = first_port(*listeners); port != 0) {
                lines.push_back(fmt::format("open {}://{}:{}/", scheme, host, port));
            }
        }
        if (first_port(model.listen.http) != 0) {
            lines.push_back(fmt::format("on this machine: http://localhost:{}/", first_port(model.listen.http)));
        }
        if (!model.server.dev) {
            lines.emplace_back("people need a token to get in; with --dev they type a name");
        }
    }
    if (first_port(model.listen.admin) != 0) {
        lines.push_back(fmt::format("metrics and health: http://{}/metrics /healthz /readyz",
                                    model.listen.admin.front().to_string()));
    }
    if (model.turn.enabled && model.server.dev) {
        admission::Gate gate({});
        const WebShared shared = make_web_shared(model, addresses, nullptr, gate, nullptr);
        json::Writer out;
        rtcconfig::write(out, rtcconfig::ice_servers(addresses.host, shared.rtc.endpoints,
                                                     secrets.issue(now, "try", model.rtcconfig.credential_life)));
        lines.push_back(fmt::format(
            "iceServers to paste (good for {} h): {}",
            std::chrono::duration_cast<std::chrono::hours>(model.rtcconfig.credential_life).count(), out.take()));
    }
    return lines;
}

WebFront::WebFront(loop::Loop& loop, stream::DeadlineWheel& wheel, const WebShared& shared, std::size_t index)
    : loop_(loop), shared_(shared), index_(index), door_(loop, *shared.presence, index) {
    http_server::Options options;
    options.header_deadline = shared.model.limits.handshake_timeout;
    options.idle_deadline = shared.model.limits.idle_timeout;
    options.limits.header = static_cast<std::size_t>(shared.model.limits.http_header.bytes);
    options.limits.body = static_cast<std::size_t>(shared.model.limits.http_body.bytes);
    public_.emplace(wheel, public_routes(), options, &shared.gate);
    if (index == 0) {
        options.access_log = false; // a scrape every few seconds
        admin_.emplace(wheel, admin_routes(), options, &shared.gate);
    }
}

WebFront::~WebFront() = default;

std::vector<ListenFailure> WebFront::listen() {
    std::vector<ListenFailure> failures;
    const auto open = [&](http_server::HttpServer& server, std::string_view what, const net::TransportAddress& address,
                          bool reuse, const std::shared_ptr<stream::TlsContext>& tls) {
        stream::ListenOptions options;
        options.local = address;
        options.reuse_port = reuse;
        const auto bound = server.listen(options, tls);
        if (bound) {
            return;
        }
        const auto& error = bound.error();
        if (address.address.is_any() && address.address.is_v6() &&
            (error == boost::system::errc::address_family_not_supported ||
             error == boost::system::errc::address_not_available)) {
            return; // a machine without IPv6
        }
        failures.push_back({.what = fmt::format("{} on {}", what, address.to_string()),
                            .why = error.message(),
                            .in_use = error == boost::system::errc::address_in_use});
    };
    const config::Listen& listen = shared_.model.listen;
    for (const auto& address : listen.http) {
        open(*public_, "http", address, true, nullptr);
    }
    for (const auto& address : listen.https) {
        open(*public_, "https", address, true, shared_.tls);
    }
    if (admin_) {
        for (const auto& address : listen.admin) {
            open(*admin_, "admin", address, false, nullptr);
        }
    }
    return failures;
}

void WebFront::close() {
    public_->close();
    if (admin_) {
        admin_->close();
    }
}

bool WebFront::idle() const {
    const auto idle = [](const http_server::HttpServer& server) { return server.stats().connections.value() == 0; };
    return idle(*public_) && (!admin_ || idle(*admin_));
}

// --- routes
// -----------------------------------------------------------------------------------------------------------------------

std::shared_ptr<const http_server::Router> WebFront::public_routes() {
    auto router = std::make_shared<http_server::Router>();
    const http::Methods get{http::Method::get};
    const config::Model& model = shared_.model;
    if (model.rtcconfig.enabled) {
        // Cross-origin fields are rtcconfig's own: what it lets a page read depends on who asks.
        const auto answer = [this](http::Response (WebFront::*handler)(const http_server::Request&) const) {
            return [this, handler](const http_server::Request& request) {
                http::Response response = (this->*handler)(request);
                std::optional<std::string> origin;
                if (const auto field = request.field("Origin")) {
                    origin = *field;
                }
                rtcconfig::set_cross_origin(response, shared_.rtc, origin);
                return response;
            };
        };
        router->exact("/rtcconfig", get, http_server::Handler(answer(&WebFront::rtc_configuration)));
        router->exact("/turn", {http::Method::get, http::Method::post},
                      http_server::Handler(answer(&WebFront::turn_rest)));
    }
    if (model.presence.enabled) {
        router->websocket(model.presence.path,
                          [this](const http_server::Request& request, http_server::Upgrade upgrade) {
                              open_presence(request, std::move(upgrade));
                          });
        // Scripts are not told why a WebSocket was refused; the same request without the upgrade tells them.
        router->exact(model.presence.path, get, http_server::Handler([this](const http_server::Request& request) {
                          auto user = presence_user(request);
                          if (!user) {
                              return std::move(user.error());
                          }
                          http::Response response(http::Status::upgrade_required);
                          response.set("Upgrade", "websocket");
                          return response;
                      }));
    }
    if (model.web.enabled) {
        if (model.web.root.empty()) {
            const auto table = std::make_shared<const http_server::AssetTable>(web::assets());
            router->prefix("/", get, http_server::Handler([table](const http_server::Request& request) {
                               return table->serve(request);
                           }));
        } else if (auto directory = http_server::Directory::open(model.web.root.string())) {
            router->prefix("/", get, http_server::Handler([root = *directory](const http_server::Request& request) {
                               return root->serve(request);
                           }));
        } else {
            log::error("serve", "web.root cannot be served",
                       {{"path", model.web.root.string()}, {"reason", directory.error().message()}});
        }
    }
    return router;
}

std::shared_ptr<const http_server::Router> WebFront::admin_routes() const {
    auto router = std::make_shared<http_server::Router>();
    const http::Methods get{http::Method::get};
    router->exact("/metrics", get, http_server::Handler([this](const http_server::Request&) {
                      http::Response response(http::Status::ok);
                      response.set("Content-Type", telemetry::Exposition::content_type);
                      response.body(shared_.metrics());
                      return response;
                  }));
    const auto health = [this](bool Health::* verdict) {
        return [this, verdict](const http_server::Request&) {
            const Health current = shared_.health();
            json::Writer out;
            out.begin_object();
            out.member("status", current.*verdict ? "ok" : "failing");
            out.key("reasons").begin_array();
            for (const std::string& reason : current.reasons) {
                out.value(reason);
            }
            out.end_array();
            out.end_object();
            return http::Response::json(current.*verdict ? http::Status::ok : http::Status::service_unavailable,
                                        out.take());
        };
    };
    router->exact("/healthz", get, http_server::Handler(health(&Health::alive)));
    router->exact("/readyz", get, http_server::Handler(health(&Health::ready)));
    return router;
}

Result<presence::UserInfo, http::Response> WebFront::presence_user(const http_server::Request& request) const {
    // Tokens of an identity provider come later; until then nobody gets in without --dev.
    if (!shared_.model.server.dev) {
        http::Response refusal(http::Status::unauthorized);
        refusal.set("WWW-Authenticate", "Bearer");
        return fail(std::move(refusal));
    }
    const auto user = presence::typed_name(request.target.parameter("name").value_or(""), dev_issuer);
    if (!user) {
        return fail(http::Response::text(http::Status::bad_request, fmt::format("name: {}\n", describe(user.error()))));
    }
    return *user;
}

void WebFront::open_presence(const http_server::Request& request, http_server::Upgrade upgrade) {
    auto user = presence_user(request);
    if (!user) {
        upgrade.refuse(std::move(user.error()));
        return;
    }
    http_server::WebSocketOptions options;
    options.limits.message = static_cast<std::size_t>(shared_.model.presence.max_message.bytes);
    upgrade.accept(std::move(options), door_.events(*std::move(user)));
}

rtcconfig::Options WebFront::rtc_for(const http_server::Request& request) const {
    rtcconfig::Options options = shared_.rtc;
    if (!shared_.host_is_configured && !request.host().empty()) {
        options.host = host_only(request.host());
    }
    return options;
}

namespace {

rtcconfig::Caller caller_of(const http_server::Request& request) {
    rtcconfig::Caller caller;
    if (const auto origin = request.field("Origin")) {
        caller.origin = *origin;
    }
    return caller;
}

} // namespace

http::Response WebFront::rtc_configuration(const http_server::Request& request) const {
    http::Response response = rtcconfig::rtc_configuration(loop_.now().unix, rtc_for(request), caller_of(request),
                                                           request.target.parameter("key"));
    // For a page on plain HTTP, which browsers give no camera: where it can find itself over TLS.
    if (const std::uint16_t https = first_port(shared_.model.listen.https); https != 0) {
        response.set("Fairlead-Https-Port", fmt::format("{}", https));
    }
    return response;
}

http::Response WebFront::turn_rest(const http_server::Request& request) const {
    rtcconfig::TurnRestQuery query;
    query.service = request.target.parameter("service");
    query.username = request.target.parameter("username");
    query.key = request.target.parameter("key");
    if (request.method == http::Method::post && request.media_type() == "application/x-www-form-urlencoded") {
        for (http::Parameter& parameter : http::parse_form(request.body)) {
            for (auto& [name, field] :
                 {std::pair{"service", &query.service}, {"username", &query.username}, {"key", &query.key}}) {
                if (parameter.name == name) {
                    *field = parameter.value;
                }
            }
        }
    }
    return rtcconfig::turn_rest(loop_.now().unix, rtc_for(request), caller_of(request), query);
}

void WebFront::add_to(TurnWorker::Totals& totals) const {
    const auto add = [&](const http_server::HttpServer& server, const char* listener) {
        const http_server::Stats& stats = server.stats();
        const telemetry::Labels labels{{"listener", listener}};
        totals.add("fairlead_http_connections", "HTTP connections now.", stats.connections.value(), labels, true);
        totals.add("fairlead_http_requests_total", "HTTP requests.", stats.requests.value(), labels);
        for (std::size_t digit = 1; digit < std::size(stats.responses); ++digit) {
            totals.add("fairlead_http_responses_total", "HTTP responses by class of status.",
                       stats.responses[digit].value(),
                       {{"listener", listener}, {"status", fmt::format("{}xx", digit)}});
        }
        totals.add("fairlead_http_timed_out_total", "HTTP clients that were too slow.", stats.timed_out.value(),
                   labels);
        totals.add("fairlead_http_tls_failed_total", "TLS handshakes that failed.", stats.tls_failed.value(), labels);
        totals.add("fairlead_websockets", "WebSockets now.",
                   stats.websocket.opened.value() - stats.websocket.closed.value(), labels, true);
        totals.add("fairlead_websocket_messages_total", "WebSocket messages.", stats.websocket.messages_in.value(),
                   {{"listener", listener}, {"direction", "in"}});
        totals.add("fairlead_websocket_messages_total", "WebSocket messages.", stats.websocket.messages_out.value(),
                   {{"listener", listener}, {"direction", "out"}});
    };
    add(*public_, "public");
    if (admin_) {
        add(*admin_, "admin");
    }
}

} // namespace fairlead::serve
