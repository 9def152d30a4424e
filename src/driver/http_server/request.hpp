#pragma once

#include "http/request.hpp"
#include "http/response.hpp"
#include "loop/loop.hpp"
#include "net/address.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace fairlead::http_server {

namespace asio = boost::asio;

/// A request and where it came from.
struct Request : http::Request {
    /// The client: the connection's peer, or whom a trusted proxy names.
    net::TransportAddress client;
    /// Over TLS, here or at a trusted proxy.
    bool is_secure = false;
    /// What of path() follows the prefix of the route: "room" for /whip/room on the prefix /whip/. Empty on exact
    /// routes.
    [[nodiscard]] std::string_view rest() const { return std::string_view(path()).substr(rest_at); }
    std::size_t rest_at = 0;
};

/// Where an answer that takes time goes. Used once, from any thread: the connection waits on its own loop, up to
/// Options::answer_deadline, then it answers 504 by itself. Destroyed unused it answers 500.
class Responder {
public:
    class Promise;
    Responder(loop::Loop& loop, std::weak_ptr<Promise> promise) : loop_(&loop), promise_(std::move(promise)) {}
    Responder(Responder&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)), promise_(std::move(other.promise_)) {}
    Responder& operator=(Responder&& other) noexcept;
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;
    ~Responder();

    void send(http::Response response);

private:
    friend class Upgrade;
    void deliver(std::move_only_function<void(Promise&)> gift);

    loop::Loop* loop_;
    std::weak_ptr<Promise> promise_; // locked on loop_ alone
};

} // namespace fairlead::http_server
