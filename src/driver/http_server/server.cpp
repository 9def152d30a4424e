#include "http_server/server.hpp"

#include "http_server/core.hpp"
#include "log/log.hpp"

namespace fairlead::http_server {
namespace {

constexpr Duration handshake_deadline = std::chrono::seconds(10);

/// Handshake, if it is to be one, then requests.
asio::awaitable<void> welcome(std::shared_ptr<HttpServer::Core> core, std::unique_ptr<stream::TcpStream> stream,
                              std::shared_ptr<stream::TlsContext> tls, admission::Pass pass) {
    std::unique_ptr<stream::Stream> ready;
    if (tls) {
        const net::TransportAddress peer = stream->peer();
        const Instant deadline = core->loop.steady_now() + handshake_deadline;
        auto handshake = stream::accept_tls(std::move(stream), std::move(tls), deadline);
        stream::Secured secured = co_await std::move(handshake);
        if (secured.ec) {
            core->stats.tls_failed.add();
            const std::string client = peer.to_string();
            log::debug("http", "TLS handshake failed", {{"client", client}, {"reason", secured.detail}});
            co_return;
        }
        ready = std::move(secured.stream);
    } else {
        ready = std::move(stream);
    }
    if (!core->closed) {
        auto life = serve_connection(core, std::move(ready), std::move(pass));
        co_await std::move(life);
    }
}

asio::awaitable<void> accept_connections(std::shared_ptr<HttpServer::Core> core,
                                         std::shared_ptr<stream::Acceptor> acceptor,
                                         std::shared_ptr<stream::TlsContext> tls) {
    while (true) {
        auto next = acceptor->accept();
        stream::Accepted accepted = co_await std::move(next);
        if (accepted.ec) {
            co_return;
        }
        core->stats.accepted.add();
        admission::Pass pass;
        if (core->gate != nullptr) {
            pass = core->gate->admit(accepted.stream->peer().address);
            if (!pass) { // the gate counts why
                accepted.stream->reset();
                continue;
            }
        }
        auto guest = welcome(core, std::move(accepted.stream), tls, std::move(pass));
        core->loop.spawn("http connection", std::move(guest));
    }
}

} // namespace

HttpServer::HttpServer(stream::DeadlineWheel& wheel, std::shared_ptr<const Router> router, Options options,
                       admission::Gate* gate)
    : core_(std::make_shared<Core>(wheel, std::move(router), std::move(options), gate)) {}

HttpServer::~HttpServer() {
    close();
}

Result<net::TransportAddress, stream::ErrorCode> HttpServer::listen(const stream::ListenOptions& options,
                                                                    std::shared_ptr<stream::TlsContext> tls) {
    auto acceptor = stream::Acceptor::listen(core_->wheel, options);
    if (!acceptor) {
        return fail(acceptor.error());
    }
    return accept_on(std::move(*acceptor), std::move(tls));
}

Result<net::TransportAddress, stream::ErrorCode> HttpServer::adopt(process::Descriptor socket,
                                                                   std::shared_ptr<stream::TlsContext> tls) {
    auto acceptor = stream::Acceptor::adopt(core_->wheel, std::move(socket));
    if (!acceptor) {
        return fail(acceptor.error());
    }
    return accept_on(std::move(*acceptor), std::move(tls));
}

net::TransportAddress HttpServer::accept_on(const std::shared_ptr<stream::Acceptor>& acceptor,
                                            std::shared_ptr<stream::TlsContext> tls) {
    core_->acceptors.push_back(acceptor);
    auto accepting = accept_connections(core_, acceptor, std::move(tls));
    core_->loop.spawn("http accept", std::move(accepting));
    return acceptor->local();
}

void HttpServer::serve(std::unique_ptr<stream::Stream> stream, admission::Pass pass) {
    core_->stats.accepted.add();
    auto life = serve_connection(core_, std::move(stream), std::move(pass));
    core_->loop.spawn("http connection", std::move(life));
}

void HttpServer::use(std::shared_ptr<const Router> router) {
    core_->router = std::move(router);
}

void HttpServer::drain() {
    core_->draining = true;
    for (const auto& acceptor : core_->acceptors) {
        acceptor->close();
    }
    const auto connections = core_->connections;
    for (Connection* connection : connections) {
        connection->drain();
    }
}

void HttpServer::close() {
    drain();
    core_->closed = true;
    const auto connections = core_->connections;
    for (Connection* connection : connections) {
        connection->close();
    }
}

const Stats& HttpServer::stats() const {
    return core_->stats;
}

} // namespace fairlead::http_server
