#include "websocket/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::websocket {
namespace {

/// The opening handshake of RFC 6455 section 1.2.
http::Request opening() {
    http::Request request;
    request.target = *http::Target::parse("/chat");
    EXPECT_TRUE(request.fields.add("Host", "server.example.com"));
    EXPECT_TRUE(request.fields.add("Upgrade", "websocket"));
    EXPECT_TRUE(request.fields.add("Connection", "Upgrade"));
    EXPECT_TRUE(request.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
    EXPECT_TRUE(request.fields.add("Origin", "http://example.com"));
    EXPECT_TRUE(request.fields.add("Sec-WebSocket-Protocol", "chat, superchat"));
    EXPECT_TRUE(request.fields.add("Sec-WebSocket-Version", "13"));
    return request;
}

HandshakeError error_of(const http::Request& request) {
    const auto offer = parse_offer(request);
    EXPECT_FALSE(offer.has_value());
    return offer ? HandshakeError{} : offer.error();
}

TEST(Handshake, OfTheRfcIsAcceptedWithItsAcceptValue) {
    const auto offer = parse_offer(opening());
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->origin, "http://example.com");
    EXPECT_THAT(offer->subprotocols, ::testing::ElementsAre("chat", "superchat"));
    std::string out;
    http::write(acceptance(*offer, "chat"), {}, out);
    EXPECT_EQ(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
}

TEST(Handshake, OfferedExtensionsAreNotAccepted) {
    http::Request request = opening();
    ASSERT_TRUE(request.fields.add("Sec-WebSocket-Extensions", "permessage-deflate"));
    const auto offer = parse_offer(request);
    ASSERT_TRUE(offer);
    EXPECT_FALSE(acceptance(*offer).fields().contains("Sec-WebSocket-Extensions"));
    EXPECT_FALSE(acceptance(*offer).fields().contains("Sec-WebSocket-Protocol"));
}

TEST(Handshake, NamesWhatIsMissing) {
    http::Request request = opening();
    request.fields.remove("Upgrade");
    EXPECT_EQ(error_of(request), HandshakeError::not_an_upgrade);
    EXPECT_FALSE(wants_websocket(request));

    request = opening();
    request.method = http::Method::post;
    EXPECT_EQ(error_of(request), HandshakeError::method_not_get);

    request = opening();
    request.minor_version = 0;
    EXPECT_EQ(error_of(request), HandshakeError::http_version);

    request = opening();
    request.fields.remove("Host");
    EXPECT_EQ(error_of(request), HandshakeError::no_host);

    request = opening();
    ASSERT_TRUE(request.fields.set("Connection", "keep-alive"));
    EXPECT_EQ(error_of(request), HandshakeError::no_connection_upgrade);

    request = opening();
    ASSERT_TRUE(request.fields.set("Sec-WebSocket-Protocol", "chat, chat"));
    EXPECT_EQ(error_of(request), HandshakeError::bad_subprotocols);
    ASSERT_TRUE(request.fields.set("Sec-WebSocket-Protocol", "a b"));
    EXPECT_EQ(error_of(request), HandshakeError::bad_subprotocols);
}

TEST(Handshake, KeyIsOneValueOfSixteenBytes) {
    for (const std::string_view key :
         {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZTE=", "!!!!"}) {
        http::Request request = opening();
        ASSERT_TRUE(request.fields.set("Sec-WebSocket-Key", key));
        EXPECT_EQ(error_of(request), HandshakeError::bad_key) << key;
    }
    http::Request twice = opening();
    ASSERT_TRUE(twice.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
    EXPECT_EQ(error_of(twice), HandshakeError::bad_key);
}

TEST(Handshake, AnotherVersionIsToldWhichOneWeSpeak) {
    http::Request request = opening();
    ASSERT_TRUE(request.fields.set("Sec-WebSocket-Version", "8"));
    ASSERT_EQ(error_of(request), HandshakeError::unsupported_version);
    const auto response = refusal(HandshakeError::unsupported_version);
    EXPECT_EQ(response.status(), http::Status::upgrade_required);
    EXPECT_EQ(response.fields().find("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(refusal(HandshakeError::bad_key).status(), http::Status::bad_request);
    EXPECT_EQ(refusal(HandshakeError::not_an_upgrade).status(), http::Status::upgrade_required);
}

} // namespace
} // namespace fairlead::websocket
