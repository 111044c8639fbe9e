// A chat model that judges: prompts are filled in, replies cached, calls counted against a budget
// and recorded as runs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "eval/judge.hpp"
#include "eval/judge_cache.hpp"
#include "eval/judge_prompts.hpp"
#include "models/chat_model.hpp"
#include "models/embedder.hpp"
#include "trace/recorder.hpp"

namespace slipway::eval {

/// The project that runs of judges are recorded in.
inline constexpr std::string_view judge_project = "evaluations";

struct JudgeParameters {
  double temperature = 0;
  int max_tokens = 2048;  ///< Of one reply.
  std::int64_t seed = 0;
};

/// Of all calls of a judge together; what is absent is not limited.
struct JudgeBudget {
  std::optional<double> usd;
  std::optional<std::int64_t> calls;
};

/// What a judge has used until now.
struct JudgeSpent {
  std::int64_t calls = 0;   ///< Of the model.
  std::int64_t cached = 0;  ///< Replies that cost nothing.
  std::int64_t input_tokens = 0, output_tokens = 0;
  double usd = 0;
};

/// What it borrows must outlive the judge.
struct ModelJudgeOptions {
  models::ChatModel& model;
  models::Embedder* embedder = nullptr;  ///< Absent: metrics that compare by meaning fail.
  std::optional<models::Price> price;    ///< Absent: a budget in dollars is refused.
  JudgePrompts prompts;
  JudgeParameters parameters;
  JudgeBudget budget;
  JudgeCache* cache = nullptr;          ///< Absent: every question is a call.
  trace::Recorder* recorder = nullptr;  ///< Absent: nothing is recorded.
  /// Present: the budget is for each day (UTC) of this clock, and begins anew with the next.
  const Clock* day_clock = nullptr;
};

/// Whether a question failed because the budget is spent: the case has no score, and so have all
/// that come after it.
bool is_budget_spent(const Error& error);
/// The failure of a model whose payer may not spend more.
Error budget_spent(std::string_view why);

/// Safe to use from many threads.
class ModelJudge final : public Judge {
 public:
  /// Fails: invalid_argument (a budget in dollars for a model without a price, a budget below 0).
  static Result<std::unique_ptr<ModelJudge>> make(ModelJudgeOptions options);

  std::string identity() const override;
  /// Fails: forbidden (`is_budget_spent`), as `JudgePrompts::fill` and as the model.
  Result<JudgeReply> ask(const Context& context, const Golden& golden, const Question& question,
                         int attempt) override;
  Result<bool> entails(const Context& context, const Golden& golden, const Question& question,
                       std::size_t sentence, const std::vector<int>& citations) override;
  Result<std::vector<double>> embed(const Context& context, const Golden& golden,
                                    std::string_view metric, std::string_view text) override;

  /// The same judge asked for the `repeat`-th time (0: the first): another sample, never a copy.
  /// Shares cache, budget and counters; must not outlive this.
  std::unique_ptr<Judge> repeated(std::size_t repeat);
  JudgeSpent spent() const;

 private:
  friend class RepeatedJudge;
  struct Call;
  explicit ModelJudge(ModelJudgeOptions options) : options_(std::move(options)) {}
  Result<JudgeReply> ask_sample(const Context& context, const Golden& golden,
                                const Question& question, std::int64_t sample);
  Result<bool> entails_sample(const Context& context, const Golden& golden,
                              const Question& question, std::int64_t sample);
  Result<double> reserve(const dialects::ChatRequest& request);
  Result<dialects::ChatReply> converse(const Context& context, dialects::ChatRequest request);
  Result<JudgeReply> call(const Context& context, const Call& call);

  ModelJudgeOptions options_;
  struct Ledger {
    JudgeSpent spent;
    JudgeSpent spent_before;  ///< The day that runs.
    std::chrono::sys_days day{};
    double reserved_usd = 0;
    /// What the model has said that it cannot do.
    bool takes_schema = true, gives_logprobs = true;
  };
  Guarded<Ledger> ledger_;
};

}  // namespace slipway::eval
