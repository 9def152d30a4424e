#!/usr/bin/env python3
"""Writes src/base/text/unicode_tables.hpp: what the OpaqueString profile (RFC 8265) needs to know of Unicode.

    python3 tools/unicode_tables.py > src/base/text/unicode_tables.hpp

The data is the Unicode version of the interpreter's unicodedata; the layout is ours.
"""

import unicodedata

ALL = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

# DerivedCoreProperties.txt, Default_Ignorable_Code_Point: not in unicodedata. Stable under the Unicode policies, except
# for additions inside the ranges already listed.
DEFAULT_IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]
# HangulSyllableType.txt: L, V and T.
OLD_HANGUL_JAMO = [(0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7C6), (0xD7CB, 0xD7FB)]
# RFC 5892 section 2.6.
EXCEPTIONS_VALID = {0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007}
EXCEPTIONS_DISALLOWED = {0x0640, 0x07FA, 0x302E, 0x302F, *range(0x3031, 0x3036), 0x303B}
CONTEXT_RULED = {0x00B7, 0x0375, 0x05F3, 0x05F4, 0x30FB, *range(0x0660, 0x066A), *range(0x06F0, 0x06FA), 0x200C, 0x200D}


def within(c, ranges):
    return any(first <= c <= last for first, last in ranges)


def freeform(c):
    """RFC 8264 section 8: PVALID or FREE_PVAL. Code points with a contextual rule count as allowed here."""
    if c in EXCEPTIONS_VALID or c in CONTEXT_RULED:
        return True
    if c in EXCEPTIONS_DISALLOWED:
        return False
    category = unicodedata.category(chr(c))
    if category == "Cn":
        return False
    if 0x21 <= c <= 0x7E:
        return True
    if within(c, OLD_HANGUL_JAMO) or within(c, DEFAULT_IGNORABLE) or category == "Cc":
        return False
    if unicodedata.normalize("NFKC", chr(c)) != chr(c):
        return True
    return category in (
        "Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc",  # LetterDigits
        "Lt", "Nl", "No", "Me",  # OtherLetterDigits
        "Zs",  # Spaces
        "Sm", "Sc", "Sk", "So",  # Symbols
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",  # Punctuation
    )


def ranges(predicate):
    found = []
    for c in range(0x110000):
        if not 0xD800 <= c <= 0xDFFF and predicate(c):
            if found and found[-1][1] == c - 1:
                found[-1][1] = c
            else:
                found.append([c, c])
    return found


def named(prefixes):
    return ranges(lambda c: unicodedata.name(chr(c), "").startswith(prefixes))


def lines(items):
    text = ""
    for item in items:
        if len(text) + len(item) > 116:
            print("    " + text.rstrip())
            text = ""
        text += item + " "
    print("    " + text.rstrip())


def table(kind, name, comment, items):
    print(f"/// {comment}")
    print(f"inline constexpr {kind} {name}[] = {{")
    lines(items)
    print("};\n")


def main():
    decompositions = []
    for c in ALL:
        mapping = unicodedata.decomposition(chr(c))
        if mapping and not mapping.startswith("<"):
            decompositions.append((c, [int(x, 16) for x in mapping.split()]))
    # A pair composes where NFC puts it together again: that leaves out singletons, Full_Composition_Exclusion and
    # non-starters without knowing their lists.
    compositions = sorted(
        (d[0], d[1], c) for c, d in decompositions
        if len(d) == 2 and unicodedata.normalize("NFC", unicodedata.normalize("NFD", chr(c))) == chr(c))
    classes = []
    for c in ALL:
        combining = unicodedata.combining(chr(c))
        if combining:
            if classes and classes[-1][1] == c - 1 and classes[-1][2] == combining:
                classes[-1][1] = c
            else:
                classes.append([c, c, combining])

    print("#pragma once\n\n// Written by tools/unicode_tables.py, not by hand.\n\n#include <cstdint>\n\n// clang-format off\nnamespace fairlead::text::unicode {\n")
    print(f'inline constexpr char version[] = "{unicodedata.unidata_version}";\n')
    print("struct Range { std::uint32_t first, last; };")
    print("struct CombiningClass { std::uint32_t first, last; std::uint8_t value; };")
    print("struct Decomposition { std::uint32_t whole, first, second; };")
    print("struct Composition { std::uint32_t first, second, whole; };\n")
    table("Range", "freeform", "FreeformClass of PRECIS (RFC 8264 section 4.3), contextual code points included.",
          (f"{{0x{a:X},0x{b:X}}}," for a, b in ranges(freeform)))
    table("Range", "spaces", "General category Zs outside ASCII.",
          (f"{{0x{a:X},0x{b:X}}}," for a, b in ranges(lambda c: c > 0x7F and unicodedata.category(chr(c)) == "Zs")))
    table("CombiningClass", "combining_classes", "Canonical_Combining_Class other than 0.",
          (f"{{0x{a:X},0x{b:X},{v}}}," for a, b, v in classes))
    table("Decomposition", "decompositions", "One step of canonical decomposition; `second` is 0 for singletons. Hangul is arithmetic.",
          (f"{{0x{c:X},0x{d[0]:X},0x{d[1] if len(d) == 2 else 0:X}}}," for c, d in decompositions))
    table("Composition", "compositions", "Primary composites, by first and second.",
          (f"{{0x{a:X},0x{b:X},0x{c:X}}}," for a, b, c in compositions))
    table("Range", "greek", "For the contextual rules of RFC 5892 appendix A; scripts told by character names.",
          (f"{{0x{a:X},0x{b:X}}}," for a, b in named(("GREEK ",))))
    table("Range", "hebrew", "Likewise.", (f"{{0x{a:X},0x{b:X}}}," for a, b in named(("HEBREW ",))))
    table("Range", "kana_or_han", "Likewise: Hiragana, Katakana, Han.",
          (f"{{0x{a:X},0x{b:X}}}," for a, b in ranges(
              lambda c: c != 0x30FB and c != 0x30FC and c != 0x30A0 and unicodedata.name(chr(c), "").startswith(
                  ("HIRAGANA LETTER", "HIRAGANA ITERATION", "HIRAGANA VOICED", "HIRAGANA DIGRAPH", "KATAKANA LETTER",
                   "KATAKANA ITERATION", "KATAKANA VOICED", "KATAKANA DIGRAPH", "HALFWIDTH KATAKANA LETTER",
                   "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "CJK RADICAL", "KANGXI RADICAL",
                   "IDEOGRAPHIC ITERATION", "IDEOGRAPHIC NUMBER ZERO", "HANGZHOU NUMERAL")))))
    print("} // namespace fairlead::text::unicode")


if __name__ == "__main__":
    main()
