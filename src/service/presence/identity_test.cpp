#include "presence/identity.hpp"

#include "json/scan.hpp"
#include "json/writer.hpp"

#include <gtest/gtest.h>

namespace fairlead::presence {
namespace {

std::string id_text(const UserId& id, UserIdForm form) {
    json::Writer out;
    write_id(out, id, form);
    return out.take();
}
std::string info_text(const UserInfo& info, UserIdForm form) {
    json::Writer out;
    write_info(out, info, form);
    return out.take();
}

TEST(Identity, WritesBothForms) {
    const UserInfo user{"https://op/realms/a", "s-1", "alice"};
    EXPECT_EQ(id_text(user.id(), UserIdForm::issuer), R"({"issuer":"https://op/realms/a","subject":"s-1"})");
    EXPECT_EQ(info_text(user, UserIdForm::issuer),
              R"({"issuer":"https://op/realms/a","subject":"s-1","username":"alice"})");
    EXPECT_EQ(id_text(user.id(), UserIdForm::username), R"({"username":"alice"})");
    EXPECT_EQ(info_text(user, UserIdForm::username), R"({"username":"alice"})");
    EXPECT_EQ(info_text({"i", "s", ""}, UserIdForm::issuer), R"({"issuer":"i","subject":"s"})");
}

TEST(Identity, ReadsBothForms) {
    const auto read = [](std::string_view text, UserIdForm form) { return read_id(*json::scan(text), form); };
    const auto a = read(R"({"subject":"s","issuer":"i","username":7,"extra":[1]})", UserIdForm::issuer);
    ASSERT_TRUE(a) << "members of the other form do not matter";
    EXPECT_EQ(a->issuer, "i");
    EXPECT_EQ(a->subject, "s");
    const auto b = read(R"({"username":"al\u0069ce"})", UserIdForm::username);
    ASSERT_TRUE(b);
    EXPECT_EQ(b->username, "alice");
    EXPECT_TRUE(read("{}", UserIdForm::issuer));
    EXPECT_TRUE(read(R"({"issuer":null})", UserIdForm::issuer));
    EXPECT_FALSE(read(R"({"issuer":1,"subject":"s"})", UserIdForm::issuer));
    EXPECT_FALSE(read(R"({"username":["a"]})", UserIdForm::username));
    EXPECT_FALSE(read(R"("alice")", UserIdForm::username));
}

TEST(Identity, KeysTellUsersApart) {
    const auto key = [](std::string issuer, std::string subject) {
        return UserId{std::move(issuer), std::move(subject), "n"}.key(UserIdForm::issuer);
    };
    EXPECT_NE(key("a", "bc"), key("ab", "c"));
    EXPECT_NE(key("", "a"), key("a", ""));
    EXPECT_EQ((UserId{"x", "1", "n"}.key(UserIdForm::username)), (UserId{"y", "2", "n"}.key(UserIdForm::username)));
}

TEST(Identity, ValidatesWhatTheFormNeeds) {
    EXPECT_TRUE(validate({"i", "s", ""}, UserIdForm::issuer));
    EXPECT_EQ(validate({"i", "", "u"}, UserIdForm::issuer).error(), IdentityError::missing_subject);
    EXPECT_EQ(validate({"i", "s", ""}, UserIdForm::username).error(), IdentityError::missing_username);
    EXPECT_EQ(validate({"i", std::string(513, 'x'), ""}, UserIdForm::issuer).error(), IdentityError::too_long);
    EXPECT_EQ(validate({"i", std::string("a\0b", 3), ""}, UserIdForm::issuer).error(), IdentityError::invalid_text);
    EXPECT_EQ(validate({"i", "a\xff", ""}, UserIdForm::issuer).error(), IdentityError::invalid_text);
}

TEST(Identity, TypedNamesHaveOneTo64VisibleCharacters) {
    const auto alice = typed_name("Al\u00edce B", "dev");
    ASSERT_TRUE(alice);
    EXPECT_EQ(alice->subject, "Al\u00edce B");
    EXPECT_EQ(alice->username, "Al\u00edce B");
    EXPECT_EQ(alice->issuer, "dev");
    EXPECT_EQ(typed_name("e\u0301", "dev")->subject, "\u00e9");
    std::string sixty_four;
    for (int i = 0; i < 64; ++i) {
        sixty_four += "\u4e2d";
    }
    EXPECT_TRUE(typed_name(sixty_four, "dev"));
    EXPECT_EQ(typed_name(sixty_four + "x", "dev").error(), IdentityError::too_long);
    EXPECT_EQ(typed_name("", "dev").error(), IdentityError::missing_username);
    for (const auto* bad : {" ", " a", "a ", "a\nb", "a\u200bb", "\u202ea", "a\xff", "\u00a0"}) {
        EXPECT_EQ(typed_name(bad, "dev").error(), IdentityError::invalid_text) << bad;
    }
}

} // namespace
} // namespace fairlead::presence
