// Prefix reuse and company that do not change the answer.
//
// A token's keys and values can differ in the last bits with the number of
// tokens that were read together with it (other kernels, other order of sums),
// and a greedy choice between two near equal tokens can then flip. So prompts
// are always read in blocks that begin at multiples of `block_tokens`, each
// block in a step of its own, and only whole blocks of an earlier prompt are
// kept or copied: with or without reuse every block is computed by the same
// calls on the same numbers. What was generated is read again as part of the
// next prompt. The price is at most one block more to read.
//
// Every sequence has cells of its own (a "stream"), not a share of common ones:
// attention then sums over its own tokens in their order, whoever runs beside
// it, and does not pay for the others'. Measured:
// docs/decisions/0015-batching.md.
#include "models/detail/llama_memory.hpp"

#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <bit>

namespace slipway::models::detail {

namespace {

constexpr std::size_t capacity_min = 1024;

bool is_over(void* memory) {
  const auto& asked = *static_cast<const LlamaMemory::IsOver*>(memory);
  return asked && asked();
}

}  // namespace

/// One step's tokens, as llama.cpp takes them.
struct LlamaMemory::Batch {
  llama_batch llama = llama_batch_init(static_cast<std::int32_t>(block_tokens), 0, 1);
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { llama_batch_free(llama); }

  void add(Token token, std::size_t position, std::size_t sequence, bool has_logits) {
    const auto n = static_cast<std::size_t>(llama.n_tokens++);
    SLIPWAY_ASSERT(n < block_tokens);
    llama.token[n] = token;
    llama.pos[n] = static_cast<llama_pos>(position);
    llama.n_seq_id[n] = 1;
    llama.seq_id[n][0] = static_cast<llama_seq_id>(sequence);
    llama.logits[n] = has_logits ? 1 : 0;
  }
};

/// What a sequence had read, while its context is made anew.
struct LlamaMemory::Saved {
  std::size_t sequence;
  std::vector<std::uint8_t> bytes;
};

LlamaMemory::LlamaMemory(llama_model& model, Options options)
    : model_(model),
      options_(options),
      sequences_(options.sequences),
      batch_(std::make_unique<Batch>()) {
  SLIPWAY_ASSERT(options.sequences > 0 && options.sequences <= block_tokens);
  ggml_threadpool_params parameters =
      ggml_threadpool_params_default(static_cast<int>(options.threads));
  parameters.poll = 0;  // Idle threads sleep: other work of the process needs the cores.
  threads_.reset(ggml_threadpool_new(&parameters));
}

LlamaMemory::~LlamaMemory() = default;

Result<void> LlamaMemory::make_room(std::size_t tokens) {
  std::size_t capacity = options_.context_tokens;
  const std::size_t least = options_.sequences > 1 ? capacity_min / 2 : capacity_min;
  if (options_.grows) capacity = std::min(capacity, std::max(least, std::bit_ceil(tokens)));
  if (context_ && capacity <= capacity_) return {};
  return rebuild(capacity);
}

Result<void> LlamaMemory::rebuild(std::size_t capacity) {
  const std::vector<Saved> saved = save();
  // Both at once would be the peak; what was read is in `saved`.
  context_.reset();
  auto made = make(capacity);
  if (!made) {
    for (Sequence& sequence : sequences_) sequence = {};
    capacity_ = 0;
    return made.error();
  }
  context_ = *std::move(made);
  capacity_ = capacity;
  for (const Saved& one : saved) {
    const std::size_t read =
        llama_state_seq_set_data(context_.get(), one.bytes.data(), one.bytes.size(),
                                 static_cast<llama_seq_id>(one.sequence));
    if (read == 0)
      return fail(Code::internal, "llama.cpp could not move a conversation to a larger memory");
  }
  return {};
}

std::vector<LlamaMemory::Saved> LlamaMemory::save() const {
  std::vector<Saved> saved;
  for (std::size_t i = 0; context_ && i < sequences_.size(); ++i) {
    if (sequences_[i].position == 0) continue;
    const auto id = static_cast<llama_seq_id>(i);
    saved.push_back({i, std::vector<std::uint8_t>(llama_state_seq_get_size(context_.get(), id))});
    auto& bytes = saved.back().bytes;
    bytes.resize(llama_state_seq_get_data(context_.get(), bytes.data(), bytes.size(), id));
  }
  return saved;
}

Result<LlamaOwner<llama_context>> LlamaMemory::make(std::size_t capacity) {
  const std::size_t sequences = sequences_.size();
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(capacity * sequences);
  parameters.n_batch = block_tokens;
  parameters.n_ubatch = block_tokens;
  parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
  parameters.n_outputs_max = static_cast<std::uint32_t>(sequences);
  parameters.kv_unified = false;
  parameters.n_threads = static_cast<std::int32_t>(options_.threads);
  parameters.n_threads_batch = parameters.n_threads;
  // Flash attention splits its sums by the number of threads; without it the
  // answer is the same on any number, and reading is an eighth slower.
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  parameters.no_perf = true;
  parameters.abort_callback = &is_over;
  parameters.abort_callback_data = &is_over_;
  const LlamaErrors errors;
  LlamaOwner<llama_context> context(llama_init_from_model(&model_, parameters));
  if (!context)
    return fail(Code::unavailable, "no memory for {} conversations of {} tokens: {}", sequences,
                capacity, errors.text("no reason given"));
  if (threads_) llama_attach_threadpool(context.get(), threads_.get(), threads_.get());
  return context;
}

std::size_t LlamaMemory::shared(std::size_t sequence, const std::vector<Token>& prompt) const {
  const std::vector<Token>& known = sequences_[sequence].known;
  const auto [end, ignored] =
      std::mismatch(known.begin(), known.end(), prompt.begin(), prompt.end());
  const auto count = static_cast<std::size_t>(end - known.begin());
  // The last token is always read: its logits are needed.
  return prompt.empty() ? 0 : std::min(count, prompt.size() - 1) / block_tokens * block_tokens;
}

std::size_t LlamaMemory::keep(std::size_t sequence, std::size_t tokens) {
  SLIPWAY_ASSERT(tokens % block_tokens == 0 && sequence < sequences_.size());
  const llama_memory_t memory = llama_get_memory(context_.get());
  const auto id = static_cast<llama_seq_id>(sequence);
  // Recurrent models cannot forget a part; sliding windows may have dropped
  // what we want to keep.
  const bool is_kept = tokens > 0 &&
                       llama_memory_seq_rm(memory, id, static_cast<llama_pos>(tokens), -1) &&
                       llama_memory_seq_pos_min(memory, id) == 0 &&
                       llama_memory_seq_pos_max(memory, id) == static_cast<llama_pos>(tokens) - 1;
  if (!is_kept) {
    forget(sequence);
    return 0;
  }
  sequences_[sequence].known.resize(tokens);
  sequences_[sequence].position = tokens;
  return tokens;
}

void LlamaMemory::forget(std::size_t sequence) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(sequence), -1,
                      -1);
  sequences_[sequence] = {};
}

void LlamaMemory::copy(std::size_t from, std::size_t to) {
  SLIPWAY_ASSERT(from != to && from < sequences_.size() && to < sequences_.size());
  const llama_memory_t memory = llama_get_memory(context_.get());
  forget(to);
  llama_memory_seq_cp(memory, static_cast<llama_seq_id>(from), static_cast<llama_seq_id>(to), -1,
                      -1);
  sequences_[to] = sequences_[from];
}

Result<bool> LlamaMemory::read_block(std::size_t sequence, std::span<const Token> tokens,
                                     const IsOver& is_over) {
  SLIPWAY_ASSERT(!tokens.empty() && tokens.size() <= block_tokens);
  Sequence& place = sequences_[sequence];
  batch_->llama.n_tokens = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    batch_->add(tokens[i], place.position + i, sequence, i + 1 == tokens.size());
  if (!TRY(decode(is_over))) return false;
  place.position += tokens.size();
  // Only now it is known: a block that was broken off is forgotten by the next
  // `keep`.
  if (tokens.size() == block_tokens)
    place.known.insert(place.known.end(), tokens.begin(), tokens.end());
  return true;
}

Result<bool> LlamaMemory::read_tokens(const std::vector<Next>& tokens, const IsOver& is_over) {
  batch_->llama.n_tokens = 0;
  for (const Next& next : tokens)
    batch_->add(next.token, sequences_[next.sequence].position, next.sequence, true);
  if (!TRY(decode(is_over))) return false;
  for (const Next& next : tokens) ++sequences_[next.sequence].position;
  return true;
}

float* LlamaMemory::logits(std::size_t n) {
  // The rows come in the order of the batch: one a sequence, or the last token
  // of a block.
  const std::int32_t tokens = batch_->llama.n_tokens;
  const bool is_block = tokens > 1 && batch_->llama.logits[0] == 0;
  float* row =
      llama_get_logits_ith(context_.get(), is_block ? tokens - 1 : static_cast<std::int32_t>(n));
  SLIPWAY_ASSERT(row != nullptr);
  return row;
}

Result<bool> LlamaMemory::decode(const IsOver& is_over) {
  is_over_ = is_over;
  const LlamaErrors errors;
  std::int32_t status = -1;
  std::string reason;
  try {
    status = llama_decode(context_.get(), batch_->llama);
  } catch (const std::exception& error) {
    reason = error.what();
  }
  is_over_ = nullptr;
  if (status == 0) return true;
  if (is_over && is_over()) return false;
  return fail(Code::internal, "llama.cpp could not read {} tokens (status {}): {}",
              batch_->llama.n_tokens, status, errors.text(reason.empty() ? "no reason" : reason));
}

}  // namespace slipway::models::detail
