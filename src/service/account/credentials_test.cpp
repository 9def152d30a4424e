#include "account/credentials.hpp"

#include "bytes/hex.hpp"

#include <gtest/gtest.h>

namespace fairlead::account {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr UnixTime now = unix_time(1'733'000'000);
constexpr std::string_view realm = "north.gov";

turn::Claim named(std::string_view username) {
    return {.realm = realm, .username = username, .userhash = {}};
}

Credentials credentials(std::vector<std::string_view> users, SharedSecretOptions options = {},
                        std::vector<std::string> secrets = {"north"}) {
    Users list(realm);
    for (const auto text : users) {
        const auto user = User::parse(text);
        EXPECT_TRUE(user) << text;
        EXPECT_TRUE(list.add(*user)) << text;
    }
    return {std::move(list), std::make_shared<const SharedSecrets>(std::move(secrets), options)};
}

const turn::Account* account(const turn::CredentialAnswer& answer) {
    return std::get_if<turn::Account>(&answer);
}

bool is_unknown(const turn::CredentialAnswer& answer) {
    return std::holds_alternative<turn::UnknownUser>(answer);
}

TEST(User, ReadsPasswordOrKey) {
    const auto with_password = User::parse("gorst:he:ro");
    ASSERT_TRUE(with_password);
    EXPECT_EQ(with_password->name, "gorst");
    EXPECT_EQ(std::get<std::string>(with_password->secret), "he:ro");
    const auto with_key = User::parse("gorst:0x7da2270ccfa49786e0115366d3a3d14d");
    ASSERT_TRUE(with_key);
    EXPECT_EQ(bytes::to_hex(std::get<crypto::Md5>(with_key->secret)), "7da2270ccfa49786e0115366d3a3d14d");
}

TEST(User, RefusesWhatIsNoUser) {
    EXPECT_EQ(User::parse("gorst").error(), UserError::no_separator);
    EXPECT_EQ(User::parse(":hero").error(), UserError::empty_name);
    EXPECT_EQ(User::parse("gorst:").error(), UserError::empty_password);
    EXPECT_EQ(User::parse("gorst:0x12").error(), UserError::bad_key);
    EXPECT_EQ(User::parse("gorst:0x7da2270ccfa49786e0115366d3a3d14g").error(), UserError::bad_key);
    EXPECT_EQ(User::parse("go\trst:hero").error(), UserError::not_opaque_string);
    EXPECT_EQ(User::parse("gorst:he\tro").error(), UserError::not_opaque_string);
    EXPECT_EQ(User::parse(std::string(509, 'a') + ":hero").error(), UserError::name_too_long);
    Users users(realm);
    EXPECT_TRUE(users.add(*User::parse("gorst:hero")));
    EXPECT_EQ(users.add(*User::parse("gorst:other")).error(), UserError::duplicate);
}

TEST(Credentials, StaticUserHasBothKeys) {
    auto store = credentials({"gorst:hero"});
    const auto answer = store.find(named("gorst"), now);
    ASSERT_NE(account(answer), nullptr);
    const auto keys = account(answer)->candidates();
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(bytes::to_hex(*keys[0].md5), "7da2270ccfa49786e0115366d3a3d14d");
    EXPECT_EQ(*keys[0].sha256, crypto::sha256(as_bytes("gorst:north.gov:hero")));
    EXPECT_EQ(account(answer)->user, "gorst");
    EXPECT_EQ(account(answer)->expires, UnixTime::max());
}

TEST(Credentials, UserKnownByKeyAloneCannotUseSha256) {
    auto store = credentials({"gorst:0x7da2270ccfa49786e0115366d3a3d14d"});
    const auto answer = store.find(named("gorst"), now);
    ASSERT_NE(account(answer), nullptr);
    EXPECT_EQ(bytes::to_hex(*account(answer)->candidates()[0].md5), "7da2270ccfa49786e0115366d3a3d14d");
    EXPECT_FALSE(account(answer)->candidates()[0].sha256);
}

TEST(Credentials, NamesAndPasswordsArePrepared) {
    auto store = credentials({"Jos\u00e9:pass\u00a0w\u212brd"});
    const auto composed = store.find(named("Jos\u00e9"), now);
    const auto decomposed = store.find(named("Jose\u0301"), now);
    ASSERT_NE(account(composed), nullptr);
    ASSERT_NE(account(decomposed), nullptr);
    EXPECT_EQ(account(decomposed)->user, "Jos\u00e9");
    EXPECT_EQ(account(composed)->candidates()[0].md5, crypto::md5(as_bytes("Jos\u00e9:north.gov:pass w\u00c5rd")));
}

TEST(Credentials, UserhashFindsStaticUsersOnly) {
    auto store = credentials({"gorst:hero"});
    const auto hash = stun::userhash("gorst", realm);
    const auto answer = store.find({.realm = realm, .username = {}, .userhash = hash}, now);
    ASSERT_NE(account(answer), nullptr);
    EXPECT_EQ(account(answer)->username, "gorst");
    const auto ephemeral = stun::userhash("1733003600:alice", realm);
    EXPECT_TRUE(is_unknown(store.find({.realm = realm, .username = {}, .userhash = ephemeral}, now)));
    EXPECT_TRUE(is_unknown(store.find({.realm = realm, .username = {}, .userhash = as_bytes("short")}, now)));
}

TEST(Credentials, EphemeralNameHasAKeyPerSecretAndItsUserAsQuotaIdentity) {
    auto store = credentials({"gorst:hero"}, {}, {"north", "south"});
    const auto answer = store.find(named("1733003600:alice"), now);
    ASSERT_NE(account(answer), nullptr);
    EXPECT_EQ(account(answer)->username, "1733003600:alice");
    EXPECT_EQ(account(answer)->user, "alice");
    EXPECT_EQ(account(answer)->expires, unix_time(1'733'003'600));
    ASSERT_EQ(account(answer)->candidates().size(), 2U);
    EXPECT_EQ(account(answer)->candidates()[0].md5,
              stun::long_term_keys("1733003600:alice", realm, ephemeral_password("north", "1733003600:alice")).md5);
    EXPECT_EQ(account(answer)->candidates()[1].sha256,
              stun::long_term_keys("1733003600:alice", realm, ephemeral_password("south", "1733003600:alice")).sha256);
}

TEST(Credentials, QuotaIdentityIsTheSameForEveryFormOfOneUsersNames) {
    auto store = credentials({});
    const auto identity = [&](std::string_view name) {
        const auto answer = store.find(named(name), now);
        return account(answer) != nullptr ? account(answer)->user : "unknown";
    };
    EXPECT_EQ(identity("1733003600:alice"), "alice");
    EXPECT_EQ(identity("1733003601:alice"), "alice");
    EXPECT_EQ(identity("alice:1733003602"), "alice");
    EXPECT_EQ(identity("1733003600:Jose\u0301"), "Jos\u00e9");
    EXPECT_EQ(identity("1733003600"), "1733003600") << "no user part: every credential counts for itself";
}

TEST(Credentials, NoMoreKeysThanTheServerTries) {
    auto store = credentials({}, {.accept_hex = true}, {"a", "b", "c"});
    const auto answer = store.find(named("1733003600:alice"), now);
    ASSERT_NE(account(answer), nullptr);
    EXPECT_EQ(account(answer)->candidates().size(), turn::Account::max_keys);
}

TEST(Credentials, ExpiredNameComesWithItsExpiryAndTooLongALifeNotAtAll) {
    auto store = credentials({});
    const auto expired = store.find(named("1732999688:alice"), now);
    ASSERT_NE(account(expired), nullptr);
    EXPECT_LT(account(expired)->expires, now);
    EXPECT_TRUE(is_unknown(store.find(named("2733000000:alice"), now)));
    EXPECT_TRUE(is_unknown(store.find(named("alice"), now)));
    EXPECT_TRUE(is_unknown(store.find(named(""), now)));
}

TEST(Credentials, StaticUsersWithoutSecretsAndSecretsWithoutUsers) {
    Users users(realm);
    ASSERT_TRUE(users.add(*User::parse("gorst:hero")));
    Credentials only_users(std::move(users), nullptr);
    EXPECT_NE(account(only_users.find(named("gorst"), now)), nullptr);
    EXPECT_TRUE(is_unknown(only_users.find(named("1733003600:alice"), now)));
    auto only_secrets = credentials({});
    EXPECT_TRUE(is_unknown(only_secrets.find(named("gorst"), now)));
}

TEST(Explain, SaysInPlainWordsWhatIsWrong) {
    auto store = credentials({"gorst:hero"});
    const auto why = [&](std::string_view name) { return store.explain(named(name), now).to_string(); };
    EXPECT_EQ(why("1732999688:alice"), "expired 312 s ago");
    EXPECT_EQ(why(std::to_string(unix_seconds(now + days{7}) + 5) + ":alice"),
              "expiry is 5 s further ahead than this server accepts");
    EXPECT_EQ(why("nobody"), "no such user, and no expiry in the name");
    EXPECT_EQ(why("gorst"), "wrong password");
    EXPECT_EQ(why("1733003600:alice"), "wrong password");
    EXPECT_EQ(why("a\tb"), "username has characters that RFC 8265 does not allow");
    EXPECT_EQ(store.explain({.realm = "south.gov", .username = "gorst", .userhash = {}}, now).to_string(),
              "realm is not ours");
}

TEST(Explain, RecognizesTheHexadecimalMistake) {
    auto store = credentials({}, {}, {"south", "north"});
    const std::string name = "1733003600:alice";
    const auto used = stun::long_term_keys(name, realm, ephemeral_password_in_hex("north", name));
    const auto verifies = [&](const stun::LongTermKeys& keys) { return keys.md5 == used.md5; };
    EXPECT_EQ(store.explain(named(name), now, verifies).to_string(),
              "password is hexadecimal of the right HMAC; clients must send base64");
    EXPECT_EQ(store.explain(named(name), now, [](const auto&) { return false; }).diagnosis, Diagnosis::valid_name);
}

} // namespace
} // namespace fairlead::account
