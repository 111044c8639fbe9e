"""Scores by name, as a script asks for them: one request a line, one answer a line, in order."""
import json
import pathlib

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "data" / "eval"


def requests_and_expectations():
    requests, expectations = [], []
    for file in sorted(VECTORS.glob("*.json")):
        if file.name.startswith("stat_"):
            continue
        vectors = json.loads(file.read_text())
        if vectors.get("format") != "slipway-eval-vectors/1":
            continue
        for case in vectors["cases"]:
            expectations.append((case["id"], case.pop("expect"), vectors["tolerance"]))
            requests.append(json.dumps(case))
    return requests, expectations


def lines_of(outcome):
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_every_vector_is_answered_in_order(slipway):
    requests, expectations = requests_and_expectations()
    outcome = slipway("eval", "score", "-", stdin="\n".join(requests).encode())
    assert outcome.code == 0, outcome
    answers = lines_of(outcome)
    assert len(answers) == len(expectations) == 648
    for answer, (name, expect, tolerance) in zip(answers, expectations):
        assert answer["id"] == name
        for member, wanted in expect.items():
            got = answer[member]
            if wanted is None or isinstance(wanted, bool):
                assert got is wanted, (name, answer)
            else:
                assert abs(got - wanted) <= tolerance, (name, answer)


def test_a_bad_line_is_answered_by_its_number_and_the_others_are_scored(slipway):
    good = {"id": "a", "metric": {"name": "exact_match"},
            "case": {"input": "q", "actual_output": "A", "expected_output": "a"}}
    lines = [json.dumps(good), "{nothing", "", json.dumps({**good, "id": "c", "metric": {"name": "exact_mach"}}),
             json.dumps(good)]
    outcome = slipway("eval", "score", "-", stdin="\n".join(lines).encode())
    assert outcome.code == 1
    first, broken, unknown, last = lines_of(outcome)
    assert first["score"] == last["score"] == 1 and first["pass"] is True
    assert first["mode"] == "local" and first["metric"] == "exact_match"
    assert broken["score"] is None and broken["error"].startswith("standard input:2: ")
    assert unknown["id"] == "c"
    assert unknown["error"] == ("standard input:4: $.metric: there is no metric 'exact_mach'; "
                                "did you mean 'exact_match'?")


def test_replies_may_stand_in_a_file_by_case_and_metric(slipway):
    replies = slipway.folder / "replies.jsonl"
    entry = {"case": "a", "metric": "faith",
             "replies": {"claims": ['{"claims": ["x", "y"]}'],
                         "verdicts": ['{"verdicts": ["supported", "contradicted"]}']}}
    replies.write_text(json.dumps(entry) + "\n")
    request = {"metric": {"name": "faithfulness", "as": "faith", "mode": "native"},
               "case": {"id": "a", "input": "q", "actual_output": "x y", "retrieval_context": ["x"]}}
    outcome = slipway("eval", "score", "-", "--replies", replies, stdin=json.dumps(request).encode())
    assert outcome.code == 0, outcome
    assert lines_of(outcome)[0]["score"] == 0.5

    request["case"]["id"] = "b"
    outcome = slipway("eval", "score", "-", "--replies", replies, stdin=json.dumps(request).encode())
    assert outcome.code == 1
    assert lines_of(outcome)[0]["error"] == (
        "standard input:1: case 'b', faith: there is no scripted reply 0 to step 'claims'")

    replies.write_text(json.dumps(entry) + "\n" + json.dumps(entry) + "\n")
    outcome = slipway("eval", "score", "-", "--replies", replies, stdin=b"")
    assert outcome.code == 2
    assert "line 2: replies for case 'a', metric 'faith' stand in line 1 already" in outcome.err
    assert slipway("eval", "score", "-", "--replies", "none.jsonl", stdin=b"").code == 2
    assert slipway("eval", "score", "none.jsonl").code == 2


def test_local_forms_need_nobody_and_are_the_same_again(slipway):
    case = {"input": "How long are traces kept?", "actual_output": "Traces are kept for 30 days. Cats can fly.",
            "expected_output": "They are kept for 30 days.", "context": ["Traces are kept for 30 days by default."],
            "retrieval_context": ["Traces are kept for 30 days by default.", "Boats are red."]}
    metrics = json.loads(slipway("eval", "metrics", "--json").out)["items"]
    names = [metric["name"] for metric in metrics if metric["modes"][0]["steps"]]
    assert "faithfulness" in names and "g_eval" in names
    lines = "\n".join(json.dumps({"id": name, "metric": {"name": name, "mode": "local"}, "case": case})
                      for name in names)
    outcome = slipway("eval", "score", "-", "--embedder", "none", stdin=lines.encode())
    assert outcome.code == 0, outcome
    for answer in lines_of(outcome):
        if answer["id"] != "citation_precision":  # It cites nothing.
            assert 0 <= answer["score"] <= 1, answer
    assert slipway("eval", "score", "-", "--embedder", "none", stdin=lines.encode()).out == outcome.out
    by_name = {answer["id"]: answer for answer in lines_of(outcome)}
    first, second = by_name["faithfulness"]["items"]
    assert first["score"] > 0.8 > 0.5 > second["score"]
    assert case["actual_output"].encode()[slice(*second["span"])].decode() == second["text"]


def test_metrics_are_listed_and_shown(slipway):
    listed = slipway("eval", "metrics")
    assert listed.code == 0
    assert "faithfulness" in listed.out and "ndcg_at_k" in listed.out
    shown = slipway("eval", "metrics", "--show", "faithfulness").out
    for part in ("mode native", "mode local", "mode deepeval", "mode ragas", "not_contradicted", "_faithfulness.py"):
        assert part in shown
    wrong = slipway("eval", "metrics", "--show", "faithfullness")
    assert wrong.code == 2 and "did you mean 'faithfulness'?" in wrong.err


def test_classic_models_get_error_bars_calibration_and_fairness(slipway):
    rows = ["repaid,predicted,p,region"]
    for number in range(60):
        label, predicted = number % 2, int(number % 3 == 0) if number % 5 == 0 else number % 2
        rows.append(f"{label},{predicted}.0,{0.8 if predicted else 0.3},{'north' if number % 4 < 2 else 'south'}")
    (slipway.folder / "loans.csv").write_text("\n".join(rows) + "\n")
    columns = ["--label", "repaid", "--prediction", "predicted", "--score", "p", "--group", "region"]
    outcome = slipway("eval", "classic", "loans.csv", *columns, "--json")
    assert outcome.code == 0, outcome
    report = outcome.json
    values = {value["name"]: value for value in report["metrics"]}
    right = sum(int(line.split(",")[0]) == float(line.split(",")[1]) for line in rows[1:])
    assert report["task"] == "classification" and report["positive"] == "1" and report["n"] == 60
    assert values["accuracy"]["value"] == right / 60
    assert values["accuracy"]["low"] < right / 60 < values["accuracy"]["high"]
    assert [group["name"] for group in report["groups"]] == ["north", "south"]
    assert {value["name"] for value in report["fairness"]} >= {"demographic_parity_difference", "equalized_odds_ratio"}
    assert sum(bin["n"] for bin in report["calibration"]) == 60
    assert slipway("eval", "classic", "loans.csv", *columns, "--json").out == outcome.out
    table = slipway("eval", "classic", "loans.csv", *columns).out
    assert "demographic_parity_difference" in table and "LABEL \\ PREDICTED" in table
    wrong = slipway("eval", "classic", "loans.csv", "--label", "repayed", "--prediction", "predicted")
    assert wrong.code == 2 and "did you mean 'repaid'?" in wrong.err


def test_a_model_and_written_replies_cannot_both_judge(slipway):
    both = slipway("eval", "score", "-", "--judge", "nobody", "--replies", "replies.jsonl", stdin=b"")
    assert both.code == 2 and "--replies" in both.err
    unknown = slipway("eval", "score", "-", "--judge", "nobody", stdin=b"")
    assert unknown.code == 2 and "nobody" in unknown.err
