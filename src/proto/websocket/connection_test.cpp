#include "websocket/connection.hpp"

#include "random/seeded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fairlead::websocket {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What a peer's bytes come to, in words; and what the connection answered.
struct Outcome {
    std::vector<std::string> events;
    std::string answers;
};

std::string in_words(const Event& event) {
    if (const auto* message = std::get_if<Message>(&event)) {
        return (message->is_text ? "text:" : "binary:") + std::string(message->text());
    }
    if (const auto* pong = std::get_if<PongReceived>(&event)) {
        return "pong:" + std::string(as_text(pong->payload));
    }
    if (const auto* close = std::get_if<CloseReceived>(&event)) {
        return "close:" + std::to_string(close->code) + ":" + std::string(close->reason);
    }
    return "failed:" + std::string(describe(std::get<Failed>(event).why));
}

Outcome feed(Connection& connection, std::string_view stream, std::size_t piece = std::string_view::npos) {
    Outcome outcome;
    Bytes rest = as_bytes(stream);
    while (!rest.empty()) {
        Bytes now = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(now.size());
        do {
            if (const auto event = connection.push(now)) {
                outcome.events.push_back(in_words(*event));
            }
        } while (!now.empty());
    }
    connection.write_answers(outcome.answers);
    return outcome;
}

std::string frame(Opcode opcode, std::string_view payload, bool fin = true) {
    std::string out;
    const MaskingKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    write({.fin = fin, .opcode = opcode, .length = payload.size(), .mask = key}, out);
    const std::size_t start = out.size();
    out.append(payload);
    apply_mask(key, 0, std::as_writable_bytes(std::span(out)).subspan(start));
    return out;
}

/// The Close frame a server sends.
std::string server_close(CloseCode code, std::string_view reason) {
    std::string out;
    Connection(Role::server).write_close(code, reason, out);
    return out;
}

// RFC 6455 section 5.7, one by one.

TEST(Rfc6455Examples, SingleFrameUnmaskedTextMessage) {
    SeededRandom random(1);
    Connection client(Role::client, {}, &random);
    EXPECT_THAT(feed(client, "\x81\x05\x48\x65\x6c\x6c\x6f").events, ElementsAre("text:Hello"));
    std::string out;
    Connection(Role::server).write_text("Hello", out);
    EXPECT_EQ(out, "\x81\x05\x48\x65\x6c\x6c\x6f");
}

TEST(Rfc6455Examples, SingleFrameMaskedTextMessage) {
    Connection server(Role::server);
    EXPECT_THAT(feed(server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").events, ElementsAre("text:Hello"));
}

TEST(Rfc6455Examples, FragmentedUnmaskedTextMessage) {
    SeededRandom random(1);
    Connection client(Role::client, {}, &random);
    EXPECT_THAT(feed(client, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f").events, ElementsAre("text:Hello"));
}

TEST(Rfc6455Examples, PingAndItsMaskedPong) {
    Connection server(Role::server);
    const Outcome outcome = feed(server, "\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    EXPECT_THAT(outcome.events, IsEmpty());
    EXPECT_EQ(outcome.answers, "\x8a\x05\x48\x65\x6c\x6c\x6f");
    EXPECT_THAT(feed(server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").events, ElementsAre("pong:Hello"));
}

TEST(Rfc6455Examples, BinaryMessagesOf256BytesAnd64KiB) {
    for (const std::size_t size : {256U, 65536U}) {
        std::string out;
        const std::string data(size, 'b');
        Connection server(Role::server);
        server.write_binary(as_bytes(data), out);
        EXPECT_EQ(out.substr(0, 2), size == 256 ? "\x82\x7e" : "\x82\x7f");
        SeededRandom random(1);
        Connection client(Role::client, {}, &random);
        EXPECT_THAT(feed(client, out).events, ElementsAre("binary:" + data));
    }
}

struct Broken {
    std::string name;
    std::string stream;
    Violation why;
    CloseCode code;
};

class BrokenPeer : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenPeer, IsClosedWithTheRightCodeHoweverItsBytesAreCut) {
    for (const std::size_t piece : {std::string_view::npos, std::size_t{1}, std::size_t{3}}) {
        Connection server(Role::server, {.message = 1000, .fragments = 8});
        const Outcome outcome = feed(server, GetParam().stream + frame(Opcode::text, "unread"), piece);
        EXPECT_THAT(outcome.events, ElementsAre("failed:" + std::string(describe(GetParam().why))));
        EXPECT_EQ(outcome.answers, server_close(GetParam().code, describe(GetParam().why)));
        EXPECT_TRUE(server.is_input_over());
        EXPECT_TRUE(server.is_close_sent());
    }
}

std::string close_payload(unsigned code, std::string_view reason = {}) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return payload.append(reason);
}

std::string raw(std::string_view bytes) {
    return std::string(bytes);
}

std::vector<Broken> broken_peers() {
    std::vector<Broken> all{
        {"ReservedBit1", raw("\xc1\x80"), Violation::reserved_bit, CloseCode::protocol_error},
        {"ReservedBit2", raw("\xa1\x80"), Violation::reserved_bit, CloseCode::protocol_error},
        {"ReservedBit3", raw("\x91\x80"), Violation::reserved_bit, CloseCode::protocol_error},
        {"ReservedDataOpcode", raw("\x83\x80"), Violation::reserved_opcode, CloseCode::protocol_error},
        {"ReservedControlOpcode", raw("\x8b\x80"), Violation::reserved_opcode, CloseCode::protocol_error},
        {"Unmasked", raw("\x81\x05Hello"), Violation::not_masked, CloseCode::protocol_error},
        {"LengthNotMinimal16", raw({"\x82\xfe\0\x05", 4}), Violation::length_not_minimal, CloseCode::protocol_error},
        {"LengthNotMinimal64", raw({"\x82\xff\0\0\0\0\0\0\x01\x00", 10}), Violation::length_not_minimal,
         CloseCode::protocol_error},
        {"LengthOfTwoToThe63", raw({"\x82\xff\x80\0\0\0\0\0\0\0", 10}), Violation::length_too_large,
         CloseCode::protocol_error},
        {"LengthOfTwoToThe62", raw({"\x82\xff\x40\0\0\0\0\0\0\0\1\2\3\4", 14}), Violation::message_too_big,
         CloseCode::message_too_big},
        {"LongPing", frame(Opcode::ping, std::string(126, 'p')), Violation::control_frame_too_long,
         CloseCode::protocol_error},
        {"FragmentedPing", frame(Opcode::ping, "p", false), Violation::control_frame_fragmented,
         CloseCode::protocol_error},
        {"ContinuationOfNothing", frame(Opcode::continuation, "x"), Violation::unexpected_continuation,
         CloseCode::protocol_error},
        {"MessageInsideAMessage", frame(Opcode::text, "x", false) + frame(Opcode::text, "y"),
         Violation::interrupted_message, CloseCode::protocol_error},
        {"BinaryInsideAMessage", frame(Opcode::text, "x", false) + frame(Opcode::binary, "y"),
         Violation::interrupted_message, CloseCode::protocol_error},
        {"InvalidUtf8", frame(Opcode::text, "a\xff"), Violation::invalid_utf8, CloseCode::invalid_payload},
        {"HalfACharacterAtTheEnd", frame(Opcode::text, "a\xe2\x82"), Violation::invalid_utf8,
         CloseCode::invalid_payload},
        {"InvalidUtf8InTheFirstFragment", frame(Opcode::text, "\xed\xa0", false), Violation::invalid_utf8,
         CloseCode::invalid_payload},
        {"InvalidUtf8AcrossFragments", frame(Opcode::text, "\xe2", false) + frame(Opcode::continuation, "a"),
         Violation::invalid_utf8, CloseCode::invalid_payload},
        {"MessageTooBig", frame(Opcode::binary, std::string(1001, 'x')), Violation::message_too_big,
         CloseCode::message_too_big},
        {"FragmentsTooBig",
         frame(Opcode::binary, std::string(600, 'x'), false) + frame(Opcode::continuation, std::string(401, 'x')),
         Violation::message_too_big, CloseCode::message_too_big},
        {"CloseOfOneByte", frame(Opcode::close, "\x03"), Violation::close_payload_too_short, CloseCode::protocol_error},
        {"CloseReasonNotUtf8", frame(Opcode::close, close_payload(1000, "\xff")), Violation::invalid_utf8,
         CloseCode::invalid_payload},
    };
    std::string flood = frame(Opcode::binary, "", false);
    for (int i = 0; i < 8; ++i) {
        flood += frame(Opcode::continuation, "", false);
    }
    all.push_back({"FloodOfEmptyFragments", flood, Violation::too_many_fragments, CloseCode::policy_violation});
    for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
        all.push_back({"CloseCode" + std::to_string(code), frame(Opcode::close, close_payload(code)),
                       Violation::close_code_invalid, CloseCode::protocol_error});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Violations, BrokenPeer, ::testing::ValuesIn(broken_peers()),
                         [](const auto& peer) { return peer.param.name; });

TEST(Connection, InvalidTextFailsBeforeItsFrameIsComplete) {
    Connection server(Role::server);
    const std::string stream = frame(Opcode::text, "ok\xff and a long rest that is never needed");
    EXPECT_THAT(feed(server, stream.substr(0, 6 + 3)).events, ElementsAre("failed:invalid UTF-8"));
}

TEST(Connection, TooBigAMessageFailsBeforeItsPayload) {
    Connection server(Role::server, {.message = 10});
    EXPECT_THAT(feed(server, frame(Opcode::binary, "12345678901").substr(0, 6)).events,
                ElementsAre("failed:message too big"));
}

TEST(Connection, MaskedFramesFromAServerAreRefusedByAClient) {
    SeededRandom random(1);
    Connection client(Role::client, {}, &random);
    EXPECT_THAT(feed(client, frame(Opcode::text, "x")).events, ElementsAre("failed:frame masked"));
}

TEST(Connection, MessagesOfExactlyTheLimitPass) {
    Connection server(Role::server, {.message = 10});
    EXPECT_THAT(feed(server, frame(Opcode::binary, "1234567890") + frame(Opcode::binary, "12345", false) +
                                 frame(Opcode::continuation, "67890"))
                    .events,
                ElementsAre("binary:1234567890", "binary:1234567890"));
}

TEST(Connection, ControlFramesMayStandBetweenFragments) {
    Connection server(Role::server);
    const Outcome outcome = feed(server, frame(Opcode::text, "\xe2\x82", false) + frame(Opcode::ping, "p") +
                                             frame(Opcode::continuation, "", false) + frame(Opcode::pong, "q") +
                                             frame(Opcode::continuation, "\xac"));
    EXPECT_THAT(outcome.events, ElementsAre("pong:q", "text:\xe2\x82\xac"));
    EXPECT_EQ(outcome.answers, "\x8a\x01p");
}

TEST(Connection, AFloodOfPingsLeavesOnePongToTheLastOne) {
    Connection server(Role::server);
    std::string flood;
    for (int i = 0; i < 1000; ++i) {
        flood += frame(Opcode::ping, "old");
    }
    EXPECT_EQ(feed(server, flood + frame(Opcode::ping, "new")).answers, "\x8a\x03new");
    EXPECT_FALSE(server.has_answers());
}

TEST(Connection, PushStopsBehindEachMessageSoThatTheCallerCanStopReading) {
    Connection server(Role::server);
    const std::string first = frame(Opcode::text, "1");
    const std::string stream = first + frame(Opcode::text, "2");
    Bytes rest = as_bytes(stream);
    const auto event = server.push(rest);
    ASSERT_TRUE(event);
    EXPECT_EQ(in_words(*event), "text:1");
    EXPECT_EQ(rest.size(), stream.size() - first.size());
}

TEST(Connection, EmptyMessagesAreMessages) {
    Connection server(Role::server);
    EXPECT_THAT(
        feed(server, frame(Opcode::text, "") + frame(Opcode::binary, "", false) + frame(Opcode::continuation, ""))
            .events,
        ElementsAre("text:", "binary:"));
}

TEST(Connection, CloseIsEchoedWithItsCodeAndNothingBehindItIsRead) {
    Connection server(Role::server);
    const Outcome outcome =
        feed(server, frame(Opcode::close, close_payload(3001, "bye")) + frame(Opcode::text, "late"));
    EXPECT_THAT(outcome.events, ElementsAre("close:3001:bye"));
    EXPECT_EQ(outcome.answers, std::string("\x88\x02") + close_payload(3001));
    std::string out;
    EXPECT_FALSE(server.write_text("late", out));
    EXPECT_THAT(out, IsEmpty());
}

TEST(Connection, CloseWithoutACodeIsEchoedWithoutOne) {
    Connection server(Role::server);
    const Outcome outcome = feed(server, frame(Opcode::close, ""));
    EXPECT_THAT(outcome.events, ElementsAre("close:1005:"));
    EXPECT_EQ(outcome.answers, std::string("\x88\x00", 2));
}

TEST(Connection, AfterOurCloseOnlyThePeersCloseIsHeard) {
    Connection server(Role::server);
    std::string out;
    ASSERT_TRUE(server.write_close(CloseCode::going_away, "drain", out));
    EXPECT_EQ(out, std::string("\x88\x07") + close_payload(1001, "drain"));
    const Outcome outcome = feed(server, frame(Opcode::text, "crossing") + frame(Opcode::ping, "p") +
                                             frame(Opcode::close, close_payload(1001)));
    EXPECT_THAT(outcome.events, ElementsAre("close:1001:"));
    EXPECT_THAT(outcome.answers, IsEmpty()) << "one Close is enough, and no frame may follow it";
    EXPECT_FALSE(server.write_close(CloseCode::normal, "", out));
}

TEST(Connection, ReasonsAreCutToOneControlFrameButNotInsideACharacter) {
    Connection server(Role::server);
    std::string out;
    ASSERT_TRUE(server.write_close(CloseCode::normal, std::string(122, 'r') + "\xc3\xa4", out));
    EXPECT_EQ(out.size(), 2U + 2U + 122U);
    SeededRandom random(1);
    Connection client(Role::client, {}, &random);
    EXPECT_THAT(feed(client, out).events, ElementsAre("close:1000:" + std::string(122, 'r')));
}

// Whatever a peer sends: cut differently it gives the same events and the same last answer; and what a client writes is
// what a server reads.
RC_GTEST_PROP(ConnectionProperty, DoesNotDependOnWhereTheBytesWereCut, ()) {
    SeededRandom random(7);
    Connection client(Role::client, {}, &random);
    std::string stream;
    const auto count = *rc::gen::inRange(1, 8);
    for (int i = 0; i < count; ++i) {
        const auto payload = *rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'z'));
        switch (*rc::gen::inRange(0, 6)) {
        case 0:
            client.write_text(payload, stream);
            break;
        case 1:
            client.write_binary(as_bytes(payload), stream);
            break;
        case 2:
            client.write_ping(as_bytes(payload), stream);
            break;
        case 3:
            stream += frame(Opcode::text, payload, *rc::gen::arbitrary<bool>());
            break;
        case 4:
            stream += frame(Opcode::continuation, payload, *rc::gen::arbitrary<bool>());
            break;
        default:
            stream += frame(Opcode::close, payload);
        }
    }
    if (*rc::gen::inRange(0, 4) == 0) {
        stream[*rc::gen::inRange<std::size_t>(0, stream.size())] ^= static_cast<char>(1 << *rc::gen::inRange(0, 7));
    }
    Connection whole(Role::server, {.message = 64, .fragments = 4});
    Connection cut(Role::server, {.message = 64, .fragments = 4});
    const Outcome expected = feed(whole, stream);
    const Outcome actual = feed(cut, stream, *rc::gen::inRange<std::size_t>(1, 9));
    RC_ASSERT(expected.events == actual.events);
    RC_ASSERT(expected.answers == actual.answers);
}

} // namespace
} // namespace fairlead::websocket
