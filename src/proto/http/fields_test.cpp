#include "http/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::http {
namespace {

using ::testing::ElementsAre;

TEST(Fields, AreFoundWithoutLetterCaseAndKeepTheirOrder) {
    Fields fields;
    ASSERT_TRUE(fields.add("Host", "example.org"));
    ASSERT_TRUE(fields.add("Via", "a"));
    ASSERT_TRUE(fields.add("VIA", "b"));
    EXPECT_EQ(fields.find("hOsT"), "example.org");
    EXPECT_EQ(fields.find("via"), "a");
    EXPECT_EQ(fields.count("via"), 2U);
    EXPECT_EQ(fields.find("Ho"), std::nullopt);
    std::vector<std::string> names;
    for (const auto& field : fields) {
        names.emplace_back(field.name);
    }
    EXPECT_THAT(names, ElementsAre("Host", "Via", "VIA"));
}

TEST(Fields, RefuseNamesAndValuesThatWouldBecomeOtherHeaderLines) {
    Fields fields;
    EXPECT_FALSE(fields.add("X", "a\r\nSet-Cookie: b"));
    EXPECT_FALSE(fields.add("X", "a\nb"));
    EXPECT_FALSE(fields.add("X", "a\rb"));
    EXPECT_FALSE(fields.add("X", std::string_view("a\0b", 3)));
    EXPECT_FALSE(fields.add("X", " a"));
    EXPECT_FALSE(fields.add("X:", "a"));
    EXPECT_FALSE(fields.add("X Y", "a"));
    EXPECT_FALSE(fields.add("", "a"));
    EXPECT_TRUE(fields.empty());
    EXPECT_TRUE(fields.add("X", "a\tb \xc3\xa4"));
}

TEST(Fields, SetReplacesEveryFieldOfThatName) {
    Fields fields;
    ASSERT_TRUE(fields.add("A", "1"));
    ASSERT_TRUE(fields.add("B", "2"));
    ASSERT_TRUE(fields.add("a", "3"));
    ASSERT_TRUE(fields.set("A", "4"));
    EXPECT_EQ(fields.count("A"), 1U);
    EXPECT_EQ(fields.find("A"), "4");
    EXPECT_EQ(fields.find("B"), "2");
    EXPECT_FALSE(fields.set("A", "\n")) << "and a bad value replaces nothing";
    EXPECT_EQ(fields.find("A"), "4");
}

TEST(Fields, ListsSeeTheElementsOfAllFieldsOfOneName) {
    Fields fields;
    ASSERT_TRUE(fields.add("Connection", "keep-alive, ,Upgrade"));
    ASSERT_TRUE(fields.add("connection", "x"));
    EXPECT_TRUE(fields.lists("Connection", "upgrade"));
    EXPECT_TRUE(fields.lists("Connection", "X"));
    EXPECT_FALSE(fields.lists("Connection", "keep"));
    EXPECT_FALSE(fields.lists("Upgrade", "upgrade"));
}

} // namespace
} // namespace fairlead::http
