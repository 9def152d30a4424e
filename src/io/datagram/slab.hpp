#pragma once

#include "datagram/socket.hpp"
#include "process/socket_address.hpp"

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace fairlead::datagram {

/// The room one loop receives into: 64 slots, each with headroom, 64 KiB (a whole train, or the largest datagram there
/// is) and tailroom, and all that recvmmsg wants to be told about them. Only pages that were received into are
/// resident.
class Slab {
public:
    static constexpr std::size_t slot_count = 64;

    Slab();

    /// What recvmmsg made of a slot.
    struct Arrival {
        std::optional<net::TransportAddress> from;
        std::optional<net::IpAddress> to; // where the kernel named it (IP_PKTINFO)
        MutableBytes bytes;
        std::uint16_t segment_size = 0;
        std::uint8_t tos = 0;
        std::uint8_t ttl = 0;
        bool truncated = false;
    };

    /// Slots not yet used since the last clear().
    [[nodiscard]] std::size_t left() const { return slot_count - used_; }
    /// Receives up to `most` buffers into the next slots: how many, or -1 with errno. Uses up the slots.
    int receive(int fd, std::size_t most);
    /// The i-th buffer of the last receive().
    [[nodiscard]] Arrival arrival(std::size_t i);
    /// Every slot may be used again.
    void clear() { used_ = 0; }
    [[nodiscard]] bool empty() const { return used_ == 0; }

private:
    // Not a multiple of 4096: the first lines of the slots would all compete for the same sets of the cache.
    static constexpr std::size_t stride = 66'048;
    static constexpr std::size_t room = 65'535;
    static_assert(Received::headroom + room + Received::tailroom <= stride);

    [[nodiscard]] std::byte* slot(std::size_t i) { return memory_.get() + i * stride + Received::headroom; }
    void prepare(std::size_t i);

    struct alignas(cmsghdr) Control {
        std::array<std::byte, 128> bytes;
    };
    struct Unmap {
        void operator()(std::byte* memory) const;
    };
    std::unique_ptr<std::byte, Unmap> memory_;
    std::size_t used_ = 0;
    std::size_t first_ = 0; // of the last receive()
    std::array<mmsghdr, slot_count> messages_{};
    std::array<iovec, slot_count> buffers_{};
    std::array<process::SocketAddress, slot_count> senders_;
    std::array<Control, slot_count> controls_{};
};

} // namespace fairlead::datagram
