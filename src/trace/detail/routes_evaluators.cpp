// Online evaluators in our own API.
#include "trace/evaluator_routes.hpp"

namespace slipway::trace {

namespace {

struct EvaluatorShape {
  EvaluatorKind kind = EvaluatorKind::contains;
  std::string text, pattern;
  bool negate = false;
  std::string path, prompt;
  std::map<std::string, std::string> variables;
  std::string model;
  json::Object metric;
  std::string code;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "kind": {"description": "contains: the text occurs. regex: the pattern matches. json: the )"
                                                   R"(output is JSON. judge: a model says. )"
                                                   R"(metric: the run, with its passages and )"
                                                   R"(tools, is scored. code: Python says."},
    "text": {"maxLength": 10000}, "pattern": {"maxLength": 10000, "example": "\\d{4}"},
    "negate": {"description": "1 where it does not hold."},
    "path": {"maxLength": 1000, "description":
      "A JSON pointer into the outputs; empty: what the model wrote.",
      "example": "/choices/0/message/content"},
    "prompt": {"maxLength": 260, "description":
      "Of judge: NAME or NAME@REFERENCE, with the variables input and output. The reply is )"
                                                   R"({\"score\": 0.5, \"comment\": \"...\"} )"
                                                   R"(or has a number."},
    "variables": {"description": "Of judge: what its prompt's variables are, where they are not )"
                                                   R"(input and output: places in the run.",
                  "example": {"question": "input.question", "answer": "output"}},
    "model": {"maxLength": 256, "description":
      "Of judge; empty: that of the prompt. Of metric: who judges; empty: its local form."},
    "metric": {"description": "As an entry of a suite's metrics.",
               "example": {"name": "faithfulness", "mode": "local"}},
    "code": {"maxLength": 50000, "description":
      "Of code: Python with a function perform_eval(run) that returns a number, a truth value or )"
                                                   R"({\"score\": 0.5, \"comment\": \"...\"}; )"
                                                   R"(run as LangSmith's clients read it. Without )"
                                                   R"(network and files."}}})";
};
BOOST_DESCRIBE_STRUCT(EvaluatorShape, (),
                      (kind, text, pattern, negate, path, prompt, variables, model, metric, code))

struct RuleShape {
  std::string name, key, project;
  json::Object filter;
  bool roots_only = true;
  double sample = 1;
  bool enabled = true;
  EvaluatorShape evaluator;
  static constexpr std::string_view required[] = {"name", "key", "evaluator"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 256},
    "key": {"minLength": 1, "maxLength": 256, "description": "Of the feedback that it writes.",
            "example": "polite"},
    "project": {"maxLength": 512, "description": "Runs of this one; empty: of all."},
    "filter": {"description": "As that of /api/runs; {}: all.",
               "example": {"model": "gpt-4o"}},
    "roots_only": {"description": "false: any run of a trace."},
    "sample": {"minimum": 0, "maximum": 1, "description": "Share of the traces."}}})";
};
BOOST_DESCRIBE_STRUCT(RuleShape, (),
                      (name, key, project, filter, roots_only, sample, enabled, evaluator))

struct KeptRule : RuleShape {
  std::string id, created_at;
};
BOOST_DESCRIBE_STRUCT(KeptRule, (RuleShape), (id, created_at))

struct RuleList {
  std::vector<KeptRule> items;
};
BOOST_DESCRIBE_STRUCT(RuleList, (), (items))

struct RulePath {
  std::string id;
  static constexpr std::string_view schema_notes = R"({"properties": {"id": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(RulePath, (), (id))

Evaluator evaluator_of(const EvaluatorShape& shape) {
  return {shape.kind,   shape.text,      shape.pattern, shape.negate, shape.path,
          shape.prompt, shape.variables, shape.model,   shape.metric, shape.code};
}

EvaluatorShape shape_of(const Evaluator& evaluator) {
  return {evaluator.kind,   evaluator.text,   evaluator.pattern,   evaluator.is_denied,
          evaluator.path,   evaluator.prompt, evaluator.variables, evaluator.model,
          evaluator.metric, evaluator.code};
}

Rule rule_of(const RuleShape& shape) {
  Rule rule;
  rule.name = shape.name;
  rule.key = shape.key;
  rule.project = shape.project;
  if (!shape.filter.empty()) rule.filter = json::dump(shape.filter);
  rule.roots_only = shape.roots_only;
  rule.sample = shape.sample;
  rule.is_enabled = shape.enabled;
  rule.evaluator = evaluator_of(shape.evaluator);
  return rule;
}

Result<KeptRule> shape_of(const Rule& rule) {
  KeptRule shape;
  shape.id = rule.id;
  shape.created_at = format_time(rule.created);
  shape.name = rule.name;
  shape.key = rule.key;
  shape.project = rule.project;
  if (!rule.filter.empty())
    shape.filter = TRY(json::from<json::Object>(TRY(json::parse(rule.filter))));
  shape.roots_only = rule.roots_only;
  shape.sample = rule.sample;
  shape.enabled = rule.is_enabled;
  shape.evaluator = shape_of(rule.evaluator);
  return shape;
}

}  // namespace

json::Object evaluator_json(const Evaluator& evaluator) {
  json::Object all = json::to(shape_of(evaluator)).get_object();
  const json::Object usual = json::to(EvaluatorShape()).get_object();
  json::Object told;
  for (const auto& one : all)
    if (one.key() == "kind" || one.value() != usual.at(one.key())) told[one.key()] = one.value();
  return told;
}

Result<Evaluator> read_evaluator(const json::Value& value) {
  return evaluator_of(TRY(json::from<EvaluatorShape>(value)));
}

void mount_evaluators(http::Api& api, Rules& rules) {
  api.add_tag("evaluators", "Rules that judge runs as they come in, and write feedback.");
  api.get<http::NoParameters, RuleList>(
      "/api/evaluators",
      {.summary = "List evaluators",
       .tag = "evaluators",
       .role = "read",
       .name = "list_evaluators"},
      [&rules](const http::Call&, const http::NoParameters&) -> Result<RuleList> {
        RuleList list;
        for (const Rule& rule : rules.list()) list.items.push_back(TRY(shape_of(rule)));
        return list;
      });
  api.post<http::NoParameters, RuleShape, http::Created<KeptRule>>(
      "/api/evaluators",
      {.summary = "Make an evaluator",
       .description = "Runs that end from now on are judged, some seconds later.",
       .tag = "evaluators",
       .role = "write",
       .name = "create_evaluator",
       .fails = {Code::conflict, Code::unsupported}},
      [&rules](const http::Call& call, const http::NoParameters&,
               const RuleShape& shape) -> Result<http::Created<KeptRule>> {
        const Rule rule = TRY(rules.put(call.context(), rule_of(shape)));
        return http::Created<KeptRule>{TRY(shape_of(rule)), "/api/evaluators/" + rule.id};
      });
  api.get<RulePath, KeptRule>(
      "/api/evaluators/{id}",
      {.summary = "One evaluator",
       .tag = "evaluators",
       .role = "read",
       .name = "get_evaluator",
       .fails = {Code::not_found}},
      [&rules](const http::Call&, const RulePath& path) -> Result<KeptRule> {
        return shape_of(TRY(rules.get(path.id)));
      });
  api.put<RulePath, RuleShape, KeptRule>(
      "/api/evaluators/{id}",
      {.summary = "Write an evaluator anew",
       .tag = "evaluators",
       .role = "write",
       .name = "put_evaluator",
       .fails = {Code::not_found, Code::unsupported}},
      [&rules](const http::Call& call, const RulePath& path,
               const RuleShape& shape) -> Result<KeptRule> {
        const Rule known = TRY(rules.get(path.id));
        Rule rule = rule_of(shape);
        rule.id = known.id;
        rule.created = known.created;
        rule.metadata = known.metadata;
        return shape_of(TRY(rules.put(call.context(), std::move(rule))));
      });
  api.remove<RulePath, http::NoContent>(
      "/api/evaluators/{id}",
      {.summary = "Delete an evaluator",
       .tag = "evaluators",
       .role = "write",
       .name = "delete_evaluator",
       .fails = {Code::not_found}},
      [&rules](const http::Call& call, const RulePath& path) -> Result<http::NoContent> {
        TRY(rules.remove(call.context(), path.id));
        return http::NoContent{};
      });
}

}  // namespace slipway::trace
