"""Writes bm25_vectors.json: scores of the bm25s package (method "lucene") that our BM25 must equal.

    pip install bm25s==0.3.16 && python make_bm25_vectors.py > bm25_vectors.json
"""
import json
import random

import bm25s

random.seed(20)
cases = []
for documents, words, vocabulary in ((1, 5, 3), (12, 8, 10), (60, 30, 40), (150, 25, 400)):
    def word():
        return f"w{int(random.random() ** 2 * vocabulary)}x"

    corpus = [[word() for _ in range(random.randint(1, words))] for _ in range(documents)]
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(corpus, show_progress=False)
    known = {w for text in corpus for w in text}
    queries = []
    for length in (1, 2, 5, 9):
        query = [w for w in (word() for _ in range(length)) if w in known] or [corpus[0][0]]
        if length == 5:
            query.append(query[0])  # A repeated word counts twice.
        scores = index.get_scores(query)
        queries.append({"text": " ".join(query), "scores": [round(float(s), 6) for s in scores]})
    cases.append({"texts": [" ".join(text) for text in corpus], "queries": queries})
print(json.dumps(cases, separators=(",", ":")))
