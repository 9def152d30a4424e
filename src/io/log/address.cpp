#include "log/address.hpp"

#include "net/prefix.hpp"

#include <atomic>

namespace fairlead::log {

namespace {

std::atomic<Addresses> mode{Addresses::shown};

std::string masked(const net::IpAddress& address) {
    return net::Prefix(address, address.is_v4() ? 24 : 48).to_string();
}

} // namespace

void set_addresses(Addresses addresses) {
    mode.store(addresses, std::memory_order_relaxed);
}

std::string shown(const net::IpAddress& address) {
    switch (mode.load(std::memory_order_relaxed)) {
    case Addresses::shown:
        return address.to_string();
    case Addresses::masked:
        return masked(address);
    case Addresses::hidden:
        break;
    }
    return "-";
}

std::string shown(const net::TransportAddress& address) {
    return mode.load(std::memory_order_relaxed) == Addresses::shown ? address.to_string() : shown(address.address);
}

} // namespace fairlead::log
