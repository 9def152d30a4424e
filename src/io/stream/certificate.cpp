#include "stream/tls_native.hpp"

#include "net/address.hpp"
#include "process/descriptor.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace fairlead::stream {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20U;

// The text, or errno.
Result<std::string, int> read_file(const std::string& name) {
    const process::Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return fail(errno);
    }
    std::string text;
    std::size_t used = 0;
    while (true) {
        text.resize(used + 4096);
        const ssize_t n = ::read(file.get(), text.data() + used, 4096);
        if (n < 0) {
            return fail(errno);
        }
        used += static_cast<std::size_t>(n);
        if (n == 0) {
            text.resize(used);
            return text;
        }
        if (used > largest_file) {
            return fail(EFBIG);
        }
    }
}

int write_file(const std::string& name, std::string_view text, mode_t mode) {
    const std::string temporary = name + ".new";
    ::unlink(temporary.c_str()); // of a run that was killed here
    process::Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) {
        return errno;
    }
    while (!text.empty()) {
        const ssize_t n = ::write(file.get(), text.data(), text.size());
        if (n < 0 && errno != EINTR) {
            const int error = errno;
            ::unlink(temporary.c_str());
            return error;
        }
        text.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    // The umask may have taken bits away; the certificate is for everybody to read.
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 || ::rename(temporary.c_str(), name.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return error;
    }
    return 0;
}

std::string to_text(BIO* memory) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(length)};
}

std::string alternative_names(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names) {
        // A name is written into OpenSSL's configuration syntax, so nothing that has a meaning there may be in it.
        if (name.empty() || name.find_first_of(",;:=\n\r @#\\\"") != std::string::npos) {
            if (!net::IpAddress::parse(name)) {
                continue;
            }
        }
        text += text.empty() ? "" : ",";
        text += net::IpAddress::parse(name) ? "IP:" : "DNS:";
        text += name;
    }
    return text;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension != nullptr) {
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

} // namespace

CertificatePem::~CertificatePem() {
    ::explicit_bzero(key.data(), key.size());
}

Result<CertificatePem, TlsFailure> load_certificate(const std::string& chain_file, const std::string& key_file) {
    auto chain = read_file(chain_file);
    if (!chain) {
        return fail(TlsFailure{TlsError::certificate_unreadable,
                               chain_file + ": " + std::generic_category().message(chain.error())});
    }
    auto key = read_file(key_file);
    if (!key) {
        return fail(
            TlsFailure{TlsError::key_unreadable, key_file + ": " + std::generic_category().message(key.error())});
    }
    return CertificatePem(std::move(*chain), std::move(*key));
}

CertificatePem make_self_signed(std::span<const std::string> names, UnixTime now, int days) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate(X509_new());
    X509* const x509 = certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    // RFC 5280 section 4.1.2.2: a positive integer of at most 20 octets; ours is unpredictable.
    unsigned char serial[16];
    RAND_bytes(serial, sizeof serial);
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U);
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    // A day back, for clients whose clock is slow.
    ASN1_TIME_set(X509_getm_notBefore(x509), unix_seconds(now) - 86'400);
    ASN1_TIME_set(X509_getm_notAfter(x509), unix_seconds(now) + std::int64_t{86'400} * days);
    const std::string common_name = names.empty() ? "fairlead" : names.front().substr(0, 64);
    X509_NAME* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.data()), // NOLINT: OpenSSL's bytes
                               static_cast<int>(common_name.size()), -1, 0);
    X509_set_issuer_name(x509, subject);
    X509_set_pubkey(x509, key.get());
    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x509, NID_key_usage, "critical,digitalSignature");
    add_extension(x509, NID_ext_key_usage, "serverAuth,clientAuth");
    if (const std::string alternatives = alternative_names(names); !alternatives.empty()) {
        add_extension(x509, NID_subject_alt_name, alternatives);
    }
    X509_sign(x509, key.get(), EVP_sha256());

    const Owned<BIO> chain_text(BIO_new(BIO_s_mem()));
    const Owned<BIO> key_text(BIO_new(BIO_s_secmem()));
    PEM_write_bio_X509(chain_text.get(), x509);
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return CertificatePem(to_text(chain_text.get()), to_text(key_text.get()));
}

int store_certificate(const CertificatePem& pem, const std::string& chain_file, const std::string& key_file) {
    // The key first: a certificate without its key would be refused at the next start.
    if (const int error = write_file(key_file, pem.key, S_IRUSR | S_IWUSR); error != 0) {
        return error;
    }
    return write_file(chain_file, pem.chain, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
}

} // namespace fairlead::stream
