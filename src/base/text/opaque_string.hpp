#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::text {

/// The OpaqueString profile of PRECIS (RFC 8265 section 4.2.2, enforcement), as STUN demands it of usernames, realms
/// and passwords (RFC 8489 sections 9.2.2, 14.3, 14.9): non-ASCII spaces become U+0020, the rest goes to normalization
/// form C, letter case and width stay. Nothing for the empty string, text that is not UTF-8, and characters outside the
/// FreeformClass (RFC 8264 section 4.3): controls, unassigned, ignorable, old Hangul jamo, joiners out of context.
/// ASCII takes no table and no allocation beyond the result.
[[nodiscard]] std::optional<std::string> opaque_string(std::string_view text);

/// Whether `text` is its own OpaqueString. Does not allocate for ASCII.
[[nodiscard]] bool is_opaque_string(std::string_view text);

} // namespace fairlead::text
