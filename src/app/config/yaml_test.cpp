#include "config/suggest.hpp"
#include "config/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairlead::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Origin here{Origin::Kind::file, "f.yaml", 0, 0};

std::vector<std::string> problems_in(std::string_view text) {
    Problems problems;
    const auto root = parse_yaml(text, here, problems);
    EXPECT_EQ(root.has_value(), problems.empty());
    std::vector<std::string> lines;
    for (const Problem& problem : problems) {
        lines.push_back(problem.to_string());
    }
    return lines;
}

TEST(Yaml, EveryValueKnowsItsLineAndColumn) {
    Problems problems;
    const auto root = parse_yaml("turn:\n  realm: example.org\n  secrets:\n    - a\n    - b\n", here, problems);
    ASSERT_TRUE(root);
    const Node& turn = root->entries.at(0).value;
    EXPECT_EQ(turn.entries.at(0).key.at.to_string(), "f.yaml:2:3");
    EXPECT_EQ(turn.entries.at(0).value.at.to_string(), "f.yaml:2:10");
    EXPECT_EQ(turn.entries.at(1).value.items.at(1).at.to_string(), "f.yaml:5:7");
    EXPECT_EQ(turn.entries.at(1).value.items.at(1).text, "b");
}

TEST(Yaml, EmptyAndCommentedOutDocumentsAreNull) {
    for (const auto* text : {"", "# nothing\n", "---\n"}) {
        Problems problems;
        const auto root = parse_yaml(text, here, problems);
        ASSERT_TRUE(root) << text;
        EXPECT_EQ(root->kind, Node::Kind::null) << text;
    }
}

TEST(Yaml, DuplicateKeyIsRefusedAtItsSecondPlaceWithTheFirstNamed) {
    EXPECT_THAT(problems_in("turn:\n  realm: a\n  software: x\n  realm: b\n"),
                ElementsAre("f.yaml:4:3: \"realm\" is here twice; it stands first in line 2"));
}

TEST(Yaml, TabInTheIndentationIsNamedWhereItStands) {
    EXPECT_THAT(problems_in("turn:\n\trealm: a\n  \tsoftware: b\n"),
                ElementsAre("f.yaml:2:1: a tab; YAML is indented with spaces only",
                            "f.yaml:3:3: a tab; YAML is indented with spaces only"));
}

TEST(Yaml, TabBehindAValueOrOnAnEmptyLineIsHarmless) {
    EXPECT_THAT(problems_in("turn:\n\t\n  realm: a\t# comment\n"), IsEmpty());
}

TEST(Yaml, AliasesAreRefused) {
    EXPECT_THAT(problems_in("a: &x [1]\nb: *x\n"),
                ElementsAre("f.yaml:2:4: aliases (*name) are not used here; write the value again"));
}

TEST(Yaml, SecondDocumentIsRefused) {
    EXPECT_THAT(problems_in("a: 1\n---\nb: 2\n"),
                ElementsAre("f.yaml:3:1: a second document; one file is one document"));
}

TEST(Yaml, ListAsAKeyIsRefused) {
    EXPECT_THAT(problems_in("[a, b]: 1\n"), ElementsAre("f.yaml:1:1: a key must be a plain text"));
}

TEST(Yaml, WhatIsNotYamlIsRefusedWithItsPlace) {
    EXPECT_THAT(problems_in("turn: [1, 2\n"), ElementsAre(testing::StartsWith("f.yaml:2:1: not YAML: ")));
}

TEST(Yaml, DeepNestingIsRefusedAndDoesNotOverflowTheStack) {
    EXPECT_THAT(problems_in(std::string(100'000, '[')), ElementsAre(testing::HasSubstr("not YAML: ")));
}

TEST(Yaml, FlowStyleReadsBackAsTheSameNode) {
    const std::vector<std::string> texts = {
        "plain", "",      "~",    "null",  "-",          "- a",    "a: b", "[::]:3478", "x,y",  "{",    "}",
        "# no",  "\"q\"", "\\",   "tab\t", "a\nb",       " space", "*",    "&a",        "!tag", "0x1f", "a b",
        "ünï",   "a:",    "\x01", "true",  "10.0.0.0/8", "%x",     "@y",   "`z`",       "'",    "?"};
    std::vector<Node> items;
    std::vector<Entry> entries;
    for (const std::string& text : texts) {
        items.push_back(Node::scalar(text));
        entries.push_back({Node::scalar(text), Node::scalar(text)});
    }
    Problems problems;
    const auto list = parse_yaml(write_flow(Node::sequence(items)), here, problems);
    const auto map = parse_yaml(write_flow(Node::mapping(entries)), here, problems);
    ASSERT_TRUE(list && map) << problems.front().to_string();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(list->items.at(i).text, texts[i]);
        EXPECT_EQ(list->items.at(i).kind, Node::Kind::scalar) << texts[i];
        EXPECT_EQ(map->entries.at(i).key.text, texts[i]);
        EXPECT_EQ(map->entries.at(i).value.text, texts[i]);
    }
}

TEST(EditDistance, CountsEachKindOfMistakeOnce) {
    EXPECT_EQ(edit_distance("realm", "realm"), 0U);
    EXPECT_EQ(edit_distance("relm", "realm"), 1U);
    EXPECT_EQ(edit_distance("reaalm", "realm"), 1U);
    EXPECT_EQ(edit_distance("raelm", "realm"), 1U);
    EXPECT_EQ(edit_distance("rexlm", "realm"), 1U);
    EXPECT_EQ(edit_distance("", "realm"), 5U);
}

TEST(Closest, IsSilentWhenNothingIsNear) {
    const std::vector<std::string> names = {"realm", "secrets", "users"};
    EXPECT_EQ(closest("secret", names), "secrets");
    EXPECT_EQ(closest("user", names), "users");
    EXPECT_EQ(closest("bandwidth", names), std::nullopt);
    EXPECT_EQ(closest(std::string(10'000, 'a'), names), std::nullopt);
}

} // namespace
} // namespace fairlead::config
