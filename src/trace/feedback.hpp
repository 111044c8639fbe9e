// What people, programs and models think of runs: scores, values, comments, corrections.
//
// One piece of feedback has an id that its sender may choose: sent again it replaces itself. It is
// about a run, or about a whole project (an experiment) when it names no run. What run it names
// need not have arrived.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "store/database.hpp"
#include "trace/query.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct Feedback {
  std::string id;  ///< A UUID; empty: one is made.
  /// As they were given: an OTLP span's id stays 16 digits. `session_id` is a project's UUID.
  std::optional<std::string> run_id, trace_id, session_id;
  std::string key;         ///< What is judged: "correctness".
  json::Value score;       ///< A number or null. True and false are read as 1 and 0.
  json::Value value;       ///< Anything; null: none.
  json::Value correction;  ///< A text, an object, or null.
  std::optional<std::string> comment;
  json::Object source;  ///< {"type": "api" | "model" | "app" | ..., "metadata": {...}}
  json::Object extra;   ///< Empty: none.
  std::optional<std::string> comparative_experiment_id, feedback_group_id;
  std::optional<bool> error;              ///< The evaluator failed: counts as error, not as score.
  Nanoseconds created = 0, modified = 0;  ///< 0: now.
  std::optional<Nanoseconds> start_time;  ///< Of the run.
};

/// FeedbackCreate of LangSmith's client, from `POST /feedback` and from multipart bodies.
/// Fails: invalid_argument naming the member.
Result<Feedback> read_feedback(const json::Value& value);
/// What `Feedbacks::put` checks. Fails: invalid_argument.
Result<void> check_feedback(const Feedback& feedback);
/// As LangSmith's clients read it: ids as UUIDs, every member that they demand.
json::Object feedback_json(const Feedback& feedback);

/// What of a piece of feedback is changed; absent members stay.
struct FeedbackChange {
  std::optional<json::Value> score, value, correction;
  std::optional<std::optional<std::string>> comment;
};
/// The body of `PATCH /feedback/{id}`: a member that is null is set to null.
Result<FeedbackChange> read_feedback_change(const json::Value& value);

struct FeedbackQuery {
  std::vector<std::string> run_ids, session_ids;  ///< Empty: all. Any of them; in any spelling.
  std::vector<std::string> keys, sources;         ///< Of `source.type`.
  std::optional<std::string> comparative_experiment_id;
  std::optional<bool> has_comment, has_score;
  std::optional<bool> is_of_session;  ///< true: of projects themselves; false: of runs.
  int limit = 100;                    ///< 1..1000
  int offset = 0;
};

/// Of all feedback of one key.
struct FeedbackStat {
  std::int64_t count = 0, errors = 0;
  double sum = 0, sum_of_squares = 0;
  std::int64_t scores = 0;                     ///< Of `count`, those with a number.
  std::map<std::string, std::int64_t> values;  ///< The 100 commonest; texts as they are.
  void add(const FeedbackStat& other);
  std::optional<double> mean() const;
  std::optional<double> deviation() const;  ///< Of all of them, not of a sample.
};
using FeedbackStats = std::map<std::string, FeedbackStat>;  ///< By key.
/// {"correctness": {"n", "avg", "stdev", "errors", "values", ...}} as LangSmith's clients read it.
json::Object feedback_stats_json(const FeedbackStats& stats);

/// How feedback of a key is meant: the object `feedback_config` of LangSmith.
struct FeedbackConfig {
  std::string key;
  json::Object config;
  std::optional<bool> is_lower_score_better;
  Nanoseconds modified = 0;
};

/// A link by which anybody who has it may give feedback of one key to one run until it expires.
/// Each use is a piece of its own.
struct FeedbackToken {
  std::string id;  ///< A UUID, the secret itself. Empty: one of 122 random bits is made.
  std::string run_id, key;
  Nanoseconds expires = 0;
};

/// The tables `trace_feedback`, `trace_feedback_configs`, `trace_feedback_tokens` of the main
/// database.
std::vector<store::Migration> feedback_migrations();

/// Safe to use from many threads.
class Feedbacks {
 public:
  /// Applied to a run that holds the feedback's texts, before anything is written.
  using Mask = std::function<void(RunPatch&)>;
  /// All must outlive it.
  explicit Feedbacks(store::Database& database, Mask mask = {}, const Clock& clock = system_clock(),
                     Random& random = system_random())
      : database_(database), mask_(std::move(mask)), clock_(clock), random_(random) {}

  /// One transaction. A known id is replaced and keeps its birth. Gives them as stored.
  /// Fails: invalid_argument (no key, neither run nor session, too long: 1 MiB each), as a write.
  Result<std::vector<Feedback>> put(const Context& context, std::vector<Feedback> all);
  Result<Feedback> get(const Context& context, const std::string& id);  ///< Fails: not_found.
  Result<Feedback> change(const Context& context, const std::string& id,
                          const FeedbackChange& change);               ///< Fails: not_found.
  Result<void> remove(const Context& context, const std::string& id);  ///< Fails: not_found.
  /// Youngest first.
  Result<std::vector<Feedback>> list(const Context& context, const FeedbackQuery& query);

  /// By run id as it was asked for; runs without feedback are not there. At most 1000 runs.
  Result<std::map<std::string, FeedbackStats>> stats_of_runs(
      const Context& context, const std::vector<std::string>& run_ids);
  /// Of the runs of a project, and of the project itself (`is_of_session`). Runs whose project was
  /// not known when their feedback came count once `place` has told it.
  Result<FeedbackStats> stats_of_session(const Context& context, const std::string& session_id,
                                         bool is_of_session);
  /// Feedback of runs whose trace or project nobody has told; at most `limit`, youngest first.
  Result<std::vector<Feedback>> unplaced(const Context& context, int limit);
  Result<void> place(const Context& context, const std::string& id, const std::string& trace_id,
                     const std::string& session_id);

  /// Runs (`id`) or traces (`trace_id`) that have feedback as the condition says. Its field is
  /// "feedback.KEY", or "feedback.*" for any key: numbers are compared with scores, texts with
  /// values. Fails: invalid_argument (more than 100,000 match: narrow it).
  struct Matches {
    std::set<std::string> run_ids, trace_ids;  ///< In every spelling that a store may have.
  };
  Result<Matches> matching(const Context& context, const Condition& condition);

  Result<std::vector<FeedbackConfig>> configs(const Context& context);
  Result<FeedbackConfig> put_config(const Context& context, FeedbackConfig config);
  Result<void> remove_config(const Context& context, const std::string& key);

  /// Fails: invalid_argument (no UUID; expires before now, or in more than 400 days), conflict.
  Result<FeedbackToken> make_token(const Context& context, FeedbackToken token);
  /// Those that have not expired. For callers who may write: who knows them can.
  Result<std::vector<FeedbackToken>> tokens(const Context& context, const std::string& run_id);
  /// Looked up by its hash, so that time tells nothing of others. Fails: not_found (unknown or
  /// expired: the two look alike).
  Result<FeedbackToken> token(const Context& context, const std::string& id);

 private:
  void hide(Feedback& feedback) const;

  store::Database& database_;
  const Mask mask_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace slipway::trace
