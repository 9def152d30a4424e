#include "http_server/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fairlead::http_server {
namespace {

constexpr std::size_t file_limit = std::size_t{16} << 20U;

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> content_types{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".webp", "image/webp"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
}};

std::string_view content_type_of(std::string_view path) {
    for (const auto& [suffix, type] : content_types) {
        if (path.ends_with(suffix)) {
            return type;
        }
    }
    return "application/octet-stream";
}

std::string file_path(std::string_view path) {
    std::string name(path);
    return name.ends_with('/') ? name.append("index.html") : name;
}

/// Opens `path` ("/a/b.js") below `root`, one component after the other, none of them through a symbolic link.
process::Descriptor open_below(int root, std::string_view path) {
    process::Descriptor folder;
    int at = root;
    path.remove_prefix(1);
    while (true) {
        const std::size_t slash = path.find('/');
        const std::string name(path.substr(0, slash));
        if (name.empty() || name.front() == '.') {
            return {};
        }
        const bool is_last = slash == std::string_view::npos;
        const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (is_last ? 0 : O_DIRECTORY);
        process::Descriptor next(::openat(at, name.c_str(), flags));
        if (!next || is_last) {
            return next;
        }
        folder = std::move(next);
        at = folder.get();
        path.remove_prefix(slash + 1);
    }
}

std::optional<std::string> read_all(int file, std::size_t size) {
    std::string content(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t n = ::read(file, content.data() + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return std::nullopt;
        }
        done += static_cast<std::size_t>(n);
    }
    return content;
}

http::Response not_found() {
    return http::Response::text(http::Status::not_found, "Not found.\n");
}

/// "no-cache" is "ask every time": the answer is then mostly 304, and never a page older than the server.
http::Response with_validators(http::Status status, std::string_view etag, std::string_view content_type) {
    http::Response response(status);
    response.set("ETag", etag).set("Cache-Control", "no-cache").set("Vary", "Accept-Encoding");
    if (status == http::Status::ok) {
        response.set("Content-Type", content_type);
    }
    return response;
}

} // namespace

AssetTable::AssetTable(std::span<const Asset> assets) {
    for (const Asset& asset : assets) {
        by_path_.emplace(asset.path, &asset);
    }
}

http::Response AssetTable::serve(const http::Request& request) const {
    const auto found = by_path_.find(file_path(request.path()));
    if (found == by_path_.end()) {
        return not_found();
    }
    const Asset& asset = *found->second;
    const bool zipped = !asset.gzip.empty() && http::accepts_encoding(request.fields, "gzip");
    // A strong validator names one representation, coding included (RFC 9110 section 8.8.3.3).
    const std::string plain_etag = std::string("\"").append(asset.etag).append("\"");
    const std::string zipped_etag = std::string("\"").append(asset.etag).append("-gzip\"");
    const std::string& etag = zipped ? zipped_etag : plain_etag;
    if (http::none_match_names(request.fields, plain_etag) || http::none_match_names(request.fields, zipped_etag)) {
        return with_validators(http::Status::not_modified, etag, asset.content_type);
    }
    auto response = with_validators(http::Status::ok, etag, asset.content_type);
    if (zipped) {
        response.set("Content-Encoding", "gzip");
    }
    response.body_static(zipped ? asset.gzip : asset.plain);
    return response;
}

Result<std::shared_ptr<Directory>, std::error_code> Directory::open(const std::string& path) {
    process::Descriptor root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        return fail(std::error_code(errno, std::generic_category()));
    }
    return std::make_shared<Directory>(std::move(root));
}

http::Response Directory::serve(const http::Request& request) const {
    const std::string path = file_path(request.path());
    const process::Descriptor file = open_below(root_.get(), path);
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 0 ||
        static_cast<std::size_t>(status.st_size) > file_limit) {
        return not_found();
    }
    const std::string etag = "\"" + std::to_string(status.st_size) + "-" + std::to_string(status.st_mtim.tv_sec) + "-" +
                             std::to_string(status.st_mtim.tv_nsec) + "\"";
    if (http::none_match_names(request.fields, etag)) {
        return with_validators(http::Status::not_modified, etag, {});
    }
    auto content = read_all(file.get(), static_cast<std::size_t>(status.st_size));
    if (!content) {
        return not_found();
    }
    auto response = with_validators(http::Status::ok, etag, content_type_of(path));
    response.body(std::move(*content));
    return response;
}

Handler redirect_to_https(std::uint16_t port) {
    return [port](const Request& request) {
        const std::string_view host = request.host();
        if (host.empty()) {
            return http::Response::text(http::Status::upgrade_required, "Use HTTPS.\n");
        }
        const std::size_t end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
        std::string location = "https://";
        location.append(host.substr(0, end));
        if (port != 443) {
            location.append(":").append(std::to_string(port));
        }
        location.append(http::encode_path(request.path()));
        if (!request.target.query().empty()) {
            location.append("?").append(request.target.query());
        }
        return http::Response::redirect(http::Status::permanent_redirect, location);
    };
}

} // namespace fairlead::http_server
