#include "dtls/endpoint.hpp"
#include "dtls/hello_verifier.hpp"
#include "dtls/wire.hpp"
#include "random/seeded.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <deque>
#include <string>
#include <vector>

namespace fairlead::dtls {
namespace {

using Packet = std::vector<std::byte>;

struct Pem {
    std::string certificate;
    std::string key;
};

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

Pem make_certificate() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    Pem pem;
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    pem.certificate = text_of(out);
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    pem.key = text_of(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

// A DTLS client on OpenSSL whose datagrams are kept in two queues.
class Client {
public:
    explicit Client(long mtu) {
        context_ = SSL_CTX_new(DTLS_client_method());
        SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
        ssl_ = SSL_new(context_);
        method_ = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "test datagrams");
        BIO_meth_set_write(method_, [](BIO* bio, const char* data, int length) {
            const Bytes bytes = as_bytes({data, static_cast<std::size_t>(length)});
            static_cast<Client*>(BIO_get_data(bio))->sent.emplace_back(bytes.begin(), bytes.end());
            return length;
        });
        BIO_meth_set_read(method_, [](BIO* bio, char* into, int room) {
            auto& queue = static_cast<Client*>(BIO_get_data(bio))->received;
            BIO_clear_retry_flags(bio);
            if (queue.empty()) {
                BIO_set_retry_read(bio);
                return -1;
            }
            const Packet packet = queue.front();
            queue.pop_front();
            const std::string_view text = as_text(packet).substr(0, static_cast<std::size_t>(room));
            std::ranges::copy(text, into);
            return static_cast<int>(text.size());
        });
        BIO_meth_set_ctrl(method_,
                          [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
        BIO* bio = BIO_new(method_);
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_, bio, bio);
        SSL_set_options(ssl_, SSL_OP_NO_QUERY_MTU);
        DTLS_set_link_mtu(ssl_, mtu);
        std::vector<unsigned char> protocols; // one long name, to make the hello longer than the smaller MTU
        protocols.push_back(250);
        protocols.resize(251, 'x');
        SSL_set_alpn_protos(ssl_, protocols.data(), static_cast<unsigned>(protocols.size()));
        SSL_set_connect_state(ssl_);
    }
    ~Client() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
        BIO_meth_free(method_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(Client&&) = delete;
    Client& operator=(Client&&) = delete;

    bool shake() { return SSL_do_handshake(ssl_) == 1; }
    void write(std::string_view text) {
        ASSERT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
    }
    std::string read() {
        std::string text(2000, '\0');
        const int n = SSL_read(ssl_, text.data(), static_cast<int>(text.size()));
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    void shutdown() { SSL_shutdown(ssl_); }

    std::deque<Packet> sent;
    std::deque<Packet> received;

private:
    SSL_CTX* context_ = nullptr;
    SSL* ssl_ = nullptr;
    BIO_METHOD* method_ = nullptr;
};

struct Recorder final : net::Outbox, EndpointSink {
    MutableBytes reserve(std::size_t at_most) override {
        room.resize(at_most);
        return room;
    }
    void transmit(const net::FiveTuple& /*path*/, std::size_t length) override {
        datagrams.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(length));
    }
    void transmit(Bytes datagram) override { datagrams.emplace_back(datagram.begin(), datagram.end()); }
    void received(MutableBytes plaintext) override { texts.emplace_back(as_text(plaintext)); }

    Packet room;
    std::deque<Packet> datagrams;
    std::vector<std::string> texts;
};

const Now now{Instant{std::chrono::hours(5)}, unix_time(1'800'000'000)};
const net::FiveTuple path{*net::TransportAddress::parse("192.0.2.1:4000"),
                          *net::TransportAddress::parse("192.0.2.9:5349"), net::Transport::dtls};

class Association : public testing::TestWithParam<long> {
protected:
    Association() : context_(*ServerContext::create(pem_.certificate, pem_.key)) {}

    // Carries datagrams both ways until nothing moves.
    void exchange() {
        for (int round = 0; round < 30; ++round) {
            const bool done = client_.shake();
            while (!client_.sent.empty()) {
                to_server(client_.sent.front());
                client_.sent.pop_front();
            }
            const bool quiet = server_.datagrams.empty();
            while (!server_.datagrams.empty()) {
                client_.received.push_back(server_.datagrams.front());
                server_.datagrams.pop_front();
            }
            if (done && quiet) {
                return;
            }
        }
    }
    void to_server(const Packet& packet) {
        if (!endpoint_) {
            if (verifier_.handle(now, path, packet, server_) != HelloVerifier::Verdict::verified) {
                ++before_endpoint_;
                return;
            }
            endpoint_ = std::make_unique<Endpoint>(context_);
        }
        endpoint_->handle(packet, server_);
    }

    Pem pem_ = make_certificate();
    ServerContext context_;
    SeededRandom random_{1};
    HelloVerifier verifier_{random_};
    std::unique_ptr<Endpoint> endpoint_;
    Recorder server_;
    Client client_{GetParam()};
    int before_endpoint_ = 0;
};

TEST_P(Association, HandshakesCarriesDataAndCloses) {
    exchange();
    ASSERT_TRUE(endpoint_);
    ASSERT_EQ(endpoint_->state(), Endpoint::State::connected);
    EXPECT_GE(before_endpoint_, 1) << "the first hello must not have made an endpoint";

    client_.write("up");
    to_server(client_.sent.front());
    client_.sent.clear();
    EXPECT_EQ(server_.texts, std::vector<std::string>{"up"});

    ASSERT_TRUE(endpoint_->send(as_bytes("down"), server_));
    client_.received.push_back(server_.datagrams.front());
    server_.datagrams.clear();
    EXPECT_EQ(client_.read(), "down");

    client_.shutdown();
    to_server(client_.sent.front());
    EXPECT_EQ(endpoint_->state(), Endpoint::State::closed);
    EXPECT_FALSE(endpoint_->send(as_bytes("late"), server_));
}

TEST_P(Association, ForgedRecordsAreIgnored) {
    exchange();
    ASSERT_TRUE(endpoint_);
    ASSERT_EQ(endpoint_->state(), Endpoint::State::connected);
    client_.write("up");
    Packet forged = client_.sent.front();
    forged.back() ^= std::byte{1};
    to_server(forged);
    to_server(Packet(100, std::byte{23}));
    to_server(Packet{});
    EXPECT_EQ(endpoint_->state(), Endpoint::State::connected);
    EXPECT_TRUE(server_.texts.empty());
    to_server(client_.sent.front());
    EXPECT_EQ(server_.texts, std::vector<std::string>{"up"});
}

// 256, the least that OpenSSL takes, makes its client send the hello in fragments, as a post-quantum key share does at
// 1,200.
INSTANTIATE_TEST_SUITE_P(Mtu, Association, testing::Values(1232L, 256L));

TEST(HelloVerifier, CookieIsGoodOnlyForItsPathRandomAndTime) {
    SeededRandom random(2);
    HelloVerifier verifier(random);
    Recorder out;
    Client client(1232);
    client.shake();
    const Packet first = client.sent.front();
    client.sent.clear();
    ASSERT_EQ(verifier.handle(now, path, first, out), HelloVerifier::Verdict::challenged);
    EXPECT_LT(out.datagrams.front().size(), first.size()) << "an answer to a stranger must not amplify";
    client.received.push_back(out.datagrams.front());
    client.shake();
    const Packet second = client.sent.front();

    EXPECT_EQ(verifier.handle(now, path, second, out), HelloVerifier::Verdict::verified);
    net::FiveTuple elsewhere = path;
    elsewhere.client.port = 4001;
    EXPECT_EQ(verifier.handle(now, elsewhere, second, out), HelloVerifier::Verdict::challenged);
    Packet other_random = second;
    other_random[record_header_size + handshake_header_size + 2] ^= std::byte{1};
    EXPECT_EQ(verifier.handle(now, path, other_random, out), HelloVerifier::Verdict::challenged);

    Now later = now;
    later.unix += std::chrono::hours(1);
    EXPECT_EQ(verifier.handle(later, path, second, out), HelloVerifier::Verdict::verified);
    later.unix += std::chrono::hours(1);
    EXPECT_EQ(verifier.handle(later, path, second, out), HelloVerifier::Verdict::challenged);
}

TEST(HelloVerifier, AnythingButAHelloMeetsSilence) {
    SeededRandom random(3);
    HelloVerifier verifier(random);
    Recorder out;
    Client client(1232);
    client.shake();
    const Packet hello = client.sent.front();
    for (std::size_t length = 0; length < record_header_size + handshake_header_size + 36; ++length) {
        EXPECT_EQ(verifier.handle(now, path, Bytes(hello).first(length), out), HelloVerifier::Verdict::ignored)
            << length;
    }
    for (const std::size_t at : {0UL, 1UL, 3UL, record_header_size, record_header_size + handshake_header_size}) {
        Packet broken = hello;
        broken[at] ^= std::byte{0x55};
        EXPECT_EQ(verifier.handle(now, path, broken, out), HelloVerifier::Verdict::ignored) << at;
    }
    EXPECT_TRUE(out.datagrams.empty());
}

TEST(HelloAssembler, RefusesAHelloLongerThanAnybodysAndSurvivesContradictions) {
    Packet hello(record_header_size + handshake_header_size, std::byte{0});
    hello[0] = std::byte{content_handshake};
    hello[1] = std::byte{0xfe};
    hello[2] = std::byte{0xfd};
    hello[12] = std::byte{handshake_header_size};
    hello[13] = std::byte{handshake_client_hello};
    hello[14] = std::byte{0xff}; // 16 MB to come
    EXPECT_EQ(HelloAssembler{}.add(hello), HelloAssembler::Progress::refused);
    hello[14] = std::byte{0};
    hello[16] = std::byte{100};
    HelloAssembler assembler;
    EXPECT_EQ(assembler.add(hello), HelloAssembler::Progress::incomplete);
    hello[16] = std::byte{50};
    EXPECT_EQ(assembler.add(hello), HelloAssembler::Progress::incomplete);
}

TEST(ServerContext, NamesWhatIsWrong) {
    const Pem pem = make_certificate();
    EXPECT_EQ(ServerContext::create("", pem.key).error(), ContextError::bad_certificate);
    EXPECT_EQ(ServerContext::create(pem.certificate, "no key").error(), ContextError::bad_key);
    EXPECT_EQ(ServerContext::create(pem.certificate, make_certificate().key).error(), ContextError::key_mismatch);
}

} // namespace
} // namespace fairlead::dtls
