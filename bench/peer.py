"""The peer of bench/run.py: LangChain + Chroma with the same documents, chunks and ONNX model. One measurement a process.

    peer.py ingest FOLDER STORE MODEL --batch 32     -> {"chunks", "seconds"}
    peer.py search STORE FOLDER MODEL QUESTIONS.txt  -> {"dense_ms": [...], "hybrid_ms": [...]}
    peer.py quality CORPORA MODEL QUESTIONS.jsonl    -> {"dense": {"recall", "precision"}, "lexical": ..., "hybrid": ...}

Imports are not in any figure, though a person waits for them.
"""
import argparse
import json
import logging
import os
import pathlib
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
os.environ["ANONYMIZED_TELEMETRY"] = "False"
logging.disable(logging.WARNING)

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from langchain_chroma import Chroma  # noqa: E402
from langchain_classic.retrievers import EnsembleRetriever  # noqa: E402
from langchain_community.retrievers import BM25Retriever  # noqa: E402
from langchain_core.documents import Document  # noqa: E402
from langchain_core.embeddings import Embeddings  # noqa: E402
from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

QUERY_PREFIX = "Represent this sentence for searching relevant passages: "  # As the model card of bge-small asks.
TOKENS_MAX = 512


class OnnxEmbeddings(Embeddings):
    """bge-small: the first token's vector, normalised. Threads as ONNX Runtime chooses them."""

    def __init__(self, model: pathlib.Path, batch: int):
        self.batch = batch
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.enable_truncation(TOKENS_MAX)
        self.tokenizer.enable_padding()
        self.session = onnxruntime.InferenceSession(str(model / "model.onnx"), providers=["CPUExecutionProvider"])
        self.inputs = {node.name for node in self.session.get_inputs()}

    def embed(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        feed = {
            "input_ids": np.array([item.ids for item in encoded], dtype=np.int64),
            "attention_mask": np.array([item.attention_mask for item in encoded], dtype=np.int64),
            "token_type_ids": np.array([item.type_ids for item in encoded], dtype=np.int64),
        }
        hidden = self.session.run(None, {name: feed[name] for name in self.inputs})[0]
        vectors = hidden[:, 0]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_documents(self, texts):
        rows = []
        for start in range(0, len(texts), self.batch):
            rows.extend(self.embed(texts[start:start + self.batch]).tolist())
        return rows

    def embed_query(self, text):
        return self.embed([QUERY_PREFIX + text])[0].tolist()


def chunks_of(folder, chunk_size):
    splitter = RecursiveCharacterTextSplitter(chunk_size=chunk_size, chunk_overlap=0, add_start_index=True)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt"))
    return splitter.split_documents([
        Document(page_content=path.read_bytes().decode("utf-8"), metadata={"source": path.name}) for path in paths])


def store_in(folder, embeddings, documents=None):
    settings = {"persist_directory": str(folder), "collection_metadata": {"hnsw:space": "cosine"}}
    if documents is None:
        return Chroma(embedding_function=embeddings, **settings)
    return Chroma.from_documents(documents, embeddings, **settings)


def ingest(options):
    begin = time.perf_counter()
    documents = chunks_of(options.folder, options.chunk_size)
    store_in(options.store, OnnxEmbeddings(options.model, options.batch), documents)
    return {"chunks": len(documents), "seconds": time.perf_counter() - begin}


def lexical_retriever(documents, limit):
    retriever = BM25Retriever.from_documents(documents)
    retriever.k = limit
    return retriever


def ensemble(dense, lexical):
    return EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5])


def timed(questions, search):
    for question in questions:
        search(question)
    taken = []
    for question in questions:
        begin = time.perf_counter()
        search(question)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def search(options):
    questions = options.questions.read_text().splitlines()
    documents = chunks_of(options.folder, options.chunk_size)
    store = store_in(options.store, OnnxEmbeddings(options.model, 1))
    dense = store.as_retriever(search_kwargs={"k": options.limit})
    lexical = lexical_retriever(documents, options.limit)
    hybrid = ensemble(dense, lexical)
    return {"chunks": len(documents), "dense_ms": timed(questions, dense.invoke), "hybrid_ms": timed(questions, hybrid.invoke)}


def overlap(question, found, texts):
    """Share of the gold bytes found, and share of the found bytes that is gold; as bench/quality counts them."""
    gold = sum(end - start for start, end in question["gold"])
    retrieved = both = 0
    for document in found:
        name, start = document.metadata["source"], document.metadata["start_index"]
        begin = len(texts[name][:start].encode())
        end = begin + len(document.page_content.encode())
        retrieved += end - begin
        if name == question["corpus"]:
            both += sum(max(0, min(end, to) - max(begin, since)) for since, to in question["gold"])
    return (both / gold if gold else 0, both / retrieved if retrieved else 0)


def quality(options):
    questions = [json.loads(line) for line in options.questions.read_text().splitlines()]
    texts = {path.name: path.read_bytes().decode("utf-8") for path in options.folder.glob("*.md")}
    documents = chunks_of(options.folder, options.chunk_size)
    with tempfile.TemporaryDirectory() as folder:
        dense = store_in(folder, OnnxEmbeddings(options.model, 1), documents).as_retriever(search_kwargs={"k": options.limit})
        lexical = lexical_retriever(documents, options.limit)
        retrievers = {"dense": dense, "lexical": lexical, "hybrid": ensemble(dense, lexical)}
        return {"chunks": len(documents)} | {name: mean_overlap(questions, retriever, options.limit, texts)
                                             for name, retriever in retrievers.items()}


def mean_overlap(questions, retriever, limit, texts):
    pairs = [overlap(question, retriever.invoke(question["question"])[:limit], texts) for question in questions]
    return {"recall": sum(pair[0] for pair in pairs) / len(pairs), "precision": sum(pair[1] for pair in pairs) / len(pairs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    arguments = {
        "ingest": ("folder", "store", "model"),
        "search": ("store", "folder", "model", "questions"),
        "quality": ("folder", "model", "questions"),
    }
    for name, positional in arguments.items():
        command = commands.add_parser(name)
        for argument in positional:
            command.add_argument(argument, type=pathlib.Path)
        command.add_argument("--chunk-size", type=int, default=800)
        command.add_argument("--limit", type=int, default=5 if name == "quality" else 10)
        command.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    json.dump({"ingest": ingest, "search": search, "quality": quality}[options.command](options), sys.stdout)


if __name__ == "__main__":
    main()
