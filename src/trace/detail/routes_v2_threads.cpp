// Threads: the roots of one project that share a thread's id. And what many runs come to together.
#include <algorithm>

#include "trace/detail/json_text.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/routes_v2.hpp"
#include "trace/detail/stored_run.hpp"

namespace slipway::trace::detail {

namespace {

/// Roots that one list of threads is made of.
constexpr std::size_t roots_max = 50'000;
constexpr double milliseconds = 1000;

Result<json::Object> body_of(const http::ExchangePtr& exchange) {
  if (exchange->request().body.empty()) return json::Object();
  return json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body")));
}

std::optional<double> seconds(const std::optional<double>& ms) {
  return ms ? std::optional(*ms / milliseconds) : std::nullopt;
}

/// Roots of the project, youngest first, as far as the body narrows them.
Result<std::vector<Run>> roots_of(const Context& context, const Services& services,
                                  const json::Object& body) {
  json::Object v1 = TRY(v1_query(body));
  if (!v1.contains("session")) return fail(Code::invalid_argument, "project_id: is missing");
  v1["is_root"] = true;
  v1.erase("cursor");
  return all_runs(context, services, v1, roots_max);
}

struct Thread {
  std::vector<const Run*> roots;  ///< Youngest first.
  RunTotals totals;
};

std::map<std::string, Thread> threads_in(const std::vector<Run>& roots) {
  std::map<std::string, Thread> threads;
  for (const Run& root : roots)
    if (root.session_id) {
      Thread& thread = threads[*root.session_id];
      thread.roots.push_back(&root);
      thread.totals.add(root);
    }
  for (auto& [id, thread] : threads) thread.totals.finish();
  return threads;
}

/// Of all runs of its traces: roots alone seldom use tokens.
Result<void> add_trees(const Context& context, const Services& services, Thread& thread) {
  std::int64_t tokens = 0;
  Picodollars cost;
  bool is_priced = false;
  for (const Run* root : thread.roots) {
    Query query;
    query.trace_id = root->trace_id;
    query.limit = 1;
    const auto page = TRY(services.store.traces(context, query));
    if (page.items.empty()) continue;
    tokens += page.items.front().total_tokens;
    if (page.items.front().cost) {
      cost += *page.items.front().cost;
      is_priced = true;
    }
  }
  thread.totals.usage.total_tokens = tokens;
  thread.totals.total = cost;
  thread.totals.is_priced = is_priced;
  return {};
}

Result<std::string> feedback_of(const Context& context, const Services& services,
                                const std::vector<const Run*>& roots) {
  FeedbackStats all;
  std::vector<std::string> ids;
  constexpr std::size_t most = 1000;
  for (const Run* root : roots)
    if (ids.size() < most) ids.push_back(root->id);
  for (const auto& [id, stats] : TRY(services.feedbacks.stats_of_runs(context, ids)))
    for (const auto& [key, stat] : stats) all[key].add(stat);
  return json::dump(feedback_stats_json(all));
}

Result<std::string> thread_text(const Context& context, const Services& services,
                                const std::string& id, const Thread& thread) {
  const Run& last = *thread.roots.front();
  const Run& first = *thread.roots.back();
  std::optional<std::string> last_error;
  for (const Run* root : thread.roots)
    if (!last_error && root->error) last_error = root->error;
  std::string out;
  ObjectText object(out);
  object.text("thread_id", std::string_view(id));
  object.count("count", static_cast<std::int64_t>(thread.roots.size()));
  object.text("first_inputs", std::string_view(preview(first.inputs)));
  object.text("last_outputs", std::string_view(preview(last.outputs)));
  object.text("first_trace_id", std::string_view(as_uuid(first.trace_id)));
  object.text("last_trace_id", std::string_view(as_uuid(last.trace_id)));
  object.text("trace_id", std::string_view(as_uuid(last.trace_id)));
  object.text("last_error", last_error);
  object.number("latency_p50", seconds(quantile(thread.totals.latencies_ms, 0.5)));
  object.number("latency_p99", seconds(quantile(thread.totals.latencies_ms, 0.99)));
  object.text("min_start_time", std::string_view(langsmith_time(thread.totals.first_start)));
  object.text("max_start_time", std::string_view(langsmith_time(thread.totals.last_start)));
  object.text("start_time", std::string_view(langsmith_time(thread.totals.first_start)));
  object.count("num_errored_turns", thread.totals.errors);
  object.count("total_tokens", thread.totals.usage.total_tokens);
  if (thread.totals.is_priced)
    object.money("total_cost", thread.totals.total);
  else
    object.raw("total_cost", "null");
  object.raw("feedback_stats", TRY(feedback_of(context, services, thread.roots)));
  object.end();
  return out;
}

Result<std::size_t> offset_of(const std::string& cursor) {
  if (cursor.empty()) return std::size_t{0};
  const auto number = json::parse(cursor);
  const auto offset =
      number ? json::from<std::uint32_t>(*number) : Result<std::uint32_t>(number.error());
  if (!offset)
    return fail(Code::invalid_argument, "cursor: '{}' is not of this list", cursor.substr(0, 60));
  return *offset;
}

Result<http::Response> query_threads(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters&) {
  const Context& context = exchange->context();
  const json::Object body = TRY(body_of(exchange));
  const auto member = [&](const char* name) {
    const json::Value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  };
  if (!member("thread_filter").empty())
    return fail(Code::invalid_argument, "thread_filter: cannot be answered here; use filter");
  const std::size_t offset = TRY(offset_of(member("cursor")));
  const json::Value* asked = body.if_contains("page_size");
  const std::size_t size = static_cast<std::size_t>(std::clamp(
      asked == nullptr || asked->is_null() ? 100 : TRY(json::from<int>(*asked).within("page_size")),
      1, 1000));
  const auto roots = TRY(roots_of(context, services, body));
  auto threads = threads_in(roots);
  std::vector<std::pair<const std::string, Thread>*> order;
  for (auto& thread : threads) order.push_back(&thread);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.totals.last_start > b->second.totals.last_start;
  });
  std::vector<std::string> items;
  for (std::size_t i = offset; i < order.size() && items.size() < size; ++i) {
    TRY(add_trees(context, services, order[i]->second));
    items.push_back(TRY(thread_text(context, services, order[i]->first, order[i]->second)));
  }
  const bool has_more = offset + items.size() < order.size();
  return v2_page(exchange->request(), items,
                 has_more ? std::optional(fmt::format("{}", offset + items.size())) : std::nullopt);
}

/// All roots of one thread.
Result<std::vector<Run>> roots_of_thread(const Context& context, const Services& services,
                                         const http::Request& request, const std::string& thread) {
  const auto project = query_value(request, "project_id") ? query_value(request, "project_id")
                                                          : query_value(request, "session_id");
  if (!project) return fail(Code::invalid_argument, "project_id: is missing");
  json::Object v1{{"session", json::Array{json::Value(*project)}}, {"is_root", true}};
  std::string filter = fmt::format("eq(thread_id, {})", json::quoted(thread));
  if (const auto more = query_value(request, "filter"))
    filter = fmt::format("and({}, {})", filter, *more);
  v1["filter"] = filter;
  for (const char* name : {"trace_filter", "tree_filter"})
    if (const auto value = query_value(request, name)) v1[name] = *value;
  return all_runs(context, services, v1, roots_max);
}

/// As runs of v2, with what only turns have.
Result<http::Response> traces_of_thread(const Services& services, const http::ExchangePtr& exchange,
                                        const http::PathParameters& path) {
  const Context& context = exchange->context();
  const http::Request& request = exchange->request();
  const std::string thread = path_value(path, "thread_id");
  const std::set<std::string> asked = [&] {
    const auto values = query_values(request, "selects");
    return std::set<std::string>(values.begin(), values.end());
  }();
  std::vector<std::string> names = {"TRACE_ID", "THREAD_ID"};
  for (const std::string& one : asked)
    if (one != "OP" && one != "LATENCY" && one != "TURN_NUMBER") names.push_back(one);
  const Selects selects = TRY(read_selects(names));
  const std::size_t offset = TRY(offset_of(query_value(request, "cursor").value_or("")));
  const std::size_t size =
      std::clamp<std::size_t>(TRY(query_number(request, "page_size", 100)), 1, 1000);
  const auto roots = TRY(roots_of_thread(context, services, request, thread));
  std::vector<Run> shown;
  for (std::size_t i = offset; i < roots.size() && shown.size() < size; ++i)
    shown.push_back(roots[i]);
  auto items = TRY(v2_run_texts(context, services, shown, selects, base_url(request)));
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].pop_back();
    if (asked.contains("LATENCY"))
      items[i] += fmt::format(
          ",\"latency\":{}",
          shown[i].latency_ms() ? json::dump(*shown[i].latency_ms() / milliseconds) : "null");
    if (asked.contains("TURN_NUMBER"))
      items[i] += fmt::format(",\"turn_number\":{}", roots.size() - offset - i);
    items[i] += '}';
  }
  const bool has_more = offset + shown.size() < roots.size();
  return v2_page(request, items,
                 has_more ? std::optional(fmt::format("{}", offset + shown.size())) : std::nullopt);
}

/// Numbers under the names that several replies share.
void add_usage(ObjectText& object, const RunTotals& totals) {
  const auto money = [&](std::string_view name, Picodollars amount) {
    if (totals.is_priced)
      object.money(name, amount);
    else
      object.raw(name, "null");
  };
  object.count("prompt_tokens", totals.usage.input_tokens);
  object.count("completion_tokens", totals.usage.output_tokens);
  object.count("total_tokens", totals.usage.total_tokens);
  money("prompt_cost", totals.prompt);
  money("completion_cost", totals.completion);
  money("total_cost", totals.total);
}

Result<http::Response> stats_of_thread(const Services& services, const http::ExchangePtr& exchange,
                                       const http::PathParameters& path) {
  const Context& context = exchange->context();
  const auto roots =
      TRY(roots_of_thread(context, services, exchange->request(), path_value(path, "thread_id")));
  if (roots.empty())
    return fail(Code::not_found, "Thread {} not found",
                path_value(path, "thread_id").substr(0, 100));
  Thread thread;
  RunTotals usage;
  for (const Run& root : roots) {
    thread.roots.push_back(&root);
    thread.totals.add(root);
    for (const Run& run : TRY(services.store.trace(context, root.trace_id, false)).runs)
      usage.add(run);
  }
  thread.totals.finish();
  std::string out;
  ObjectText object(out);
  object.count("turns", static_cast<std::int64_t>(roots.size()));
  object.text("first_start_time", std::string_view(langsmith_time(thread.totals.first_start)));
  object.text("last_start_time", std::string_view(langsmith_time(thread.totals.last_start)));
  object.text("last_end_time", thread.totals.last_end
                                   ? std::optional(langsmith_time(*thread.totals.last_end))
                                   : std::nullopt);
  object.number("latency_p50_seconds", seconds(quantile(thread.totals.latencies_ms, 0.5)));
  object.number("latency_p99_seconds", seconds(quantile(thread.totals.latencies_ms, 0.99)));
  add_usage(object, usage);
  object.raw("feedback_stats", TRY(feedback_of(context, services, thread.roots)));
  object.end();
  return json_response(200, std::move(out));
}

Result<http::Response> stats_of_threads(const Services& services, const http::ExchangePtr& exchange,
                                        const http::PathParameters&) {
  const Context& context = exchange->context();
  const auto roots = TRY(roots_of(context, services, TRY(body_of(exchange))));
  const auto threads = threads_in(roots);
  RunTotals totals;
  std::vector<double> tokens;
  std::vector<const Run*> of_threads;
  for (const auto& [id, thread] : threads)
    for (const Run* root : thread.roots) {
      totals.add(*root);
      of_threads.push_back(root);
      tokens.push_back(static_cast<double>(root->usage.value_or(Usage()).total_tokens));
    }
  totals.finish();
  std::sort(tokens.begin(), tokens.end());
  std::string out;
  ObjectText object(out);
  object.count("thread_count", static_cast<std::int64_t>(threads.size()));
  object.count("trace_count", totals.runs);
  add_usage(object, totals);
  const double runs = static_cast<double>(std::max<std::int64_t>(totals.runs, 1));
  object.number("error_rate", static_cast<double>(totals.errors) / runs);
  object.number("streaming_rate", static_cast<double>(totals.streamed) / runs);
  object.number("latency_p50_seconds", seconds(quantile(totals.latencies_ms, 0.5)));
  object.number("latency_p99_seconds", seconds(quantile(totals.latencies_ms, 0.99)));
  object.number("first_token_p50_seconds", seconds(quantile(totals.first_tokens_ms, 0.5)));
  object.number("first_token_p99_seconds", seconds(quantile(totals.first_tokens_ms, 0.99)));
  object.count("median_tokens", static_cast<std::int64_t>(quantile(tokens, 0.5).value_or(0)));
  object.raw("thread_feedback_stats", TRY(feedback_of(context, services, of_threads)));
  object.end();
  return json_response(200, std::move(out));
}

// --- Sharing

Result<std::string> project_of(const http::ExchangePtr& exchange) {
  if (const auto project = query_value(exchange->request(), "project_id")) return *project;
  const json::Object body = TRY(body_of(exchange));
  const json::Value* project = body.if_contains("project_id");
  if (project == nullptr || !project->is_string())
    return fail(Code::invalid_argument, "project_id: is missing");
  return std::string(project->get_string());
}

Result<http::Response> share(const Services& services, const http::ExchangePtr& exchange,
                             const http::PathParameters& path) {
  const std::string project = TRY(project_of(exchange));
  Share share{.kind = Share::Kind::thread,
              .subject = path_value(path, "thread_id"),
              .session_id = as_uuid(project)};
  const Share shared = TRY(services.shares.put(exchange->context(), std::move(share)));
  return json_response(200, json::dump(json::Object{{"share_token", shared.token}}));
}

Result<http::Response> read_share(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  const auto shared =
      TRY(services.shares.find(exchange->context(), Share::Kind::thread,
                               path_value(path, "thread_id"), TRY(project_of(exchange))));
  if (!shared) return fail(Code::not_found, "this thread is not shared");
  return json_response(200, json::dump(json::Object{{"share_token", shared->token}}));
}

Result<http::Response> unshare(const Services& services, const http::ExchangePtr& exchange,
                               const http::PathParameters& path) {
  TRY(services.shares.remove(exchange->context(), Share::Kind::thread,
                             path_value(path, "thread_id"), TRY(project_of(exchange))));
  return http::Response{.status = 204};
}

}  // namespace

void RunTotals::add(const Run& run) {
  if (runs == 0 || run.start < first_start) first_start = run.start;
  if (runs == 0 || run.start > last_start) last_start = run.start;
  if (run.end && (!last_end || *run.end > *last_end)) last_end = run.end;
  ++runs;
  if (run.status == Status::error) ++errors;
  if (run.latency_ms()) latencies_ms.push_back(*run.latency_ms());
  if (run.first_token_ms()) {
    ++streamed;
    first_tokens_ms.push_back(*run.first_token_ms());
  }
  if (run.usage) {
    usage.input_tokens += run.usage->input_tokens;
    usage.output_tokens += run.usage->output_tokens;
    usage.total_tokens += run.usage->total_tokens;
  }
  if (!run.cost) return;
  is_priced = true;
  total += run.cost->total;
  for (const CostLine& line : run.cost->lines) {
    const bool is_output = line.bucket == "reasoning" || line.bucket.starts_with("output");
    (is_output ? completion : prompt) += line.usd;
  }
}

void RunTotals::finish() {
  std::sort(latencies_ms.begin(), latencies_ms.end());
  std::sort(first_tokens_ms.begin(), first_tokens_ms.end());
}

void mount_v2_threads(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services, FaceRoutes::Version::v2);
  add("POST", "/threads/query", "read", query_threads);
  add("POST", "/threads/stats", "read", stats_of_threads);
  add("GET", "/threads/{thread_id}/traces", "read", traces_of_thread);
  add("GET", "/threads/{thread_id}/stats", "read", stats_of_thread);
  add("POST", "/threads/{thread_id}/share", "write", share);
  add("GET", "/threads/{thread_id}/share", "write", read_share);
  add("DELETE", "/threads/{thread_id}/share", "write", unshare);
}

}  // namespace slipway::trace::detail
