#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead::process {

/// Raises the soft limit of open descriptors to the hard limit (and the hard limit towards `wanted` when we are
/// allowed to). Returns the soft limit now in force.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted);

/// PR_SET_DUMPABLE 0: no core files and no ptrace by other processes of the user, since memory holds keys.
void forbid_core_dumps();

/// PR_SET_NO_NEW_PRIVS.
void forbid_new_privileges();

/// Resident set of this process in bytes; 0 when /proc is not there.
[[nodiscard]] std::size_t resident_bytes();

/// Open descriptors of this process; 0 when /proc is not there.
[[nodiscard]] std::size_t open_descriptors();

} // namespace fairlead::process
