// What a model has read: the memory of several conversations in one llama.cpp
// context.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// Prompts are read in blocks of so many tokens that begin at multiples of it:
/// see the .cpp.
inline constexpr std::size_t block_tokens = 64;

/// One context with a memory of its own for each sequence. Sequences are
/// numbers below `Options::sequences`. For one thread; `model` outlives it.
class LlamaMemory {
 public:
  struct Options {
    std::size_t context_tokens = 0;  ///< Of each sequence.
    std::size_t sequences = 1;       ///< 1..block_tokens
    std::size_t threads = 1;
    bool grows = true;  ///< Whether a smaller memory at first gives the same bits.
  };
  LlamaMemory(llama_model& model, Options options);
  ~LlamaMemory();
  LlamaMemory(const LlamaMemory&) = delete;
  LlamaMemory& operator=(const LlamaMemory&) = delete;

  /// Room for `tokens` in every sequence; what they have read stays. Fails: unavailable.
  Result<void> make_room(std::size_t tokens);
  /// How many tokens of `prompt`, whole blocks, this sequence has read at its
  /// beginning.
  std::size_t shared(std::size_t sequence, const std::vector<Token>& prompt) const;
  /// Forgets all but the first `tokens` of a sequence, whole blocks. Returns
  /// how many it kept: some models cannot forget a part, and then it is 0.
  std::size_t keep(std::size_t sequence, std::size_t tokens);
  /// `to` reads what `from` has read, by copying. Follow it with `keep`.
  void copy(std::size_t from, std::size_t to);

  /// Asked while a step is computed; true breaks it off. Set before each step.
  using IsOver = std::function<bool()>;
  /// The next tokens of a prompt, at most a block; the last one's logits are
  /// computed. False: broken off. Fails: internal.
  Result<bool> read_block(std::size_t sequence, std::span<const Token> tokens,
                          const IsOver& is_over);
  struct Next {
    std::size_t sequence;
    Token token;
  };
  /// One token more for each, in ascending sequences; the logits of all are
  /// computed.
  Result<bool> read_tokens(const std::vector<Next>& tokens, const IsOver& is_over);
  /// Of the `n`-th of the last step's sequences; valid until the next step.
  float* logits(std::size_t n);

 private:
  struct Sequence {
    std::vector<Token> known;  ///< Prompt tokens in memory, whole blocks only.
    std::size_t position = 0;  ///< Where the next token goes.
  };
  struct Saved;

  Result<void> rebuild(std::size_t capacity);
  std::vector<Saved> save() const;
  Result<LlamaOwner<llama_context>> make(std::size_t capacity);
  void forget(std::size_t sequence);
  Result<bool> decode(const IsOver& is_over);

  llama_model& model_;
  Options options_;
  LlamaOwner<ggml_threadpool> threads_;  ///< Outlives the context that is attached to it.
  LlamaOwner<llama_context> context_;
  std::size_t capacity_ = 0;  ///< Tokens of each sequence in `context_`.
  std::vector<Sequence> sequences_;
  IsOver is_over_;
  struct Batch;
  std::unique_ptr<Batch> batch_;
};

}  // namespace slipway::models::detail
