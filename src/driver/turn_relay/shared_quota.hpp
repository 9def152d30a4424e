#pragma once

#include "relay/quota.hpp"

#include <mutex>

namespace fairlead::turn_relay {

/// The one quota ledger of all workers, behind a lock that is taken when an allocation begins and when it ends; never
/// per packet.
class SharedQuota final : public turn::Quota {
public:
    explicit SharedQuota(relay::QuotaLimits limits) : ledger_(limits) {}

    [[nodiscard]] turn::QuotaAnswer take(std::string_view realm, std::string_view user) override {
        const std::scoped_lock lock(mutex_);
        return ledger_.take(realm, user);
    }
    void give_back(std::string_view realm, std::string_view user) override {
        const std::scoped_lock lock(mutex_);
        ledger_.give_back(realm, user);
    }
    void set_limits(relay::QuotaLimits limits) {
        const std::scoped_lock lock(mutex_);
        ledger_.set_limits(limits);
    }

private:
    std::mutex mutex_;
    relay::QuotaLedger ledger_;
};

} // namespace fairlead::turn_relay
