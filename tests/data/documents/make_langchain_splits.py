#!/usr/bin/env python3
"""Writes langchain_splits.json: what LangChain's character splitters do with random texts.

    pip install langchain-text-splitters==1.1.3
    python3 make_langchain_splits.py > langchain_splits.json

LangChain's own code runs; it only learns to remember where its pieces stand (`Piece`). A case holds
the spans of its chunks in code points. Where a separator is dropped, LangChain joins pieces with the
separator as it is written: for a regular expression that is the pattern itself, and where empty
pieces stood between two separators only one separator comes back. Such a chunk is no substring of
the text. Slipway gives the real text there, and the case keeps LangChain's string in `joined`, so
that the difference stays visible. A chunk that is nothing but white space in the text, although
LangChain shows the pattern, is left out.
"""

import json
import logging
import random
import re

from langchain_text_splitters import (
    CharacterTextSplitter,
    Language,
    RecursiveCharacterTextSplitter,
    character,
)

SEED = 20261124
TEXTS = 420
CASES_PER_TEXT = 5


class Piece(str):
    """A string that knows its place in the text."""

    def __new__(cls, value, start):
        piece = super().__new__(cls, value)
        piece.start = start
        return piece

    @property
    def end(self):
        return self.start + len(self)


split_text_with_regex = character._split_text_with_regex


def split_and_remember(text, separator, *, keep_separator):
    strings = split_text_with_regex(text, separator, keep_separator=keep_separator)
    offset = text.start
    if not separator:
        spans = [(i, i + 1) for i in range(len(text))]
    else:
        spans, begin = [], 0
        for match in re.finditer(separator, text):
            end = match.end() if keep_separator == "end" else match.start()
            spans.append((begin, end))
            begin = end if keep_separator else match.end()
        spans.append((begin, len(text)))
        spans = [span for span in spans if span[1] > span[0]]
    assert strings == [text[a:b] for a, b in spans], (text, separator, keep_separator)
    return [Piece(text[a:b], offset + a) for a, b in spans]


character._split_text_with_regex = split_and_remember


def remembering(base):
    class Remembering(base):
        def _join_docs(self, docs, separator):
            joined = super()._join_docs(docs, separator)
            if joined is None:
                return None
            start, end = docs[0].start, docs[-1].end
            if self._strip_whitespace:
                whole = self.source[start:end]
                start += len(whole) - len(whole.lstrip())
                end -= len(whole) - len(whole.rstrip())
            if start >= end:
                return None  # White space in the text, the pattern in LangChain.
            chunk = Piece(joined, start)
            chunk.source_end = end
            return chunk

    return Remembering


Recursive = remembering(RecursiveCharacterTextSplitter)
Character = remembering(CharacterTextSplitter)

ALPHABETS = [
    "ab",
    "abcdefghij",
    "ABC xyz",
    "aé😀",
    "日本語。、！？",
    "абвгд",
    "नमस्ते",
    "0123456789.,",
    "e\u0301a\u0308\u200d👩",
    "(){}[]*+?.^$|\\",
    "<p>li<brdv/",
    "#-*_=`",
]
SPACES = [" ", "\n", "\n\n", "\t", "  ", "\r\n", "\u00a0", "\u3000", "\u2003", "\x1c", "\x0b", "\u2028"]
PUNCTUATION = [". ", ", ", "; ", "! ", "? ", ".", ",", "-", "。", "\n---\n", "\n# ", "\n## ", "```\n"]
KEYWORDS = {
    "python": ["\nclass ", "\ndef ", "\n\tdef ", ":\n    ", "return "],
    "markdown": ["\n# ", "\n### ", "```\n", "\n***\n", "\n----\n", "\n___\n", "\n\n", "- "],
    "html": ["<body>", "<div>", "<p>", "<br>", "<li>", "<h1>", "<span>", "<table>", "<tr>", "</td>", "<head>"],
    "go": ["\nfunc ", "\nvar ", "\nconst ", "\ntype ", "\nif ", "\nfor ", "{\n"],
    "rust": ["\nfn ", "\nconst ", "\nlet ", "\nif ", "\nloop ", "\nmatch ", "{\n"],
    "java": ["\nclass ", "\npublic ", "\nprivate ", "\nstatic ", "\nif ", ";\n"],
    "js": ["\nfunction ", "\nconst ", "\nlet ", "\nclass ", "\ndefault ", ";\n"],
    "cpp": ["\nclass ", "\nvoid ", "\nint ", "\nfloat ", "\nswitch ", "\ncase ", ";\n"],
    "latex": ["\n\\chapter{", "\n\\section{", "\n\\begin{itemize}", "$$", "$", "}"],
    "rst": ["\n====\n", "\n----\n", "\n***\n", "\n\n.. note\n\n", "\n\n"],
}
LITERALS = [
    ["\n\n", "\n", " ", ""],
    ["\n\n", "\n", " "],
    ["\n"],
    [" "],
    [""],
    ["."],
    [",", "."],
    [". ", " ", ""],
    ["。", "、", ""],
    ["ab", "b", ""],
    ["😀", "é"],
    ["\n\n"],
    ["  ", "\t", "\u3000", ""],
    ["(", "[", "*", "\\", "$"],
]
REGEXES = [
    [r"\n{2,}", r"\s", ""],
    [r"(?<=[.!?。！？])\s*", r"\s+", ""],
    [r"(?<=\. )", " ", ""],
    [r"(?=[A-Z])"],
    [r"(?<=[a-c])(?=[d-j])", ""],
    [r"[,.;]"],
    [r"[。、！？]", r"\W+"],
    [r"\b"],
    [r"\s*"],
    [r"x*", ""],
    [r"$", "b"],
    [r"^a", r"a$", " "],
    [r"(?i:B)", ""],
    [r"a|ab|b", " "],
    [r"\d+", r"\w"],
    [r"(?:ab)+?", "a{2}", ""],
    [r"(?!a)", ""],
    [r"(?<!a)b", " "],
    [r".", ""],
    [r"[^\W\d_]+", ""],
    [r"\u3000|\xa0|\t", " "],
]


def random_text(rng):
    kind = rng.random()
    length = rng.choice([0, 1, 3, 10, 30, 60, 120, 250, 400])
    parts = []
    while sum(map(len, parts)) < length:
        if kind < 0.35:  # Words between varied white space.
            alphabet = rng.choice(ALPHABETS[:9])
            parts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 9))))
            parts.append(rng.choice(SPACES) if rng.random() < 0.3 else " ")
            if rng.random() < 0.2:
                parts.append(rng.choice(PUNCTUATION))
        elif kind < 0.7:  # Code and markup.
            words = KEYWORDS[rng.choice(sorted(KEYWORDS))]
            parts.append(rng.choice(words))
            parts.append("".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.randint(0, 12))))
        elif kind < 0.85:  # Anything.
            parts.append(rng.choice(rng.choice(ALPHABETS)))
            if rng.random() < 0.3:
                parts.append(rng.choice(SPACES + PUNCTUATION))
        else:  # One alphabet, few breaks.
            parts.append(rng.choice(ALPHABETS[rng.randint(0, 3)]))
            if rng.random() < 0.08:
                parts.append(rng.choice(SPACES))
    return "".join(parts)


def separator_lists():
    lists = [(separators, False) for separators in LITERALS]
    lists += [(separators, True) for separators in REGEXES]
    for name in KEYWORDS:
        language = Language(name)
        separators = RecursiveCharacterTextSplitter.get_separators_for_language(language)
        lists.append((separators, True))
        if name in ("markdown", "python", "html"):
            lists.append((separators, False))
    return lists


def run(text, separators, regex, case):
    settings = {
        "chunk_size": case["size"],
        "chunk_overlap": case["overlap"],
        "strip_whitespace": case["strip"],
        "keep_separator": {"none": False, "start": "start", "end": "end"}[case["keep"]],
        "is_separator_regex": regex,
    }
    if case["kind"] == "character":
        splitter = Character(separator=separators[0], **settings)
    else:
        splitter = Recursive(separators=separators, **settings)
    splitter.source = text
    spans, joined = [], {}
    for i, chunk in enumerate(splitter.split_text(Piece(text, 0))):
        end = getattr(chunk, "source_end", chunk.end)
        spans += [chunk.start, end]
        if str(chunk) != text[chunk.start : end]:
            assert case["keep"] == "none"
            joined[str(i)] = str(chunk)
    return spans, joined


def main():
    logging.disable(logging.WARNING)
    rng = random.Random(SEED)
    lists = separator_lists()
    texts, cases = [], []
    while len(texts) < TEXTS:
        text = random_text(rng)
        texts.append(text)
        for _ in range(CASES_PER_TEXT):
            size = rng.choice([1, 2, 3, 5, 7, 10, 16, 25, 40, 80, 200, rng.randint(1, 200)])
            index = rng.randrange(len(lists))
            separators, regex = lists[index]
            case = {
                "text": len(texts) - 1,
                "list": index,
                "kind": "character" if rng.random() < 0.25 else "recursive",
                "size": size,
                "overlap": rng.choice([0, 0, size // 4, size // 2, size, rng.randint(0, size)]),
                "keep": rng.choice(["none", "start", "end"]),
                "strip": rng.random() < 0.75,
            }
            spans, joined = run(text, separators, regex, case)
            if len(spans) > 400:  # Chunks of one character say little and weigh much.
                continue
            case["spans"] = spans
            if joined:
                case["joined"] = joined
            cases.append(case)
    dump = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    print('{"splitter":"langchain-text-splitters 1.1.3","seed":%d,' % SEED)
    print('"lists":[\n' + ",\n".join(dump({"separators": s, "regex": r}) for s, r in lists) + "],")
    print('"texts":[\n' + ",\n".join(map(dump, texts)) + "],")
    print('"cases":[\n' + ",\n".join(map(dump, cases)) + "]}")


if __name__ == "__main__":
    main()
