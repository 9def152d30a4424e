#include "log/fold.hpp"

#include <functional>

namespace fairlead::log {
namespace {

std::uint64_t hash_of(std::string_view a, std::string_view b) {
    const std::uint64_t first = std::hash<std::string_view>{}(a);
    const std::uint64_t both = (first * 0x9E3779B97F4A7C15U) ^ std::hash<std::string_view>{}(b);
    return both == 0 ? 1 : both; // 0 marks a free entry
}

} // namespace

Fold::Entry& Fold::find(Table& table, std::uint64_t hash) {
    Entry& first = table[hash % table_size];
    Entry& second = table[(hash >> 32U) % table_size];
    if (first.hash == hash) {
        return first;
    }
    if (second.hash == hash) {
        return second;
    }
    return first.ends <= second.ends ? first : second; // the one that ends sooner makes room
}

Fold::Verdict Fold::limit(Entry& entry, Instant now, std::uint64_t hash, std::uint32_t share, Duration length,
                          std::string_view topic, std::string_view event) {
    Verdict verdict;
    if (entry.hash == hash && now < entry.ends) {
        if (entry.seen < share) {
            ++entry.seen;
            return verdict;
        }
        ++entry.swallowed;
        verdict.pass = false;
        return verdict;
    }
    if (entry.swallowed != 0) {
        verdict.summary = entry.swallowed;
        told_.swap(entry.event);
        verdict.summary_event = told_;
    }
    entry.hash = hash;
    entry.ends = now + length;
    entry.seen = 1;
    entry.swallowed = 0;
    entry.topic.assign(topic.substr(0, 64));
    entry.event.assign(event.substr(0, 256));
    return verdict;
}

Fold::Verdict Fold::judge(Instant now, std::string_view topic, std::string_view event, std::string_view message,
                          std::string_view body) {
    const std::uint64_t line = hash_of(topic, body);
    const Verdict same = limit(find(lines_, line), now, line, 1, window, topic, message);
    if (!same.pass || share_ == 0 || same.summary != 0) {
        return same;
    }
    const std::uint64_t kind = hash_of(topic, event) ^ 0x5bd1e995U;
    return limit(find(events_, kind), now, kind, share_, std::chrono::seconds(1), topic, event);
}

void Fold::expire(Instant now, bool all, const Report& report) {
    for (Table* table : {&lines_, &events_}) {
        for (Entry& entry : *table) {
            if (entry.swallowed != 0 && (all || entry.ends <= now)) {
                report(entry.topic, entry.event, entry.swallowed);
                entry.swallowed = 0;
                entry.hash = 0;
                entry.ends = {};
            }
        }
    }
}

} // namespace fairlead::log
