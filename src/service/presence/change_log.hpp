#pragma once

#include "presence/roster.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace fairlead::presence {

/// Where a session stands in the log of changes. Everything up to `position` has been told or cancelled out. The
/// changes in (begin, end] are being gone through with that range fixed, so that what cancels out in it is decided
/// once.
struct Reading {
    std::uint64_t begin = 0;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
};

/// Who came online and who went offline, in order, once for all sessions: a thousand users who join in a second are a
/// thousand entries here, not a million in queues. A reader that falls behind is told the net effect.
class ChangeLog {
public:
    struct Change {
        Text text;
        bool online = false;
        std::uint64_t previous = 0; ///< of the same user; 0 when none is left in the log
        std::uint64_t next = 0;     ///< likewise
        std::string key;
    };

    /// Number of the newest change; the first has number 1.
    [[nodiscard]] std::uint64_t head() const { return base_ + changes_.size(); }
    [[nodiscard]] std::size_t size() const { return changes_.size(); }
    [[nodiscard]] const Change& at(std::uint64_t number) const { return changes_[number - base_ - 1]; }

    std::uint64_t add(std::string key, bool online, Text text);

    /// Steps over the next change of the range. The text to tell, or nothing when it cancels out or is superseded.
    [[nodiscard]] Text step(Reading& reading) const;

    /// Forgets changes up to and including `number`.
    void forget(std::uint64_t number);

private:
    [[nodiscard]] bool counts(const Reading& reading, std::uint64_t number) const;

    std::deque<Change> changes_;
    std::uint64_t base_ = 0; ///< how many have been forgotten
    std::unordered_map<std::string, std::uint64_t> latest_;
};

} // namespace fairlead::presence
