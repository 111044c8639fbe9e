#include "datasets/detail/experiment_runs.hpp"

#include <algorithm>
#include <limits>

#include "trace/face.hpp"

namespace slipway::datasets::detail {

namespace {

constexpr std::size_t runs_max = 100'000, sessions_max = 100;
constexpr std::size_t page_size = 1000;

/// Ids of runs by example.
using RunIds = std::map<std::string, std::vector<std::string>>;

Result<void> add_session(const Context& context, const Services& services,
                         const ExperimentWish& wish, const std::string& session_id, RunIds& found) {
  const auto session = TRY(trace::find_session(context, services.traces, session_id));
  if (!session) return fail(Code::not_found, "Session {} not found", session_id.substr(0, 100));
  json::Object body{{"session", json::Array{json::Value(session->id)}},
                    {"is_root", true},
                    {"order", "asc"},
                    {"limit", page_size},
                    {"select", json::Array{json::Value("id")}}};
  if (const auto filters = wish.filters.find(session_id); filters != wish.filters.end())
    if (!filters->second.empty())
      body["filter"] = fmt::format("and({})", fmt::join(filters->second, ","));
  std::size_t count = 0;
  for (;;) {
    TRY(context.check());
    const auto page = TRY(trace::query_langsmith_runs(context, services.traces, body));
    for (const trace::Run& run : page.items) {
      if (!run.reference_example_id) continue;
      if (++count > runs_max)
        return fail(Code::invalid_argument, "experiment '{}' has more than {} runs", session->name,
                    runs_max);
      found[trace::as_uuid(*run.reference_example_id)].push_back(run.id);
    }
    if (!page.next_cursor) return {};
    body["cursor"] = *page.next_cursor;
  }
}

/// The mean of a feedback over an example's runs; those without any come last.
Result<std::map<std::string, double>> scores(const Context& context, const Services& services,
                                             const ExperimentWish& wish, const RunIds& found) {
  std::map<std::string, double> by_example;
  for (const auto& [example, runs] : found) {
    double sum = 0;
    std::int64_t count = 0;
    for (std::size_t begin = 0; begin < runs.size(); begin += page_size) {
      const auto end = std::min(runs.size(), begin + page_size);
      const std::vector<std::string> some(runs.begin() + static_cast<std::ptrdiff_t>(begin),
                                          runs.begin() + static_cast<std::ptrdiff_t>(end));
      for (const auto& [id, stats] : TRY(services.traces.feedbacks.stats_of_runs(context, some))) {
        const auto stat = stats.find(wish.sort_key);
        if (stat == stats.end()) continue;
        sum += stat->second.sum;
        count += stat->second.scores;
      }
    }
    constexpr double last = std::numeric_limits<double>::max();
    by_example[example] =
        count > 0 ? sum / static_cast<double>(count) : (wish.is_ascending ? last : -last);
  }
  return by_example;
}

/// In the order of the dataset: as they stand in it now, then those that are removed.
Result<std::vector<Example>> in_order(const Context& context, const Services& services,
                                      const ExperimentWish& wish, const RunIds& found) {
  std::vector<std::string> ids;
  for (const auto& [example, runs] : found)
    if (wish.example_ids.empty() ||
        std::any_of(wish.example_ids.begin(), wish.example_ids.end(),
                    [&](const std::string& id) { return trace::as_uuid(id) == example; }))
      ids.push_back(example);
  auto examples = TRY(services.datasets.last_known(context, ids));
  std::erase_if(examples, [&](const Example& example) {
    return example.dataset_id != trace::as_uuid(wish.dataset_id);
  });
  std::stable_sort(examples.begin(), examples.end(),
                   [](const Example& a, const Example& b) { return a.place < b.place; });
  if (wish.sort_key.empty()) return examples;
  const auto means = TRY(scores(context, services, wish, found));
  std::stable_sort(examples.begin(), examples.end(), [&](const Example& a, const Example& b) {
    const double x = means.at(a.id), y = means.at(b.id);
    return wish.is_ascending ? x < y : x > y;
  });
  return examples;
}

Result<std::vector<trace::Run>> whole_runs(const Context& context, const Services& services,
                                           const std::vector<std::string>& ids) {
  std::vector<trace::Run> runs;
  for (const std::string& id : ids) {
    auto run = services.traces.store.run(context, id, "");
    if (!run && run.error().code() != Code::not_found) return run.error();
    if (run) runs.push_back(*std::move(run));
  }
  return runs;
}

}  // namespace

Result<std::vector<ExampleRuns>> experiment_runs(const Context& context, const Services& services,
                                                 const ExperimentWish& wish) {
  if (wish.session_ids.empty() || wish.session_ids.size() > sessions_max)
    return fail(Code::invalid_argument, "1 to {} experiments are wanted, got {}", sessions_max,
                wish.session_ids.size());
  TRY(services.datasets.read(context, wish.dataset_id));
  RunIds found;
  for (const std::string& id : wish.session_ids)
    TRY(add_session(context, services, wish, id, found));
  auto examples = TRY(in_order(context, services, wish, found));
  std::vector<ExampleRuns> rows;
  const auto begin = std::min(examples.size(), static_cast<std::size_t>(wish.offset));
  const auto end = std::min(examples.size(), begin + static_cast<std::size_t>(wish.limit));
  for (std::size_t i = begin; i < end; ++i) {
    ExampleRuns& row = rows.emplace_back();
    row.runs = TRY(whole_runs(context, services, found.at(examples[i].id)));
    row.example = std::move(examples[i]);
  }
  return rows;
}

}  // namespace slipway::datasets::detail
