// RFC 8489, server side: what it demands, by section.

#include "turn/fakes.hpp"

#include "bytes/hex.hpp"
#include "bytes/reader.hpp"

#include <gtest/gtest.h>

namespace fairlead::turn {
namespace {

using fakes::Answer;
using fakes::Crafted;
using fakes::World;
using stun::Attribute;
using stun::Class;
using stun::Method;

std::vector<std::byte> binding() {
    return Crafted(Class::request, Method::binding).bytes();
}

TEST(Rfc8489, Section5_FirstTwoBitsMustBeZero) {
    World world;
    for (const unsigned bits : {0x40U, 0x80U, 0xc0U}) {
        auto bytes = binding();
        bytes[0] |= static_cast<std::byte>(bits);
        EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
    }
}

TEST(Rfc8489, Section5_MagicCookieMustBeRight) {
    World world;
    for (std::size_t at = 4; at < 8; ++at) {
        auto bytes = binding();
        bytes[at] ^= std::byte{1};
        EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
    }
}

TEST(Rfc8489, Section5_LengthMustFitAndBeAMultipleOfFour) {
    World world;
    for (const unsigned length : {1U, 2U, 4U, 0xfffcU}) {
        auto bytes = binding();
        bytes[2] = static_cast<std::byte>(length >> 8U);
        bytes[3] = static_cast<std::byte>(length & 0xffU);
        EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
    }
}

TEST(Rfc8489, Section6_3_UnknownMethodIsDropped) {
    World world;
    for (const unsigned method : {0U, 2U, 5U, 6U, 7U, 0x80U, 0xfffU}) {
        EXPECT_TRUE(world.exchange(world.path(), Crafted(Class::request, Method(method)).bytes()).empty());
    }
}

TEST(Rfc8489, Section6_3_1_AnswerRepeatsMethodAndTransactionId) {
    World world;
    const Answer answer = world.ask(world.path(), Crafted(Class::request, Method::binding, 0x12345678).bytes());
    EXPECT_EQ(answer.message().method(), Method::binding);
    EXPECT_EQ(answer.message().transaction_id(), Crafted::id(0x12345678));
}

TEST(Rfc8489, Section6_3_1_AnswerGoesBackWhereTheRequestCameFrom) {
    World world;
    const auto path = world.path(4711, net::Transport::dtls);
    const auto sent = world.exchange(path, binding());
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].path, path);
}

TEST(Rfc8489, Section6_3_1_UnknownRequiredAttributesAre420WithAList) {
    World world;
    const Answer answer = world.ask(world.path(), Crafted(Class::request, Method::binding)
                                                      .u32(Attribute{0x7ffe}, 1)
                                                      .u32(Attribute{0x0099}, 1)
                                                      .u32(Attribute{0x7ffe}, 1)
                                                      .bytes());
    EXPECT_EQ(answer.error(), 420U);
    EXPECT_EQ(bytes::to_hex(*answer.message().find(Attribute::unknown_attributes)), "7ffe0099");
}

TEST(Rfc8489, Section6_3_1_UnknownOptionalAttributesAreIgnored) {
    World world;
    EXPECT_TRUE(
        world.ask(world.path(), Crafted(Class::request, Method::binding).u32(Attribute{0x8fff}, 1).bytes()).success());
    EXPECT_TRUE(
        world.ask(world.path(), Crafted(Class::request, Method::binding).u32(Attribute{0xc057}, 1).bytes()).success());
}

TEST(Rfc8489, Section6_3_2_IndicationsAreNotAnswered) {
    World world;
    EXPECT_TRUE(world.exchange(world.path(), Crafted(Class::indication, Method::binding).bytes()).empty());
    EXPECT_TRUE(
        world.exchange(world.path(), Crafted(Class::indication, Method::binding).u32(Attribute{0x7ffe}, 1).bytes())
            .empty());
}

TEST(Rfc8489, Section6_3_3_ResponsesToNoRequestAreDropped) {
    World world;
    EXPECT_TRUE(world.exchange(world.path(), Crafted(Class::success, Method::binding).bytes()).empty());
    EXPECT_TRUE(world.exchange(world.path(), Crafted(Class::error, Method::allocate).bytes()).empty());
}

TEST(Rfc8489, Section7_FingerprintIsCheckedAndGivenBack) {
    World world;
    auto bytes = Crafted(Class::request, Method::binding).fingerprint().bytes();
    EXPECT_TRUE(world.ask(world.path(), bytes).message().has_fingerprint());
    bytes.back() ^= std::byte{1};
    EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
}

TEST(Rfc8489, Section9_2_4_WithoutIntegrityIs401WithRealmAndNonce) {
    World world;
    for (const Method method : {Method::allocate, Method::refresh, Method::create_permission, Method::channel_bind}) {
        const Answer answer = world.ask(world.path(), Crafted(Class::request, method).udp().bytes());
        EXPECT_EQ(answer.error(), 401U);
        EXPECT_TRUE(answer.message().has(Attribute::realm));
        EXPECT_TRUE(answer.message().has(Attribute::nonce));
        EXPECT_FALSE(answer.message().has(Attribute::username));
        EXPECT_FALSE(answer.message().has(Attribute::userhash));
        EXPECT_FALSE(answer.message().has_integrity());
        EXPECT_FALSE(answer.message().has_integrity_sha256());
    }
}

TEST(Rfc8489, Section9_2_4_NonceOfAnOfferBeginsWithTheCookie) {
    auto config = World::defaults();
    config.offer_sha256 = ServerConfig::OfferSha256::always;
    World world(config);
    const Answer answer = world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes());
    const auto features = stun::read_nonce_cookie(*answer.message().text(Attribute::nonce));
    ASSERT_TRUE(features);
    EXPECT_TRUE(features->password_algorithms);
    EXPECT_EQ(bytes::to_hex(*answer.message().find(Attribute::password_algorithms)), "0002000000010000");
}

TEST(Rfc8489, Section9_2_4_IntegrityWithoutTheRestIs400) {
    World world;
    EXPECT_EQ(world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().integrity(as_bytes("k")).bytes())
                  .error(),
              400U);
    EXPECT_EQ(
        world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().integrity_sha256(as_bytes("k")).bytes())
            .error(),
        400U);
}

TEST(Rfc8489, Section9_2_4_WrongUserOrPasswordIs401WithAFreshNonce) {
    World world;
    for (const auto& [user, password] : {std::pair("alice", "wrong"), std::pair("nobody", "secret")}) {
        Crafted request(Class::request, Method::allocate);
        const Answer answer = world.ask(world.path(), world.sign(world.path(), request.udp(), user, password));
        EXPECT_EQ(answer.error(), 401U);
        EXPECT_TRUE(answer.message().has(Attribute::nonce));
        EXPECT_TRUE(answer.message().has(Attribute::realm));
    }
}

TEST(Rfc8489, Section9_2_4_StaleNonceIs438WithRealmAndNonce) {
    World world;
    Crafted request(Class::request, Method::allocate);
    const auto bytes = world.sign(world.path(), request.udp());
    world.advance(std::chrono::seconds(601));
    const Answer answer = world.ask(world.path(), bytes);
    EXPECT_EQ(answer.error(), 438U);
    EXPECT_TRUE(answer.message().has(Attribute::nonce));
    EXPECT_TRUE(answer.message().has(Attribute::realm));
}

TEST(Rfc8489, Section9_2_4_AnswerIsSignedAsTheRequestWas) {
    World world;
    const Answer sha1 = world.allocate(world.path(1));
    EXPECT_TRUE(sha1.message().integrity_matches(*world.keys().md5));
    Crafted request(Class::request, Method::allocate);
    request.udp().put(Attribute::username, "alice").put(Attribute::realm, "example.org");
    request.put(Attribute::nonce, world.nonce(world.path(2))).integrity_sha256(*world.keys().md5);
    const Answer sha256 = world.ask(world.path(2), request.bytes());
    ASSERT_TRUE(sha256.success());
    EXPECT_TRUE(sha256.message().integrity_sha256_matches(*world.keys().md5));
    EXPECT_FALSE(sha256.message().has_integrity());
}

TEST(Rfc8489, Section9_2_4_ErrorsAfterAuthenticationAreSignedToo) {
    World world;
    const Answer answer = world.refresh(world.path(), 600);
    EXPECT_EQ(answer.error(), 437U);
    EXPECT_TRUE(answer.message().integrity_matches(*world.keys().md5));
}

TEST(Rfc8489, Section14_AttributeThatRunsPastTheMessageIsNotObeyed) {
    World world;
    auto bytes = Crafted(Class::request, Method::binding).u32(Attribute::software, 0).bytes();
    bytes[23] = std::byte{40};
    EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
}

TEST(Rfc8489, Section14_5_AttributesAfterIntegrityAreIgnored) {
    World world;
    Crafted request(Class::request, Method::allocate);
    request.udp().put(Attribute::username, "alice").put(Attribute::realm, "example.org");
    request.put(Attribute::nonce, world.nonce(world.path())).integrity(*world.keys().md5).u32(Attribute{0x7ffe}, 1);
    EXPECT_TRUE(world.ask(world.path(), request.bytes()).success());
}

TEST(Rfc8489, Section14_14_NoVersionBeforeAuthentication) {
    auto config = World::defaults();
    config.software = "fairlead";
    World world(config);
    EXPECT_FALSE(world.ask(world.path(), binding()).message().has(Attribute::software));
    EXPECT_FALSE(world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes())
                     .message()
                     .has(Attribute::software));
    EXPECT_EQ(world.allocate(world.path()).message().text(Attribute::software), "fairlead");
}

// RFC 5780 is not spoken: what it defines must not turn the server into a reflector.
TEST(Rfc5780, PaddingAndResponsePortAreNotObeyedAndChangeRequestIs420) {
    World world;
    const auto padded = Crafted(Class::request, Method::binding).put(Attribute::padding, "").bytes();
    EXPECT_EQ(world.ask(world.path(), padded).bytes.size(), 32U);
    const auto port = Crafted(Class::request, Method::binding).u32(Attribute::response_port, 7U << 16U).bytes();
    const auto sent = world.exchange(world.path(), port);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].path, world.path());
    EXPECT_EQ(
        world.ask(world.path(), Crafted(Class::request, Method::binding).u32(Attribute::change_request, 6).bytes())
            .error(),
        420U);
}

// --- amplification (no RFC's MUST, but ours)
// --------------------------------------------------------------------------

TEST(Amplification, SingleAnswersStayWithinTheirBars) {
    World world;
    const auto ratio = [&](const std::vector<std::byte>& request) {
        const auto sent = world.exchange(world.path(), request);
        return sent.empty() ? 0.0
                            : static_cast<double>(sent[0].bytes.size() + 28) / static_cast<double>(request.size() + 28);
    };
    EXPECT_LE(ratio(binding()), 1.25);
    EXPECT_LE(ratio(Crafted(Class::request, Method::allocate).udp().bytes()), 2.0);
    for (const Method method : {Method::allocate, Method::refresh, Method::create_permission, Method::channel_bind,
                                Method::connect, Method(0x333)}) {
        EXPECT_LE(ratio(Crafted(Class::request, method).bytes()), 1.2);
    }
    // Whatever is added to the request, offering SHA-256 never costs more than twice of it.
    for (std::size_t size = 0; size < 64; ++size) {
        EXPECT_LE(ratio(Crafted(Class::request, Method::allocate)
                            .udp()
                            .put(Attribute::software, std::string(size, 'x'))
                            .bytes()),
                  2.0);
    }
}

TEST(Amplification, SustainedFloodIsNotReflected) {
    auto config = World::defaults();
    config.limit_unauthenticated = true;
    World world(config);
    std::size_t in = 0;
    std::size_t out = 0;
    for (int i = 0; i < 3'000; ++i) {
        const auto request = Crafted(Class::request, Method::allocate, static_cast<std::uint32_t>(i)).udp().bytes();
        in += request.size() + 28;
        for (const auto& sent : world.exchange(world.path(static_cast<std::uint16_t>(i)), request)) {
            out += sent.bytes.size() + 28;
        }
        world.advance(std::chrono::microseconds(100));
    }
    EXPECT_LT(out, in / 20);
}

TEST(Amplification, TwoHundredHonestClientsBehindOneAddressAllAllocate) {
    auto config = World::defaults();
    config.limit_unauthenticated = true;
    World world(config);
    world.pool = fakes::PortPool(10'000, 400);
    std::vector<std::uint16_t> waiting;
    for (std::uint16_t port = 1; port <= 200; ++port) {
        waiting.push_back(port);
    }
    // Everybody retransmits at the RFC's intervals and answers a challenge a round trip later.
    for (const auto interval : {0, 500, 1'000, 2'000}) {
        world.advance(std::chrono::milliseconds(interval));
        std::vector<std::pair<std::uint16_t, std::string>> challenged;
        for (const std::uint16_t port : waiting) {
            const Answer answer =
                world.ask(world.path(port), Crafted(Class::request, Method::allocate, port).udp().bytes());
            if (!answer.bytes.empty()) {
                challenged.emplace_back(port, *answer.message().text(Attribute::nonce));
            }
        }
        world.advance(std::chrono::milliseconds(20));
        for (const auto& [port, nonce] : challenged) {
            Crafted request(Class::request, Method::allocate, 1'000U + port);
            request.udp()
                .put(Attribute::username, "alice")
                .put(Attribute::realm, "example.org")
                .put(Attribute::nonce, nonce);
            ASSERT_TRUE(world.ask(world.path(port), request.integrity(*world.keys().md5).bytes()).success());
            std::erase(waiting, port);
        }
    }
    EXPECT_TRUE(waiting.empty()) << waiting.size() << " are left";
}

TEST(Amplification, GuessingIsLimitedAndDoesNotLockAnybodyOut) {
    auto config = World::defaults();
    config.limit_unauthenticated = true;
    World world(config);
    ASSERT_TRUE(world.allocate(world.path(1)).success());
    const std::string nonce = world.nonce(world.path(1));
    for (const auto& path : {world.path(2, net::Transport::tcp), world.path(1)}) { // a stream; where an allocation is
        int answers = 0;
        for (std::uint32_t i = 0; i < 10'000; ++i) {
            Crafted guess(Class::request, Method::allocate, i);
            guess.udp().put(Attribute::username, "bob").put(Attribute::realm, "example.org");
            guess.put(Attribute::nonce, nonce).integrity(as_bytes("guess"));
            answers += world.exchange(path, guess.bytes()).empty() ? 0 : 1;
        }
        EXPECT_LE(answers, 60);
    }
    EXPECT_TRUE(world.refresh(world.path(1), 600).success());
}

} // namespace
} // namespace fairlead::turn
