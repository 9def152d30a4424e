#include "process/clock.hpp"

namespace fairlead::process {

Now now() {
    return {steady_now(), unix_now()};
}

Instant steady_now() {
    return std::chrono::steady_clock::now();
}

UnixTime unix_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::int64_t unix_microseconds() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

} // namespace fairlead::process
