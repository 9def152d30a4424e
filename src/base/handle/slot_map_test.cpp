#include "handle/slot_map.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fairlead::handle {
namespace {

TEST(SlotMap, FindsWhatWasPutIn) {
    SlotMap<std::string> map(10);
    const auto a = map.emplace("a");
    const auto b = map.emplace("b");
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    EXPECT_NE(a, b);
    EXPECT_EQ(*map.find(a), "a");
    EXPECT_EQ(*map.find(b), "b");
    EXPECT_EQ(map.size(), 2U);
}

TEST(SlotMap, HandleOfTheDeadFindsNobodyEvenWhenThePlaceIsTakenAgain) {
    SlotMap<std::string> map(10);
    const auto old = map.emplace("old");
    EXPECT_TRUE(map.erase(old));
    EXPECT_FALSE(map.erase(old));
    const auto young = map.emplace("young");
    EXPECT_EQ(young.index, old.index);
    EXPECT_EQ(map.find(old), nullptr);
    EXPECT_EQ(*map.find(young), "young");
}

TEST(SlotMap, NullAndForeignHandlesFindNobody) {
    SlotMap<int> map(10);
    EXPECT_EQ(map.find({}), nullptr);
    EXPECT_EQ(map.find({7, 1}), nullptr);
    const auto h = map.emplace(1);
    EXPECT_EQ(map.find({h.index, 0}), nullptr);
    map.erase(h);
    EXPECT_EQ(map.find({h.index, h.generation + 1}), nullptr) << "a free place has no object, whatever its generation";
}

TEST(SlotMap, RefusesBeyondItsCapAndRecovers) {
    SlotMap<int> map(2);
    const auto a = map.emplace(1);
    EXPECT_TRUE(map.emplace(2));
    EXPECT_FALSE(map.emplace(3));
    map.erase(a);
    EXPECT_TRUE(map.emplace(4));
    EXPECT_EQ(map.size(), 2U);
}

TEST(SlotMap, AddressesStayWhileOthersComeAndGo) {
    SlotMap<std::unique_ptr<int>> map(10'000);
    const auto first = map.emplace(std::make_unique<int>(1));
    const auto* const address = map.find(first);
    std::vector<SlotMap<std::unique_ptr<int>>::Handle> others;
    for (int i = 0; i < 5'000; ++i) {
        others.push_back(map.emplace(std::make_unique<int>(i)));
    }
    for (const auto h : others) {
        map.erase(h);
    }
    EXPECT_EQ(map.find(first), address);
    EXPECT_EQ(map.size(), 1U);
}

TEST(SlotMap, VisitsTheLivingAndLetsThemDie) {
    SlotMap<int> map(10);
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(map.emplace(i));
    }
    map.for_each([&](auto handle, int& value) {
        if (value % 2 == 0) {
            map.erase(handle);
        }
    });
    std::vector<int> left;
    map.for_each([&](auto, int& value) { left.push_back(value); });
    EXPECT_EQ(left, (std::vector{1, 3, 5}));
}

} // namespace
} // namespace fairlead::handle
