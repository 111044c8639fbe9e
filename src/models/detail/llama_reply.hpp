// A reply on its way from the engine's thread to the caller's.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/detail/llama_engine.hpp"
#include "models/detail/reply_text.hpp"

namespace slipway::models::detail {

/// How a reply ended.
struct ReplyEnd {
  Result<LlamaJob::End> how = LlamaJob::End::model;
  std::string stop;  ///< The stop string that ended it.
};

struct ReplyPiece {
  std::size_t choice = 0;
  std::string text;  ///< Whole code points.
  std::vector<dialects::TokenLogprob> logprobs;
  std::int64_t output_tokens = 0;  ///< Made until now, of this choice.
  std::optional<ReplyEnd> end;     ///< The last piece.
};

/// Pieces of the replies of one call, in their order. It never holds more than
/// the replies are long. Thread safe.
class ReplyChannel {
 public:
  void push(ReplyPiece piece);
  /// Waits for the next one. Fails: cancelled, deadline_exceeded.
  Result<ReplyPiece> pop(const Context& context);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<ReplyPiece> pieces_;
};

struct ReplyOptions {
  std::size_t choice = 0;
  std::vector<std::string> stops;
  bool logprobs = false;
  std::size_t top_logprobs = 0;
  /// Control tokens that are part of the text, and how they are written: those
  /// of tool calls.
  std::vector<std::pair<Token, std::string>> markers;
};

/// Turns tokens into pieces. `tokens` outlives it.
class LlamaReply final : public LlamaJob {
 public:
  LlamaReply(const TokenTable& tokens, std::shared_ptr<ReplyChannel> channel, ReplyOptions options);

  void on_start(std::size_t cached) override;
  bool on_token(Token token, const float* logits) override;
  void on_end(Result<End> end) override;

  bool is_started() const { return is_started_; }  ///< Whether it got its place.
  std::size_t cached() const { return cached_; }   ///< Prompt tokens that were not read again.
  double first_token_ms() const { return first_token_ms_; }  ///< Since it was made; 0: none yet.

 private:
  struct Pending {
    std::size_t start;  ///< Bytes of the reply before it.
    dialects::TokenLogprob logprob;
  };
  bool emit(std::string_view text);
  const std::string& bytes_of(Token token) const;

  const TokenTable& tokens_;
  const std::shared_ptr<ReplyChannel> channel_;
  const ReplyOptions options_;
  const std::chrono::steady_clock::time_point made_ = std::chrono::steady_clock::now();
  const TokenSink sink_;
  ReplyText text_;
  std::deque<Pending> pending_;
  std::size_t bytes_made_ = 0;
  std::size_t bytes_emitted_ = 0;
  std::int64_t output_tokens_ = 0;
  std::atomic<bool> is_started_{false};
  std::atomic<std::size_t> cached_{0};
  std::atomic<double> first_token_ms_{0};
};

}  // namespace slipway::models::detail
