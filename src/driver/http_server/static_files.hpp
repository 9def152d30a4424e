#pragma once

#include "http_server/asset.hpp"
#include "http_server/router.hpp"
#include "process/descriptor.hpp"
#include "result/result.hpp"

#include <system_error>
#include <unordered_map>

namespace fairlead::http_server {

/// The embedded pages: GET with ETag, If-None-Match and gzip. A directory ("/", "/admin/") is its index.html.
class AssetTable {
public:
    explicit AssetTable(std::span<const Asset> assets);
    [[nodiscard]] http::Response serve(const http::Request& request) const;

private:
    std::unordered_map<std::string_view, const Asset*> by_path_;
};

/// The same from a directory, for development: read anew for each request, up to 16 MiB a file. Every component of the
/// path is opened below the one before without following symbolic links, so nothing outside is ever reached; names that
/// begin with a dot are not served.
class Directory {
public:
    [[nodiscard]] static Result<std::shared_ptr<Directory>, std::error_code> open(const std::string& path);
    explicit Directory(process::Descriptor root) : root_(std::move(root)) {}
    [[nodiscard]] http::Response serve(const http::Request& request) const;

private:
    process::Descriptor root_;
};

/// For a prefix route of pages on a plain port: 308 to the same path over TLS. `port` 443 is left out.
[[nodiscard]] Handler redirect_to_https(std::uint16_t port);

} // namespace fairlead::http_server
