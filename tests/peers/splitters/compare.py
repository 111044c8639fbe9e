"""Compares Slipway's splitters with LangChain's on random texts.

- character, recursive, by language, by tokens: the same strings in the same order;
- Markdown by headings, HTML by headings and by sections: the same lines under the same headings;
- JSON: the same values together;
- HTML around elements that stay whole: the same words, with the elements' true lengths given to LangChain;
- windows of the tokens of a real tokenizer: the stretches of text that its offsets name.

Where LangChain is wrong on purpose of ours (docs/guides/documents.md), the texts here avoid the case.

Usage: python compare.py SPLIT_TEXTS MODELS [--seed N] [--count N]
Fails when anything differs, printing the first differences of each part.
"""

import argparse
import json
import logging
import pathlib
import random
import re
import subprocess
import sys

from langchain_text_splitters import (
    CharacterTextSplitter,
    HTMLHeaderTextSplitter,
    HTMLSectionSplitter,
    HTMLSemanticPreservingSplitter,
    Language,
    MarkdownHeaderTextSplitter,
    RecursiveCharacterTextSplitter,
    RecursiveJsonSplitter,
)
from langchain_text_splitters.base import Tokenizer, split_text_on_tokens
from langchain_text_splitters.jsx import JSFrameworkTextSplitter
from tokenizers import Tokenizer as ModelTokenizer

WORDS = ["pear", "plum", "fig", "cellar", "caf\u00e9", "\u65e5\u672c", "\U0001F600", "x", "a.b", "42", "Rail,", "end."]
MARKS = {
    "python": ["\nclass A:", "\ndef f():", "\n\tdef g():", "\n    "],
    "go": ["\nfunc f() {", "\nvar x", "\ntype T ", "\nif x {"],
    "markdown": ["\n# ", "\n### ", "```\n", "\n***\n", "\n----\n", "\n- "],
    "latex": ["\n\\chapter{", "\n\\section{", "\n\\begin{itemize}", "$$", "$", "}"],
    "html": ["<body>", "<div>", "<p>", "<br>", "<li>", "<h2>", "<span>", "<td>"],
    "rst": ["\n====\n", "\n----\n", "\n\n.. note\n\n"],
    "visualbasic6": ["\nPublic Sub ", "\nEnd Sub", "\nIf ", "\nElse ", "\nFriend Function "],
    "haskell": ["\nmain = ", "\nlet ", "\n| ", "\nimport "],
}


def random_text(rng, marks=()):
    parts = []
    for _ in range(rng.choice([0, 1, 5, 20, 60])):
        parts.append(rng.choice(WORDS))
        parts.append(rng.choice(list(marks) + [" "] * 6 + ["\n", "\n\n", "  ", "\t"]))
    return "".join(parts)


class Difference(Exception):
    pass


def same(real, ours, request):
    if real != ours:
        raise Difference(f"{json.dumps(request)}\n  real {json.dumps(real)}\n  ours {json.dumps(ours)}")


def chunks_of(text, offsets):
    data = text.encode()
    return [data[a:b].decode() for a, b in zip(offsets[::2], offsets[1::2])]


def sizes(rng):
    size = rng.choice([1, 3, 7, 16, 30, 60, 200])
    return size, rng.choice([0, 0, size // 4, size // 2])


def separated(rng):
    """Kinds character, recursive and language: (request, check)."""
    size, overlap = sizes(rng)
    kind = rng.choice(["character", "recursive", "language", "language"])
    language = rng.choice([l.value for l in Language if l.value != "perl"] + ["jsx"])
    text = random_text(rng, MARKS.get(language, MARKS["python"]))
    settings = {"kind": kind, "chunk_size": size, "chunk_overlap": overlap}
    common = {"chunk_size": size, "chunk_overlap": overlap}
    if kind == "character":
        settings["separators"] = [rng.choice(["\n\n", " ", "\n", "."])]
        settings["keep_separator"] = keep = rng.choice(["start", "end"])
        real = CharacterTextSplitter(separator=settings["separators"][0], keep_separator=keep, **common).split_text(text)
    elif kind == "recursive":
        settings["keep_separator"] = keep = rng.choice(["start", "end"])
        real = RecursiveCharacterTextSplitter(keep_separator=keep, **common).split_text(text)
    else:
        settings["language"] = language
        real = (JSFrameworkTextSplitter(**common) if language == "jsx"
                else RecursiveCharacterTextSplitter.from_language(Language(language), **common)).split_text(text)
    return {"text": text, "settings": settings}, lambda reply, request: same(real, chunks_of(text, reply), request)


def tokens(rng):
    text = random_text(rng)
    size, overlap = sizes(rng)
    overlap = min(overlap, size - 1)
    ids, at = [], 0
    while at < len(text):
        end = min(len(text), at + rng.randint(1, 4))
        ids.append((at, end))
        at = end
    tokenizer = Tokenizer(chunk_overlap=overlap, tokens_per_chunk=size, encode=lambda _: list(range(len(ids))),
                          decode=lambda some: text[ids[some[0]][0]:ids[some[-1]][1]])
    real = split_text_on_tokens(text=text, tokenizer=tokenizer)
    settings = {"kind": "token", "chunk_size": size, "chunk_overlap": overlap, "strip_whitespace": False}
    offsets = [len(text[:at].encode()) for pair in ids for at in pair]
    return ({"text": text, "settings": settings, "tokens": offsets},
            lambda reply, request: same(real, chunks_of(text, reply), request))


def lines_of(text):
    return [line for line in ("".join(filter(str.isprintable, line.strip())) for line in text.split("\n")) if line]


def markdown(rng):
    level_max = rng.choice([6, 6, 3, 1])
    strip = rng.random() < 0.5
    # A line with "#" that is no heading makes LangChain put the text before a heading below it, when it keeps headings.
    deepest, nospace = (7, "#nospace") if strip else (level_max, "no#space")
    lines, number = [], 0
    for _ in range(rng.randint(0, 25)):
        number += 1
        lines.append(rng.choice([
            "#" * rng.randint(1, deepest) + " Title %d" % number, "Words of line %d." % number, "", "", "- item %d" % number,
            "| cell | %d |" % number, "> quoted %d" % number, nospace + " %d." % number, "    indented %d" % number,
        ]))
        if rng.random() < 0.15:
            fence = rng.choice(["```", "~~~"])
            lines += [fence, "# comment %d" % number, "code", fence if rng.random() < 0.9 else ""]
    text = "\n".join(lines)
    headers = [("#" * level, level) for level in range(1, level_max + 1)]
    real = [lines_of(d.page_content) for d in MarkdownHeaderTextSplitter(headers, strip_headers=strip).split_text(text)]
    settings = {"kind": "markdown", "chunk_size": 100000, "heading_level_max": level_max, "strip_headings": strip}
    return ({"text": text, "settings": settings},
            lambda reply, request: same(real, [l for l in map(lines_of, chunks_of(text, reply)) if l], request))


def html(rng):
    parts, number = [], 0
    for _ in range(rng.randint(0, 15)):
        number += 1
        level = rng.randint(1, 6)
        parts.append(rng.choice([
            f"<h{level}>Title {number}</h{level}>", f"<p>Words of paragraph {number}.</p>", f"<p>a &amp; {number}</p>",
            f"<ul><li>one {number}</li><li>two</li></ul>", f"<table><tr><td>cell {number}</td></tr></table>",
        ]))
    page = "<html><body>" + "".join(parts) + "<p>The last.</p></body></html>"
    level_max = rng.choice([6, 3, 1])
    headers = [("h%d" % level, "h%d" % level) for level in range(1, level_max + 1)]
    fold = lambda text: " ".join(text.split())
    by_header = [[fold(d.page_content), d.metadata] for d in HTMLHeaderTextSplitter(headers).split_text(page)]
    by_section = [[fold(d.page_content), d.metadata] for d in HTMLSectionSplitter(headers).split_text(page)]

    def check(reply, request):
        ours_by_header, ours_by_section = [], []
        for heading, body, path in reply:
            names = {"h%d" % level: title for level, title in path}
            ours_by_header += [[fold(part), names] for part in (heading, body) if part.strip()]
            ours_by_section.append([fold(heading + " " + body),
                                    {"h%d" % path[-1][0]: path[-1][1]} if path else {"h1": "#TITLE#"}])
        same(by_header, ours_by_header, request)
        same(by_section, ours_by_section, request)

    return {"html": page, "level_max": level_max}, check


class WithTrueLengths(HTMLSemanticPreservingSplitter):
    """LangChain counts eleven letters for a preserved element; here it counts the element's own, up to the limit.

    A mark of letters stands for each element, short enough that no separator has to cut it."""

    def _create_documents(self, headers, content, preserved):
        marks = {}
        for number, (placeholder, text) in reversed(list(enumerate(preserved.items()))):
            length = min(len(" ".join(text.split())), self._max_chunk_size - 1)
            mark = (chr(0xE000 + number) * length) if text.strip() else ""
            content = re.sub(placeholder + r"(?![0-9])", mark, content)
            marks[mark] = text
        return super()._create_documents(headers, content, {k: v for k, v in marks.items() if k})


def html_semantic(rng):
    long_words = ["pear", "plum", "cellar", "caf\u00e9", "\u65e5\u672c", "Rail,", "end.", "ripening"]
    words = lambda most: " ".join(rng.choice(long_words) for _ in range(rng.randint(1, most)))
    parts, number = [], 0
    size = rng.choice([20, 40, 80, 200])
    for _ in range(rng.randint(0, 15)):
        number += 1
        level = rng.randint(1, 4)
        cell = words(rng.choice([2, 3, 12]))
        parts.append(rng.choice([
            f"<h{level}>Title {number}</h{level}>", f"<p>{words(8)}</p>", f"<p>{words(20)}</p>", f"<p>{words(3)}<br>{words(3)}</p>",
            f"<div><section><p>{words(5)}</p></section><p>{words(2)}</p></div>", "\n",
            f"<ul><li>{words(3)}</li><li>{cell}</li></ul>", f"<ol><li><p>{words(2)}</p><ul><li>{cell}</li></ul></li></ol>",
            f"<table><tr><th>{words(2)}</th><th>x{number}</th></tr><tr><td>{cell}</td><td>y</td></tr></table>",
            f"<pre>{words(3)}\n  {cell}</pre>",
        ]))
    page = "<html><body>" + "".join(parts) + "<p>The last.</p></body></html>"
    level_max = rng.choice([4, 2])
    kept = rng.choice([["table", "ul", "ol", "pre"], ["table"], ["ul", "ol"], ["pre"], []])
    separators = rng.choice([None, [" ", ""], [". ", " ", ""], ["e", " ", ""]])
    keep = rng.choice(["start", "end"])
    overlap = rng.choice([0, 0, size // 4])
    headers = [("h%d" % level, "h%d" % level) for level in range(1, level_max + 1)]
    real = WithTrueLengths(headers, max_chunk_size=size, chunk_overlap=overlap, separators=separators, elements_to_preserve=kept,
                           keep_separator=keep).split_text(page)
    fold = lambda text: " ".join(text.split())
    settings = {"kind": "html_semantic", "chunk_size": size, "chunk_overlap": overlap, "heading_level_max": level_max,
                "strip_headings": True, "keep_separator": keep,
                "preserve": sorted({{"ul": "list", "ol": "list", "pre": "code"}.get(tag, tag) for tag in kept})}
    if separators:
        settings["separators"] = separators
    return ({"html": page, "settings": settings},
            lambda reply, request: same([fold(d.page_content) for d in real], list(map(fold, reply)), request))


MODELS = []


def model_tokens(rng):
    """What split_text_on_tokens cuts with the tokenizer of a model, as the stretches that the tokens stand for."""
    words = WORDS + ["unbelievably", "tokenization", "\u00c5ngstr\u00f6m", "pg_dump", "[SEP]", "\u2014", "\u0939\u093f", "don't"]
    text = "".join(rng.choice(words) + rng.choice([" ", " ", "\n", "  ", ""]) for _ in range(rng.choice([0, 1, 5, 40, 120])))
    path, model = rng.choice(MODELS)
    encoding = model.encode(text, add_special_tokens=False)
    size, overlap = sizes(rng)
    overlap = min(overlap, size - 1)
    offsets = encoding.offsets
    tokenizer = Tokenizer(chunk_overlap=overlap, tokens_per_chunk=size, encode=lambda _: list(range(len(offsets))),
                          decode=lambda some: text[offsets[some[0]][0]:offsets[some[-1]][1]])
    real = split_text_on_tokens(text=text, tokenizer=tokenizer)
    settings = {"kind": "token", "chunk_size": size, "chunk_overlap": overlap, "strip_whitespace": False}
    return ({"text": text, "settings": settings, "tokenizer": path},
            lambda reply, request: same(real, chunks_of(text, reply), request))


def open_models(folder):
    for path in sorted(pathlib.Path(folder).glob("*/tokenizer.json")):
        model = ModelTokenizer.from_file(str(path))
        model.no_truncation()
        model.no_padding()
        MODELS.append((str(path), model))


def json_text(rng):
    count = [0]

    def value(depth):
        if depth > 0 and rng.random() < 0.6:
            size = rng.randint(1, 5)
            if rng.random() < 0.3:
                return [value(depth - 1) for _ in range(size)]
            return {"k%d" % i + "\u00e9" * (i % 2): value(depth - 1) for i in range(size)}
        count[0] += 1
        return "v%d." % count[0] + rng.choice(["", "x" * rng.randint(0, 12), "\u65e5", "\"\n"])

    data = {"root%d" % i: value(rng.randint(0, 4)) for i in range(rng.randint(1, 6))}
    size = rng.choice([60, 100, 300])
    text = json.dumps(data, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    real = RecursiveJsonSplitter(max_chunk_size=size).split_json(data, convert_lists=True)
    values = lambda chunk: re.findall(r"v\d+\.", chunk)
    return ({"text": text, "settings": {"kind": "json", "chunk_size": size}},
            lambda reply, request: same([values(json.dumps(c)) for c in real], [values(c) for c in chunks_of(text, reply)], request))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--count", type=int, default=3000)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    open_models(arguments.models)
    failed = False
    for make, share in [(separated, 1), (tokens, 1), (markdown, 1), (html, 30), (json_text, 1), (html_semantic, 5),
                        (model_tokens, 3)]:
        rng = random.Random(arguments.seed)
        cases = [make(rng) for _ in range(arguments.count // share)]
        lines = "".join(json.dumps(request) + "\n" for request, _ in cases)
        done = subprocess.run([arguments.program], input=lines, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{make.__name__}: {done.stderr}")
        different = 0
        for (request, check), reply in zip(cases, done.stdout.splitlines(), strict=True):
            try:
                check(json.loads(reply), request)
            except Difference as difference:
                different += 1
                if different <= 3:
                    print(difference)
        print(f"{make.__name__}: {len(cases)} texts, {different} differ")
        failed |= different > 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
