#pragma once

#include "net/address.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"
#include "turn/events.hpp"
#include "turn/quota.hpp"
#include "turn/relay_opener.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::turn {

/// A relay socket that is closed when its owner dies. The opener outlives it.
class OwnedRelay {
public:
    OwnedRelay() = default;
    OwnedRelay(RelayOpener& opener, const OpenedRelay& opened) : opener_(&opener), opened_(opened) {}
    ~OwnedRelay() { close(); }
    OwnedRelay(const OwnedRelay&) = delete;
    OwnedRelay& operator=(const OwnedRelay&) = delete;
    OwnedRelay(OwnedRelay&& other) noexcept : opener_(std::exchange(other.opener_, nullptr)), opened_(other.opened_) {}
    OwnedRelay& operator=(OwnedRelay&& other) noexcept {
        if (this != &other) {
            close();
            opener_ = std::exchange(other.opener_, nullptr);
            opened_ = other.opened_;
        }
        return *this;
    }

    [[nodiscard]] bool open() const { return opener_ != nullptr; }
    [[nodiscard]] RelayId id() const { return opened_.id; }
    [[nodiscard]] const net::TransportAddress& relayed() const { return opened_.relayed; }
    [[nodiscard]] net::Family family() const { return opened_.relayed.family(); }
    void close() {
        if (opener_ != nullptr) {
            std::exchange(opener_, nullptr)->close(opened_.id);
        }
    }

private:
    RelayOpener* opener_ = nullptr;
    OpenedRelay opened_;
};

/// RFC 8656 section 9: by IP address alone.
struct Permission {
    Instant expires{};
    net::IpAddress peer{};
    /// The port that the peer policy last allowed data to, and the second of that: see Relay::from_client().
    std::uint16_t allowed_port = 0;
    std::uint32_t allowed_at = 0;
};

/// RFC 8656 section 12.
struct ChannelBinding {
    Instant expires{};
    net::TransportAddress peer{};
    std::uint16_t channel = 0;
};

/// A relayed transport address of an allocation. Two of them, one of each family, when the client asked for an
/// additional address family; each is refreshed and deleted on its own then (RFC 8656 section 8.2).
struct RelayedAddress {
    OwnedRelay relay{};
    Instant expires{};

    [[nodiscard]] bool live(Instant now) const { return relay.open() && now < expires; }
};

/// RFC 8656 section 3.2. Whether something still holds is a comparison with `now` at the moment of use; the sweep only
/// frees memory and ports.
struct Allocation {
    AllocationId id = 0;
    net::FiveTuple path{};
    /// Of the Allocate request that made it, to know a retransmission (section 7.2).
    stun::TransactionId transaction_id{};
    Instant created{};
    std::array<RelayedAddress, 2> relays{}; // the second only with an additional address family
    std::vector<Permission> permissions{};
    std::vector<ChannelBinding> channels{};
    Traffic traffic{};
    std::string username{};
    QuotaHold quota{};
    std::uint64_t reservation_token = 0; // 0 = none
    /// The one of two families that there was no address of (ADDRESS-ERROR-CODE, RFC 8656 section 18.9).
    std::optional<stun::ErrorCode> missing_because{};
    net::Family missing_family = net::Family::v6;
    std::size_t row = 0; // in Allocations

    [[nodiscard]] Instant expires() const {
        Instant last = Instant::min();
        for (const RelayedAddress& relayed : relays) {
            last = relayed.relay.open() ? std::max(last, relayed.expires) : last;
        }
        return last;
    }
    [[nodiscard]] bool live(Instant now) const { return relays[0].live(now) || relays[1].live(now); }

    [[nodiscard]] RelayedAddress* relay_of(net::Family family, Instant now) {
        for (RelayedAddress& relayed : relays) {
            if (relayed.live(now) && relayed.relay.family() == family) {
                return &relayed;
            }
        }
        return nullptr;
    }
    [[nodiscard]] Permission* permission_for(const net::IpAddress& peer, Instant now) {
        const auto found = std::ranges::find(permissions, peer, &Permission::peer);
        return found != permissions.end() && now < found->expires ? &*found : nullptr;
    }
    [[nodiscard]] ChannelBinding* binding_of(std::uint16_t channel, Instant now) {
        const auto found = std::ranges::find(channels, channel, &ChannelBinding::channel);
        return found != channels.end() && now < found->expires ? &*found : nullptr;
    }
    [[nodiscard]] ChannelBinding* binding_to(const net::TransportAddress& peer, Instant now) {
        const auto found = std::ranges::find(channels, peer, &ChannelBinding::peer);
        return found != channels.end() && now < found->expires ? &*found : nullptr;
    }
    /// When the sweep has something to do here.
    [[nodiscard]] Instant earliest_expiry() const {
        Instant earliest = never;
        for (const RelayedAddress& relayed : relays) {
            earliest = relayed.relay.open() ? std::min(earliest, relayed.expires) : earliest;
        }
        for (const Permission& permission : permissions) {
            earliest = std::min(earliest, permission.expires);
        }
        for (const ChannelBinding& binding : channels) {
            earliest = std::min(earliest, binding.expires);
        }
        return earliest;
    }
};

} // namespace fairlead::turn
