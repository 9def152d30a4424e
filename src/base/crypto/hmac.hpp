#pragma once

#include "crypto/hash.hpp"

#include <initializer_list>

namespace fairlead::crypto {

/// RFC 2104. The one-shot forms; `data` may come in pieces so that a message with a patched header needs no copy.
[[nodiscard]] Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> data);
[[nodiscard]] Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> data);

/// True when both are equal, in a time that depends on their length alone. Different lengths are unequal at once.
[[nodiscard]] bool equal(Bytes a, Bytes b);

/// Overwrites secrets in a way that the optimiser keeps.
void wipe(MutableBytes secret);

} // namespace fairlead::crypto
