// Prefix reuse that does not change the answer.
//
// A token's keys and values can differ in the last bits with the number of tokens that were read
// together with it (other kernels, other order of sums), and a greedy choice between two near equal
// tokens can then flip. So prompts are always read in blocks that begin at multiples of
// `block_tokens`, and only whole blocks of an earlier prompt are kept: with or without reuse every
// block is computed by the same calls on the same numbers. What was generated, one token at a time,
// is read again as part of the next prompt. The price is at most one block more to read.
#include "models/detail/llama_slots.hpp"

#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <bit>

namespace slipway::models::detail {

namespace {

constexpr std::size_t block_tokens = 64;  // Measured: docs/decisions/0006-llama-cpp.md.
constexpr std::size_t capacity_min = 1024;

bool is_over(void* call) {
  const auto* context = *static_cast<const Context* const*>(call);
  return context != nullptr && !context->check();
}

}  // namespace

LlamaSlot::LlamaSlot(llama_model& model, Options options) : model_(model), options_(options) {
  ggml_threadpool_params parameters =
      ggml_threadpool_params_default(static_cast<int>(options.threads));
  parameters.poll = 0;  // Idle threads sleep: other work of the process needs the cores.
  threads_.reset(ggml_threadpool_new(&parameters));
}

Result<void> LlamaSlot::make_room(std::size_t tokens_needed) {
  if (context_ && capacity_ >= tokens_needed) return {};
  std::size_t capacity = options_.context_tokens;
  if (options_.grows)
    capacity = std::min(capacity, std::max(capacity_min, std::bit_ceil(tokens_needed)));
  context_.reset();
  known_.clear();
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(capacity);
  parameters.n_batch = block_tokens;
  parameters.n_ubatch = block_tokens;
  parameters.n_seq_max = 1;
  parameters.n_outputs_max = 1;
  parameters.n_threads = static_cast<std::int32_t>(options_.threads);
  parameters.n_threads_batch = parameters.n_threads;
  // Flash attention splits its sums by the number of threads; without it the answer is the same on
  // any number, and reading is an eighth slower.
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  parameters.no_perf = true;
  parameters.abort_callback = &is_over;
  parameters.abort_callback_data = &call_;
  const LlamaErrors errors;
  context_.reset(llama_init_from_model(&model_, parameters));
  if (!context_)
    return fail(Code::unavailable, "no memory for a context of {} tokens: {}", capacity,
                errors.text("no reason given"));
  if (threads_) llama_attach_threadpool(context_.get(), threads_.get(), threads_.get());
  capacity_ = capacity;
  return {};
}

std::size_t LlamaSlot::shared_with(const std::vector<Token>& prompt) const {
  const auto [end, ignored] =
      std::mismatch(known_.begin(), known_.end(), prompt.begin(), prompt.end());
  return static_cast<std::size_t>(end - known_.begin());
}

std::size_t LlamaSlot::keep(const std::vector<Token>& prompt) {
  // The last token is always read: its logits are needed.
  std::size_t kept = std::min(shared_with(prompt), prompt.size() - 1) / block_tokens * block_tokens;
  const llama_memory_t memory = llama_get_memory(context_.get());
  // Recurrent models cannot forget a part; sliding windows may have dropped what we want to keep.
  const bool is_kept = kept > 0 &&
                       llama_memory_seq_rm(memory, 0, static_cast<llama_pos>(kept), -1) &&
                       llama_memory_seq_pos_min(memory, 0) == 0 &&
                       llama_memory_seq_pos_max(memory, 0) == static_cast<llama_pos>(kept) - 1;
  if (!is_kept) {
    llama_memory_clear(memory, false);
    kept = 0;
  }
  known_.resize(kept);
  return kept;
}

Result<std::size_t> LlamaSlot::read_prompt(const Context& context, const std::vector<Token>& prompt,
                                           std::size_t tokens_needed) {
  SLIPWAY_ASSERT(!prompt.empty());
  TRY(make_room(std::min(tokens_needed, options_.context_tokens)));
  SLIPWAY_ASSERT(prompt.size() <= capacity_);
  const std::size_t kept = keep(prompt);
  position_ = kept;
  for (std::size_t at = kept; at < prompt.size(); at += block_tokens) {
    const std::size_t count = std::min(block_tokens, prompt.size() - at);
    TRY(read(context, prompt.data() + at, count));
    // Only now it is known: a block that was broken off is forgotten by the next call.
    if (count == block_tokens) known_.insert(known_.end(), &prompt[at], &prompt[at] + count);
  }
  return kept;
}

Result<void> LlamaSlot::read_token(const Context& context, Token token) {
  return read(context, &token, 1);
}

Result<void> LlamaSlot::read(const Context& context, const Token* tokens, std::size_t count) {
  TRY(context.check());
  call_ = &context;
  // Positions follow by themselves; the logits of the last token are computed.
  const llama_batch batch =
      llama_batch_get_one(const_cast<Token*>(tokens), static_cast<std::int32_t>(count));
  const std::int32_t status = llama_decode(context_.get(), batch);
  call_ = nullptr;
  if (status == 0) {
    position_ += count;
    return {};
  }
  TRY(context.check());
  return fail(Code::internal, "llama.cpp could not read {} tokens at {} of {} (status {})", count,
              position_, capacity_, status);
}

LlamaSlots::LlamaSlots(llama_model& model, std::size_t count, LlamaSlot::Options options) {
  for (std::size_t i = 0; i < count; ++i) {
    slots_.push_back(std::make_unique<LlamaSlot>(model, options));
    free_.push_back(slots_.back().get());
  }
}

Result<LlamaSlots::Lease> LlamaSlots::take(const Context& context,
                                           const std::vector<Token>& prompt) {
  const char ticket = 0;
  std::unique_lock lock(mutex_);
  waiting_.push_back(&ticket);
  const auto is_my_turn = [&] { return waiting_.front() == &ticket && !free_.empty(); };
  const auto deadline = context.deadline();
  const bool is_mine = deadline ? changed_.wait_until(lock, context.stop(), *deadline, is_my_turn)
                                : changed_.wait(lock, context.stop(), is_my_turn);
  if (!is_mine) {
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &ticket));
    changed_.notify_all();
    TRY(context.check().within("waiting for the model"));
    return fail(Code::deadline_exceeded, "waiting for the model: the time is over");
  }
  waiting_.pop_front();
  const auto best = std::max_element(free_.begin(), free_.end(), [&](auto* left, auto* right) {
    return left->shared_with(prompt) < right->shared_with(prompt);
  });
  LlamaSlot& slot = **best;
  free_.erase(best);
  changed_.notify_all();
  return Lease(*this, slot);
}

void LlamaSlots::give_back(LlamaSlot& slot) {
  const std::lock_guard lock(mutex_);
  free_.push_back(&slot);
  changed_.notify_all();
}

}  // namespace slipway::models::detail
