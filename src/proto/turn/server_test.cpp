#include "bytes/reader.hpp"
#include "turn/fakes.hpp"
#include "turn/reservation.hpp"

#include <gtest/gtest.h>

#include <variant>

namespace fairlead::turn {
namespace {

using fakes::address;
using fakes::Answer;
using fakes::Crafted;
using fakes::World;
using stun::Attribute;
using stun::Class;
using stun::Method;
using namespace std::chrono_literals;

template <class T>
std::vector<T> events_of(World& world) {
    std::vector<T> wanted;
    for (Event& event : world.server->events().take()) {
        if (T* match = std::get_if<T>(&event)) {
            wanted.push_back(std::move(*match));
        }
    }
    return wanted;
}

const auto peer = address("203.0.113.9:7000");
const auto other_peer = address("203.0.113.10:7000");
const auto peer_v6 = address("[2001:db8:1::9]:7000");

TEST(Binding, IsAnsweredWithXorMappedAddressAloneInThirtyTwoBytes) {
    World world;
    const Answer answer = world.ask(world.path(), Crafted(Class::request, Method::binding).bytes());
    EXPECT_EQ(answer.bytes.size(), 32U);
    EXPECT_TRUE(answer.success());
    EXPECT_EQ(answer.message().xor_address(Attribute::xor_mapped_address), world.path().client);
    EXPECT_EQ(answer.message().attribute_count(), 1U);
}

TEST(Binding, EchoesFingerprintOnlyWhenAsked) {
    World world;
    const Answer with = world.ask(world.path(), Crafted(Class::request, Method::binding).fingerprint().bytes());
    EXPECT_TRUE(with.message().has_fingerprint());
    const Answer without = world.ask(world.path(), Crafted(Class::request, Method::binding).bytes());
    EXPECT_FALSE(without.message().has_fingerprint());
}

TEST(Binding, MayNeedCredentials) {
    auto config = World::defaults();
    config.binding_needs_credentials = true;
    World world(config);
    EXPECT_EQ(
        world.ask(world.path(), Crafted(Class::request, Method::binding).put(Attribute::software, "x").bytes()).error(),
        401U);
    const Answer answer = world.ask_signed(world.path(), Crafted(Class::request, Method::binding));
    EXPECT_TRUE(answer.success());
    EXPECT_TRUE(answer.message().integrity_matches(*world.keys().md5));
}

TEST(Silence, MeetsEverythingThatIsNotARequest) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    for (const Class c : {Class::indication, Class::success, Class::error}) {
        for (const Method m : {Method::binding, Method::allocate, Method::data, Method::refresh}) {
            EXPECT_TRUE(world.exchange(world.path(), Crafted(c, m).bytes()).empty());
        }
    }
    EXPECT_TRUE(
        world.exchange(world.path(), Crafted(Class::request, Method{0x0ff}).put(Attribute::software, "x").bytes())
            .empty());
    EXPECT_TRUE(
        world.exchange(world.path(), Crafted(Class::request, Method::connect).put(Attribute::software, "x").bytes())
            .empty());
    EXPECT_EQ(world.server->stats().silent[static_cast<std::size_t>(Silence::not_a_request)].value(), 12U);
    EXPECT_EQ(world.server->stats().silent[static_cast<std::size_t>(Silence::unknown_method)].value(), 2U);
}

TEST(Silence, MeetsWhatIsSwitchedOff) {
    auto config = World::defaults();
    config.answer_bindings = false;
    World relay_only(config);
    EXPECT_TRUE(relay_only.exchange(relay_only.path(), Crafted(Class::request, Method::binding).bytes()).empty());
    config.answer_bindings = true;
    config.relay = false;
    World stun_only(config);
    EXPECT_TRUE(stun_only.exchange(stun_only.path(), Crafted(Class::request, Method::allocate).udp().bytes()).empty());
}

TEST(Challenge, IsSmall) {
    World world;
    const auto request = Crafted(Class::request, Method::allocate).udp().bytes();
    ASSERT_EQ(request.size(), 28U);
    const Answer answer = world.ask(world.path(), request);
    EXPECT_EQ(answer.error(), 401U);
    EXPECT_LE(answer.bytes.size() + 28, 2 * (request.size() + 28));
    EXPECT_EQ(answer.message().text(Attribute::realm), "example.org");
    EXPECT_EQ(answer.message().text(Attribute::nonce)->size(), 24U);
    EXPECT_FALSE(answer.message().has(Attribute::software));
}

TEST(Challenge, OffersSha256WhereTheRequestPaysForIt) {
    World world;
    const Answer paid = world.ask(
        world.path(), Crafted(Class::request, Method::allocate).udp().put(Attribute::software, "a client").bytes());
    EXPECT_TRUE(paid.message().has(Attribute::password_algorithms));
    EXPECT_TRUE(paid.message().text(Attribute::nonce)->starts_with("obMatJos2"));
    const Answer verified =
        world.ask(world.path(4000, net::Transport::tcp), Crafted(Class::request, Method::allocate).udp().bytes());
    EXPECT_TRUE(verified.message().has(Attribute::password_algorithms));
}

TEST(Challenge, BareHeaderGetsTwentyEightBytes) {
    World world;
    for (const Method m : {Method::allocate, Method::refresh, Method::create_permission, Method::channel_bind}) {
        const Answer answer = world.ask(world.path(), Crafted(Class::request, m).bytes());
        EXPECT_EQ(answer.error(), 400U);
        EXPECT_EQ(answer.bytes.size(), 28U);
    }
}

TEST(Authentication, WrongPasswordAndUnknownUserLookAlike) {
    World world;
    Crafted wrong(Class::request, Method::allocate);
    const Answer a = world.ask(world.path(), world.sign(world.path(), wrong.udp(), "alice", "wrong"));
    Crafted unknown(Class::request, Method::allocate);
    const Answer b = world.ask(world.path(), world.sign(world.path(), unknown.udp(), "malle", "secret"));
    EXPECT_EQ(a.error(), 401U);
    EXPECT_EQ(b.error(), 401U);
    EXPECT_EQ(a.bytes.size(), b.bytes.size());
    EXPECT_FALSE(a.message().has_integrity());
    const auto failures = events_of<AuthenticationFailed>(world);
    ASSERT_EQ(failures.size(), 2U);
    EXPECT_EQ(failures[0].reason, AuthFailure::wrong_password);
    EXPECT_EQ(failures[1].reason, AuthFailure::unknown_user);
    EXPECT_EQ(failures[1].username, "malle");
}

TEST(Authentication, AnyOfSeveralKeysIsGood) {
    World world;
    world.users.add("bob", "second");
    for (const char* password : {"hunter2", "second"}) {
        Crafted request(Class::request, Method::allocate, static_cast<std::uint32_t>(password[0]));
        const auto path = world.path(static_cast<std::uint16_t>(5000 + password[0]));
        const Answer answer = world.ask(path, world.sign(path, request.udp(), "bob", password));
        EXPECT_TRUE(answer.success()) << password;
        EXPECT_TRUE(answer.message().integrity_matches(*world.keys("bob", password).md5));
    }
}

TEST(Authentication, MissingAttributesAre400) {
    World world;
    const std::string nonce = world.nonce(world.path());
    const auto key = *world.keys().md5;
    const auto ask = [&](bool username, bool realm, bool with_nonce) {
        Crafted request(Class::request, Method::allocate);
        request.udp();
        if (username) {
            request.put(Attribute::username, "alice");
        }
        if (realm) {
            request.put(Attribute::realm, "example.org");
        }
        if (with_nonce) {
            request.put(Attribute::nonce, nonce);
        }
        return world.ask(world.path(), request.integrity(key).bytes()).error();
    };
    EXPECT_EQ(ask(false, true, true), 400U);
    EXPECT_EQ(ask(true, false, true), 400U);
    EXPECT_EQ(ask(true, true, false), 400U);
    EXPECT_EQ(ask(true, true, true), 0U);
}

TEST(Authentication, ForgedNonceIs438EvenWithForgedIntegrity) {
    World world;
    Crafted request(Class::request, Method::allocate);
    request.udp().put(Attribute::username, "alice").put(Attribute::realm, "example.org");
    request.put(Attribute::nonce, "AAAAAAAAAAAAAAAAAAAAAAAA").integrity(as_bytes("whatever"));
    const Answer answer = world.ask(world.path(), request.bytes());
    EXPECT_EQ(answer.error(), 438U);
    EXPECT_TRUE(answer.message().has(Attribute::nonce));
    EXPECT_EQ(world.users.lookups, 0U);
}

TEST(Authentication, NonceIsGoodForTenMinutesThen438WithAFreshOne) {
    World world;
    const std::string nonce = world.nonce(world.path());
    const auto allocate_with = [&](std::string_view with) {
        Crafted request(Class::request, Method::allocate);
        request.udp()
            .put(Attribute::username, "alice")
            .put(Attribute::realm, "example.org")
            .put(Attribute::nonce, with);
        return world.ask(world.path(), request.integrity(*world.keys().md5).bytes());
    };
    world.advance(601s);
    const Answer stale = allocate_with(nonce);
    EXPECT_EQ(stale.error(), 438U);
    EXPECT_TRUE(allocate_with(*stale.message().text(Attribute::nonce)).success());
}

TEST(Authentication, NonceOfAnotherAddressIsRefusedOfAnotherPortIsNot) {
    World world;
    const std::string nonce = world.nonce(world.path(4000));
    const auto allocate_on = [&](const net::FiveTuple& path) {
        Crafted request(Class::request, Method::allocate);
        request.udp()
            .put(Attribute::username, "alice")
            .put(Attribute::realm, "example.org")
            .put(Attribute::nonce, nonce);
        return world.ask(path, request.integrity(*world.keys().md5).bytes());
    };
    auto elsewhere = world.path(4000);
    elsewhere.client.address = net::IpAddress::v4(198, 51, 100, 8);
    EXPECT_EQ(allocate_on(elsewhere).error(), 438U);
    EXPECT_TRUE(allocate_on(world.path(4001)).success());
}

TEST(Authentication, WrongRealmIs437OnAllocateAnd441Elsewhere) {
    World world;
    const auto ask = [&](Method method) {
        Crafted request(Class::request, method);
        request.udp().put(Attribute::username, "alice").put(Attribute::realm, "elsewhere");
        request.put(Attribute::nonce, world.nonce(world.path())).integrity(*world.keys().md5);
        return world.ask(world.path(), request.bytes()).error();
    };
    EXPECT_EQ(ask(Method::allocate), 437U);
    EXPECT_EQ(ask(Method::refresh), 441U);
}

TEST(Authentication, ExpiredCredentialIs401AlsoForRefresh) {
    World world;
    world.users.add("1800000100:carol", "pw", unix_time(1'800'000'100));
    const auto signed_by_carol = [&](Crafted&& request) {
        return world.ask(world.path(), world.sign(world.path(), request, "1800000100:carol", "pw"));
    };
    EXPECT_TRUE(signed_by_carol(std::move(Crafted(Class::request, Method::allocate).udp())).success());
    EXPECT_EQ(world.quota.held["carol"], 1);
    world.advance(100s);
    EXPECT_TRUE(signed_by_carol(Crafted(Class::request, Method::refresh)).success());
    world.advance(1s);
    EXPECT_EQ(signed_by_carol(Crafted(Class::request, Method::refresh)).error(), 401U);
    EXPECT_TRUE(world.server->has_allocation(world.now.steady, world.path()));
}

TEST(Authentication, LifetimeMayEndWithTheCredential) {
    auto config = World::defaults();
    config.lifetime_ends_with_credential = true;
    World world(config);
    world.users.add("1800000100:carol", "pw", unix_time(1'800'000'100));
    Crafted request(Class::request, Method::allocate);
    const Answer answer = world.ask(world.path(), world.sign(world.path(), request.udp(), "1800000100:carol", "pw"));
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 100U);
}

TEST(Authentication, NobodyAuthenticatesWhereItIsSwitchedOff) {
    auto config = World::defaults();
    config.authentication = ServerConfig::Authentication::none;
    World world(config);
    const Answer answer = world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes());
    EXPECT_TRUE(answer.success());
    EXPECT_FALSE(answer.message().has_integrity());
}

// --- SHA-256
// ----------------------------------------------------------------------------------------------------------

struct Sha256Login {
    World world{[] {
        auto config = World::defaults();
        config.offer_sha256 = ServerConfig::OfferSha256::always;
        config.username_anonymity = true;
        return config;
    }()};
    std::string nonce;
    std::vector<std::byte> algorithms;

    Sha256Login() {
        const Answer challenge = world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes());
        nonce = std::string(*challenge.message().text(Attribute::nonce));
        const Bytes offered = *challenge.message().find(Attribute::password_algorithms);
        algorithms.assign(offered.begin(), offered.end());
    }
    Answer allocate(std::optional<Bytes> offered, std::optional<std::uint32_t> chosen, std::string_view with_nonce,
                    Bytes key, bool userhash = false) {
        Crafted request(Class::request, Method::allocate);
        request.udp().put(Attribute::realm, "example.org").put(Attribute::nonce, with_nonce);
        if (userhash) {
            request.put(Attribute::userhash, stun::userhash("alice", "example.org"));
        } else {
            request.put(Attribute::username, "alice");
        }
        if (offered) {
            request.put(Attribute::password_algorithms, *offered);
        }
        if (chosen) {
            request.u32(Attribute::password_algorithm, *chosen);
        }
        return world.ask(world.path(), request.integrity_sha256(key).bytes());
    }
};

TEST(Sha256, AuthenticatesAndSignsTheAnswer) {
    Sha256Login login;
    const auto key = *login.world.keys().sha256;
    const Answer answer = login.allocate(login.algorithms, 0x00020000, login.nonce, key);
    ASSERT_TRUE(answer.success());
    EXPECT_TRUE(answer.message().integrity_sha256_matches(key));
    EXPECT_FALSE(answer.message().has_integrity());
}

TEST(Sha256, Md5KeyWithSha256IntegrityIsGoodToo) {
    Sha256Login login;
    EXPECT_TRUE(login.allocate(login.algorithms, 0x00010000, login.nonce, *login.world.keys().md5).success());
}

TEST(Sha256, UserhashStandsForTheName) {
    Sha256Login login;
    ASSERT_TRUE(login.allocate(login.algorithms, 0x00020000, login.nonce, *login.world.keys().sha256, true).success());
    EXPECT_EQ(events_of<AllocationCreated>(login.world).at(0).username, "alice");
}

TEST(Sha256, BidDownIsRefused) {
    Sha256Login login;
    const auto sha256 = *login.world.keys().sha256;
    const auto md5 = *login.world.keys().md5;
    const auto only_md5 = Bytes(login.algorithms).subspan(4);
    EXPECT_EQ(login.allocate(only_md5, 0x00010000, login.nonce, md5).error(), 400U); // SHA-256 struck from the list
    EXPECT_EQ(login.allocate(login.algorithms, std::nullopt, login.nonce, sha256).error(), 400U);
    EXPECT_EQ(login.allocate(std::nullopt, 0x00020000, login.nonce, sha256).error(), 400U);
    EXPECT_EQ(login.allocate(login.algorithms, 0x00030000, login.nonce, sha256).error(), 400U);
    EXPECT_EQ(login.allocate(login.algorithms, 0x00020004, login.nonce, sha256).error(), 400U);
    std::string cleared = login.nonce;
    cleared.replace(9, 4, "AAAA");
    EXPECT_EQ(login.allocate(std::nullopt, std::nullopt, cleared, md5).error(), 438U);
    EXPECT_EQ(login.allocate(std::nullopt, std::nullopt, login.nonce.substr(13), md5).error(), 438U);
    // The RFC has a client without the new attributes processed as one that chose MD5.
    EXPECT_TRUE(login.allocate(std::nullopt, std::nullopt, login.nonce, md5).success());
}

TEST(Sha256, Md5CanBeForbidden) {
    auto config = World::defaults();
    config.md5_keys = false;
    World world(config);
    const Answer challenge = world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes());
    EXPECT_EQ(challenge.message().find(Attribute::password_algorithms)->size(), 4U);
    Crafted request(Class::request, Method::allocate);
    request.udp().put(Attribute::username, "alice").put(Attribute::realm, "example.org");
    request.put(Attribute::nonce, *challenge.message().text(Attribute::nonce)).integrity(*world.keys().md5);
    EXPECT_EQ(world.ask(world.path(), request.bytes()).error(), 400U);
}

// --- keys that come later
// ---------------------------------------------------------------------------------------------

TEST(KeyWanted, ParksTheRequestAndGoesOnWithTheKey) {
    World world;
    world.users.later = true;
    Crafted request(Class::request, Method::allocate);
    const auto bytes = world.sign(world.path(), request.udp());
    EXPECT_TRUE(world.exchange(world.path(), bytes).empty());
    EXPECT_TRUE(world.exchange(world.path(), bytes).empty()); // the retransmission waits with it
    const auto wanted = events_of<KeyWanted>(world);
    ASSERT_EQ(wanted.size(), 1U);
    EXPECT_EQ(wanted[0].username, "alice");
    world.server->provide_key(world.now, wanted[0].ticket, world.users.lookup("alice"), world.out);
    const auto sent = world.out.take();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(Answer{sent[0].bytes}.success());
    world.server->provide_key(world.now, wanted[0].ticket, world.users.lookup("alice"), world.out);
    EXPECT_TRUE(world.out.take().empty());
}

TEST(KeyWanted, IsForgottenAfterAWhileAndBounded) {
    auto config = World::defaults();
    config.max_parked_requests = 3;
    World world(config);
    world.users.later = true;
    for (std::uint16_t port = 1; port <= 10; ++port) {
        Crafted request(Class::request, Method::allocate, port);
        world.exchange(world.path(port), world.sign(world.path(port), request.udp()));
    }
    const auto wanted = events_of<KeyWanted>(world);
    ASSERT_EQ(wanted.size(), 3U);
    world.run(6s);
    world.server->provide_key(world.now, wanted[0].ticket, world.users.lookup("alice"), world.out);
    EXPECT_TRUE(world.out.take().empty());
    EXPECT_EQ(world.server->next_timeout(), never);
}

// --- Allocate
// ---------------------------------------------------------------------------------------------------------

TEST(Allocate, AnswersRelayedMappedAndLifetime) {
    World world;
    const Answer answer = world.allocate(world.path());
    ASSERT_TRUE(answer.success());
    EXPECT_EQ(answer.message().xor_address(Attribute::xor_relayed_address), address("192.0.2.15:50000"));
    EXPECT_EQ(answer.message().xor_address(Attribute::xor_mapped_address), world.path().client);
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 600U);
    EXPECT_TRUE(answer.message().integrity_matches(*world.keys().md5));
    const auto created = events_of<AllocationCreated>(world);
    ASSERT_EQ(created.size(), 1U);
    EXPECT_EQ(created[0].user, "alice");
    EXPECT_EQ(created[0].relayed, address("192.0.2.15:50000"));
}

TEST(Allocate, RetransmissionGetsTheSameAnswerAndMakesNothing) {
    World world;
    const Answer first = world.allocate(world.path(), 77);
    const Answer again = world.allocate(world.path(), 77);
    ASSERT_TRUE(again.success());
    EXPECT_EQ(again.message().xor_address(Attribute::xor_relayed_address),
              first.message().xor_address(Attribute::xor_relayed_address));
    EXPECT_EQ(world.pool.open_count(), 1U);
    EXPECT_EQ(world.quota.total, 1);
    EXPECT_EQ(events_of<AllocationCreated>(world).size(), 1U);
}

TEST(Allocate, SecondRequestFromSameFiveTupleIsRefusedWith437) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(), 1).success());
    EXPECT_EQ(world.allocate(world.path(), 2).error(), 437U);
    EXPECT_TRUE(world.allocate(world.path(4001), 3).success());
}

TEST(Allocate, TransportIsNeededAndMustBeUdp) {
    World world;
    const auto error = [&](std::optional<std::uint32_t> transport) {
        Crafted request(Class::request, Method::allocate);
        if (transport) {
            request.u32(Attribute::requested_transport, *transport);
        }
        return world.ask_signed(world.path(), std::move(request)).error();
    };
    EXPECT_EQ(error(std::nullopt), 400U);
    EXPECT_EQ(error(0), 442U);
    EXPECT_EQ(error(6U << 24U), 442U);
    EXPECT_EQ(error(255U << 24U), 442U);
    Crafted malformed(Class::request, Method::allocate);
    EXPECT_EQ(world.ask_signed(world.path(), std::move(malformed.put(Attribute::requested_transport, "x"))).error(),
              400U);
}

TEST(Allocate, LifetimeHasFloorAndCeiling) {
    World world;
    const auto granted = [&](std::uint32_t wanted, std::uint16_t port) {
        return world
            .ask_signed(world.path(port),
                        std::move(Crafted(Class::request, Method::allocate).udp().u32(Attribute::lifetime, wanted)))
            .message()
            .u32(Attribute::lifetime);
    };
    EXPECT_EQ(granted(0, 1), 600U);
    EXPECT_EQ(granted(10, 2), 600U);
    EXPECT_EQ(granted(1000, 3), 1000U);
    EXPECT_EQ(granted(0xffffffff, 4), 3600U);
}

TEST(Allocate, UnknownAttributesAre420AndListed) {
    World world;
    const Answer answer = world.ask_signed(
        world.path(),
        std::move(Crafted(Class::request, Method::allocate).udp().u32(Attribute{0x7777}, 1).u32(Attribute{0x9999}, 1)));
    EXPECT_EQ(answer.error(), 420U);
    const Bytes list = *answer.message().find(Attribute::unknown_attributes);
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0], std::byte{0x77});
}

TEST(Allocate, AttributesBehindTheIntegrityAreIgnored) {
    World world;
    Crafted request(Class::request, Method::allocate);
    request.udp().put(Attribute::username, "alice").put(Attribute::realm, "example.org");
    request.put(Attribute::nonce, world.nonce(world.path())).integrity(*world.keys().md5);
    request.u32(Attribute{0x7777}, 1).u32(Attribute::lifetime, 3600);
    const Answer answer = world.ask(world.path(), request.bytes());
    ASSERT_TRUE(answer.success());
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 600U);
}

TEST(Allocate, DontFragmentIs420WhereItCannotBeSet) {
    auto config = World::defaults();
    config.dont_fragment = false;
    World without(config);
    const auto ask = [](World& world) {
        return world.ask_signed(
            world.path(), std::move(Crafted(Class::request, Method::allocate).udp().put(Attribute::dont_fragment, "")));
    };
    EXPECT_EQ(ask(without).error(), 420U);
    World with;
    EXPECT_TRUE(ask(with).success());
}

Crafted with_family(Attribute type, unsigned family) {
    return std::move(Crafted(Class::request, Method::allocate).udp().u32(type, family << 24U));
}

TEST(Allocate, FamilyIsWhatWasRequested) {
    World world;
    EXPECT_EQ(world.ask_signed(world.path(1), with_family(Attribute::requested_address_family, 1))
                  .message()
                  .xor_address(Attribute::xor_relayed_address)
                  ->family(),
              net::Family::v4);
    EXPECT_EQ(world.ask_signed(world.path(2), with_family(Attribute::requested_address_family, 2))
                  .message()
                  .xor_address(Attribute::xor_relayed_address)
                  ->family(),
              net::Family::v6);
    EXPECT_EQ(world.ask_signed(world.path(3), with_family(Attribute::requested_address_family, 3)).error(), 440U);
    world.pool.families = {net::Family::v4};
    EXPECT_EQ(world.ask_signed(world.path(4), with_family(Attribute::requested_address_family, 2)).error(), 440U);
}

TEST(Allocate, DefaultFamilyMayFollowTheClient) {
    auto config = World::defaults();
    config.default_family = ServerConfig::DefaultFamily::as_client;
    World world(config);
    world.client = *net::IpAddress::parse("2001:db8:2::1");
    EXPECT_EQ(world.allocate(world.path(1)).message().xor_address(Attribute::xor_relayed_address)->family(),
              net::Family::v6);
    world.pool.families = {net::Family::v4};
    EXPECT_EQ(world.allocate(world.path(2)).message().xor_address(Attribute::xor_relayed_address)->family(),
              net::Family::v4);
}

TEST(Allocate, AdditionalFamilyGivesBoth) {
    World world;
    const Answer answer = world.ask_signed(world.path(), with_family(Attribute::additional_address_family, 2));
    ASSERT_TRUE(answer.success());
    std::vector<net::Family> families;
    for (std::size_t i = 0; i < answer.message().attribute_count(); ++i) {
        if (answer.message().attribute(i).is(Attribute::xor_relayed_address)) {
            families.push_back(answer.message().xor_address(answer.message().attribute(i).value)->family());
        }
    }
    EXPECT_EQ(families, (std::vector{net::Family::v4, net::Family::v6}));
    EXPECT_FALSE(answer.message().has(Attribute::address_error_code));
}

TEST(Allocate, AdditionalFamilyThatFailsIsNamedAlsoInTheRetransmission) {
    World world;
    world.pool.families = {net::Family::v4};
    Answer first;
    for (int i = 0; i < 2; ++i) {
        const Answer answer = world.ask_signed(world.path(), with_family(Attribute::additional_address_family, 2));
        ASSERT_TRUE(answer.success());
        const Bytes error = *answer.message().find(Attribute::address_error_code);
        EXPECT_EQ(error[0], std::byte{2});
        EXPECT_EQ(error[2], std::byte{4});
        EXPECT_EQ(error[3], std::byte{40});
    }
    world.pool.families = {};
    EXPECT_EQ(world.ask_signed(world.path(2), with_family(Attribute::additional_address_family, 2)).error(), 440U);
}

TEST(Allocate, CombinationsThatTheRfcForbidsAre400) {
    World world;
    const std::string token(8, 'x');
    const auto error = [&](Crafted& request) { return world.ask_signed(world.path(), std::move(request)).error(); };
    const auto allocate = [] { return std::move(Crafted(Class::request, Method::allocate).udp()); };
    const std::string_view r_bit = "\x80";
    auto a = allocate();
    EXPECT_EQ(error(a.put(Attribute::reservation_token, token).put(Attribute::even_port, r_bit)), 400U);
    auto b = allocate();
    EXPECT_EQ(error(b.put(Attribute::reservation_token, token).u32(Attribute::requested_address_family, 1U << 24U)),
              400U);
    auto c = allocate();
    EXPECT_EQ(error(c.put(Attribute::reservation_token, token).u32(Attribute::additional_address_family, 2U << 24U)),
              400U);
    auto d = allocate();
    EXPECT_EQ(
        error(
            d.u32(Attribute::requested_address_family, 1U << 24U).u32(Attribute::additional_address_family, 2U << 24U)),
        400U);
    auto e = allocate();
    EXPECT_EQ(error(e.u32(Attribute::additional_address_family, 1U << 24U)), 400U);
    auto f = allocate();
    EXPECT_EQ(error(f.u32(Attribute::additional_address_family, 2U << 24U).put(Attribute::even_port, r_bit)), 400U);
    auto g = allocate();
    EXPECT_EQ(error(g.put(Attribute::even_port, "")), 400U);
    auto h = allocate();
    EXPECT_EQ(error(h.put(Attribute::reservation_token, "short")), 400U);
    auto i = allocate();
    EXPECT_EQ(error(i.put(Attribute::reservation_token, token)), 508U);
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.quota.total, 0);
}

TEST(Allocate, QuotaIs486AndCapacity508) {
    World world;
    world.quota.per_user = 1;
    ASSERT_TRUE(world.allocate(world.path(1), 1).success());
    EXPECT_EQ(world.allocate(world.path(2), 2).error(), 486U);
    world.quota.capacity = 1;
    EXPECT_EQ(world.allocate(world.path(3), 3).error(), 508U);
    EXPECT_EQ(world.pool.open_count(), 1U);
}

TEST(Allocate, PortsExhaustedIs508AndTheQuotaComesBack) {
    World world;
    for (std::uint16_t i = 0; i < 64; ++i) {
        ASSERT_TRUE(world.allocate(world.path(i), i).success());
    }
    EXPECT_EQ(world.allocate(world.path(1000), 1000).error(), 508U);
    EXPECT_EQ(world.quota.total, 64);
}

TEST(Allocate, RefusalForLackOfQuotaIsRepeatedToItsRetransmissionOnly) {
    World world;
    world.quota.per_user = 0;
    EXPECT_EQ(world.allocate(world.path(), 1).error(), 486U);
    world.quota.per_user = 10;
    EXPECT_EQ(world.allocate(world.path(), 1).error(), 486U);
    EXPECT_TRUE(world.allocate(world.path(), 2).success());
}

TEST(Allocate, TableIsBounded) {
    auto config = World::defaults();
    config.max_allocations = 2;
    World world(config);
    EXPECT_TRUE(world.allocate(world.path(1), 1).success());
    EXPECT_TRUE(world.allocate(world.path(2), 2).success());
    EXPECT_EQ(world.allocate(world.path(3), 3).error(), 508U);
}

TEST(Allocate, IsRedirectedAfterAuthentication) {
    World world;
    world.server->redirect(
        Redirect{.servers = {address("[2001:db8::77]:3478"), address("192.0.2.77:3478")}, .domain = "b.example"});
    EXPECT_EQ(world.ask(world.path(), Crafted(Class::request, Method::allocate).udp().bytes()).error(), 401U);
    const Answer answer = world.allocate(world.path());
    EXPECT_EQ(answer.error(), 300U);
    EXPECT_TRUE(answer.message().integrity_matches(*world.keys().md5));
    EXPECT_EQ(stun::decode_address(*answer.message().find(Attribute::alternate_server)), address("192.0.2.77:3478"));
    EXPECT_FALSE(answer.message().has(Attribute::alternate_domain));
    const Answer tls = world.allocate(world.path(4000, net::Transport::tls));
    EXPECT_EQ(tls.message().text(Attribute::alternate_domain), "b.example");
    world.server->redirect(std::nullopt);
    EXPECT_TRUE(world.allocate(world.path(), 9).success());
}

TEST(Allocate, IsRefusedWhileDrainingWithoutAnAlternate) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(5000), 1).success());
    world.server->redirect(Redirect{});
    EXPECT_EQ(world.allocate(world.path(), 2).error(), 508U);
    EXPECT_TRUE(world.allocate(world.path(5000), 1).success()) << "a retransmission of what was granted before";
    world.server->redirect(Redirect{.servers = {address("[2001:db8::77]:3478")}, .domain = {}});
    EXPECT_EQ(world.allocate(world.path(), 3).error(), 508U) << "an alternate of the other family is none";
}

// --- EVEN-PORT and reservations
// ---------------------------------------------------------------------------------------

std::uint64_t token_of(const Answer& answer) {
    const Bytes value = *answer.message().find(Attribute::reservation_token);
    return bytes::load_u32(value, 0) * 0x100000000ULL + bytes::load_u32(value, 4);
}

Crafted with_token(std::uint64_t token, std::uint32_t transaction) {
    std::array<std::byte, 8> value{};
    bytes::Writer(value).u64(token);
    return std::move(
        Crafted(Class::request, Method::allocate, transaction).udp().put(Attribute::reservation_token, value));
}

Crafted even_port(bool reserve, std::uint32_t transaction) {
    return std::move(Crafted(Class::request, Method::allocate, transaction)
                         .udp()
                         .put(Attribute::even_port, reserve ? std::string_view("\x80", 1) : std::string_view("\0", 1)));
}

TEST(EvenPort, GivesAnEvenPortAndReservesTheNext) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(1), 1).success()); // takes 50000
    const Answer even = world.ask_signed(world.path(2), even_port(true, 2));
    ASSERT_TRUE(even.success());
    EXPECT_EQ(even.message().xor_address(Attribute::xor_relayed_address), address("192.0.2.15:50002"));
    EXPECT_EQ(world.quota.held["alice"], 3);
    const Answer next = world.ask_signed(world.path(3), with_token(token_of(even), 3));
    ASSERT_TRUE(next.success());
    EXPECT_EQ(next.message().xor_address(Attribute::xor_relayed_address), address("192.0.2.15:50003"));
    EXPECT_EQ(world.quota.held["alice"], 3);
    EXPECT_EQ(world.ask_signed(world.path(4), with_token(token_of(even), 4)).error(), 508U);
}

TEST(EvenPort, WithoutReservationLeavesTheNextOneFree) {
    World world;
    const Answer even = world.ask_signed(world.path(1), even_port(false, 1));
    ASSERT_TRUE(even.success());
    EXPECT_FALSE(even.message().has(Attribute::reservation_token));
    EXPECT_EQ(world.pool.open_count(), 1U);
}

TEST(EvenPort, RetransmissionNamesTheSameToken) {
    World world;
    const Answer first = world.ask_signed(world.path(), even_port(true, 5));
    const Answer again = world.ask_signed(world.path(), even_port(true, 5));
    EXPECT_EQ(token_of(first), token_of(again));
    EXPECT_EQ(world.pool.open_count(), 2U);
}

TEST(EvenPort, ReservationIsAnotherUsersToNobody) {
    World world;
    const Answer even = world.ask_signed(world.path(1), even_port(true, 1));
    Crafted request = with_token(token_of(even), 2);
    EXPECT_EQ(world.ask(world.path(2), world.sign(world.path(2), request, "bob", "hunter2")).error(), 508U);
}

TEST(EvenPort, ReservationDiesAfterThirtySecondsOrWithItsAllocation) {
    World world;
    const Answer even = world.ask_signed(world.path(1), even_port(true, 1));
    EXPECT_EQ(world.pool.open_count(), 2U);
    world.advance(30s); // not swept yet, but no longer to be had
    EXPECT_EQ(world.ask_signed(world.path(2), with_token(token_of(even), 2)).error(), 508U);
    world.run(2s);
    EXPECT_EQ(world.pool.open_count(), 1U);
    EXPECT_EQ(world.quota.held["alice"], 1);

    ASSERT_TRUE(world.ask_signed(world.path(3), even_port(true, 3)).success());
    EXPECT_EQ(world.pool.open_count(), 3U);
    ASSERT_TRUE(world.refresh(world.path(3), 0).success());
    EXPECT_EQ(world.pool.open_count(), 1U);
    EXPECT_EQ(world.quota.held["alice"], 1);
}

TEST(EvenPort, CyclesLoseNoPorts) {
    World world;
    for (std::uint32_t i = 0; i < 500; ++i) {
        ASSERT_TRUE(world.ask_signed(world.path(1), even_port(i % 2 == 0, 2 * i)).success());
        ASSERT_TRUE(world.refresh(world.path(1), 0, 2 * i + 1).success());
    }
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.quota.total, 0);
}

TEST(EvenPort, NeedsQuotaForTheReservation) {
    World world;
    world.quota.per_user = 1;
    EXPECT_EQ(world.ask_signed(world.path(1), even_port(true, 1)).error(), 486U);
    EXPECT_EQ(world.quota.total, 0);
    EXPECT_TRUE(world.ask_signed(world.path(1), even_port(false, 2)).success());
}

TEST(EvenPort, TokenSaysWhichWorkerHoldsThePort) {
    auto config = World::defaults();
    config.worker_index = 3;
    World world(config);
    const Answer even = world.ask_signed(world.path(1), even_port(true, 1));
    EXPECT_EQ(worker_of_reservation(with_token(token_of(even), 2).bytes()), 3);
    EXPECT_EQ(worker_of_reservation(even_port(true, 1).bytes()), std::nullopt);
    EXPECT_EQ(worker_of_reservation(even.bytes), std::nullopt);
}

// --- Refresh
// ----------------------------------------------------------------------------------------------------------

TEST(Refresh, ProlongsTheAllocation) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    world.run(599s);
    const Answer answer = world.refresh(world.path(), 1200);
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 1200U);
    world.run(1199s);
    EXPECT_TRUE(world.server->has_allocation(world.now.steady, world.path()));
    world.run(1s);
    EXPECT_FALSE(world.server->has_allocation(world.now.steady, world.path()));
}

TEST(Refresh, ToZeroDeletesAtOnceAndTheTupleIsFreeAgain) {
    World world;
    const Answer allocated = world.allocate(world.path(), 1);
    const RelayId relay = world.relay_of(allocated);
    ASSERT_TRUE(world.permit(world.path(), peer).success());
    EXPECT_EQ(world.refresh(world.path(), 0).message().u32(Attribute::lifetime), 0U);
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.quota.total, 0);
    std::array<std::byte, Relay::max_header> header{};
    EXPECT_EQ(std::get<Drop>(world.server->relay().from_peer(world.now.steady, relay, peer, 10, header)).why,
              DropReason::no_allocation);
    EXPECT_TRUE(world.allocate(world.path(), 2).success());
    const auto ended = events_of<AllocationEnded>(world);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::refreshed_to_zero);
}

TEST(Refresh, ToZeroRetransmittedIsAnsweredAgain) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(), 1).success());
    EXPECT_TRUE(world.refresh(world.path(), 0, 9).success());
    EXPECT_TRUE(world.refresh(world.path(), 0, 9).success());
    EXPECT_EQ(world.refresh(world.path(), 0, 10).error(), 437U);
}

TEST(Refresh, OfOneFamilyLeavesTheOther) {
    World world;
    ASSERT_TRUE(world.ask_signed(world.path(), with_family(Attribute::additional_address_family, 2)).success());
    const auto refresh = [&](unsigned family, std::uint32_t lifetime, std::uint32_t transaction) {
        return world.ask_signed(world.path(), std::move(Crafted(Class::request, Method::refresh, transaction)
                                                            .u32(Attribute::lifetime, lifetime)
                                                            .u32(Attribute::requested_address_family, family << 24U)));
    };
    EXPECT_TRUE(refresh(2, 0, 5).success());
    EXPECT_EQ(world.pool.open_count(), 1U);
    EXPECT_EQ(world.permit(world.path(), peer_v6).error(), 443U);
    EXPECT_TRUE(world.permit(world.path(), peer).success());
    EXPECT_EQ(refresh(2, 600, 6).error(), 443U);
    EXPECT_TRUE(refresh(1, 0, 7).success());
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.server->allocation_count(), 0U);
}

TEST(Mismatch, WithoutAnAllocationIs437) {
    World world;
    EXPECT_EQ(world.refresh(world.path(), 600).error(), 437U);
    EXPECT_EQ(world.permit(world.path(), peer).error(), 437U);
    EXPECT_EQ(world.bind_channel(world.path(), 0x4000, peer).error(), 437U);
}

TEST(Mismatch, AnotherUserIs441AndTheAllocationSurvives) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    const auto as_bob = [&](Crafted&& request) {
        return world.ask(world.path(), world.sign(world.path(), request, "bob", "hunter2")).error();
    };
    EXPECT_EQ(as_bob(std::move(Crafted(Class::request, Method::refresh).u32(Attribute::lifetime, 0))), 441U);
    EXPECT_EQ(as_bob(std::move(Crafted(Class::request, Method::create_permission).peer(peer))), 441U);
    EXPECT_EQ(as_bob(std::move(Crafted(Class::request, Method::channel_bind).channel(0x4000).peer(peer))), 441U);
    EXPECT_TRUE(world.server->has_allocation(world.now.steady, world.path()));
}

// --- permissions and channels
// -----------------------------------------------------------------------------------------

TEST(CreatePermission, TakesSeveralPeersOrNone) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    EXPECT_TRUE(
        world
            .ask_signed(world.path(),
                        std::move(Crafted(Class::request, Method::create_permission).peer(peer).peer(other_peer)))
            .success());
    EXPECT_EQ(events_of<PermissionInstalled>(world).size(), 2U);
    const auto third = address("203.0.113.11:1");
    world.rules.refused.insert(third.address);
    const auto fourth = address("203.0.113.12:1");
    EXPECT_EQ(world
                  .ask_signed(world.path(),
                              std::move(Crafted(Class::request, Method::create_permission).peer(fourth).peer(third)))
                  .error(),
              403U);
    EXPECT_TRUE(events_of<PermissionInstalled>(world).empty());
    EXPECT_EQ(world
                  .ask_signed(world.path(),
                              std::move(Crafted(Class::request, Method::create_permission).peer(fourth).peer(peer_v6)))
                  .error(),
              443U);
    EXPECT_EQ(world.ask_signed(world.path(), Crafted(Class::request, Method::create_permission)).error(), 400U);
    EXPECT_EQ(
        world
            .ask_signed(
                world.path(),
                std::move(Crafted(Class::request, Method::create_permission).put(Attribute::xor_peer_address, "bad")))
            .error(),
        400U);
}

TEST(CreatePermission, IsCappedAndExpiredOnesMakeRoom) {
    auto config = World::defaults();
    config.max_permissions_per_allocation = 2;
    World world(config);
    ASSERT_TRUE(world.allocate(world.path()).success());
    EXPECT_TRUE(world.permit(world.path(), peer).success());
    EXPECT_TRUE(world.permit(world.path(), other_peer).success());
    EXPECT_EQ(world.permit(world.path(), address("203.0.113.11:1")).error(), 508U);
    EXPECT_TRUE(world.permit(world.path(), peer).success()); // a refresh needs no room
    world.advance(300s);
    EXPECT_TRUE(world.permit(world.path(), address("203.0.113.11:1")).success());
}

TEST(ChannelBind, ChecksNumberAndPeer) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    EXPECT_EQ(world.bind_channel(world.path(), 0x3fff, peer).error(), 400U);
    EXPECT_EQ(world.bind_channel(world.path(), 0x5000, peer).error(), 400U);
    EXPECT_TRUE(world.bind_channel(world.path(), 0x4000, peer).success());
    EXPECT_TRUE(world.bind_channel(world.path(), 0x4000, peer).success());         // refresh
    EXPECT_EQ(world.bind_channel(world.path(), 0x4000, other_peer).error(), 400U); // channel bound elsewhere
    EXPECT_EQ(world.bind_channel(world.path(), 0x4001, peer).error(), 400U);       // peer bound elsewhere
    EXPECT_EQ(world.bind_channel(world.path(), 0x4002, peer_v6).error(), 443U);
    EXPECT_TRUE(world.bind_channel(world.path(), 0x4fff, other_peer).success());
    EXPECT_EQ(
        world.ask_signed(world.path(), std::move(Crafted(Class::request, Method::channel_bind).peer(peer))).error(),
        400U);
    EXPECT_EQ(world.ask_signed(world.path(), std::move(Crafted(Class::request, Method::channel_bind).channel(0x4005)))
                  .error(),
              400U);
    world.rules.refused_ports.insert(22);
    EXPECT_EQ(world.bind_channel(world.path(), 0x4003, address("203.0.113.9:22")).error(), 403U);
}

TEST(ChannelBind, OldRangeIsAnOption) {
    auto config = World::defaults();
    config.channel_range = ServerConfig::ChannelRange::rfc5766;
    World world(config);
    ASSERT_TRUE(world.allocate(world.path()).success());
    EXPECT_TRUE(world.bind_channel(world.path(), 0x7fff, peer).success());
    EXPECT_EQ(world.bind_channel(world.path(), 0x8000, other_peer).error(), 400U);
}

TEST(ChannelBind, IsCappedAndExpiredNumbersMayBeReused) {
    auto config = World::defaults();
    config.max_channels_per_allocation = 1;
    config.channel_lifetime = 60s;
    World world(config);
    ASSERT_TRUE(world.allocate(world.path()).success());
    EXPECT_TRUE(world.bind_channel(world.path(), 0x4000, peer).success());
    EXPECT_EQ(world.bind_channel(world.path(), 0x4001, other_peer).error(), 508U);
    world.advance(60s);
    EXPECT_TRUE(world.bind_channel(world.path(), 0x4000, other_peer).success());
}

// --- the end of things
// ------------------------------------------------------------------------------------------------

TEST(Expiry, TakesEffectToTheInstantAndIsSweptWithinASecond) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    world.advance(600s - 1ms);
    EXPECT_TRUE(world.server->has_allocation(world.now.steady, world.path()));
    world.advance(1ms);
    EXPECT_FALSE(world.server->has_allocation(world.now.steady, world.path()));
    EXPECT_EQ(world.pool.open_count(), 1U);
    world.server->handle_timeout(world.now, world.out);
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.server->next_timeout(), never);
    const auto ended = events_of<AllocationEnded>(world);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, EndReason::expired);
    EXPECT_EQ(ended[0].duration, 600s);
}

TEST(Expiry, OfPermissionAndChannelIsTold) {
    auto config = World::defaults();
    config.default_lifetime = 3600s;
    World world(config);
    ASSERT_TRUE(world.allocate(world.path()).success());
    ASSERT_TRUE(world.bind_channel(world.path(), 0x4000, peer).success());
    world.run(302s);
    EXPECT_EQ(events_of<PermissionEnded>(world).size(), 1U);
    world.run(300s);
    EXPECT_EQ(events_of<ChannelEnded>(world).size(), 1U);
}

TEST(Expiry, OfThousandsIsSpreadAndComplete) {
    World world;
    world.pool = fakes::PortPool(10'000, 800);
    world.quota.per_user = 800;
    for (std::uint16_t i = 0; i < 800; ++i) {
        ASSERT_TRUE(world.allocate(world.path(static_cast<std::uint16_t>(1'000 + i)), i).success());
    }
    world.advance(600s);
    world.server->handle_timeout(world.now, world.out);
    EXPECT_GE(world.pool.open_count(), 600U);
    EXPECT_LT(world.pool.open_count(), 800U);
    world.run(2s);
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.quota.total, 0);
}

TEST(ConnectionClosed, EndsTheAllocation) {
    World world;
    const auto path = world.path(4000, net::Transport::tcp);
    ASSERT_TRUE(world.allocate(path).success());
    world.server->connection_closed(world.now, path);
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(events_of<AllocationEnded>(world).at(0).reason, EndReason::connection_closed);
}

TEST(Operator, ListsAndEndsAllocations) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(1), 1).success());
    ASSERT_TRUE(world.allocate(world.path(2), 2).success());
    Crafted request(Class::request, Method::allocate, 3);
    ASSERT_TRUE(world.ask(world.path(3), world.sign(world.path(3), request.udp(), "bob", "hunter2")).success());
    std::vector<AllocationId> ids;
    world.server->for_each_allocation(world.now.steady, [&](const AllocationInfo& info) { ids.push_back(info.id); });
    ASSERT_EQ(ids.size(), 3U);
    EXPECT_TRUE(world.server->end_allocation(world.now, ids[0]));
    EXPECT_FALSE(world.server->end_allocation(world.now, ids[0]));
    EXPECT_EQ(world.server->end_user(world.now, "alice"), 1U);
    EXPECT_EQ(world.server->allocation_count(), 1U);
    EXPECT_EQ(world.quota.held["bob"], 1);
}

TEST(Server, GivesEverythingBackWhenItDies) {
    World world;
    ASSERT_TRUE(world.ask_signed(world.path(1), even_port(true, 1)).success());
    ASSERT_TRUE(world.allocate(world.path(2), 2).success());
    world.server.reset();
    EXPECT_EQ(world.pool.open_count(), 0U);
    EXPECT_EQ(world.quota.total, 0);
}

TEST(Server, SurvivesAnOutboxWithoutRoom) {
    World world;
    world.out.limit = 10;
    EXPECT_TRUE(world.exchange(world.path(), Crafted(Class::request, Method::binding).bytes()).empty());
    EXPECT_EQ(world.server->stats().silent[static_cast<std::size_t>(Silence::no_room)].value(), 1U);
}

TEST(Server, ReconfiguresWhatIsToCome) {
    World world;
    auto config = World::defaults();
    config.default_lifetime = 700s;
    config.software = "fairlead";
    world.server->reconfigure(config);
    const Answer answer = world.allocate(world.path());
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 700U);
    EXPECT_EQ(answer.message().text(Attribute::software), "fairlead");
    EXPECT_EQ(world.ask(world.path(2), Crafted(Class::request, Method::allocate).udp().bytes())
                  .message()
                  .text(Attribute::software),
              std::nullopt);
}

} // namespace
} // namespace fairlead::turn
