// The places where conversations run: each has its own memory of the tokens it has read.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "core/context.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// One llama context. Used by one call at a time.
class LlamaSlot {
 public:
  struct Options {
    std::size_t context_tokens = 0;
    std::size_t threads = 0;
    bool grows = true;  ///< Whether a smaller memory at first gives the same bits.
  };
  LlamaSlot(llama_model& model, Options options);
  LlamaSlot(const LlamaSlot&) = delete;
  LlamaSlot& operator=(const LlamaSlot&) = delete;

  /// Makes room for `tokens_needed`, keeps of the last prompt what `prompt` shares, reads the rest.
  /// Returns how many tokens were kept. Fails: cancelled, deadline_exceeded, internal.
  Result<std::size_t> read_prompt(const Context& context, const std::vector<Token>& prompt,
                                  std::size_t tokens_needed);
  /// Reads one token more; its logits are then those of the llama context.
  Result<void> read_token(const Context& context, Token token);
  llama_context* llama() { return context_.get(); }
  std::size_t shared_with(const std::vector<Token>& prompt) const;

 private:
  Result<void> make_room(std::size_t tokens_needed);
  std::size_t keep(const std::vector<Token>& prompt);
  Result<void> read(const Context& context, const Token* tokens, std::size_t count);

  llama_model& model_;
  Options options_;
  LlamaOwner<ggml_threadpool> threads_;  ///< Outlives the context that is attached to it.
  LlamaOwner<llama_context> context_;
  std::size_t capacity_ = 0;
  std::vector<Token> known_;       ///< Prompt tokens in memory, whole blocks only.
  std::size_t position_ = 0;       ///< Where the next token goes.
  const Context* call_ = nullptr;  ///< Of the call that runs now, for the abort callback.
};

/// Hands out slots in the order in which callers came. Safe to use from many threads.
class LlamaSlots {
 public:
  LlamaSlots(llama_model& model, std::size_t count, LlamaSlot::Options options);

  /// A slot for the time of a call.
  class Lease {
   public:
    Lease(LlamaSlots& owner, LlamaSlot& slot) : owner_(&owner), slot_(&slot) {}
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), slot_(other.slot_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->give_back(*slot_);
    }
    LlamaSlot* operator->() { return slot_; }
    LlamaSlot& operator*() { return *slot_; }

   private:
    LlamaSlots* owner_;
    LlamaSlot* slot_;
  };

  /// Waits for a free slot; of several, the one that shares the longest beginning with `prompt`.
  /// Fails: deadline_exceeded, cancelled.
  Result<Lease> take(const Context& context, const std::vector<Token>& prompt);

 private:
  void give_back(LlamaSlot& slot);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<const void*> waiting_;  ///< Callers in their order, each by the address of a local.
  std::vector<LlamaSlot*> free_;     ///< Most recently used last.
  std::vector<std::unique_ptr<LlamaSlot>> slots_;
};

}  // namespace slipway::models::detail
