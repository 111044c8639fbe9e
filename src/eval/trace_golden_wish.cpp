#include "eval/trace_golden_wish.hpp"

#include "core/files.hpp"
#include "eval/golden_dataset.hpp"
#include "eval/trace_goldens.hpp"
#include "trace/feedback_filter.hpp"
#include "trace/masks.hpp"
#include "trace/origin.hpp"

namespace slipway::eval {

namespace {

Result<trace::Query> query_of(const TraceGoldensWish& wish) {
  trace::Query query;
  query.project = wish.project;
  if (wish.from) query.from = trace::nanoseconds(TRY(parse_time(*wish.from).within("from")));
  if (wish.to) query.to = trace::nanoseconds(TRY(parse_time(*wish.to).within("to")));
  if (wish.q) query.text = trace::parse_text_query(*wish.q);
  if (wish.filter) query.filter = TRY(trace::parse_filter(*wish.filter).within("filter"));
  return query;
}

/// What the configuration masks, and all kinds of personal data.
Result<std::function<void(trace::RunPatch&)>> redactor(std::vector<std::string> rules) {
  for (const std::string& kind : json::names<Personal>()) rules.push_back(kind);
  const auto masks = std::make_shared<const trace::Masks>(TRY(trace::Masks::make(rules)));
  return std::function<void(trace::RunPatch&)>(
      [masks](trace::RunPatch& run) { masks->apply(run); });
}

Result<void> store(const Context& context, datasets::Datasets& datasets,
                   const std::vector<Golden>& found, TraceGoldensReport& report) {
  std::vector<Golden> known;
  if (const auto named = find_goldens(context, datasets, *report.dataset))
    known = TRY(goldens_of(context, datasets, *named));
  else if (named.error().code() != Code::not_found)
    return named.error();
  const std::vector<Golden> news = news_of(known, found);
  const auto added = TRY(add_goldens(context, datasets, *report.dataset, news, Merge::into));
  report.added = static_cast<std::int64_t>(added.added);
  report.answered = static_cast<std::int64_t>(added.changed);
  report.known = static_cast<std::int64_t>(found.size() - news.size());
  report.size = static_cast<std::int64_t>(added.version.size);
  report.digest = added.version.digest;
  return {};
}

}  // namespace

Result<void> check(const TraceGoldensWish& wish) {
  if (wish.dataset && wish.dataset->find('@') != std::string::npos)
    return fail(Code::invalid_argument, "dataset: '{}': a dataset's name has no '@'",
                *wish.dataset);
  TRY(query_of(wish));
  return {};
}

Result<TraceGoldensReport> take_trace_goldens(const Context& context,
                                              const TraceGoldensDoors& doors,
                                              const TraceGoldensWish& wish) {
  TRY(check(wish));
  TraceSelection selection{.query = TRY(query_of(wish)),
                           .seed = static_cast<std::uint64_t>(wish.seed),
                           .failed = wish.failed};
  if (selection.query.filter)
    TRY(trace::resolve_feedback(context, doors.feedbacks, *selection.query.filter,
                                trace::Listed::traces));
  if (wish.sample) selection.sample = static_cast<std::size_t>(*wish.sample);
  if (wish.redact) selection.redact = TRY(redactor(doors.mask));
  const TraceGoldens found =
      TRY(goldens_of_traces(context, doors.store, doors.feedbacks, selection));
  TraceGoldensReport report{.dataset = wish.dataset,
                            .matched = static_cast<std::int64_t>(found.matched),
                            .taken = static_cast<std::int64_t>(found.goldens.size()),
                            .incomplete = static_cast<std::int64_t>(found.incomplete)};
  if (wish.dataset)
    TRY(store(context, doors.datasets, found.goldens, report));
  else
    for (const Golden& golden : found.goldens) report.goldens.push_back(to_json(golden));
  return report;
}

}  // namespace slipway::eval
