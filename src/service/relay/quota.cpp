#include "relay/quota.hpp"

#include <cassert>

namespace fairlead::relay {

namespace {

bool reached(std::size_t in_use, std::size_t limit) {
    return limit != 0 && in_use >= limit;
}

} // namespace

void QuotaLedger::set_realm_limits(std::string_view realm, QuotaLimits limits) {
    limits_by_realm_.insert_or_assign(std::string(realm), limits);
}

turn::QuotaAnswer QuotaLedger::take(std::string_view realm, std::string_view user) {
    const auto own = limits_by_realm_.find(realm);
    const QuotaLimits& limits = own != limits_by_realm_.end() ? own->second : limits_;
    if (reached(in_use(realm, user), limits.per_user)) {
        return turn::QuotaAnswer::user_limit;
    }
    if (reached(in_use(realm), limits.per_realm) || reached(total_, limits_.total)) {
        return turn::QuotaAnswer::capacity_limit;
    }
    auto book = realms_.find(realm);
    if (book == realms_.end()) {
        book = realms_.try_emplace(std::string(realm)).first;
    }
    auto entry = book->second.by_user.find(user);
    if (entry == book->second.by_user.end()) {
        entry = book->second.by_user.try_emplace(std::string(user)).first;
    }
    ++entry->second;
    ++book->second.in_use;
    ++total_;
    return turn::QuotaAnswer::granted;
}

void QuotaLedger::give_back(std::string_view realm, std::string_view user) {
    const auto book = realms_.find(realm);
    if (book == realms_.end()) {
        assert(false && "given back to a realm that holds nothing");
        return;
    }
    const auto entry = book->second.by_user.find(user);
    if (entry == book->second.by_user.end()) {
        assert(false && "given back by a user who holds nothing");
        return;
    }
    if (--entry->second == 0) {
        book->second.by_user.erase(entry);
    }
    --total_;
    if (--book->second.in_use == 0) {
        realms_.erase(book);
    }
}

std::size_t QuotaLedger::in_use(std::string_view realm, std::string_view user) const {
    const auto book = realms_.find(realm);
    if (book == realms_.end()) {
        return 0;
    }
    const auto entry = book->second.by_user.find(user);
    return entry != book->second.by_user.end() ? entry->second : 0;
}

std::size_t QuotaLedger::in_use(std::string_view realm) const {
    const auto book = realms_.find(realm);
    return book != realms_.end() ? book->second.in_use : 0;
}

} // namespace fairlead::relay
