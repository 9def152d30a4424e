#pragma once

#include "admission/admission.hpp"
#include "http/request_parser.hpp"
#include "http_server/router.hpp"
#include "net/prefix.hpp"
#include "stream/acceptor.hpp"
#include "stream/tls_context.hpp"

namespace fairlead::http_server {

struct Options {
    /// From the first byte of a request (or from the accept) to the end of its header section.
    Duration header_deadline = std::chrono::seconds(10);
    Duration body_deadline = std::chrono::seconds(20);
    /// Between two requests.
    Duration idle_deadline = std::chrono::seconds(30);
    /// For a handler that answers later.
    Duration answer_deadline = std::chrono::seconds(30);
    /// For each 256 KiB of a response to be taken by the client; for the whole, a second more for each 64 KiB.
    Duration write_deadline = std::chrono::seconds(20);
    http::RequestLimits limits{};
    std::size_t requests_per_connection = 10'000;

    std::string content_security_policy =
        "default-src 'self'; connect-src 'self' wss:; media-src blob:; frame-ancestors 'none'; base-uri 'none'";
    /// Strict-Transport-Security on secure responses; 0: none (a self-signed certificate would lock people out).
    unsigned hsts_seconds = 0;
    /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
    std::vector<net::Prefix> trusted_proxies{};
    bool access_log = true;
};

struct Stats {
    stats::Counter connections; ///< open now
    stats::Counter accepted;
    stats::Counter tls_failed;
    stats::Counter requests;
    stats::Counter responses[6]; ///< by the first digit of the status
    stats::Counter refused[http::refusal_count];
    stats::Counter timed_out; ///< clients that did not finish a request, or did not take a response, in time
    stats::Counter answers_late;
    stats::Counter handler_exceptions;
    WebSocketPeer::Stats websocket;
};

/// HTTP/1.1 on one worker's loop: accepts connections, plain and TLS, hands requests to the router's handlers, and
/// WebSockets to theirs. One per worker, all with the same router. Adds the security headers and Date to every response
/// and writes one log line per request (topic "http"), never with the query string.
class HttpServer {
public:
    /// `wheel` and `gate` (optional: the count of connections of all kinds and workers) outlive the server and its
    /// connections.
    HttpServer(stream::DeadlineWheel& wheel, std::shared_ptr<const Router> router, Options options,
               admission::Gate* gate = nullptr);
    /// As close().
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Begins to accept. The address tells the port when 0 was asked for.
    [[nodiscard]] Result<net::TransportAddress, stream::ErrorCode>
    listen(const stream::ListenOptions& options, std::shared_ptr<stream::TlsContext> tls = nullptr);
    /// The same on a listening socket made by somebody else.
    [[nodiscard]] Result<net::TransportAddress, stream::ErrorCode>
    adopt(process::Descriptor socket, std::shared_ptr<stream::TlsContext> tls = nullptr);
    /// Serves a connection that somebody else accepted (a port shared with another protocol) and counted.
    void serve(std::unique_ptr<stream::Stream> stream, admission::Pass pass = {});

    /// Requests from now on go to `router` (a reload).
    void use(std::shared_ptr<const Router> router);

    /// Accepts no more; idle connections end, requests under way are answered, WebSockets are closed with 1001.
    void drain();
    /// Ends everything at once.
    void close();

    [[nodiscard]] const Stats& stats() const;

    struct Core;

private:
    net::TransportAddress accept_on(const std::shared_ptr<stream::Acceptor>& acceptor,
                                    std::shared_ptr<stream::TlsContext> tls);
    std::shared_ptr<Core> core_;
};

} // namespace fairlead::http_server
