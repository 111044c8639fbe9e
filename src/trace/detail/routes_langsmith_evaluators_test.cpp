// Online evaluators as LangSmith's clients make, attach, list and delete them.
#include "trace/detail/mount_fixture.hpp"
#include "trace/evaluator_routes.hpp"

namespace slipway::trace::detail {

namespace {

const std::string evaluators = "/langsmith/api/v1/platform/evaluators";
const std::string run_rules = "/langsmith/api/v1/runs/rules";

struct Evaluating : Fixture {
  std::unique_ptr<store::Database> rules_database =
      must(store::Database::open({.path = ":memory:"}, evaluator_migrations()));
  std::unique_ptr<Rules> rules = must(Rules::open(
      {.database = *rules_database,
       .store = *store,
       .feedbacks = feedbacks,
       .judge = [](const Context&, const Evaluator&, const Run&, const std::string&,
                   const std::string&) -> Result<Judgement> {
         return Judgement{0.25, ""};
       },
       .code = RunScorer{.check = [](const Context&, const Evaluator& evaluator) -> Result<void> {
                           if (evaluator.code.find("perform_eval") != std::string::npos) return {};
                           return fail(Code::invalid_argument,
                                       "it has no function perform_eval(run)");
                         },
                         .score = [](const Context&, const Evaluator&,
                                     const Run&) -> Result<std::vector<Judgement>> {
                           return std::vector{Judgement{1.0, "fine", "polite"},
                                              Judgement{.key = "tone", .value = "kind"}};
                         }},
       .clock = clock,
       .random = random}));

  Evaluating() { mount_langsmith_evaluators(router, services(), *rules); }

  json::Value make(const std::string& body, int status = 201) {
    return body_of(send_json("POST", evaluators, body), status);
  }
  std::string refusal(const std::string& path, const std::string& body, int status) {
    return text_of(body_of(send_json("POST", path, body), status).at("detail"));
  }
  std::string project_id(const std::string& name) {
    return text_of(read("/langsmith/api/v1/sessions?name=" + name).at(0).at("id"));
  }
  std::vector<std::string> names(const std::string& query) {
    std::vector<std::string> all;
    const json::Value page = read(evaluators + query);
    for (const json::Value& one : page.at("evaluators").as_array())
      all.push_back(text_of(one.at("name")));
    return all;
  }
};
using Names = std::vector<std::string>;

const std::string python =
    R"({"name": "polite", "type": "code", "metadata": {"team": "a"},
        "code_evaluator": {"code": "def perform_eval(run): return 1", "language": "python"}})";
const std::string judge =
    R"({"name": "Grader", "type": "llm", "metadata": null,
        "llm_evaluator": {"prompt_repo_handle": "-/grader", "commit_hash_or_tag": "production",
                          "variable_mapping": {"question": "input.q", "answer": "output"}}})";
const std::string pattern =
    R"({"name": "digits", "type": "code", "code_evaluator": {"language": "slipway",
        "code": "{\"kind\": \"regex\", \"pattern\": \"[0-9]\", \"negate\": true}"}})";

}  // namespace

TEST_CASE("an evaluator is made, read, changed, listed and deleted as LangSmith's clients do it") {
  Evaluating f;
  const json::Value made = f.make(python).at("evaluator");
  const std::string id = text_of(made.at("id"));
  CHECK(made.at("type") == "code");
  CHECK(made.at("code_evaluator").at("code") == "def perform_eval(run): return 1");
  CHECK(made.at("code_evaluator").at("language") == "python");
  CHECK(made.at("run_rules") == json::Array());
  CHECK(made.at("feedback_keys").at(0) == "polite");
  CHECK_FALSE(must(f.rules->get(id)).is_enabled);
  CHECK(f.read(evaluators + "/" + id) == made);

  const json::Value judged = f.make(judge).at("evaluator");
  CHECK(judged.at("llm_evaluator").at("prompt_repo_handle") == "grader");
  CHECK(judged.at("llm_evaluator").at("commit_hash_or_tag") == "production");
  const Rule rule = must(f.rules->get(text_of(judged.at("id"))));
  CHECK(rule.evaluator.prompt == "grader@production");
  CHECK(rule.evaluator.variables.at("question") == "input.q");

  const json::Value own = f.make(pattern).at("evaluator");
  CHECK(must(f.rules->get(text_of(own.at("id")))).evaluator.is_denied);
  CHECK(own.at("code_evaluator").at("code") ==
        R"({"kind":"regex","pattern":"[0-9]","negate":true})");

  f.clock.advance(std::chrono::seconds(5));
  const auto changed = f.send_json("PATCH", evaluators + "/" + id, R"({"name": "polite 2"})");
  const json::Value after = Fixture::body_of(changed).at("evaluator");
  CHECK(after.at("name") == "polite 2");
  CHECK(after.at("code_evaluator") == made.at("code_evaluator"));
  CHECK(after.at("created_at") == made.at("created_at"));
  CHECK(after.at("updated_at") != made.at("updated_at"));

  CHECK(f.names("?sort_by=name") == Names{"Grader", "digits", "polite 2"});
  CHECK(f.names("?sort_by=updated_at&limit=1") == Names{"polite 2"});
  CHECK(f.names("?sort_by=name&offset=1&limit=1") == Names{"digits"});
  CHECK(f.names("?name_contains=GRADE") == Names{"Grader"});
  CHECK(f.names("?type=llm") == Names{"Grader"});
  CHECK(f.names("?feedback_key=polite") == Names{"polite 2"});
  CHECK(f.names("?metadata=%7B%22team%22%3A%22a%22%7D") == Names{"polite 2"});
  CHECK(f.names("?name_contains=nothing").empty());
  CHECK(f.read(evaluators).at("total") == 3);

  CHECK(f.send({.method = "DELETE", .target = evaluators + "/" + id}).status == 204);
  CHECK(f.get(evaluators + "/" + id).status == 404);
  const json::Value gone = Fixture::body_of(
      f.send({.method = "DELETE",
              .target = evaluators + "?evaluator_ids=" + rule.id + "&evaluator_ids=" + id}));
  CHECK(gone.at("succeeded").at(0).as_string() == rule.id);
  CHECK(gone.at("failed").at(0).at("id").as_string() == id);
  CHECK(f.names("") == Names{"digits"});
}

TEST_CASE("a run rule says which runs an evaluator judges, and switches it on") {
  Evaluating f;
  f.put(run("t1", "t1"));
  const std::string shop = f.project_id("shop");
  const std::string id = text_of(f.make(python).at("evaluator").at("id"));
  CHECK(must(f.rules->apply(Context(), "t1", "")) == 0);
  const std::string body = R"({"display_name": "polite here", "evaluator_id": ")" + id +
                           R"(", "session_id": ")" + shop +
                           R"j(", "sampling_rate": 1, "filter": "eq(is_root, true)"})j";
  const json::Value made = Fixture::body_of(f.send_json("POST", run_rules, body));
  CHECK(made.at("session_name") == "shop");
  CHECK(made.at("session_id").as_string() == shop);
  CHECK(made.at("is_enabled") == true);
  CHECK(f.read(evaluators + "/" + id).at("run_rules").at(0).at("session_id").as_string() == shop);
  CHECK(f.names("?resource_id=" + shop) == Names{"polite here"});
  CHECK(f.refusal(run_rules, body, 409).find("has a rule already") != std::string::npos);

  CHECK(must(f.rules->apply(Context(), "t1", "")) == 2);
  const auto found = must(f.feedbacks.list(Context(), {.run_ids = {"t1"}}));
  REQUIRE(found.size() == 2);
  std::map<std::string, Feedback> by_key;
  for (const Feedback& one : found) by_key[one.key] = one;
  CHECK(by_key.at("polite").score == 1.0);
  CHECK(by_key.at("polite").comment == "fine");
  CHECK(by_key.at("tone").value == "kind");
  CHECK(must(f.rules->apply(Context(), "t1", "")) == 2);
  CHECK(must(f.feedbacks.list(Context(), {.run_ids = {"t1"}})).size() == 2);

  CHECK(f.read(run_rules + "?session_id=" + shop).as_array().size() == 1);
  CHECK(f.read(run_rules + "?type=dataset").as_array().empty());
  const json::Value newer = f.read("/api/v2/runs/rules?project_id=" + shop);
  CHECK(newer.at("items").at(0).at("project_name") == "shop");
  CHECK(newer.at("items").at(0).at("code_evaluators").at(0).at("language") == "PYTHON");

  const auto changed =
      f.send_json("PATCH", run_rules + "/" + id, R"({"sampling_rate": 0.5, "is_enabled": true})");
  CHECK(Fixture::body_of(changed).at("sampling_rate") == 0.5);
  CHECK(f.send({.method = "DELETE", .target = evaluators + "/" + id}).status == 409);
  CHECK(f.send({.method = "DELETE", .target = run_rules + "/" + id}).status == 200);
  CHECK(f.read(run_rules).as_array().empty());
  CHECK(f.names("") == Names{"polite here"});
  CHECK(f.send({.method = "DELETE", .target = evaluators + "/" + id + "?delete_run_rules=true"})
            .status == 204);
}

TEST_CASE("a run rule brings its evaluator with it, too") {
  Evaluating f;
  f.put(run("t1", "t1"));
  const json::Value made = Fixture::body_of(f.send_json(
      "POST", run_rules,
      R"({"display_name": "graded", "sampling_rate": 0.2, "session_id": ")" + f.project_id("shop") +
          R"(", "evaluators": [{"structured": {"hub_ref": "grader:latest",
                                               "variable_mapping": {"x": "output"}}}]})"));
  CHECK(made.at("evaluators").at(0).at("structured").at("hub_ref") == "grader:latest");
  const Rule rule = must(f.rules->get(text_of(made.at("id"))));
  CHECK(rule.evaluator.kind == EvaluatorKind::judge);
  CHECK(rule.evaluator.prompt == "grader@latest");
  CHECK(rule.sample == 0.2);
  CHECK(rule.project == "shop");
}

TEST_CASE("what an evaluator cannot do here is refused by its name") {
  Evaluating f;
  const auto code = [](const std::string& more) {
    return R"({"name": "n", "type": "code", "code_evaluator": {"code": "def perform_eval(r): 1")" +
           more + "}}";
  };
  CHECK(f.refusal(evaluators, code(R"(, "language": "javascript")"), 400).find("language") !=
        std::string::npos);
  CHECK(f.refusal(evaluators, code(R"(, "dependencies": "numpy")"), 400).find("dependencies") !=
        std::string::npos);
  CHECK(f.refusal(evaluators, R"({"name": "n", "type": "code"})", 400) ==
        "code_evaluator: is missing");
  CHECK(f.refusal(evaluators, R"({"name": "n", "type": "decision_model"})", 400).find("type:") ==
        0);
  CHECK(f.refusal(evaluators,
                  R"({"name": "n", "type": "code", "code_evaluator": {"code": "x = 1"}})", 400)
            .find("perform_eval") != std::string::npos);
  CHECK(f.refusal(evaluators, R"({"name": "n", "type": "llm", "llm_evaluator": {}})", 400)
            .find("prompt_repo_handle") != std::string::npos);
  CHECK(f.refusal(evaluators,
                  R"({"name": "n", "type": "llm", "llm_evaluator": {"prompt_repo_handle": "p",
                      "variable_mapping": {"x": "reference"}}})",
                  400)
            .find("variables.x") != std::string::npos);
  CHECK(f.refusal(run_rules, R"({"display_name": "n"})", 400).find("one evaluator is wanted") !=
        std::string::npos);
  const std::string id = text_of(f.make(python).at("evaluator").at("id"));
  const auto rule = [&](const std::string& more) {
    return R"({"display_name": "n", "evaluator_id": ")" + id + "\", " + more + "}";
  };
  CHECK(f.refusal(run_rules, rule(R"("dataset_id": "d")"), 400).find("dataset_id") !=
        std::string::npos);
  CHECK(f.refusal(run_rules, rule(R"("webhooks": [{"url": "http://x"}])"), 400).find("webhooks") !=
        std::string::npos);
  CHECK(f.refusal(run_rules, rule(R"("session_id": "00000000-0000-4000-8000-000000000009")"), 404)
            .find("session_id") != std::string::npos);
  CHECK(f.refusal(run_rules, rule(R"("filter": "eq(")"), 400).find("filter") != std::string::npos);
  CHECK(f.get(evaluators + "/spend?period_start=2026-11-23&group_by=evaluator").status == 501);
  CHECK(f.get(evaluators, "nobody").status == 401);
  CHECK(f.send_json("POST", evaluators, python, "read").status == 403);
}

}  // namespace slipway::trace::detail
