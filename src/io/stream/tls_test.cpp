#include "stream/test_streams.hpp"
#include "stream/tls_context.hpp"
#include "stream/write_queue.hpp"

#include "process/limits.hpp"

#include <boost/asio/error.hpp>
#include <gmock/gmock.h>

#include <openssl/ssl.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

namespace fairlead::stream {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const CertificatePem& certificate() {
    static const std::vector<std::string> names{"turn.example.org", "127.0.0.1", "::1"};
    static const CertificatePem pem = make_self_signed(names, process::unix_now());
    return pem;
}

asio::awaitable<void> put_secured_server(std::unique_ptr<TcpStream> tcp, std::shared_ptr<TlsContext> context,
                                         Instant deadline, std::optional<Secured>& into) {
    into = co_await accept_tls(std::move(tcp), context, deadline);
}
asio::awaitable<void> put_secured_client(std::unique_ptr<TcpStream> tcp, std::shared_ptr<TlsContext> context,
                                         std::string name, Instant deadline, std::optional<Secured>& into) {
    into = co_await connect_tls(std::move(tcp), context, name, deadline);
}

class Tls : public StreamTest {
protected:
    Tls() {
        std::string name = (std::filesystem::temp_directory_path() / "fairlead-tls-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    ~Tls() override { std::filesystem::remove_all(folder_); }

    static std::shared_ptr<TlsContext> server(const ServerTlsOptions& options = {}) {
        auto made = TlsContext::server(certificate(), options);
        EXPECT_TRUE(made.has_value());
        return std::move(made).value();
    }
    std::shared_ptr<TlsContext> client(std::vector<std::string> alpn = {}) {
        const std::string ca = (folder_ / "ca.pem").string();
        std::ofstream(ca) << certificate().chain;
        auto made = TlsContext::client({.verify = true, .ca_file = ca, .alpn = std::move(alpn)});
        EXPECT_TRUE(made.has_value());
        return std::move(made).value();
    }

    void handshake(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                   std::string name = "turn.example.org") {
        connect_pair();
        server_.reset();
        client_.reset();
        loop_.spawn("server", put_secured_server(std::move(there_), std::move(server), soon(), server_));
        loop_.spawn("client",
                    put_secured_client(std::move(here_), std::move(client), std::move(name), soon(), client_));
        ASSERT_TRUE(turn_until([&] { return server_ && client_; }));
    }
    void expect_established() {
        ASSERT_TRUE(server_ && server_->stream) << server_->detail;
        ASSERT_TRUE(client_ && client_->stream) << client_->detail;
    }

    std::filesystem::path folder_;
    std::optional<Secured> server_;
    std::optional<Secured> client_;
};

TEST_F(Tls, BytesGoBothWaysAndTheEndIsOrderly) {
    handshake(server({.alpn = {"http/1.1", "stun.turn"}}), client({"stun.turn"}));
    expect_established();
    EXPECT_EQ(server_->stream->alpn(), "stun.turn");
    EXPECT_EQ(client_->stream->alpn(), "stun.turn");
    EXPECT_EQ(server_->stream->server_name(), "turn.example.org");
    EXPECT_THAT(server_->stream->tls_description(), HasSubstr("TLSv1.3 TLS_AES"));
    EXPECT_TRUE(server_->stream->is_tls());
    std::string big(3'000'000, 'x');
    for (std::size_t i = 0; i < big.size(); i += 777) {
        big[i] = static_cast<char>('a' + i % 26);
    }
    std::optional<ErrorCode> written;
    std::optional<ErrorCode> end;
    std::string text;
    loop_.spawn("write", put_written(*client_->stream, big, written));
    loop_.spawn("read", put_read_all(*server_->stream, text, end));
    std::optional<ReadResult> answer;
    std::string answer_text;
    loop_.spawn("read", put_read(*client_->stream, 100, answer, answer_text));
    ASSERT_TRUE(turn_until([&] { return written.has_value(); }));
    EXPECT_FALSE(*written);
    loop_.spawn("write", put_written(*server_->stream, "thanks", written));
    ASSERT_TRUE(turn_until([&] { return answer.has_value(); }));
    EXPECT_EQ(answer_text, "thanks");
    client_->stream->shutdown();
    ASSERT_TRUE(turn_until([&] { return end.has_value(); }));
    EXPECT_EQ(*end, asio::error::eof);
    EXPECT_TRUE(text == big);
}

TEST_F(Tls, RecordsThatArriveTogetherAreAllReadWithoutAnotherArrival) {
    handshake(server(), client());
    expect_established();
    for (const char* text : {"one", "two", "six"}) { // three records, one TCP segment or three
        const std::array<Bytes, 1> piece{as_bytes(std::string_view(text))};
        ASSERT_EQ(client_->stream->try_write(piece).n, 3U);
    }
    turn_for_a_while();
    std::string text;
    std::optional<ErrorCode> end;
    loop_.spawn("read", put_read_all(*server_->stream, text, end));
    ASSERT_TRUE(turn_until([&] { return text == "onetwosix"; }));
    client_->stream->close();
    ASSERT_TRUE(turn_until([&] { return end.has_value(); }));
}

TEST_F(Tls, SmallPiecesShareARecord) {
    handshake(server(), client());
    expect_established();
    const std::array<Bytes, 3> pieces{as_bytes("aaa"), as_bytes("bbb"), as_bytes("ccc")};
    EXPECT_EQ(client_->stream->try_write(pieces).n, 9U);
    turn_for_a_while();
    std::array<std::byte, 100> buffer{};
    EXPECT_EQ(server_->stream->try_read(buffer).n, 9U); // a read gives one record
}

TEST_F(Tls, WriteQueueSurvivesAPeerThatPauses) {
    handshake(server(), client());
    expect_established();
    std::vector<WriteFailure> failures;
    WriteQueue queue(loop_, *server_->stream, {.most = 100'000'000},
                     [&](WriteFailure why) { failures.push_back(why); });
    std::string expected;
    for (int i = 0; i < 2000; ++i) { // while a record is half written, more is queued behind it
        const std::string chunk = std::to_string(i) + std::string(static_cast<std::size_t>(i) * 7 % 5000, '.');
        expected += chunk;
        ASSERT_TRUE(queue.push(as_bytes(chunk)));
        queue.flush();
        if (i % 100 == 0) {
            turn_for_a_while();
        }
    }
    queue.shutdown_when_empty();
    std::string text;
    std::optional<ErrorCode> end;
    loop_.spawn("read", put_read_all(*client_->stream, text, end));
    ASSERT_TRUE(turn_until([&] { return end.has_value(); }));
    EXPECT_EQ(*end, asio::error::eof);
    EXPECT_TRUE(text == expected);
    EXPECT_TRUE(failures.empty());
}

TEST_F(Tls, QueueOfRecordsKeepsEveryPushARecordAlsoForAPeerThatPauses) {
    handshake(server(), client());
    expect_established();
    WriteQueue queue(loop_, *server_->stream, {.most = 100'000'000, .records = true}, [](WriteFailure) { FAIL(); });
    constexpr std::size_t count = 20'000;
    const auto text_of = [](std::size_t i) { return std::string(1 + i * 7 % 900, static_cast<char>('a' + i % 26)); };
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text = text_of(i);
        const std::array<Bytes, 2> pieces{as_bytes(text).first(1), as_bytes(text).subspan(1)};
        ASSERT_TRUE(queue.push(pieces));
        if (i % 16 == 15) {
            queue.flush();
        }
    }
    queue.flush();
    turn_for_a_while(); // the kernel's buffers are full long before all is written
    EXPECT_GT(queue.waiting(), 0U);
    std::size_t arrived = 0;
    std::array<std::byte, 2000> room{};
    ASSERT_TRUE(turn_until([&] {
        for (;;) {
            // One call of SSL_read gives bytes of one record at most: this is what such clients go by.
            const ReadResult read = client_->stream->try_read(room);
            if (read.ec) {
                EXPECT_EQ(read.ec, asio::error::would_block);
                break;
            }
            EXPECT_EQ(as_text(Bytes(room).first(read.n)), text_of(arrived)) << arrived;
            ++arrived;
        }
        return arrived == count;
    }));
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST_F(Tls, ClientChecksTheName) {
    handshake(server(), client(), "other.example.org");
    EXPECT_FALSE(client_->stream);
    EXPECT_THAT(client_->detail, HasSubstr("mismatch"));
    handshake(server(), client(), "127.0.0.1");
    expect_established();
    EXPECT_EQ(server_->stream->server_name(), ""); // literals are not sent
}

TEST_F(Tls, ProtocolNobodySpeaksIsRefusedOnlyWhenRequired) {
    handshake(server({.alpn = {"http/1.1"}}), client({"h2-bogus"}));
    expect_established();
    EXPECT_EQ(server_->stream->alpn(), "");
    handshake(server({.alpn = {"http/1.1"}, .alpn_required = true}), client({"h2-bogus"}));
    EXPECT_FALSE(server_->stream);
    handshake(server({.alpn = {"http/1.1"}, .alpn_required = true}), client());
    expect_established(); // no ALPN at all is served
}

TEST_F(Tls, OldVersionsAndWeakCiphersAreRefused) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
        connect_pair();
        server_.reset();
        loop_.spawn("server", put_secured_server(std::move(there_), server(), soon(), server_));
        SSL_CTX* context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, version);
        SSL_CTX_set_max_proto_version(context, version);
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, here_->descriptor());
        SSL_set_connect_state(ssl);
        EXPECT_TRUE(turn_until([&] {
            SSL_do_handshake(ssl);
            return server_.has_value();
        }));
        EXPECT_EQ(server_->stream != nullptr, version >= TLS1_2_VERSION) << server_->detail;
        SSL_free(ssl);
        SSL_CTX_free(context);
    }
    const auto weak = TlsContext::server(certificate(), {.cipher_list = "NO-SUCH-CIPHER"});
    ASSERT_FALSE(weak);
    EXPECT_EQ(weak.error().why, TlsError::bad_cipher_list);
}

TEST_F(Tls, SilentClientIsClosedAtTheDeadlineAndGarbageAtOnce) {
    connect_pair();
    loop_.spawn("server", put_secured_server(std::move(there_), server(), process::steady_now() + 100ms, server_));
    ASSERT_TRUE(turn_until([&] { return server_.has_value(); }));
    EXPECT_EQ(server_->ec, asio::error::timed_out);
    EXPECT_FALSE(server_->stream);

    connect_pair();
    server_.reset();
    loop_.spawn("server", put_secured_server(std::move(there_), server(), soon(), server_));
    const std::array<Bytes, 1> garbage{as_bytes("GET / HTTP/1.1\r\n\r\n")};
    (void)here_->try_write(garbage);
    ASSERT_TRUE(turn_until([&] { return server_.has_value(); }));
    EXPECT_FALSE(server_->stream);
    EXPECT_EQ(server_->detail, "http request");
}

TEST_F(Tls, NewCertificateServesNewHandshakesAndOldSessionsGoOn) {
    const auto context = server();
    const auto trusting = client();
    handshake(context, trusting);
    expect_established();
    auto old_server = std::move(server_->stream);
    auto old_client = std::move(client_->stream);

    const std::vector<std::string> names{"new.example.org"};
    const CertificatePem next = make_self_signed(names, process::unix_now(), 30);
    ASSERT_FALSE(context->replace(next));
    EXPECT_THAT(context->names(), ElementsAre("new.example.org"));
    handshake(context, trusting);
    EXPECT_FALSE(client_->stream); // it trusts only the old one

    const std::array<Bytes, 1> piece{as_bytes("still here")};
    EXPECT_EQ(old_client->try_write(piece).n, 10U);
    std::string text;
    std::optional<ReadResult> read;
    loop_.spawn("read", put_read(*old_server, 100, read, text));
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(text, "still here");
}

TEST_F(Tls, BadCertificateIsRefusedWithItsReasonAndTheOldOneStays) {
    const auto context = server();
    const auto why = [&](const CertificatePem& pem) {
        const auto failure = context->replace(pem);
        return failure ? std::optional(failure->why) : std::nullopt;
    };
    const CertificatePem other = make_self_signed(std::vector<std::string>{"x.example"}, process::unix_now());
    EXPECT_EQ(why(CertificatePem("", certificate().key)), TlsError::certificate_malformed);
    EXPECT_EQ(why(CertificatePem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", certificate().key)),
              TlsError::certificate_malformed);
    EXPECT_EQ(why(CertificatePem(certificate().chain, "no key")), TlsError::key_malformed);
    EXPECT_EQ(why(CertificatePem(certificate().chain, other.key)), TlsError::key_does_not_match);
    EXPECT_THAT(context->names(), ElementsAre("turn.example.org", "127.0.0.1", "::1"));
    handshake(context, client());
    expect_established();
}

TEST_F(Tls, SelfSignedCertificateSaysWhatWasAskedAndIsStoredPrivately) {
    const UnixTime now = process::unix_now();
    const std::vector<std::string> names{"a.example", "192.0.2.7", "evil,DNS:other.example"};
    const CertificatePem made = make_self_signed(names, now, 100);
    auto context = TlsContext::server(made, {});
    ASSERT_TRUE(context);
    EXPECT_THAT((*context)->names(), ElementsAre("a.example", "192.0.2.7"));
    EXPECT_EQ((*context)->not_after(), now + std::chrono::days(100));

    const std::string chain_file = (folder_ / "cert.pem").string();
    const std::string key_file = (folder_ / "key.pem").string();
    ASSERT_EQ(store_certificate(made, chain_file, key_file), 0);
    ASSERT_EQ(store_certificate(made, chain_file, key_file), 0); // over the old ones
    struct stat info{};
    ASSERT_EQ(::stat(key_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(chain_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0644U);
    const auto loaded = load_certificate(chain_file, key_file);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->chain, made.chain);
    EXPECT_EQ(loaded->key, made.key);

    const auto missing = load_certificate((folder_ / "nothing.pem").string(), key_file);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().why, TlsError::certificate_unreadable);
    EXPECT_THAT(missing.error().detail, AllOf(HasSubstr("nothing.pem"), HasSubstr("No such file")));
    EXPECT_NE(store_certificate(made, "/nonexistent/cert.pem", "/nonexistent/key.pem"), 0);
}

TEST_F(Tls, TicketOfOneWorkerIsTakenByAnother) {
    TicketKeys keys{};
    keys.fill(std::byte{7});
    const auto first = server();
    const auto second = server();
    const auto stranger = server();
    first->set_ticket_keys(keys);
    second->set_ticket_keys(keys);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_SESSION* session = nullptr;
    const auto connect_with = [&](const std::shared_ptr<TlsContext>& to) {
        connect_pair();
        server_.reset();
        loop_.spawn("server", put_secured_server(std::move(there_), to, soon(), server_));
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, here_->descriptor());
        if (session != nullptr) {
            SSL_set_session(ssl, session);
        }
        SSL_set_connect_state(ssl);
        EXPECT_TRUE(turn_until([&] { return SSL_do_handshake(ssl) == 1 && server_.has_value(); }));
        turn_for_a_while();
        char byte = 0;
        SSL_read(ssl, &byte, 1); // the ticket comes after the handshake
        const bool resumed = SSL_session_reused(ssl) == 1;
        if (session == nullptr) {
            session = SSL_get1_session(ssl);
        }
        SSL_shutdown(ssl); // a session that ends without is not resumed
        SSL_free(ssl);
        return resumed;
    };
    EXPECT_FALSE(connect_with(first));
    EXPECT_TRUE(connect_with(second));
    EXPECT_FALSE(connect_with(stranger));
    SSL_SESSION_free(session);
    SSL_CTX_free(context);
}

TEST_F(Tls, IdleStreamHoldsNoRecordBuffers) {
    constexpr std::size_t count = 200;
    const auto context = server();
    const auto trusting = client();
    std::vector<std::unique_ptr<Stream>> streams;
    handshake(context, trusting); // what OpenSSL allocates once
    const std::size_t before = process::resident_bytes();
    for (std::size_t i = 0; i < count; ++i) {
        handshake(context, trusting);
        expect_established();
        streams.push_back(std::move(server_->stream));
        streams.push_back(std::move(client_->stream));
    }
    const std::size_t each = (process::resident_bytes() - before) / (2 * count);
    RecordProperty("bytes_per_idle_end", static_cast<int>(each));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(each, 34'000U); // two record buffers alone are 33 kB
#endif
}

} // namespace
} // namespace fairlead::stream
