#include "websocket/handshake.hpp"

#include "bytes/base64.hpp"
#include "crypto/hash.hpp"
#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::websocket {
namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 section 1.3
constexpr std::size_t subprotocol_limit = 16;

bool read_subprotocols(const http::Fields& fields, std::vector<std::string>& names) {
    bool good = true;
    for (const auto& field : fields) {
        if (!text::equal_ignoring_case(field.name, "Sec-WebSocket-Protocol")) {
            continue;
        }
        http::for_each_element(field.value, [&](std::string_view name) {
            // "The elements that comprise this value MUST be non-empty strings with characters [of a token] and MUST
            // all be unique strings."
            good = good && http::is_token(name) && names.size() < subprotocol_limit &&
                   std::ranges::find(names, name) == names.end();
            if (good) {
                names.emplace_back(name);
            }
        });
    }
    return good;
}

} // namespace

std::string_view describe(HandshakeError error) {
    switch (error) {
    case HandshakeError::not_an_upgrade:
        return "no upgrade to websocket asked for";
    case HandshakeError::method_not_get:
        return "method is not GET";
    case HandshakeError::http_version:
        return "HTTP version below 1.1";
    case HandshakeError::no_host:
        return "no Host";
    case HandshakeError::no_connection_upgrade:
        return "Connection does not list Upgrade";
    case HandshakeError::bad_key:
        return "Sec-WebSocket-Key is not one value of 16 bytes in base64";
    case HandshakeError::unsupported_version:
        return "Sec-WebSocket-Version is not 13";
    case HandshakeError::bad_subprotocols:
        return "malformed Sec-WebSocket-Protocol";
    }
    return "unknown";
}

http::Response refusal(HandshakeError error) {
    if (error == HandshakeError::not_an_upgrade) {
        auto response = http::Response::text(http::Status::upgrade_required, "This is a WebSocket.\n");
        response.set("Upgrade", "websocket").set("Connection", "Upgrade");
        return response;
    }
    if (error == HandshakeError::unsupported_version) {
        auto response = http::Response::text(http::Status::upgrade_required, describe(error));
        response.set("Sec-WebSocket-Version", "13").set("Upgrade", "websocket").set("Connection", "Upgrade");
        return response;
    }
    return http::Response::text(http::Status::bad_request, describe(error));
}

bool wants_websocket(const http::Request& request) {
    return request.fields.lists("Upgrade", "websocket");
}

Result<Offer, HandshakeError> parse_offer(const http::Request& request) {
    const http::Fields& fields = request.fields;
    if (!wants_websocket(request)) {
        return fail(HandshakeError::not_an_upgrade);
    }
    if (request.method != http::Method::get) {
        return fail(HandshakeError::method_not_get);
    }
    if (request.minor_version < 1) {
        return fail(HandshakeError::http_version);
    }
    if (request.host().empty()) {
        return fail(HandshakeError::no_host);
    }
    if (!fields.lists("Connection", "Upgrade")) {
        return fail(HandshakeError::no_connection_upgrade);
    }
    if (fields.count("Sec-WebSocket-Version") != 1 || fields.find("Sec-WebSocket-Version") != "13") {
        return fail(HandshakeError::unsupported_version);
    }
    const auto key = fields.find("Sec-WebSocket-Key");
    if (!key || fields.count("Sec-WebSocket-Key") != 1) {
        return fail(HandshakeError::bad_key);
    }
    const auto nonce = bytes::from_base64(*key);
    if (!nonce || nonce->size() != 16) {
        return fail(HandshakeError::bad_key);
    }
    Offer offer{.key = std::string(*key), .subprotocols = {}, .origin = {}};
    if (!read_subprotocols(fields, offer.subprotocols)) {
        return fail(HandshakeError::bad_subprotocols);
    }
    if (const auto origin = fields.find("Origin")) {
        offer.origin.emplace(*origin);
    }
    return offer;
}

std::string accept_value(std::string_view key) {
    return bytes::to_base64(crypto::sha1(as_bytes(std::string(key).append(guid))));
}

http::Response acceptance(const Offer& offer, std::string_view subprotocol) {
    http::Response response(http::Status::switching_protocols);
    response.set("Upgrade", "websocket").set("Connection", "Upgrade");
    response.set("Sec-WebSocket-Accept", accept_value(offer.key));
    if (!subprotocol.empty()) {
        response.set("Sec-WebSocket-Protocol", subprotocol);
    }
    return response;
}

} // namespace fairlead::websocket
