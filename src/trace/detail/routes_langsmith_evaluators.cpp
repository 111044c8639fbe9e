// Online evaluators at the LangSmith face: /platform/evaluators, and the rules that say which runs
// they judge (/runs/rules).
#include <algorithm>

#include "trace/detail/evaluator_wire.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/evaluator_routes.hpp"
#include "trace/face.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t page_max = 100;

http::Response json_reply(const json::Value& value) {
  return json_response(200, json::dump(value));
}

Result<json::Object> body_of(const http::ExchangePtr& exchange) {
  return json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body")));
}

// --- Evaluators

Result<http::Response> keep(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                            int status, Rule rule) {
  const Rule kept = TRY(parts.rules.put(exchange->context(), std::move(rule)));
  json::Object told;
  told["evaluator"] = TRY(evaluator_text(exchange->context(), parts, kept));
  return json_response(status, json::dump(told));
}

Result<http::Response> create(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                              const http::PathParameters&) {
  const json::Object body = TRY(body_of(exchange));
  const std::string type = TRY(read_evaluator_member<std::string>(body, "type")).value_or("");
  const char* const wanted = type == "code" ? "code_evaluator" : "llm_evaluator";
  if (type != "code" && type != "llm")
    return fail(Code::invalid_argument, "type: '{}' is none of: code, llm", type.substr(0, 40));
  if (evaluator_member(body, wanted) == nullptr)
    return fail(Code::invalid_argument, "{}: is missing", wanted);
  Rule rule;
  rule.is_enabled = false;
  TRY(read_evaluator_body(body, rule));
  rule.key = rule.name;
  return keep(parts, exchange, 201, std::move(rule));
}

Result<http::Response> read(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const Rule rule = TRY(parts.rules.get(path_value(path, "evaluator_id")));
  return json_reply(TRY(evaluator_text(exchange->context(), parts, rule)));
}

Result<http::Response> change(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  Rule rule = TRY(parts.rules.get(path_value(path, "evaluator_id")));
  TRY(read_evaluator_body(TRY(body_of(exchange)), rule));
  return keep(parts, exchange, 200, std::move(rule));
}

bool has_all(const json::Object& object, const json::Object& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const json::Value* value = object.if_contains(one.key());
    return value != nullptr && *value == one.value();
  });
}

bool has_ignoring_case(std::string_view text, std::string_view part) {
  for (std::size_t at = 0; at + part.size() <= text.size(); ++at)
    if (http::equals_ignoring_case(text.substr(at, part.size()), part)) return true;
  return false;
}

/// Those that a list's query wants, sorted.
Result<std::vector<Rule>> wanted(const Context& context, const EvaluatorParts& parts,
                                 const http::Request& request) {
  for (const char* name : {"tag_value_id", "agent_id"})
    if (query_value(request, name))
      return fail(Code::invalid_argument, "{}: evaluators have none here; leave it out", name);
  json::Object metadata;
  if (const auto text = query_value(request, "metadata"))
    metadata = TRY(json::from<json::Object>(TRY(json::parse(*text).within("metadata"))));
  const auto type = query_value(request, "type");
  const auto key = query_value(request, "feedback_key");
  const std::string part = query_value(request, "name_contains").value_or("");
  std::vector<std::string> projects;
  for (const std::string& id : query_values(request, "resource_id"))
    projects.push_back(
        TRY(session_name(context, parts.services.store, parts.services.sessions, id)).value_or(""));
  std::vector<Rule> all = parts.rules.list();
  std::erase_if(all, [&](const Rule& rule) {
    const bool is_there = projects.empty() || (rule.is_enabled &&
                                               std::find(projects.begin(), projects.end(),
                                                         rule.project) != projects.end() &&
                                               !rule.project.empty());
    return !is_there || (type && *type != evaluator_type(rule)) || (key && *key != rule.key) ||
           !has_ignoring_case(rule.name, part) || !has_all(rule.metadata, metadata);
  });
  const std::string sort = query_value(request, "sort_by").value_or("created_at");
  if (sort != "created_at" && sort != "updated_at" && sort != "name")
    return fail(Code::invalid_argument, "sort_by: '{}' is none of: name, created_at, updated_at",
                sort.substr(0, 40));
  std::stable_sort(all.begin(), all.end(), [&](const Rule& a, const Rule& b) {
    if (sort == "name") return a.name < b.name;
    return sort == "created_at" ? a.created < b.created : a.changed < b.changed;
  });
  const auto order = query_value(request, "sort_by_desc");
  if (order ? is_asked(request, "sort_by_desc") : sort != "name")
    std::reverse(all.begin(), all.end());
  return all;
}

Result<http::Response> list(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                            const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const std::vector<Rule> all = TRY(wanted(exchange->context(), parts, request));
  const std::size_t limit = std::min(TRY(query_number(request, "limit", page_max)), page_max);
  const std::size_t begin = std::min(TRY(query_number(request, "offset", 0)), all.size());
  json::Array items;
  for (std::size_t i = begin; i < std::min(begin + limit, all.size()); ++i)
    items.emplace_back(TRY(evaluator_text(exchange->context(), parts, all[i])));
  return json_reply(json::Object{{"evaluators", std::move(items)}, {"total", all.size()}});
}

/// One that judges runs goes only where its rule may go, too.
Result<void> remove_one(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                        const std::string& id) {
  const Rule rule = TRY(parts.rules.get(id));
  if (rule.is_enabled && !is_asked(exchange->request(), "delete_run_rules"))
    return fail(Code::conflict,
                "evaluator '{}' judges runs; say delete_run_rules=true if its rule may go, too",
                rule.name);
  return parts.rules.remove(exchange->context(), id);
}

Result<http::Response> remove(const EvaluatorParts& parts, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  TRY(remove_one(parts, exchange, path_value(path, "evaluator_id")));
  return http::Response{.status = 204};
}

Result<http::Response> remove_several(const EvaluatorParts& parts,
                                      const http::ExchangePtr& exchange,
                                      const http::PathParameters&) {
  json::Array succeeded, failed;
  for (const std::string& id : query_values(exchange->request(), "evaluator_ids")) {
    if (const auto gone = remove_one(parts, exchange, id); gone)
      succeeded.emplace_back(id);
    else
      failed.emplace_back(json::Object{{"id", id}, {"error", gone.error().message()}});
  }
  if (succeeded.empty() && failed.empty())
    return fail(Code::invalid_argument, "evaluator_ids: is missing");
  return json_reply(
      json::Object{{"succeeded", std::move(succeeded)}, {"failed", std::move(failed)}});
}

// --- Run rules

Result<http::Response> create_run_rule(const EvaluatorParts& parts,
                                       const http::ExchangePtr& exchange,
                                       const http::PathParameters&) {
  const Context& context = exchange->context();
  const json::Object body = TRY(body_of(exchange));
  Rule rule;
  rule.roots_only = true;
  if (const auto id = TRY(read_evaluator_member<std::string>(body, "evaluator_id"))) {
    rule = TRY(parts.rules.get(*id));
    if (rule.is_enabled)
      return fail(Code::conflict,
                  "evaluator_id: '{}' has a rule already; change that, or make another evaluator",
                  rule.name);
  } else {
    using Evaluators = std::vector<json::Value>;
    const auto several = [&](const char* name) -> Result<Evaluators> {
      return TRY(read_evaluator_member<Evaluators>(body, name)).value_or(Evaluators());
    };
    const Evaluators codes = TRY(several("code_evaluators"));
    const Evaluators judges = TRY(several("evaluators"));
    if (codes.size() + judges.size() != 1)
      return fail(Code::invalid_argument,
                  "evaluator_id, code_evaluators, evaluators: one evaluator is wanted, got {}",
                  codes.size() + judges.size());
    rule.evaluator = codes.empty()
                         ? TRY(read_structured_evaluator(judges.front()))
                         : TRY(read_code_evaluator(TRY(json::from<json::Object>(codes.front())),
                                                   "code_evaluators."));
  }
  rule.is_enabled = true;
  TRY(read_run_rule_body(context, parts, body, rule));
  if (rule.key.empty()) rule.key = rule.name;
  rule = TRY(parts.rules.put(context, std::move(rule)));
  return json_reply(TRY(run_rule_text(context, parts, rule, false)));
}

Result<http::Response> change_run_rule(const EvaluatorParts& parts,
                                       const http::ExchangePtr& exchange,
                                       const http::PathParameters& path) {
  const Context& context = exchange->context();
  Rule rule = TRY(parts.rules.get(path_value(path, "rule_id")));
  TRY(read_run_rule_body(context, parts, TRY(body_of(exchange)), rule));
  rule = TRY(parts.rules.put(context, std::move(rule)));
  return json_reply(TRY(run_rule_text(context, parts, rule, false)));
}

/// The evaluator stays, switched off.
Result<http::Response> remove_run_rule(const EvaluatorParts& parts,
                                       const http::ExchangePtr& exchange,
                                       const http::PathParameters& path) {
  Rule rule = TRY(parts.rules.get(path_value(path, "rule_id")));
  rule.is_enabled = false;
  rule.project.clear();
  rule.filter.clear();
  rule.sample = 1;
  TRY(parts.rules.put(exchange->context(), std::move(rule)));
  return json_reply(json::Object{{"message", "deleted"}});
}

/// Of those that a project or all have; those that LangSmith says of datasets are none of them.
Result<std::vector<Rule>> wanted_run_rules(const Context& context, const EvaluatorParts& parts,
                                           const http::Request& request) {
  const auto ids = query_values(request, "id");
  const auto evaluator = query_value(request, "evaluator_id");
  const std::string part = query_value(request, "name_contains").value_or("");
  const std::string type = query_value(request, "type").value_or("");
  auto project = query_value(request, "session_id");
  if (!project) project = query_value(request, "project_id");
  std::optional<std::string> name;
  if (project)
    name = TRY(session_name(context, parts.services.store, parts.services.sessions, *project))
               .value_or("");
  const bool is_none = query_value(request, "dataset_id") || query_value(request, "tag_value_id") ||
                       http::equals_ignoring_case(type, "dataset");
  std::vector<Rule> all = parts.rules.list();
  std::erase_if(all, [&](const Rule& rule) {
    return is_none || !rule.is_enabled ||
           (!ids.empty() && std::find(ids.begin(), ids.end(), rule.id) == ids.end()) ||
           (evaluator && *evaluator != rule.id) || !has_ignoring_case(rule.name, part) ||
           (name && (name->empty() || *name != rule.project));
  });
  std::stable_sort(all.begin(), all.end(),
                   [](const Rule& a, const Rule& b) { return a.changed > b.changed; });
  return all;
}

Result<http::Response> list_run_rules(const EvaluatorParts& parts,
                                      const http::ExchangePtr& exchange,
                                      const http::PathParameters&) {
  json::Array items;
  for (const Rule& rule : TRY(wanted_run_rules(exchange->context(), parts, exchange->request())))
    items.emplace_back(TRY(run_rule_text(exchange->context(), parts, rule, false)));
  return json_reply(items);
}

/// All at once: there are a hundred at most.
Result<http::Response> list_run_rules_v2(const EvaluatorParts& parts,
                                         const http::ExchangePtr& exchange,
                                         const http::PathParameters&) {
  json::Array items;
  for (const Rule& rule : TRY(wanted_run_rules(exchange->context(), parts, exchange->request())))
    items.emplace_back(TRY(run_rule_text(exchange->context(), parts, rule, true)));
  return json_reply(json::Object{{"items", std::move(items)}, {"next_cursor", nullptr}});
}

Result<http::Response> refuse_spend(const EvaluatorParts&, const http::ExchangePtr&,
                                    const http::PathParameters&) {
  return fail(Code::unsupported,
              "what evaluators spend is not told by evaluator; GET /api/costs?project={} has the "
              "sum",
              evaluators_project);
}

}  // namespace

}  // namespace slipway::trace::detail

namespace slipway::trace {

void mount_langsmith_evaluators(http::Router& router, const Services& services, Rules& rules) {
  using Serve = Result<http::Response> (*)(const detail::EvaluatorParts&, const http::ExchangePtr&,
                                           const http::PathParameters&);
  const LangSmithFace face(services);
  const auto handler = [&](Serve serve) {
    return [parts = detail::EvaluatorParts{services, rules}, serve](
               const http::ExchangePtr& exchange, const http::PathParameters& path) {
      return serve(parts, exchange, path);
    };
  };
  const auto add = [&](const char* method, const char* path, const char* role, Serve serve) {
    face.serve(router, method, path, role, handler(serve));
  };
  add("POST", "/platform/evaluators", "write", detail::create);
  add("GET", "/platform/evaluators", "read", detail::list);
  add("DELETE", "/platform/evaluators", "write", detail::remove_several);
  add("GET", "/platform/evaluators/spend", "read", detail::refuse_spend);
  add("GET", "/platform/evaluators/{evaluator_id}", "read", detail::read);
  add("PATCH", "/platform/evaluators/{evaluator_id}", "write", detail::change);
  add("DELETE", "/platform/evaluators/{evaluator_id}", "write", detail::remove);
  add("POST", "/runs/rules", "write", detail::create_run_rule);
  add("GET", "/runs/rules", "read", detail::list_run_rules);
  add("PATCH", "/runs/rules/{rule_id}", "write", detail::change_run_rule);
  add("DELETE", "/runs/rules/{rule_id}", "write", detail::remove_run_rule);
  face.serve_v2(router, "GET", "/runs/rules", "read", handler(detail::list_run_rules_v2));
}

}  // namespace slipway::trace
