"""Local evidence beside people: AUC on BEGIN dev per set, with intervals, and how fast it is.

    python bench/eval/agreement.py DATA --bench build/bench/evidence_bench --model MODELS/bge-small-en-v1.5-q [--fit] [--json FILE]

DATA holds begin/ (and for cross-validation chunking/corpora/). Two columns: `shipped` is what the program does, whose weights
have seen these labels; `crossval` fits the weights anew in ten folds, no source in two of them. Intervals are the 2.5 and 97.5
percentiles over 2,000 resamples of sources. --fit prints the weights for src/eval/detail/evidence_weights.hpp.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import tempfile

import numpy as np

import claims

SETS = ("wow", "tc", "cmu")
BAR = 0.958
FASTEST = {"words": 2000, "meaning": 50}  # Answers a second, at least.
WORDS = ("unigrams", "bigrams", "trigrams_long", "steps", "run", "content", "window", "numbers", "names", "loose", "denies",
         "splices", "broken", "speaker", "asks")
MEANING = WORDS + ("meaning", "meaning_low")
# What is believed before any label is seen; the sign of a weight never changes.
PRIOR = {"unigrams": 1.5, "bigrams": 1, "trigrams_long": 1.5, "steps": 1, "run": 0.5, "content": 0.75, "window": 2, "numbers": -1.5,
         "names": -1, "loose": -1.5, "denies": -1.5, "splices": -0.5, "broken": -0.5, "speaker": -2, "asks": -2, "meaning": 1.5,
         "meaning_low": 1}
STRENGTH = 30  # Of the prior.
CLAIM_WEIGHT = 0.1  # Of a claim made by rule, beside a reply that people judged.


def read_begin(folder):
    items = []
    for name in SETS:
        with open(folder / f"begin_dev_{name}.tsv", newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                items.append({"set": name, "answer": row["response"], "passages": [row["knowledge"]],
                              "label": int(row["begin_label"].startswith("Fully")), "source": row["knowledge"]})
    return items


def ask(options, what, items, model):
    """The bench's lines for the items, and answers a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps({"answer": item["answer"], "passages": item["passages"]}) + "\n" for item in items)
        file.flush()
        command = [options.bench, what, "--threads", str(options.threads), *(["--model", options.model] if model else []), file.name]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    replies = [json.loads(line) for line in lines]
    return replies[:-1], replies[-1]["answers_per_second"]


def auc(labels, scores):
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    ones = labels.sum()
    return (ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))


def interval(labels, scores, sources, resamples=2000):
    rng = np.random.default_rng(1)
    _, group = np.unique(sources, return_inverse=True)
    members = [np.where(group == g)[0] for g in range(group.max() + 1)]
    values = []
    for _ in range(resamples):
        drawn = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        if 0 < labels[drawn].sum() < len(drawn):
            values.append(auc(labels[drawn], scores[drawn]))
    return np.percentile(values, [2.5, 97.5])


def logistic(x):
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))


class Fit:
    """A logistic mix whose mean over an item's sentences is compared with its label."""

    def __init__(self, items, replies, names, weights):
        sentences = [(i, s) for i, reply in enumerate(replies) for s in reply["sentences"]]
        self.rows = np.array([[1.0] + [s[name] for name in names] for _, s in sentences])
        self.owner = np.array([i for i, _ in sentences])
        self.n = len(items)
        self.count = np.maximum(np.bincount(self.owner, minlength=self.n), 1)
        self.labels = np.array([item["label"] for item in items])
        self.weights = np.array(weights, float)
        self.prior = np.array([PRIOR[name] for name in names])

    def predict(self, w):
        return np.bincount(self.owner, weights=logistic(self.rows @ w), minlength=self.n) / self.count

    def train(self, chosen, steps=400):
        weight = self.weights * chosen
        rows, owner = self.rows[chosen[self.owner]], self.owner[chosen[self.owner]]
        w, mean, square = np.r_[-4, self.prior].astype(float), 0, 0
        for step in range(1, steps + 1):
            p = logistic(rows @ w)
            score = np.clip(np.bincount(owner, weights=p, minlength=self.n) / self.count, 1e-4, 1 - 1e-4)
            gradient = rows.T @ ((weight * (score - self.labels) / (score * (1 - score)) / self.count)[owner] * p * (1 - p))
            gradient[1:] += STRENGTH * (w[1:] - self.prior)
            gradient /= weight.sum()
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
            rate = 0.15 if step < steps * 0.6 else 0.045
            w -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)
            w[1:] = np.where(self.prior > 0, np.maximum(w[1:], 0), np.minimum(w[1:], 0))
        return w

    def calibrate(self, w, chosen):
        """Moves the bias to where the scores of the chosen items, which people judged, fit their labels best."""
        def loss(shift):
            p = np.clip(self.predict(w + np.r_[shift, np.zeros(len(w) - 1)])[chosen], 1e-4, 1 - 1e-4)
            return -np.mean(np.where(self.labels[chosen] == 1, np.log(p), np.log(1 - p)))
        return w + np.r_[min(np.arange(-1, 1.5, 0.02), key=loss), np.zeros(len(w) - 1)]


def folds_of(sources, folds=10):
    names = sorted(set(sources))
    np.random.default_rng(7).shuffle(names)
    fold = {name: i % folds for i, name in enumerate(names)}
    return np.array([fold[source] for source in sources])


def crossval(begin, made, replies, names):
    items = begin + made
    fit = Fit(items, replies, names, [1] * len(begin) + [CLAIM_WEIGHT * 3800 / max(1, len(made))] * len(made))
    fold = folds_of([item["source"] for item in items])
    people = np.arange(len(items)) < len(begin)
    scores = np.zeros(len(items))
    for k in range(fold.max() + 1):
        scores[fold == k] = fit.predict(fit.calibrate(fit.train(fold != k), (fold != k) & people))[fold == k]
    everything = np.ones(len(items), bool)
    return scores, dict(zip(("bias", *names), fit.calibrate(fit.train(everything), people)))


def report(name, labels, scores, begin, table):
    sources = np.array([item["source"] for item in begin])
    sets = np.array([item["set"] for item in begin])
    for part in ("all", *SETS):
        chosen = sets == part if part != "all" else np.ones(len(begin), bool)
        low, high = interval(labels[chosen], scores[chosen], sources[chosen])
        table.append({"form": name, "set": part, "n": int(chosen.sum()), "supported": int(labels[chosen].sum()),
                      "auc": float(auc(labels[chosen], scores[chosen])), "low": float(low), "high": float(high)})


def by_overlap(labels, scores, overlap):
    edges = np.quantile(overlap, [0, 0.25, 0.5, 0.75, 1])
    for i in range(4):
        chosen = (overlap >= edges[i]) & ((overlap < edges[i + 1]) | (i == 3))
        both = 0 < labels[chosen].sum() < chosen.sum()
        yield int(chosen.sum()), int(labels[chosen].sum()), float(auc(labels[chosen], scores[chosen])) if both else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", help="an embedding model's folder; without it the words are measured alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--claims", type=int, default=1300, help="claims made by rule that are embedded for --fit and crossval")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    begin = read_begin(options.data / "begin")
    labels = np.array([item["label"] for item in begin])
    corpora = options.data / "chunking" / "corpora"
    made = claims.make(corpora) if corpora.exists() else []
    np.random.default_rng(1).shuffle(made)
    table, slices, speeds = [], {}, {}
    for form, names in (("words", WORDS), ("meaning", MEANING)):
        if form == "meaning" and not options.model:
            continue
        model = form == "meaning"
        scored, speeds[form] = ask(options, "score", begin, model)
        shipped = np.array([reply["score"] or 0 for reply in scored])
        report(f"{form}, shipped", labels, shipped, begin, table)
        used = made[:options.claims] if model else made
        replies, _ = ask(options, "signals", begin + used, model)
        scores, weights = crossval(begin, used, replies, names)
        report(f"{form}, crossval", labels, scores[:len(begin)], begin, table)
        overlap = np.array([np.mean([s["unigrams"] for s in reply["sentences"]] or [0]) for reply in replies[:len(begin)]])
        slices[form] = list(by_overlap(labels, scores[:len(begin)], overlap))
        if options.fit:
            print(form, "{" + ", ".join(f'{{"{name}", {value:.3f}}}' for name, value in weights.items()) + "}")
        if made:
            of_claims = np.array([item["label"] for item in used])
            print(f"{form}: AUC {auc(of_claims, scores[len(begin):]):.3f} on {len(used)} claims about long documents, made by rule (crossval)")
    print(f"{'local evidence beside people':<20} {'set':>5} {'n':>5} {'yes':>4}  {'AUC':>6}  95 % interval over sources")
    for row in table:
        met = "" if row["set"] != "all" else f"  bar {BAR}: {'met' if row['auc'] >= BAR else 'NOT MET'}"
        print(f"{row['form']:<28} {row['set']:>5} {row['n']:>5} {row['supported']:>4}  {row['auc']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]{met}")
    for form, rows in slices.items():
        shown = (f"n {n}, yes {yes}, AUC {'-' if value is None else format(value, '.3f')}" for n, yes, value in rows)
        print(f"{form}, crossval, by quarter of the share of words that are in the passages: " + "; ".join(shown))
    for form, speed in speeds.items():
        print(f"{form}: {speed:.0f} answers/s on {options.threads} threads  bar {FASTEST[form]}: {'met' if speed >= FASTEST[form] else 'NOT MET'}")
    if options.json:
        options.json.write_text(json.dumps({"table": table, "by_overlap": slices, "answers_per_second": speeds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
