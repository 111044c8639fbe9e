"""From a folder of documents to a cited answer, and what happens to the documents afterwards."""
import os
import pathlib
import shutil
import urllib.parse

import documents


def path_of(uri):
    assert uri.startswith("file://"), uri
    return pathlib.Path(urllib.parse.unquote(uri.removeprefix("file://")))


def check_citations(slipway, answer):
    """Every quote stands byte for byte in the stored text, and in the source where that is text."""
    for citation in answer["citations"]:
        text = slipway.ok("documents", "text", citation["document_id"]).out.encode()
        quote = citation["quote"].encode()
        assert text[citation["text_start"]:citation["text_end"]] == quote, citation
        assert len(quote) <= 600, citation
        path = path_of(citation["uri"])
        if path.suffix in (".md", ".txt"):
            source = path.read_bytes()
            assert source[citation["byte_start"]:citation["byte_end"]] == quote, citation
        if path.suffix == ".html":
            assert 0 <= citation["byte_start"] < citation["byte_end"] <= path.stat().st_size
        if path.suffix == ".pdf":
            assert citation["page"] == 1 and citation["boxes"], citation
            assert citation["byte_start"] is None


def test_four_formats_answer_with_citations_that_stand(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    report = slipway.result("ingest", folder)
    assert report["added"] == 4 and report["failed"] == [], report
    assert report["chunks"]["new"] >= 4

    for question, path, words in [
            ("How much does a mooring cost for a boat of seven metres?", "handbook.md", "14 euros"),
            ("What is the speed limit inside the harbour?", "rules.pdf", "three knots"),
            ("Is drinking water free?", "fuel.html", "blue taps"),
            ("How heavy are the boats that the crane lifts?", "winter.txt", "twelve tonnes")]:
        answer = slipway.result("ask", question, "--mode", "extract")
        assert not answer["refused"], (question, answer)
        assert words in answer["answer"], (question, answer["answer"])
        assert any(c["path"].endswith(path) for c in answer["citations"]), (question, answer)
        assert all(s["supported"] and s["citations"] for s in answer["sentences"])
        check_citations(slipway, answer)


def test_the_default_mode_gives_a_checked_answer_with_a_receipt_that_replays(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    answer = slipway.result("ask", "What is the fine for speeding?", timeout=240)
    assert not answer["refused"], answer
    assert "250" in answer["answer"]
    assert answer["mode"] in ("generate", "extract")
    check_citations(slipway, answer)
    replay = slipway.result("ask", "--replay", answer["receipt_id"])
    assert replay["retrieval"] == "identical"
    assert [c["state"] for c in replay["citations"]] == ["valid"] * len(answer["citations"])


def test_a_question_that_the_documents_do_not_answer_is_refused(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    answer = slipway.result("ask", "Who won the football world cup in 1954?")
    assert answer["refused"], answer
    assert answer["citations"] == [] and answer["reason"] in ("weak_evidence", "nothing_supported")
    assert 1 <= len(answer["nearest"]) <= 3
    shown = slipway.ok("ask", "Who won the football world cup in 1954?")
    assert "Nearest passages" in shown.out and "Why: " in shown.out


def test_search_in_every_mode_finds_the_passage_and_its_place(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    for mode in ("hybrid", "dense", "lexical"):
        reply = slipway.result("search", "life jacket for children", "--mode", mode, "--limit", 2)
        first = reply["items"][0]
        assert "life jacket" in first["text"] and first["path"].endswith("handbook.md")
        assert first["rank"] == 1
        text = slipway.ok("documents", "text", first["document_id"]).out.encode()
        assert text[first["text_start"]:first["text_end"]].decode() == first["text"]
    assert len(slipway.result("search", "boats", "--limit", 1000)["items"]) == \
        slipway.result("search", "boats")["matches"]


def test_hidden_text_is_dropped_and_reported(slipway, tmp_path):
    report = slipway.result("ingest", documents.write_harbour(tmp_path / "docs"))
    assert any("fuel.html" in w and "hidden" in w for w in report["warnings"]), report
    assert "free diesel" not in slipway.ok("documents", "text",
                                           slipway.documents()["fuel.html"]["id"]).out


def test_a_second_ingest_changes_nothing_and_an_edit_changes_one_document(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    slipway.ok("ingest", folder)
    again = slipway.result("ingest", folder)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 4)
    assert again["chunks"]["new"] == 0 and again["tokens"] == 0

    (folder / "winter.txt").write_text("Winter storage begins on the first of November.\n")
    edited = slipway.result("ingest", folder)
    assert (edited["added"], edited["updated"], edited["unchanged"]) == (0, 1, 3)
    answer = slipway.result("ask", "When does winter storage begin?", "--mode", "extract")
    assert "November" in answer["answer"] and "October" not in str(answer)


def test_sync_deletes_what_is_gone_and_without_it_everything_stays(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    slipway.ok("ingest", folder)
    (folder / "winter.txt").unlink()
    assert slipway.result("ingest", folder)["deleted"] == 0
    assert "winter.txt" in slipway.documents()
    assert slipway.result("ingest", folder, "--sync")["deleted"] == 1
    assert "winter.txt" not in slipway.documents()
    hits = slipway.result("search", "winter storage crane", "--mode", "lexical")["items"]
    assert not any(h["path"].endswith("winter.txt") for h in hits)


def test_a_document_can_be_deleted_by_its_id(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    slipway.ok("documents", "delete", slipway.documents()["winter.txt"]["id"])
    assert set(slipway.documents()) == {"handbook.md", "fuel.html", "rules.pdf"}
    slipway.fails(1, "documents", "text", "doc_nowhere")


def test_metadata_is_typed_and_filters(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    slipway.ok("ingest", folder / "handbook.md", "--metadata", "year=2024", "-m", "draft=false")
    slipway.ok("ingest", folder / "winter.txt", "--metadata", "year=2020", "-m", "season=winter")
    found = slipway.result("search", "boats", "--filter", '{"year":{"$gte":2024}}')
    assert found["items"] and all(i["metadata"]["year"] == 2024 for i in found["items"])
    assert slipway.result("search", "boats", "--filter", '{"season":"summer"}')["items"] == []
    refused = slipway.result("ask", "How much is a mooring?", "--filter", '{"season":"summer"}')
    assert refused["refused"] and refused["reason"] == "no_documents"


def test_a_dry_run_writes_nothing_and_estimates(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    report = slipway.result("ingest", folder, "--dry-run")
    assert report["estimate"]["documents"] == 4 and report["estimate"]["chunks"] >= 4
    assert not slipway.data.exists()
    slipway.ok("ingest", folder)
    (folder / "new.md").write_text("# New\n\nA new page.\n")
    assert slipway.result("ingest", folder, "--dry-run")["estimate"]["documents"] == 1
    assert "new.md" not in slipway.documents()


def test_settings_are_fixed_once_a_collection_holds_documents(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    slipway.ok("ingest", folder, "--chunk-size", "200", "--chunk-overlap", "20")
    info = slipway.result("collections", "show", "default")
    assert (info["splitter"]["chunk_size"], info["splitter"]["chunk_overlap"]) == (200, 20)
    slipway.ok("ingest", folder, "--chunk-size", "200")
    wrong = slipway.fails(1, "ingest", folder, "--chunk-size", "300")
    assert "200" in wrong.err and "300" in wrong.err


def test_bad_documents_fail_alone_and_say_why(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    whole = documents.pdf(documents.PDF_LINES)
    (folder / "encrypted.pdf").write_bytes(documents.pdf(["Secret line."], user_password="anchor"))
    (folder / "truncated.pdf").write_bytes(whole[:len(whole) // 2])
    (folder / "empty.md").write_bytes(b"")
    (folder / "binary.md").write_bytes(bytes(range(256)) * 64)
    os.symlink(folder, folder / "loop")
    outcome = slipway("ingest", folder, "--json")
    assert outcome.code == 1, outcome
    report = outcome.json
    assert report["added"] == 4, report
    failed = {pathlib.PurePath(f["uri"]).name: f["error"] for f in report["failed"]}
    for name, word in [("encrypted.pdf", "password"), ("truncated.pdf", ""), ("empty.md", "empty"),
                       ("binary.md", "binary")]:
        assert word in failed[name], failed
        assert "\n" not in failed[name]
    assert set(slipway.documents()) == {"handbook.md", "fuel.html", "rules.pdf", "winter.txt"}

    text = slipway("ingest", folder)
    assert text.code == 1
    for name in failed:
        told = [line for line in text.err.splitlines() if line.startswith("slipway ingest:") and name in line]
        assert len(told) == 1, text  # A slow run's progress may name it too.
    slipway.ok("ingest", folder / "encrypted.pdf", "--password", "env:PDF_PASSWORD",
               environment={"PDF_PASSWORD": "anchor"})
    assert "Secret line." in slipway.ok("documents", "text",
                                        slipway.documents()["encrypted.pdf"]["id"]).out


def test_a_source_that_is_not_there_is_one_failure(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    outcome = slipway("ingest", folder, tmp_path / "nowhere", "--json")
    assert outcome.code == 1
    assert outcome.json["added"] == 4 and len(outcome.json["failed"]) == 1
    assert "nowhere" in outcome.json["failed"][0]["uri"] + outcome.json["failed"][0]["error"]


def test_an_unreadable_file_fails_alone(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    (folder / "winter.txt").chmod(0)
    outcome = slipway("ingest", folder, "--json")
    if os.geteuid() == 0:  # Root reads everything: then it is simply there.
        assert outcome.code == 0 and outcome.json["added"] == 4
    else:
        assert outcome.code == 1 and outcome.json["added"] == 3
        assert "winter.txt" in outcome.json["failed"][0]["uri"]


def test_a_huge_file_is_refused_by_its_size_without_being_read(slipway, tmp_path):
    folder = documents.write_harbour(tmp_path / "docs")
    with open(folder / "huge.txt", "wb") as file:
        file.truncate(2 << 30)
    outcome = slipway("ingest", folder, "--json", timeout=60)
    assert outcome.code == 1 and outcome.json["added"] == 4, outcome
    assert "huge.txt" in outcome.json["failed"][0]["uri"]
    assert "bytes" in outcome.json["failed"][0]["error"]


def test_a_moved_folder_can_be_searched_from_anywhere(slipway, tmp_path):
    slipway.ok("ingest", documents.write_harbour(tmp_path / "docs"))
    shutil.copytree(slipway.data, tmp_path / "copy")
    slipway.data = tmp_path / "copy"
    assert slipway.result("search", "diesel")["items"]
    assert slipway.ok("doctor").code == 0
