#!/usr/bin/env python3
"""Writes the *.json beside it: what the real splitters do with the texts of snippets.py.

    pip install langchain-text-splitters==1.1.3 langchain-experimental==0.4.2 beautifulsoup4==4.15.0 lxml==6.1.3
    python3 make_vectors.py

Spans are in code points. Where LangChain gives strings that stand nowhere in the text (Markdown, HTML,
JSON), the vectors keep its strings, and the test puts Slipway's chunks into the same shape.
"""
import json
import logging
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import make_langchain_splits  # noqa: E402  (it teaches LangChain to remember places)
from make_langchain_splits import Piece, Recursive  # noqa: E402

from langchain_experimental.text_splitter import SemanticChunker  # noqa: E402
from langchain_text_splitters import (  # noqa: E402
    HTMLHeaderTextSplitter,
    HTMLSectionSplitter,
    Language,
    MarkdownHeaderTextSplitter,
    RecursiveCharacterTextSplitter,
    RecursiveJsonSplitter,
)
from langchain_text_splitters.base import Tokenizer, split_text_on_tokens  # noqa: E402
from langchain_text_splitters.jsx import JSFrameworkTextSplitter  # noqa: E402
import snippets  # noqa: E402


def spans_of(splitter, text, separators=None):
    splitter.source = text
    chunks = splitter._split_text(Piece(text, 0), separators) if separators else splitter.split_text(Piece(text, 0))
    spans = []
    for chunk in chunks:
        end = getattr(chunk, "source_end", chunk.end)
        assert str(chunk) == text[chunk.start:end]
        spans += [chunk.start, end]
    return spans


def languages():
    lists, cases = {}, []
    for language in Language:
        try:
            lists[language.value] = RecursiveCharacterTextSplitter.get_separators_for_language(language)
        except ValueError:
            continue
    for name, text in snippets.CODE.items():
        if name == "jsx":
            continue
        for size, overlap in [(16, 0), (25, 5), (60, 0), (120, 30), (400, 0)]:
            splitter = Recursive(separators=lists[name], is_separator_regex=True, keep_separator=True,
                                 chunk_size=size, chunk_overlap=overlap)
            cases.append({"language": name, "text": text, "size": size, "overlap": overlap,
                          "spans": spans_of(splitter, text)})
    for text in snippets.JSX:
        for size, overlap in [(30, 0), (80, 0), (80, 20), (200, 0)]:
            splitter = JSFrameworkTextSplitter(chunk_size=size, chunk_overlap=overlap)
            # What it would cut at, found by letting it split through the splitter that remembers.
            seen = []
            splitter._split_text = lambda _, separators: seen.append(separators)
            splitter.split_text(text)
            remembering = Recursive(chunk_size=size, chunk_overlap=overlap, keep_separator=True)
            real = JSFrameworkTextSplitter(chunk_size=size, chunk_overlap=overlap).split_text(Piece(text, 0))
            spans = spans_of(remembering, text, seen[0])
            assert [text[a:b] for a, b in zip(spans[::2], spans[1::2])] == [str(c) for c in real]
            cases.append({"language": "jsx", "text": text, "size": size, "overlap": overlap, "spans": spans})
    return {"lists": lists, "cases": cases}


TOKENIZERS = {
    "characters": lambda text: [(i, i + 1) for i in range(len(text))],
    "words": lambda text: [m.span() for m in re.finditer(r"\s*\S+|\s+$", text)],
    "pairs": lambda text: [(i, min(i + 2, len(text))) for i in range(0, len(text), 2)],
}


def tokens():
    cases = []
    texts = ["foo bar baz 123", "", "x", "Pears ripen from the inside, and plums come early.", "日本語 caf\u00e9 \U0001F600 end ",
             "a" * 37, "one  two   three    four"]
    for name, tokenize in TOKENIZERS.items():
        for text in texts:
            for size, overlap in [(7, 3), (1, 0), (3, 2), (5, 0), (100, 50), (4, 1)]:
                ids = tokenize(text)
                tokenizer = Tokenizer(chunk_overlap=overlap, tokens_per_chunk=size, encode=lambda _: list(range(len(ids))),
                                      decode=lambda some: text[ids[some[0]][0]:ids[some[-1]][1]])
                chunks = split_text_on_tokens(text=text, tokenizer=tokenizer)
                cases.append({"tokenizer": name, "text": text, "size": size, "overlap": overlap, "chunks": chunks})
    return {"cases": cases}


def markdown():
    cases = []
    every = [("#" * level, "h%d" % level) for level in range(1, 7)]
    inputs = [(text, {}) for text in snippets.MARKDOWN] + snippets.MARKED
    for text, marks in inputs:
        for level_max in (6, 2, 1):
            for strip in (True, False):
                headers = every[:level_max] + [(mark, "h%d" % level) for mark, level in marks.items()]
                splitter = MarkdownHeaderTextSplitter(headers, strip_headers=strip, custom_header_patterns=marks)
                cases.append({"text": text, "marks": marks, "level_max": level_max, "strip": strip,
                              "documents": [[d.page_content, d.metadata] for d in splitter.split_text(text)]})
    return {"cases": cases}


def html():
    cases = []
    for text in snippets.HTML:
        for level_max in (6, 2):
            headers = [("h%d" % level, "h%d" % level) for level in range(1, level_max + 1)]
            cases.append({
                "html": text, "level_max": level_max,
                "by_header": [[d.page_content, d.metadata] for d in HTMLHeaderTextSplitter(headers).split_text(text)],
                "by_section": [[d.page_content, d.metadata] for d in HTMLSectionSplitter(headers).split_text(text)],
            })
    return {"cases": cases}


def json_cases():
    cases = []
    for data in snippets.JSON:
        for indent in (None, 2):
            text = json.dumps(data, indent=indent, ensure_ascii=indent is not None)
            for size, least in [(60, None), (120, None), (120, 20), (300, None), (300, 280), (2000, None)]:
                for lists in (False, True):
                    splitter = RecursiveJsonSplitter(max_chunk_size=size, min_chunk_size=least)
                    cases.append({"text": text, "size": size, "min": least or 0, "lists": lists,
                                  "chunks": splitter.split_json(json.loads(text), convert_lists=lists)})
    return {"cases": cases}


class LetterCounts:
    """An embedding that any language can compute: how often each letter occurs, and a constant."""

    def embed_documents(self, texts):
        return [[float(t.lower().count(chr(97 + i))) for i in range(26)] + [0.5] for t in texts]


def semantic():
    cases = []
    settings = [{"breakpoint_threshold_type": kind, "breakpoint_threshold_amount": amount}
                for kind, amounts in [("percentile", [None, 50, 80]), ("standard_deviation", [None, 0.5]),
                                      ("interquartile", [None, 0.2]), ("gradient", [None, 60])] for amount in amounts]
    settings += [{"number_of_chunks": n} for n in (1, 2, 4, 30)]
    settings += [{"breakpoint_threshold_type": "percentile", "breakpoint_threshold_amount": 50, "min_chunk_size": n} for n in (20, 60)]
    settings += [{"breakpoint_threshold_type": "percentile", "breakpoint_threshold_amount": 60, "buffer_size": n} for n in (0, 2, 3)]
    for text in snippets.PROSE:
        for setting in settings:
            for regex in (r"(?<=[.?!])\s+", r"\s+"):
                chunks = SemanticChunker(LetterCounts(), sentence_split_regex=regex, **setting).split_text(text)
                cases.append({"text": text, "regex": regex, "settings": setting, "chunks": chunks})
    return {"cases": cases}


def main():
    logging.disable(logging.WARNING)
    for name, make in [("languages", languages), ("tokens", tokens), ("markdown", markdown), ("html", html),
                       ("json", json_cases), ("semantic", semantic)]:
        made = make()
        dump = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        cases = made.pop("cases")
        head = ["%s:%s" % (dump(k), dump(v)) for k, v in made.items()]
        body = ",\n".join(head + ['"cases":[\n' + ",\n".join(map(dump, cases)) + "]"])
        (HERE / (name + ".json")).write_text("{" + body + "}\n")
        print(name, len(cases))


if __name__ == "__main__":
    main()
