#include "log/address.hpp"

#include <gtest/gtest.h>

namespace fairlead::log {
namespace {

TEST(Address, IsShownMaskedOrHidden) {
    const auto v4 = *net::TransportAddress::parse("198.51.100.77:4000");
    const auto v6 = *net::TransportAddress::parse("[2001:db8:1:2::3]:4000");
    EXPECT_EQ(shown(v4), "198.51.100.77:4000");
    set_addresses(Addresses::masked);
    EXPECT_EQ(shown(v4), "198.51.100.0/24");
    EXPECT_EQ(shown(v6), "2001:db8:1::/48");
    EXPECT_EQ(shown(v6.address), "2001:db8:1::/48");
    set_addresses(Addresses::hidden);
    EXPECT_EQ(shown(v4), "-");
    set_addresses(Addresses::shown);
    EXPECT_EQ(shown(v6), "[2001:db8:1:2::3]:4000");
}

} // namespace
} // namespace fairlead::log
