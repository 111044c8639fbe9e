"""slipway.yaml: checked strictly, overridden by the environment, shown with origins."""
import json

import documents


def test_the_defaults_need_no_file(slipway):
    assert "no slipway.yaml" in slipway.ok("config", "check").out
    shown = slipway.result("config", "show")
    assert shown["file"] is None
    assert shown["config"]["defaults"]["collection"] == "default"
    assert shown["origins"]["$.data"] == "--data"


def test_an_error_names_file_line_and_remedy(slipway):
    (slipway.folder / "slipway.yaml").write_text("log:\n  level: info\n\nmodles: {}\n")
    for command in (["config", "check"], ["config", "show"], ["search", "x"]):
        outcome = slipway.fails(1, *command)
        assert "slipway.yaml: line 4" in outcome.err and "did you mean 'models'?" in outcome.err
        assert outcome.err.count("\n") == 1
    missing = slipway.fails(1, "config", "check", "--config", "nowhere.yaml")
    assert "nowhere.yaml" in missing.err


def test_a_model_that_nobody_knows_is_found_by_check(slipway):
    (slipway.folder / "slipway.yaml").write_text("defaults:\n  embedder: bge-tiny\n")
    outcome = slipway.fails(1, "config", "check")
    assert "bge-tiny" in outcome.err and "bge-small-en-v1.5-q" in outcome.err
    assert "slipway.yaml:2" in outcome.err


def test_the_environment_wins_over_the_file_and_options_over_both(slipway):
    (slipway.folder / "slipway.yaml").write_text("defaults:\n  collection: from-file\nlog:\n"
                                                 "  level: info\n")
    variables = {"SLIPWAY__DEFAULTS__COLLECTION": "from-environment",
                 "SLIPWAY__LOG__LEVEL": "error"}
    shown = slipway.result("config", "show", "--log-level", "debug", environment=variables)
    assert shown["config"]["defaults"]["collection"] == "from-environment"
    assert shown["origins"]["$.defaults.collection"] == "SLIPWAY__DEFAULTS__COLLECTION"
    assert shown["config"]["log"]["level"] == "debug"
    assert shown["origins"]["$.log.level"] == "--log-level"
    text = slipway.ok("config", "show", environment=variables).out
    assert "# SLIPWAY__DEFAULTS__COLLECTION" in text
    wrong = slipway.fails(1, "config", "check", environment={"SLIPWAY__LOG__LEVLE": "error"})
    assert "SLIPWAY__LOG__LEVLE" in wrong.err and "level" in wrong.err


def test_secrets_are_references_and_never_come_out(slipway):
    config = slipway.folder / "slipway.yaml"
    config.write_text("models:\n  gpt:\n    task: chat\n    provider: openai\n"
                      "    base_url: http://joe:hunter2@127.0.0.1:9/v1\n    api_key: env:GPT_KEY\n")
    outcome = slipway("config", "show", environment={"GPT_KEY": "sk-very-secret"})
    assert outcome.code == 0
    assert "hunter2" not in outcome.out + outcome.err
    assert "sk-very-secret" not in outcome.out + outcome.err
    config.write_text(config.read_text().replace("env:GPT_KEY", "sk-very-secret"))
    outcome = slipway.fails(1, "config", "check")
    assert "api_key" in outcome.err and "sk-very-secret" not in outcome.err


def test_a_declared_collection_is_made_with_its_settings(slipway):
    (slipway.folder / "slipway.yaml").write_text(
        "defaults:\n  collection: handbook\ncollections:\n  handbook:\n    splitter:\n"
        "      chunk_size: 300\n      chunk_overlap: 30\n")
    slipway.ok("config", "check")
    slipway.ok("ingest", documents.write_harbour(slipway.folder / "docs"))
    info = slipway.result("collections", "show", "handbook")
    assert (info["splitter"]["chunk_size"], info["splitter"]["chunk_overlap"]) == (300, 30)


def test_what_is_shown_loads_again(slipway):
    (slipway.folder / "slipway.yaml").write_text(
        "collections:\n  a b:\n    splitter: {separators: [\"\\n\\n\", \"\"]}\n")
    shown = slipway.ok("config", "show").out
    (slipway.folder / "again.yaml").write_text(shown)
    again = slipway.result("config", "show", "--config", "again.yaml")
    assert again["config"] == slipway.result("config", "show")["config"]


def test_the_schema_describes_every_section(slipway):
    schema = json.loads(slipway.ok("config", "schema").out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert set(schema["properties"]) == {"data", "defaults", "models", "collections", "loading", "connectors", "sources",
                                         "server", "keys", "routes", "guardrails", "gateway", "traces", "log", "budgets", "alerts",
                                         "prices", "prompts", "evaluations", "mcp", "agents"}
    model = schema["properties"]["models"]["additionalProperties"]
    assert model["additionalProperties"] is False
    assert "openai" in model["properties"]["provider"]["enum"]


def test_a_wrong_loading_setting_names_its_place(slipway):
    (slipway.folder / "slipway.yaml").write_text("loading:\n  ocr_command: [tesseract]\n")
    outcome = slipway("config", "check")
    assert outcome.code == 1 and "ocr_command: 'tesseract' is no absolute path" in outcome.err + outcome.out
