#include "account/shared_secret.hpp"

#include "text/opaque_string.hpp"

#include <gtest/gtest.h>

namespace fairlead::account {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr UnixTime now = unix_time(1'733'000'000);
constexpr UnixTime long_ago = unix_time(1'433'895'000);

SharedSecrets north(SharedSecretOptions options = {}) {
    return SharedSecrets({"north"}, options);
}

TEST(EphemeralPassword, KnownValues) {
    EXPECT_EQ(ephemeral_password("north", "1433895918:lt"), "2xdqwC6lR7MsT95oCtdpr0IsMUk=");
    EXPECT_EQ(ephemeral_password("north", "4102444800:alice"), "58Tl4e2VjINId23vxEnD/7NNBaQ=");
    EXPECT_EQ(ephemeral_password_in_hex("north", "4102444800:alice"), "e7c4e5e1ed958c8348776defc449c3ffb34d05a4");
}

TEST(EphemeralUsername, ExpiryStandsBeforeOrBehindTheFirstSeparatorOrAlone) {
    const auto read = [](std::string_view name) { return parse_ephemeral_username(name, ':'); };
    const auto expect = [&](std::string_view name, std::int64_t expiry, std::string_view user) {
        const auto parsed = read(name);
        ASSERT_TRUE(parsed) << name;
        EXPECT_EQ(unix_seconds(parsed->expiry), expiry) << name;
        EXPECT_EQ(parsed->user, user) << name;
    };
    expect("1733000000", 1'733'000'000, "");
    expect("1733000000:alice", 1'733'000'000, "alice");
    expect("alice:1733000000", 1'733'000'000, "alice");
    expect("1733000000:", 1'733'000'000, "");
    expect("1733000000:a:b", 1'733'000'000, "a:b");
    expect("1733000000:1800000000", 1'733'000'000, "1800000000");
    expect("17a:1733000000", 1'733'000'000, "17a");
}

TEST(EphemeralUsername, WhatIsNotADecimalNumberOfSecondsIsRefused) {
    for (const auto* name : {"", ":", ":1733000000", "alice", "alice:", "alice:bob", "-1:alice", "+1733000000:alice",
                             "0x1733:alice", " 1733000000:alice", "1733000000 :alice", "alice:-5", "alice: 5",
                             "alice:1733000000:x", "99999999999999999999:alice", "1733000000.5:alice", "1e9:alice"}) {
        EXPECT_FALSE(parse_ephemeral_username(name, ':')) << name;
    }
}

TEST(EphemeralUsername, SeparatorIsConfigurable) {
    const auto parsed = parse_ephemeral_username("1733000000-al:ice", '-');
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->user, "al:ice");
    EXPECT_FALSE(parse_ephemeral_username("1733000000:alice", '-'));
}

TEST(UserPart, KeepsPlainNames) {
    EXPECT_EQ(user_part("alice", ':'), "alice");
    EXPECT_EQ(user_part("a b-c_d@e.org", ':'), "a b-c_d@e.org");
    EXPECT_EQ(user_part("Jos\u00e9", ':'), "Jos\u00e9");
}

TEST(UserPart, EncodesWhatWouldBeReadDifferently) {
    EXPECT_EQ(user_part("a:b", ':'), "a%3Ab");
    EXPECT_EQ(user_part("a-b", '-'), "a%2Db");
    EXPECT_EQ(user_part("a%3Ab", ':'), "a%253Ab") << "else it would be the same as a:b";
    EXPECT_EQ(user_part("a\nb\x7f", ':'), "a%0Ab%7F");
    EXPECT_EQ(user_part("Jose\u0301", ':'), "Jose%CC%81") << "would be composed on the way";
    EXPECT_EQ(user_part("a\u200Bb", ':'), "a%E2%80%8Bb") << "PRECIS does not let it through";
    EXPECT_EQ(user_part("\xff", ':'), "%FF");
}

TEST(UserPart, LongNamesBecomeTheirHash) {
    EXPECT_EQ(user_part(std::string(200, 'a'), ':'), std::string(200, 'a'));
    EXPECT_EQ(user_part(std::string(201, 'a'), ':').size(), 64U);
    EXPECT_EQ(user_part(std::string(100, ':'), ':').size(), 64U) << "what counts is the encoded length";
    EXPECT_NE(user_part(std::string(201, 'a'), ':'), user_part(std::string(202, 'a'), ':'));
}

TEST(SharedSecrets, IssuesWhatItAccepts) {
    const auto secrets = north();
    for (const std::string user : {"alice", "a:b", "Jose\u0301", "", "12345", "\u4e2d\u6587"}) {
        const auto credential = secrets.issue(now, user, hours{12});
        EXPECT_EQ(credential.expiry, now + hours{12});
        EXPECT_EQ(credential.password.size(), 28U);
        EXPECT_TRUE(text::is_opaque_string(credential.username));
        const auto checked = secrets.check(now, credential.username);
        ASSERT_TRUE(checked) << credential.username;
        EXPECT_EQ(checked->expiry, credential.expiry);
        EXPECT_EQ(checked->user, user_part(user, ':'));
        EXPECT_TRUE(secrets.accepts(credential.username, credential.password));
    }
    EXPECT_EQ(secrets.issue(now, "alice", hours{1}).username, "1733003600:alice");
    EXPECT_EQ(secrets.issue(now, "", hours{1}).username, "1733003600");
}

TEST(SharedSecrets, NeverIssueALifeThatTheyWouldNotAccept) {
    const auto secrets = north({.longest_life = hours{1}});
    const auto credential = secrets.issue(now, "alice", days{30});
    EXPECT_EQ(credential.expiry, now + hours{1});
    EXPECT_TRUE(secrets.check(now, credential.username));
}

TEST(SharedSecrets, ExpiryIsTheLastValidSecond) {
    const auto secrets = north();
    EXPECT_TRUE(secrets.check(now, "1733000000:a"));
    EXPECT_EQ(secrets.check(now + seconds{1}, "1733000000:a").error(), SharedSecrets::Refusal::expired);
    EXPECT_EQ(secrets.check(now, "0:a").error(), SharedSecrets::Refusal::expired);
    EXPECT_EQ(secrets.check(now, "alice").error(), SharedSecrets::Refusal::malformed);
    EXPECT_TRUE(north().check(long_ago, "1433895918:lt"));
}

TEST(SharedSecrets, LifeBeyondTheLimitIsRefusedUnlessThereIsNone) {
    const std::string in_ten_years = std::to_string(unix_seconds(now + days{3650})) + ":a";
    EXPECT_EQ(north().check(now, in_ten_years).error(), SharedSecrets::Refusal::life_too_long);
    EXPECT_TRUE(north({.longest_life = seconds{0}}).check(now, in_ten_years));
    EXPECT_TRUE(north().check(now, std::to_string(unix_seconds(now + days{7})) + ":a"));
    EXPECT_FALSE(north().check(now, std::to_string(unix_seconds(now + days{7}) + 1) + ":a"));
    EXPECT_EQ(north().check(now, "9223372036854775807:a").error(), SharedSecrets::Refusal::life_too_long);
    EXPECT_EQ(north().check(unix_time(-5), "9223372036854775807:a").error(), SharedSecrets::Refusal::life_too_long)
        << "the difference does not fit into 64 bits";
}

TEST(SharedSecrets, RotationAcceptsOldAndNewAndIssuesWithTheFirst) {
    const SharedSecrets rotating({"new", "", "old"});
    EXPECT_EQ(rotating.secrets().size(), 2U);
    const auto by_old = SharedSecrets({"old"}).issue(now, "alice", hours{1});
    EXPECT_TRUE(rotating.accepts(by_old.username, by_old.password));
    const auto issued = rotating.issue(now, "alice", hours{1});
    EXPECT_EQ(issued.password, ephemeral_password("new", issued.username));
    EXPECT_FALSE(rotating.accepts(issued.username, ephemeral_password("other", issued.username)));
    EXPECT_TRUE(SharedSecrets({""}).empty());
}

TEST(SharedSecrets, HexadecimalIsAcceptedOnlyOnRequest) {
    const std::string hex = "e7c4e5e1ed958c8348776defc449c3ffb34d05a4";
    EXPECT_FALSE(north().accepts("4102444800:alice", hex));
    const auto lenient = north({.accept_hex = true});
    EXPECT_TRUE(lenient.accepts("4102444800:alice", hex));
    EXPECT_TRUE(lenient.accepts("4102444800:alice", "58Tl4e2VjINId23vxEnD/7NNBaQ="));
}

} // namespace
} // namespace fairlead::account
