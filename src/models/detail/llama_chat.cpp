#include "models/detail/llama_chat.hpp"

#include <llama.h>

#include <algorithm>
#include <charconv>

#include "core/pool.hpp"
#include "models/detail/chat_request.hpp"
#include "models/detail/conversation.hpp"
#include "models/detail/llama_prompt.hpp"
#include "models/detail/llama_reply.hpp"
#include "models/detail/llama_tools.hpp"
#include "models/detail/schema_grammar.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t default_context_tokens_max = 8192;
constexpr std::size_t identity_hash_digits = 16;
constexpr std::int64_t reply_tokens_default = 1024;

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Models with two sets of rotation factors choose between them by the size of
/// the context, so a context that grows would change their answers.
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

/// A conversation as this model runs it.
struct Plan {
  std::vector<Token> prompt;
  std::size_t tokens_max = 1;
  Sampling sampling;
  ReplyOptions reply;
  std::size_t choices = 1;
  bool has_tools = false;
};

class LlamaChat final : public ChatModel {
 public:
  LlamaChat(const LlamaChatOptions& options, LlamaOwner<llama_model> model, LlamaPrompt prompt,
            LlamaMemory::Options memory)
      : name_(options.name),
        identity_(options.name),
        context_tokens_(memory.context_tokens),
        model_(std::move(model)),
        prompt_(std::move(prompt)),
        tokens_(llama_model_get_vocab(model_.get())),
        tools_(ToolFormat::of(prompt_.chat_template())),
        engine_(*model_, tokens_, {memory, waiting_max, name_}) {
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
    return prompt_.render(turns_of(request.messages));
  }

  Result<std::size_t> count_prompt(const dialects::ChatRequest& request) const override {
    TRY(check_conversation(request));
    return TRY(prompt_tokens(request)).size();
  }

  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    TRY(check_request(request));
    TRY(context.check());
    Plan plan;
    plan.prompt = TRY(prompt_.tokenize(turns_of(request.messages)));
    plan.tokens_max = TRY(room_for(plan.prompt.size(), request.max_tokens));
    plan.sampling = sampling_of(request);
    plan.reply.stops = request.stop;
    Call call(context, engine_, tokens_);
    TRY(call.start(plan));

    ChatReply reply;
    reply.usage.input_tokens = static_cast<std::int64_t>(plan.prompt.size());
    for (bool goes_on = true; goes_on;) {
      const ReplyPiece piece = TRY(call.next());
      reply.usage.output_tokens = piece.output_tokens;
      if (piece.end) {
        const LlamaJob::End how = TRY(Result<LlamaJob::End>(piece.end->how));
        if (how == LlamaJob::End::length) reply.finish_reason = FinishReason::length;
        goes_on = false;
      }
      reply.content += piece.text;
      if (sink && !piece.text.empty() && !sink(piece.text)) {
        reply.finish_reason = FinishReason::cancelled;
        goes_on = false;
      }
    }
    reply.usage.cached_input_tokens = static_cast<std::int64_t>(call.cached());
    reply.total_ms = milliseconds_since(start);
    reply.first_token_ms = std::min(call.first_token_ms(), reply.total_ms);
    if (reply.first_token_ms == 0) reply.first_token_ms = reply.total_ms;
    return reply;
  }

  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const EventSink& sink) override {
    TRY(check_conversation(request));
    TRY(context.check());
    const Plan plan = TRY(plan_of(request));
    Call call(context, engine_, tokens_);
    TRY(call.start(plan));
    ReplyBuilder builder(request.model.empty() ? name_ : request.model, plan.choices, sink);
    std::vector<ToolReader> readers;
    for (std::size_t i = 0; i < plan.choices; ++i)
      readers.emplace_back(plan.has_tools ? tools_ : std::nullopt, i);
    std::vector<std::int64_t> made(plan.choices);
    for (std::size_t open = plan.choices; open > 0 && !builder.is_refused();) {
      ReplyPiece piece = TRY(call.next());
      made[piece.choice] = piece.output_tokens;
      ToolReader& reader = readers[piece.choice];
      auto events = reader.read(piece.text, std::move(piece.logprobs));
      if (piece.end) {
        --open;
        for (auto& event : reader.finish(TRY(finish_of(*piece.end, piece.choice))))
          events.push_back(std::move(event));
      }
      for (auto& event : events)
        if (!builder.add(std::move(event))) break;
    }
    dialects::ChatUsage usage;
    usage.input_tokens = static_cast<std::int64_t>(plan.prompt.size());
    usage.cached_input_tokens = static_cast<std::int64_t>(call.cached());
    for (const std::int64_t tokens : made) usage.output_tokens += tokens;
    return builder.finish(usage);
  }

 private:
  static constexpr std::size_t waiting_max = 256;

  /// The jobs of one call: withdrawn when it ends before they do.
  class Call {
   public:
    Call(const Context& context, LlamaEngine& engine, const TokenTable& tokens)
        : context_(context), engine_(engine), tokens_(tokens) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      for (const auto& job : jobs_) engine_.withdraw(job);
    }

    Result<void> start(const Plan& plan) {
      for (std::size_t i = 0; i < plan.choices; ++i) {
        ReplyOptions options = plan.reply;
        options.choice = i;
        auto job = std::make_shared<LlamaReply>(tokens_, channel_, std::move(options));
        Sampling sampling = plan.sampling;
        sampling.seed += i;
        job->context = context_;
        job->prompt = plan.prompt;
        job->tokens_max = plan.tokens_max;
        job->choice = TRY(LlamaChoice::open(tokens_, sampling));
        TRY(engine_.submit(job));
        jobs_.push_back(std::move(job));
      }
      return {};
    }

    /// Fails: as the jobs; unavailable when the time is over before the first
    /// has its place.
    Result<ReplyPiece> next() {
      auto piece = channel_->pop(context_);
      if (piece || piece.error().code() != Code::deadline_exceeded || jobs_.front()->is_started())
        return piece;
      return fail(Code::unavailable,
                  "the queue of the model: the time of the call was over "
                  "before one of {} places "
                  "was free; try again later, or raise parallel",
                  engine_.places());
    }

    std::size_t cached() const { return jobs_.front()->cached(); }
    double first_token_ms() const { return jobs_.front()->first_token_ms(); }

   private:
    const Context& context_;
    LlamaEngine& engine_;
    const TokenTable& tokens_;
    std::shared_ptr<ReplyChannel> channel_ = std::make_shared<ReplyChannel>();
    std::vector<std::shared_ptr<LlamaReply>> jobs_;
  };

  Result<std::size_t> room_for(std::size_t prompt, std::int64_t reply) const {
    if (prompt >= context_tokens_) return context_overflow(prompt, name_, context_tokens_);
    return std::min(static_cast<std::size_t>(reply), context_tokens_ - prompt);
  }

  static Result<dialects::ChatEvent> finish_of(const ReplyEnd& end, std::size_t choice) {
    const LlamaJob::End how = TRY(Result<LlamaJob::End>(end.how));
    dialects::ChatEvent event;
    event.kind = dialects::EventKind::finish;
    event.choice = choice;
    event.stop_sequence = end.stop;
    event.finish_reason = how == LlamaJob::End::length ? dialects::FinishReason::length
                                                       : dialects::FinishReason::stop;
    return event;
  }

  static bool uses_tools(const dialects::ChatRequest& request) {
    return !request.tools.empty() && request.tool_choice != dialects::ToolChoice::none;
  }

  /// The messages as the model's template takes them, tools among them.
  Result<std::vector<Token>> prompt_tokens(const dialects::ChatRequest& request) const {
    const bool has_calls = std::any_of(
        request.messages.begin(), request.messages.end(), [](const dialects::Message& message) {
          return message.role == dialects::Role::tool || !message.tool_calls.empty();
        });
    if (!uses_tools(request) && !has_calls)
      return prompt_.tokenize(turns_of(TRY(plain_messages(request, name_))));
    if (!tools_)
      return not_taken("tools", name_,
                       "its chat template has none that are known here; ask a model whose "
                       "template has (Hermes, Qwen, Llama 3, Mistral), or leave them out");
    return tools_->tokenize(prompt_, request, name_);
  }

  /// The control tokens around calls are part of such a reply.
  void add_marks(Plan& plan) const {
    for (std::string& mark : tools_->marks()) {
      const auto token = prompt_.control_token(mark);
      if (!token) continue;
      plan.sampling.sayable.push_back(*token);
      plan.reply.markers.emplace_back(*token, std::move(mark));
    }
  }

  Result<Plan> plan_of(const dialects::ChatRequest& request) const {
    constexpr std::string_view why = "it has no separate reasoning; leave it out";
    if (!request.reasoning_effort.empty()) return not_taken("reasoning_effort", name_, why);
    if (request.reasoning_tokens) return not_taken("reasoning_tokens", name_, why);
    Plan plan;
    plan.prompt = TRY(prompt_tokens(request));
    plan.tokens_max =
        TRY(room_for(plan.prompt.size(), request.max_tokens.value_or(reply_tokens_default)));
    plan.choices = static_cast<std::size_t>(request.choices.value_or(1));
    plan.has_tools = uses_tools(request);
    plan.sampling = TRY(sampling_for(request));
    if (plan.has_tools) add_marks(plan);
    plan.reply.stops = request.stop;
    plan.reply.logprobs = request.logprobs || request.top_logprobs.value_or(0) > 0;
    plan.reply.top_logprobs = static_cast<std::size_t>(request.top_logprobs.value_or(0));
    return plan;
  }

  Result<Sampling> sampling_for(const dialects::ChatRequest& request) const {
    Sampling sampling;
    sampling.temperature = request.temperature.value_or(0);
    sampling.top_p = request.top_p.value_or(1);
    sampling.min_p = request.min_p.value_or(0);
    sampling.top_k = static_cast<int>(request.top_k.value_or(0));
    sampling.repeat_penalty = request.repeat_penalty.value_or(1);
    sampling.frequency_penalty = request.frequency_penalty.value_or(0);
    sampling.presence_penalty = request.presence_penalty.value_or(0);
    sampling.seed = static_cast<std::uint64_t>(request.seed.value_or(0));
    for (const auto& [word, bias] : request.logit_bias) {
      Token token = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), token);
      if (error != std::errc() || end != word.data() + word.size() || token < 0 ||
          static_cast<std::size_t>(token) >= tokens_.size())
        return fail(Code::invalid_argument, "logit_bias: '{}' is no token of model '{}' (0..{})",
                    word, name_, tokens_.size() - 1);
      sampling.biases.emplace_back(token, static_cast<float>(bias));
    }
    sampling.grammar = TRY(grammar_for(request));
    return sampling;
  }

  Result<std::optional<std::string>> grammar_for(const dialects::ChatRequest& request) const {
    std::optional<std::string> none;
    const dialects::ResponseFormat& format = request.response_format;
    if (uses_tools(request)) return std::optional(TRY(tools_->grammar(request)));
    if (format.kind == dialects::ResponseKind::text) return none;
    const bool is_any = format.kind == dialects::ResponseKind::json_object;
    return std::optional(TRY(is_any ? json_object_grammar() : schema_grammar(format.schema)));
  }

  std::string name_;
  std::string identity_;
  std::size_t context_tokens_;
  LlamaOwner<llama_model> model_;  // Before all that points into it.
  LlamaPrompt prompt_;
  TokenTable tokens_;
  std::optional<ToolFormat> tools_;
  LlamaEngine engine_;
};

Result<LlamaMemory::Options> memory_options(const LlamaChatOptions& options,
                                            const llama_model& model) {
  const auto trained = static_cast<std::size_t>(std::max(llama_model_n_ctx_train(&model), 1));
  if (options.context_tokens > trained)
    return fail(Code::invalid_argument,
                "model '{}': context_tokens {} is more than the {} that the "
                "model was trained for",
                options.name, options.context_tokens, trained);
  if (options.parallel > block_tokens)
    return fail(Code::invalid_argument, "model '{}': parallel is {}, more than {}", options.name,
                options.parallel, block_tokens);
  LlamaMemory::Options memory;
  memory.context_tokens = options.context_tokens > 0
                              ? options.context_tokens
                              : std::min(trained, default_context_tokens_max);
  memory.sequences = options.parallel;
  memory.threads = options.threads > 0 ? options.threads : core_count();
  memory.grows = context_may_grow(model);
  return memory;
}

}  // namespace

Result<std::shared_ptr<ChatModel>> open_llama_chat(const LlamaChatOptions& options) {
  SLIPWAY_ASSERT(options.parallel > 0);
  auto model = TRY(load_llama_model(options.path).within(fmt::format("model '{}'", options.name)));
  auto prompt = TRY(LlamaPrompt::open(*model, options.name));
  const auto memory = TRY(memory_options(options, *model));
  return std::shared_ptr<ChatModel>(
      std::make_shared<LlamaChat>(options, std::move(model), std::move(prompt), memory));
}

}  // namespace slipway::models::detail
