#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::http {

/// RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
/// RFC 9110 section 5.5: visible characters, bytes from 0x80 on, and blanks inside. CR, LF and NUL are never among
/// them.
[[nodiscard]] bool is_field_value(std::string_view text);

struct Field {
    std::string_view name;
    std::string_view value;
};

/// A header section: fields in the order of the wire, names compared without letter case. All text lies in one buffer.
/// Views are valid until the next call that changes the object.
class Fields {
public:
    class Iterator;

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] Field operator[](std::size_t index) const;

    /// The first field of that name; nothing when there is none.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    [[nodiscard]] bool contains(std::string_view name) const { return find(name).has_value(); }
    [[nodiscard]] std::size_t count(std::string_view name) const;

    /// True when `token` is an element of the comma-separated list that all fields of that name form together
    /// (RFC 9110 section 5.6.1), compared without letter case. For Connection, Upgrade, Accept-Encoding and the like.
    [[nodiscard]] bool lists(std::string_view name, std::string_view token) const;

    /// False, and nothing is added, when `name` is no token or `value` holds what no value may hold: there is no way to
    /// smuggle a second header line through here.
    [[nodiscard]] bool add(std::string_view name, std::string_view value);
    /// The same, replacing every field of that name.
    [[nodiscard]] bool set(std::string_view name, std::string_view value);
    void remove(std::string_view name);

    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] Iterator end() const;

private:
    struct Entry {
        std::uint32_t at;
        std::uint32_t name;
        std::uint32_t value;
    };
    std::string text_;
    std::vector<Entry> entries_;
};

class Fields::Iterator {
public:
    Iterator(const Fields* fields, std::size_t index) : fields_(fields), index_(index) {}
    Field operator*() const { return (*fields_)[index_]; }
    Iterator& operator++() {
        ++index_;
        return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

private:
    const Fields* fields_;
    std::size_t index_;
};

inline Fields::Iterator Fields::begin() const {
    return {this, 0};
}
inline Fields::Iterator Fields::end() const {
    return {this, entries_.size()};
}

/// Calls `visit(element)` for each non-empty element of a comma-separated list, blanks around it removed. Commas inside
/// quoted strings are not understood: none of the lists we read may hold any.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view element = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) {
            element.remove_prefix(1);
        }
        while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) {
            element.remove_suffix(1);
        }
        if (!element.empty()) {
            visit(element);
        }
    }
}

} // namespace fairlead::http
