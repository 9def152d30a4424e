#include "cli/commands.hpp"
#include "json/writer.hpp"

#include <openssl/crypto.h>

#include <ostream>

namespace fairlead::cli {

int version(bool json, const Surroundings& surroundings) {
    constexpr std::string_view number = FAIRLEAD_VERSION;
    if (!json) {
        surroundings.out << "fairlead " << number << '\n';
        return exit_code::ok;
    }
    json::Writer object;
    object.begin_object()
        .member("name", "fairlead")
        .member("version", number)
        .member("compiler", __VERSION__)
        .member("openssl", OpenSSL_version(OPENSSL_VERSION_STRING))
        .end_object();
    surroundings.out << object.text() << '\n';
    return exit_code::ok;
}

} // namespace fairlead::cli
