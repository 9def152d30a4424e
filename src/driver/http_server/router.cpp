#include "http_server/router.hpp"

#include "http_server/promise.hpp"

namespace fairlead::http_server {

using http::Method;

namespace {

constexpr std::array all_methods{Method::get,   Method::head,    Method::post,   Method::put,
                                 Method::patch, Method::delete_, Method::options};

} // namespace

void Upgrade::accept(WebSocketOptions options, WebSocketEvents events) {
    responder_.deliver([acceptance = Acceptance{std::move(options), std::move(events)}](
                           Responder::Promise& promise) mutable { promise.give(std::move(acceptance)); });
}

void Router::set(Route& route, http::Methods methods, const Endpoint& endpoint) {
    for (const Method method : all_methods) {
        if (methods.contains(method)) {
            route.endpoints[static_cast<std::size_t>(method)] = endpoint;
        }
    }
}

Router& Router::exact(std::string path, http::Methods methods, Handler handler, RouteOptions options) {
    set(exact_[std::move(path)], methods, {std::move(handler), std::move(options)});
    return *this;
}

Router& Router::exact_later(std::string path, http::Methods methods, DeferredHandler handler, RouteOptions options) {
    set(exact_[std::move(path)], methods, {std::move(handler), std::move(options)});
    return *this;
}

Router& Router::prefix(std::string path, http::Methods methods, Handler handler, RouteOptions options) {
    set(prefixes_[std::move(path)], methods, {std::move(handler), std::move(options)});
    return *this;
}

Router& Router::prefix_later(std::string path, http::Methods methods, DeferredHandler handler, RouteOptions options) {
    set(prefixes_[std::move(path)], methods, {std::move(handler), std::move(options)});
    return *this;
}

Router& Router::websocket(std::string path, UpgradeHandler handler) {
    exact_[std::move(path)].upgrade = std::move(handler);
    return *this;
}

Router& Router::websocket_prefix(std::string path, UpgradeHandler handler) {
    prefixes_[std::move(path)].upgrade = std::move(handler);
    return *this;
}

http::Methods Router::Route::allowed() const {
    http::Methods methods;
    for (const Method method : all_methods) {
        if (find(method) != nullptr) {
            methods.add(method);
        }
    }
    if (upgrade) {
        methods.add(Method::get);
    }
    methods.add(Method::options);
    return methods;
}

const Router::Endpoint* Router::Route::find(Method method) const {
    const auto at = [this](Method one) -> const Endpoint* {
        const Endpoint& endpoint = endpoints[static_cast<std::size_t>(one)];
        return std::holds_alternative<std::monostate>(endpoint.handler) ? nullptr : &endpoint;
    };
    const Endpoint* endpoint = at(method);
    return endpoint == nullptr && method == Method::head ? at(Method::get) : endpoint;
}

const Cors* Router::Route::cors() const {
    for (const Endpoint& endpoint : endpoints) {
        if (endpoint.options.cors) {
            return endpoint.options.cors.get();
        }
    }
    return nullptr;
}

Router::Match Router::find(std::string_view path) const {
    if (const auto exact = exact_.find(path); exact != exact_.end()) {
        return {&exact->second, path.size()};
    }
    // The longest prefix: "/a/b/c" is looked for as "/a/b/", "/a/", "/".
    std::string_view rest = path;
    for (std::size_t slash = rest.rfind('/'); slash != std::string_view::npos; slash = rest.rfind('/')) {
        if (const auto prefix = prefixes_.find(rest.substr(0, slash + 1)); prefix != prefixes_.end()) {
            return {&prefix->second, slash + 1};
        }
        rest = rest.substr(0, slash);
    }
    return {};
}

} // namespace fairlead::http_server
