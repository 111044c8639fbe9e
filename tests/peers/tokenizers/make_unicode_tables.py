"""Writes src/models/detail/bert_unicode_classes.inc and bert_unicode_mappings.inc.

A model's vocabulary was learned on text that Hugging Face `tokenizers` had normalised with the
Unicode tables of its Rust crates: `unicode_categories` (Unicode 8), `unicode-normalization-
alignments` (13), the compiler's own (17 in the pinned wheel) and those of `regex`. They disagree
with each other and with utf8proc, and what the tokenizer does must not change with the distribution
that builds it. So the tables are not taken from any standard: every code point is put through the
real library (pinned in ../requirements.txt) and what it does is written down.

Usage: python make_unicode_tables.py DIRECTORY
"""

import pathlib
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)  # Decomposed by arithmetic.
# Two marks that are kept and have different combining classes (226 and 216): canonical order swaps
# them unless something between them forbids it.
HIGH, LOW = "\U0001d16d", "\U0001d165"
HEADER = "// Written by tests/peers/tokenizers/make_unicode_tables.py; do not edit.\n"


def normalizer(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on}).normalize_str


def observe():
    clean, strip, lower = normalizer(clean_text=True), normalizer(strip_accents=True), normalizer(lowercase=True)
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    single = Tokenizer(models.WordPiece({"[UNK]": 0, "zq": 1}, unk_token="[UNK]"))
    single.add_tokens([AddedToken("zq", single_word=True, normalized=False)])
    seen = {name: [] for name in ("removed", "space", "punctuation", "dropped", "barrier", "word", "reordered")}
    lowered, stripped = {}, {}
    for c in CODE_POINTS:
        ch = chr(c)
        cleaned = clean(ch)
        if cleaned == "":
            seen["removed"].append(c)
        elif cleaned not in (ch, " "):
            sys.exit(f"U+{c:04X} is cleaned to {cleaned!r}: the C++ code knows no such case")
        pieces = [piece for piece, _ in split("a" + ch + "b")]
        if pieces == ["a", ch, "b"]:
            seen["punctuation"].append(c)
        elif pieces == ["a", "b"]:
            seen["space"].append(c)
        if (cleaned == " ") != (c in seen["space"][-1:] and c not in seen["removed"][-1:]):
            sys.exit(f"U+{c:04X} is white space on one side only")
        if lower(ch) != ch:
            lowered[c] = lower(ch)
        without = strip(ch)
        if without == "":
            seen["dropped"].append(c)
            if strip(HIGH + ch + LOW) != LOW + HIGH:
                seen["barrier"].append(c)
        else:
            if c not in HANGUL and without != ch:
                stripped[c] = without
            if strip(HIGH + ch) != HIGH + without or strip(ch + LOW) != without + LOW:
                seen["reordered"].append(c)
        if c != 0 and len(single.encode("zq" + ch).tokens) != 2 and "zq" not in single.encode("zq" + ch).tokens:
            seen["word"].append(c)
    return seen, lowered, stripped


def classes_of(marks):
    """Numbers whose order is the order of the combining classes, 1 upwards."""
    strip = normalizer(strip_accents=True)
    below = {m: sum(strip(chr(m) + chr(o)) == chr(o) + chr(m) for o in marks) for m in marks}
    rank = {count: i + 1 for i, count in enumerate(sorted(set(below.values())))}
    return {m: rank[below[m]] for m in marks}


def runs(points):
    out = []
    for c in sorted(points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def wrap(items):
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = " "
        line += " " + item + ","
    return "\n".join([*lines, line]) + "\n"


def ranges(name, points):
    return f"constexpr Range {name}[] = {{\n" + wrap("{0x%X,0x%X}" % tuple(r) for r in runs(points)) + "};\n"


def lower_runs(lowered):
    """{first, last, step, offset}: every step-th code point moves by offset."""
    out = []
    for c in sorted(lowered):
        offset = ord(lowered[c]) - c
        if out and out[-1][3] == offset:
            first, last, step, _ = out[-1]
            if (first == last and c - last <= 2) or c - last == step:
                out[-1] = [first, c, c - last, offset]
                continue
        out.append([c, c, 1, offset])
    return out


def main(folder):
    seen, lowered, stripped = observe()
    if lowered.pop(0x130) != "i\u0307" or any(len(text) != 1 for text in lowered.values()):
        sys.exit("a code point other than U+0130 has a lower case of several")
    order = classes_of([c for c in seen["reordered"] if c not in stripped])
    names = ("removed", "space", "punctuation", "word", "dropped", "barrier")
    classes = HEADER + "".join(ranges(name, seen[name]) for name in names)
    for level in sorted(set(order.values())):
        classes += ranges(f"reordered_{level}", [c for c in order if order[c] == level])
    pairs = {c: text for c, text in stripped.items() if len(text) == 1}
    longer = {c: text for c, text in stripped.items() if len(text) > 1}
    mappings = HEADER + "constexpr LowerRun lower_runs[] = {\n"
    mappings += wrap("{0x%X,0x%X,%d,%d}" % tuple(r) for r in lower_runs(lowered)) + "};\n"
    mappings += "constexpr Pair base_of[] = {\n" + wrap("{0x%X,0x%X}" % (c, ord(t)) for c, t in pairs.items()) + "};\n"
    mappings += "constexpr Sequence bases_of[] = {\n"
    mappings += wrap("{0x%X,U\"%s\"}" % (c, "".join("\\U%08X" % ord(x) for x in t)) for c, t in longer.items()) + "};\n"
    pathlib.Path(folder, "bert_unicode_classes.inc").write_text(classes)
    pathlib.Path(folder, "bert_unicode_mappings.inc").write_text(mappings)
    print({name: len(runs(points)) for name, points in seen.items()}, order)


if __name__ == "__main__":
    main(sys.argv[1])
