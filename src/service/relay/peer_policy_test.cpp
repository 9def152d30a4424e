#include "relay/peer_policy.hpp"

#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::relay {
namespace {

net::IpAddress ip(std::string_view text) {
    const auto address = net::IpAddress::parse(text);
    EXPECT_TRUE(address) << text;
    return address.value_or(net::IpAddress());
}
net::TransportAddress at(std::string_view text) {
    const auto address = net::TransportAddress::parse(text);
    EXPECT_TRUE(address) << text;
    return address.value_or(net::TransportAddress());
}
net::Prefix prefix(std::string_view text) {
    const auto range = net::Prefix::parse(text);
    EXPECT_TRUE(range) << text;
    return range.value_or(net::Prefix());
}

class LiveRelays final : public RelayAddresses {
public:
    std::set<net::TransportAddress> live;
    [[nodiscard]] bool is_live(const net::TransportAddress& relayed) const override { return live.contains(relayed); }
};

/// Every way to write the IPv4 address a.b.c.d into an IPv6 address.
std::vector<net::IpAddress> encodings(const net::IpAddress& v4) {
    const auto b = v4.bytes();
    std::vector<net::IpAddress> all;
    const auto add = [&](std::vector<std::uint8_t> head, std::size_t at, std::uint8_t mask = 0) {
        head.resize(16);
        for (std::size_t i = 0; i < 4; ++i) {
            head[at + i] = static_cast<std::uint8_t>(b[i] ^ mask);
        }
        all.push_back(net::IpAddress::v6(std::span(head).first<16>()));
    };
    add({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12);                      // IPv4-mapped
    add({0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 12);                      // SIIT
    add({0, 0x64, 0xff, 0x9b}, 12);                                           // NAT64
    add({0x20, 0x02}, 2);                                                     // 6to4
    add({0x20, 0x01, 0, 0, 65, 54, 227, 120, 0x80, 0, 0xc3, 0x50}, 12, 0xff); // Teredo through a public server
    add({0x26, 0x06, 0x47, 0, 0, 0, 0, 1, 0, 0, 0x5e, 0xfe}, 12);             // ISATAP behind a public prefix
    add({0x26, 0x06, 0x47, 0, 0, 0, 0, 1, 2, 0, 0x5e, 0xfe}, 12);
    if (b[0] != 0 || b[1] != 0 || b[2] != 0 || b[3] > 1) {
        add({}, 12); // IPv4-compatible; ::0.0.0.0 and ::0.0.0.1 have names of their own
    }
    return all;
}

const std::vector<std::pair<const char*, PeerRule>> special_v4 = {
    {"0.0.0.0", PeerRule::this_network},
    {"0.1.2.3", PeerRule::this_network},
    {"10.0.0.1", PeerRule::private_use},
    {"10.255.255.255", PeerRule::private_use},
    {"100.64.0.1", PeerRule::shared_address},
    {"100.127.255.255", PeerRule::shared_address},
    {"100.100.100.200", PeerRule::cloud_metadata},
    {"127.0.0.1", PeerRule::loopback},
    {"127.255.255.254", PeerRule::loopback},
    {"168.63.129.16", PeerRule::cloud_metadata},
    {"169.254.0.1", PeerRule::link_local},
    {"169.254.169.254", PeerRule::cloud_metadata},
    {"172.16.0.1", PeerRule::private_use},
    {"172.31.255.255", PeerRule::private_use},
    {"192.0.0.8", PeerRule::ietf_protocol},
    {"192.0.0.170", PeerRule::ietf_protocol},
    {"192.0.0.192", PeerRule::cloud_metadata},
    {"192.0.2.1", PeerRule::documentation},
    {"192.88.99.1", PeerRule::relay_anycast},
    {"192.168.1.1", PeerRule::private_use},
    {"198.18.0.1", PeerRule::benchmarking},
    {"198.19.255.255", PeerRule::benchmarking},
    {"198.51.100.1", PeerRule::documentation},
    {"203.0.113.1", PeerRule::documentation},
    {"224.0.0.1", PeerRule::multicast},
    {"239.255.255.255", PeerRule::multicast},
    {"240.0.0.1", PeerRule::reserved},
    {"255.255.255.254", PeerRule::reserved},
    {"255.255.255.255", PeerRule::broadcast},
};
const std::vector<std::pair<const char*, PeerRule>> special_v6 = {
    {"::", PeerRule::this_network},
    {"::1", PeerRule::loopback},
    {"64:ff9b:1::1", PeerRule::local_translation},
    {"64:ff9b:1::808:808", PeerRule::local_translation},
    {"64:ff9b::1:8.8.8.8", PeerRule::reserved},
    {"100::1", PeerRule::discard_only},
    {"200::1", PeerRule::reserved},
    {"1::1", PeerRule::reserved},
    {"2001:1::1", PeerRule::ietf_protocol},
    {"2001:2::1", PeerRule::benchmarking},
    {"2001:10::1", PeerRule::overlay_identifier},
    {"2001:2f:ffff::1", PeerRule::overlay_identifier},
    {"2001:1ff::1", PeerRule::ietf_protocol},
    {"2001:db8::1", PeerRule::documentation},
    {"3fff:fff::1", PeerRule::documentation},
    {"4000::1", PeerRule::reserved},
    {"5f00::1", PeerRule::segment_routing},
    {"8000::1", PeerRule::reserved},
    {"fc00::1", PeerRule::unique_local},
    {"fd12:3456::1", PeerRule::unique_local},
    {"fd00:ec2::254", PeerRule::cloud_metadata},
    {"fd20:ce::254", PeerRule::cloud_metadata},
    {"fe00::1", PeerRule::reserved},
    {"fe80::1", PeerRule::link_local},
    {"febf::1", PeerRule::link_local},
    {"fec0::1", PeerRule::site_local},
    {"ff02::1", PeerRule::multicast},
    {"ff0e::1", PeerRule::multicast},
};
const std::vector<const char*> public_addresses = {
    "1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
    "100.128.0.0",     "126.255.255.255", "128.0.0.1",       "169.253.255.255", "172.15.255.255",
    "172.32.0.0",      "192.0.1.1",       "192.167.255.255", "198.17.255.255",  "198.20.0.0",
    "223.255.255.255", "2606:4700::1111", "2a00:1450::1",    "2001:200::1",     "2001:4860:4860::8888",
    "3ffe::1",         "2003::1"};

TEST(PeerPolicy, RefusesEverySpecialPurposeAddressByDefaultAndNamesTheRule) {
    const PeerPolicy policy({});
    for (const auto& [text, rule] : special_v4) {
        EXPECT_EQ(policy.judge(ip(text)).rule, rule) << text;
        EXPECT_FALSE(policy.judge(ip(text)).allowed()) << text;
        EXPECT_FALSE(policy.judge(net::TransportAddress{ip(text), 50'000}).allowed()) << text;
    }
    for (const auto& [text, rule] : special_v6) {
        EXPECT_EQ(policy.judge(ip(text)).rule, rule) << text;
        EXPECT_FALSE(policy.judge(ip(text)).allowed()) << text;
    }
}

TEST(PeerPolicy, LetsPublicAddressesThroughRightUpToTheEdges) {
    const PeerPolicy policy({});
    for (const auto* text : public_addresses) {
        EXPECT_EQ(policy.judge(ip(text)).rule, PeerRule::public_address) << text;
    }
}

TEST(PeerPolicy, EveryEncodingOfAnAddressGetsTheSameVerdict) {
    const PeerPolicy policy({.allow = {prefix("10.1.0.0/16")}, .deny = {prefix("8.8.4.0/24")}});
    std::vector<std::string> addresses = {"10.1.2.3", "8.8.4.4"};
    for (const auto& [text, rule] : special_v4) {
        addresses.emplace_back(text);
    }
    for (const auto* text : public_addresses) {
        addresses.emplace_back(text);
    }
    for (const std::string& text : addresses) {
        const auto address = ip(text);
        if (address.is_v6()) {
            continue;
        }
        const auto plain = policy.judge(address);
        for (const auto& encoded : encodings(address)) {
            EXPECT_EQ(canonical(encoded), address) << encoded.to_string();
            EXPECT_EQ(policy.judge(encoded).rule, plain.rule) << encoded.to_string() << " for " << text;
            const net::TransportAddress with_port{encoded, 50'000};
            EXPECT_EQ(policy.judge(with_port).allowed(), plain.allowed()) << encoded.to_string();
        }
    }
}

TEST(PeerPolicy, CanonicalFormIsIdempotent) {
    SeededRandom random(1);
    for (int i = 0; i < 10'000; ++i) {
        std::array<std::byte, 16> bytes{};
        random.fill(bytes);
        std::array<std::uint8_t, 16> octets{};
        for (std::size_t k = 0; k < 16; ++k) {
            octets[k] = i % 2 == 0 && k < 12 ? std::uint8_t{0} : std::to_integer<std::uint8_t>(bytes[k]);
        }
        const auto address = net::IpAddress::v6(octets);
        EXPECT_EQ(canonical(canonical(address)), canonical(address));
    }
}

TEST(PeerPolicy, TunnelIsOnlyAsGoodAsBothItsEnds) {
    const PeerPolicy policy({});
    EXPECT_EQ(policy.judge(ip("fe80::5efe:8.8.8.8")).rule, PeerRule::link_local) << "ISATAP on a link-local prefix";
    EXPECT_EQ(policy.judge(ip("2002:808:808::5efe:10.0.0.1")).rule, PeerRule::private_use) << "ISATAP behind 6to4";
    EXPECT_EQ(policy.judge(ip("2002:a00:1::5efe:8.8.8.8")).rule, PeerRule::private_use);
    EXPECT_EQ(policy.judge(ip("2001:0:a00:1::f7f7:f7f7")).rule, PeerRule::private_use)
        << "Teredo with a private server";
    EXPECT_EQ(policy.judge(ip("2001:0:4136:e378::f7f7:f7f7")).rule, PeerRule::public_address);
}

TEST(PeerPolicy, WellKnownPortsAreRefusedAndTheBoundIsConfigurable) {
    const PeerPolicy policy({});
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 1, 22, 25, 53, 443, 1023}) {
        EXPECT_EQ(policy.judge({ip("8.8.8.8"), port}).rule, PeerRule::low_port) << port;
    }
    EXPECT_TRUE(policy.judge({ip("8.8.8.8"), 1024}).allowed());
    const PeerPolicy open({.lowest_port = 0});
    EXPECT_TRUE(open.judge({ip("8.8.8.8"), 53}).allowed());
    EXPECT_EQ(open.judge({ip("8.8.8.8"), 0}).rule, PeerRule::low_port) << "there is no port 0";
}

TEST(PeerPolicy, LiveRelayAddressesOfOurOwnAreTheOnlyPeersOnThisMachine) {
    LiveRelays relays;
    relays.live = {at("5.9.1.1:50000"), at("10.0.0.5:50001")};
    const PeerPolicy policy({.services = {at("0.0.0.0:3478"), at("10.0.0.5:8080")},
                             .own_addresses = {ip("10.0.0.5"), ip("5.9.1.2")},
                             .relay_addresses = {ip("5.9.1.1"), ip("10.0.0.5")}},
                            &relays);
    EXPECT_EQ(policy.judge(at("5.9.1.1:50000")).rule, PeerRule::own_relay_address);
    EXPECT_EQ(policy.judge(at("10.0.0.5:50001")).rule, PeerRule::own_relay_address) << "private, and ours";
    EXPECT_EQ(policy.judge(at("[::ffff:5.9.1.1]:50000")).rule, PeerRule::own_relay_address);
    EXPECT_EQ(policy.judge(at("5.9.1.1:50002")).rule, PeerRule::own_address) << "no relay there";
    EXPECT_EQ(policy.judge(at("5.9.1.2:50000")).rule, PeerRule::own_address) << "ours, but no relay address";
    EXPECT_FALSE(policy.judge(at("10.0.0.5:50000")).allowed());
    EXPECT_EQ(policy.judge(at("5.9.1.1:3478")).rule, PeerRule::own_service) << "TURN through TURN";
    EXPECT_EQ(policy.judge(at("5.9.1.2:3478")).rule, PeerRule::own_service);
    EXPECT_EQ(policy.judge(at("127.0.0.1:3478")).rule, PeerRule::own_service);
    EXPECT_EQ(policy.judge(at("10.0.0.5:8080")).rule, PeerRule::own_service);
    // A permission has no port: the addresses that relays live on must pass.
    EXPECT_TRUE(policy.judge(ip("5.9.1.1")).allowed());
    EXPECT_TRUE(policy.judge(ip("10.0.0.5")).allowed());
    EXPECT_FALSE(policy.judge(ip("5.9.1.2")).allowed());
}

TEST(PeerPolicy, WithoutAnyoneToAskNoAddressOfOurOwnIsAPeer) {
    const PeerPolicy policy({.relay_addresses = {ip("5.9.1.1")}});
    EXPECT_EQ(policy.judge(ip("5.9.1.1")).rule, PeerRule::own_address);
    EXPECT_EQ(policy.judge(at("5.9.1.1:50000")).rule, PeerRule::own_address);
}

TEST(PeerPolicy, LongestMatchingPrefixDecidesAndAllowWinsATie) {
    const PeerPolicy policy(
        {.allow = {prefix("10.1.0.0/16"), prefix("1.2.3.4")},
         .deny = {prefix("10.0.0.0/8"), prefix("10.1.2.3"), prefix("1.2.3.4"), prefix("9.9.9.0/24")}});
    EXPECT_EQ(policy.judge(ip("10.2.0.1")).rule, PeerRule::operator_denied);
    EXPECT_EQ(policy.judge(ip("10.1.0.1")).rule, PeerRule::operator_allowed);
    EXPECT_EQ(policy.judge(ip("10.1.2.3")).rule, PeerRule::operator_denied);
    EXPECT_EQ(policy.judge(ip("1.2.3.4")).rule, PeerRule::operator_allowed);
    EXPECT_EQ(policy.judge(ip("9.9.9.9")).rule, PeerRule::operator_denied);
    EXPECT_EQ(policy.judge(ip("9.9.8.9")).rule, PeerRule::public_address);
    EXPECT_EQ(policy.judge(ip("192.168.0.1")).rule, PeerRule::private_use);
    EXPECT_EQ(policy.judge(ip("10.1.0.1")).prefix, prefix("10.1.0.0/16"));
}

TEST(PeerPolicy, ListsInIpv6FormMeanTheIpv4Range) {
    const PeerPolicy policy({.allow = {prefix("::ffff:10.0.0.0/104")}, .deny = {prefix("2002:808:800::/40")}});
    EXPECT_TRUE(policy.judge(ip("10.9.9.9")).allowed());
    EXPECT_EQ(policy.judge(ip("8.8.8.8")).rule, PeerRule::operator_denied);
    EXPECT_TRUE(policy.judge(ip("8.8.9.8")).allowed());
    const PeerPolicy narrow({.allow = {prefix("2606:4700::5efe:10.0.0.1")}});
    EXPECT_FALSE(narrow.judge(ip("10.0.0.1")).allowed()) << "a rule for one tunnel opens nothing else";
}

TEST(PeerPolicy, AllowListNeverOpensOwnServices) {
    const PeerPolicy policy({.preset = PeerPreset::any,
                             .allow = {prefix("127.0.0.0/8")},
                             .services = {at("127.0.0.1:6379")},
                             .own_addresses = {ip("127.0.0.1")}});
    EXPECT_EQ(policy.judge(at("127.0.0.1:6379")).rule, PeerRule::own_service);
    EXPECT_EQ(policy.judge(at("[::ffff:127.0.0.1]:6379")).rule, PeerRule::own_service);
    EXPECT_EQ(policy.judge(at("127.0.0.1:6380")).rule, PeerRule::operator_allowed);
}

TEST(PeerPolicy, Presets) {
    EXPECT_EQ(parse_peer_preset("public-only"), PeerPreset::public_only);
    EXPECT_EQ(parse_peer_preset("any"), PeerPreset::any);
    EXPECT_EQ(parse_peer_preset("list"), PeerPreset::list);
    EXPECT_EQ(parse_peer_preset("all"), std::nullopt);
    const PeerPolicy any({.preset = PeerPreset::any, .deny = {prefix("10.0.0.0/8")}});
    EXPECT_EQ(any.judge(ip("192.168.0.1")).rule, PeerRule::any_address);
    EXPECT_EQ(any.judge(ip("10.0.0.1")).rule, PeerRule::operator_denied);
    const PeerPolicy list({.preset = PeerPreset::list, .allow = {prefix("10.0.0.0/8")}});
    EXPECT_EQ(list.judge(ip("8.8.8.8")).rule, PeerRule::not_listed);
    EXPECT_EQ(list.judge(ip("10.0.0.1")).rule, PeerRule::operator_allowed);
}

TEST(PeerPolicy, ExplainsItsVerdict) {
    const PeerPolicy policy({});
    const auto explain = [&](std::string_view text) { return policy.judge(ip(text)).explain(ip(text)); };
    EXPECT_EQ(explain("::ffff:127.0.0.1"),
              "refused: loopback (127.0.0.0/8), because ::ffff:127.0.0.1 leads to 127.0.0.1");
    EXPECT_EQ(explain("8.8.8.8"), "allowed: public address");
    EXPECT_EQ(explain("169.254.169.254"), "refused: cloud metadata (169.254.169.254/32)");
    PeerPolicy server({});
    EXPECT_EQ(server.verdict(ip("10.0.0.1")).rule, "private use");
    EXPECT_TRUE(server.verdict(at("8.8.8.8:4000")).allowed);
}

TEST(PeerPolicy, PrefixContainsExactlyItsRange) {
    SeededRandom random(7);
    for (int i = 0; i < 20'000; ++i) {
        const auto word = [&] { return random.next_u32(); };
        const auto make = [](std::uint32_t v) {
            return net::IpAddress::v4(static_cast<std::uint8_t>(v >> 24U), static_cast<std::uint8_t>(v >> 16U),
                                      static_cast<std::uint8_t>(v >> 8U), static_cast<std::uint8_t>(v));
        };
        const auto length = static_cast<unsigned>(random.below(33));
        const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32U - length);
        const std::uint32_t base = word() & mask;
        const std::uint32_t address = random.below(2) == 0 ? word() : (base | (word() & ~mask));
        EXPECT_EQ(net::Prefix(make(base), length).contains(make(address)),
                  address >= base && address <= (base | ~mask));
    }
}

} // namespace
} // namespace fairlead::relay
