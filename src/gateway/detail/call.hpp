// One call on its way through the deployments that may answer it: tries, retries, fallback.
//
// What happens to a call happens in steps, one at a time: on the thread that began it, on that of
// the upstream calls, of the timers, or on a lane. Only `cancel` may come in between; it sets a
// flag, wakes what waits, and the next step ends the call.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/detail/engine.hpp"
#include "gateway/detail/failure.hpp"
#include "gateway/detail/guards.hpp"
#include "gateway/detail/spending.hpp"

namespace slipway::gateway::detail {

/// The upstream call of one try, reached from several threads.
class Link {
 public:
  void set(std::shared_ptr<http::UpstreamCall> call);
  void cancel();
  void resume();

 private:
  std::mutex mutex_;
  std::shared_ptr<http::UpstreamCall> call_;
  bool is_cancelled_ = false, is_resumed_ = false;
};

/// What came of one try so far.
struct Try {
  DeploymentPtr deployment;
  ChosenKey key;
  std::shared_ptr<Link> link = std::make_shared<Link>();
  std::chrono::steady_clock::time_point began{};
  int status = 0;
  http::Headers headers;
  std::string body;  ///< Unless it is streamed.
  bool has_bytes = false;
  std::int64_t reserved = 0;
  std::optional<Failure> failure;  ///< Found while it runs.
};

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(Engine& engine, http::ExchangePtr exchange, access::Caller caller);
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Registers it and takes the first step.
  void run();
  /// The client has left, or the gateway closes. From any thread.
  void cancel();

 protected:
  using Steady = std::chrono::steady_clock;

  // What kind of call it is.
  virtual void start() = 0;
  /// The request to send, or why that deployment cannot be asked.
  virtual std::optional<Failure> prepare(const Deployment& deployment,
                                         http::ClientRequest& request) = 0;
  /// Whether a good answer comes as pieces.
  virtual bool is_streamed() const { return false; }
  /// A piece of a good answer; a failure ends the try.
  virtual std::optional<Failure> take_piece(std::string_view) { return {}; }
  /// The end of a good answer. Ends with `answered` or `try_failed`, now or later.
  virtual void take_answer(Try& attempt) = 0;
  /// On a lane. Ends likewise.
  virtual void ask_local(const DeploymentPtr& deployment) = 0;
  /// What the call asked, for its run. What guardrails have masked stays masked.
  virtual std::string asked() const { return exchange_->request().body; }
  /// The answer ends before its time: what is known or can be guessed of its usage.
  virtual void guess_usage() {}
  /// Whether its tokens cost anything: then budgets are asked, which take the rest of what they
  /// must know from `spending_.demand`.
  virtual bool pays() const { return true; }
  /// Of what is asked, rather too many. Asked for only where a budget is concerned.
  virtual std::int64_t input_tokens() const = 0;
  /// Tells the caller that nobody answers. Nothing more happens then but the end.
  virtual void tell_failure(const dialects::WireError& error, http::Headers headers) = 0;

  // What all kinds do.
  /// Finds candidates and asks the caller's limits; tells the failure and ends the call otherwise.
  bool admit(const std::string& model, std::int64_t tokens, const std::string& user);
  /// Guardrails of calls of this name look at the input and change it in place; then `then`,
  /// unless it is refused and the call ended. `texts` belong to what lives as long as the call.
  void guard_input(models::ModelTask task, InputTexts texts,
                   std::function<void(bool is_altered)> then);
  /// Webhooks of `guards`, one after the other, then `then`.
  struct Hooks {
    Phase phase = Phase::input;
    GuardList guards;
    std::size_t next = 0;
    std::vector<std::string> texts;
    bool is_altered = false;
    std::function<void(const Hooks&, std::optional<std::string> refusal)> then;
  };
  void ask_hooks(Hooks hooks);
  void try_next();
  void answered();
  void try_failed(Failure failure);
  /// Ends the call with an error of our own.
  void refuse(dialects::WireError error, http::Headers headers = {});
  /// What was used is known and the answer goes out. Idempotent.
  void settle_budget();
  /// So many tokens of a streamed reply have come: a failure when they are not paid for.
  std::optional<Failure> over_budget(std::int64_t tokens);
  /// Ends it after the answer is out. Idempotent.
  void finish(int status, std::string error_code);
  /// A job on a lane; when none is free in time the call is refused.
  void on_lane(std::function<void()> job, std::function<void(Failure)> late);
  /// x-slipway-*, x-ratelimit-*: of an answer.
  http::Headers answer_headers();
  /// For the access log; before the answer goes out.
  void note_answer();
  bool is_gone() const { return is_gone_.load(std::memory_order_relaxed); }
  bool may_drop() const;  ///< The caller said x-slipway-drop-unsupported: true.
  double seconds_since_start() const;
  static double seconds_between(Steady::time_point begin, Steady::time_point end) {
    return std::chrono::duration<double>(end - begin).count();
  }
  std::optional<double> cost();  ///< Until now, in dollars.
  /// Whether what is answered becomes part of the call's run.
  bool keeps_reply() const { return keeps_reply_; }
  bool has_masked_input() const;
  /// Whether runs of this call are kept, even when it does well.
  bool is_recorded() const { return is_sampled_ && engine_.recorder() != nullptr; }
  /// Of something that the call did on its way; kept with its own run.
  void add_run(trace::RunPatch run) { runs_below_.push_back(std::move(run)); }
  /// Where runs that this call causes stand.
  trace::Origin origin_below() const { return trace::below(record_.origin, record_.place); }
  /// Whose budgets pay for it.
  budgets::Payer payer() const;
  std::string paying_run() const;  ///< See trace/paying_run.hpp.
  PipelineCall pipeline_call() const;
  /// What a pipeline told beside its answer.
  void note_pipeline(const json::Value& told);
  /// Remembers what a deployment cannot take, for x-slipway-dropped; or the refusal, if there is
  /// something and the caller did not allow to drop it.
  std::optional<Failure> drop(const Deployment& deployment,
                              const std::vector<dialects::Unsupported>& unsupported);

  Engine& engine_;
  const http::ExchangePtr exchange_;
  const access::Caller caller_;
  const PlanPtr plan_;
  CallRecord record_;
  Candidates candidates_;
  Try try_;
  Spending spending_;
  std::vector<std::string> dropped_;
  bool is_committed_ = false;  ///< A byte of the answer went out.

 private:
  void hook_answered(Hooks hooks, Result<std::string> body);
  void start_remote();
  http::UpstreamEvents events();
  bool asks_budgets(std::function<void()> go_on);
  budgets::Wish wish() const;
  void reserved(budgets::Decision decision, const std::function<void()>& go_on);
  void degrade(const budgets::Refusal& refusal);
  void refuse_for_budget(const budgets::Refusal& refusal);
  void release_budget();
  void close_budget(const Failure* failure);
  void try_again();
  void begin_try();
  void note_first_byte();
  void on_body(std::string_view piece, bool& goes_on);
  void on_end(Result<void> result);
  void start_local();
  void end_try(const Failure* failure);
  std::optional<std::chrono::milliseconds> retry_delay(const Failure& failure);
  bool enter_candidate(const DeploymentPtr& deployment);
  void give_up();
  void keep_failure(Failure failure);

  void record_run();

  const Steady::time_point started_ = Steady::now();
  std::size_t next_ = 0;     ///< Of the candidates.
  std::size_t retried_ = 0;  ///< Of the present one.
  std::optional<Failure> failure_;
  std::optional<std::chrono::milliseconds> shortest_wait_;
  std::shared_ptr<Limiter> caller_limiter_;
  std::int64_t reserved_ = 0;
  double away_seconds_ = 0;  ///< With upstreams, models, timers.
  bool is_trying_ = false, is_finished_ = false;
  bool is_sampled_ = false, keeps_reply_ = false;
  std::vector<trace::RunPatch> runs_below_;

  std::atomic<bool> is_gone_{false};
  std::mutex wake_mutex_;  // Guards the two below.
  std::shared_ptr<Link> link_;
  std::optional<Timers::Id> timer_;
};

}  // namespace slipway::gateway::detail
