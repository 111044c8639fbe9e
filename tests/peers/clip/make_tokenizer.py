"""Writes what the tokenizer of CLIP models is built on and tested with:

- src/models/detail/clip_unicode_classes.inc: the letters and numbers of the regular expressions of
  `tokenizers`, and the marks that its composition knows, found by putting every code point through the library (as make_unicode_tables.py
  does for BERT);
- tests/data/models/clip/: vocab.json, merges.txt and tokenizer.json of a small tokenizer that was
  learned here; tokenizer_cases.json, texts with the ids that CLIPTokenizerFast gives them; and
  code_points.json.

Usage: python make_tokenizer.py ../../..     (needs the packages transformers and tokenizers)
"""

import hashlib
import json
import pathlib
import random
import sys
import tempfile

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizerFast

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tokenizers"))
from compare_strings import SENTENCES, SPECIALS  # noqa: E402
from make_unicode_tables import ranges  # noqa: E402

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
START, END = "<|startoftext|>", "<|endoftext|>"
COLOURS = ["red", "green", "blue", "yellow", "black", "white"]
CORPUS = [*SENTENCES, *(f"a photo of a {colour} square, the picture's {colour}" for colour in COLOURS for _ in range(40)), "don't we're I'll they've I'm she'd it's 1234"]
EDGES = ["", " \t\r\n", "a\r\nb", "a\u0000b", "don't we're I'll they've I'm she'd it's", "DON'T WE'RE I'LL", "''s 'ss 'rere '' 'x'", "!!'s", "rock'n'roll", "abc123def 3.14 2½ Ⅷ ①",
         "hello!!!?? -- (world)...", "snake_case_word", "e\u0301 é É E\u0301", "İI\u0307 ẞß ǅ", "\u00a0\u3000a\u2003b\u200bc\u0085d\u001ce", "日本語のテキスト 한국어 עברית العربية हिन्दी ไทย", "👍🏽 👨‍👩‍👧 🇩🇪",
         f"{START}red{END}", f"red {START} green{END}blue", f"!{START}!", START.upper(), f"<|startof", "</w> a</w>b", "\ufffd", "a" * 300, "é" * 100, "!" * 200, "1" * 50,
         "a photo of a red square", "the picture's blue", "\u1100\u1161\u11a8 \uac00\u11a8", "q\u0307\u0323 q\u0323\u0307 s\u0323\u0307", "\u212b \u2126 \u0344 \ufb1d", "x\u0338= \u226e<\u0338"]


def classes():
    def matching(pattern):
        split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
        return [c for c in CODE_POINTS if split.pre_tokenize_str(chr(c))]

    header = "// Written by tests/peers/clip/make_tokenizer.py; do not edit.\n"
    return header + ranges("letters", matching(r"\p{L}")) + ranges("numbers", matching(r"\p{N}")) + ranges("combining", combining(matching(r"\p{M}")))


def combining(marks):
    """The marks that composition moves or joins. The library composes by older tables than it
    classifies by: to it, newer marks are characters like any other, between which nothing moves."""
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    joined = {ord(part) for c in CODE_POINTS if not 0xAC00 <= c <= 0xD7A3 for part in nfd(chr(c))[1:]}
    others = [chr(c) for c in (0x334, 0x94D, 0x5B0, 0x323, 0x301, 0x345)]

    def moves(c):
        return any(nfd("x" + a + b) != "x" + a + b for other in others for a, b in ((chr(c), other), (other, chr(c))))

    return [c for c in marks if c in joined or moves(c)]


def small(folder):
    """Vocabulary and merges as OpenAI's: every byte, every byte at the end of a word, the merges."""
    learned = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learned.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    learned.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "removed", True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    learned.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=700, end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in json.loads(learned.to_str())["model"]["merges"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate([*alphabet, *(c + "</w>" for c in alphabet), *("".join(pair) for pair in merges), START, END])}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)]) + "\n")
    with tempfile.TemporaryDirectory() as saved:
        CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(saved)
        file = json.loads(pathlib.Path(saved, "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))
    return file


def texts():
    rng = random.Random(9)
    words = " ".join(CORPUS).split()
    marks = [c for c in CODE_POINTS if 0x300 <= c <= 0x36F or 0x591 <= c <= 0x5BD or 0x1DC0 <= c <= 0x1DFF]
    out = [*SENTENCES, *SPECIALS, *EDGES]
    for _ in range(150):
        parts = []
        for _ in range(rng.randrange(1, 12)):
            kind = rng.randrange(6)
            if kind < 2:
                parts.append(rng.choice(words))
            elif kind == 2:
                parts.append(chr(rng.choice(CODE_POINTS)))
            elif kind == 3:
                parts.append(chr(rng.randrange(0x20, 0x3000)) + chr(rng.choice(marks)) + chr(rng.choice(marks)))
            elif kind == 4:
                parts.append(rng.choice(["'s", "'", "'ll", "1", "!", "_", "\n", "\t", START, END, "<|", "é", "中"]))
            else:
                parts.append("".join(rng.choice("abcdeXYZ'019 -") for _ in range(rng.randrange(1, 9))))
        out.append(rng.choice(["", " "]).join(parts))
    return list(dict.fromkeys(out))


def code_points(file):
    """The ids of each code point of the first planes between letters, hashed: the cases would be a
    megabyte. The mark behind shows in which order marks are put."""
    tokenizer = Tokenizer.from_str(json.dumps(file))
    listed = [c for c in CODE_POINTS if c < 0x32400]
    digest = hashlib.sha256()
    for encoding in tokenizer.encode_batch([f"x{chr(c)}\u0323y" for c in listed]):
        digest.update(b"".join(i.to_bytes(2, "little") for i in encoding.ids))
    return {"end": 0x32400, "ids": "sha256:" + digest.hexdigest()}


def cases(file, listed):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [{"text": text, "ids": tokenizer.encode(text).ids} for text in listed]


def main(root):
    pathlib.Path(root, "src/models/detail/clip_unicode_classes.inc").write_text(classes())
    folder = pathlib.Path(root, "tests/data/models/clip")
    folder.mkdir(parents=True, exist_ok=True)
    file = small(folder)
    rows = "[\n" + ",\n".join(json.dumps(row) for row in cases(file, texts())) + "\n]\n"
    (folder / "tokenizer_cases.json").write_text(rows)
    (folder / "code_points.json").write_text(json.dumps(code_points(file)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
