#include "trace/detail/routes_v2.hpp"

#include <algorithm>

#include "trace/detail/json_text.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/routes_feedback.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int page_default = 100, page_max = 1000;
constexpr std::size_t tree_max = 100'000;
constexpr Nanoseconds per_microsecond = 1000;

Result<json::Object> body_of(const http::ExchangePtr& exchange) {
  if (exchange->request().body.empty()) return json::Object();
  return json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body")));
}

Result<Selects> selects_of(const json::Object& body) {
  const json::Value* names = body.if_contains("selects");
  if (names == nullptr || names->is_null()) return Selects();
  return read_selects(TRY(json::from<std::vector<std::string>>(*names).within("selects")));
}

Result<Selects> selects_of(const http::Request& request) {
  return read_selects(query_values(request, "selects"));
}

Result<int> page_size(const json::Object& body) {
  const json::Value* size = body.if_contains("page_size");
  if (size == nullptr || size->is_null()) return page_default;
  const auto number = json::from<int>(*size);
  if (!number || *number < 1 || *number > page_max)
    return fail(Code::invalid_argument, "page_size: 1 to {} is wanted, got {}", page_max,
                json::dump(*size).substr(0, 40));
  return *number;
}

Result<http::Response> query_runs(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters&) {
  const Context& context = exchange->context();
  const json::Object body = TRY(body_of(exchange));
  const Selects selects = TRY(selects_of(body));
  json::Object v1 = TRY(v1_query(body));
  v1["limit"] = TRY(page_size(body));
  const LangSmithQuery query = TRY(read_langsmith_query(context, v1, services));
  const Page<Run> found = TRY(run_langsmith_query(context, services.store, query));
  return v2_page(
      exchange->request(),
      TRY(v2_run_texts(context, services, found.items, selects, base_url(exchange->request()))),
      found.next_cursor);
}

Result<http::Response> read_run(const Services& services, const http::ExchangePtr& exchange,
                                const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Selects selects = TRY(selects_of(exchange->request()));
  const Run run =
      TRY(detail::find_langsmith_run(context, services.store, path_value(path, "run_id")));
  return json_response(
      200,
      TRY(v2_run_texts(context, services, {run}, selects, base_url(exchange->request()))).front());
}

Result<http::Response> run_url(const Services& services, const http::ExchangePtr& exchange,
                               const http::PathParameters& path) {
  const Run run = TRY(
      detail::find_langsmith_run(exchange->context(), services.store, path_value(path, "run_id")));
  const std::string url = fmt::format("{}/traces/{}", base_url(exchange->request()),
                                      http::percent_encode(run.trace_id));
  return json_response(200, json::dump(json::Object{{"url", url}}));
}

Result<http::Response> share(const Services& services, const http::ExchangePtr& exchange,
                             const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Run run =
      TRY(detail::find_langsmith_run(context, services.store, path_value(path, "run_id")));
  const Share shared =
      TRY(services.shares.put(context, {.kind = Share::Kind::run, .subject = run.id}));
  return json_response(200, json::dump(json::Object{{"share_token", shared.token}}));
}

Result<http::Response> unshare(const Services& services, const http::ExchangePtr& exchange,
                               const http::PathParameters& path) {
  TRY(services.shares.remove(exchange->context(), Share::Kind::run, path_value(path, "run_id"),
                             ""));
  return http::Response{.status = 204};
}

// --- What is shared

Result<http::Response> read_public(const Services& services, const http::ExchangePtr& exchange,
                                   const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Selects selects = TRY(selects_of(exchange->request()));
  const std::string id = as_uuid(path_value(path, "run_id"));
  for (const Run& run : TRY(shared_runs(context, services, path_value(path, "token"))))
    if (as_uuid(run.id) == id)
      return json_response(
          200, TRY(v2_run_texts(context, services, {run}, selects, base_url(exchange->request())))
                   .front());
  return fail(Code::not_found, "Run {} is not shared by this link", id);
}

Result<http::Response> query_public(const Services& services, const http::ExchangePtr& exchange,
                                    const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Selects selects = TRY(selects_of(TRY(body_of(exchange))));
  const auto runs = TRY(shared_runs(context, services, path_value(path, "token")));
  return v2_page(exchange->request(),
                 TRY(v2_run_texts(context, services, runs, selects, base_url(exchange->request()))),
                 std::nullopt);
}

// --- Traces

/// {"root_run":{...},"trace_aggregates":{...}}
Result<std::string> trace_text(const Context& context, const Services& services, const Run& root,
                               const std::string& root_text) {
  Query query;
  query.trace_id = root.trace_id;
  query.limit = 1;
  const Page<TraceSummary> page = TRY(services.store.traces(context, query));
  std::string out = fmt::format("{{\"root_run\":{},\"trace_aggregates\":", root_text);
  ObjectText totals(out);
  if (!page.items.empty()) {
    totals.count("total_tokens", page.items.front().total_tokens);
    if (page.items.front().cost) totals.money("total_cost", *page.items.front().cost);
  }
  totals.end();
  return out + '}';
}

Result<http::Response> query_traces(const Services& services, const http::ExchangePtr& exchange,
                                    const http::PathParameters&) {
  const Context& context = exchange->context();
  json::Object body = TRY(body_of(exchange));
  const Selects selects = TRY(selects_of(body));
  body["is_root"] = true;
  if (const json::Value* ids = body.if_contains("trace_ids"); ids != nullptr && !ids->is_null())
    body["ids"] = *ids;
  json::Object v1 = TRY(v1_query(body));
  v1["limit"] = TRY(page_size(body));
  const LangSmithQuery query = TRY(read_langsmith_query(context, v1, services));
  const Page<Run> found = TRY(run_langsmith_query(context, services.store, query));
  const auto texts =
      TRY(v2_run_texts(context, services, found.items, selects, base_url(exchange->request())));
  std::vector<std::string> items;
  for (std::size_t i = 0; i < texts.size(); ++i)
    items.push_back(TRY(trace_text(context, services, found.items[i], texts[i])));
  return v2_page(exchange->request(), items, found.next_cursor);
}

Result<http::Response> runs_of_trace(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters& path) {
  const Context& context = exchange->context();
  const http::Request& request = exchange->request();
  const Selects selects = TRY(selects_of(request));
  json::Object v1{{"trace", path_value(path, "trace_id")}, {"order", "asc"}, {"limit", page_max}};
  if (const auto filter = query_value(request, "filter")) v1["filter"] = *filter;
  const auto runs = TRY(all_runs(context, services, v1, tree_max));
  return v2_page(request, TRY(v2_run_texts(context, services, runs, selects, base_url(request))),
                 std::nullopt);
}

}  // namespace

Result<json::Object> v1_query(const json::Object& body) {
  constexpr std::pair<std::string_view, std::string_view> same[] = {
      {"project_ids", "session"},
      {"filter", "filter"},
      {"trace_filter", "trace_filter"},
      {"tree_filter", "tree_filter"},
      {"is_root", "is_root"},
      {"has_error", "error"},
      {"ids", "id"},
      {"trace_id", "trace"},
      {"cursor", "cursor"},
      {"reference_examples", "reference_example"},
      {"min_start_time", "start_time"},
      {"max_start_time", "end_time"}};
  json::Object v1;
  for (const auto& [name, of_v1] : same)
    if (const json::Value* value = body.if_contains(name); value != nullptr && !value->is_null())
      v1[of_v1] = *value;
  if (const json::Value* project = body.if_contains("project_id");
      project != nullptr && project->is_string())
    v1["session"] = json::Array{*project};
  if (const json::Value* type = body.if_contains("run_type");
      type != nullptr && type->is_string()) {
    std::string small(type->get_string());
    for (char& c : small)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    v1["run_type"] = small;
  }
  for (const char* semantic : {"ai_search", "sem_filter"})
    if (const json::Value* words = body.if_contains(semantic);
        words != nullptr && !words->is_null())
      return fail(Code::invalid_argument,
                  "{}: no model reads queries here; use filter, with search(\"words\")", semantic);
  if (!v1.contains("start_time") && !v1.contains("trace") && !v1.contains("id")) {
    constexpr Nanoseconds day = 86'400'000'000'000;
    v1["start_time"] =
        langsmith_time(system_clock().now().time_since_epoch().count() * per_microsecond - day);
  }
  return v1;
}

Result<std::vector<Run>> all_runs(const Context& context, const Services& services,
                                  const json::Object& v1_body, std::size_t most) {
  json::Object body = v1_body;
  body["limit"] = page_max;
  std::vector<Run> all;
  for (;;) {
    TRY(context.check());
    const LangSmithQuery query = TRY(read_langsmith_query(context, body, services));
    Page<Run> found = TRY(run_langsmith_query(context, services.store, query));
    for (Run& run : found.items) all.push_back(std::move(run));
    if (!found.next_cursor) return all;
    if (all.size() >= most)
      return fail(Code::invalid_argument, "more than {} runs match; narrow the query", most);
    body["cursor"] = *found.next_cursor;
  }
}

void mount_v2_runs(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services, FaceRoutes::Version::v2);
  add("POST", "/runs/query", "read", query_runs);
  add("GET", "/runs/{run_id}", "read", read_run);
  add("GET", "/runs/{run_id}/url", "read", run_url);
  add("POST", "/runs/{run_id}/share", "write", share);
  add("DELETE", "/runs/{run_id}/share", "write", unshare);
  add("POST", "/traces/query", "read", query_traces);
  add("GET", "/traces/{trace_id}/runs", "read", runs_of_trace);
  add("GET", "/public/{token}/run/{run_id}", "", read_public);
  add("POST", "/public/{token}/runs/query", "", query_public);
}

}  // namespace slipway::trace::detail
