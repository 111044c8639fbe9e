// Rules that judge runs as they come in: which ones, how many of them, and how.
#pragma once

#include <functional>
#include <map>
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

enum class EvaluatorKind { contains, regex, json, judge, metric, code };
BOOST_DESCRIBE_ENUM(EvaluatorKind, contains, regex, json, judge, metric, code)

/// What a run's text is held to. Its score is 1 or 0, of a judge what the model says, of a metric
/// what its formula gives, of code what it returns.
struct Evaluator {
  EvaluatorKind kind = EvaluatorKind::contains;
  std::string text;        ///< Of `contains`: must occur.
  std::string pattern;     ///< Of `regex` (`Pattern`): must match somewhere.
  bool is_denied = false;  ///< Must not.
  /// RFC 6901 pointer into the outputs: "/choices/0/message/content". Empty: what the model wrote,
  /// wherever that client puts it.
  std::string path;
  std::string prompt;  ///< Of `judge`: "grader@production".
  /// Of `judge`: what the variables of its prompt are: "input", "output", or a place in one of
  /// them, "input.question". Empty: it has `input` and `output`.
  std::map<std::string, std::string> variables;
  /// Of `judge`; empty: that of the prompt. Of `metric`: who judges; empty: nobody, its local form.
  std::string model;
  json::Object metric;  ///< Of `metric`, as a suite has it: {"name": "faithfulness", ...}.
  /// Of `code`: Python with a function `perform_eval(run)` or `perform_eval(run, example)`, as
  /// LangSmith has it.
  std::string code;
};
BOOST_DESCRIBE_STRUCT(Evaluator, (),
                      (kind, text, pattern, is_denied, path, prompt, variables, model, metric,
                       code))

struct Rule {
  std::string id, name;
  std::string key;      ///< Of the feedback that it writes.
  std::string project;  ///< Empty: all.
  std::string filter;   ///< JSON, as that of /api/runs; empty: all.
  bool roots_only = true;
  double sample = 1;  ///< Share of the runs, 0..1: by trace, all of one or none.
  bool is_enabled = true;
  Evaluator evaluator;
  json::Object metadata;  ///< Whatever its maker put there.
  Clock::Time created{}, changed{};
};

/// A model's opinion, or that of code.
struct Judgement {
  std::optional<double> score;
  std::string comment;
  std::string key = {};    ///< Of the feedback; empty: that of the rule.
  json::Value value = {};  ///< A text, where no number tells it.
};
/// Asks a model. Fails: as calls do.
using Judge = std::function<Result<Judgement>(const Context&, const Evaluator&, const Run&,
                                              const std::string& input, const std::string& output)>;

/// Scores runs by what is not of this module: metrics, code.
struct RunScorer {
  /// Fails: invalid_argument (there is no such metric or option, the code is none), not_found (the
  /// model), unsupported (code is not run on this system).
  std::function<Result<void>(const Context&, const Evaluator&)> check;
  /// Without a score where the run lacks what is needed. Fails: as calls do.
  std::function<Result<std::vector<Judgement>>(const Context&, const Evaluator&, const Run&)> score;
};

/// What the model wrote in a reply, or was asked in a request: the content of the last message, of
/// the first choice, of "output", "content", "text", "answer"; else all of it.
std::string payload_text(const std::optional<Payload>& payload);

/// What a judge's prompt is rendered with; `input` and `output` are the texts of the run. Fails:
/// not_found (the run has nothing at a place).
Result<json::Object> judge_variables(const Evaluator& evaluator, const Run& run,
                                     const std::string& input, const std::string& output);

/// The tables `trace_evaluators`.
std::vector<store::Migration> evaluator_migrations();

/// Keeps rules and applies them. Safe to use from many threads.
class Rules {
 public:
  struct Options {
    store::Database& database;
    TraceStore& store;  ///< All must outlive it.
    Feedbacks& feedbacks;
    Judge judge;                            ///< Absent: rules with one are refused.
    std::optional<RunScorer> metrics = {};  ///< Likewise.
    std::optional<RunScorer> code = {};     ///< Likewise.
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
  std::vector<Feedback> judged(const Context& context, const Rule& rule, const Run& run) const;
  Result<std::vector<Judgement>> judgements(const Context& context, const Rule& rule,
                                            const Run& run) const;

  const Options options_;
  Guarded<Snapshot> rules_{std::make_shared<const std::vector<Rule>>()};
};

/// Where runs of those judges go.
inline constexpr std::string_view evaluators_project = "evaluators";

}  // namespace slipway::trace
