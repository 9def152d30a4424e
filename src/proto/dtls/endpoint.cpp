#include "dtls/endpoint.hpp"

#include "dtls/wire.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace fairlead::dtls {

std::string_view describe(ContextError error) {
    switch (error) {
    case ContextError::bad_certificate:
        return "no readable certificate";
    case ContextError::bad_key:
        return "no readable private key";
    case ContextError::key_mismatch:
        return "the private key does not belong to the certificate";
    case ContextError::out_of_memory:
        return "out of memory";
    }
    return "unknown";
}

namespace {

// A record must pass every path on which TURN is used: 1,280 bytes less IPv6 and UDP headers (RFC 8200 section 5).
constexpr long link_mtu = 1232;

// Handshakes start over fast: on the paths where DTLS is chosen, a lost flight costs more than a spare one (RFC 6347
// section 4.2.4.1 leaves the initial value to the implementation; doubling stays).
constexpr unsigned first_retransmission_us = 250'000;
constexpr unsigned longest_retransmission_us = 4'000'000;

unsigned retransmission_timer(SSL* /*ssl*/, unsigned current_us) {
    return current_us == 0 ? first_retransmission_us : std::min(current_us * 2, longest_retransmission_us);
}

// DTLSv1_listen insists on asking; the HelloVerifier has already decided, with a cookie that binds the path.
int accept_verified_cookie(SSL* /*ssl*/, const unsigned char* /*cookie*/, unsigned /*length*/) {
    return 1;
}
int no_cookie(SSL* /*ssl*/, unsigned char* /*cookie*/, unsigned* /*length*/) {
    return 0;
}

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

} // namespace

Result<ServerContext, ContextError> ServerContext::create(const std::string& certificate_pem,
                                                          const std::string& key_pem) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(DTLS_server_method()), SSL_CTX_free);
    const BioPtr certificates(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
    const BioPtr keys(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    if (!context || !certificates || !keys) {
        return fail(ContextError::out_of_memory);
    }
    const X509Ptr leaf(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1) {
        ERR_clear_error();
        return fail(ContextError::bad_certificate);
    }
    while (X509* link = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context.get(), link) != 1) {
            X509_free(link);
            ERR_clear_error();
            return fail(ContextError::bad_certificate);
        }
    }
    const auto no_passphrase = [](char*, int, int, void*) { return 0; };
    const KeyPtr key(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
    if (!key) {
        ERR_clear_error();
        return fail(ContextError::bad_key);
    }
    if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 || SSL_CTX_check_private_key(context.get()) != 1) {
        ERR_clear_error();
        return fail(ContextError::key_mismatch);
    }
    SSL_CTX_set_min_proto_version(context.get(), DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                                           SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    // What a peer may make OpenSSL hold while it collects a certificate message; clients of TURN send none at all.
    SSL_CTX_set_max_cert_list(context.get(), 16L * 1024);
    SSL_CTX_set_cookie_verify_cb(context.get(), accept_verified_cookie);
    SSL_CTX_set_cookie_generate_cb(context.get(), no_cookie);
    ERR_clear_error();
    return ServerContext(std::move(context));
}

struct Endpoint::Impl {
    SSL* ssl = nullptr;
    Bytes incoming; // the one datagram that OpenSSL may read now
    EndpointSink* sink = nullptr;
    std::optional<HelloAssembler> hello{std::in_place}; // until the ClientHello is complete
    bool listening = true;

    // One write is one datagram. A plain memory BIO would glue a flight's datagrams together.
    static int write(BIO* bio, const char* data, int length) {
        auto* self = static_cast<Impl*>(BIO_get_data(bio));
        if (self->sink != nullptr && length > 0) {
            self->sink->transmit(as_bytes({data, static_cast<std::size_t>(length)}));
        }
        return length;
    }
    static int read(BIO* bio, char* into, int room) {
        auto* self = static_cast<Impl*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (self->incoming.empty() || room <= 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t n = std::min(self->incoming.size(), static_cast<std::size_t>(room));
        std::memcpy(into, self->incoming.data(), n);
        self->incoming = {};
        return static_cast<int>(n);
    }
    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
            return link_mtu;
        default:
            return 0;
        }
    }
    static BIO_METHOD* method() {
        static BIO_METHOD* const instance = [] {
            BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
            BIO_meth_set_write(m, write);
            BIO_meth_set_read(m, read);
            BIO_meth_set_ctrl(m, control);
            return m;
        }();
        return instance;
    }
};

Endpoint::Endpoint(const ServerContext& context) : impl_(std::make_unique<Impl>()) {
    impl_->ssl = SSL_new(context.native());
    BIO* bio = BIO_new(Impl::method());
    if (impl_->ssl == nullptr || bio == nullptr) {
        BIO_free(bio);
        state_ = State::closed;
        return;
    }
    BIO_set_data(bio, impl_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(impl_->ssl, bio, bio);
    SSL_set_accept_state(impl_->ssl);
    DTLS_set_link_mtu(impl_->ssl, link_mtu);
    DTLS_set_timer_cb(impl_->ssl, retransmission_timer);
}

Endpoint::~Endpoint() {
    SSL_free(impl_->ssl);
}

void Endpoint::handle(Bytes datagram, EndpointSink& sink) {
    if (state_ == State::closed) {
        return;
    }
    if (impl_->hello) {
        switch (impl_->hello->add(datagram)) {
        case HelloAssembler::Progress::incomplete:
            return;
        case HelloAssembler::Progress::refused:
            state_ = State::closed;
            return;
        case HelloAssembler::Progress::complete:
            datagram = impl_->hello->record();
        }
    }
    ERR_clear_error();
    impl_->sink = &sink;
    impl_->incoming = datagram;
    SSL* const ssl = impl_->ssl;
    if (impl_->listening) {
        // Steps over the cookie exchange that already took place, with the sequence numbers it leaves behind.
        BIO_ADDR* const nobody = BIO_ADDR_new();
        const int verified = nobody != nullptr ? DTLSv1_listen(ssl, nobody) : -1;
        BIO_ADDR_free(nobody);
        if (verified <= 0) {
            state_ = State::closed;
        }
        impl_->listening = false;
        impl_->hello.reset();
    }
    if (state_ == State::handshaking) {
        const int done = SSL_do_handshake(ssl);
        if (done == 1) {
            state_ = State::connected;
        } else if (const int why = SSL_get_error(ssl, done);
                   why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            state_ = State::closed;
        }
    }
    // A datagram may hold several records; the last flight of the handshake may carry application data behind it.
    std::array<unsigned char, 16384>
        plaintext; // NOLINT(cppcoreguidelines-pro-type-member-init): written by SSL_read before use
    while (state_ == State::connected) {
        const int n = SSL_read(ssl, plaintext.data(), static_cast<int>(plaintext.size()));
        if (n > 0) {
            sink.received(std::as_writable_bytes(std::span(plaintext)).first(static_cast<std::size_t>(n)));
            continue;
        }
        const int why = SSL_get_error(ssl, n);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            break;
        }
        state_ = State::closed;
        if (why == SSL_ERROR_ZERO_RETURN) {
            SSL_shutdown(ssl);
        }
    }
    impl_->incoming = {};
    impl_->sink = nullptr;
    ERR_clear_error();
}

bool Endpoint::send(Bytes plaintext, EndpointSink& sink) {
    if (state_ != State::connected || plaintext.empty() || plaintext.size() > 16384) {
        return false;
    }
    ERR_clear_error();
    // Answers are sent from inside received(), so handle() may be on the stack with its own sink.
    EndpointSink* const outer = std::exchange(impl_->sink, &sink);
    const int n = SSL_write(impl_->ssl, plaintext.data(), static_cast<int>(plaintext.size()));
    impl_->sink = outer;
    return n > 0;
}

void Endpoint::close(EndpointSink& sink) {
    if (state_ == State::connected) {
        impl_->sink = &sink;
        SSL_shutdown(impl_->ssl);
        impl_->sink = nullptr;
        ERR_clear_error();
    }
    state_ = State::closed;
}

Instant Endpoint::next_timeout(Instant now) const {
    timeval left{};
    if (state_ != State::handshaking || impl_->listening || DTLSv1_get_timeout(impl_->ssl, &left) != 1) {
        return never;
    }
    return now + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

void Endpoint::handle_timeout(EndpointSink& sink) {
    if (state_ != State::handshaking || impl_->listening) {
        return;
    }
    impl_->sink = &sink;
    if (DTLSv1_handle_timeout(impl_->ssl) < 0) {
        state_ = State::closed; // too many flights without an answer
    }
    impl_->sink = nullptr;
    ERR_clear_error();
}

} // namespace fairlead::dtls
