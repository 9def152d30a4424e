#include "http_server/core.hpp"

#include "http_server/promise.hpp"
#include "log/log.hpp"
#include "text/ascii.hpp"
#include "websocket/handshake.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace fairlead::http_server {

using http::Status;
using Stage = http::RequestParser::Stage;

namespace {

/// How long, and for how much, a refused client is listened to so that it can read why.
constexpr Duration linger_deadline = std::chrono::seconds(2);
/// Of a response; each slice has to be taken within the write deadline.
constexpr std::size_t write_slice = std::size_t{256} * 1024;
constexpr std::size_t linger_limit = std::size_t{256} * 1024;

http::Response method_not_allowed(const Router::Route& route) {
    auto response = http::Response::text(Status::method_not_allowed, "Method not allowed.\n");
    response.set("Allow", http::to_string(route.allowed()));
    return response;
}

http::Response allow(const Router::Route& route) {
    http::Response response(Status::no_content);
    response.set("Allow", http::to_string(route.allowed()));
    return response;
}

bool is_trusted(const std::vector<net::Prefix>& proxies, const net::IpAddress& address) {
    return std::ranges::any_of(proxies, [&](const net::Prefix& prefix) { return prefix.contains(address); });
}

/// The right-most address of X-Forwarded-For that no trusted proxy added: everything left of it is the client's own
/// tale.
net::TransportAddress client_behind(const std::vector<net::Prefix>& proxies, const http::Fields& fields,
                                    net::TransportAddress peer) {
    if (!is_trusted(proxies, peer.address)) {
        return peer;
    }
    std::vector<std::string_view> hops;
    for (const auto& field : fields) {
        if (text::equal_ignoring_case(field.name, "X-Forwarded-For")) {
            http::for_each_element(field.value, [&](std::string_view hop) { hops.push_back(hop); });
        }
    }
    for (auto hop = hops.rbegin(); hop != hops.rend() && is_trusted(proxies, peer.address); ++hop) {
        const auto address = net::IpAddress::parse(*hop);
        if (!address) {
            break;
        }
        peer = {*address, 0};
    }
    return peer;
}

} // namespace

const std::string& HttpServer::Core::date() {
    const UnixTime now = loop.now().unix;
    if (date_.empty() || now != date_of_) {
        date_of_ = now;
        date_ = http::http_date(now);
    }
    return date_;
}

Connection::Connection(std::shared_ptr<HttpServer::Core> core, std::unique_ptr<stream::Stream> stream,
                       admission::Pass pass)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      pass_(std::move(pass)),
      parser_(core_->options.limits),
      request_began_(core_->loop.steady_now()) {
    core_->connections.insert(this);
    core_->stats.connections.add();
}

Connection::~Connection() {
    core_->connections.erase(this);
    core_->stats.connections.subtract();
}

void Connection::drain() {
    if (const auto websocket = websocket_) {
        websocket->go_away();
    } else if (idle_ && stream_) {
        stream_->close();
    }
}

void Connection::close() {
    if (const auto websocket = websocket_) {
        websocket->abort();
    } else if (stream_) {
        stream_->close();
        if (const auto promise = promise_.lock()) {
            promise->give_up();
        }
    }
}

asio::awaitable<void> serve_connection(std::shared_ptr<HttpServer::Core> core, std::unique_ptr<stream::Stream> stream,
                                       admission::Pass pass) {
    auto connection = std::make_shared<Connection>(std::move(core), std::move(stream), std::move(pass));
    // An idle connection is the frames of this coroutine and of one that reads; what a request or a WebSocket needs
    // beyond that exists while there is one.
    bool goes_on = true;
    while (goes_on) {
        auto header = Connection::read_on(connection, Stage::header);
        goes_on = co_await std::move(header);
        if (goes_on) {
            auto request = Connection::serve_request(connection);
            goes_on = co_await std::move(request);
        }
        // Pipelined requests are answered one a turn, so that one client never holds the loop.
        if (goes_on && !connection->pending_.empty()) {
            co_await asio::post(connection->core_->loop.context(), asio::use_awaitable);
        }
    }
    if (auto peer = connection->websocket_) {
        std::string read_ahead = std::move(connection->pending_);
        const std::span<std::byte> scratch(connection->core_->scratch);
        auto life = WebSocketPeer::run(std::move(peer), std::move(read_ahead), scratch);
        co_await std::move(life);
    }
    if (connection->lingers_) {
        auto end = Connection::linger(connection);
        co_await std::move(end);
    }
    if (connection->stream_) {
        connection->stream_->close();
    }
}

asio::awaitable<bool> Connection::serve_request(std::shared_ptr<Connection> self) {
    HttpServer::Core& core = *self->core_;
    core.stats.requests.add();
    ++self->requests_;
    Plan plan = self->plan();
    Record record = self->record();
    if (self->parser_.stage() == Stage::body) {
        if (plan.answer) {
            record.exchange.keep_alive = false;
        } else {
            self->parser_.limit_body(plan.endpoint != nullptr ? plan.endpoint->options.body_limit : 0);
            if (self->parser_.stage() == Stage::body && self->pending_.empty() &&
                self->parser_.head().expects_continue()) {
                const stream::ErrorCode ec = co_await self->stream_->write(http::continue_response);
                if (ec) {
                    co_return false;
                }
            }
            auto body = read_on(self, Stage::body);
            const bool has_body = co_await std::move(body);
            if (!has_body) {
                co_return false;
            }
        }
    }
    if (plan.answer) {
        http::Response answer = std::move(*plan.answer);
        if (self->parser_.stage() == Stage::complete) {
            (void)self->parser_.take();
        }
        auto written = respond(self, std::move(plan), std::move(record), std::move(answer));
        const bool goes_on = co_await std::move(written);
        co_return goes_on;
    }

    Request request{self->parser_.take(), record.client, record.is_secure, plan.rest_at};
    std::optional<Answer> answer;
    websocket::Offer offer;
    if (plan.upgrade) {
        auto offered = websocket::parse_offer(request);
        if (!offered) {
            answer = websocket::refusal(offered.error());
        } else {
            offer = std::move(*offered);
        }
    }
    if (!answer && !plan.upgrade && std::holds_alternative<Handler>(plan.endpoint->handler)) {
        answer = self->call(std::get<Handler>(plan.endpoint->handler), request);
    }
    if (!answer) {
        auto promise =
            std::make_shared<Responder::Promise>(core.loop, core.loop.steady_now() + core.options.answer_deadline);
        const bool asked = self->guarded([&] {
            Responder responder(core.loop, promise);
            if (plan.upgrade) {
                Upgrade upgrade(std::move(responder), offer.subprotocols, offer.origin);
                plan.route->upgrade(request, std::move(upgrade));
            } else {
                std::get<DeferredHandler>(plan.endpoint->handler)(std::move(request), std::move(responder));
            }
        });
        if (asked) {
            self->stream_->expires_at(never);
            self->promise_ = promise;
            auto waiting = Responder::Promise::wait(promise);
            answer = co_await std::move(waiting);
            if (!answer && self->stream_->is_open()) {
                core.stats.answers_late.add();
                answer = http::Response::text(Status::gateway_timeout, "No answer in time.\n");
            }
        } else {
            http::Response failed(Status::internal_server_error);
            failed.close_connection();
            answer = std::move(failed);
        }
    }
    if (!answer || !self->stream_->is_open()) { // the server closed meanwhile
        co_return false;
    }
    if (auto* acceptance = std::get_if<Acceptance>(&*answer)) {
        auto websocket = switch_to_websocket(self, std::move(record), std::move(offer), std::move(*acceptance));
        const bool goes_on = co_await std::move(websocket);
        co_return goes_on;
    }
    http::Response response = std::move(std::get<http::Response>(*answer));
    auto written = respond(self, std::move(plan), std::move(record), std::move(response));
    const bool goes_on = co_await std::move(written);
    co_return goes_on;
}

/// Reads until the parser has left `stage`. False when the connection is over; refusals have been answered then.
asio::awaitable<bool> Connection::read_on(std::shared_ptr<Connection> self, Stage stage) {
    self->idle_ = stage == Stage::header && !self->parser_.is_midway() && self->pending_.empty();
    if (stage == Stage::header && !self->idle_) {
        self->request_began_ = self->core_->loop.steady_now();
    }
    while (!self->take_in(stage)) {
        if (self->idle_ && self->core_->draining) {
            co_return false;
        }
        self->set_read_deadline(stage);
        stream::ErrorCode ec = co_await self->stream_->wait_readable();
        if (!ec) {
            const stream::ReadResult read = self->stream_->try_read(self->core_->scratch);
            ec = read.ec;
            if (!ec) {
                self->pending_.append(as_text(Bytes(self->core_->scratch).first(read.n)));
                if (self->idle_) {
                    self->idle_ = false;
                    self->request_began_ = self->core_->loop.steady_now();
                }
            }
        }
        if (ec && ec != asio::error::would_block) {
            if (ec == asio::error::timed_out && !self->idle_) {
                self->core_->stats.timed_out.add();
            }
            co_return false;
        }
    }
    if (self->parser_.stage() == Stage::refused) {
        auto refusal = refuse(self);
        co_return co_await std::move(refusal);
    }
    co_return true;
}

/// Parses what is pending. True when the parser is out of `stage`.
bool Connection::take_in(Stage stage) {
    Bytes input = as_bytes(pending_);
    while (!input.empty() && parser_.stage() == stage) {
        input = input.subspan(parser_.push(input));
    }
    if (input.empty()) {
        pending_ = std::string(); // an idle connection holds no buffer
    } else {
        pending_.erase(0, pending_.size() - input.size());
    }
    return parser_.stage() != stage;
}

void Connection::set_read_deadline(Stage stage) {
    const Options& options = core_->options;
    if (stage == Stage::body) {
        stream_->expires_at(request_began_ + options.header_deadline + options.body_deadline);
    } else if (idle_ && requests_ > 0) {
        stream_->expires_at(request_began_ + options.idle_deadline);
    } else {
        stream_->expires_at(request_began_ + options.header_deadline);
    }
}

Connection::Plan Connection::plan() const {
    const http::Request& head = parser_.head();
    Plan plan;
    plan.router = core_->router;
    if (head.target.is_asterisk()) {
        plan.answer.emplace(Status::no_content).set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        return plan;
    }
    const Router::Match match = plan.router->find(head.path());
    if (match.route == nullptr) {
        plan.answer = http::Response::text(Status::not_found, "Not found.\n");
        return plan;
    }
    plan.route = match.route;
    plan.rest_at = match.rest_at;
    if (plan.route->upgrade && websocket::wants_websocket(head)) {
        plan.upgrade = true;
        return plan;
    }
    const Cors* cors = plan.route->cors();
    if (cors != nullptr && Cors::is_preflight(head)) {
        plan.answer = cors->preflight(head);
        return plan;
    }
    plan.endpoint = plan.route->find(head.method);
    if (plan.endpoint == nullptr) {
        if (head.method == http::Method::options) {
            plan.answer = allow(*plan.route);
        } else if (plan.route->upgrade && head.method == http::Method::get) {
            plan.answer = websocket::refusal(websocket::HandshakeError::not_an_upgrade);
        } else {
            plan.answer = method_not_allowed(*plan.route);
        }
    }
    return plan;
}

Connection::Record Connection::record() const {
    const http::Request& head = parser_.head();
    const auto& proxies = core_->options.trusted_proxies;
    Record record;
    record.exchange = {.method = head.method,
                       .minor_version = head.minor_version,
                       .keep_alive = head.keeps_alive() && !core_->draining &&
                                     requests_ < core_->options.requests_per_connection};
    record.path = head.path();
    if (const auto origin = head.field("Origin")) {
        record.origin.emplace(*origin);
    }
    record.client = client_behind(proxies, head.fields, stream_->peer());
    record.is_secure = stream_->is_tls() ||
                       (is_trusted(proxies, stream_->peer().address) && head.field("X-Forwarded-Proto") == "https");
    record.started = core_->loop.steady_now();
    return record;
}

http::Response Connection::call(const Handler& handler, const Request& request) const {
    http::Response response(Status::internal_server_error);
    if (!guarded([&] { response = handler(request); })) {
        response.close_connection();
    }
    return response;
}

/// A handler's exception ends its connection and nothing else.
template <class Call>
bool Connection::guarded(const Call& call) const {
    try {
        call();
        return true;
    } catch (const std::exception& error) {
        log::error("http", "handler threw", {{"error", error.what()}});
    } catch (...) {
        log::error("http", "handler threw", {});
    }
    core_->stats.handler_exceptions.add();
    return false;
}

void Connection::decorate(http::Response& response, const Record& record, const Plan& plan) const {
    const Options& options = core_->options;
    response.set("Date", core_->date());
    response.set_default("Cache-Control", "no-store");
    response.set_default("Content-Security-Policy", options.content_security_policy);
    response.set_default("X-Content-Type-Options", "nosniff");
    response.set_default("X-Frame-Options", "DENY");
    response.set_default("Referrer-Policy", "no-referrer");
    response.set_default("Cross-Origin-Opener-Policy", "same-origin");
    response.set_default("Cross-Origin-Resource-Policy", "same-origin");
    response.set_default("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)");
    if (record.is_secure && options.hsts_seconds > 0) {
        response.set_default("Strict-Transport-Security", "max-age=" + std::to_string(options.hsts_seconds));
    }
    const Cors* cors = plan.route != nullptr ? plan.route->cors() : nullptr;
    if (cors != nullptr) {
        cors->apply(record.origin, response);
    }
}

asio::awaitable<bool> Connection::respond(std::shared_ptr<Connection> self, Plan plan, Record record,
                                          http::Response response) {
    HttpServer::Core& core = *self->core_;
    self->decorate(response, record, plan);
    if (core.draining) {
        record.exchange.keep_alive = false;
    }
    std::string head;
    http::write_head(response, record.exchange, head);
    const Bytes content = http::content_of(response, record.exchange);
    const Instant last_moment = core.loop.refresh_now().steady + core.options.write_deadline +
                                std::chrono::seconds(content.size() / (std::size_t{64} * 1024));
    Bytes rest = content;
    std::array<Bytes, 2> pieces{as_bytes(head), rest.first(std::min(rest.size(), write_slice))};
    const std::span<const Bytes> all(pieces);
    stream::ErrorCode ec;
    do {
        self->stream_->expires_at(std::min(last_moment, core.loop.steady_now() + core.options.write_deadline));
        ec = co_await self->stream_->write_pieces(all);
        rest = rest.subspan(pieces[1].size());
        pieces = {Bytes{}, rest.first(std::min(rest.size(), write_slice))};
    } while (!ec && !rest.empty());
    if (ec == asio::error::timed_out) {
        core.stats.timed_out.add();
    }
    self->log(record, response.status(), content.size());
    if (ec) {
        co_return false;
    }
    const bool goes_on = record.exchange.keep_alive && !response.closes_connection();
    self->lingers_ = !goes_on;
    self->request_began_ = core.loop.steady_now();
    co_return goes_on;
}

/// The answer to what is no request that we serve. Always the last one.
asio::awaitable<bool> Connection::refuse(std::shared_ptr<Connection> self) {
    const http::Refusal why = self->parser_.refusal();
    self->core_->stats.refused[static_cast<std::size_t>(why)].add();
    Record record;
    record.exchange.keep_alive = false;
    record.path = std::string("(").append(http::describe(why)).append(")");
    record.client = self->stream_->peer();
    record.is_secure = self->stream_->is_tls();
    record.started = self->core_->loop.steady_now();
    auto response = http::Response::text(http::status(why), std::string(http::describe(why)).append(".\n"));
    Plan plan;
    auto written = respond(self, std::move(plan), std::move(record), std::move(response));
    co_return co_await std::move(written);
}

/// Ends our side and reads on for a moment: closing over unread bytes would make the kernel send RST, and the client
/// might lose the answer.
asio::awaitable<void> Connection::linger(std::shared_ptr<Connection> self) {
    self->stream_->shutdown();
    self->stream_->expires_at(self->core_->loop.steady_now() + linger_deadline);
    std::size_t discarded = 0;
    bool open = true;
    while (open && discarded < linger_limit) {
        const stream::ErrorCode ec = co_await self->stream_->wait_readable();
        const stream::ReadResult read = ec ? stream::ReadResult{ec, 0} : self->stream_->try_read(self->core_->scratch);
        open = !read.ec || read.ec == asio::error::would_block;
        discarded += read.n;
    }
}

asio::awaitable<bool> Connection::switch_to_websocket(std::shared_ptr<Connection> self, Record record,
                                                      websocket::Offer offer, Acceptance acceptance) {
    HttpServer::Core& core = *self->core_;
    std::string& subprotocol = acceptance.options.subprotocol;
    if (std::ranges::find(offer.subprotocols, subprotocol) == offer.subprotocols.end()) {
        subprotocol.clear(); // a client must fail the connection over one it did not offer
    }
    auto response = websocket::acceptance(offer, subprotocol);
    response.set("Date", core.date());
    std::string head;
    http::write_head(response, record.exchange, head);
    self->stream_->expires_at(core.loop.steady_now() + core.options.write_deadline);
    const std::string_view text(head);
    const stream::ErrorCode ec = co_await self->stream_->write(text);
    self->log(record, response.status(), 0);
    if (ec) {
        co_return false;
    }
    self->websocket_ = std::make_shared<WebSocketPeer>(core.wheel, std::move(self->stream_), record.client,
                                                       std::move(acceptance.options), std::move(acceptance.events),
                                                       core.stats.websocket);
    self->parser_ = http::RequestParser();
    co_return false;
}

void Connection::log(const Record& record, Status status, std::size_t bytes) const {
    core_->stats.responses[http::code(status) / 100].add();
    if (!core_->options.access_log || !log::enabled("http", log::Level::info)) {
        return;
    }
    const auto took = core_->loop.refresh_now().steady - record.started;
    const std::string client = record.client.to_string();
    log::info("http", "request",
              {{"client", client},
               {"method", http::name(record.exchange.method)},
               {"path", record.path},
               {"status", http::code(status)},
               {"bytes", bytes},
               {"ms", std::chrono::duration<double, std::milli>(took).count()}});
}

} // namespace fairlead::http_server
