"""Turns questions_df.csv of the chunking data into JSON lines with byte offsets, for quality_bench.

    python3 bench/quality/questions.py DATA/chunking > questions.jsonl

The data gives offsets in code points; places in Slipway are bytes of the UTF-8 text.
"""
import csv
import itertools
import json
import pathlib
import sys


def byte_offsets(text: str) -> list[int]:
    """offsets[i] is the byte offset of code point i."""
    return [0, *itertools.accumulate(len(c.encode()) for c in text)]


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    offsets = {
        path.stem: byte_offsets(path.read_bytes().decode("utf-8"))
        for path in (folder / "corpora").glob("*.md")
    }
    with open(folder / "questions_df.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = offsets[row["corpus_id"]]
            gold = [[at[r["start_index"]], at[r["end_index"]]] for r in json.loads(row["references"])]
            print(json.dumps({"question": row["question"], "corpus": row["corpus_id"] + ".md", "gold": gold}))


if __name__ == "__main__":
    main()
