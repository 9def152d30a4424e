#include "presence/change_log.hpp"

#include <utility>

namespace fairlead::presence {

std::uint64_t ChangeLog::add(std::string key, bool online, Text text) {
    const std::uint64_t number = head() + 1;
    std::uint64_t& latest = latest_[key];
    if (latest != 0) {
        changes_[latest - base_ - 1].next = number;
    }
    changes_.push_back(
        {.text = std::move(text), .online = online, .previous = std::exchange(latest, number), .key = std::move(key)});
    return number;
}

Text ChangeLog::step(Reading& reading) const {
    const std::uint64_t number = ++reading.position;
    return counts(reading, number) ? at(number).text : nullptr;
}

/// Changes of one user alternate. So in a range of them only the last can matter, and it does when the first goes the
/// same way: then their number is odd.
bool ChangeLog::counts(const Reading& reading, std::uint64_t number) const {
    const Change& last = at(number);
    if (last.next != 0 && last.next <= reading.end) {
        return false;
    }
    const Change* first = &last;
    while (first->previous > reading.begin) {
        first = &at(first->previous);
    }
    return first->online == last.online;
}

void ChangeLog::forget(std::uint64_t number) {
    while (base_ < number && !changes_.empty()) {
        const Change& oldest = changes_.front();
        if (oldest.next != 0) {
            changes_[oldest.next - base_ - 1].previous = 0;
        } else {
            latest_.erase(oldest.key);
        }
        changes_.pop_front();
        ++base_;
    }
}

} // namespace fairlead::presence
