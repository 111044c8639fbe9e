"""Compares Slipway's tokenizer with Hugging Face `tokenizers` on the same strings.

- every code point as "a" + c + "b", and as c after marks of several combining classes;
- at least 10,000 strings made from a fixed seed: all blocks, emoji sequences, control characters,
  combining marks, very long words, special tokens in the text, Windows line ends, real sentences;
- the same strings with tokenizer.json files that switch every option;
- pairs of them, cut to several lengths, with their token types;
- all of it once more with a vocabulary of single code points, because [UNK] hides much.

Usage: python compare.py TOKENIZE_LINES MODELS [--seed N] [--count N]
Fails on the first difference of each part, printing the string.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from compare_strings import SENTENCES, SPACES, SPECIALS, Strings
from tokenizers import Tokenizer

MODELS = ("bge-small-en-v1.5-q", "all-minilm-l6-v2-q", "e5-small-v2-q")


def ours(program, path, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([program, str(path)], input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{program} {path}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(program, path, texts, what):
    real = Tokenizer.from_file(str(path))
    real.no_truncation()
    real.no_padding()
    # Batches, because a call from Python costs more than most strings do.
    wanted_ids = (encoding.ids for at in range(0, len(texts), 20000) for encoding in real.encode_batch_fast(texts[at : at + 20000]))
    different = 0
    for text, got, wanted in zip(texts, ours(program, path, texts), wanted_ids, strict=True):
        if got == wanted:
            continue
        different += 1
        if different <= 5:
            print(f"{what}: {json.dumps(text)}\n  real {real.encode(text).tokens}\n  real {wanted}\n  ours {got}")
    print(f"{what}: {len(texts)} strings, {different} differ")
    return different


def compare_pairs(program, path, texts, what):
    """Two texts as one input, cut "longest_first" to every kind of limit."""
    real = Tokenizer.from_file(str(path))
    real.no_padding()
    lines, wanted = [], []
    limits = (4, 5, 8, 9, 16, 33, 64, 512)
    for at in range(0, len(texts) - 1, 2):
        first, second = texts[at], texts[at + 1] * (1 + at % 3)
        limit = limits[at // 2 % len(limits)]
        real.enable_truncation(limit, strategy="longest_first")
        both = real.encode(first, second)
        lines.append([first, second, limit])
        wanted.append(both.ids + both.type_ids)
    got = ours(program, path, lines)
    wrong = [(line, g, w) for line, g, w in zip(lines, got, wanted, strict=True) if g != w]
    for line, g, w in wrong[:5]:
        print(f"{what}: {json.dumps(line)}\n  real {w}\n  ours {g}")
    print(f"{what}: {len(lines)} pairs, {len(wrong)} differ")
    return len(wrong)


def variants(file):
    """tokenizer.json files that differ from the model's own in every option the format has."""
    def with_(change):
        copy = json.loads(json.dumps(file))
        change(copy)
        return copy

    def token(content, **on):
        return {**dict(id=0, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False), **on}

    for clean in (True, False):
        for cjk in (True, False):
            for strip in (None, True, False):
                for lower in (True, False):
                    if (clean, cjk, strip, lower) == (True, True, None, True):
                        continue
                    flags = dict(clean_text=clean, handle_chinese_chars=cjk, strip_accents=strip, lowercase=lower)
                    yield str(flags), with_(lambda f: f["normalizer"].update(flags))
    added = [token("[SEP]", lstrip=True), token("[MASK]", rstrip=True), token("[CLS]", single_word=True), token("[CLS]x", lstrip=True, rstrip=True),
             token("quick", single_word=True), token("STRASSE", normalized=True), token("Été", normalized=True, single_word=True),
             token("的", normalized=True), token("the", normalized=True, lstrip=True, rstrip=True), token(" fox"), token("é")]
    yield "added tokens", with_(lambda f: f.update(added_tokens=[{**t, "id": 30522 + i} for i, t in enumerate(added)]))
    yield "no template", with_(lambda f: f.update(post_processor=None))
    yield "BertProcessing", with_(lambda f: f.update(post_processor={"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]}))
    yield "short words", with_(lambda f: f["model"].update(max_input_chars_per_word=5))
    yield "other prefix", with_(lambda f: f["model"].update(continuing_subword_prefix="a"))
    yield "no prefix", with_(lambda f: f["model"].update(continuing_subword_prefix=""))


def letters(file):
    """The same tokenizer with every code point as a token: nothing of the normalised text is lost."""
    points = [chr(c) for c in range(1, 0x110000) if (c < 0x33000 and not 0xD800 <= c <= 0xDFFF) or 0xE0000 <= c < 0xE0200 or c % 0x1000 < 8]
    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}
    for point in points:
        vocab[point] = len(vocab)
        vocab["##" + point] = len(vocab)
    return {**file, "model": {**file["model"], "vocab": vocab}, "added_tokens": []}, points


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=20240601)
    parser.add_argument("--count", type=int, default=12000)
    options = parser.parse_args()
    strings = Strings(options.seed)
    texts = SENTENCES + SPECIALS + SPACES + ["".join(SENTENCES), ""] + [strings.make() for _ in range(options.count)]
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    different = 0
    for model in MODELS:
        different += compare(options.program, options.models / model / "tokenizer.json", texts, model)
        different += compare_pairs(options.program, options.models / model / "tokenizer.json", texts, model)
    path = options.models / MODELS[0] / "tokenizer.json"
    file = json.loads(path.read_text())
    different += compare(options.program, path, ["a" + c + "b" for c in points], "every code point")
    with tempfile.TemporaryDirectory() as folder:
        changed = pathlib.Path(folder, "tokenizer.json")

        def compare_changed(name, content, strings):
            changed.write_text(json.dumps(content))
            return compare(options.program, changed, strings, name)

        for name, content in variants(file):
            different += compare_changed(name, content, texts[: len(texts) // 4])
            if content["post_processor"] is not None:
                different += compare_pairs(options.program, changed, texts[: len(texts) // 20], name)
        spelled, shown = letters(file)
        different += compare_changed("letters", spelled, texts)
        different += compare_changed("letters, every code point", spelled, ["a" + c + "b" for c in shown])
        # U+1D16D and U+1D165 are kept marks of different classes: order and barriers show between them.
        marked = ["\U0001d16d" + c + "\U0001d165\u0334" for c in shown]
        different += compare_changed("letters, every code point among marks", spelled, marked)
        spelled["normalizer"].update(strip_accents=False)
        different += compare_changed("letters with accents", spelled, texts)
        different += compare_changed("letters with accents, every code point", spelled, ["a" + c + "b" for c in shown])
        spelled["normalizer"].update(clean_text=False, lowercase=False)
        different += compare_changed("letters not cleaned", spelled, texts)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
