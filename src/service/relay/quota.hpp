#pragma once

#include "turn/quota.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairlead::relay {

/// Relayed addresses at the same time; 0 = no limit.
struct QuotaLimits {
    std::size_t per_user = 20;
    std::size_t per_realm = 0;
    std::size_t total = 0;
};

/// The book of who holds how many relayed addresses. turn::QuotaHold keeps an entry exactly as long as the object that
/// it counts. Not safe across threads: with several workers the driver puts one ledger behind one lock.
class QuotaLedger final : public turn::Quota {
public:
    explicit QuotaLedger(QuotaLimits limits = {}) : limits_(limits) {}

    /// For realms with limits of their own.
    void set_realm_limits(std::string_view realm, QuotaLimits limits);
    /// New limits bind new allocations; nobody is thrown out.
    void set_limits(QuotaLimits limits) { limits_ = limits; }
    [[nodiscard]] const QuotaLimits& limits() const { return limits_; }

    [[nodiscard]] turn::QuotaAnswer take(std::string_view realm, std::string_view user) override;
    void give_back(std::string_view realm, std::string_view user) override;

    [[nodiscard]] std::size_t in_use(std::string_view realm, std::string_view user) const;
    [[nodiscard]] std::size_t in_use(std::string_view realm) const;
    [[nodiscard]] std::size_t in_use() const { return total_; }

private:
    struct Hash {
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    template <class T>
    using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
    /// Forgotten with its last allocation, so the book is no longer than the list of live ones.
    struct Realm {
        std::size_t in_use = 0;
        ByName<std::size_t> by_user;
    };

    QuotaLimits limits_;
    ByName<QuotaLimits> limits_by_realm_;
    ByName<Realm> realms_;
    std::size_t total_ = 0;
};

} // namespace fairlead::relay
