"""`slipway eval`: statistics, suites, gates and their reports, as a person and a pipeline meet them."""
import json


def stats(slipway, *requests, file="-"):
    lines = "".join((request if isinstance(request, str) else json.dumps(request)) + "\n" for request in requests)
    return slipway("eval", "stats", file, stdin=lines.encode())


def test_statistics_answer_line_by_line_and_wrong_ones_say_what_is_wrong(slipway):
    outcome = stats(slipway, {"id": "a", "stat": "wilson", "args": {"successes": 8, "n": 10}},
                    {"id": "b", "stat": "interval", "args": {"values": [0.2, 0.4, 0.9]}})
    assert outcome.code == 0, outcome
    first, second = map(json.loads, outcome.out.splitlines())
    assert (first["id"], round(first["low"], 4), round(first["high"], 4)) == ("a", 0.4902, 0.9433)
    assert second["method"] == "t" and second["n"] == 3
    wrong = stats(slipway, "nonsense", {"id": 7, "stat": "wilsn"}, {"stat": "mcnemar", "args": {}})
    assert wrong.code == 1
    errors = [json.loads(line) for line in wrong.out.splitlines()]
    assert "standard input:1: not valid JSON" in errors[0]["error"]
    assert errors[1]["id"] == 7 and "did you mean 'wilson'?" in errors[1]["error"]
    assert "$.args.only_baseline_passes: is required" in errors[2]["error"]
    missing = slipway("eval", "stats", "nowhere.jsonl")
    assert missing.code == 2 and "nowhere.jsonl" in missing.err


def test_statistics_say_the_same_whatever_the_machine(slipway):
    request = {"stat": "interval", "args": {"values": [i % 7 / 6 for i in range(60)],
                                            "clusters": [i // 4 for i in range(60)]}}
    replies = {stats(slipway, request).out for _ in range(3)}
    assert len(replies) == 1
    reply = json.loads(replies.pop())
    assert reply["method"] == "studentized_cluster_bootstrap" and reply["clusters"] == 15
