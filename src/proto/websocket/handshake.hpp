#pragma once

#include "http/request.hpp"
#include "http/response.hpp"
#include "result/result.hpp"

namespace fairlead::websocket {

/// What is missing for an opening handshake (RFC 6455 section 4.2.1).
enum class HandshakeError : std::uint8_t {
    not_an_upgrade, // no Upgrade: websocket
    method_not_get,
    http_version,
    no_host,
    no_connection_upgrade,
    bad_key, // Sec-WebSocket-Key is not 16 bytes in base64, or stands twice
    unsupported_version,
    bad_subprotocols,
};
[[nodiscard]] std::string_view describe(HandshakeError error);
/// 400, or 426 with "Sec-WebSocket-Version: 13" / "Upgrade: websocket" where that is what the client must learn.
[[nodiscard]] http::Response refusal(HandshakeError error);

/// Whether the client asks for a WebSocket at all; then parse_offer() decides whether it asks well.
[[nodiscard]] bool wants_websocket(const http::Request& request);

/// What a client offers. Extensions are read by nobody here: answering without any declines them (section 9.1).
struct Offer {
    std::string key;
    std::vector<std::string> subprotocols;
    /// As sent; browsers always send one. Whether it is welcome is the consumer's decision.
    std::optional<std::string> origin;
};
[[nodiscard]] Result<Offer, HandshakeError> parse_offer(const http::Request& request);

/// base64(SHA-1(key ++ GUID)), RFC 6455 section 4.2.2.
[[nodiscard]] std::string accept_value(std::string_view key);

/// 101. `subprotocol` is one of the offer's, or empty for none.
[[nodiscard]] http::Response acceptance(const Offer& offer, std::string_view subprotocol = {});

} // namespace fairlead::websocket
