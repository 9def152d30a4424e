#include "web/assets.hpp"

#include "bytes/hex.hpp"
#include "crypto/crc32.hpp"
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace fairlead::web {
namespace {

std::string_view text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const http_server::Asset* find(std::string_view path) {
    const auto all = assets();
    const auto found = std::ranges::find(all, path, &http_server::Asset::path);
    return found == all.end() ? nullptr : &*found;
}

/// The trailer of a gzip file (RFC 1952, section 2.3.1): CRC32 and size of what it unpacks to, little-endian.
std::uint32_t trailer_field(Bytes gzip, std::size_t from_end) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) {
        value = value << 8U | std::to_integer<std::uint32_t>(gzip[gzip.size() - from_end + i]);
    }
    return value;
}

TEST(Assets, AreThereAsConfigured) {
    EXPECT_EQ(assets().empty(), FAIRLEAD_HAS_PAGES == 0);
}

class Pages : public testing::Test {
    void SetUp() override {
        if (FAIRLEAD_HAS_PAGES == 0) {
            GTEST_SKIP() << "built with FAIRLEAD_WEB=OFF";
        }
    }
};

TEST_F(Pages, HoldTheFirstPageAndAllItNames) {
    const auto* page = find("/index.html");
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
    const auto html = text(page->plain);
    std::size_t named = 0;
    for (auto at = html.find("=\"/"); at != std::string_view::npos; at = html.find("=\"/", at + 1)) {
        const auto path = html.substr(at + 2, html.find('"', at + 2) - at - 2);
        EXPECT_NE(find(path), nullptr) << path;
        ++named;
    }
    EXPECT_GE(named, 3U) << "a style, a script and an icon at least";
}

TEST_F(Pages, NeedNoInlineScriptOrStyleAndNoOtherHost) {
    const auto html = text(find("/index.html")->plain);
    EXPECT_EQ(html.find("<style"), std::string_view::npos);
    EXPECT_EQ(html.find(" style="), std::string_view::npos);
    EXPECT_EQ(html.find("<script>"), std::string_view::npos);
    EXPECT_EQ(html.find("//"), std::string_view::npos);
}

TEST_F(Pages, CarryTheHashOfWhatTheyHoldAsTag) {
    for (const auto& asset : assets()) {
        EXPECT_EQ(asset.etag, bytes::to_hex(crypto::sha256(asset.plain))) << asset.path;
    }
}

TEST_F(Pages, AreTheSameGzipped) {
    std::size_t gzipped = 0;
    for (const auto& asset : assets()) {
        if (asset.gzip.empty()) {
            continue;
        }
        EXPECT_LT(asset.gzip.size(), asset.plain.size()) << asset.path;
        ASSERT_GT(asset.gzip.size(), 18U) << asset.path;
        EXPECT_EQ(text(asset.gzip).substr(0, 3), "\x1f\x8b\x08") << asset.path;
        EXPECT_EQ(trailer_field(asset.gzip, 8), crypto::crc32(asset.plain)) << asset.path;
        EXPECT_EQ(trailer_field(asset.gzip, 4), asset.plain.size()) << asset.path;
        ++gzipped;
    }
    EXPECT_GT(gzipped, 0U);
}

TEST_F(Pages, HaveOnePathEach) {
    std::set<std::string_view> paths;
    for (const auto& asset : assets()) {
        EXPECT_TRUE(asset.path.starts_with('/')) << asset.path;
        EXPECT_TRUE(paths.insert(asset.path).second) << asset.path;
    }
}

} // namespace
} // namespace fairlead::web
