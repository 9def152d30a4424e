#include "http_server/static_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace fairlead::http_server {
namespace {

http::Request get(std::string_view path) {
    http::Request request;
    request.target = *http::Target::parse(path);
    return request;
}

constexpr std::string_view page = "<!doctype html>";
constexpr std::string_view zipped_page = "gzip bytes";
const std::array<Asset, 2> assets{{
    {"/index.html", "text/html; charset=utf-8", "abc", as_bytes(page), as_bytes(zipped_page)},
    {"/admin/index.html", "text/html; charset=utf-8", "def", as_bytes(page), {}},
}};

TEST(AssetTable, ServesPagesWithTypeAndValidator) {
    const AssetTable table(assets);
    const auto response = table.serve(get("/"));
    EXPECT_EQ(response.status(), http::Status::ok);
    EXPECT_EQ(as_text(response.content()), page);
    EXPECT_EQ(response.fields().find("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(response.fields().find("ETag"), "\"abc\"");
    EXPECT_EQ(response.fields().find("Vary"), "Accept-Encoding");
    EXPECT_EQ(table.serve(get("/admin/")).status(), http::Status::ok);
    EXPECT_EQ(table.serve(get("/admin")).status(), http::Status::not_found);
    EXPECT_EQ(table.serve(get("/other")).status(), http::Status::not_found);
}

TEST(AssetTable, CompressesForThoseWhoTakeIt) {
    const AssetTable table(assets);
    http::Request request = get("/index.html");
    ASSERT_TRUE(request.fields.add("Accept-Encoding", "gzip, br"));
    const auto response = table.serve(request);
    EXPECT_EQ(as_text(response.content()), zipped_page);
    EXPECT_EQ(response.fields().find("Content-Encoding"), "gzip");
    EXPECT_EQ(response.fields().find("ETag"), "\"abc-gzip\"");
}

TEST(AssetTable, AnswersAKnownValidatorWithoutContent) {
    const AssetTable table(assets);
    for (const std::string_view etag : {"\"abc\"", "W/\"abc\"", "\"x\", \"abc-gzip\"", "*"}) {
        http::Request request = get("/index.html");
        ASSERT_TRUE(request.fields.add("If-None-Match", etag));
        const auto response = table.serve(request);
        EXPECT_EQ(response.status(), http::Status::not_modified) << etag;
        EXPECT_TRUE(response.content().empty());
        EXPECT_TRUE(response.fields().contains("ETag"));
    }
}

class DirectoryTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/fairlead-web-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        base_ = name;
        std::filesystem::create_directories(base_ / "root" / "js");
        write("root/index.html", page);
        write("root/js/app.js", "let a;");
        write("root/.secret", "hidden");
        write("outside.txt", "outside");
        std::filesystem::create_symlink(base_ / "outside.txt", base_ / "root" / "link.txt");
        std::filesystem::create_directory_symlink(base_, base_ / "root" / "up");
        auto directory = Directory::open((base_ / "root").string());
        ASSERT_TRUE(directory);
        directory_ = *directory;
    }
    void TearDown() override { std::filesystem::remove_all(base_); }
    void write(const std::string& name, std::string_view text) const { std::ofstream(base_ / name) << text; }
    [[nodiscard]] http::Status status_of(std::string_view path) const { return directory_->serve(get(path)).status(); }

    std::filesystem::path base_;
    std::shared_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, ServesFilesWithTheirType) {
    const auto response = directory_->serve(get("/js/app.js"));
    EXPECT_EQ(response.status(), http::Status::ok);
    EXPECT_EQ(as_text(response.content()), "let a;");
    EXPECT_EQ(response.fields().find("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(as_text(directory_->serve(get("/")).content()), page);

    http::Request again = get("/js/app.js");
    ASSERT_TRUE(again.fields.add("If-None-Match", *response.fields().find("ETag")));
    EXPECT_EQ(directory_->serve(again).status(), http::Status::not_modified);
}

TEST_F(DirectoryTest, NothingOutsideIsReached) {
    EXPECT_EQ(status_of("/link.txt"), http::Status::not_found) << "symbolic link to a file";
    EXPECT_EQ(status_of("/up/outside.txt"), http::Status::not_found) << "symbolic link to a folder";
    EXPECT_EQ(status_of("/.secret"), http::Status::not_found);
    EXPECT_EQ(status_of("//etc/passwd"), http::Status::not_found);
    EXPECT_EQ(status_of("/js"), http::Status::not_found) << "a folder is no file";
    EXPECT_EQ(status_of("/js/"), http::Status::not_found);
    EXPECT_EQ(status_of("/index.html/x"), http::Status::not_found);
    EXPECT_EQ(status_of("/absent"), http::Status::not_found);
}

TEST_F(DirectoryTest, WhichDoesNotExistIsAnErrorAtOnce) {
    EXPECT_FALSE(Directory::open((base_ / "none").string()));
}

} // namespace
} // namespace fairlead::http_server
