#pragma once

#include "net/address.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::turn {

/// Remembers how a request ended whose repetition would end otherwise: an Allocate refused for lack of quota or ports
/// (a moment later there may be some, and then the client and we would disagree about an allocation), and a Refresh
/// that deleted. RFC 8656 section 5 wants 40 seconds. A fixed table; an entry may be pushed out by a newer one, after
/// which the request is simply judged again. Everything else is idempotent by itself.
class RecentAnswers {
public:
    /// `code` 0 = success.
    explicit RecentAnswers(std::uint64_t key) : key_(key), rows_(rows) {}

    void remember(Instant now, const net::FiveTuple& path, const stun::TransactionId& id, std::uint16_t code) {
        rows_[slot(path, id)] = {.path = path, .id = id, .expires = now + lifetime, .code = code};
    }
    [[nodiscard]] std::optional<std::uint16_t> find(Instant now, const net::FiveTuple& path,
                                                    const stun::TransactionId& id) const {
        const Row& row = rows_[slot(path, id)];
        const bool same = now < row.expires && row.id == id && row.path == path;
        return same ? std::optional(row.code) : std::nullopt;
    }

private:
    static constexpr std::size_t rows = 512;
    static constexpr std::chrono::seconds lifetime{40};

    struct Row {
        net::FiveTuple path;
        stun::TransactionId id{};
        Instant expires = Instant::min();
        std::uint16_t code = 0;
    };
    [[nodiscard]] std::size_t slot(const net::FiveTuple& path, const stun::TransactionId& id) const {
        std::uint64_t mixed = net::hash(path, key_);
        for (const std::byte b : id) {
            mixed = (mixed ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
        }
        return (mixed >> 32U) % rows;
    }

    std::uint64_t key_;
    std::vector<Row> rows_;
};

} // namespace fairlead::turn
