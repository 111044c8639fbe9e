// Experiments over datasets, and comparisons of them, for LangSmith's clients.
#include "datasets/detail/experiment_runs.hpp"
#include "datasets/detail/experiment_wire.hpp"
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

struct RunsBody {
  std::vector<std::string> session_ids;
  std::optional<std::map<std::string, std::vector<std::string>>> filters;
  std::optional<std::vector<std::string>> example_ids;
  std::optional<int> limit, offset;
  static constexpr std::string_view required[] = {"session_ids"};
};
BOOST_DESCRIBE_STRUCT(RunsBody, (), (session_ids, filters, example_ids, limit, offset))

Reply runs(const Services& services, const ExchangePtr& exchange,
           const http::PathParameters& path) {
  constexpr int limit_default = 20, limit_max = 100;
  auto body = TRY(read_body<RunsBody>(exchange));
  ExperimentWish wish{.dataset_id = trace::path_value(path, "id"),
                      .session_ids = std::move(body.session_ids)};
  if (body.filters) wish.filters = *std::move(body.filters);
  if (body.example_ids) wish.example_ids = *std::move(body.example_ids);
  wish.limit = std::clamp(body.limit.value_or(limit_default), 1, limit_max);
  wish.offset = std::max(body.offset.value_or(0), 0);
  return trace::json_response(
      200, TRY(experiment_text(exchange->context(), services,
                               TRY(experiment_runs(exchange->context(), services, wish)),
                               trace::server_url(exchange->request()))));
}

struct SortBody {
  std::string by, order = "DESC";
};
BOOST_DESCRIBE_STRUCT(SortBody, (), (by, order))

struct RunsBodyV2 {
  std::vector<std::string> experiment_ids;
  std::optional<std::map<std::string, std::vector<std::string>>> filters;
  std::optional<std::vector<std::string>> example_ids, selects;
  std::optional<std::string> cursor;
  std::optional<int> page_size;
  std::optional<SortBody> sort;
  static constexpr std::string_view required[] = {"experiment_ids"};
};
BOOST_DESCRIBE_STRUCT(RunsBodyV2, (),
                      (experiment_ids, filters, example_ids, selects, cursor, page_size, sort))

Result<ExperimentWish> wish_of(RunsBodyV2 body, const std::string& dataset_id) {
  constexpr int page_default = 20, page_max = 100;
  constexpr std::string_view prefix = "feedback.";
  ExperimentWish wish{.dataset_id = dataset_id, .session_ids = std::move(body.experiment_ids)};
  if (body.filters) wish.filters = *std::move(body.filters);
  if (body.example_ids) wish.example_ids = *std::move(body.example_ids);
  wish.limit = std::clamp(body.page_size.value_or(page_default), 1, page_max);
  wish.offset = TRY(read_offset(body.cursor.value_or("")));
  if (body.sort && !body.sort->by.empty()) {
    if (wish.session_ids.size() != 1)
      return fail(Code::invalid_argument, "sort: is for one experiment, got {}",
                  wish.session_ids.size());
    wish.sort_key = body.sort->by;
    if (wish.sort_key.starts_with(prefix)) wish.sort_key.erase(0, prefix.size());
    wish.is_ascending = http::equals_ignoring_case(body.sort->order, "ASC");
  }
  return wish;
}

Reply runs_v2(const Services& services, const ExchangePtr& exchange,
              const http::PathParameters& path) {
  const Context& context = exchange->context();
  auto body = TRY(read_body<RunsBodyV2>(exchange));
  const auto selects = body.selects.value_or(std::vector<std::string>{"ID"});
  ExperimentWish wish = TRY(wish_of(std::move(body), trace::path_value(path, "id")));
  const int size = wish.limit++;
  auto rows = TRY(experiment_runs(context, services, wish));
  json::Value next;
  if (static_cast<int>(rows.size()) > size) {
    next = std::to_string(wish.offset + size);
    rows.pop_back();
  }
  std::string text = "{\"items\":[";
  for (const ExampleRuns& row : rows) {
    if (text.back() == '}') text += ',';
    const auto texts =
        TRY(trace::langsmith_v2_run_texts(exchange, services.traces, row.runs, selects));
    text += example_text(row.example, {.origin = trace::server_url(exchange->request()),
                                       .has_attachments = true,
                                       .runs = fmt::format("[{}]", fmt::join(texts, ","))});
  }
  return trace::json_response(200, text + "],\"next_cursor\":" + json::dump(next) + "}");
}

struct ComparisonBody {
  std::optional<std::string> id, name, description, created_at;
  std::vector<std::string> experiment_ids;
  std::string reference_dataset_id;
  std::optional<json::Object> extra;
  static constexpr std::string_view required[] = {"experiment_ids", "reference_dataset_id"};
};
BOOST_DESCRIBE_STRUCT(ComparisonBody, (),
                      (id, name, description, created_at, experiment_ids, reference_dataset_id,
                       extra))

Reply compare(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  const Context& context = exchange->context();
  auto body = TRY(read_body<ComparisonBody>(exchange));
  Comparison comparison{.id = body.id.value_or(""),
                        .dataset_id = body.reference_dataset_id,
                        .name = body.name,
                        .description = body.description,
                        .experiment_ids = std::move(body.experiment_ids),
                        .extra = body.extra.value_or(json::Object())};
  if (body.created_at) comparison.created = TRY(read_time(*body.created_at).within("created_at"));
  for (const std::string& id : comparison.experiment_ids)
    if (!TRY(trace::find_session(context, services.traces, id)))
      return fail(Code::not_found, "Session {} not found", id.substr(0, 100));
  return json_reply(comparison_json(TRY(services.datasets.compare(context, std::move(comparison))),
                                    TRY(Experiments::make(context, services))));
}

Reply comparisons(const Services& services, const ExchangePtr& exchange,
                  const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Paging paging = TRY(paging_of(exchange->request()));
  const auto experiments = TRY(Experiments::make(context, services));
  json::Array all;
  int skipped = 0;
  for (const Comparison& one :
       TRY(services.datasets.comparisons(context, trace::path_value(path, "id")))) {
    if (skipped++ < paging.offset || static_cast<int>(all.size()) == paging.limit) continue;
    all.push_back(comparison_json(one, experiments));
  }
  return json_reply(all);
}

Reply remove_comparison(const Services& services, const ExchangePtr& exchange,
                        const http::PathParameters& path) {
  TRY(services.datasets.remove_comparison(exchange->context(), trace::path_value(path, "id")));
  return json_reply(json::Object{{"message", "deleted"}});
}

}  // namespace

void mount_experiments(const Routes& routes) {
  routes.add("POST", "/datasets/{id}/runs", "read", runs);
  routes.add_v2("POST", "/datasets/{id}/experiment-runs", "read", runs_v2);
  routes.add("POST", "/datasets/comparative", "write", compare);
  routes.add("GET", "/datasets/{id}/comparative", "read", comparisons);
  routes.add("DELETE", "/datasets/comparative/{id}", "write", remove_comparison);
}

}  // namespace slipway::datasets::detail
