#include "http/fields.hpp"

#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::http {
namespace {

bool is_token_character(char c) {
    return text::is_alpha(c) || text::is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_value_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

} // namespace

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool is_field_value(std::string_view text) {
    return std::ranges::all_of(text, is_value_character) && text::trim(text).size() == text.size();
}

Field Fields::operator[](std::size_t index) const {
    const Entry& entry = entries_[index];
    const std::string_view all = text_;
    return {all.substr(entry.at, entry.name), all.substr(entry.at + entry.name, entry.value)};
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
    for (const auto& field : *this) {
        if (text::equal_ignoring_case(field.name, name)) {
            return field.value;
        }
    }
    return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
    std::size_t n = 0;
    for (const auto& field : *this) {
        n += text::equal_ignoring_case(field.name, name) ? 1U : 0U;
    }
    return n;
}

bool Fields::lists(std::string_view name, std::string_view token) const {
    bool found = false;
    for (const auto& field : *this) {
        if (text::equal_ignoring_case(field.name, name)) {
            for_each_element(field.value, [&](std::string_view element) {
                found = found || text::equal_ignoring_case(element, token);
            });
        }
    }
    return found;
}

bool Fields::add(std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) {
        return false;
    }
    entries_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size())});
    text_.append(name).append(value);
    return true;
}

bool Fields::set(std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) {
        return false;
    }
    remove(name);
    return add(name, value);
}

void Fields::remove(std::string_view name) {
    std::erase_if(entries_, [&](const Entry& entry) {
        return text::equal_ignoring_case(std::string_view(text_).substr(entry.at, entry.name), name);
    });
}

} // namespace fairlead::http
