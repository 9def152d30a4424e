#pragma once

#include "net/address.hpp"
#include "result/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead::turn {

/// Names one relay socket. The opener mints it: an index into its own table of sockets, so dense and small; a closed
/// id may be used again. The server keeps a vector indexed by it and refuses ids from `ServerConfig::max_relays` on.
using RelayId = std::uint32_t;

/// Which port an allocation needs (RFC 8656 section 18.6, EVEN-PORT).
enum class PortWish : std::uint8_t {
    any,
    even,          ///< EVEN-PORT with R = 0
    even_and_next, ///< EVEN-PORT with R = 1: `reserved` holds the port above
};

struct RelayRequest {
    net::Family family = net::Family::v4;
    PortWish port = PortWish::any;
    /// Whose allocation it will be.
    const net::FiveTuple& path;
};

struct OpenedRelay {
    RelayId id = 0;
    /// As the client shall see it in XOR-RELAYED-ADDRESS: the public address where one is configured.
    net::TransportAddress relayed{};
};

struct OpenedRelays {
    OpenedRelay relay{};
    std::optional<OpenedRelay> reserved{}; ///< set exactly when even_and_next was asked for
};

enum class RelayError : std::uint8_t {
    family_unsupported, ///< answered 440
    ports_exhausted,    ///< answered 508
    system,             ///< no descriptor, bind refused, …: answered 508
};
[[nodiscard]] std::string_view describe(RelayError error);

/// Opens relay sockets at once (a non-blocking bind). The server closes each relay exactly once.
class RelayOpener {
public:
    virtual ~RelayOpener() = default;
    [[nodiscard]] virtual Result<OpenedRelays, RelayError> open(const RelayRequest& request) = 0;
    virtual void close(RelayId id) = 0;
};

} // namespace fairlead::turn
