#include "text/opaque_string.hpp"
#include "text/url.hpp"
#include "text/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::text {
namespace {

using namespace std::string_literals;

TEST(OpaqueString, ExamplesOfRfc8265Section4_3) {
    EXPECT_EQ(opaque_string("correct horse battery staple"), "correct horse battery staple");
    EXPECT_EQ(opaque_string("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
    EXPECT_EQ(opaque_string("\u03C0\u00DF\u00E5"), "\u03C0\u00DF\u00E5");
    EXPECT_EQ(opaque_string("Jack of \u2666s"), "Jack of \u2666s");
    EXPECT_EQ(opaque_string("foo\u1680bar"), "foo bar") << "OGHAM SPACE MARK";
    EXPECT_EQ(opaque_string(""), std::nullopt);
    EXPECT_EQ(opaque_string("my cat is a \tby"), std::nullopt) << "TAB is a control";
}

TEST(OpaqueString, EveryNonAsciiSpaceBecomesSpace) {
    EXPECT_EQ(opaque_string("a\u00A0b\u2003c\u202Fd\u205Fe\u3000f"), "a b c d e f");
}

TEST(OpaqueString, KeepsLetterCaseAndWidth) {
    EXPECT_EQ(opaque_string("\uFF21\uFF42A"), "\uFF21\uFF42A") << "fullwidth letters stay";
    EXPECT_EQ(opaque_string("\u0130I\u0131i"), "\u0130I\u0131i");
}

TEST(OpaqueString, NormalizesToFormC) {
    EXPECT_EQ(opaque_string("M\u0061\u0302\u0074rix"), "M\u00E2trix");
    EXPECT_EQ(opaque_string("\u212B"), "\u00C5") << "ANGSTROM SIGN is a singleton";
    EXPECT_EQ(opaque_string("\u2126"), "\u03A9");
    EXPECT_EQ(opaque_string("\u1E9B\u0323"), "\u1E9B\u0323") << "canonical, not compatibility";
    EXPECT_EQ(opaque_string("\u0958"), "\u0915\u093C") << "excluded from composition";
    EXPECT_EQ(opaque_string("\u0344"), "\u0308\u0301");
}

TEST(OpaqueString, CombiningSequencesTakeCanonicalOrder) {
    // dot below (220) belongs before dot above (230); the result composes as far as it can.
    EXPECT_EQ(opaque_string("d\u0307\u0323"), "\u1E0D\u0307");
    EXPECT_EQ(opaque_string("d\u0323\u0307"), "\u1E0D\u0307");
    EXPECT_EQ(opaque_string("a\u0301\u0302"), "\u00E1\u0302") << "same class keeps its order";
    EXPECT_EQ(opaque_string("a\u0302\u0301"), "\u1EA5");
    EXPECT_EQ(opaque_string("q\u0307\u0323\u0301"), "q\u0323\u0307\u0301");
    EXPECT_EQ(opaque_string("\u1EA5"), "\u1EA5") << "a chain of two steps comes back whole";
    EXPECT_EQ(opaque_string("A\u030A\u0301"), "\u01FA");
}

TEST(OpaqueString, HangulSyllablesComposeFromJamo) {
    EXPECT_EQ(opaque_string("\uD55C\uAE00"), "\uD55C\uAE00");
    EXPECT_EQ(opaque_string("\u1112\u1161\u11AB\u1100\u1173\u11AF"), "\uD55C\uAE00");
    EXPECT_EQ(opaque_string("\u1100\u1161"), "\uAC00");
    EXPECT_EQ(opaque_string("\uAC00\u11A8"), "\uAC01");
    EXPECT_EQ(opaque_string("\u1100"), std::nullopt) << "a jamo on its own is OldHangulJamo";
    EXPECT_EQ(opaque_string("\uAC01\u11A8"), std::nullopt);
}

TEST(OpaqueString, RefusesWhatFreeformClassDisallows) {
    for (const std::string& text :
         {"a\0b"s, "\x1f"s, "\x7f"s, "\u0085"s, "a\u00ADb"s, "\u200B"s, "\uFEFFa"s, "\u202Ea"s, "\u2066"s, "\uFFFE"s,
          "\U0001FFFF"s, "\u0378"s, "\U000E0001"s, "\uE000"s, "\u0640"s, "\u302E"s, "\uFE0F"s, "\u2028"s}) {
        EXPECT_EQ(opaque_string(text), std::nullopt) << testing::PrintToString(text);
        EXPECT_FALSE(is_opaque_string(text));
    }
}

TEST(OpaqueString, RefusesWhatIsNotUtf8) {
    for (const std::string& text : {"\xff"s, "a\xc3"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\x80"s}) {
        EXPECT_EQ(opaque_string(text), std::nullopt) << testing::PrintToString(text);
    }
}

TEST(OpaqueString, ContextualRulesOfRfc5892) {
    EXPECT_TRUE(opaque_string("l\u00B7l"));
    EXPECT_FALSE(opaque_string("a\u00B7l"));
    EXPECT_FALSE(opaque_string("l\u00B7"));
    EXPECT_TRUE(opaque_string("\u0375\u03B1"));
    EXPECT_FALSE(opaque_string("\u0375a"));
    EXPECT_TRUE(opaque_string("\u05D0\u05F3"));
    EXPECT_FALSE(opaque_string("\u05F4"));
    EXPECT_TRUE(opaque_string("\u30A2\u30FB"));
    EXPECT_TRUE(opaque_string("\u4E2D\u30FB"));
    EXPECT_FALSE(opaque_string("a\u30FBb"));
    EXPECT_TRUE(opaque_string("\u0661\u0662"));
    EXPECT_TRUE(opaque_string("\u06F1\u06F2"));
    EXPECT_FALSE(opaque_string("\u0661\u06F2"));
    EXPECT_TRUE(opaque_string("\u0915\u094D\u200D")) << "after a virama";
    EXPECT_FALSE(opaque_string("a\u200D"));
    EXPECT_FALSE(opaque_string("\u200C"));
}

TEST(OpaqueString, IsIdempotent) {
    for (const std::string& text :
         {"d\u0307\u0323"s, "\u212B\u3000x"s, "\u1112\u1161\u11AB"s, "\u0958"s, "pass w\u00F6rd"s}) {
        const auto once = opaque_string(text);
        ASSERT_TRUE(once);
        EXPECT_EQ(opaque_string(*once), once);
        EXPECT_TRUE(is_opaque_string(*once));
    }
    EXPECT_FALSE(is_opaque_string("d\u0307\u0323"));
    EXPECT_FALSE(is_opaque_string(""));
    EXPECT_TRUE(is_opaque_string("plain ~ text"));
}

TEST(OpaqueString, LongRunsOfMarksStayCheap) {
    std::string text = "a";
    for (int i = 0; i < 20'000; ++i) {
        text += i % 2 == 0 ? "\u0307" : "\u0323";
    }
    const auto prepared = opaque_string(text);
    ASSERT_TRUE(prepared);
    EXPECT_TRUE(prepared->starts_with("\u1EA1\u0323"));
}

TEST(Utf8, RoundTripsEveryScalarValue) {
    for (char32_t c = 0; c <= 0x10ffff; ++c) {
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        std::string text;
        append_utf8(text, c);
        std::string_view rest = text;
        ASSERT_EQ(take_utf8(rest), c);
        ASSERT_TRUE(rest.empty());
    }
}

TEST(Utf8, RefusesAndDoesNotMove) {
    for (const std::string& text :
         {"\xc1\x81"s, "\xe0\x9f\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xed\xbf\xbf"s, "\xe2\x82"s, ""s}) {
        std::string_view rest = text;
        EXPECT_EQ(take_utf8(rest), std::nullopt);
        EXPECT_EQ(rest.size(), text.size());
    }
    EXPECT_TRUE(is_utf8("a\u00e9\u20ac\U0001F600"));
    EXPECT_FALSE(is_utf8("a\xe9"));
}

TEST(Percent, EncodesAllButUnreserved) {
    EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percent_encode("a b/:%\xc3\xa9"), "a%20b%2F%3A%25%C3%A9");
    EXPECT_EQ(percent_encode(std::string_view("\0", 1)), "%00");
    EXPECT_EQ(percent_encode_where("a:b%c", [](unsigned char c) { return c == ':'; }), "a%3Ab%25c");
}

TEST(Percent, DecodesOrRefuses) {
    EXPECT_EQ(percent_decode("a%20b%2f%2F+"), "a b//+");
    EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
    for (const auto* bad : {"%", "%4", "%4g", "%g4", "a%", "%%41"}) {
        EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
    }
    std::string every;
    for (int i = 0; i < 256; ++i) {
        every.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(percent_decode(percent_encode(every)), every);
}

} // namespace
} // namespace fairlead::text
