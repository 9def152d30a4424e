#include "stream/tls_context.hpp"

#include "net/address.hpp"
#include "stream/tls_native.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace fairlead::stream {
namespace {

// RFC 9325 section 4.2: forward secrecy and authenticated encryption only.
constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

using Failure = std::optional<TlsFailure>;

Owned<BIO> reader_of(std::string_view text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int give_password(char* into, int size, int /*writing*/, void* password) {
    const auto& text = *static_cast<const std::string*>(password);
    if (text.size() > static_cast<std::size_t>(size)) {
        return -1;
    }
    std::ranges::copy(text, into);
    return static_cast<int>(text.size());
}

UnixTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return unix_time(::timegm(&parts));
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS) {
            const unsigned char* data = ASN1_STRING_get0_data(name->d.dNSName);
            names.emplace_back(data, data + ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            const std::span bytes(ASN1_STRING_get0_data(name->d.iPAddress),
                                  static_cast<std::size_t>(ASN1_STRING_length(name->d.iPAddress)));
            if (bytes.size() == 4) {
                names.push_back(net::IpAddress::v4(bytes.first<4>()).to_string());
            } else if (bytes.size() == 16) {
                names.push_back(net::IpAddress::v6(bytes.first<16>()).to_string());
            }
        }
    }
    GENERAL_NAMES_free(all);
    return names;
}

Failure use_certificate(TlsContext::Native& native, const CertificatePem& pem, const std::string& password) {
    SSL_CTX* const context = native.context.get();
    const auto chain = reader_of(pem.chain);
    const Owned<X509> leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return TlsFailure{TlsError::certificate_malformed, take_openssl_error()};
    }
    while (X509* intermediate = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context, intermediate) != 1) {
            X509_free(intermediate);
            return TlsFailure{TlsError::certificate_malformed, take_openssl_error()};
        }
    }
    ERR_clear_error(); // the end of the file is told as an error
    const auto text = reader_of(pem.key);
    const Owned<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(text.get(), nullptr, give_password, const_cast<std::string*>(&password)));
    if (!key) {
        return TlsFailure{TlsError::key_malformed, take_openssl_error()};
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
        return TlsFailure{TlsError::key_does_not_match, take_openssl_error()};
    }
    native.not_after = time_of(X509_get0_notAfter(leaf.get()));
    native.names = names_of(leaf.get());
    return std::nullopt;
}

std::string on_the_wire(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& protocol : protocols) {
        if (!protocol.empty() && protocol.size() <= 255) {
            wire += static_cast<char>(protocol.size());
            wire += protocol;
        }
    }
    return wire;
}

const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data()); // NOLINT: OpenSSL's word for bytes
}

int select_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void* argument) {
    const auto& native = *static_cast<const TlsContext::Native*>(argument);
    const std::string& ours = native.alpn;
    // SSL_select_next_proto prefers in the order of its first list: ours.
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, length, bytes_of(ours), static_cast<unsigned>(ours.size()),
                                            offered, offered_length);
    if (found == OPENSSL_NPN_NEGOTIATED) {
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
    }
    return native.alpn_required ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

void set_common(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle connection gives its record buffers back; the rest of a write may be offered from another address.
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);                          // header and body of a record in one read
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets carry the state
    SSL_CTX_set_max_early_data(context, 0);
}

} // namespace

std::string take_openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return "no reason given";
    }
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "error " + std::to_string(code) : reason;
}

std::string_view describe(TlsError error) {
    switch (error) {
    case TlsError::certificate_unreadable:
        return "the certificate cannot be read";
    case TlsError::certificate_malformed:
        return "the certificate is malformed";
    case TlsError::key_unreadable:
        return "the private key cannot be read";
    case TlsError::key_malformed:
        return "the private key is malformed, or its password is wrong";
    case TlsError::key_does_not_match:
        return "the private key does not belong to the certificate";
    case TlsError::bad_cipher_list:
        return "no usable cipher in the list";
    case TlsError::out_of_memory:
        break;
    }
    return "out of memory";
}

struct TlsContext::Impl {
    [[nodiscard]] Result<std::shared_ptr<Native>, TlsFailure> build(const CertificatePem& certificate) const {
        auto native = std::make_shared<Native>();
        native->context.reset(SSL_CTX_new(TLS_server_method()));
        SSL_CTX* const context = native->context.get();
        if (context == nullptr) {
            return fail(TlsFailure{TlsError::out_of_memory, take_openssl_error()});
        }
        set_common(context);
        if (!options.tls_1_2) {
            SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        }
        if (!options.tls_1_3) {
            SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        }
        const char* ciphers = options.cipher_list.empty() ? default_ciphers : options.cipher_list.c_str();
        if (SSL_CTX_set_cipher_list(context, ciphers) != 1 ||
            (!options.cipher_suites.empty() && SSL_CTX_set_ciphersuites(context, options.cipher_suites.c_str()) != 1)) {
            return fail(TlsFailure{TlsError::bad_cipher_list, take_openssl_error()});
        }
        if (auto failure = use_certificate(*native, certificate, options.key_password)) {
            return fail(std::move(*failure));
        }
        native->alpn = on_the_wire(options.alpn);
        native->alpn_required = options.alpn_required;
        if (!native->alpn.empty()) {
            SSL_CTX_set_alpn_select_cb(context, select_protocol, native.get());
        }
        const std::string name = "fairlead";
        SSL_CTX_set_session_id_context(context, bytes_of(name), static_cast<unsigned>(name.size()));
        SSL_CTX_set_num_tickets(context, 1);
        use_keys(*native);
        return native;
    }

    void use_keys(const Native& native) const {
        if (keys) {
            TicketKeys copy = *keys;
            SSL_CTX_set_tlsext_ticket_keys(native.context.get(), copy.data(), static_cast<long>(copy.size()));
        }
    }

    mutable std::mutex mutex;
    ServerTlsOptions options;
    std::optional<TicketKeys> keys;
    std::shared_ptr<Native> current;
};

TlsContext::TlsContext() : impl_(std::make_unique<Impl>()) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>, TlsFailure> TlsContext::server(const CertificatePem& certificate,
                                                                   const ServerTlsOptions& options) {
    std::shared_ptr<TlsContext> made(new TlsContext);
    made->impl_->options = options;
    auto native = made->impl_->build(certificate);
    if (!native) {
        return fail(std::move(native.error()));
    }
    made->impl_->current = std::move(*native);
    return made;
}

Result<std::shared_ptr<TlsContext>, TlsFailure> TlsContext::client(const ClientOptions& options) {
    std::shared_ptr<TlsContext> made(new TlsContext);
    auto native = std::make_shared<Native>();
    native->context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* const context = native->context.get();
    if (context == nullptr) {
        return fail(TlsFailure{TlsError::out_of_memory, take_openssl_error()});
    }
    set_common(context);
    native->verify_peer = options.verify;
    if (options.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        const bool loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                                    : SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1;
        if (!loaded) {
            return fail(TlsFailure{TlsError::certificate_unreadable, options.ca_file + ": " + take_openssl_error()});
        }
    }
    native->alpn = on_the_wire(options.alpn);
    if (!native->alpn.empty()) {
        SSL_CTX_set_alpn_protos(context, bytes_of(native->alpn), static_cast<unsigned>(native->alpn.size()));
    }
    made->impl_->current = std::move(native);
    return made;
}

std::optional<TlsFailure> TlsContext::replace(const CertificatePem& certificate) {
    const std::lock_guard lock(impl_->mutex);
    auto native = impl_->build(certificate);
    if (!native) {
        return std::move(native.error());
    }
    impl_->current = std::move(*native);
    return std::nullopt;
}

void TlsContext::set_ticket_keys(const TicketKeys& keys) {
    const std::lock_guard lock(impl_->mutex);
    impl_->keys = keys;
    impl_->use_keys(*impl_->current);
}

UnixTime TlsContext::not_after() const {
    return native()->not_after;
}

std::vector<std::string> TlsContext::names() const {
    return native()->names;
}

std::shared_ptr<const TlsContext::Native> TlsContext::native() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->current;
}

} // namespace fairlead::stream
