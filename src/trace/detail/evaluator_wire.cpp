#include "trace/detail/evaluator_wire.hpp"

#include <algorithm>

#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/evaluator_routes.hpp"
#include "trace/face.hpp"

namespace slipway::trace::detail {

namespace {

/// What evaluators that are no model's and no Python are written in here.
constexpr std::string_view own_language = "slipway";

/// What a client asks for and nobody would do. Off, empty and zero ask for nothing.
Result<void> refuse_wishes(const json::Object& object, std::string_view within,
                           std::initializer_list<const char*> names, std::string_view why) {
  const auto is_nothing = [](const json::Value& value) {
    return (value.is_bool() && !value.get_bool()) || value == json::Value("") ||
           (value.is_array() && value.get_array().empty()) ||
           (value.is_object() && value.get_object().empty()) ||
           (value.is_int64() && value.get_int64() == 0);
  };
  for (const char* name : names)
    if (const json::Value* value = evaluator_member(object, name);
        value != nullptr && !is_nothing(*value))
      return fail(Code::invalid_argument, "{}{}: {}; leave it out", within, name, why);
  return {};
}

std::string moment_text(Clock::Time time) {
  constexpr Nanoseconds per_microsecond = 1000;
  return langsmith_time(time.time_since_epoch().count() * per_microsecond);
}

/// As the prompt's name is written there: "grader" and "production".
std::pair<std::string, std::string> hub_place(const std::string& prompt) {
  const std::size_t at = std::min(prompt.find('@'), prompt.size());
  return {prompt.substr(0, at), at < prompt.size() ? prompt.substr(at + 1) : "latest"};
}

json::Object mapping_of(const Evaluator& evaluator) {
  if (evaluator.variables.empty()) return {{"input", "input"}, {"output", "output"}};
  json::Object mapping;
  for (const auto& [name, place] : evaluator.variables) mapping[name] = place;
  return mapping;
}

/// {"code", "language"}: Python, or what the rule says as our own API has it.
json::Object code_of(const Rule& rule) {
  const Evaluator& evaluator = rule.evaluator;
  if (evaluator.kind == EvaluatorKind::code)
    return {{"code", evaluator.code}, {"language", "python"}};
  return {{"code", json::dump(evaluator_json(evaluator))}, {"language", own_language}};
}

/// Of a project by its name; null: of all.
struct ProjectPlace {
  json::Value id, name;
};
Result<ProjectPlace> project_of(const Context& context, const EvaluatorParts& parts,
                                const Rule& rule) {
  ProjectPlace place;
  if (rule.project.empty()) return place;
  place.name = rule.project;
  const auto session =
      TRY(session_named(context, parts.services.store, parts.services.sessions, rule.project));
  if (session) place.id = session->id;
  return place;
}

Result<std::map<std::string, std::string>> read_mapping(const json::Object& body) {
  const json::Value* mapping = evaluator_member(body, "variable_mapping");
  if (mapping == nullptr) return std::map<std::string, std::string>();
  return json::from<std::map<std::string, std::string>>(*mapping).within("variable_mapping");
}

/// "owner/grader" is "grader": there is one owner here.
std::string prompt_of(std::string_view handle, std::string_view reference) {
  const std::size_t slash = handle.find('/');
  if (slash != std::string_view::npos) handle.remove_prefix(slash + 1);
  if (reference.empty()) return std::string(handle);
  return fmt::format("{}@{}", handle, reference);
}

Result<Evaluator> read_judge(const json::Object& body, const Evaluator& known) {
  TRY(refuse_wishes(body, "llm_evaluator.", {"playground_settings_id"},
                    "the model is that of the prompt"));
  TRY(refuse_wishes(body, "llm_evaluator.", {"num_few_shot_examples", "use_corrections_dataset"},
                    "corrections are not shown to judges"));
  Evaluator judge = known;
  judge.kind = EvaluatorKind::judge;
  const auto [name, reference] = hub_place(known.prompt);
  const auto handle = TRY(read_evaluator_member<std::string>(body, "prompt_repo_handle"));
  const auto tag = TRY(read_evaluator_member<std::string>(body, "commit_hash_or_tag"));
  if (handle || tag) judge.prompt = prompt_of(handle.value_or(name), tag.value_or(""));
  if (judge.prompt.empty() || judge.prompt.front() == '@')
    return fail(Code::invalid_argument, "llm_evaluator.prompt_repo_handle: is missing");
  if (evaluator_member(body, "variable_mapping") != nullptr)
    judge.variables = TRY(read_mapping(body));
  return judge;
}

}  // namespace

const json::Value* evaluator_member(const json::Object& object, std::string_view name) {
  const json::Value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const char* evaluator_type(const Rule& rule) {
  return rule.evaluator.kind == EvaluatorKind::judge ? "llm" : "code";
}

Result<json::Object> evaluator_text(const Context& context, const EvaluatorParts& parts,
                                    const Rule& rule) {
  json::Object told{{"id", rule.id},
                    {"name", rule.name},
                    {"type", evaluator_type(rule)},
                    {"feedback_keys", json::Array{json::Value(rule.key)}},
                    {"metadata", rule.metadata},
                    {"is_managed", false},
                    {"tenant_id", tenant_id()},
                    {"created_at", moment_text(rule.created)},
                    {"updated_at", moment_text(rule.changed)}};
  if (rule.evaluator.kind == EvaluatorKind::judge) {
    const auto [name, reference] = hub_place(rule.evaluator.prompt);
    told["llm_evaluator"] = json::Object{{"evaluator_id", rule.id},
                                         {"prompt_repo_handle", name},
                                         {"commit_hash_or_tag", reference},
                                         {"variable_mapping", mapping_of(rule.evaluator)}};
  } else {
    json::Object code = code_of(rule);
    code["evaluator_id"] = rule.id;
    code["evaluator_build_status"] = "READY";
    told["code_evaluator"] = std::move(code);
  }
  json::Array rules;
  if (rule.is_enabled) {
    const ProjectPlace project = TRY(project_of(context, parts, rule));
    rules.emplace_back(
        json::Object{{"id", rule.id}, {"session_id", project.id}, {"session_name", project.name}});
  }
  told["run_rules"] = std::move(rules);
  return told;
}

Result<json::Object> run_rule_text(const Context& context, const EvaluatorParts& parts,
                                   const Rule& rule, bool is_new) {
  const ProjectPlace project = TRY(project_of(context, parts, rule));
  constexpr int version = 3;
  json::Object told{{"id", rule.id},
                    {"display_name", rule.name},
                    {"evaluator_id", rule.id},
                    {"evaluator_name", rule.name},
                    {"evaluator_type", evaluator_type(rule)},
                    {"evaluator_version", version},
                    {"sampling_rate", rule.sample},
                    {"filter", rule.filter.empty() ? json::Value() : json::Value(rule.filter)},
                    {is_new ? "project_id" : "session_id", project.id},
                    {is_new ? "project_name" : "session_name", project.name},
                    {"is_enabled", rule.is_enabled},
                    {"tenant_id", tenant_id()},
                    {"created_at", moment_text(rule.created)},
                    {"updated_at", moment_text(rule.changed)}};
  for (const char* name :
       {"add_to_dataset_prefer_correction", "extend_only", "include_extended_stats",
        "is_managed_evaluator", "is_tracing_disabled", "transient", "use_corrections_dataset"})
    told[name] = false;
  if (rule.evaluator.kind == EvaluatorKind::judge) {
    const auto [name, reference] = hub_place(rule.evaluator.prompt);
    told["evaluators"] = json::Array{json::Object{
        {"structured", json::Object{{"hub_ref", fmt::format("{}:{}", name, reference)},
                                    {"variable_mapping", mapping_of(rule.evaluator)}}}}};
  } else {
    json::Object code = code_of(rule);
    if (is_new)
      code["language"] = rule.evaluator.kind == EvaluatorKind::code ? "PYTHON" : "SLIPWAY";
    code["require_attachments"] = false;
    told["code_evaluators"] = json::Array{std::move(code)};
  }
  return told;
}

Result<Evaluator> read_code_evaluator(const json::Object& body, std::string_view within) {
  TRY(refuse_wishes(body, within, {"dependencies"}, "code has Python's own library only"));
  TRY(refuse_wishes(body, within, {"workspace_secrets_keys"}, "code has no network"));
  TRY(refuse_wishes(body, within,
                    {"code_evaluator_input", "require_attachments", "managed_code_evaluator_key",
                     "managed_code_evaluator_settings", "advanced_features_enabled"},
                    "code is given the run and nothing else"));
  const std::string code = TRY(read_evaluator_member<std::string>(body, "code")).value_or("");
  const std::string language =
      TRY(read_evaluator_member<std::string>(body, "language")).value_or("python");
  if (language == "python") return Evaluator{.kind = EvaluatorKind::code, .code = code};
  if (language != own_language)
    return fail(Code::invalid_argument,
                "{}language: '{}' is not run here; write python, or {} and as code an evaluator "
                "as POST /api/evaluators takes it",
                within, language.substr(0, 40), own_language);
  return read_evaluator(TRY(json::parse(code).within(fmt::format("{}code", within))));
}

Result<Evaluator> read_structured_evaluator(const json::Value& value) {
  const auto outer = TRY(json::from<json::Object>(value));
  const auto body =
      TRY(read_evaluator_member<json::Object>(outer, "structured")).value_or(json::Object());
  TRY(refuse_wishes(body, "evaluators.structured.", {"prompt", "model", "schema"},
                    "a judge is a prompt that is kept, by hub_ref"));
  const std::string place = TRY(read_evaluator_member<std::string>(body, "hub_ref")).value_or("");
  const std::size_t colon = std::min(place.find(':'), place.size());
  Evaluator judge{.kind = EvaluatorKind::judge,
                  .prompt = prompt_of(std::string_view(place).substr(0, colon),
                                      colon < place.size() ? place.substr(colon + 1) : "")};
  judge.variables = TRY(read_mapping(body));
  return judge;
}

Result<void> read_evaluator_body(const json::Object& body, Rule& rule) {
  if (const auto name = TRY(read_evaluator_member<std::string>(body, "name"))) rule.name = *name;
  if (const auto metadata = TRY(read_evaluator_member<json::Object>(body, "metadata")))
    rule.metadata = *metadata;
  const auto code = TRY(read_evaluator_member<json::Object>(body, "code_evaluator"));
  const auto judge = TRY(read_evaluator_member<json::Object>(body, "llm_evaluator"));
  if (code && judge)
    return fail(Code::invalid_argument, "code_evaluator, llm_evaluator: one of them is wanted");
  if (judge) rule.evaluator = TRY(read_judge(*judge, rule.evaluator));
  if (!code) return {};
  json::Object whole = *code;
  if (!rule.id.empty())
    for (const auto& known : code_of(rule))
      if (!whole.contains(known.key())) whole[known.key()] = known.value();
  rule.evaluator = TRY(read_code_evaluator(whole, "code_evaluator."));
  return {};
}

Result<void> read_run_rule_body(const Context& context, const EvaluatorParts& parts,
                                const json::Object& body, Rule& rule) {
  TRY(refuse_wishes(body, "", {"dataset_id"},
                    "experiments are judged where they are made, by evaluate()"));
  TRY(refuse_wishes(body, "", {"trace_filter", "tree_filter", "thread_filter", "group_by"},
                    "runs are judged by themselves, by filter"));
  TRY(refuse_wishes(body, "",
                    {"add_to_annotation_queue_id", "add_to_dataset_id", "webhooks", "alerts",
                     "backfill_from", "spend_limit", "num_few_shot_examples",
                     "use_corrections_dataset", "corrections_dataset_id", "extend_only"},
                    "rules write feedback and do nothing else here"));
  if (const auto name = TRY(read_evaluator_member<std::string>(body, "display_name")))
    rule.name = *name;
  if (const auto share = TRY(read_evaluator_member<double>(body, "sampling_rate")))
    rule.sample = *share;
  if (const auto is_on = TRY(read_evaluator_member<bool>(body, "is_enabled")))
    rule.is_enabled = *is_on;
  if (const auto id = TRY(read_evaluator_member<std::string>(body, "session_id"))) {
    const auto name =
        TRY(session_name(context, parts.services.store, parts.services.sessions, *id));
    if (!name)
      return fail(Code::not_found, "session_id: there is no project '{}'", id->substr(0, 60));
    rule.project = *name;
  }
  const auto filter = TRY(read_evaluator_member<std::string>(body, "filter"));
  if (!filter) return {};
  json::Array filters;
  std::string words;
  TRY(translate_langsmith_filter(*filter, filters, words).within("filter"));
  if (!words.empty())
    return fail(Code::invalid_argument, "filter: words are not looked for in runs that come in");
  rule.roots_only = false;  // There a filter says that, too: eq(is_root, true).
  rule.filter = filters.empty() ? "" : json::dump(json::Object{{"$and", std::move(filters)}});
  return {};
}

}  // namespace slipway::trace::detail
