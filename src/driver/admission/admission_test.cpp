#include "admission/admission.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::admission {
namespace {

net::IpAddress ip(std::string_view text) {
    return *net::IpAddress::parse(text);
}

TEST(Gate, CapsTheTotalAndGivesPlacesBack) {
    Gate gate({.connections = 2, .per_source = 10});
    Pass first = gate.admit(ip("192.0.2.1"));
    Pass second = gate.admit(ip("192.0.2.2"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(gate.admit(ip("192.0.2.3")).why(), Refusal::too_many);
    EXPECT_EQ(gate.refused_total(), 1U);
    first = Pass();
    EXPECT_EQ(gate.connections(), 1U);
    EXPECT_TRUE(gate.admit(ip("192.0.2.3")));
}

TEST(Gate, CapsOneSourceAndTakesASlash64AsOne) {
    Gate gate({.connections = 100, .per_source = 2});
    std::vector<Pass> held;
    held.push_back(gate.admit(ip("2001:db8::1")));
    held.push_back(gate.admit(ip("2001:db8::2")));
    EXPECT_EQ(gate.admit(ip("2001:db8::3")).why(), Refusal::too_many_from_source);
    EXPECT_TRUE(gate.admit(ip("2001:db8:0:1::1")));
    held.clear();
    EXPECT_TRUE(gate.admit(ip("2001:db8::3")));
    EXPECT_EQ(gate.connections(), 0U);
}

} // namespace
} // namespace fairlead::admission
