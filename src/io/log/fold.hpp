#pragma once

#include "time/instant.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fairlead::log {

/// Decides which lines are written: an identical line within five seconds is counted instead, and so is what one event
/// says beyond its share of a second. Both in tables of fixed size: a flood of different lines evicts, it does not
/// grow. Private to the module and its tests.
class Fold {
public:
    /// 0: no share, only identical lines are folded.
    explicit Fold(std::uint32_t lines_per_event_and_second) : share_(lines_per_event_and_second) {}

    struct Verdict {
        bool pass = true;
        /// When not 0: so many lines of `summary_event` were swallowed before this one. The text lives until the next
        /// call.
        std::uint64_t summary = 0;
        std::string_view summary_event;
    };
    /// `event` is what lines share, `message` what this one says, `body` the whole line without its time.
    Verdict judge(Instant now, std::string_view topic, std::string_view event, std::string_view message,
                  std::string_view body);

    using Report = std::function<void(std::string_view topic, std::string_view event, std::uint64_t swallowed)>;
    /// Reports what was swallowed in windows that have ended, or in `all`.
    void expire(Instant now, bool all, const Report& report);

    static constexpr Duration window = std::chrono::seconds(5);

private:
    struct Entry {
        std::uint64_t hash = 0;
        Instant ends{};
        std::uint32_t seen = 0;
        std::uint64_t swallowed = 0;
        std::string topic;
        std::string event;
    };
    static constexpr std::size_t table_size = 256;
    // A line or event is looked for in two places, so that two busy ones rarely evict each other.
    using Table = std::array<Entry, table_size>;
    Entry& find(Table& table, std::uint64_t hash);
    Verdict limit(Entry& entry, Instant now, std::uint64_t hash, std::uint32_t share, Duration length,
                  std::string_view topic, std::string_view event);

    std::uint32_t share_;
    Table lines_;
    Table events_;
    std::string told_;
};

} // namespace fairlead::log
