#include "web/assets.hpp"

namespace fairlead::web {

std::span<const http_server::Asset> assets() {
    return {};
}

} // namespace fairlead::web
