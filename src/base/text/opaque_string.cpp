#include "text/opaque_string.hpp"

#include "text/unicode_tables.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace fairlead::text {

namespace {

bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

template <class Row>
const Row* find_range(std::span<const Row> rows, char32_t c) {
    const auto row = std::ranges::lower_bound(rows, c, {}, [](const Row& r) { return char32_t{r.last}; });
    return row != rows.end() && row->first <= c ? &*row : nullptr;
}
bool within(std::span<const unicode::Range> ranges, char32_t c) {
    return find_range(ranges, c) != nullptr;
}

unsigned combining_class(char32_t c) {
    if (c < 0x300) {
        return 0;
    }
    const auto* row = find_range(std::span<const unicode::CombiningClass>(unicode::combining_classes), c);
    return row != nullptr ? row->value : 0;
}

// Unicode section 3.12: Hangul syllables compose by arithmetic.
constexpr char32_t syllable_base = 0xac00;
constexpr char32_t leading_base = 0x1100;
constexpr char32_t vowel_base = 0x1161;
constexpr char32_t trailing_base = 0x11a7;
constexpr char32_t leading_count = 19;
constexpr char32_t vowel_count = 21;
constexpr char32_t trailing_count = 28;
constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

void decompose(char32_t c, std::u32string& out) {
    if (c >= syllable_base && c < syllable_base + syllable_count) {
        const char32_t index = c - syllable_base;
        out.push_back(leading_base + index / (vowel_count * trailing_count));
        out.push_back(vowel_base + index % (vowel_count * trailing_count) / trailing_count);
        if (index % trailing_count != 0) {
            out.push_back(trailing_base + index % trailing_count);
        }
        return;
    }
    const auto row =
        std::ranges::lower_bound(unicode::decompositions, std::uint32_t{c}, {}, &unicode::Decomposition::whole);
    if (c < 0xc0 || row == std::end(unicode::decompositions) || row->whole != c) {
        out.push_back(c);
        return;
    }
    decompose(row->first, out); // the longest chain of Unicode has four steps
    if (row->second != 0) {
        decompose(row->second, out);
    }
}

/// 0 when the two do not compose.
char32_t compose(char32_t first, char32_t second) {
    if (first >= leading_base && first < leading_base + leading_count && second >= vowel_base &&
        second < vowel_base + vowel_count) {
        return syllable_base + ((first - leading_base) * vowel_count + (second - vowel_base)) * trailing_count;
    }
    if (first >= syllable_base && first < syllable_base + syllable_count &&
        (first - syllable_base) % trailing_count == 0 && second > trailing_base &&
        second < trailing_base + trailing_count) {
        return first + (second - trailing_base);
    }
    const auto key = [](const unicode::Composition& row) { return std::pair(row.first, row.second); };
    const auto wanted = std::pair(std::uint32_t{first}, std::uint32_t{second});
    const auto row = std::ranges::lower_bound(unicode::compositions, wanted, {}, key);
    return row != std::end(unicode::compositions) && key(*row) == wanted ? char32_t{row->whole} : 0;
}

/// Canonical ordering: every run of marks by combining class, equals in the order they came in.
void order_marks(std::u32string& text) {
    std::vector<std::uint64_t> run; // class, position and character in one number each, so any sort is stable
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t begin = i;
        run.clear();
        for (unsigned mark = 0; i < text.size() && (mark = combining_class(text[i])) != 0; ++i) {
            run.push_back((std::uint64_t{mark} << 53U) | (std::uint64_t{i - begin} << 21U) | text[i]);
        }
        std::ranges::sort(run);
        for (std::size_t k = 0; k < run.size(); ++k) {
            text[begin + k] = static_cast<char32_t>(run[k] & 0x1fffffU);
        }
        if (run.empty()) {
            ++i;
        }
    }
}

/// UAX #15: canonical decomposition, canonical ordering, canonical composition.
std::u32string normalization_form_c(std::u32string_view text) {
    std::u32string decomposed;
    decomposed.reserve(text.size() * 2);
    for (const char32_t c : text) {
        decompose(c, decomposed);
    }
    order_marks(decomposed);

    std::u32string composed;
    composed.reserve(decomposed.size());
    std::size_t starter = std::u32string::npos;
    unsigned last_class = 0; // of what stands between the starter and here; 0 when nothing does
    for (const char32_t c : decomposed) {
        const unsigned this_class = combining_class(c);
        const bool adjacent = starter != std::u32string::npos && composed.size() == starter + 1;
        const bool blocked = !adjacent && last_class >= this_class;
        if (starter != std::u32string::npos && !blocked) {
            if (const char32_t whole = compose(composed[starter], c); whole != 0) {
                composed[starter] = whole;
                continue;
            }
        }
        if (this_class == 0) {
            starter = composed.size();
        }
        last_class = this_class;
        composed.push_back(c);
    }
    return composed;
}

bool is_arabic_indic_digit(char32_t c) {
    return c >= 0x660 && c <= 0x669;
}
bool is_extended_arabic_indic_digit(char32_t c) {
    return c >= 0x6f0 && c <= 0x6f9;
}

/// The contextual rules of RFC 5892 appendix A. ZERO WIDTH NON-JOINER is let through after a virama only: its second
/// rule, between joining letters, needs joining types, and refusing is the safe side.
bool context_allows(std::u32string_view text, std::size_t i) {
    constexpr unsigned virama = 9;
    const char32_t before = i > 0 ? text[i - 1] : 0;
    const char32_t after = i + 1 < text.size() ? text[i + 1] : 0;
    switch (text[i]) {
    case 0x200c: // ZERO WIDTH NON-JOINER
    case 0x200d: // ZERO WIDTH JOINER
        return combining_class(before) == virama;
    case 0xb7: // MIDDLE DOT
        return before == 'l' && after == 'l';
    case 0x375: // GREEK LOWER NUMERAL SIGN
        return within(unicode::greek, after);
    case 0x5f3: // HEBREW PUNCTUATION GERESH
    case 0x5f4: // HEBREW PUNCTUATION GERSHAYIM
        return within(unicode::hebrew, before);
    case 0x30fb: // KATAKANA MIDDLE DOT
        return std::ranges::any_of(text, [](char32_t c) { return within(unicode::kana_or_han, c); });
    default:
        return true;
    }
}

bool is_freeform(std::u32string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!within(unicode::freeform, text[i]) || !context_allows(text, i)) {
            return false;
        }
    }
    return !(std::ranges::any_of(text, is_arabic_indic_digit) &&
             std::ranges::any_of(text, is_extended_arabic_indic_digit));
}

} // namespace

std::optional<std::string> opaque_string(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    if (is_visible_ascii(text)) {
        return std::string(text);
    }
    // RFC 8264 section 7: additional mapping, normalization, and only then the check of each code point.
    std::u32string mapped;
    mapped.reserve(text.size());
    while (!text.empty()) {
        const auto c = take_utf8(text);
        if (!c) {
            return std::nullopt;
        }
        mapped.push_back(within(unicode::spaces, *c) ? U' ' : *c);
    }
    const std::u32string normal = normalization_form_c(mapped);
    if (!is_freeform(normal)) {
        return std::nullopt;
    }
    std::string prepared;
    prepared.reserve(normal.size() * 2);
    for (const char32_t c : normal) {
        append_utf8(prepared, c);
    }
    return prepared;
}

bool is_opaque_string(std::string_view text) {
    return !text.empty() && (is_visible_ascii(text) || opaque_string(text) == text);
}

} // namespace fairlead::text
