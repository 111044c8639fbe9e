"""`slipway eval audit` and `eval prompts`: judges, beside people and as they are asked."""
import json
import pathlib

import pytest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "eval"


def lines(path, *items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return str(path)


def table(both, neither, judge_only, human_only):
    kinds = [(1, 1)] * both + [(0, 0)] * neither + [(0, 1)] * judge_only + [(1, 0)] * human_only
    return [{"id": str(i), "human": human, "judge": judge} for i, (human, judge) in enumerate(kinds)]


def case(number, human, answer, passages):
    return {"human": human, "case": {"id": f"c{number}", "input": "What is kept, and for how long?", "actual_output": answer,
                                     "retrieval_context": passages}}


CASES = [case(1, 1, "Traces are kept for 30 days.", ["Traces are kept for 30 days.", "The server needs a key."]),
         case(2, 0, "Penguins hunt squid below the ice.", ["Traces are kept for 30 days.", "The server needs a key."]),
         case(3, 1, "The server needs a key.", ["The server needs a key.", "Budgets are reserved before a call."]),
         case(4, 0, "Traces are not kept for 45 days.", ["Traces are kept for 30 days."])]


@pytest.fixture
def scripted(tmp_path):
    """A configuration with a judge that finds one claim and calls it supported, again and again."""
    def make(replies):
        (tmp_path / "replies.json").write_text(json.dumps(replies))
        config = tmp_path / "slipway.yaml"
        config.write_text(f"models:\n  kind-judge:\n    task: chat\n    provider: scripted\n    path: {tmp_path}/replies.json\n")
        return ["--config", str(config)]
    return make


CLAIMS = '{"claims": ["It is kept."]}'
SUPPORTED = '{"verdicts": [{"claim": 0, "reason": "said", "verdict": "supported"}]}'
CONTRADICTED = '{"verdicts": [{"claim": 0, "reason": "said otherwise", "verdict": "contradicted"}]}'


def test_the_worked_kappa_and_pass_rate_of_the_contract(slipway, tmp_path):
    labels = lines(tmp_path / "labels.jsonl", *table(40, 40, 10, 10))
    outcome = slipway("eval", "audit", labels, "--json")
    assert outcome.code == 0, outcome
    audit = json.loads(outcome.out)
    assert round(audit["kappa"]["value"], 4) == 0.6 and audit["kappa"]["low"] < 0.6 < audit["kappa"]["high"]
    assert audit["agreement"]["method"] == "wilson" and audit["base_rate"]["value"] == 0.5
    population = [{"id": f"p{i}", "judge": int(i < 70)} for i in range(100)]
    labels = lines(tmp_path / "more.jsonl", *table(90, 80, 20, 10), *population)
    corrected = json.loads(slipway("eval", "audit", labels, "--json").out)["corrected_pass_rate"]
    assert round(corrected["value"], 4) == 0.7143 and 0 <= corrected["low"] < corrected["high"] <= 1
    shown = slipway("eval", "audit", labels).out
    assert "kappa" in shown and "0.7143" in shown and "no line has 'swapped'" in shown


def test_a_wrong_label_is_wrong_use_and_names_its_line(slipway, tmp_path):
    labels = lines(tmp_path / "labels.jsonl", {"id": "a", "human": 1, "judge": 1}, {"id": "b", "humn": 1, "judge": 1})
    outcome = slipway("eval", "audit", labels)
    assert outcome.code == 2 and "labels.jsonl:2" in outcome.err and "did you mean 'human'?" in outcome.err
    assert slipway("eval", "audit", str(tmp_path / "nowhere.jsonl")).code == 2
    outcome = slipway("eval", "audit", lines(tmp_path / "cases.jsonl", *CASES))
    assert outcome.code == 2 and "name the --metric to run" in outcome.err


def test_local_evidence_is_audited_without_any_judge(slipway, tmp_path):
    cases = lines(tmp_path / "cases.jsonl", *CASES)
    first = slipway("eval", "audit", cases, "--metric", "faithfulness", "--embedder", "none", "--json")
    assert first.code == 0, first
    audit = json.loads(first.out)
    assert audit["labels"] == 4 and audit["auc"]["value"] == 1 and audit["agreement"]["value"] == 1
    assert slipway("eval", "audit", cases, "--metric", "faithfulness", "--embedder", "none", "--json").out == first.out


def test_a_model_judges_and_its_replies_are_kept(slipway, tmp_path, scripted):
    one = lines(tmp_path / "one.jsonl", CASES[0])
    where = scripted([CLAIMS, SUPPORTED])
    asked = ["eval", "audit", one, "--metric", "faithfulness", "--judge", "kind-judge", "--embedder", "none", "--json", *where]
    first = slipway(*asked)
    assert first.code == 0, first
    assert json.loads(first.out)["judge_pass_rate"]["value"] == 1
    assert "2 calls, 0 replies from the cache" in first.err
    again = slipway(*asked)
    assert again.out == first.out and "0 calls, 2 replies from the cache" in again.err
    assert "2 calls, 0 replies from the cache" in slipway(*asked, "--no-cache").err


def test_repeats_and_swaps_show_a_judge_that_wavers(slipway, tmp_path, scripted):
    one = lines(tmp_path / "one.jsonl", CASES[0])
    # As asked: the case; once more; then with the passages in reverse, where the claims are known.
    where = scripted([CLAIMS, SUPPORTED, CLAIMS, CONTRADICTED, CONTRADICTED])
    outcome = slipway("eval", "audit", one, "--metric", "faithfulness", "--judge", "kind-judge", "--embedder", "none",
                      "--repeats", "1", "--swap", "--json", *where)
    assert outcome.code == 0, outcome
    audit = json.loads(outcome.out)
    assert audit["repeat_flip_rate"]["value"] == 0.5 and audit["swap_flip_rate"]["value"] == 1


def test_a_spent_budget_leaves_the_rest_out_and_fails(slipway, tmp_path, scripted):
    cases = lines(tmp_path / "cases.jsonl", CASES[0])
    where = scripted([CLAIMS, SUPPORTED])
    outcome = slipway("eval", "audit", cases, "--metric", "faithfulness", "--judge", "kind-judge", "--embedder", "none",
                      "--budget-calls", "1", *where)
    assert outcome.code == 1 and "the budget of the judge is spent" in outcome.err


def test_a_reply_that_cannot_be_read_leaves_its_case_out(slipway, tmp_path, scripted):
    cases = lines(tmp_path / "cases.jsonl", *CASES)
    where = scripted(["I cannot say."] * 2 * len(CASES))
    outcome = slipway("eval", "audit", cases, "--metric", "faithfulness", "--judge", "kind-judge", "--embedder", "none", *where)
    assert outcome.code != 0 and f"{len(CASES)} of the judge's scores could not be read" in outcome.err, outcome


def test_the_model_that_comes_along_is_audited_to_the_end(slipway):
    labels = slipway.folder / "labels.jsonl"
    labels.write_text("".join((EXAMPLE / "labels.jsonl").read_text().splitlines(keepends=True)[3:5]))
    outcome = slipway("eval", "audit", labels, "--metric", "hallucination", "--judge", "smollm2-135m-instruct", "--embedder", "none",
                      "--max-tokens", "96", "--json", timeout=300)
    # Which of its replies end within that many tokens is the model's affair; what is told of the others is ours.
    left_out = "could not be read" in outcome.err
    assert outcome.code == (1 if left_out else 0), outcome
    audit = outcome.json
    assert audit["labels"] == 2 and audit["kappa"]["n"] == 2 or left_out, outcome
    assert "tokens" in outcome.err


def test_prompts_are_listed_shown_and_compared(slipway, tmp_path):
    listed = json.loads(slipway("eval", "prompts", "list", "--json").out)
    names = {prompt["name"] for prompt in listed["prompts"]}
    assert {"system", "faithfulness.native.claims", "g_eval.native.score"} <= names
    shown = slipway("eval", "prompts", "show", "faithfulness.native.claims").out
    assert shown.startswith("version: 1") and "{{output}}" in shown
    wrong = slipway("eval", "prompts", "show", "faithfulness.native.claim")
    assert wrong.code == 2 and "did you mean 'faithfulness.native.claims'?" in wrong.err

    folder = tmp_path / "prompts"
    folder.mkdir()
    empty = slipway("eval", "prompts", "diff", "--prompts", str(folder))
    assert empty.code == 2 and f"'{folder}' holds no prompts" in empty.err
    (folder / "faithfulness.native.claims.yaml").write_text(shown)
    assert slipway("eval", "prompts", "diff", "--prompts", str(folder)).out == "no difference\n"
    (folder / "faithfulness.native.claims.yaml").write_text(shown.replace("version: 1", "version: 2"))
    changed = slipway("eval", "prompts", "diff", "--prompts", str(folder))
    assert changed.code == 1 and "- version: 1\n+ version: 2\n" in changed.out
    assert json.loads(slipway("eval", "prompts", "list", "--json", "--prompts", str(folder)).out)["hash"] != listed["hash"]
    (folder / "other.yaml").write_text("version: 1\nask: x\n")
    assert slipway("eval", "prompts", "list", "--prompts", str(folder)).code == 2


def test_a_small_model_of_this_machine_judges(slipway):
    """The chat model that ships with the program: it keeps to the schema, its grade is the same again, and is not asked for twice."""
    (slipway.folder / "g.jsonl").write_text(json.dumps({
        "id": "a", "input": "What is two plus two?", "actual_output": "Four.", "expected_output": "Four"}) + "\n")
    (slipway.folder / "suite.yaml").write_text(
        "name: s\ndataset: g.jsonl\njudge: {model: smollm2-135m-instruct, max_tokens: 40}\nmetrics:\n"
        "- {name: g_eval, criteria: \"Is the answer right?\", evaluation_steps: [Compare.], threshold: 0}\n")
    first = slipway("eval", "run", "suite.yaml", "--json")
    assert first.code == 0 and "the judge was asked 1 times, 0 replies were known" in first.err, first
    metric = first.json["metrics"][0]
    assert metric["mode"] == "native" and metric["n"] == 1 and 0 <= metric["mean"] <= 1
    again = slipway("eval", "run", "suite.yaml", "--fresh", "--json")
    assert "asked 0 times, 1 replies were known" in again.err and again.json == first.json, again
    anew = slipway("eval", "run", "suite.yaml", "--fresh", "--no-cache", "--json")
    assert "asked 1 times" in anew.err and anew.json == first.json, anew
