#include "http_server/server.hpp"

#include "http/response_parser.hpp"
#include "http_server/static_files.hpp"
#include "log/log.hpp"
#include "process/clock.hpp"
#include "process/random.hpp"
#include "websocket/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fairlead::http_server {
namespace {

using http::Method;
using http::Status;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

/// A client that blocks, for at most 8 s a call: what it asks for either comes or the test fails.
class Client {
public:
    explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{.tv_sec = 8, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sockaddr storage{};
        std::memcpy(&storage, &address, sizeof address);
        EXPECT_EQ(::connect(socket_.get(), &storage, sizeof address), 0);
    }
    virtual ~Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view text) {
        while (!text.empty()) {
            const long n = write_some(text);
            ASSERT_GT(n, 0) << "the server does not take our bytes";
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// The server may have ended the connection already.
    bool try_send(std::string_view text) { return write_some(text) == static_cast<long>(text.size()); }
    void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

    /// What comes next; empty at the end of the stream.
    std::string receive() {
        char buffer[65536];
        const long n = read_some(buffer, sizeof buffer);
        ended_ = n == 0;
        broken_ = n < 0;
        return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
    }
    /// Everything until the server ends the connection.
    std::string receive_all() {
        std::string all = std::exchange(ahead_, {});
        for (std::string more = receive(); !more.empty(); more = receive()) {
            all += more;
        }
        return all;
    }
    http::ReceivedResponse response(bool to_head = false) {
        http::ResponseParser parser({.body = std::size_t{32} << 20U});
        parser.expect_no_content(to_head);
        while (parser.stage() < http::ResponseParser::Stage::complete) {
            if (ahead_.empty()) {
                ahead_ = receive();
            }
            if (ahead_.empty()) {
                parser.end();
                break;
            }
            ahead_.erase(0, parser.push(as_bytes(ahead_)));
        }
        EXPECT_EQ(parser.stage(), http::ResponseParser::Stage::complete);
        return parser.take();
    }
    http::ReceivedResponse ask(std::string_view request) {
        send(request);
        return response();
    }
    http::ReceivedResponse get(std::string_view path, std::string_view fields = {}) {
        return ask(
            std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: test\r\n").append(fields).append("\r\n"));
    }
    std::string& ahead() { return ahead_; }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool broken() const { return broken_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }

protected:
    virtual long write_some(std::string_view text) {
        return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    virtual long read_some(char* into, std::size_t room) { return ::recv(socket_.get(), into, room, 0); }

private:
    process::Descriptor socket_;
    std::string ahead_;
    bool ended_ = false;
    bool broken_ = false;
};

class TlsClient final : public Client {
public:
    explicit TlsClient(std::uint16_t port)
        : Client(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
        SSL_set_fd(ssl_, descriptor());
        EXPECT_EQ(SSL_connect(ssl_), 1);
    }
    ~TlsClient() override {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

protected:
    long write_some(std::string_view text) override {
        return SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
    }
    long read_some(char* into, std::size_t room) override {
        const int n = SSL_read(ssl_, into, static_cast<int>(room));
        return n <= 0 && SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN ? 0 : n;
    }

private:
    SSL_CTX* context_;
    SSL* ssl_;
};

/// A WebSocket client on top of either.
class Socket {
public:
    Socket(Client& client, std::string_view path, std::string_view fields = {})
        : client_(client), codec_(websocket::Role::client, {.message = 16U << 20U}, &random_) {
        answer =
            client_.get(path, std::string("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
                                  .append(fields));
    }
    void text(std::string_view message) {
        std::string out;
        codec_.write_text(message, out);
        client_.send(out);
    }
    void close(websocket::CloseCode code) {
        std::string out;
        codec_.write_close(code, "", out);
        client_.send(out);
    }
    /// The next event in words: "text:...", "close:1000", "end".
    std::string next() {
        while (true) {
            Bytes input = as_bytes(client_.ahead());
            const auto event = codec_.push(input);
            std::string words;
            if (event) {
                words = in_words(*event);
            }
            client_.ahead().erase(0, client_.ahead().size() - input.size());
            std::string answers;
            codec_.write_answers(answers);
            if (!answers.empty()) {
                client_.try_send(answers);
            }
            if (event) {
                return words;
            }
            client_.ahead() = client_.receive();
            if (client_.ahead().empty()) {
                return client_.ended() ? "end" : "broken";
            }
        }
    }
    http::ReceivedResponse answer;

private:
    static std::string in_words(const websocket::Event& event) {
        if (const auto* message = std::get_if<websocket::Message>(&event)) {
            return "text:" + std::string(message->text());
        }
        if (const auto* close = std::get_if<websocket::CloseReceived>(&event)) {
            return "close:" + std::to_string(close->code);
        }
        return std::holds_alternative<websocket::Failed>(event) ? "failed" : "pong";
    }
    Client& client_;
    process::SystemRandom random_;
    websocket::Connection codec_;
};

/// Facts that callbacks on the loop's thread leave for the test to wait for.
class Notes {
public:
    void add(std::string note) {
        const std::lock_guard lock(mutex_);
        notes_.push_back(std::move(note));
        changed_.notify_all();
    }
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return notes_.size() >= count; })) << "waited for " << count;
        return notes_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> notes_;
};

class HttpServerTest : public ::testing::Test {
protected:
    HttpServerTest() : loop_("test"), wheel_(loop_) {
        log::set_level(log::Level::off);
        router_ = std::make_shared<Router>();
        router_
            ->exact("/hello", {Method::get}, [](const Request&) { return http::Response::text(Status::ok, "hello"); })
            .exact("/echo", {Method::post},
                   [](const Request& request) { return http::Response::text(Status::ok, request.body); },
                   {.body_limit = 1000, .cors = std::make_shared<Cors>(Cors{.origins = {"https://app.example.org"}})})
            .exact("/throws", {Method::get}, [](const Request&) -> http::Response { throw std::runtime_error("oops"); })
            .exact("/client", {Method::get},
                   [](const Request& request) {
                       return http::Response::text(Status::ok, request.client.address.to_string() +
                                                                   (request.is_secure ? " secure" : ""));
                   })
            .exact("/big", {Method::get},
                   [](const Request&) { return http::Response(Status::ok).body(std::string(8U << 20U, 'x')); })
            .exact_later("/later", {Method::get},
                         [this](const Request&, Responder responder) {
                             other_ = std::thread([responder = std::move(responder)]() mutable {
                                 responder.send(http::Response::text(Status::accepted, "from another thread"));
                             });
                         })
            .exact_later("/forgotten", {Method::get}, [](const Request&, const Responder&) {})
            .exact_later("/never", {Method::get},
                         [this](const Request&, Responder responder) { kept_.push_back(std::move(responder)); })
            .websocket("/socket", [this](const Request& request, Upgrade upgrade) {
                if (request.target.parameter("refuse")) {
                    upgrade.refuse(http::Response(Status::unauthorized).set("WWW-Authenticate", "Bearer"));
                    return;
                }
                upgrade.accept({.subprotocol = "echo",
                                .limits = {.message = 1 << 20},
                                .queue = 256 * 1024,
                                .ping_every = 1s,
                                .dead_after = 2s},
                               events_);
            });
        events_.on_open = [this](WebSocketPeer& peer) {
            handle_ = peer.handle();
            notes_.add("open");
        };
        events_.on_message = [this](WebSocketPeer& peer, const websocket::Message& message) {
            on_message(peer, message.text());
        };
        events_.on_close = [this](WebSocketPeer&, const WebSocketEnd& end) {
            notes_.add("closed: " + std::string(describe(end.why)) + " " + std::to_string(end.code));
        };
    }

    ~HttpServerTest() override {
        kept_.clear();
        if (other_.joinable()) {
            other_.join();
        }
        if (thread_.joinable()) {
            on_loop([this] { server_->close(); });
            for (int i = 0; i < 1000 && server_->stats().connections.value() > 0; ++i) {
                on_loop([] {});
                std::this_thread::sleep_for(1ms);
            }
            EXPECT_EQ(server_->stats().connections.value(), 0U);
            loop_.stop();
            thread_.join();
        }
    }

    void start(Options options = {}, std::shared_ptr<stream::TlsContext> tls = nullptr) {
        server_ = std::make_unique<HttpServer>(wheel_, router_, std::move(options), gate_.get());
        const auto address = server_->listen({.local = {net::IpAddress::loopback(net::Family::v4), 0}}, std::move(tls));
        ASSERT_TRUE(address.has_value());
        port_ = address->port;
        thread_ = std::thread([this] { loop_.run(); });
    }

    /// Runs `task` on the loop and waits for it.
    void on_loop(std::function<void()> task) {
        std::mutex mutex;
        std::condition_variable done;
        bool is_done = false;
        loop_.send([&, task = std::move(task)] {
            task();
            const std::lock_guard lock(mutex);
            is_done = true;
            done.notify_all();
        });
        std::unique_lock lock(mutex);
        done.wait(lock, [&] { return is_done; });
    }

    void on_message(WebSocketPeer& peer, std::string_view text) {
        if (text == "throw") {
            throw std::runtime_error("oops");
        }
        if (text == "pause") {
            peer.pause();
            notes_.add("paused");
        } else if (text == "flood") {
            const std::string block(16 * 1024, 'f');
            std::size_t sent = 0;
            while (peer.send_text(block)) {
                ++sent;
            }
            notes_.add("flooded: " + std::string(sent > 8 && peer.messages_waiting() > 0 ? "yes" : "no"));
        } else if (text == "close") {
            peer.close(4000, "as asked");
        } else {
            peer.send_text(text);
            if (text.starts_with("note")) {
                notes_.add(std::string(text));
            }
        }
    }

    loop::Loop loop_;
    stream::DeadlineWheel wheel_;
    std::shared_ptr<Router> router_;
    std::unique_ptr<admission::Gate> gate_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
    std::thread other_;
    std::vector<Responder> kept_;
    WebSocketEvents events_;
    WebSocketHandle handle_;
    Notes notes_;
    std::uint16_t port_ = 0;
};

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
    start();
    Client client(port_);
    for (int i = 0; i < 3; ++i) {
        const auto response = client.get("/hello");
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "hello");
        EXPECT_TRUE(response.keeps_alive());
    }
    EXPECT_EQ(
        client.ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").body,
        "abc");
    EXPECT_EQ(server_->stats().accepted.value(), 1U);
    EXPECT_EQ(server_->stats().requests.value(), 4U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
    start();
    Client client(port_);
    std::string requests;
    for (int i = 0; i < 50; ++i) {
        requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + std::to_string(10 + i);
    }
    client.send(requests);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.response().body, std::to_string(10 + i));
    }
}

TEST_F(HttpServerTest, AnswersARequestThatComesByteByByte) {
    start();
    Client client(port_);
    for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nslow")) {
        client.send({&c, 1});
    }
    EXPECT_EQ(client.response().body, "slow");
}

TEST_F(HttpServerTest, EveryResponseCarriesTheSecurityHeaders) {
    start();
    Client client(port_);
    for (const std::string_view path : {"/hello", "/absent"}) {
        const auto response = client.get(path);
        EXPECT_THAT(std::string(response.fields.find("Content-Security-Policy").value_or("")),
                    HasSubstr("default-src 'self'"));
        EXPECT_EQ(response.fields.find("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(response.fields.find("Referrer-Policy"), "no-referrer");
        EXPECT_EQ(response.fields.find("Cross-Origin-Opener-Policy"), "same-origin");
        EXPECT_EQ(response.fields.find("Cross-Origin-Resource-Policy"), "same-origin");
        EXPECT_TRUE(response.fields.contains("Permissions-Policy"));
        EXPECT_TRUE(response.fields.contains("Date"));
        EXPECT_FALSE(response.fields.contains("Server"));
        EXPECT_FALSE(response.fields.contains("Strict-Transport-Security"));
    }
}

TEST_F(HttpServerTest, KnowsWhatIsNotThereAndWhatIsNotAllowed) {
    start();
    Client client(port_);
    EXPECT_EQ(client.get("/absent").status, 404U);
    auto response = client.ask("DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(response.status, 405U);
    EXPECT_EQ(response.fields.find("Allow"), "GET, HEAD, OPTIONS");
    response = client.ask("OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(response.status, 204U);
    EXPECT_EQ(response.fields.find("Allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 204U);
    client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    response = client.response(true);
    EXPECT_EQ(response.fields.find("Content-Length"), "5");
    EXPECT_EQ(client.get("/hello").body, "hello") << "no content followed the answer to HEAD";
    EXPECT_EQ(client.get("/socket").status, 426U);
}

TEST_F(HttpServerTest, PreflightsAreAnsweredForTheConfiguredOriginOnly) {
    start();
    Client client(port_);
    const auto ask = [&](std::string_view origin) {
        return client.ask(
            std::string("OPTIONS /echo HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\nOrigin: ")
                .append(origin)
                .append("\r\n\r\n"));
    };
    const auto known = ask("https://app.example.org");
    EXPECT_EQ(known.status, 204U);
    EXPECT_EQ(known.fields.find("Access-Control-Allow-Origin"), "https://app.example.org");
    EXPECT_TRUE(known.fields.contains("Access-Control-Allow-Methods"));
    EXPECT_FALSE(ask("https://evil.example").fields.contains("Access-Control-Allow-Origin"));
    const auto wrong_method = client.ask("PUT /echo HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example.org\r\n\r\n");
    EXPECT_EQ(wrong_method.status, 405U);
    EXPECT_TRUE(wrong_method.fields.contains("Access-Control-Allow-Origin"))
        << "errors must be readable to the page, too";
}

TEST_F(HttpServerTest, RefusesAndThenEndsTheConnectionSoThatOneRequestNeverBecomesTwo) {
    start();
    Client client(port_);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
                "/hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string all = client.receive_all();
    EXPECT_THAT(all, HasSubstr("HTTP/1.1 400 "));
    EXPECT_THAT(all, HasSubstr("Connection: close"));
    EXPECT_THAT(all, Not(HasSubstr("hello")));
    EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, ContentBeyondTheRoutesLimitIs413AndCanBeRead) {
    start();
    Client client(port_);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client.try_send(std::string(50'000, 'x'));
    const auto response = client.response();
    EXPECT_EQ(response.status, 413U);
    EXPECT_FALSE(response.keeps_alive());
    EXPECT_THAT(client.receive_all(), IsEmpty());
    EXPECT_TRUE(client.ended()) << "no reset: the client could read why";
}

TEST_F(HttpServerTest, SaysContinueWhenAskedAndOnlyThen) {
    start();
    Client client(port_);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_EQ(client.response().body, "ok");

    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
    EXPECT_THAT(client.receive_all(), ::testing::StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, OldClientsGetTheirAnswerAndTheEnd) {
    start();
    Client client(port_);
    client.send("GET /hello HTTP/1.0\r\n\r\n");
    const std::string all = client.receive_all();
    EXPECT_THAT(all, ::testing::EndsWith("\r\n\r\nhello"));
    EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, AClientThatHasFinishedSendingStillGetsItsAnswer) {
    start();
    Client client(port_);
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish_sending();
    EXPECT_EQ(client.response().body, "from another thread");
    EXPECT_THAT(client.receive_all(), IsEmpty());
}

TEST_F(HttpServerTest, AnswersCanComeFromAnotherThread) {
    start();
    Client client(port_);
    const auto response = client.get("/later");
    EXPECT_EQ(response.status, 202U);
    EXPECT_EQ(response.body, "from another thread");
    EXPECT_EQ(client.get("/hello").body, "hello");
}

TEST_F(HttpServerTest, AForgottenAnswerIs500AndALateOne504) {
    start({.answer_deadline = 200ms});
    Client client(port_);
    EXPECT_EQ(client.get("/forgotten").status, 500U);
    EXPECT_EQ(client.get("/never").status, 504U);
    EXPECT_EQ(server_->stats().answers_late.value(), 1U);
    EXPECT_EQ(client.get("/hello").status, 200U);
}

TEST_F(HttpServerTest, AThrowingHandlerEndsItsConnectionAndNothingElse) {
    start();
    Client other(port_);
    EXPECT_EQ(other.get("/hello").status, 200U);
    Client client(port_);
    const auto response = client.get("/throws");
    EXPECT_EQ(response.status, 500U);
    EXPECT_FALSE(response.keeps_alive());
    EXPECT_THAT(response.body, Not(HasSubstr("oops")));
    EXPECT_THAT(client.receive_all(), IsEmpty());
    EXPECT_EQ(server_->stats().handler_exceptions.value(), 1U);
    EXPECT_EQ(other.get("/hello").status, 200U);
}

TEST_F(HttpServerTest, SlowClientsAreEndedByTheirDeadlines) {
    start({.header_deadline = 1s, .body_deadline = 1s, .idle_deadline = 1s});
    Client silent(port_);
    Client dripping(port_);
    Client idle(port_);
    Client half_body(port_);
    EXPECT_EQ(idle.get("/hello").status, 200U);
    half_body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1");
    const auto began = process::steady_now();
    for (const char c : std::string_view("GET /hello HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")) {
        if (!dripping.try_send({&c, 1})) {
            break;
        }
        std::this_thread::sleep_for(100ms);
    }
    EXPECT_THAT(dripping.receive_all(), IsEmpty());
    EXPECT_THAT(silent.receive_all(), IsEmpty());
    EXPECT_THAT(idle.receive_all(), IsEmpty());
    EXPECT_THAT(half_body.receive_all(), IsEmpty());
    EXPECT_LT(process::steady_now() - began, 6s) << "a byte now and then must not keep a connection";
    EXPECT_GE(server_->stats().timed_out.value(), 2U);
}

TEST_F(HttpServerTest, AClientThatDoesNotReadItsAnswerIsEnded) {
    start({.write_deadline = 1s});
    Client client(port_);
    const int small = 4096;
    ::setsockopt(client.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    // The reason is counted first, then the connection ends.
    const auto ended = [&] {
        return server_->stats().timed_out.value() == 1 && server_->stats().connections.value() == 0;
    };
    for (int i = 0; i < 600 && !ended(); ++i) {
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_EQ(server_->stats().timed_out.value(), 1U);
    EXPECT_EQ(server_->stats().connections.value(), 0U);
}

TEST_F(HttpServerTest, BigAnswersArriveWhole) {
    start();
    Client client(port_);
    const auto response = client.get("/big");
    EXPECT_EQ(response.body.size(), std::size_t{8} << 20U);
}

TEST_F(HttpServerTest, TheGateLimitsConnectionsPerSource) {
    gate_ = std::make_unique<admission::Gate>(admission::Limits{.connections = 10, .per_source = 2});
    start();
    {
        Client first(port_);
        Client second(port_);
        EXPECT_EQ(first.get("/hello").status, 200U);
        EXPECT_EQ(second.get("/hello").status, 200U);
        Client third(port_);
        EXPECT_THAT(third.receive_all(), IsEmpty());
        EXPECT_EQ(gate_->refused_source(), 1U);
    }
    for (int i = 0; i < 500 && gate_->connections() > 0; ++i) {
        std::this_thread::sleep_for(10ms);
    }
    Client again(port_);
    EXPECT_EQ(again.get("/hello").status, 200U);
}

TEST_F(HttpServerTest, ForwardedAddressesAreBelievedFromTrustedProxiesOnly) {
    start({.trusted_proxies = {*net::Prefix::parse("127.0.0.0/8"), *net::Prefix::parse("10.0.0.0/8")}});
    Client client(port_);
    EXPECT_EQ(client.get("/client").body, "127.0.0.1");
    EXPECT_EQ(
        client.get("/client", "X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.1.1.1\r\nX-Forwarded-Proto: https\r\n")
            .body,
        "198.51.100.7 secure")
        << "the right-most address that no proxy of ours added";
    EXPECT_EQ(client.get("/client", "X-Forwarded-For: nonsense\r\n").body, "127.0.0.1");
}

TEST_F(HttpServerTest, ForgedForwardedAddressesAreIgnored) {
    start();
    Client client(port_);
    EXPECT_EQ(client.get("/client", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n").body, "127.0.0.1");
}

TEST_F(HttpServerTest, DrainingEndsIdleConnectionsAndFinishesTheOthers) {
    start();
    Client idle(port_);
    EXPECT_EQ(idle.get("/hello").status, 200U);
    Client busy(port_);
    busy.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 500; ++i) {
        bool arrived = false;
        on_loop([&] { arrived = !kept_.empty(); });
        if (arrived) {
            break;
        }
        std::this_thread::sleep_for(1ms);
    }
    on_loop([this] { server_->drain(); });
    EXPECT_THAT(idle.receive_all(), IsEmpty());
    on_loop([this] {
        ASSERT_EQ(kept_.size(), 1U);
        kept_.front().send(http::Response::text(Status::ok, "finished"));
    });
    const auto response = busy.response();
    EXPECT_EQ(response.body, "finished");
    EXPECT_FALSE(response.keeps_alive());
}

TEST_F(HttpServerTest, WebSocketEchoesAndCloses) {
    start();
    Client client(port_);
    Socket socket(client, "/socket", "Sec-WebSocket-Protocol: other, echo\r\n");
    ASSERT_EQ(socket.answer.status, 101U);
    EXPECT_EQ(socket.answer.fields.find("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(socket.answer.fields.find("Sec-WebSocket-Protocol"), "echo");
    socket.text("hi");
    EXPECT_EQ(socket.next(), "text:hi");
    const std::string long_text(300'000, 'l');
    socket.text(long_text.substr(0, 200'000));
    EXPECT_EQ(socket.next(), "text:" + long_text.substr(0, 200'000));
    socket.close(websocket::CloseCode::normal);
    EXPECT_EQ(socket.next(), "close:1000");
    EXPECT_EQ(client.receive_all(), "");
    EXPECT_TRUE(client.ended());
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: closed 1000"));
}

TEST_F(HttpServerTest, WebSocketFramesThatCameWithTheHandshakeAreNotLost) {
    start();
    Client client(port_);
    process::SystemRandom random;
    websocket::Connection codec(websocket::Role::client, {}, &random);
    std::string request =
        "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    codec.write_text("early", request);
    client.send(request);
    EXPECT_EQ(client.response().status, 101U);
    while (client.ahead().size() < 7) {
        client.ahead() += client.receive();
    }
    EXPECT_EQ(client.ahead(), "\x81\x05"
                              "early");
}

TEST_F(HttpServerTest, WebSocketRefusalsAreOrdinaryResponses) {
    start();
    Client client(port_);
    Socket refused(client, "/socket?refuse=1");
    EXPECT_EQ(refused.answer.status, 401U);
    EXPECT_EQ(refused.answer.fields.find("WWW-Authenticate"), "Bearer");
    Socket elsewhere(client, "/hello");
    EXPECT_EQ(elsewhere.answer.status, 200U) << "RFC 9110 section 7.8: a server may ignore Upgrade";
    const auto bad_key = client.get(
        "/socket",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n");
    EXPECT_EQ(bad_key.status, 400U);
    const auto old = client.get("/socket", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n");
    EXPECT_EQ(old.status, 426U);
    EXPECT_EQ(old.fields.find("Sec-WebSocket-Version"), "13");
}

TEST_F(HttpServerTest, WebSocketViolationsAreClosedAndCounted) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    client.send("\x81\x02hi");
    EXPECT_EQ(socket.next(), "close:1002");
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: protocol violation 1002"));
    EXPECT_EQ(server_->stats().websocket.violations[static_cast<std::size_t>(websocket::Violation::not_masked)].value(),
              1U);
}

TEST_F(HttpServerTest, WebSocketClosedByTheServerCarriesItsCode) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    socket.text("close");
    EXPECT_EQ(socket.next(), "close:4000");
    EXPECT_THAT(client.receive_all(), IsEmpty());
    EXPECT_TRUE(client.ended());
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: closed 4000"));
}

TEST_F(HttpServerTest, WebSocketWhosePeerNeverAnswersOurCloseEndsWithinSevenSeconds) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    notes_.wait_for(1);
    const auto began = process::steady_now();
    handle_.close(4001, "go");
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: closed 4001"));
    EXPECT_GE(process::steady_now() - began, 4s);
    EXPECT_LT(process::steady_now() - began, 7500ms);
}

TEST_F(HttpServerTest, WebSocketCanBeUsedFromAnotherThread) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    notes_.wait_for(1);
    EXPECT_TRUE(handle_.send_text("from outside"));
    EXPECT_EQ(socket.next(), "text:from outside");
}

TEST_F(HttpServerTest, PausedWebSocketReadsNothingUntilItIsResumed) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    std::string both;
    process::SystemRandom random;
    websocket::Connection codec(websocket::Role::client, {}, &random);
    codec.write_text("pause", both);
    codec.write_text("note 1", both);
    client.send(both);
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "paused"));
    socket.text("note 2");
    bool paused = false;
    EXPECT_TRUE(handle_.run([&](WebSocketPeer& peer) { paused = peer.is_paused(); }));
    on_loop([] {});
    EXPECT_TRUE(paused);
    EXPECT_EQ(notes_.wait_for(2).size(), 2U) << "what came in the same segment waits, too";
    EXPECT_TRUE(handle_.resume());
    EXPECT_EQ(socket.next(), "text:note 1");
    EXPECT_EQ(socket.next(), "text:note 2");
    EXPECT_THAT(notes_.wait_for(4), ElementsAre("open", "paused", "note 1", "note 2"));
}

TEST_F(HttpServerTest, SlowWebSocketConsumerIsClosedAndOthersDoNotNotice) {
    start();
    Client slow(port_);
    const int small = 4096;
    ::setsockopt(slow.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    Socket flooded(slow, "/socket");
    flooded.text("flood");
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "flooded: yes"));
    EXPECT_EQ(server_->stats().websocket.slow_consumers.value(), 1U);
    Client fast(port_);
    Socket socket(fast, "/socket");
    socket.text("hi");
    EXPECT_EQ(socket.next(), "text:hi");
    socket.close(websocket::CloseCode::normal);
    EXPECT_THAT(notes_.wait_for(5), UnorderedElementsAre("open", "flooded: yes", "open", "closed: closed 1000",
                                                         "closed: slow consumer 1008"))
        << "though the slow one never read our Close";
}

TEST_F(HttpServerTest, SilentWebSocketPeersArePingedAndThenGivenUp) {
    start();
    Client alive(port_);
    Socket living(alive, "/socket");
    Client dead(port_);
    Socket silent(dead, "/socket");
    notes_.wait_for(2);
    std::thread answering([&] { EXPECT_EQ(living.next(), "text:still here"); }); // answers pings meanwhile
    EXPECT_THAT(notes_.wait_for(3), ElementsAre("open", "open", "closed: no sign of life 1006"));
    EXPECT_EQ(server_->stats().websocket.dead.value(), 1U);
    living.text("still here");
    answering.join();
}

TEST_F(HttpServerTest, ThrowingWebSocketHandlerClosesItsConnectionOnly) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    socket.text("throw");
    EXPECT_EQ(socket.next(), "close:1011");
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: handler failed 1011"));
    EXPECT_EQ(server_->stats().websocket.handler_exceptions.value(), 1U);
    Client other(port_);
    EXPECT_EQ(other.get("/hello").status, 200U);
}

TEST_F(HttpServerTest, WebSocketsAreToldWhenTheServerGoesAway) {
    start();
    Client client(port_);
    Socket socket(client, "/socket");
    notes_.wait_for(1);
    on_loop([this] { server_->drain(); });
    EXPECT_EQ(socket.next(), "close:1001");
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: server going away 1001"));
}

TEST_F(HttpServerTest, HalfOpenWebSocketThatVanishesIsReportedOnce) {
    start();
    {
        Client client(port_);
        Socket socket(client, "/socket");
        socket.text("hi");
        EXPECT_EQ(socket.next(), "text:hi");
    }
    EXPECT_THAT(notes_.wait_for(2), ElementsAre("open", "closed: connection lost 1006"));
}

TEST_F(HttpServerTest, ServesTheSameOverTls) {
    const std::vector<std::string> names{"localhost"};
    const auto certificate = stream::make_self_signed(names, process::unix_now());
    const auto context = stream::TlsContext::server(certificate, {});
    ASSERT_TRUE(context.has_value());
    start({.hsts_seconds = 3600}, *context);
    TlsClient client(port_);
    const auto response = client.get("/client");
    EXPECT_EQ(response.body, "127.0.0.1 secure");
    EXPECT_EQ(response.fields.find("Strict-Transport-Security"), "max-age=3600");
    EXPECT_EQ(client.get("/big").body.size(), std::size_t{8} << 20U);
    Socket socket(client, "/socket");
    ASSERT_EQ(socket.answer.status, 101U);
    socket.text(std::string(100'000, 't'));
    EXPECT_EQ(socket.next(), "text:" + std::string(100'000, 't'));
    socket.close(websocket::CloseCode::normal);
    EXPECT_EQ(socket.next(), "close:1000");

    Client plain(port_);
    plain.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_THAT(plain.receive_all(), Not(HasSubstr("HTTP/1.1 200")));
    TlsClient again(port_);
    EXPECT_EQ(again.get("/hello").status, 200U);
}

} // namespace
} // namespace fairlead::http_server
