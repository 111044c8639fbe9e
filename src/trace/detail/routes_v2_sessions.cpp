// Projects of the second version, and the statistics of any query of the first.
#include <algorithm>

#include "trace/detail/json_text.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/routes_sessions.hpp"
#include "trace/detail/routes_v2.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t stats_runs_max = 200'000;
constexpr double milliseconds = 1000;

bool is_experiment(const Session& session) { return session.reference_dataset_id.has_value(); }

/// That of v1 with its kind.
std::string typed(std::string v1, bool is_of_dataset) {
  v1.pop_back();
  return v1 + (is_of_dataset ? R"(,"type":"EXPERIMENT"})" : R"(,"type":"PROJECT"})");
}

Result<http::Response> list(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters&) {
  const Context& context = exchange->context();
  const http::Request& request = exchange->request();
  const auto name = query_value(request, "name"), part = query_value(request, "name_contains");
  const auto types = query_values(request, "type");
  auto ids = query_values(request, "id"), datasets = query_values(request, "reference_dataset_id");
  for (std::string& id : ids) id = as_uuid(id);
  for (std::string& id : datasets) id = as_uuid(id);
  const auto holds = [](const std::vector<std::string>& all, const std::string& one) {
    return all.empty() || std::find(all.begin(), all.end(), one) != all.end();
  };
  const std::size_t size =
      std::clamp<std::size_t>(TRY(query_number(request, "page_size", 100)), 1, 1000);
  const std::size_t offset = TRY(query_number(request, "cursor", 0));
  std::size_t seen = 0;
  std::vector<std::string> items;
  bool has_more = false;
  for (const Session& session : TRY(list_sessions(context, services))) {
    if (name && session.name != *name) continue;
    if (part && session.name.find(*part) == std::string::npos) continue;
    if (!holds(ids, session.id) || !holds(types, is_experiment(session) ? "EXPERIMENT" : "PROJECT"))
      continue;
    if (!datasets.empty() &&
        (!session.reference_dataset_id || !holds(datasets, *session.reference_dataset_id)))
      continue;
    if (seen++ < offset) continue;
    if (items.size() == size) {
      has_more = true;
      break;
    }
    items.push_back(typed(
        TRY(langsmith_session_text(context, services, session, is_asked(request, "include_stats"))),
        is_experiment(session)));
  }
  return v2_page(request, items,
                 has_more ? std::optional(fmt::format("{}", offset + size)) : std::nullopt);
}

Result<http::Response> read(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const Context& context = exchange->context();
  const std::string id = path_value(path, "session_id");
  const auto session = TRY(find_session(context, services, id));
  if (!session) return fail(Code::not_found, "Session {} not found", id.substr(0, 100));
  return json_response(
      200, typed(TRY(langsmith_session_text(context, services, *session,
                                            is_asked(exchange->request(), "include_stats"))),
                 is_experiment(*session)));
}

/// What v1 answered, with its kind.
Result<http::Response> typed_response(Result<http::Response> v1) {
  http::Response response = TRY(std::move(v1));
  const bool is_of_dataset = json::member(response.body, "reference_dataset_id") != "null";
  response.body = typed(std::move(response.body), is_of_dataset);
  return response;
}

Result<http::Response> create(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters&) {
  return typed_response(create_session(services, exchange));
}

Result<http::Response> change(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  return typed_response(change_session(services, exchange, path_value(path, "session_id")));
}

/// POST /runs/stats
Result<http::Response> run_stats(const Services& services, const http::ExchangePtr& exchange,
                                 const http::PathParameters&) {
  const Context& context = exchange->context();
  json::Object body =
      TRY(json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body"))));
  if (body.contains("group_by") && !body["group_by"].is_null())
    return fail(Code::invalid_argument,
                "group_by: cannot be answered here; use GET /api/traces/stats?group_by=");
  body["select"] = json::Array{"id"};
  const auto runs = TRY(all_runs(context, services, body, stats_runs_max));
  RunTotals totals;
  FeedbackStats feedback;
  constexpr std::size_t at_once = 1000;
  for (std::size_t i = 0; i < runs.size(); i += at_once) {
    std::vector<std::string> ids;
    for (std::size_t j = i; j < std::min(runs.size(), i + at_once); ++j) {
      totals.add(runs[j]);
      ids.push_back(runs[j].id);
    }
    for (const auto& [id, stats] : TRY(services.feedbacks.stats_of_runs(context, ids)))
      for (const auto& [key, stat] : stats) feedback[key].add(stat);
  }
  totals.finish();
  const auto seconds = [](const std::optional<double>& ms) {
    return ms ? std::optional(*ms / milliseconds) : std::nullopt;
  };
  std::string out;
  ObjectText object(out);
  object.count("run_count", totals.runs);
  object.number("latency_p50", seconds(quantile(totals.latencies_ms, 0.5)));
  object.number("latency_p99", seconds(quantile(totals.latencies_ms, 0.99)));
  object.number("first_token_p50", seconds(quantile(totals.first_tokens_ms, 0.5)));
  object.number("first_token_p99", seconds(quantile(totals.first_tokens_ms, 0.99)));
  object.count("prompt_tokens", totals.usage.input_tokens);
  object.count("completion_tokens", totals.usage.output_tokens);
  object.count("total_tokens", totals.usage.total_tokens);
  const auto money = [&](std::string_view name, Picodollars amount) {
    if (totals.is_priced)
      object.money(name, amount);
    else
      object.raw(name, "null");
  };
  money("prompt_cost", totals.prompt);
  money("completion_cost", totals.completion);
  money("total_cost", totals.total);
  const double count = static_cast<double>(std::max<std::int64_t>(totals.runs, 1));
  object.number("error_rate", static_cast<double>(totals.errors) / count);
  object.number("streaming_rate", static_cast<double>(totals.streamed) / count);
  object.text("last_run_start_time", totals.runs == 0
                                         ? std::optional<std::string>()
                                         : std::optional(langsmith_time(totals.last_start)));
  object.value("feedback_stats", feedback_stats_json(feedback));
  object.raw("run_facets", "[]");
  object.end();
  return json_response(200, std::move(out));
}

}  // namespace

void mount_v2_sessions(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services, FaceRoutes::Version::v2);
  add("GET", "/sessions", "read", list);
  add("POST", "/sessions", "write", create);
  add("GET", "/sessions/{session_id}", "read", read);
  add("PATCH", "/sessions/{session_id}", "write", change);
}

void mount_run_stats(http::Router& router, const LangSmithFace& face, const Services& services) {
  face.serve(router, "POST", "/runs/stats", "read",
             [services](const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
               return run_stats(services, exchange, parameters);
             });
}

}  // namespace slipway::trace::detail
