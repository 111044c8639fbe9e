// Which token comes next.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dialects/chat.hpp"
#include "models/chat_model.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// How the tokens of one reply are chosen. The defaults change nothing.
struct Sampling {
  double temperature = 0;  ///< 0 is greedy.
  double top_p = 1;
  double min_p = 0;
  int top_k = 0;
  double repeat_penalty = 1;  ///< Over the last 64 tokens of the reply; the others over all of it.
  double frequency_penalty = 0;
  double presence_penalty = 0;
  std::uint64_t seed = 0;
  std::vector<std::pair<Token, float>> biases;
  std::optional<std::string> grammar;  ///< GBNF
  std::vector<Token> sayable;          ///< Control tokens that the grammar may take.
};
Sampling sampling_of(const ChatRequest& request);

/// What a grammar must know of the tokens besides their texts. Immutable,
/// shared by all replies of a model.
class TokenTable {
 public:
  explicit TokenTable(const llama_vocab* vocabulary);

  /// The bytes that a reply shows of a token; nothing for control tokens.
  const std::string& bytes(Token token) const { return bytes_[static_cast<std::size_t>(token)]; }
  /// Neither control tokens nor bytes that can be no part of UTF-8 after
  /// `pending`, the beginning of a code point.
  bool is_sayable(Token token, const std::string& pending) const;
  std::size_t size() const { return bytes_.size(); }
  const llama_vocab* vocabulary() const { return vocabulary_; }

 private:
  enum class Kind : std::uint8_t { hidden, whole, part };
  const llama_vocab* vocabulary_;
  std::vector<std::string> bytes_;
  std::vector<Kind> kinds_;
};

/// The sampler chain of one reply. Not thread safe.
class LlamaChoice {
 public:
  /// `tokens` outlives it. Fails: invalid_argument with the reason when the
  /// grammar is none.
  static Result<std::unique_ptr<LlamaChoice>> open(const TokenTable& tokens,
                                                   const Sampling& sampling);
  virtual ~LlamaChoice() = default;

  /// Chooses by these logits and remembers the choice. Fails: invalid_argument
  /// when the grammar allows nothing that the model can say.
  virtual Result<Token> next(const float* logits) = 0;
};

/// The probability of `chosen` and of the `top` most probable tokens in the
/// model's own distribution: before biases, penalties, temperature and grammar.
dialects::TokenLogprob logprob_of(const TokenTable& tokens, const float* logits, Token chosen,
                                  std::size_t top);

}  // namespace slipway::models::detail
