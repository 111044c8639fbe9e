#!/usr/bin/env python3
"""Writes the tables of character sets that documents/detail/charsets.cpp decodes by, from Python's own codecs.

Usage: tools/make_charsets.py OUT.cpp      (the build runs it)

Tables in the program and not iconv, because iconv loads a library for each set, which the sandbox forbids, and
because the same bytes must give the same text on every machine.
"""
import sys

SINGLE = ("iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-13 "
          "iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic cp437 cp850 cp852 cp866 cp874 cp1250 "
          "cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258").split()
# Codec, prefix, first bytes, second bytes.
DOUBLE = {
    "shift_jis": ("cp932", b"", (0x81, 0xFC), (0x40, 0xFC)),
    "gb18030": ("gb18030", b"", (0x81, 0xFE), (0x40, 0xFE)),
    "big5": ("cp950", b"", (0x81, 0xFE), (0x40, 0xFE)),
    "euc_kr": ("cp949", b"", (0x81, 0xFE), (0x41, 0xFE)),
    "jis0208": ("euc_jp", b"", (0xA1, 0xFE), (0xA1, 0xFE)),
    "jis0212": ("euc_jp", b"\x8F", (0xA1, 0xFE), (0xA1, 0xFE)),
}


def code_of(data, codec):
    """The one character of at most 16 bits that the bytes mean, or 0."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 and ord(text) < 0x10000 else 0


def literal(codes):
    lines = ["".join(f"\\x{code:x}" for code in codes[i:i + 16]) for i in range(0, len(codes), 16)]
    return "\n".join(f'    u"{line}"' for line in lines)


def four_byte_ranges():
    """Where the four-byte codes of GB18030 stop following each other: (index, code point)."""
    ranges = []
    last = None
    for index in range(39420):
        rest, d = divmod(index, 10)
        rest, c = divmod(rest, 126)
        a, b = divmod(rest, 10)
        code = code_of(bytes((0x81 + a, 0x30 + b, 0x81 + c, 0x30 + d)), "gb18030")
        if last is None or code != last + 1:
            ranges.append((index, code))
        last = code
    return ranges


def main():
    out = ['#include "documents/detail/charset_tables.hpp"', "", "namespace slipway::documents::detail {", ""]
    out.append("const SingleByteTable single_byte_tables[] = {")
    for name in SINGLE:
        codes = [code_of(bytes((byte,)), name) for byte in range(0x80, 0x100)]
        out.append(f'  {{"{name}",\n{literal(codes)}}},')
    out += ["};", f"const std::size_t single_byte_table_count = {len(SINGLE)};", ""]
    out.append("const DoubleByteTable double_byte_tables[] = {")
    for name, (codec, prefix, first, second) in DOUBLE.items():
        codes = [code_of(prefix + bytes((a, b)), codec)
                 for a in range(first[0], first[1] + 1) for b in range(second[0], second[1] + 1)]
        out.append(f'  {{"{name}", {first[0]}, {first[1]}, {second[0]}, {second[1]},\n{literal(codes)}}},')
    out += ["};", f"const std::size_t double_byte_table_count = {len(DOUBLE)};", ""]
    ranges = four_byte_ranges()
    out.append("const CodeRange gb18030_ranges[] = {")
    out += [f"  {{{index}, {code}}}," for index, code in ranges]
    out += ["};", f"const std::size_t gb18030_range_count = {len(ranges)};", "",
            "}  // namespace slipway::documents::detail"]
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
