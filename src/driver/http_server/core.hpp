#pragma once

#include "http_server/promise.hpp"
#include "http_server/server.hpp"
#include "websocket/handshake.hpp"

#include <unordered_set>

namespace fairlead::http_server {

class Connection;

/// What the connections of one server share. Lives until the last of them has ended.
struct HttpServer::Core {
    Core(stream::DeadlineWheel& deadlines, std::shared_ptr<const Router> routes, Options how,
         admission::Gate* admission)
        : wheel(deadlines),
          loop(deadlines.loop()),
          router(std::move(routes)),
          options(std::move(how)),
          gate(admission) {}

    stream::DeadlineWheel& wheel;
    loop::Loop& loop;
    std::shared_ptr<const Router> router;
    Options options;
    admission::Gate* gate;
    Stats stats;
    std::vector<std::shared_ptr<stream::Acceptor>> acceptors;
    std::unordered_set<Connection*> connections;
    /// Read into by whichever connection is being read right now: an idle one holds no buffer.
    std::array<std::byte, 16 * 1024> scratch{};
    bool draining = false;
    bool closed = false;

    /// The value of Date, made once a second.
    [[nodiscard]] const std::string& date();

private:
    UnixTime date_of_{};
    std::string date_;
};

/// The life of one connection, from its first request to its end.
asio::awaitable<void> serve_connection(std::shared_ptr<HttpServer::Core> core, std::unique_ptr<stream::Stream> stream,
                                       admission::Pass pass);

/// One HTTP connection; serve_connection() and its kin are its coroutines.
class Connection {
public:
    Connection(std::shared_ptr<HttpServer::Core> core, std::unique_ptr<stream::Stream> stream, admission::Pass pass);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Between requests: ends now. Else: after the answer. A WebSocket: with 1001.
    void drain();
    void close();

private:
    friend asio::awaitable<void> serve_connection(std::shared_ptr<HttpServer::Core> core,
                                                  std::unique_ptr<stream::Stream> stream, admission::Pass pass);

    /// What the header section says about the rest: an answer at once, or who makes it.
    struct Plan {
        std::shared_ptr<const Router> router; // keeps what follows alive over a reload
        const Router::Route* route = nullptr;
        const Router::Endpoint* endpoint = nullptr;
        bool upgrade = false;
        std::size_t rest_at = 0;
        std::optional<http::Response> answer;
    };
    /// What is kept of a request for its answer and its log line.
    struct Record {
        http::Exchange exchange;
        std::string path;
        std::optional<std::string> origin;
        net::TransportAddress client;
        bool is_secure = false;
        Instant started;
    };

    static asio::awaitable<bool> serve_request(std::shared_ptr<Connection> self);
    static asio::awaitable<bool> read_on(std::shared_ptr<Connection> self, http::RequestParser::Stage stage);
    static asio::awaitable<bool> respond(std::shared_ptr<Connection> self, Plan plan, Record record,
                                         http::Response response);
    static asio::awaitable<bool> refuse(std::shared_ptr<Connection> self);
    static asio::awaitable<void> linger(std::shared_ptr<Connection> self);
    static asio::awaitable<bool> switch_to_websocket(std::shared_ptr<Connection> self, Record record,
                                                     websocket::Offer offer, Acceptance acceptance);

    [[nodiscard]] Plan plan() const;
    [[nodiscard]] Record record() const;
    [[nodiscard]] bool take_in(http::RequestParser::Stage stage);
    void set_read_deadline(http::RequestParser::Stage stage);
    void decorate(http::Response& response, const Record& record, const Plan& plan) const;
    void log(const Record& record, http::Status status, std::size_t bytes) const;
    [[nodiscard]] http::Response call(const Handler& handler, const Request& request) const;
    template <class Call>
    [[nodiscard]] bool guarded(const Call& call) const;

    std::shared_ptr<HttpServer::Core> core_;
    std::unique_ptr<stream::Stream> stream_;
    admission::Pass pass_;
    http::RequestParser parser_;
    std::string pending_; // read, but not yet parsed: what came behind the request in hand
    std::weak_ptr<Responder::Promise> promise_;
    std::shared_ptr<WebSocketPeer> websocket_; // what the connection has become
    Instant request_began_;
    std::size_t requests_ = 0;
    bool idle_ = false; // no byte of a request has come
    bool lingers_ = false;
};

} // namespace fairlead::http_server
