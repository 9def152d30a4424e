#pragma once

#include "clients.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <sys/types.h>
#include <vector>

namespace fairlead::load {

enum class Direction { client_to_peer, peer_to_client };
/// How packets follow each other: single ones, each of another allocation than the one before; or bursts of 16 of equal
/// size from one allocation, as a video frame makes them.
enum class Pattern { paced, b16 };

struct Options {
    // What to drive, and who is asking.
    net::TransportAddress server;
    net::Transport transport = net::Transport::udp;
    Login login;
    net::IpAddress peer = net::IpAddress::v4(127, 0, 0, 2); ///< where our peers live; must be ours
    pid_t pid = 0;                                          ///< of the server, for its CPU time and memory
    int cpu = -1;                                           ///< pin the generator here; -1: do not
    std::string label;                                      ///< copied into the result
    std::size_t allocations = 100;
    std::size_t window = 64; ///< requests in flight while allocations are made
    bool gro = true;         ///< our sockets take runs of segments whole, as from a network card that merges

    // Traffic.
    Direction direction = Direction::client_to_peer;
    Pattern pattern = Pattern::paced;
    std::size_t payload = 172; ///< bytes
    double rate = 50'000;      ///< packets per second in all
    bool saturate = false;     ///< instead of a rate: as many as come back, with `in_flight` on their way
    std::size_t in_flight = 256;
    std::chrono::duration<double> duration{3};
    std::chrono::duration<double> warm_up{0.3};
    bool latency = false; ///< take the time of every packet

    // Start-up.
    std::vector<std::string> command; ///< the server's, for `listening`
    std::size_t rounds = 11;
};

} // namespace fairlead::load
