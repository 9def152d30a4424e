#include "net/address.hpp"
#include "net/prefix.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::net {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
    for (const std::string_view text :
         {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:10.0.0.1"}) {
        const auto address = IpAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
        EXPECT_EQ(address->is_v6(), text.find(':') != std::string_view::npos);
    }
}

TEST(IpAddress, RefusesWhatIsNotALiteral) {
    for (const std::string_view text :
         {"", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4x", "[::1]", "fe80::1%eth0", "::1/64", "1.2.3.4 "}) {
        EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
    }
    EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)).has_value());
    EXPECT_FALSE(IpAddress::parse(std::string(200, '1')).has_value());
}

TEST(TransportAddress, RoundTrip) {
    for (const std::string_view text : {"192.0.2.1:3478", "[2001:db8::1]:65535", "0.0.0.0:0"}) {
        const auto address = TransportAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
    for (const std::string_view text : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "::1:80", "[::1]",
                                        "[::1]80", "[1.2.3.4]:80", ":80", "1.2.3.4:80 "}) {
        EXPECT_FALSE(TransportAddress::parse(text).has_value()) << text;
    }
}

TEST(Hash, DependsOnEveryPartAndOnTheKey) {
    const FiveTuple base{*TransportAddress::parse("192.0.2.1:1000"), *TransportAddress::parse("192.0.2.2:3478"),
                         Transport::udp};
    std::set<std::uint64_t> seen{hash(base, 1), hash(base, 2)};
    FiveTuple other = base;
    other.client.port = 1001;
    seen.insert(hash(other, 1));
    other = base;
    other.server.port = 3479;
    seen.insert(hash(other, 1));
    other = base;
    other.transport = Transport::tcp;
    seen.insert(hash(other, 1));
    other = base;
    std::swap(other.client, other.server);
    seen.insert(hash(other, 1));
    EXPECT_EQ(seen.size(), 6U);
}

TEST(Prefix, ContainsExactlyItsRange) {
    const auto ten = *Prefix::parse("10.0.0.0/8");
    EXPECT_TRUE(ten.contains(*IpAddress::parse("10.255.255.255")));
    EXPECT_FALSE(ten.contains(*IpAddress::parse("11.0.0.0")));
    EXPECT_FALSE(ten.contains(*IpAddress::parse("::ffff:10.0.0.1")));
    const auto odd = *Prefix::parse("2001:db8:8000::/33");
    EXPECT_TRUE(odd.contains(*IpAddress::parse("2001:db8:ffff::1")));
    EXPECT_FALSE(odd.contains(*IpAddress::parse("2001:db8:7fff::1")));
    EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("203.0.113.9")));
    EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
    EXPECT_TRUE(Prefix::parse("192.0.2.1")->contains(*IpAddress::parse("192.0.2.1")));
}

TEST(Prefix, RefusesNonsense) {
    for (const std::string_view text :
         {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "/8", "x/8"}) {
        EXPECT_FALSE(Prefix::parse(text).has_value()) << text;
    }
}

} // namespace
} // namespace fairlead::net
