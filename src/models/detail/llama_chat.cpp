#include "models/detail/llama_chat.hpp"

#include <llama.h>

#include <algorithm>

#include "core/pool.hpp"
#include "models/detail/chat_request.hpp"
#include "models/detail/llama_choice.hpp"
#include "models/detail/llama_prompt.hpp"
#include "models/detail/llama_slots.hpp"
#include "models/detail/reply_text.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t default_context_tokens_max = 8192;
constexpr std::size_t identity_hash_digits = 16;

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Models with two sets of rotation factors choose between them by the size of the context, so a
/// context that grows would change their answers.
bool context_may_grow(const llama_model& model) {
  char architecture[64];
  char scaling[64];
  if (llama_model_meta_val_str(&model, "general.architecture", architecture, sizeof architecture) <
      0)
    return false;
  const std::string key = fmt::format("{}.rope.scaling.type", architecture);
  if (llama_model_meta_val_str(&model, key.c_str(), scaling, sizeof scaling) < 0) return true;
  return std::string_view(scaling) != "longrope";
}

class LlamaChat final : public ChatModel {
 public:
  LlamaChat(const LlamaChatOptions& options, LlamaOwner<llama_model> model, LlamaPrompt prompt,
            LlamaSlot::Options slot)
      : name_(options.name),
        identity_(options.name),
        context_tokens_(slot.context_tokens),
        model_(std::move(model)),
        prompt_(std::move(prompt)),
        slots_(*model_, options.parallel, slot) {
    const std::size_t digits = options.hash.find(':') + 1;  // 0 when there is no prefix.
    if (!options.hash.empty()) identity_ += "@" + options.hash.substr(digits, identity_hash_digits);
  }

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return context_tokens_; }

  Result<std::size_t> count_tokens(std::string_view text) const override {
    return prompt_.tokens_of_text(text).size();
  }

  Result<std::string> render(const ChatRequest& request) const override {
    TRY(check_request(request));
    return prompt_.render(request);
  }

  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    TRY(check_request(request));
    TRY(context.check());
    const std::vector<Token> prompt = TRY(prompt_.tokenize(request));
    if (prompt.size() >= context_tokens_)
      return context_overflow(prompt.size(), name_, context_tokens_);
    const auto choice = TRY(LlamaChoice::open(llama_model_get_vocab(model_.get()), request));
    auto slot = TRY(slots_.take(context, prompt));
    const std::size_t room = std::min<std::size_t>(static_cast<std::size_t>(request.max_tokens),
                                                   context_tokens_ - prompt.size());
    ChatReply reply;
    reply.usage.input_tokens = static_cast<std::int64_t>(prompt.size());
    reply.usage.cached_input_tokens =
        static_cast<std::int64_t>(TRY(slot->read_prompt(context, prompt, prompt.size() + room)));
    ReplyText text(request.stop, sink);
    TRY(generate(context, *slot, *choice, {room, start, text, reply}));
    reply.content = text.text();
    reply.total_ms = milliseconds_since(start);
    return reply;
  }

 private:
  struct Generation {
    std::size_t tokens_max;
    std::chrono::steady_clock::time_point start;
    ReplyText& text;
    ChatReply& reply;
  };

  Result<void> generate(const Context& context, LlamaSlot& slot, LlamaChoice& choice,
                        const Generation& out) {
    const llama_vocab* vocabulary = llama_model_get_vocab(model_.get());
    ChatReply& reply = out.reply;
    for (;;) {
      const Token token = TRY(choice.next(slot.llama()));
      if (reply.first_token_ms == 0) reply.first_token_ms = milliseconds_since(out.start);
      reply.finish_reason = FinishReason::stop;
      if (llama_vocab_is_eog(vocabulary, token)) break;
      ++reply.usage.output_tokens;
      if (!out.text.add(prompt_.bytes_of(token))) break;
      reply.finish_reason = FinishReason::length;
      if (static_cast<std::size_t>(reply.usage.output_tokens) >= out.tokens_max) break;
      TRY(slot.read_token(context, token));
    }
    out.text.finish();
    if (out.text.is_refused()) reply.finish_reason = FinishReason::cancelled;
    return {};
  }

  std::string name_;
  std::string identity_;
  std::size_t context_tokens_;
  LlamaOwner<llama_model> model_;  // Before all that points into it.
  LlamaPrompt prompt_;
  LlamaSlots slots_;
};

Result<LlamaSlot::Options> slot_options(const LlamaChatOptions& options, const llama_model& model) {
  const auto trained = static_cast<std::size_t>(std::max(llama_model_n_ctx_train(&model), 1));
  if (options.context_tokens > trained)
    return fail(Code::invalid_argument,
                "model '{}': context_tokens {} is more than the {} that the model was trained for",
                options.name, options.context_tokens, trained);
  LlamaSlot::Options slot;
  slot.context_tokens = options.context_tokens > 0 ? options.context_tokens
                                                   : std::min(trained, default_context_tokens_max);
  const std::size_t threads = options.threads > 0 ? options.threads : core_count();
  slot.threads = std::max<std::size_t>(1, threads / options.parallel);
  slot.grows = context_may_grow(model);
  return slot;
}

}  // namespace

Result<std::shared_ptr<ChatModel>> open_llama_chat(const LlamaChatOptions& options) {
  SLIPWAY_ASSERT(options.parallel > 0);
  auto model = TRY(load_llama_model(options.path).within(fmt::format("model '{}'", options.name)));
  auto prompt = TRY(LlamaPrompt::open(*model, options.name));
  const auto slot = TRY(slot_options(options, *model));
  return std::shared_ptr<ChatModel>(
      std::make_shared<LlamaChat>(options, std::move(model), std::move(prompt), slot));
}

}  // namespace slipway::models::detail
