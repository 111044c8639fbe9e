"""Vector search beside hnswlib, faiss, Chroma and Qdrant's local mode: same vectors, same queries, one run.

    python bench/vectors/compare.py --program build/bench/vector_bench [--rows 100000] [--vectors FILE.f32] [--peers hnswlib,faiss,...]

Synthetic vectors have a common direction, 1000 subjects and noise, as embeddings do; --vectors takes real ones (rows of float32, the
last 200 are the queries). Recall is at 10 against an exact scan. hnswlib and faiss are asked with the smallest ef that reaches a
recall of 0.98 without a filter. Times are of one query on one thread, after a warm-up; Python's part of a call is a few microseconds
for hnswlib and faiss, most of the call for Chroma and Qdrant.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

K = 10
QUERIES = 200
BUCKETS = 1000
KEPT = (1000, 500, 100, 10, 1)  # Buckets that a filter keeps: 100 %, 50 %, 10 %, 1 %, 0.1 %.
RECALL_MIN = 0.98


def unit(rows):
    return (rows / numpy.linalg.norm(rows, axis=1, keepdims=True)).astype(numpy.float32)


def synthetic(rows, dimension, seed=1):
    random = numpy.random.default_rng(seed)
    common = unit(random.standard_normal((1, dimension)))
    subjects = unit(random.standard_normal((1000, dimension)))
    made = numpy.empty((rows, dimension), numpy.float32)
    for first in range(0, rows, 50_000):
        last = min(first + 50_000, rows)
        noise = unit(random.standard_normal((last - first, dimension)))
        made[first:last] = unit(0.9 * common + 0.6 * subjects[random.integers(0, 1000, last - first)] + 0.6 * noise)
    return made


class Truth:
    def __init__(self, base, queries, buckets):
        self.best = {}
        scores = queries @ base.T
        for kept in KEPT:
            rows = numpy.flatnonzero(buckets < kept)
            part = scores[:, rows]
            count = min(K, len(rows))
            top = numpy.argpartition(-part, count - 1, axis=1)[:, :count]
            self.best[kept] = [set(rows[t].tolist()) for t in top]

    def recall(self, kept, found):
        best = self.best[kept]
        return sum(len(b & set(f)) for b, f in zip(best, found)) / sum(len(b) for b in best)


def timed(ask, queries):
    taken, found = [], []
    for recorded in (False, True):
        for query in queries:
            start = time.perf_counter()
            rows = ask(query)
            if recorded:
                taken.append((time.perf_counter() - start) * 1e3)
                found.append([int(row) for row in rows])
    return taken, found


def row(name, kept, taken, recall, **more):
    ordered = sorted(taken)
    return {"name": name, "kept": kept / BUCKETS, "p50_ms": statistics.median(ordered), "p99_ms": ordered[int(len(ordered) * 0.99)],
            "recall": recall, **more}


def slipway(program, base_file, query_file, dimension, work, truth):
    run = subprocess.run([program, base_file, query_file, str(dimension), work], stdout=subprocess.PIPE, check=True)
    report = json.loads(run.stdout)
    rows = []
    for kept in KEPT:
        part = report["by_kept_buckets"][str(kept)]
        rows.append(row("slipway", kept, part["ms"], truth.recall(kept, part["found"])))
    rows[0].update(build_s=report["fill_seconds"] + report["seal_seconds"],
                   note=f"seal {report['seal_seconds']:.1f} s, open {report['open_ms']:.0f} ms, mapped {report['mapped_mb']:.0f} MB")
    return rows


def hnswlib(base, queries, buckets, truth):
    import hnswlib as library
    index = library.Index(space="ip", dim=base.shape[1])
    start = time.perf_counter()
    index.init_index(max_elements=len(base), M=16, ef_construction=200)
    index.set_num_threads(2)
    index.add_items(base, numpy.arange(len(base)))
    build = time.perf_counter() - start
    index.set_num_threads(1)
    for ef in (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512):
        index.set_ef(ef)
        taken, found = timed(lambda q: index.knn_query(q, k=K)[0][0], queries)
        recall = truth.recall(BUCKETS, found)
        if recall >= RECALL_MIN:
            break
    yield row("hnswlib", BUCKETS, taken, recall, build_s=build, note=f"M 16, ef {ef}")
    for kept in KEPT[1:]:
        try:
            taken, found = timed(lambda q: index.knn_query(q, k=K, filter=lambda label: buckets[label] < kept)[0][0], queries[:40])
            yield row("hnswlib", kept, taken, truth.recall(kept, found + [[]] * (len(queries) - 40)) * len(queries) / 40,
                      note="a Python callback per visit")
        except RuntimeError as error:
            yield {"name": "hnswlib", "kept": kept / BUCKETS, "note": f"error: {str(error)[:60]}"}


def faiss(base, queries, buckets, truth):
    import faiss as library
    library.omp_set_num_threads(2)
    start = time.perf_counter()
    index = library.IndexHNSWFlat(base.shape[1], 16, library.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(base)
    build = time.perf_counter() - start
    library.omp_set_num_threads(1)
    for ef in (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512):
        index.hnsw.efSearch = ef
        taken, found = timed(lambda q: index.search(q[None], K)[1][0], queries)
        recall = truth.recall(BUCKETS, found)
        if recall >= RECALL_MIN:
            break
    yield row("faiss HNSW", BUCKETS, taken, recall, build_s=build, note=f"M 16, ef {ef}")
    for kept in KEPT[1:]:
        selector = library.IDSelectorBatch(numpy.flatnonzero(buckets < kept))
        parameters = library.SearchParametersHNSW(sel=selector, efSearch=ef)
        taken, found = timed(lambda q: index.search(q[None], K, params=parameters)[1][0], queries)
        yield row("faiss HNSW", kept, taken, truth.recall(kept, found))
    flat = library.IndexFlatIP(base.shape[1])
    flat.add(base)
    taken, found = timed(lambda q: flat.search(q[None], K)[1][0], queries)
    yield row("faiss flat", BUCKETS, taken, truth.recall(BUCKETS, found))


def chroma(base, queries, buckets, truth):
    import chromadb
    with tempfile.TemporaryDirectory() as folder:
        client = chromadb.PersistentClient(folder, chromadb.Settings(anonymized_telemetry=False))
        collection = client.create_collection("compare", configuration={"hnsw": {"space": "ip"}})
        start = time.perf_counter()
        for first in range(0, len(base), 5000):
            last = min(first + 5000, len(base))
            collection.add(ids=[str(i) for i in range(first, last)], embeddings=base[first:last],
                           metadatas=[{"bucket": int(b)} for b in buckets[first:last]])
        build = time.perf_counter() - start
        for kept in KEPT:
            where = None if kept == BUCKETS else {"bucket": {"$lt": kept}}
            taken, found = timed(lambda q: collection.query(query_embeddings=[q], n_results=K, where=where, include=[])["ids"][0], queries)
            yield row("Chroma", kept, taken, truth.recall(kept, found), **({"build_s": build} if kept == BUCKETS else {}))


def qdrant(base, queries, buckets, truth):
    from qdrant_client import QdrantClient, models
    client = QdrantClient(":memory:")
    client.create_collection("compare", vectors_config=models.VectorParams(size=base.shape[1], distance=models.Distance.DOT))
    start = time.perf_counter()
    client.upload_collection("compare", vectors=base, payload=({"bucket": int(b)} for b in buckets), ids=range(len(base)))
    build = time.perf_counter() - start
    for kept in KEPT:
        condition = None if kept == BUCKETS else models.Filter(
            must=[models.FieldCondition(key="bucket", range=models.Range(lt=kept))])

        def ask(query):
            return [point.id for point in client.query_points("compare", query=query, limit=K, query_filter=condition).points]
        taken, found = timed(ask, queries[:10])
        yield row("Qdrant local", kept, taken, truth.recall(kept, found + [[]] * (len(queries) - 10)) * len(queries) / 10,
                  **({"build_s": build} if kept == BUCKETS else {}))


PEERS = {"hnswlib": hnswlib, "faiss": faiss, "chroma": chroma, "qdrant": qdrant}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--vectors", type=pathlib.Path)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    everything = (numpy.fromfile(options.vectors, numpy.float32).reshape(-1, options.dimension) if options.vectors
                  else synthetic(options.rows + QUERIES, options.dimension))
    base, queries = everything[:-QUERIES], everything[-QUERIES:]
    buckets = numpy.arange(len(base)) // 10 * 7919 % BUCKETS
    truth = Truth(base, queries, buckets)
    rows = []
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as work:
        work = pathlib.Path(work)
        base.tofile(work / "base.f32")
        queries.tofile(work / "queries.f32")
        rows += slipway(options.program, work / "base.f32", work / "queries.f32", options.dimension, work / "data", truth)
        for name in filter(None, options.peers.split(",")):
            print(f"bench: {name}", file=sys.stderr, flush=True)
            rows += PEERS[name](base, queries, buckets, truth)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{len(base)} vectors of {options.dimension} dimensions, {len(queries)} queries, recall at {K}")
    print(f"{'index':<14}{'filter keeps':>13}{'p50 ms':>9}{'p99 ms':>9}{'recall':>8}{'build s':>9}  note")
    for r in rows:
        figures = "".join(f"{r[key]:>{width}.3f}" if key in r else " " * width for key, width in
                          (("p50_ms", 9), ("p99_ms", 9), ("recall", 8)))
        built = f"{r['build_s']:>9.0f}" if "build_s" in r else " " * 9
        print(f"{r['name']:<14}{r['kept']:>12.1%} {figures}{built}  {r.get('note', '')}".rstrip())


if __name__ == "__main__":
    main()
