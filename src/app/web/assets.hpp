#pragma once

#include "http_server/asset.hpp"

#include <span>

namespace fairlead::web {

/// The web pages that were built into the program, as http_server::AssetTable wants them. Empty when it was configured
/// with FAIRLEAD_WEB=OFF: the server then has no pages, and should say so where it prints its addresses.
[[nodiscard]] std::span<const http_server::Asset> assets();

} // namespace fairlead::web
