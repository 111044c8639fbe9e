"""Writes tests/data/rag/mmr_cases.json: what LangChain's maximal_marginal_relevance chooses.

Usage: python make_cases.py ../../data/rag/mmr_cases.json     (needs langchain-core and numpy)
"""
import json
import pathlib
import random
import sys

import numpy as np
from langchain_core.vectorstores.utils import maximal_marginal_relevance


def case(query, candidates, weight, limit):
    chosen = maximal_marginal_relevance(np.array(query, np.float32), [np.array(c, np.float32) for c in candidates],
                                        lambda_mult=weight, k=limit)
    return {"query": query, "candidates": candidates, "lambda": weight, "limit": limit, "chosen": [int(i) for i in chosen]}


def main():
    source = random.Random(20261124)

    def vector(size):
        return [round(source.uniform(-1, 1), 3) for _ in range(size)]

    rows = []
    for weight in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1):
        for count, limit in ((1, 4), (6, 3), (20, 4), (20, 30), (5, 0)):
            rows.append(case(vector(6), [vector(6) for _ in range(count)], weight, limit))
        # Clusters of near copies, where variety matters.
        centres = [vector(6) for _ in range(4)]
        near = [[round(x + source.uniform(-.05, .05), 3) for x in centre] for centre in centres for _ in range(5)]
        rows.append(case([round(x + y, 3) for x, y in zip(centres[0], centres[1])], near, weight, 8))
    # Ties: exact copies, and candidates as far to the left as to the right.
    rows.append(case([1, 0], [[1, 0], [1, 0], [0, 1], [0, -1], [1, 0]], 0.5, 5))
    rows.append(case([0, 1], [[1, 0], [-1, 0], [0, 1], [0, 1]], 0.5, 4))
    pathlib.Path(sys.argv[1]).write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
