#pragma once

#include "text/format.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::load {

/// One result: a JSON object on one line, keys in the order of the calls. Texts are ours (labels, enumerators) and hold
/// nothing to escape.
class Report {
public:
    Report& text(std::string_view key, std::string_view value) { return put(key, fmt::format("\"{}\"", value)); }
    Report& count(std::string_view key, std::uint64_t value) { return put(key, fmt::format("{}", value)); }
    Report& number(std::string_view key, double value) { return put(key, fmt::format("{:.3f}", value)); }
    Report& raw(std::string_view key, std::string_view json) { return put(key, json); }

    [[nodiscard]] std::string line() const { return "{" + fields_ + "}"; }

private:
    Report& put(std::string_view key, std::string_view json) {
        fields_ += fmt::format("{}\"{}\":{}", fields_.empty() ? "" : ",", key, json);
        return *this;
    }

    std::string fields_;
};

} // namespace fairlead::load
