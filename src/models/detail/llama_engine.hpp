// Several replies made at once, one token each a turn, over one memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/context.hpp"
#include "models/detail/fair_queue.hpp"
#include "models/detail/llama_choice.hpp"
#include "models/detail/llama_memory.hpp"
#include "models/detail/step_costs.hpp"

namespace slipway::models::detail {

/// One reply to be made. What it holds is used by the engine's thread until
/// `on_end` was called or, when it is abandoned, until the engine has seen
/// that; so it owns all of it.
class LlamaJob {
 public:
  virtual ~LlamaJob() = default;

  Context context;
  std::vector<Token> prompt;   ///< Not empty, shorter than the context.
  std::size_t tokens_max = 1;  ///< Of the reply; prompt and reply fit into the context.
  std::unique_ptr<LlamaChoice> choice;

  /// The prompt begins to be read; `cached` tokens of it need not be.
  virtual void on_start(std::size_t cached) = 0;
  /// A token was chosen, by these logits. False: the reply is over.
  virtual bool on_token(Token token, const float* logits) = 0;
  enum class End { model, enough, length };  ///< End of generation, `on_token` said so, tokens_max.
  /// The last call.
  virtual void on_end(Result<End> end) = 0;

  /// From any thread: it leaves the batch at once.
  void abandon() { is_abandoned_ = true; }
  bool is_over() const { return is_abandoned_ || !context.check(); }

 private:
  std::atomic<bool> is_abandoned_{false};
};

/// Safe to use from many threads. `model` and `tokens` outlive it.
class LlamaEngine {
 public:
  struct Options {
    LlamaMemory::Options memory;
    std::size_t waiting_max = 256;
    std::string name;  ///< For messages.
  };
  LlamaEngine(llama_model& model, const TokenTable& tokens, Options options);
  /// Breaks off what still runs.
  ~LlamaEngine();
  LlamaEngine(const LlamaEngine&) = delete;
  LlamaEngine& operator=(const LlamaEngine&) = delete;

  /// The job waits until a place is free, fair by `Context::caller()`. Fails:
  /// unavailable (too many wait). `on_end` says: cancelled, deadline_exceeded,
  /// unavailable (memory), invalid_argument (grammar), internal. Whose time
  /// ends while it waits is the caller's to see and to withdraw.
  Result<void> submit(std::shared_ptr<LlamaJob> job);
  /// Nobody waits for the job any more. True: it still waited for its place,
  /// and no `on_end` comes; otherwise it leaves the batch at once, and `on_end`
  /// comes.
  bool withdraw(const std::shared_ptr<LlamaJob>& job);
  std::size_t places() const { return places_.size(); }

 private:
  struct Place {
    std::shared_ptr<LlamaJob> job;  ///< Null: free.
    std::size_t read = 0;           ///< Tokens of the prompt.
    bool is_started = false;        ///< Whether reading has begun.
    std::size_t made = 0;           ///< Tokens of the reply.
    Token next = 0;                 ///< To be read.
    std::uint64_t admitted = 0;     ///< Order of coming.
    std::uint64_t used = 0;         ///< Order of leaving.
    bool is_reading() const { return job && read < job->prompt.size(); }
    bool is_writing() const { return job && read == job->prompt.size(); }
  };

  void run();
  bool wait_for_work();
  void admit();
  std::size_t place_for(const std::vector<Token>& prompt) const;
  void drop_over();
  Error over(const LlamaJob& job) const;
  void step();
  void write_tokens();
  void write_together(std::span<const std::size_t> places);
  std::size_t place_to_read();
  std::size_t shared_unread(std::size_t a, std::size_t b) const;
  void read_block(std::size_t place);
  Result<void> begin(std::size_t place);
  void choose(std::size_t place, const float* logits);
  void end(std::size_t place, Result<LlamaJob::End> end);
  void fail_all(std::span<const std::size_t> places, const Error& error);

  const TokenTable& tokens_;
  Options options_;
  LlamaMemory memory_;         ///< Of the engine's thread.
  std::vector<Place> places_;  ///< Of the engine's thread.
  StepCosts costs_;            ///< Of steps that write.
  std::uint64_t admitted_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t blocks_ = 0;                        ///< Read so far.
  std::chrono::steady_clock::duration reading_{0};  ///< How far reading is ahead of writing.

  std::mutex mutex_;
  std::condition_variable changed_;
  FairQueue<std::shared_ptr<LlamaJob>> waiting_;
  std::size_t running_ = 0;
  std::atomic<bool> is_closing_{false};
  std::thread thread_;
};

}  // namespace slipway::models::detail
