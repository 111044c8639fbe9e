// /api/evaluations: listed, read, compared.
#include "api/detail/evaluation_routes.hpp"
#include "api/detail/evaluation_wire.hpp"

namespace slipway::api::detail {

namespace {

Result<int> offset_of(const std::string& cursor) {
  if (cursor.empty()) return 0;
  constexpr std::size_t digits_max = 9;
  if (cursor.size() > digits_max || cursor.find_first_not_of("0123456789") != std::string::npos)
    return fail(Code::invalid_argument, "cursor: '{}' is not one of this list", cursor);
  return std::stoi(cursor);
}

std::optional<std::string> cursor_of(bool has_more, int offset, int limit) {
  if (!has_more) return std::nullopt;
  return std::to_string(offset + limit);
}

/// Whose dataset that is: its id. Fails: not_found.
Result<std::string> dataset_id(const Context& context, datasets::Datasets& datasets,
                               const std::string& name) {
  auto found = datasets.read_named(context, name);
  if (found || found.error().code() != Code::not_found) return TRY(std::move(found)).id;
  if (const auto by_id = datasets.read(context, name)) return by_id->id;
  return found.error();
}

Result<EvaluationList> list(const Context& context, const EvaluationDesk& desk,
                            const EvaluationListing& wish) {
  eval::EvaluationQuery query{.limit = wish.limit};
  query.offset = TRY(offset_of(wish.cursor));
  if (!wish.dataset.empty())
    query.dataset_id = TRY(dataset_id(context, desk.services.datasets.datasets, wish.dataset));
  auto page = TRY(desk.evaluations.list(context, query));
  EvaluationList list{.items = std::move(page.items)};
  for (eval::EvaluationInfo& info : list.items) desk.bring_up_to_date(context, info);
  list.next_cursor = cursor_of(page.has_more, query.offset, query.limit);
  return list;
}

Result<ItemList> items(const Context& context, const EvaluationDesk& desk,
                       const ItemListing& wish) {
  eval::CaseQuery query{
      .failing = wish.failing, .metric = wish.metric, .sort = wish.sort, .limit = wish.limit};
  query.offset = TRY(offset_of(wish.cursor));
  auto page = TRY(desk.evaluations.cases(context, wish.id, query));
  return ItemList{.items = std::move(page.items),
                  .next_cursor = cursor_of(page.has_more, query.offset, query.limit)};
}

MetricShape shape_of(const eval::MetricInfo& info) {
  MetricShape shape{.name = info.name,
                    .summary = info.summary,
                    .source = info.source,
                    .lower_is_better = info.lower_is_better};
  for (const eval::ModeInfo& mode : info.modes)
    shape.modes.push_back({mode.mode, mode.formula, mode.needs, !mode.steps.empty()});
  for (const eval::OptionInfo& option : info.options)
    shape.options.push_back(
        {option.name, option.kind, option.fallback, option.meaning, option.choices});
  return shape;
}

void mount_lists(http::Api& api, const EvaluationDeskPtr& desk) {
  api.get<EvaluationListing, EvaluationList>(
      "/api/evaluations",
      {.summary = "List evaluations, and experiments of other clients, youngest first",
       .tag = "evaluations",
       .role = "read",
       .name = "list_evaluations",
       .fails = {Code::not_found}},
      [desk](const http::Call& call, const EvaluationListing& wish) {
        return list(call.context(), *desk, wish);
      });
  api.get<ItemListing, ItemList>(
      "/api/evaluations/{id}/items",
      {.summary = "The cases of an evaluation, with scores, reasons and answers",
       .tag = "evaluations",
       .role = "read",
       .name = "list_evaluation_items",
       .fails = {Code::not_found}},
      [desk](const http::Call& call, const ItemListing& wish) {
        return items(call.context(), *desk, wish);
      });
  api.get<http::NoParameters, MetricInfoList>(
      "/api/evaluations/metrics",
      {.summary = "The metrics that there are",
       .tag = "evaluations",
       .role = "read",
       .name = "list_metrics"},
      [](const http::Call&, const http::NoParameters&) {
        MetricInfoList list;
        for (const eval::MetricInfo& info : eval::all_metrics())
          list.items.push_back(shape_of(info));
        return Result<MetricInfoList>(std::move(list));
      });
}

}  // namespace

Result<http::Written<EvaluationResult>> EvaluationDesk::result(const Context& context,
                                                               const std::string& id,
                                                               ResultPart part) const {
  eval::EvaluationInfo info = TRY(evaluations.get(context, id));
  bring_up_to_date(context, info);
  json::Object whole = TRY(evaluations.result(context, id));
  if (part == ResultPart::without_items) whole.erase("items");
  json::Object own = json::to(info).as_object();
  for (auto& [key, value] : own)
    if (key != "judge" || !whole.contains(key)) whole[key] = value;
  return http::Written<EvaluationResult>{json::dump(whole)};
}

void EvaluationDesk::bring_up_to_date(const Context& context, eval::EvaluationInfo& info) const {
  const bool is_live =
      info.state == eval::EvaluationState::queued || info.state == eval::EvaluationState::running;
  if (!is_live || !info.job) return;
  const auto job = services.jobs.get(context, *info.job);
  if (!job) return;
  if (!job->has_ended()) {
    info.done = job->progress.done;  // Cases are kept when all are done.
    if (job->progress.total > 0) info.total = job->progress.total;
    return;
  }
  // It was cancelled before it began, or what it ended with could not be written.
  info.state = job->state == JobState::cancelled ? eval::EvaluationState::cancelled
                                                 : eval::EvaluationState::failed;
  info.error = job->error;
}

void mount_evaluation_reading(http::Api& api, const EvaluationDeskPtr& desk) {
  mount_lists(api, desk);
  api.get<ComparisonWish, eval::EvaluationComparison>(
      "/api/evaluations/compare",
      {.summary = "Two evaluations side by side",
       .description = "Metrics with paired differences and their 95 % intervals, and the cases of "
                      "both, ordered by the change of one metric.",
       .tag = "evaluations",
       .role = "read",
       .name = "compare_evaluations",
       .fails = {Code::not_found, Code::conflict}},
      [desk](const http::Call& call,
             const ComparisonWish& wish) -> Result<eval::EvaluationComparison> {
        eval::ComparisonQuery query{.baseline = wish.baseline,
                                    .candidate = wish.candidate,
                                    .metric = wish.metric,
                                    .sort = wish.sort,
                                    .changed = wish.changed,
                                    .limit = wish.limit};
        query.offset = TRY(offset_of(wish.cursor));
        return desk->evaluations.compare(call.context(), query);
      });
  api.get<EvaluationWish, http::Written<EvaluationResult>>(
      "/api/evaluations/{id}",
      {.summary = "An evaluation and its result",
       .tag = "evaluations",
       .role = "read",
       .name = "get_evaluation",
       .fails = {Code::not_found}},
      [desk](const http::Call& call, const EvaluationWish& wish) {
        return desk->result(call.context(), wish.id,
                            wish.items ? EvaluationDesk::ResultPart::all
                                       : EvaluationDesk::ResultPart::without_items);
      });
}

}  // namespace slipway::api::detail

namespace slipway::api {

void mount_evaluations(http::Api& api, const EvaluationServices& services) {
  api.add_tag("evaluations", "Scores of datasets with error bars: run, read, compared.");
  const auto desk = std::make_shared<const detail::EvaluationDesk>(services);
  detail::mount_evaluation_reading(api, desk);
  detail::mount_evaluator_scores(api, desk);
  detail::mount_evaluation_report(api, desk);
  detail::mount_evaluation_runs(api, desk);
  detail::mount_goldens(api, desk);
}

}  // namespace slipway::api
