"""Does a late-interaction reranker (MaxSim over an embedder's token vectors) help hybrid search?

Two sets: the questions with gold spans that fusion.py uses (recall and precision of gold characters among five
chunks) and Cranfield (nDCG@10 over whole abstracts). The hybrid's best 20 or 50 are put into another order, by MaxSim alone
or by the hybrid's score plus a share of it. Every difference to the hybrid has a 95 % interval of a paired bootstrap over
questions; the share is also chosen by cross-validation, because the best of a grid flatters itself. The tables in
docs/decisions/0012-late-interaction.md come from here.

    pip install numpy onnxruntime tokenizers langchain-text-splitters PyStemmer
    python rerank.py CHUNKING_FOLDER CRANFIELD_FOLDER MODELS_FOLDER CACHE_FOLDER [MODEL...]

CRANFIELD_FOLDER holds cran.all.1400, cran.qry and cranqrel.
"""
import collections
import pathlib
import re
import sys
import time

import numpy as np

from fusion import QUERY_PREFIX, TOP, Benchmark, Embedder, bm25, words

DEFAULT = "bge-small-en-v1.5-q"
MODELS = {  # Pooling, prefix of questions, prefix of passages.
    DEFAULT: (QUERY_PREFIX, ""),
    "all-minilm-l6-v2-q": ("", ""),
    "e5-small-v2-q": ("query: ", "passage: "),
}
SHARES = (.25, .5, 1, 2, 4, 8)
FOLDS = 5
RESAMPLES = 10_000
CRANFIELD_DOCUMENTS, CRANFIELD_QUERIES = 1400, 225
NDCG_AT = 10


class TokenEmbedder(Embedder):
    """Unit vectors of a text's own tokens: those of the prefix and the special ones are left out."""

    def __call__(self, text, prefix=""):
        skipped = 1 + (len(self.tokenizer.encode(prefix, add_special_tokens=False).ids) if prefix else 0)
        ids = np.array([self.tokenizer.encode(prefix + text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        wanted = {i.name for i in self.session.get_inputs()}
        output = self.session.run(None, {k: v for k, v in inputs.items() if k in wanted})[0][0]
        rows = output[skipped:-1]
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class TokenStore:
    """Token vectors of many texts in one file, half precision."""

    def __init__(self, path, texts, embed):
        all_rows, all_ends = (path.with_name(path.name + ending) for ending in (".npy", ".ends.npy"))
        if not all_rows.exists():
            rows = [embed(t).astype(np.float16) for t in texts]
            np.save(all_ends, np.cumsum([len(r) for r in rows]))
            np.save(all_rows, np.concatenate(rows))
        self.rows = np.load(all_rows, mmap_mode="r")
        self.ends = np.load(all_ends)

    def __getitem__(self, i):
        return self.rows[self.ends[i - 1] if i else 0:self.ends[i]].astype(np.float32)


def maxsim(questions, passages, tops):
    """For each question the mean over its tokens of the nearest passage token, for each of its candidates."""
    scores = np.zeros(tops.shape, np.float32)
    for i, top in enumerate(tops):
        question = questions[i]
        for j, chunk in enumerate(top):
            scores[i, j] = (question @ passages[chunk].T).max(1).mean() if len(passages[chunk]) else 0
    return scores


class Chunking(Benchmark):
    name, unit = "gold characters at 5 chunks", f"recall@{TOP}"

    def __init__(self, folder, cache, embed):
        super().__init__(folder, 800, False, embed, cache)
        self.hybrid = self.relative(self.lexical(), .5)

    def quality(self, top):
        return np.take_along_axis(self.gold, top[:, :TOP], 1).sum(1) / self.total


class Cranfield(Benchmark):
    name, unit = "Cranfield", f"nDCG@{NDCG_AT}"

    def __init__(self, folder, cache, embed):  # Not Benchmark's: that one splits.
        self.texts = [" ".join(d.split()) for d in documents(folder / "cran.all.1400")][:CRANFIELD_DOCUMENTS]
        self.questions = [" ".join(q.split()) for q in queries(folder / "cran.qry")][:CRANFIELD_QUERIES]
        self.allowed = np.ones((len(self.questions), len(self.texts)), bool)
        self.gain = np.zeros(self.allowed.shape)
        for line in (folder / "cranqrel").read_text().splitlines():
            query, document, grade = (int(x) for x in line.split()[:3])
            if grade > 0 and query <= len(self.questions) and document <= len(self.texts):
                self.gain[query - 1, document - 1] = 5 - grade  # 1 is the best of 1..4.
        vectors = self.cached(cache / "cranfield.npy", self.texts, embed)
        asked = self.cached(cache / "cranfield-questions.npy", [QUERY_PREFIX + q for q in self.questions], embed)
        self.dense = asked @ vectors.T
        self.hybrid = self.relative(self.lexical(), .5)

    def quality(self, top):
        discount = 1 / np.log2(np.arange(NDCG_AT) + 2)
        found = np.take_along_axis(self.gain, top[:, :NDCG_AT], 1) @ discount
        ideal = -np.sort(-self.gain, axis=1)[:, :NDCG_AT] @ discount
        return found / np.maximum(ideal, 1e-9)


def documents(path):
    for part in re.split(r"^\.I \d+\s*$", path.read_text(errors="replace"), flags=re.M)[1:]:
        fields = dict(re.findall(r"^\.([TW])\s*\n(.*?)(?=^\.[TABWI]\b|\Z)", part, flags=re.M | re.S))
        title, body = fields.get("T", "").strip(), fields.get("W", "").strip()
        yield body if body.startswith(title) else f"{title} {body}"  # Most bodies begin with the title.


def queries(path):
    return re.findall(r"^\.W\s*\n(.*?)(?=^\.I\b|\Z)", path.read_text(errors="replace"), flags=re.M | re.S)


def scaled(scores):
    low, high = scores.min(1, keepdims=True), scores.max(1, keepdims=True)
    return (scores - low) / np.maximum(high - low, 1e-9)


def reordered(top, scores):
    return np.take_along_axis(top, np.argsort(-scores, axis=1, kind="stable"), 1)


def difference(quality, base, random):
    """Mean difference in points and its 95 % interval, resampling questions."""
    gap = 100 * (quality - base)
    means = gap[random.integers(0, len(gap), (RESAMPLES, len(gap)))].mean(1)
    return f"{gap.mean():+.2f} [{np.quantile(means, .025):+.2f}, {np.quantile(means, .975):+.2f}]"


def cross_validated(by_share, random):
    """Each question measured with the share that is best for the others."""
    fold = random.permutation(by_share.shape[1]) % FOLDS
    chosen = np.zeros(by_share.shape[1])
    for k in range(FOLDS):
        best = by_share[:, fold != k].mean(1).argmax()
        chosen[fold == k] = by_share[best, fold == k]
    return chosen


def report(bench, model, folder, cache):
    query_prefix, document_prefix = MODELS[model]
    embed = TokenEmbedder(folder / model)
    key = f"{type(bench).__name__.lower()}-{model}"
    questions = TokenStore(cache / f"tokens-{key}-questions", bench.questions, lambda t: embed(t, query_prefix))
    passages = TokenStore(cache / f"tokens-{key}", bench.texts, lambda t: embed(t, document_prefix))
    for depth in (20, 50):
        random = np.random.default_rng(7)
        top = bench.ranked(bench.hybrid, depth)
        base = bench.quality(top)
        start = time.perf_counter()
        late = maxsim(questions, passages, top)
        ms = 1000 * (time.perf_counter() - start) / len(top)
        fused = np.take_along_axis(bench.hybrid, top, 1)
        shares = np.stack([bench.quality(reordered(top, scaled(fused) + s * scaled(late))) for s in SHARES])
        rows = [("hybrid alone", base), ("MaxSim alone", bench.quality(reordered(top, late))),
                *((f"hybrid + {s} MaxSim", q) for s, q in zip(SHARES, shares)),
                ("hybrid + cross-validated share", cross_validated(shares, random))]
        print(f"\n### {bench.name}, {model}, best {depth} reranked ({ms:.1f} ms of MaxSim in numpy per question)\n")
        print(f"| order | {bench.unit} | difference in points [95 %] |\n|---|---|---|")
        for name, quality in rows:
            gap = "" if quality is base else difference(quality, base, random)
            print(f"| {name} | {100 * quality.mean():.2f} | {gap} |", flush=True)
        print(f"| the best order of these {depth} | {100 * ideal(bench, top):.2f} | |")


def ideal(bench, top):
    gold = bench.gold if isinstance(bench, Chunking) else bench.gain
    return bench.quality(reordered(top, np.take_along_axis(gold, top, 1))).mean()


def main():
    chunking, cranfield, models, cache = (pathlib.Path(p) for p in sys.argv[1:5])
    cache.mkdir(parents=True, exist_ok=True)
    embed = Embedder(models / DEFAULT)
    for bench in (Chunking(chunking, cache, embed), Cranfield(cranfield, cache, embed)):
        for model in sys.argv[5:] or MODELS:
            report(bench, model, models, cache)


if __name__ == "__main__":
    main()
