#include "json/value.hpp"

#include "json/grammar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace fairlead::json {

namespace {

/// Builds bottom up: finished values lie on one stack until the bracket that holds them closes.
class Tree {
public:
    explicit Tree(Value::Duplicates duplicates) : duplicates_(duplicates) {}

    [[nodiscard]] ParseError error() const { return error_; }
    [[nodiscard]] Value take() { return std::move(done_.back().value); }

    bool null() { return put(Value()); }
    bool boolean(bool b) { return put(Value(b)); }
    bool string(std::string_view raw) { return put(Value(unescape(raw))); }
    bool name(std::string_view raw) {
        name_ = unescape(raw);
        return true;
    }

    bool number(std::string_view raw) {
        const char* const end = raw.data() + raw.size();
        if (raw.find_first_of(".eE") == std::string_view::npos) {
            std::int64_t integer = 0;
            if (const auto [p, e] = std::from_chars(raw.data(), end, integer); e == std::errc{} && p == end) {
                return put(Value(integer));
            }
            std::uint64_t natural = 0;
            if (const auto [p, e] = std::from_chars(raw.data(), end, natural); e == std::errc{} && p == end) {
                return put(Value(natural));
            }
        }
        double real = 0;
        const auto [p, e] = std::from_chars(raw.data(), end, real);
        if (e == std::errc::result_out_of_range) {
            // Too small is zero, as everywhere; too large has no value.
            if (!is_tiny(raw)) {
                error_ = ParseError::number_out_of_range;
                return false;
            }
            real = raw.front() == '-' ? -0.0 : 0.0;
        }
        return put(Value(real));
    }

    bool begin_array() { return begin(); }
    bool begin_object() { return begin(); }
    bool end_array() {
        Value::Array array;
        array.reserve(done_.size() - open_.back().first);
        for (auto member = first_open(); member != done_.end(); ++member) {
            array.push_back(std::move(member->value));
        }
        return end(Value(std::move(array)));
    }
    bool end_object() {
        Value::Object object(std::make_move_iterator(first_open()), std::make_move_iterator(done_.end()));
        if (!settle_duplicates(object)) {
            error_ = ParseError::duplicate_member;
            return false;
        }
        return end(Value(std::move(object)));
    }

private:
    struct Open {
        std::size_t first; ///< where in done_ the content begins
        std::string name;  ///< of the array or object itself, in the object around it
    };

    std::vector<Member>::iterator first_open() {
        return done_.begin() + static_cast<std::ptrdiff_t>(open_.back().first);
    }
    bool begin() {
        open_.push_back({done_.size(), std::exchange(name_, {})});
        return true;
    }
    bool end(Value value) {
        done_.erase(first_open(), done_.end());
        name_ = std::move(open_.back().name);
        open_.pop_back();
        return put(std::move(value));
    }
    bool put(Value value) {
        done_.push_back({std::exchange(name_, {}), std::move(value)});
        return true;
    }

    /// One member per name is left, in the order of their last occurrence; false where duplicates are refused. Sorting
    /// keeps a hostile object of thousands of members at n log n.
    [[nodiscard]] bool settle_duplicates(Value::Object& object) const {
        if (object.size() < 2) {
            return true;
        }
        std::vector<std::size_t> order(object.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
            const int names = object[a].name.compare(object[b].name);
            return names != 0 ? names < 0 : a < b;
        });
        std::vector<bool> superseded(object.size());
        bool any = false;
        for (std::size_t i = 1; i < order.size(); ++i) {
            if (object[order[i - 1]].name == object[order[i]].name) {
                superseded[order[i - 1]] = any = true;
            }
        }
        if (any && duplicates_ == Value::Duplicates::refused) {
            return false;
        }
        if (any) {
            std::size_t kept = 0;
            for (std::size_t i = 0; i < object.size(); ++i) {
                if (!superseded[i]) {
                    if (kept != i) {
                        object[kept] = std::move(object[i]);
                    }
                    ++kept;
                }
            }
            object.erase(object.begin() + static_cast<std::ptrdiff_t>(kept), object.end());
        }
        return true;
    }

    /// Whether a number out of a double's range lies near zero: its decimal exponent, counted from the first digit that
    /// is not zero, is negative.
    [[nodiscard]] static bool is_tiny(std::string_view raw) {
        const std::size_t e = std::min(raw.find_first_of("eE"), raw.size());
        const std::string_view mantissa = raw.substr(raw.front() == '-' ? 1 : 0, e - (raw.front() == '-' ? 1 : 0));
        const std::size_t first = mantissa.find_first_of("123456789");
        if (first == std::string_view::npos) {
            return true;
        }
        const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
        const double leading = first < point ? static_cast<double>(point - first) : -static_cast<double>(first - point);
        double exponent = 0; // a double, because the exponent may have any number of digits
        if (e < raw.size()) {
            std::string_view digits = raw.substr(e + 1);
            const bool negative = digits.starts_with('-');
            digits.remove_prefix(negative || digits.starts_with('+') ? 1 : 0);
            for (const char c : digits) {
                exponent = exponent * 10 + (c - '0');
            }
            exponent = negative ? -exponent : exponent;
        }
        return leading + exponent < 0;
    }

    Value::Duplicates duplicates_;
    std::vector<Member> done_;
    std::vector<Open> open_;
    std::string name_; // of the value that comes next
    ParseError error_ = ParseError::bad_syntax;
};

} // namespace

Result<Value, ParseError> Value::parse(std::string_view text, const Limits& limits, Duplicates duplicates) {
    if (text.size() > limits.size) {
        return fail(ParseError::too_large);
    }
    Tree tree(duplicates);
    Grammar grammar(text, std::min(limits.depth, deepest), tree);
    grammar.skip_space();
    if (!grammar.value()) {
        return fail(grammar.error());
    }
    grammar.skip_space();
    if (!grammar.rest().empty()) {
        return fail(ParseError::trailing_text);
    }
    return tree.take();
}

std::optional<bool> Value::boolean() const {
    const bool* b = std::get_if<bool>(&held_);
    return b != nullptr ? std::optional(*b) : std::nullopt;
}

std::optional<std::int64_t> Value::integer() const {
    if (const auto* i = std::get_if<std::int64_t>(&held_)) {
        return *i;
    }
    if (const auto* n = std::get_if<std::uint64_t>(&held_);
        n != nullptr && *n <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return static_cast<std::int64_t>(*n);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> Value::natural() const {
    if (const auto* n = std::get_if<std::uint64_t>(&held_)) {
        return *n;
    }
    if (const auto* i = std::get_if<std::int64_t>(&held_); i != nullptr && *i >= 0) {
        return static_cast<std::uint64_t>(*i);
    }
    return std::nullopt;
}

std::optional<double> Value::number() const {
    if (const auto* d = std::get_if<double>(&held_)) {
        return *d;
    }
    if (const auto* n = std::get_if<std::uint64_t>(&held_)) {
        return static_cast<double>(*n);
    }
    if (const auto* i = std::get_if<std::int64_t>(&held_)) {
        return static_cast<double>(*i);
    }
    return std::nullopt;
}

const Value* Value::find(std::string_view name) const {
    const Object* const members = object();
    if (members == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find(*members, name, &Member::name);
    return found != members->end() ? &found->value : nullptr;
}

std::optional<std::string_view> Value::text(std::string_view name) const {
    const Value* const member = find(name);
    const std::string* const held = member != nullptr ? member->text() : nullptr;
    return held != nullptr ? std::optional<std::string_view>(*held) : std::nullopt;
}

} // namespace fairlead::json
