#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"
#include "result/result.hpp"
#include "time/instant.hpp"

#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st; // OpenSSL's SSL_CTX, kept out of the headers

namespace fairlead::dtls {

enum class ContextError : std::uint8_t {
    bad_certificate, // no certificate in the PEM text, or one that cannot be read
    bad_key,         // no private key in the PEM text, or one that needs a passphrase
    key_mismatch,    // the key belongs to another certificate
    out_of_memory,
};
[[nodiscard]] std::string_view describe(ContextError error);

/// What all DTLS endpoints of a server share: certificate chain, key and parameters. DTLS 1.2 only (OpenSSL 3.0 has
/// no 1.3), ECDHE with AEAD, no renegotiation, no tickets. Copies share the same state; a new certificate is a new
/// context, old endpoints keep theirs.
class ServerContext {
public:
    /// Both texts are PEM; the certificate text may carry the chain after the leaf.
    [[nodiscard]] static Result<ServerContext, ContextError> create(const std::string& certificate_pem,
                                                                    const std::string& key_pem);

    [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }

private:
    explicit ServerContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
    std::shared_ptr<ssl_ctx_st> context_;
};

} // namespace fairlead::dtls
