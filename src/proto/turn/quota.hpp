#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::turn {

enum class QuotaAnswer : std::uint8_t {
    granted,
    user_limit,     ///< answered 486
    capacity_limit, ///< answered 508
};

/// Counts relayed addresses: one per allocation, one more for a reservation. Shared by all workers, so an
/// implementation takes a small lock; it is never asked per packet.
class Quota {
public:
    virtual ~Quota() = default;
    [[nodiscard]] virtual QuotaAnswer take(std::string_view realm, std::string_view user) = 0;
    virtual void give_back(std::string_view realm, std::string_view user) = 0;
};

/// Holds one unit as long as it lives: the quota is given back when the object that it counts dies, not earlier and not
/// later. The Quota outlives every hold.
class QuotaHold {
public:
    QuotaHold() = default;
    /// Takes over a unit that was granted.
    QuotaHold(Quota& quota, std::string_view realm, std::string user)
        : quota_(&quota), realm_(realm), user_(std::move(user)) {}
    ~QuotaHold() { release(); }
    QuotaHold(const QuotaHold&) = delete;
    QuotaHold& operator=(const QuotaHold&) = delete;
    QuotaHold(QuotaHold&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)), realm_(other.realm_), user_(std::move(other.user_)) {}
    QuotaHold& operator=(QuotaHold&& other) noexcept {
        if (this != &other) {
            release();
            quota_ = std::exchange(other.quota_, nullptr);
            realm_ = other.realm_;
            user_ = std::move(other.user_);
        }
        return *this;
    }

    [[nodiscard]] const std::string& user() const { return user_; }
    void release() {
        if (quota_ != nullptr) {
            std::exchange(quota_, nullptr)->give_back(realm_, user_);
        }
    }

private:
    Quota* quota_ = nullptr;
    std::string_view realm_; // the server's configuration owns it and outlives the hold
    std::string user_;
};

} // namespace fairlead::turn
