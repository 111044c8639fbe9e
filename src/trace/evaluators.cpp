#include "trace/evaluators.hpp"

#include <algorithm>
#include <cmath>

#include "core/files.hpp"
#include "core/json_members.hpp"
#include "core/pattern.hpp"
#include "core/uuid.hpp"
#include "store/sql.hpp"
#include "trace/detail/selection.hpp"
#include "trace/feedback_filter.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t rules_max = 100;
constexpr int depth_max = 8;

/// What of the rule's row is JSON.
struct RuleBody {
  std::string name, key, project, filter;
  bool roots_only = true, is_enabled = true;
  double sample = 1;
  Evaluator evaluator;
  json::Object metadata;
  std::int64_t changed_us = 0;
};
BOOST_DESCRIBE_STRUCT(RuleBody, (),
                      (name, key, project, filter, roots_only, is_enabled, sample, evaluator,
                       metadata, changed_us))

Rule rule_of(const RuleBody& body) {
  Rule rule;
  rule.name = body.name;
  rule.key = body.key;
  rule.project = body.project;
  rule.filter = body.filter;
  rule.roots_only = body.roots_only;
  rule.is_enabled = body.is_enabled;
  rule.sample = body.sample;
  rule.evaluator = body.evaluator;
  rule.metadata = body.metadata;
  rule.changed = Clock::Time(std::chrono::microseconds(body.changed_us));
  return rule;
}

RuleBody body_of(const Rule& rule) {
  return {rule.name,       rule.key,
          rule.project,    rule.filter,
          rule.roots_only, rule.is_enabled,
          rule.sample,     rule.evaluator,
          rule.metadata,   rule.changed.time_since_epoch().count()};
}

/// Where in a run a variable of a judge's prompt stands.
struct VariablePlace {
  bool is_input = true;
  std::string pointer;  ///< Empty: all of it.
};

/// Of "input", "output", "input.messages.0.content". Absent: it is none.
std::optional<VariablePlace> variable_place(std::string_view text) {
  VariablePlace place;
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string_view side = text.substr(0, dot);
  if (side != "input" && side != "output") return {};
  place.is_input = side == "input";
  while (!(text = text.substr(std::min(text.find('.'), text.size()))).empty()) {
    text.remove_prefix(1);
    const std::string_view step = text.substr(0, std::min(text.find('.'), text.size()));
    if (step.empty()) return {};
    place.pointer += '/';
    for (const char letter : step)
      place.pointer += letter == '~' ? "~0" : letter == '/' ? "~1" : std::string(1, letter);
  }
  return place;
}

Result<void> check_evaluator(const Evaluator& evaluator, bool has_judge) {
  switch (evaluator.kind) {
    case EvaluatorKind::contains:
      if (evaluator.text.empty())
        return fail(Code::invalid_argument, "evaluator.text: what must occur is missing");
      break;
    case EvaluatorKind::regex:
      TRY(Pattern::compile(evaluator.pattern).within("evaluator.pattern"));
      break;
    case EvaluatorKind::json: break;
    case EvaluatorKind::judge:
      if (!has_judge) return fail(Code::unsupported, "evaluator.kind: no model can be asked here");
      if (evaluator.prompt.empty())
        return fail(Code::invalid_argument,
                    "evaluator.prompt: names no prompt; one with the variables input and output is "
                    "wanted");
      for (const auto& [name, place] : evaluator.variables)
        if (!variable_place(place))
          return fail(Code::invalid_argument,
                      "evaluator.variables.{}: '{}' is no place in a run; write input, output or "
                      "for example input.question",
                      name.substr(0, 100), place.substr(0, 100));
      break;
    case EvaluatorKind::metric:
      if (evaluator.metric.empty())
        return fail(Code::invalid_argument,
                    "evaluator.metric: none is named; write for example {{\"name\": "
                    "\"faithfulness\", \"mode\": \"local\"}}");
      if (!evaluator.path.empty() || evaluator.is_denied)
        return fail(Code::invalid_argument, "evaluator.{}: a metric sees the whole run; drop it",
                    evaluator.path.empty() ? "negate" : "path");
      break;
    case EvaluatorKind::code:
      if (evaluator.code.empty())
        return fail(Code::invalid_argument,
                    "evaluator.code: is missing; write Python with a function perform_eval(run)");
      if (!evaluator.path.empty() || evaluator.is_denied)
        return fail(Code::invalid_argument, "evaluator.{}: code sees the whole run; drop it",
                    evaluator.path.empty() ? "negate" : "path");
      break;
  }
  if (!evaluator.path.empty() && evaluator.path.front() != '/')
    return fail(Code::invalid_argument, "evaluator.path: '{}' is no JSON pointer; it begins with /",
                evaluator.path.substr(0, 100));
  return {};
}

Result<void> check(const Rule& rule, bool has_judge) {
  constexpr std::size_t name_max = 256, text_max = 64u << 10;
  if (rule.name.empty() || rule.name.size() > name_max)
    return fail(Code::invalid_argument, "name: 1 to {} bytes are wanted", name_max);
  if (rule.key.empty() || rule.key.size() > name_max)
    return fail(Code::invalid_argument, "key: 1 to {} bytes are wanted", name_max);
  if (!(rule.sample >= 0 && rule.sample <= 1))
    return fail(Code::invalid_argument, "sample: 0 to 1 is wanted, got {}", rule.sample);
  if (json::dump(json::to(body_of(rule))).size() > text_max)
    return fail(Code::invalid_argument, "the rule has more than {} bytes", text_max);
  if (!rule.filter.empty()) TRY(parse_filter(TRY(json::parse(rule.filter).within("filter"))));
  return check_evaluator(rule.evaluator, has_judge);
}

/// Text of a message's content: a string, or parts of which some are text.
std::optional<std::string> content_text(const json::Value& content) {
  if (content.is_string()) return std::string(content.get_string());
  if (!content.is_array()) return std::nullopt;
  std::string text;
  for (const json::Value& part : content.get_array())
    if (part.is_object())
      if (const json::Value* one = part.get_object().if_contains("text");
          one != nullptr && one->is_string())
        text += std::string_view(one->get_string());
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

std::optional<std::string> written_in(const json::Value& value, int depth) {
  if (depth > depth_max) return std::nullopt;
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_array()) {
    // The last message of a conversation, the first of several choices.
    if (value.get_array().empty()) return std::nullopt;
    return written_in(value.get_array().back(), depth + 1);
  }
  if (!value.is_object()) return std::nullopt;
  const json::Object& object = value.get_object();
  if (const json::Value* choices = object.if_contains("choices");
      choices != nullptr && choices->is_array() && !choices->get_array().empty())
    return written_in(choices->get_array().front(), depth + 1);
  if (const json::Value* content = object.if_contains("content"))
    if (auto text = content_text(*content)) return text;
  for (const char* name : {"message", "messages", "generations", "output", "outputs", "text",
                           "answer", "response", "result", "kwargs", "input", "question", "query"})
    if (const json::Value* inner = object.if_contains(name))
      if (auto text = written_in(*inner, depth + 1)) return text;
  if (object.size() == 1) return written_in(object.begin()->value(), depth + 1);
  return std::nullopt;
}

/// What stands at the evaluator's path.
Result<std::string> text_at(const Payload& payload, const std::string& path) {
  const json::Value value = TRY(json::parse(payload.bytes));
  boost::system::error_code error;
  const json::Value* found = value.find_pointer(path, error);
  if (error || found == nullptr) return fail(Code::not_found, "there is nothing at {}", path);
  return found->is_string() ? std::string(found->get_string()) : json::dump(*found);
}

bool is_json(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && json::is_valid(text);
}

/// The same for all runs of a trace, whatever else is sampled.
bool is_in_sample(const Rule& rule, const std::string& trace_id) {
  if (rule.sample >= 1) return true;
  constexpr std::size_t prefix = 7, digits = 13;
  const double place =
      std::ldexp(static_cast<double>(std::stoull(
                     sha256(rule.id + '\n' + trace_id).substr(prefix, digits), nullptr, 16)),
                 -52);
  return place < rule.sample;
}

}  // namespace

std::string payload_text(const std::optional<Payload>& payload) {
  if (!payload) return "";
  if (payload->is_text) return payload->bytes;
  const auto value = json::parse(payload->bytes);
  if (!value) return payload->bytes;
  return written_in(*value, 0).value_or(payload->bytes);
}

Result<json::Object> judge_variables(const Evaluator& evaluator, const Run& run,
                                     const std::string& input, const std::string& output) {
  if (evaluator.variables.empty()) return json::Object{{"input", input}, {"output", output}};
  json::Object variables;
  for (const auto& [name, text] : evaluator.variables) {
    const VariablePlace place = variable_place(text).value_or(VariablePlace());
    const std::optional<Payload>& payload = place.is_input ? run.inputs : run.outputs;
    if (place.pointer.empty())
      variables[name] = place.is_input ? input : output;
    else if (payload)
      variables[name] = TRY(text_at(*payload, place.pointer).within(text));
    else
      return fail(Code::not_found, "{}: the run has no {}put", text, place.is_input ? "in" : "out");
  }
  return variables;
}

std::vector<store::Migration> evaluator_migrations() {
  return {{"trace_evaluators", 1, R"sql(
    CREATE TABLE trace_evaluators(
      id TEXT PRIMARY KEY,
      body TEXT NOT NULL,
      created_us INTEGER NOT NULL) WITHOUT ROWID;
  )sql"}};
}

Result<std::unique_ptr<Rules>> Rules::open(Options options) {
  auto rules = std::make_unique<Rules>(std::move(options));
  TRY(rules->load(Context()));
  return rules;
}

Result<void> Rules::load(const Context& context) {
  return rules_.with([&](Snapshot& snapshot) -> Result<void> {
    std::vector<Rule> all;
    TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
      auto select = TRY(connection.prepare(
          "SELECT id, body, created_us FROM trace_evaluators ORDER BY created_us, id"));
      while (TRY(select.step())) {
        Rule rule = rule_of(TRY(
            json::from<RuleBody>(TRY(json::parse(select.text(1))), json::Policy::ignore_unknown)));
        rule.id = select.text(0);
        rule.created = Clock::Time(std::chrono::microseconds(select.integer(2)));
        all.push_back(std::move(rule));
      }
      return {};
    }));
    snapshot = std::make_shared<const std::vector<Rule>>(std::move(all));
    return {};
  });
}

std::vector<Rule> Rules::list() const {
  return *rules_.with([](const Snapshot& snapshot) { return snapshot; });
}

Result<Rule> Rules::get(const std::string& id) const {
  for (Rule& rule : list())
    if (rule.id == id) return std::move(rule);
  return fail(Code::not_found, "there is no evaluator '{}'", id.substr(0, 100));
}

Result<Rule> Rules::put(const Context& context, Rule rule) {
  TRY(check(rule, options_.judge != nullptr));
  if (rule.evaluator.kind == EvaluatorKind::metric) {
    if (!options_.metrics)
      return fail(Code::unsupported, "evaluator.kind: there are no metrics here");
    TRY(options_.metrics->check(context, rule.evaluator).within("evaluator"));
  }
  if (rule.evaluator.kind == EvaluatorKind::code) {
    if (!options_.code) return fail(Code::unsupported, "evaluator.kind: code is not run here");
    TRY(options_.code->check(context, rule.evaluator).within("evaluator.code"));
  }
  rule.changed = options_.clock.now();
  if (rule.id.empty()) {
    if (list().size() >= rules_max)
      return fail(Code::conflict, "there are {} evaluators, more are not kept", rules_max);
    rule.id = make_uuid(options_.random);
    rule.created = rule.changed;
  }
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto put =
        TRY(connection.prepare(store::sql::put("trace_evaluators", "id, body, created_us", "id")));
    put.bind(0, rule.id).bind(1, json::dump(json::to(body_of(rule))));
    return put.bind(2, rule.created.time_since_epoch().count()).run();
  }));
  TRY(load(context));
  return rule;
}

Result<void> Rules::remove(const Context& context, const std::string& id) {
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM trace_evaluators WHERE id = ?"));
    TRY(remove.bind(0, id).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "there is no evaluator '{}'", id.substr(0, 100));
    return {};
  }));
  return load(context);
}

bool Rules::has_any() const {
  const Snapshot all = rules_.with([](const Snapshot& snapshot) { return snapshot; });
  return std::any_of(all->begin(), all->end(), [](const Rule& rule) { return rule.is_enabled; });
}

Result<bool> Rules::wants(const Context& context, const Rule& rule, const Run& run) const {
  if (!rule.is_enabled || (rule.roots_only && run.parent_id)) return false;
  if (!rule.project.empty() && rule.project != run.project) return false;
  if (!is_in_sample(rule, run.trace_id)) return false;
  if (rule.filter.empty()) return true;
  Filter filter = TRY(parse_filter(TRY(json::parse(rule.filter))));
  TRY(resolve_feedback(context, options_.feedbacks, filter, Listed::runs));
  return detail::matches(filter, detail::lookup_in(run));
}

Result<std::vector<Judgement>> Rules::judgements(const Context& context, const Rule& rule,
                                                 const Run& run) const {
  const Evaluator& evaluator = rule.evaluator;
  if (evaluator.kind == EvaluatorKind::metric || evaluator.kind == EvaluatorKind::code) {
    const bool is_code = evaluator.kind == EvaluatorKind::code;
    const std::optional<RunScorer>& scorer = is_code ? options_.code : options_.metrics;
    if (!scorer)
      return fail(Code::unsupported, "there {} here", is_code ? "is no code" : "are no metrics");
    return scorer->score(context, evaluator, run);
  }
  const std::string output = evaluator.path.empty() || !run.outputs
                                 ? payload_text(run.outputs)
                                 : TRY(text_at(*run.outputs, evaluator.path).within("outputs"));
  if (evaluator.kind == EvaluatorKind::judge)
    return std::vector{
        TRY(options_.judge(context, evaluator, run, payload_text(run.inputs), output))};
  bool holds = false;
  if (evaluator.kind == EvaluatorKind::contains)
    holds = output.find(evaluator.text) != std::string::npos;
  else if (evaluator.kind == EvaluatorKind::regex)
    holds = TRY(Pattern::compile(evaluator.pattern)).matches(output);
  else
    holds = is_json(output);
  return std::vector{Judgement{holds != evaluator.is_denied ? 1.0 : 0.0, ""}};
}

std::vector<Feedback> Rules::judged(const Context& context, const Rule& rule,
                                    const Run& run) const {
  const bool asks_model =
      rule.evaluator.kind == EvaluatorKind::judge ||
      (rule.evaluator.kind == EvaluatorKind::metric && !rule.evaluator.model.empty());
  const auto opinion = [&](const std::string& key) {
    Feedback one;
    // Opinions of other keys beside that of the rule are others.
    one.id = uuid_of(fmt::format("evaluator\n{}\n{}\n{}{}{}", rule.id, run.trace_id, run.id,
                                 key.empty() ? "" : "\n", key));
    one.run_id = run.id;
    one.trace_id = run.trace_id;
    one.key = key.empty() ? rule.key : key;
    one.start_time = run.start;
    one.source = {{"type", asks_model ? "model" : "rule"},
                  {"metadata", json::Object{{"evaluator", rule.name}, {"evaluator_id", rule.id}}}};
    return one;
  };
  const auto judgements = this->judgements(context, rule, run);
  if (!judgements) {
    Feedback failed = opinion("");
    failed.error = true;
    failed.comment = judgements.error().message();
    return {std::move(failed)};
  }
  std::vector<Feedback> all;
  for (const Judgement& judgement : *judgements) {
    Feedback one = opinion(judgement.key);
    if (judgement.score) one.score = *judgement.score;
    if (!judgement.value.is_null()) one.value = judgement.value;
    if (!judgement.comment.empty()) one.comment = judgement.comment;
    all.push_back(std::move(one));
  }
  return all;
}

Result<int> Rules::apply(const Context& context, const std::string& run_id,
                         const std::string& trace_id) {
  const Snapshot rules = rules_.with([](const Snapshot& snapshot) { return snapshot; });
  auto found = options_.store.run(context, run_id, trace_id);
  if (!found) return found.error().code() == Code::not_found ? Result<int>(0) : found.error();
  const Run run = *std::move(found);
  if (run.project == evaluators_project || run.status == Status::pending) return 0;
  std::vector<Feedback> opinions;
  for (const Rule& rule : *rules)
    if (TRY(wants(context, rule, run)))
      for (Feedback& one : judged(context, rule, run)) opinions.push_back(std::move(one));
  const int count = static_cast<int>(opinions.size());
  TRY(options_.feedbacks.put(context, std::move(opinions)));
  return count;
}

}  // namespace slipway::trace
