#pragma once

#include "http_server/cors.hpp"
#include "http_server/websocket_peer.hpp"

#include <array>
#include <map>

namespace fairlead::http_server {

/// Decides about a WebSocket that a client asks for. Used once, from any thread, like Responder; destroyed unused it
/// refuses with 500.
class Upgrade {
public:
    Upgrade(Responder responder, std::vector<std::string> offered, std::optional<std::string> sent_origin)
        : subprotocols(std::move(offered)), origin(std::move(sent_origin)), responder_(std::move(responder)) {}

    /// What the client offers, and the Origin it sends (browsers do). Any web page can open a WebSocket to anywhere: a
    /// handler that believes in cookies must look at the origin.
    std::vector<std::string> subprotocols;
    std::optional<std::string> origin;

    void accept(WebSocketOptions options, WebSocketEvents events);
    void refuse(http::Response response) { responder_.send(std::move(response)); }

private:
    Responder responder_;
};

using Handler = std::function<http::Response(const Request&)>;
using DeferredHandler = std::function<void(Request, Responder)>;
using UpgradeHandler = std::function<void(const Request&, Upgrade)>;

struct RouteOptions {
    std::size_t body_limit = std::size_t{64} * 1024;
    /// Shared by all responses of the route, error responses and the answer to preflights included.
    std::shared_ptr<const Cors> cors{};
};

/// Which handler answers which request. Built once, then shared by the workers as const: handlers run on every worker's
/// loop at the same time and must be safe for that.
///
/// An exact path wins over prefixes, the longest prefix over shorter ones. A prefix ends with '/'. HEAD goes to the
/// handler of GET, OPTIONS is answered here unless a handler is set for it; another method gives 405 with Allow.
class Router {
public:
    Router& exact(std::string path, http::Methods methods, Handler handler, RouteOptions options = {});
    Router& exact_later(std::string path, http::Methods methods, DeferredHandler handler, RouteOptions options = {});
    Router& prefix(std::string path, http::Methods methods, Handler handler, RouteOptions options = {});
    Router& prefix_later(std::string path, http::Methods methods, DeferredHandler handler, RouteOptions options = {});
    /// A request on `path` that asks for a WebSocket. Without one, other handlers of the path answer, or 426.
    Router& websocket(std::string path, UpgradeHandler handler);
    Router& websocket_prefix(std::string path, UpgradeHandler handler);

    struct Endpoint {
        std::variant<std::monostate, Handler, DeferredHandler> handler;
        RouteOptions options;
    };
    struct Route {
        std::array<Endpoint, 7> endpoints; // by http::Method
        UpgradeHandler upgrade;
        [[nodiscard]] http::Methods allowed() const;
        [[nodiscard]] const Endpoint* find(http::Method method) const;
        /// Of any endpoint: a path has one set of cross-origin rules.
        [[nodiscard]] const Cors* cors() const;
    };
    struct Match {
        const Route* route = nullptr;
        std::size_t rest_at = 0;
    };
    [[nodiscard]] Match find(std::string_view path) const;

private:
    void set(Route& route, http::Methods methods, const Endpoint& endpoint);
    std::map<std::string, Route, std::less<>> exact_;
    std::map<std::string, Route, std::less<>> prefixes_;
};

} // namespace fairlead::http_server
