#include "json/scan.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

#include <gtest/gtest.h>

#include <boost/json/src.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace fairlead::json {
namespace {

using namespace std::string_literals;

std::string nested(std::size_t depth, char open, char close) {
    return std::string(depth, open) + std::string(depth, close);
}

const std::vector<std::string> valid = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "10",
    "0.5",
    "1.0e+5",
    "1E5",
    "1e-5",
    "-0.0e-0",
    "123456789012345678901234567890",
    "\"\"",
    "[]",
    "{}",
    " \t\r\n null \t\r\n ",
    "[ ]",
    "{ }",
    "[1,2,3]",
    "[ 1 , [ ] , { } ]",
    R"({"a":1,"b":[true,false,null],"":{}})",
    R"({ "a" : "b" , "c" : -1.5e3 })",
    R"(["\"\\\/\b\f\n\r\t\u0000\u20ac"])",
    R"(["\ud83d\ude00","\uD834\uDD1E"])",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
    "[\"\x7f\"]",
    "\"\xef\xbf\xbe\"", // a noncharacter is a character all the same
    R"({"a":1,"a":2})",
};

const std::vector<std::string> invalid = {
    "",
    " ",
    "nul",
    "nulL",
    "True",
    "truefalse",
    "NaN",
    "Infinity",
    "-Infinity",
    "+1",
    "01",
    "-01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "1.e1",
    "0x10",
    "1 2",
    "1,",
    "--1",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "{\"a\"::1}",
    "{,}",
    "{null:1}",
    "\"",
    "\"abc",
    "\"\\",
    "\"\\\"",
    R"("\x41")",
    R"("\a")",
    R"("\u12")",
    R"("\u12g4")",
    R"("\U0041")",
    R"("\ud800")",
    R"("\udc00")",
    R"("\ud800\u0041")",
    R"("\ud800\ud800")",
    R"("\ud800x")",
    R"("\udc00\ud800")",
    "\"\n\"",
    "\"\t\"",
    "\"\0\""s,
    "\"\x1f\"",
    "\xef\xbb\xbfnull",     // byte order mark
    "\"\x80\"",             // continuation without a lead
    "\"\xc3\"",             // lead without continuation
    "\"\xc0\xaf\"",         // overlong '/'
    "\"\xe0\x80\xaf\"",     // overlong '/'
    "\"\xed\xa0\x80\"",     // surrogate
    "\"\xf4\x90\x80\x80\"", // above U+10FFFF
    "\"\xf8\x88\x80\x80\x80\"",
    "\"\xff\"",
    "[1]\v",
    "\f[1]",
    "\xc2\xa0[1]", // a blank for Unicode, not for JSON
    "// x\n1",
    "1 /* x */",
    "null\0"s,
    "[1]]",
    "{}{}",
    "\"a\" \"b\"",
};

TEST(Scan, AcceptsWhatTheGrammarAllowsAndValueAgrees) {
    for (const std::string& text : valid) {
        EXPECT_TRUE(scan(text)) << text;
        EXPECT_TRUE(Value::parse(text)) << text;
    }
}

TEST(Scan, RefusesWhatTheGrammarDoesNotAllowAndValueAgrees) {
    for (const std::string& text : invalid) {
        const auto scanned = scan(text);
        const auto parsed = Value::parse(text);
        ASSERT_FALSE(scanned) << text;
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(scanned.error(), parsed.error()) << text;
    }
}

TEST(Scan, EveryPrefixOfAnObjectIsRefused) {
    const std::string text = R"({"a":[1,2.5e-3,true,null,"x\u00e9\ud83d\ude00"],"b":{"c":false}})";
    ASSERT_TRUE(scan(text));
    for (std::size_t n = 0; n < text.size(); ++n) {
        const auto cut = scan(std::string_view(text).substr(0, n));
        ASSERT_FALSE(cut) << n;
        EXPECT_EQ(cut.error(), ParseError::truncated) << text.substr(0, n);
    }
}

TEST(Scan, AgreesWithAnIndependentParserOnEveryCase) {
    for (const auto& cases : {valid, invalid}) {
        for (const std::string& text : cases) {
            boost::json::error_code ec;
            boost::json::parse(text, ec);
            EXPECT_EQ(!ec, scan(text).has_value()) << text;
        }
    }
}

TEST(Scan, AgreesWithAnIndependentParserOnEveryByteChange) {
    const std::string text = R"( {"k":[-1.5e2,"a\n\u20AC",{"x":null}],"t":true} )";
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (int b = 0; b < 256; ++b) {
            std::string changed = text;
            changed[i] = static_cast<char>(b);
            boost::json::error_code ec;
            boost::json::parse(changed, ec);
            EXPECT_EQ(!ec, scan(changed).has_value()) << changed;
        }
    }
}

TEST(Scan, DepthCountsTheOutermost) {
    EXPECT_TRUE(scan(nested(64, '[', ']')));
    EXPECT_EQ(scan(nested(65, '[', ']')).error(), ParseError::too_deep);
    EXPECT_TRUE(Value::parse(nested(64, '[', ']')));
    EXPECT_EQ(Value::parse(nested(65, '[', ']')).error(), ParseError::too_deep);
    EXPECT_TRUE(scan("1", {.size = 10, .depth = 0}));
    EXPECT_EQ(scan("[]", {.size = 10, .depth = 0}).error(), ParseError::too_deep);
    // Side by side is not inside each other.
    EXPECT_TRUE(scan("[[],[],[[]],{},{}]", {.size = 100, .depth = 3}));
}

TEST(Scan, HundredThousandBracketsEndWithoutRecursion) {
    const Limits generous{.size = 1'000'000, .depth = 1'000'000};
    EXPECT_EQ(scan(std::string(100'000, '['), generous).error(), ParseError::too_deep);
    EXPECT_EQ(Value::parse(std::string(100'000, '['), generous).error(), ParseError::too_deep);
}

TEST(Scan, SizeIsCheckedFirst) {
    EXPECT_EQ(scan("[1,2,3]", {.size = 6}).error(), ParseError::too_large);
    EXPECT_EQ(Value::parse("[1,2,3]", {.size = 6}).error(), ParseError::too_large);
    EXPECT_TRUE(scan("[1,2,3]", {.size = 7}));
}

TEST(Members, GivesSlicesAsWritten) {
    const auto m = members<3>(
        R"( { "type" : "x" , "other" : [ 1 ] , "body" : { "z" : 1.10 , "a" : 12345678901234567890 , "s" : "\u0041\/" } } )",
        {"type", "body", "target"});
    ASSERT_TRUE(m);
    EXPECT_EQ((*m)[0].raw, R"("x")");
    EXPECT_EQ((*m)[0].kind, Kind::string);
    EXPECT_EQ((*m)[1].raw, R"({ "z" : 1.10 , "a" : 12345678901234567890 , "s" : "\u0041\/" })");
    EXPECT_EQ((*m)[1].kind, Kind::object);
    EXPECT_FALSE((*m)[2].present());
}

TEST(Members, KnowsANameHoweverItIsSpelt) {
    const auto m = members<1>(R"({"\u0074yp\u0065":1})", {"type"});
    ASSERT_TRUE(m);
    EXPECT_EQ((*m)[0].raw, "1");
}

TEST(Members, RefusesAWantedNameTwiceInAnySpelling) {
    EXPECT_EQ((members<1>(R"({"a":1,"a":1})", {"a"}).error()), ParseError::duplicate_member);
    EXPECT_EQ((members<1>(R"({"a":1,"\u0061":2})", {"a"}).error()), ParseError::duplicate_member);
    EXPECT_TRUE((members<1>(R"({"b":1,"b":2,"a":3})", {"a"})));
    // A member inside another value is not a member of this object.
    EXPECT_TRUE((members<1>(R"({"a":{"a":1}})", {"a"})));
}

TEST(Members, ChecksTheWholeTextLikeScan) {
    for (const std::string& text : valid) {
        const std::string object = R"({"x":)" + text + R"(,"y":0})";
        EXPECT_TRUE((members<1>(object, {"y"}))) << text;
    }
    for (const std::string& text : invalid) {
        const std::string object = R"({"x":)" + text + R"(,"y":0})";
        const auto found = members<1>(object, {"y"});
        EXPECT_EQ(found.has_value(), scan(object).has_value()) << object;
        if (!text.empty() && text != " ") {
            EXPECT_FALSE((members<1>(text, {"y"}))) << text;
        }
    }
    EXPECT_EQ((members<1>("[]", {"a"}).error()), ParseError::not_an_object);
    EXPECT_EQ((members<1>("null", {"a"}).error()), ParseError::not_an_object);
    EXPECT_EQ((members<1>("nul", {"a"}).error()), ParseError::truncated);
    EXPECT_EQ((members<1>("{} x", {"a"}).error()), ParseError::trailing_text);
    EXPECT_EQ((members<1>(" ", {"a"}).error()), ParseError::truncated);
    EXPECT_EQ((members<1>("{\"a\":" + nested(64, '[', ']') + "}", {"a"}).error()), ParseError::too_deep);
    EXPECT_TRUE((members<1>("{\"a\":" + nested(63, '[', ']') + "}", {"a"})));
}

TEST(Elements, WalksAnArrayAndNothingElse) {
    const auto array = scan(R"([ 1 , "a,]" , [2,3] , {"x":[4]} , null ])");
    ASSERT_TRUE(array);
    Elements elements(*array);
    std::vector<std::string> raw;
    while (const auto element = elements.next()) {
        raw.emplace_back(element->raw);
    }
    EXPECT_EQ(raw, (std::vector<std::string>{"1", R"("a,]")", "[2,3]", R"({"x":[4]})", "null"}));
    EXPECT_FALSE(Elements(*scan("[ ]")).next());
    EXPECT_FALSE(Elements(*scan("{\"a\":1}")).next());
    EXPECT_FALSE(Elements(*scan("12")).next());
}

TEST(TextOf, UndoesEveryEscape) {
    const auto text = [](std::string_view raw) { return text_of(*scan(raw)); };
    EXPECT_EQ(text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(text(R"("a\u0041\u00e9\u20AC\ud83d\uDE00z")"), "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    EXPECT_EQ(text(R"("\u0000")"), std::string(1, '\0'));
    EXPECT_EQ(text(R"("")"), "");
    EXPECT_EQ(text("12"), std::nullopt);
}

TEST(Value, ReadsNumbersExactly) {
    const auto parse = [](std::string_view text) { return *Value::parse(text); };
    EXPECT_EQ(parse("9223372036854775807").integer(), INT64_MAX);
    EXPECT_EQ(parse("-9223372036854775808").integer(), INT64_MIN);
    EXPECT_EQ(parse("9223372036854775808").integer(), std::nullopt);
    EXPECT_EQ(parse("18446744073709551615").natural(), UINT64_MAX);
    EXPECT_EQ(parse("18446744073709551616").natural(), std::nullopt);
    EXPECT_EQ(parse("18446744073709551616").number(), 18446744073709551616.0);
    EXPECT_EQ(parse("-1").natural(), std::nullopt);
    EXPECT_EQ(parse("1.0").integer(), std::nullopt);
    EXPECT_EQ(parse("1e2").integer(), std::nullopt);
    EXPECT_EQ(parse("1e2").number(), 100.0);
    EXPECT_EQ(parse("0.1").number(), 0.1);
    EXPECT_EQ(parse("2.2250738585072011e-308").number(), 2.2250738585072011e-308);
    EXPECT_EQ(parse("42").number(), 42.0);
}

TEST(Value, RefusesNumbersThatNoDoubleCarriesAndRoundsTinyOnesToZero) {
    EXPECT_EQ(Value::parse("1e400").error(), ParseError::number_out_of_range);
    EXPECT_EQ(Value::parse("-1e400").error(), ParseError::number_out_of_range);
    EXPECT_EQ(Value::parse("1" + std::string(400, '0')).error(), ParseError::number_out_of_range);
    EXPECT_EQ(Value::parse("1e99999999999999999999").error(), ParseError::number_out_of_range);
    EXPECT_EQ(Value::parse("1e-400")->number(), 0.0);
    EXPECT_EQ(Value::parse("0." + std::string(400, '0') + "1")->number(), 0.0);
    EXPECT_EQ(Value::parse("-1e-99999999999999999999")->number(), 0.0);
    EXPECT_EQ(Value::parse("0e99999999999")->number(), 0.0);
    EXPECT_TRUE(scan("1e400")) << "what is only passed on has no range";
}

TEST(Value, FindsMembersAndKeepsTheirOrder) {
    const auto v = Value::parse(R"({"z":[1,{"k":"v"}],"a":{"b":{}},"t":"x","n":null})");
    ASSERT_TRUE(v);
    ASSERT_NE(v->object(), nullptr);
    EXPECT_EQ(v->object()->at(0).name, "z");
    EXPECT_EQ(v->object()->at(3).name, "n");
    EXPECT_EQ(v->text("t"), "x");
    EXPECT_EQ(v->text("z"), std::nullopt);
    EXPECT_EQ(v->text("missing"), std::nullopt);
    EXPECT_TRUE(v->find("n")->is_null());
    EXPECT_EQ(v->find("missing"), nullptr);
    EXPECT_EQ(v->find("z")->array()->at(1).text("k"), "v");
    EXPECT_NE(v->find("a")->find("b")->object(), nullptr);
    EXPECT_EQ(Value::parse("[1]")->find("a"), nullptr);
    EXPECT_EQ(Value::parse("true")->boolean(), true);
    EXPECT_EQ(Value::parse("\"true\"")->boolean(), std::nullopt) << "a text is not a boolean";
}

TEST(Value, LastDuplicateWinsUnlessRefused) {
    const std::string_view text = R"({"a":1,"b":2,"a":3,"\u0062":4,"c":5})";
    const auto lenient = Value::parse(text);
    ASSERT_TRUE(lenient);
    EXPECT_EQ(lenient->object()->size(), 3U);
    EXPECT_EQ(lenient->find("a")->integer(), 3);
    EXPECT_EQ(lenient->find("b")->integer(), 4);
    EXPECT_EQ(lenient->find("c")->integer(), 5);
    EXPECT_EQ(Value::parse(text, {}, Value::Duplicates::refused).error(), ParseError::duplicate_member);
    EXPECT_EQ(Value::parse(R"([{"x":{"a":1,"a":2}}])", {}, Value::Duplicates::refused).error(),
              ParseError::duplicate_member);
    EXPECT_TRUE(Value::parse(R"({"a":{"a":[{"a":1},{"a":1}]}})", {}, Value::Duplicates::refused));
}

TEST(Writer, PlacesCommasAndColons) {
    Writer out;
    out.begin_object()
        .member("a", 1)
        .key("b")
        .begin_array()
        .value(true)
        .null()
        .begin_object()
        .end_object()
        .begin_array()
        .end_array()
        .value("x")
        .end_array()
        .member("c", -1.5)
        .key("d")
        .raw(*scan("{ \"k\" : 1.0 }"))
        .member("e", std::uint64_t{18446744073709551615U})
        .end_object();
    EXPECT_EQ(out.text(), R"({"a":1,"b":[true,null,{},[],"x"],"c":-1.5,"d":{ "k" : 1.0 },"e":18446744073709551615})");
    EXPECT_TRUE(scan(out.text()));
}

TEST(Writer, TextComesBackWhateverItIs) {
    std::string every;
    for (int c = 0; c < 128; ++c) {
        every.push_back(static_cast<char>(c));
    }
    every += "\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80";
    std::string json;
    append_string(json, every);
    const auto back = scan(json);
    ASSERT_TRUE(back) << json;
    EXPECT_EQ(text_of(*back), every);
    EXPECT_EQ(json.find("\xe2\x80\xa8"), std::string::npos) << "U+2028 goes out escaped";
}

TEST(Writer, BytesThatAreNotUtf8BecomeReplacementCharacters) {
    std::string json;
    append_string(json, "a\xff\xc3z\xed\xa0\x80");
    EXPECT_EQ(json, "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_TRUE(scan(json));
}

TEST(Writer, InfinitiesAreNull) {
    Writer out;
    out.begin_array().value(1e308 * 10).value(0.1).value(1e21).end_array();
    EXPECT_TRUE(scan(out.text()));
    EXPECT_EQ(out.text(), "[null,0.1,1e+21]");
}

} // namespace
} // namespace fairlead::json
