"""Compares Slipway's tokenizer with Hugging Face `tokenizers` on the same strings.

- every code point as "a" + c + "b", and as c after marks of several combining classes;
- at least 10,000 strings made from a fixed seed: all blocks, emoji sequences, control characters,
  combining marks, very long words, special tokens in the text, Windows line ends, real sentences;
- the same strings with tokenizer.json files that switch every option;
- all of it once more with a vocabulary of single code points, because [UNK] hides much.

Usage: python compare.py TOKENIZE_LINES MODELS [--seed N] [--count N]
Fails on the first difference of each part, printing the string.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

MODELS = ("bge-small-en-v1.5-q", "all-minilm-l6-v2-q", "e5-small-v2-q")
SENTENCES = [
    "The quick brown fox jumps over the lazy dog, doesn't it? Yes - 3.14 times!",
    "Die Größe der Übertragung hängt vom Gerät ab; Füße, Straße, ÄÖÜ und ẞ.",
    "L'été dernier, nous avons mangé des crêpes à Besançon : c'était très agréable…",
    "¿Dónde está el niño? ¡Mañana será otro día, señor Núñez!",
    "O coração não tem razão; ação e emoção.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Zażółć gęślą jaźń, proszę pana.",
    "İstanbul'da ılık bir akşam; IĞDIR ve iğne, Şişli.",
    "Hôm nay trời đẹp quá, chúng ta đi dạo ở Hà Nội nhé!",
    "Съешь ещё этих мягких французских булок, да выпей чаю. Йод и ёж.",
    "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. ΟΔΟΣ Σίσυφος.",
    "שלום עולם, זֶהוּ מִשְׁפָּט עִם נִקּוּד.",
    "السَّلَامُ عَلَيْكُمْ، كيف الحال؟ ١٢٣",
    "नमस्ते दुनिया, यह एक वाक्य है। क़ानून ज़रूरी है।",
    "আমি বাংলায় গান গাই। কোনো সমস্যা নেই।",
    "தமிழ் மொழி மிகவும் பழமையானது. கொக்கு",
    "ไทยเป็นภาษาที่ไม่มีช่องว่างระหว่างคำ น้ำใจ",
    "今日は良い天気ですね。ガギグゲゴ ﾊﾝｶｸ ｶﾞ パ",
    "我们明天去北京，好不好？𠀀𪜀𫝀𫠠豈",
    "대한민국의 수도는 서울이다. 각 한글 ᄀᆞᆫ",
    "ᏣᎳᎩ Ꭰ ꭰ and ᲐᲑᲒ აბგ ⴀⴁ Հայերեն",
    "int main(int argc, char** argv) { return argv[0][1] == '\\n' ? -1 : 0x1F; }",
    "Visit https://example.org/a/b?c=d&e=f#g or mail a.b+c@example.co.uk now.",
    "Price: $1,299.99 (≈ €1.180,50 / £1,020) — 15% off ½ ² ™ © № ℃ ﬁ ﬂ Ǆ ǅ",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ❤️‍🔥 ☺︎ 1️⃣ 🧑🏿‍🚀 emoji",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "𝕋𝕙𝕚𝕤 𝓲𝓼 𝖒𝖆𝖙𝖍 ＦＵＬＬ　ＷＩＤＴＨ ①②③ Ⅷ",
    "𝅗𝅥 𝅘𝅥𝅮 𝅘𝅥𝅲 and \U0001d158\U0001d16d\U0001d165 music",
]
SPECIALS = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "[unused5]", "[sep]", "[MASK", "SEP]", "##ing", "##", "[[SEP]]"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r\n\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x0b", "\x0c", "\u200b", "\x85"]
ZWJ = ["\u200d", "\ufe0f", "\ufe0e", "\U0001f3fd", "\u20e3", "\U000e0067", "\U000e007f"]


def any_code_point(r):
    while True:
        c = r.randrange(0x110000)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


class Strings:
    """Varied strings from a seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        # Every block of 128 code points that has something in it, so that small scripts count.
        self.blocks = [b for b in range(0, 0x110000, 128) if not 0xD800 <= b <= 0xDFFF and (b < 0x33000 or b % 0x4000 == 0)]
        self.marks = [chr(c) for r in ((0x300, 0x370), (0x483, 0x488), (0x591, 0x5C8), (0x610, 0x61B), (0x64B, 0x660),
                      (0x8D4, 0x900), (0x93C, 0x94E), (0xE47, 0xE4E), (0x1AB0, 0x1AD0), (0x1DC0, 0x1E00), (0x20D0, 0x20F1),
                      (0x302A, 0x3030), (0x3099, 0x309B), (0x1D165, 0x1D173), (0x1E000, 0x1E02B)) for c in range(*r)]

    def block(self):
        start = self.r.choice(self.blocks)
        return "".join(chr(start + self.r.randrange(128)) for _ in range(self.r.randint(1, 12)))

    def ascii(self):
        return "".join(chr(self.r.randrange(128)) for _ in range(self.r.randint(1, 20)))

    def marked(self):
        base = self.r.choice("aeiouAEIOUnçñäøßІяωבरகกคがAㄱ한中é\U0001d158\u0fb2")
        return base + "".join(self.r.choice(self.marks) for _ in range(self.r.randint(1, 6)))

    def long_word(self):
        piece = self.r.choice(["a", "ab", "internationalization", "é", "e\u0301", "中", "ß", "x1", "\u200b", "한"])
        return piece * self.r.choice([1, 9, 20, 49, 50, 51, 98, 99, 100, 101, 102, 250])

    def sentence(self):
        text = self.r.choice(SENTENCES)
        cut = self.r.randint(0, len(text))
        return self.r.choice([text, text[cut:], text[:cut], text.upper(), text.replace(" ", self.r.choice(SPACES))])

    def emoji(self):
        return "".join(chr(self.r.randrange(0x1F300, 0x1FB00)) + self.r.choice(ZWJ + [""]) for _ in range(self.r.randint(1, 5)))

    def anything(self):
        return "".join(any_code_point(self.r) for _ in range(self.r.randint(1, 15)))

    def make(self):
        makers = [self.block, self.block, self.ascii, self.marked, self.long_word, self.sentence, self.sentence, self.emoji, self.anything,
                  lambda: self.r.choice(SPECIALS), lambda: self.r.choice(SPECIALS), lambda: self.r.choice(["", "!", "?!", "...", "—", "«", "。", "$", "+", "´"])]
        separators = ["", "", " ", self.r.choice(SPACES)]
        return "".join(self.r.choice(makers)() + self.r.choice(separators) for _ in range(self.r.randint(0, 8)))


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
    different = 0
    for text, got in zip(texts, ours(program, path, texts), strict=True):
        wanted = real.encode(text).ids
        if got == wanted:
            continue
        different += 1
        if different <= 5:
            print(f"{what}: {json.dumps(text)}\n  real {real.encode(text).tokens}\n  real {wanted}\n  ours {got}")
    print(f"{what}: {len(texts)} strings, {different} differ")
    return different


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
    path = options.models / MODELS[0] / "tokenizer.json"
    file = json.loads(path.read_text())
    different += compare(options.program, path, ["a" + c + "b" for c in points], "every code point")
    with tempfile.TemporaryDirectory() as folder:
        changed = pathlib.Path(folder, "tokenizer.json")

        def compare_changed(name, content, strings):
            changed.write_text(json.dumps(content))
            return compare(options.program, changed, strings, name)

        for name, content in variants(file):
            different += compare_changed(name, content, texts[: len(texts) // 2])
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
