#include "eval/model_judge.hpp"

#include "core/files.hpp"
#include "eval/detail/replies.hpp"
#include "trace/spans.hpp"

namespace slipway::eval {

namespace {

constexpr std::string_view spent_begin = "the budget of the judge is spent";
/// Questions of one step about one case, and repeats of a case, that have samples of their own.
constexpr std::int64_t questions_per_repeat = 4096;
constexpr std::int64_t alternatives = 20;

dialects::Message message(dialects::Role role, const std::string& text) {
  dialects::Message made{.role = role, .parts = {}, .tool_calls = {}};
  made.parts.push_back({.kind = dialects::PartKind::text, .text = text});
  return made;
}

std::string text_of(const dialects::Choice& choice) {
  std::string text;
  for (const dialects::Part& part : choice.parts)
    if (part.kind == dialects::PartKind::text) text += part.text;
  return text;
}

std::vector<TokenLogprob> logprobs_of(const dialects::Choice& choice) {
  std::vector<TokenLogprob> tokens;
  for (const dialects::TokenLogprob& token : choice.logprobs) {
    TokenLogprob one{.token = token.token, .top = {}};
    for (const dialects::TokenLogprob& other : token.top)
      one.top.push_back({other.token, other.logprob});
    tokens.push_back(std::move(one));
  }
  return tokens;
}

std::string cached_form(const JudgeReply& reply) {
  json::Object kept{{"text", reply.text}, {"span_id", reply.span_id}};
  if (reply.logprobs) {
    json::Array tokens;
    for (const TokenLogprob& token : *reply.logprobs) {
      json::Array top;
      for (const TokenChoice& choice : token.top)
        top.push_back(json::Array{choice.token, choice.logprob});
      tokens.push_back(json::Array{token.token, std::move(top)});
    }
    kept["logprobs"] = std::move(tokens);
  }
  return json::dump(kept);
}

/// Nothing where the bytes are not what `cached_form` wrote: then the model is asked again.
std::optional<JudgeReply> read_cached(const std::string& bytes) {
  const auto value = json::parse(bytes);
  if (!value || !value->is_object()) return std::nullopt;
  const json::Object& kept = value->get_object();
  const json::Value* text = kept.if_contains("text");
  if (text == nullptr || !text->is_string()) return std::nullopt;
  JudgeReply reply{.text = std::string(text->get_string()), .logprobs = {}, .span_id = {}};
  if (const json::Value* span = kept.if_contains("span_id"); span && span->is_string())
    reply.span_id = span->get_string();
  const json::Value* tokens = kept.if_contains("logprobs");
  if (tokens == nullptr) return reply;
  try {
    reply.logprobs.emplace();
    for (const json::Value& token : tokens->as_array()) {
      TokenLogprob one{.token = std::string(token.at(0).as_string()), .top = {}};
      for (const json::Value& choice : token.at(1).as_array())
        one.top.push_back(
            {std::string(choice.at(0).as_string()), choice.at(1).to_number<double>()});
      reply.logprobs->push_back(std::move(one));
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return reply;
}

json::Array shown_messages(const FilledPrompt& prompt) {
  return {json::Object{{"role", "system"}, {"content", prompt.system}},
          json::Object{{"role", "user"}, {"content", prompt.user}}};
}

void tell(trace::Span& span, const dialects::ChatReply& reply) {
  trace::SentUsage usage;
  usage.input = reply.usage.input_tokens;
  usage.output = reply.usage.output_tokens;
  if (reply.usage.cached_input_tokens > 0) usage.cache_read = reply.usage.cached_input_tokens;
  usage.source = trace::UsageSource::provider;
  span.usage(usage);
}

bool refuses(const Error& error, std::string_view parameter) {
  return (error.code() == Code::unsupported || error.code() == Code::invalid_argument) &&
         error.message().starts_with(parameter);
}

}  // namespace

/// One question in all its parts.
struct ModelJudge::Call {
  const Golden& golden;
  const Question& question;
  FilledPrompt prompt;
  dialects::ChatRequest request;
  std::int64_t sample = 0;

  /// By model, parameters, prompt bytes and sample.
  std::string key(const std::string& model) const {
    return sha256(json::dump(json::Object{{"model", model},
                                          {"temperature", request.temperature.value_or(0)},
                                          {"max_tokens", request.max_tokens.value_or(0)},
                                          {"seed", request.seed.value_or(0)},
                                          {"logprobs", request.logprobs},
                                          {"schema", request.response_format.schema},
                                          {"messages", shown_messages(prompt)},
                                          {"sample", sample}}));
  }
};

bool is_budget_spent(const Error& error) {
  return error.code() == Code::forbidden && error.message().find(spent_begin) != std::string::npos;
}

Error budget_spent(std::string_view why) {
  return fail(Code::forbidden, "{}: {}", spent_begin, why);
}

Result<std::unique_ptr<ModelJudge>> ModelJudge::make(ModelJudgeOptions options) {
  const JudgeBudget& budget = options.budget;
  if (budget.usd.value_or(0) < 0 || budget.calls.value_or(0) < 0)
    return fail(Code::invalid_argument, "budget: usd and calls must be 0 or more");
  if (budget.usd && !options.price)
    return fail(
        Code::invalid_argument,
        "budget.usd: nobody knows what '{}' costs; give its price in slipway.yaml, or limit "
        "the calls",
        options.model.name());
  return std::unique_ptr<ModelJudge>(new ModelJudge(std::move(options)));
}

std::string ModelJudge::identity() const {
  return fmt::format("{} temperature={} max_tokens={} seed={} prompts={}{}",
                     options_.model.identity(), options_.parameters.temperature,
                     options_.parameters.max_tokens, options_.parameters.seed,
                     options_.prompts.hash(),
                     options_.embedder == nullptr ? "" : " " + options_.embedder->identity());
}

JudgeSpent ModelJudge::spent() const {
  return ledger_.with([](const Ledger& ledger) { return ledger.spent; });
}

/// What the call may cost at most, taken from the budget until it has ended.
Result<double> ModelJudge::reserve(const dialects::ChatRequest& request) {
  double most = 0;
  if (options_.price) {
    models::Usage usage;
    usage.input_tokens = static_cast<std::int64_t>(TRY(options_.model.count_prompt(request)));
    usage.output_tokens = request.max_tokens.value_or(0);
    most = options_.price->of(usage);
  }
  return ledger_.with([&](Ledger& ledger) -> Result<double> {
    const JudgeBudget& budget = options_.budget;
    if (options_.day_clock != nullptr) {
      const auto today = std::chrono::floor<std::chrono::days>(options_.day_clock->now());
      if (today != std::exchange(ledger.day, today)) ledger.spent_before = ledger.spent;
    }
    const std::int64_t calls = ledger.spent.calls - ledger.spent_before.calls;
    const double usd = ledger.spent.usd - ledger.spent_before.usd;
    if (budget.calls && calls >= *budget.calls)
      return fail(Code::forbidden, "{}: {} of {} calls were made; raise budget.calls", spent_begin,
                  calls, *budget.calls);
    if (budget.usd && usd + ledger.reserved_usd + most > *budget.usd)
      return fail(Code::forbidden,
                  "{}: {:.6f} USD of {:.6f} are spent or reserved and the next call may cost "
                  "{:.6f}; raise budget.usd",
                  spent_begin, usd + ledger.reserved_usd, *budget.usd, most);
    ++ledger.spent.calls;
    ledger.reserved_usd += most;
    return most;
  });
}

/// Asks without what the model says that it cannot do.
Result<dialects::ChatReply> ModelJudge::converse(const Context& context,
                                                 dialects::ChatRequest request) {
  constexpr int refusals_max = 2;
  for (int refusals = 0;; ++refusals) {
    ledger_.with([&](const Ledger& ledger) {
      if (!ledger.takes_schema) request.response_format = {};
      if (!ledger.gives_logprobs) {
        request.logprobs = false;
        request.top_logprobs.reset();
      }
    });
    auto reply = options_.model.converse(context, request);
    if (reply || refusals == refusals_max) return reply;
    const bool is_schema = refuses(reply.error(), "response_format") &&
                           request.response_format.kind != dialects::ResponseKind::text;
    const bool is_logprobs =
        (refuses(reply.error(), "logprobs") || refuses(reply.error(), "top_logprobs")) &&
        request.logprobs;
    if (!is_schema && !is_logprobs) return reply;
    ledger_.with([&](Ledger& ledger) {
      if (is_schema) ledger.takes_schema = false;
      if (is_logprobs) ledger.gives_logprobs = false;
    });
  }
}

Result<JudgeReply> ModelJudge::call(const Context& context, const Call& call) {
  const double reserved = TRY(reserve(call.request));
  const trace::Trail trail =
      options_.recorder == nullptr
          ? trace::Trail()
          : trace::Trail(options_.recorder,
                         {.trace_id = context.trace_id(), .project = std::string(judge_project)});
  trace::Span span = trail.begin(trace::Kind::evaluator,
                                 fmt::format("{} {}", call.question.metric, call.question.step));
  span.model(options_.model.name());
  if (span.keeps_payloads()) span.inputs(json::Object{{"messages", shown_messages(call.prompt)}});
  span.metadata("case", json::to(call.golden.id));
  span.metadata("prompt", json::to(fmt::format("{}@{}", call.prompt.name, call.prompt.version)));
  span.metadata("prompt_hash", json::to(call.prompt.hash));
  span.metadata("sample", call.sample);
  auto reply = converse(context, call.request);
  ledger_.with([&](Ledger& ledger) {
    ledger.reserved_usd -= reserved;
    if (!reply) return;
    models::Usage usage;
    usage.input_tokens = reply->usage.input_tokens;
    usage.output_tokens = reply->usage.output_tokens;
    ledger.spent.input_tokens += usage.input_tokens;
    ledger.spent.output_tokens += usage.output_tokens;
    if (options_.price) ledger.spent.usd += options_.price->of(usage);
  });
  if (!reply) {
    span.fail(reply.error());
    return std::move(reply.error()).within(fmt::format("judge '{}'", options_.model.name()));
  }
  JudgeReply made{.text = {}, .logprobs = {}, .span_id = span.origin_below().parent_id};
  if (!reply->choices.empty()) {
    made.text = text_of(reply->choices.front());
    if (!reply->choices.front().logprobs.empty())
      made.logprobs = logprobs_of(reply->choices.front());
  }
  tell(span, *reply);
  span.outputs(json::Object{{"reply", made.text}});
  span.end();
  return made;
}

Result<JudgeReply> ModelJudge::ask_sample(const Context& context, const Golden& golden,
                                          const Question& question, std::int64_t sample) {
  const JudgeParameters& parameters = options_.parameters;
  FilledPrompt prompt = TRY(options_.prompts.fill(question.prompt, question.values));
  Call asked{.golden = golden,
             .question = question,
             .prompt = std::move(prompt),
             .request = {},
             .sample = sample};
  dialects::ChatRequest& request = asked.request;
  request.messages = {message(dialects::Role::system, asked.prompt.system),
                      message(dialects::Role::user, asked.prompt.user)};
  request.temperature = parameters.temperature;
  request.max_tokens = parameters.max_tokens;
  request.seed = parameters.seed + sample;
  const json::Object& schema = question.schema.empty() ? asked.prompt.schema : question.schema;
  if (!schema.empty()) {
    request.response_format.kind = dialects::ResponseKind::json_schema;
    request.response_format.name = "verdict";
    request.response_format.schema = schema;
  }
  if (question.wants_logprobs) {
    request.logprobs = true;
    request.top_logprobs = alternatives;
  }
  if (options_.cache == nullptr) return call(context, asked);
  const std::string key = asked.key(options_.model.identity());
  if (const auto kept = TRY(options_.cache->find(context, key)))
    if (auto reply = read_cached(*kept)) {
      ledger_.with([](Ledger& ledger) { ++ledger.spent.cached; });
      return *std::move(reply);
    }
  JudgeReply reply = TRY(call(context, asked));
  TRY(options_.cache->keep(context, key, cached_form(reply)));
  return reply;
}

namespace {

/// Of the question of a step that is asked for the n-th time, and once more.
std::int64_t sample_of(const Question& question, int attempt, std::int64_t repeat) {
  const auto index = static_cast<std::int64_t>(question.index) % (questions_per_repeat / 2);
  return repeat * questions_per_repeat + index * 2 + attempt;
}

}  // namespace

Result<JudgeReply> ModelJudge::ask(const Context& context, const Golden& golden,
                                   const Question& question, int attempt) {
  return ask_sample(context, golden, question, sample_of(question, attempt, 0));
}

Result<bool> ModelJudge::entails_sample(const Context& context, const Golden& golden,
                                        const Question& question, std::int64_t sample) {
  std::optional<Error> unreadable;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const JudgeReply reply = TRY(ask_sample(context, golden, question, sample + attempt));
    const auto object = parse_reply(reply.text);
    if (!object) {
      unreadable = object.error();
      continue;
    }
    for (const std::string_view key : {"entailed", "verdict", "entailment"})
      if (const json::Value* value = object->if_contains(key))
        if (const auto flag = verdict_flag(*value)) return *flag;
    unreadable = fail(Code::invalid_argument, "the reply's 'entailed' is not 0 or 1");
  }
  return std::move(*unreadable)
      .within(fmt::format("case '{}', {}, step '{}'", golden.id, question.metric, question.step));
}

Result<bool> ModelJudge::entails(const Context& context, const Golden& golden,
                                 const Question& question, std::size_t, const std::vector<int>&) {
  // The same sentence and passages are the same question, wherever they stand.
  return entails_sample(context, golden, question, 0);
}

Result<std::vector<double>> ModelJudge::embed(const Context& context, const Golden&,
                                              std::string_view metric, std::string_view text) {
  if (options_.embedder == nullptr)
    return fail(Code::unsupported,
                "{} compares by meaning and there is no embedding model; install one with 'slipway "
                "models pull'",
                metric);
  const models::Vector vector =
      TRY(options_.embedder->embed_one(context, text, models::TextRole::document));
  return std::vector<double>(vector.begin(), vector.end());
}

/// Asks on with other samples.
class RepeatedJudge final : public Judge {
 public:
  RepeatedJudge(ModelJudge& judge, std::int64_t repeat) : judge_(judge), repeat_(repeat) {}
  std::string identity() const override { return judge_.identity(); }
  Result<JudgeReply> ask(const Context& context, const Golden& golden, const Question& question,
                         int attempt) override {
    return judge_.ask_sample(context, golden, question, sample_of(question, attempt, repeat_));
  }
  Result<bool> entails(const Context& context, const Golden& golden, const Question& question,
                       std::size_t, const std::vector<int>&) override {
    return judge_.entails_sample(context, golden, question, repeat_ * questions_per_repeat);
  }
  Result<std::vector<double>> embed(const Context& context, const Golden& golden,
                                    std::string_view metric, std::string_view text) override {
    return judge_.embed(context, golden, metric, text);
  }

 private:
  ModelJudge& judge_;
  std::int64_t repeat_;
};

std::unique_ptr<Judge> ModelJudge::repeated(std::size_t repeat) {
  return std::make_unique<RepeatedJudge>(*this, static_cast<std::int64_t>(repeat));
}

}  // namespace slipway::eval
