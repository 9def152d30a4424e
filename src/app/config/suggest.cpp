#include "config/suggest.hpp"

#include <algorithm>
#include <vector>

namespace fairlead::config {

std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::vector<std::size_t>> cost(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
    for (std::size_t i = 0; i <= from.size(); ++i) {
        for (std::size_t j = 0; j <= to.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const std::size_t differs = from[i - 1] == to[j - 1] ? 0 : 1;
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differs});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[from.size()][to.size()];
}

std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates) {
    constexpr std::size_t longest_key = 64; // Whoever wrote more than that did not mistype a key.
    if (name.size() > longest_key) {
        return std::nullopt;
    }
    std::optional<std::string> best;
    std::size_t least = 0;
    for (const std::string& candidate : candidates) {
        const auto distance = edit_distance(name, candidate);
        if (distance <= std::max<std::size_t>(1, candidate.size() / 3) && (!best || distance < least)) {
            best = candidate;
            least = distance;
        }
    }
    return best;
}

} // namespace fairlead::config
