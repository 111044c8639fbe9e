// Rules that judge runs as they come in: which ones, how many of them, and how.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "core/json.hpp"
#include "store/database.hpp"
#include "trace/feedback.hpp"
#include "trace/store.hpp"

namespace slipway::trace {

enum class EvaluatorKind { contains, regex, json, judge, metric };
BOOST_DESCRIBE_ENUM(EvaluatorKind, contains, regex, json, judge, metric)

/// What a run's text is held to. Its score is 1 or 0, of a judge what the model says, of a metric
/// what its formula gives.
struct Evaluator {
  EvaluatorKind kind = EvaluatorKind::contains;
  std::string text;        ///< Of `contains`: must occur.
  std::string pattern;     ///< Of `regex` (`Pattern`): must match somewhere.
  bool is_denied = false;  ///< Must not.
  /// RFC 6901 pointer into the outputs: "/choices/0/message/content". Empty: what the model wrote,
  /// wherever that client puts it.
  std::string path;
  std::string prompt;  ///< Of `judge`: "grader@production"; its variables `input` and `output`.
  /// Of `judge`; empty: that of the prompt. Of `metric`: who judges; empty: nobody, its local form.
  std::string model;
  json::Object metric;  ///< Of `metric`, as a suite has it: {"name": "faithfulness", ...}.
};
BOOST_DESCRIBE_STRUCT(Evaluator, (), (kind, text, pattern, is_denied, path, prompt, model, metric))

struct Rule {
  std::string id, name;
  std::string key;      ///< Of the feedback that it writes.
  std::string project;  ///< Empty: all.
  std::string filter;   ///< JSON, as that of /api/runs; empty: all.
  bool roots_only = true;
  double sample = 1;  ///< Share of the runs, 0..1: by trace, all of one or none.
  bool is_enabled = true;
  Evaluator evaluator;
  Clock::Time created{};
};

/// A model's opinion.
struct Judgement {
  std::optional<double> score;
  std::string comment;
};
/// Asks a model. Fails: as calls do.
using Judge = std::function<Result<Judgement>(const Context&, const Evaluator&, const Run&,
                                              const std::string& input, const std::string& output)>;

/// Scores runs by metrics, which are not of this module.
struct MetricScorer {
  /// Fails: invalid_argument (there is no such metric or option), not_found (the model).
  std::function<Result<void>(const Context&, const Evaluator&)> check;
  /// Without a score where the run lacks what the metric needs. Fails: as calls do.
  std::function<Result<Judgement>(const Context&, const Evaluator&, const Run&)> score;
};

/// What the model wrote in a reply, or was asked in a request: the content of the last message, of
/// the first choice, of "output", "content", "text", "answer"; else all of it.
std::string payload_text(const std::optional<Payload>& payload);

/// The tables `trace_evaluators`.
std::vector<store::Migration> evaluator_migrations();

/// Keeps rules and applies them. Safe to use from many threads.
class Rules {
 public:
  struct Options {
    store::Database& database;
    TraceStore& store;  ///< All must outlive it.
    Feedbacks& feedbacks;
    Judge judge;                               ///< Absent: rules with one are refused.
    std::optional<MetricScorer> metrics = {};  ///< Likewise.
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  /// Fails: as a read.
  static Result<std::unique_ptr<Rules>> open(Options options);
  explicit Rules(Options options) : options_(std::move(options)) {}

  std::vector<Rule> list() const;
  Result<Rule> get(const std::string& id) const;  ///< Or not_found.
  /// Made if its id is empty. Fails: invalid_argument naming the member. At most 100.
  Result<Rule> put(const Context& context, Rule rule);
  Result<void> remove(const Context& context, const std::string& id);  ///< Or not_found.

  /// Whether any rule may want that run, by what is cheap to see.
  bool has_any() const;
  /// Judges the run by every rule that wants it, and writes the feedback: its id is made of rule
  /// and run, so that a run that is judged again has one opinion of each. What cannot be judged
  /// becomes feedback with an error. Runs of the project "evaluators" are never judged: they are
  /// the judges' own. Fails: as reads and writes.
  Result<int> apply(const Context& context, const std::string& run_id, const std::string& trace_id);

 private:
  using Snapshot = std::shared_ptr<const std::vector<Rule>>;
  Result<void> load(const Context& context);
  Result<bool> wants(const Context& context, const Rule& rule, const Run& run) const;
  Feedback judged(const Context& context, const Rule& rule, const Run& run) const;
  Result<Judgement> judgement(const Context& context, const Rule& rule, const Run& run) const;

  const Options options_;
  Guarded<Snapshot> rules_{std::make_shared<const std::vector<Rule>>()};
};

/// Where runs of those judges go.
inline constexpr std::string_view evaluators_project = "evaluators";

}  // namespace slipway::trace
