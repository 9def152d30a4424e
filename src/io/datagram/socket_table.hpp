#pragma once

#include "datagram/socket.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace fairlead::datagram {

inline constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

/// All that one socket costs in this process, 72 bytes.
struct Socket {
    int fd = -1;
    std::uint32_t generation = 0; // 0: free
    Receiver* receiver = nullptr;
    std::uint64_t tag = 0;
    net::TransportAddress local;
    // The chain of queued datagrams (Outgoing).
    std::uint32_t first_queued = none;
    std::uint32_t last_queued = none;
    std::uint32_t next_free = none;
    bool wildcard = false; // bound to no address of its own: answers have to say where they come from
    bool icmp_errors = false;
};
static_assert(sizeof(Socket) <= 72);

/// Sockets by id. A generation is given once per table, so an id of the past never names a socket of the present.
class SocketTable {
public:
    /// The returned reference is valid until the next insert().
    SocketId insert(const Socket& socket) {
        std::uint32_t index = first_free_;
        if (index == none) {
            index = static_cast<std::uint32_t>(sockets_.size());
            sockets_.push_back(socket);
        } else {
            first_free_ = sockets_[index].next_free;
            sockets_[index] = socket;
        }
        last_generation_ = (last_generation_ % most_generations) + 1;
        sockets_[index].generation = last_generation_;
        return {index, last_generation_};
    }

    void erase(SocketId id) {
        sockets_[id.index] = Socket{};
        sockets_[id.index].next_free = first_free_;
        first_free_ = id.index;
    }

    [[nodiscard]] Socket* find(SocketId id) {
        if (id.index >= sockets_.size() || sockets_[id.index].generation != id.generation || id.generation == 0) {
            return nullptr;
        }
        return &sockets_[id.index];
    }

    [[nodiscard]] Socket& at(std::uint32_t index) { return sockets_[index]; }
    [[nodiscard]] std::vector<Socket>& all() { return sockets_; }

private:
    // 28 bits are what fits beside the index into the word that epoll gives back.
    static constexpr std::uint32_t most_generations = (1U << 28U) - 1;
    std::vector<Socket> sockets_;
    std::uint32_t first_free_ = none;
    std::uint32_t last_generation_ = 0;
};

} // namespace fairlead::datagram
