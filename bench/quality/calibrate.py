"""Fits the evidence model of src/rag/detail/evidence.cpp to questions whose answer is, or is not, in the collection.

    build/bench/quality_bench CORPORA QUESTIONS.jsonl MODELS --features features.jsonl > summary.json
    python3 bench/quality/calibrate.py features.jsonl

Each question counts twice: asked of all corpora (it has an answer) and of all but its own (it has none). Prints the
weights for C++ and, from five-fold cross-validation by question, how often each threshold refuses an answerable question and
how often it answers an unanswerable one. Needs numpy.
"""
import json
import sys

import numpy as np

SIGNALS = ["dense", "sentence", "sentence_coverage", "passage_coverage"]
RIDGE = 0.1  # Keeps the weights small where two signals say the same.
FOLDS = 5


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method; the bias is the last weight and is not shrunk."""
    x = np.hstack([x, np.ones((len(x), 1))])
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[-1, -1] = 0
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (p - y) + penalty @ weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        weights -= np.linalg.solve(hessian, gradient)
    return weights


def predict(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ weights[:-1] + weights[-1])))


def auc(p: np.ndarray, y: np.ndarray) -> float:
    order = p.argsort().argsort() + 1
    positives = y.sum()
    return (order[y == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(y) - positives))


def main() -> None:
    rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    x = np.array([[row[side][s] for s in SIGNALS] for row in rows for side in ("signals", "signals_elsewhere")])
    y = np.array([label for _ in rows for label in (1, 0)])
    group = np.repeat(np.arange(len(rows)), 2)
    fold = np.random.default_rng(7).permutation(len(rows)) % FOLDS
    held_out = np.zeros(len(y))
    for k in range(FOLDS):
        test = fold[group] == k
        held_out[test] = predict(fit(x[~test], y[~test]), x[test])
    weights = fit(x, y)
    print("weights:", {s: round(float(w), 3) for s, w in zip([*SIGNALS, "bias"], weights)})
    print("single-signal AUC:", {s: round(float(auc(x[:, i], y)), 4) for i, s in enumerate(SIGNALS)})
    print(f"cross-validated AUC: {auc(held_out, y):.4f}")
    print("threshold  refused although answerable  answered although not")
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        missed = (held_out[y == 1] < threshold).mean()
        wrong = (held_out[y == 0] >= threshold).mean()
        print(f"{threshold:9.1f}  {missed:27.3f}  {wrong:21.3f}")


if __name__ == "__main__":
    main()
