#pragma once

#include "bytes/bytes.hpp"

#include <string_view>

namespace fairlead::http_server {

/// One embedded file of the web pages. Everything it points at lives as long as the program.
struct Asset {
    std::string_view path;         ///< "/index.html": as asked for, with the slash in front
    std::string_view content_type; ///< "text/html; charset=utf-8"
    std::string_view etag;         ///< of `plain`, without quotes
    Bytes plain;
    Bytes gzip; ///< empty when it would save nothing
};

} // namespace fairlead::http_server
