#pragma once

#include "stream/tls_context.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace fairlead::stream {

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free_all(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeSsl>;

/// One SSL_CTX and what its callbacks look at; never changed once it is in use. Private to the module.
class TlsContext::Native {
public:
    Owned<SSL_CTX> context;
    std::string alpn; // length-prefixed names, as on the wire (RFC 7301 section 3.1)
    bool alpn_required = false;
    bool verify_peer = false;
    UnixTime not_after{};
    std::vector<std::string> names;
};

/// The oldest error in OpenSSL's queue in words; the queue is emptied.
[[nodiscard]] std::string take_openssl_error();

} // namespace fairlead::stream
