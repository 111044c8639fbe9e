"""Versions, migrations and deletions, as a person meets them."""
import json


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def paths(slipway, query, *options):
    reply = slipway.result("search", query, "--mode", "lexical", *options)
    return sorted(item["path"] for item in reply["items"])


def test_a_receipt_is_replayed_against_the_version_it_was_answered_from(slipway, tmp_path):
    docs = tmp_path / "docs"
    write(docs, "traces.md", "# Traces\n\nTraces are kept for 30 days by default.\n")
    write(docs, "budgets.md", "# Budgets\n\nA budget is settled after every call.\n")
    slipway.ok("ingest", docs)
    slipway.ok("versions", "snapshot", "before")
    answer = slipway.result("ask", "How long are traces kept?", "--mode", "extract", "--pin")
    assert "30 days" in answer["answer"]
    write(docs, "traces.md", "# Traces\n\nTraces are kept for 90 days by default.\n")
    (docs / "budgets.md").rename(docs / "money.md")
    report = slipway.result("ingest", docs, "--sync")
    assert (report["updated"], report["moved"], report["deleted"], report["chunks"]["new"]) == (1, 1, 0, 1)
    replay = slipway.result("ask", "--replay", answer["receipt_id"], "--rerun")
    assert replay["retrieval"] == replay["answer"] == "identical"
    assert replay["index_version"] == answer["index_version"] and replay["is_recorded_version"]
    assert [citation["state"] for citation in replay["citations"]] == ["stale"]
    assert "30 days" in slipway.result("ask", "How long are traces kept?", "--mode", "extract",
                                       "--version", "before")["answer"]
    assert "90 days" in slipway.result("ask", "How long are traces kept?", "--mode", "extract")["answer"]
    difference = slipway.result("versions", "compare", "before", "current")
    assert {change["document"]["path"]: change["what"] for change in difference["changed"]} == {
        "traces.md": ["content"], "money.md": ["place"]}
    listed = slipway.result("versions", "list")
    assert [item["names"] for item in listed["items"]] == [[], ["before"]]
    assert listed["items"][1]["receipts"] == [answer["receipt_id"]]


def test_another_model_takes_over_when_the_gold_set_holds_and_goes_when_told(slipway, tmp_path):
    docs = tmp_path / "docs"
    for name, text in {"traces": "Traces are kept for 30 days.", "budgets": "A budget limits what may be spent.",
                       "boats": "A mooring line holds a boat to the quay."}.items():
        write(docs, f"{name}.md", f"# {name}\n\n{text}\n")
    slipway.ok("ingest", docs)
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps({"input": question, "relevance": {document: 1}}) + "\n" for question, document in [
        ("How long are traces stored?", "traces.md"), ("What caps spending?", "budgets.md"),
        ("What keeps a ship at the pier?", "boats.md")]))
    report = slipway.result("collections", "migrate", "default", "--embedder", "all-minilm-l6-v2-q",
                            "--gold", gold, "--limit", "1")
    assert report["switched"] and report["gold"]["after"]["recall"] == 1
    assert slipway.result("collections", "show", "default")["embedder"] == "all-minilm-l6-v2-q"
    assert slipway.result("ingest", docs)["unchanged"] == 3
    impossible = tmp_path / "impossible.jsonl"
    impossible.write_text('{"input": "boat"}\n')
    refused = slipway("collections", "migrate", "default", "--embedder", "e5-small-v2-q", "--gold", impossible)
    assert refused.code == 1 and "gold[0]: needs an input and a relevance" in refused.err
    back = slipway.result("collections", "rollback", "default")
    assert back["switched"] and back["documents"] == 0 and back["index_version"] > report["index_version"]
    assert slipway.result("collections", "show", "default")["embedder"] == "bge-small-en-v1.5-q"
    again = slipway("collections", "migrate", "default", "--embedder", "bge-small-en-v1.5-q")
    assert again.code == 1 and "already" in again.err


def test_a_deleted_document_is_nowhere_on_the_disk(slipway, tmp_path):
    docs = tmp_path / "docs"
    write(docs, "secret.md", "# Xylophone\n\nThe xylophone of Quetzalcoatl is kept for 30 days.\n")
    write(docs, "plain.md", "# Plain\n\nNothing else is said here.\n")
    slipway.ok("ingest", docs)
    slipway.ok("versions", "snapshot", "with-secret")
    answer = slipway.result("ask", "How long is the xylophone kept?", "--mode", "extract")
    assert "30 days" in answer["answer"]
    write(docs, "secret.md", "# Xylophone\n\nThe xylophone of Quetzalcoatl is kept for 60 days.\n")
    slipway.ok("ingest", docs)
    (identity,) = [d["id"] for d in slipway.result("documents", "list")["items"] if d["path"] == "secret.md"]
    (report,) = slipway.result("documents", "delete", identity)["deleted"]
    assert report["rows"] == 2 and report["texts"] == 2 and report["receipts"] == 1
    assert report["snapshots"] == ["with-secret"] and report["remaining"] == []
    assert paths(slipway, "xylophone") == paths(slipway, "xylophone", "--version", "with-secret") == []
    # The question stays in the receipt, the words of the document do not.
    for file in slipway.data.rglob("*"):
        if file.is_file():
            content = file.read_bytes().lower()
            for word in (b"quetzalcoatl", b"30 days", b"60 days", b"secret.md"):
                assert word not in content, (file, word)
    assert paths(slipway, "nothing", "--version", "with-secret") == ["plain.md"]
