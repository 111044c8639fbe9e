"""Which analyzer, fusion and weight make hybrid search at least as good as its better part?

Recall and precision of gold characters among the first five chunks, on a folder laid out like
brandonstarxel/chunking_evaluation (questions_df.csv, corpora/*.md): dense by bge-small, BM25 in
numpy (equal to our index to 1e-4), and their fusions. The tables in docs/decisions/0008-lexical.md
come from here.

    pip install numpy onnxruntime tokenizers langchain-text-splitters PyStemmer
    python fusion.py DATA_FOLDER MODEL_FOLDER CACHE_FOLDER
"""
import collections
import csv
import json
import pathlib
import re
import sys
import unicodedata

import numpy as np
import onnxruntime
import Stemmer
from langchain_text_splitters import RecursiveCharacterTextSplitter
from tokenizers import Tokenizer

QUERY_PREFIX = "Represent this sentence for searching relevant passages: "
STOP_WORDS = set(
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with".split())
QUESTION_WORDS = set("what which who whom whose how when where why do does did has have had".split())
WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+|[.,](?<=\d.)\d[^\W_]*)*")
STEMMER = Stemmer.Stemmer("english")
TOP = 5


class Embedder:
    """One text a call, first token, unit length: what the program itself does."""

    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(512)

    def __call__(self, text):
        ids = np.array([self.tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids),
                  "token_type_ids": np.zeros_like(ids)}
        wanted = {i.name for i in self.session.get_inputs()}
        output = self.session.run(None, {k: v for k, v in inputs.items() if k in wanted})[0][0, 0]
        return output / np.linalg.norm(output)


def words(text, stop_words=STOP_WORDS, stems=True):
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("’", "'")
    found = [w for w in WORD.findall(text) if w not in stop_words]
    if stems:
        found = [w if any(c.isdigit() for c in w) else STEMMER.stemWord(w) for w in found]
    return [w.replace("'", "") for w in found]


def bm25(texts, queries, k1=1.2, b=0.75):
    lengths = np.array([len(t) for t in texts], float)
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    postings = collections.defaultdict(dict)
    for i, text in enumerate(texts):
        for word, count in collections.Counter(text).items():
            postings[word][i] = count
    scores = np.zeros((len(queries), len(texts)))
    for row, query in zip(scores, queries):
        for word in query:
            if word in postings:
                chunks = np.fromiter(postings[word].keys(), int)
                tf = np.fromiter(postings[word].values(), float)
                df = len(chunks)
                row[chunks] += np.log(1 + (len(texts) - df + .5) / (df + .5)) * tf / (tf + norm[chunks])
    return scores


class Benchmark:
    def __init__(self, data, size, per_corpus, embed, cache):
        rows = list(csv.DictReader(open(data / "questions_df.csv")))
        self.questions = [r["question"] for r in rows]
        splitter = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=0)
        chunks = []
        for path in sorted((data / "corpora").glob("*.md")):
            text, at = open(path, newline="").read(), 0
            for chunk in splitter.split_text(text):
                start = text.index(chunk, at)
                at = start + len(chunk)
                chunks.append((path.stem, start, at, chunk))
        self.texts = [c[3] for c in chunks]
        start, end = np.array([c[1] for c in chunks]), np.array([c[2] for c in chunks])
        self.lengths = (end - start).astype(float)
        corpus = np.array([c[0] for c in chunks])
        self.allowed = np.ones((len(rows), len(chunks)), bool)
        self.gold = np.zeros((len(rows), len(chunks)))  # Gold characters of each chunk.
        self.total = np.zeros(len(rows))
        for i, row in enumerate(rows):
            same = corpus == row["corpus_id"]
            if per_corpus:
                self.allowed[i] = same
            for low, high in union(json.loads(row["references"])):
                self.total[i] += high - low
                self.gold[i] += np.clip(np.minimum(high, end) - np.maximum(low, start), 0, None) * same
        vectors = self.cached(cache / f"chunks{size}.npy", self.texts, embed)
        queries = self.cached(cache / "questions.npy", [QUERY_PREFIX + q for q in self.questions], embed)
        self.dense = queries @ vectors.T

    @staticmethod
    def cached(path, texts, embed):
        if not path.exists():
            np.save(path, np.stack([embed(t) for t in texts]))
        return np.load(path)

    def lexical(self, **how):
        return bm25([words(t, **how) for t in self.texts], [words(q, **how) for q in self.questions])

    def ranked(self, scores, depth):
        return np.argsort(-np.where(self.allowed, scores, -np.inf), axis=1, kind="stable")[:, :depth]

    def measure(self, scores):
        """Mean recall with its standard error, mean precision, in percent."""
        top = self.ranked(scores, TOP)
        found = np.take_along_axis(self.gold, top, 1).sum(1)
        recall, precision = found / self.total, found / self.lengths[top].sum(1)
        return 100 * recall.mean(), 100 * recall.std() / len(recall) ** .5, 100 * precision.mean()

    def relative(self, lexical, weight):
        """The fusion of src/index/detail/search.cpp: cosine above the mean, BM25 above zero."""
        allowed = np.where(self.allowed, self.dense, np.nan)
        mean, best = np.nanmean(allowed, 1), np.nanmax(allowed, 1)
        dense = (self.dense - mean[:, None]) / np.maximum(best - mean, .02)[:, None]
        most = np.where(self.allowed, lexical, 0).max(1)
        return weight * dense + (1 - weight) * lexical / np.maximum(most, 1e-9)[:, None]

    def min_max(self, lexical, weight, depth):
        """The usual one: both parts between their least and best among the first `depth` of each."""
        fused = np.full(self.dense.shape, -1e9)
        tops = [self.ranked(s, depth) for s in (self.dense, lexical)]
        for i in range(len(fused)):
            union_of_tops = np.union1d(tops[0][i], tops[1][i])
            d, l = self.dense[i][union_of_tops], lexical[i][union_of_tops]
            fused[i][union_of_tops] = (weight * (d - d.min()) / max(np.ptp(d), 1e-9) +
                                       (1 - weight) * (l - l.min()) / max(np.ptp(l), 1e-9))
        return fused

    def rrf(self, lexical, weight, depth=100, constant=60):
        fused = np.zeros(self.dense.shape)
        for scores, share in ((self.dense, weight), (lexical, 1 - weight)):
            for rank, chunks in enumerate(self.ranked(scores, depth).T):
                listed = np.take_along_axis(scores, chunks[:, None], 1)[:, 0] > 0
                fused[np.arange(len(fused)), chunks] += listed * share / (constant + rank + 1)
        return fused


def union(references):
    spans = []
    for low, high in sorted((r["start_index"], r["end_index"]) for r in references):
        if spans and low <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], high)
        else:
            spans.append([low, high])
    return spans


def main():
    data, model, cache = (pathlib.Path(p) for p in sys.argv[1:4])
    cache.mkdir(parents=True, exist_ok=True)
    embed = Embedder(model)
    settings = [(size, per) for size in (800, 400) for per in (False, True)]
    rows = collections.defaultdict(list)
    for size, per_corpus in settings:
        bench = Benchmark(data, size, per_corpus, embed, cache)
        analyzers = {"bare words": dict(stop_words=set(), stems=False),
                     "stop words": dict(stems=False), "stems": dict(stop_words=set()),
                     "stop words, stems": {},
                     "stop and question words, stems": dict(stop_words=STOP_WORDS | QUESTION_WORDS)}
        lexical = {name: bench.lexical(**how) for name, how in analyzers.items()}
        rows["dense"].append(bench.measure(bench.dense))
        for name, scores in lexical.items():
            rows[f"lexical: {name}"].append(bench.measure(scores))
        scores = lexical["stop words, stems"]
        for weight in (.3, .4, .5, .6, .7, .8):
            rows[f"hybrid: relative, weight {weight}"].append(
                bench.measure(bench.relative(scores, weight)))
        for depth in (20, 100):
            rows[f"hybrid: min-max of {depth}, weight 0.5"].append(
                bench.measure(bench.min_max(scores, .5, depth)))
        for weight in (.3, .5, .7):
            rows[f"hybrid: RRF, weight {weight}"].append(bench.measure(bench.rrf(scores, weight)))
        rows["hybrid: relative 0.5 on bare words"].append(
            bench.measure(bench.relative(lexical["bare words"], .5)))
    head = "".join(f" | {size}{' per corpus' if per else ' all'}" for size, per in settings)
    print(f"| recall / precision at {TOP}{head} |\n|{'---|' * (len(settings) + 1)}")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(f"{r:.2f} ±{e:.1f} / {p:.2f}" for r, e, p in cells) + " |")


if __name__ == "__main__":
    main()
