#include "admission/admission.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::admission {

namespace {

// Whoever has one IPv6 address has its /64 (RFC 4291 section 2.5.4), so that is what counts as one source.
net::IpAddress counted_as(const net::IpAddress& source) {
    if (source.is_v4()) {
        return source;
    }
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(source.bytes().first(8), bytes.begin());
    return net::IpAddress::v6(bytes);
}

} // namespace

Pass Gate::admit(const net::IpAddress& source) {
    const net::IpAddress counted = counted_as(source);
    const std::scoped_lock lock(mutex_);
    if (total_.load(std::memory_order_relaxed) >= limits_.connections) {
        refused_total_.fetch_add(1, std::memory_order_relaxed);
        return Pass(Refusal::too_many);
    }
    std::size_t& here = by_source_[counted];
    if (here >= limits_.per_source) {
        refused_source_.fetch_add(1, std::memory_order_relaxed);
        return Pass(Refusal::too_many_from_source);
    }
    ++here;
    total_.fetch_add(1, std::memory_order_relaxed);
    return {*this, counted};
}

void Gate::set_limits(const Limits& limits) {
    const std::scoped_lock lock(mutex_);
    limits_ = limits;
}

void Gate::leave(const net::IpAddress& source) {
    const std::scoped_lock lock(mutex_);
    const auto entry = by_source_.find(source);
    if (entry != by_source_.end() && --entry->second == 0) {
        by_source_.erase(entry);
    }
    total_.fetch_sub(1, std::memory_order_relaxed);
}

Pass::Pass(Pass&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), source_(other.source_), why_(other.why_) {}

Pass& Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        if (gate_ != nullptr) {
            gate_->leave(source_);
        }
        gate_ = std::exchange(other.gate_, nullptr);
        source_ = other.source_;
        why_ = other.why_;
    }
    return *this;
}

Pass::~Pass() {
    if (gate_ != nullptr) {
        gate_->leave(source_);
    }
}

} // namespace fairlead::admission
