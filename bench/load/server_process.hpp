#pragma once

#include <chrono>
#include <cstdint>
#include <sys/types.h>

namespace fairlead::load {

/// What /proc tells about the server under load. Reading costs the server nothing. A process that is not there (pid 0,
/// or gone) reads as zero throughout.
class ServerProcess {
public:
    explicit ServerProcess(pid_t pid) : pid_(pid) {}

    [[nodiscard]] bool known() const { return pid_ > 0; }
    [[nodiscard]] bool alive() const;

    /// User and system time of all its threads, at nanosecond resolution (the scheduler's account, of which utime and
    /// stime are the rounded form). On loopback it includes the delivery into the receiver's socket, which the kernel
    /// does in the sender's time.
    [[nodiscard]] std::chrono::nanoseconds cpu_time() const;

    /// VmRSS.
    [[nodiscard]] std::uint64_t resident_bytes() const;

private:
    pid_t pid_;
};

/// Bytes that sockets hold in the kernel's slabs (whole machine); 0 when /proc/slabinfo may not be read.
[[nodiscard]] std::uint64_t socket_slab_bytes();

} // namespace fairlead::load
