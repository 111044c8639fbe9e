#include "app/detail/judge.hpp"

#include <charconv>
#include <condition_variable>
#include <mutex>

namespace slipway::app::detail {

namespace {

constexpr std::size_t reply_bytes_max = 4u << 20;

/// Nobody's connection: a call from within, whose answer is kept.
class InnerExchange final : public http::Exchange {
 public:
  InnerExchange(const Context& context, http::Request request)
      : request_(std::move(request)), context_(context) {}

  const http::Request& request() const override { return request_; }
  const Context& context() const override { return context_; }
  void set_caller(std::string) override {}
  void note(std::string, std::string) override {}
  void reply(http::Response response) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    has_ended_ = true;
    ended_.notify_all();
  }
  void begin(int status, http::Headers headers) override {
    const std::lock_guard lock(mutex_);
    response_.status = status;
    response_.headers = std::move(headers);
  }
  bool write(std::string piece) override {
    const std::lock_guard lock(mutex_);
    if (is_gone_ || response_.body.size() + piece.size() > reply_bytes_max) return false;
    response_.body += piece;
    return true;
  }
  void end(http::Headers) override {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    ended_.notify_all();
  }
  void abort() override {
    const std::lock_guard lock(mutex_);
    response_ = {.status = 502, .headers = {}, .body = "the answer broke off"};
    has_ended_ = true;
    ended_.notify_all();
  }
  std::size_t queued_bytes() const override { return 0; }
  void when_drained(std::function<void()> ready) override { ready(); }
  Result<void> wait_drained(const Context&) override { return {}; }
  void when_gone(std::function<void()> gone) override {
    {
      const std::lock_guard lock(mutex_);
      if (!is_gone_) {
        gone_ = std::move(gone);
        return;
      }
    }
    gone();
  }
  void set_heartbeat(std::chrono::milliseconds) override {}

  /// The answer, or why there is none; then the call is told that nobody waits for it.
  Result<http::Response> wait() {
    std::function<void()> gone;
    {
      std::unique_lock lock(mutex_);
      const auto patience = context_.remaining(std::chrono::minutes(10));
      ended_.wait_for(lock, context_.stop(), patience, [this] { return has_ended_; });
      if (has_ended_) return std::move(response_);
      is_gone_ = true;
      gone = std::move(gone_);
    }
    if (gone) gone();
    TRY(context_.check());
    return fail(Code::deadline_exceeded, "the model did not answer in time");
  }

 private:
  const http::Request request_;
  const Context context_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  http::Response response_;
  std::function<void()> gone_;
  bool has_ended_ = false, is_gone_ = false;
};

/// The objects in a text, from each brace on.
std::optional<trace::Judgement> judgement_object(std::string_view reply) {
  for (std::size_t at = reply.find('{'); at != std::string_view::npos;
       at = reply.find('{', at + 1)) {
    for (std::size_t end = reply.rfind('}'); end != std::string_view::npos && end > at;
         end = end == 0 ? std::string_view::npos : reply.rfind('}', end - 1)) {
      const auto value = json::parse(reply.substr(at, end - at + 1));
      if (!value || !value->is_object()) continue;
      const json::Value* score = value->get_object().if_contains("score");
      if (score == nullptr || (!score->is_number() && !score->is_bool())) break;
      trace::Judgement judgement;
      judgement.score =
          score->is_bool() ? (score->get_bool() ? 1.0 : 0.0) : score->to_number<double>();
      for (const char* name : {"comment", "reason", "explanation"})
        if (const json::Value* text = value->get_object().if_contains(name);
            text != nullptr && text->is_string())
          judgement.comment = std::string(text->get_string());
      return judgement;
    }
  }
  return std::nullopt;
}

std::optional<double> first_number(std::string_view reply) {
  const std::size_t at = reply.find_first_of("0123456789");
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t begin = at > 0 && reply[at - 1] == '-' ? at - 1 : at;
  double number = 0;
  const auto [end, error] =
      std::from_chars(reply.data() + begin, reply.data() + reply.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<json::Value> call_chat(const Context& context, gateway::Gateway& gateway,
                              const json::Object& body, std::string_view project) {
  http::Request request{.method = "POST",
                        .target = "/v1/chat/completions",
                        .path = "/v1/chat/completions",
                        .headers = {{"Content-Type", "application/json"},
                                    {"x-slipway-project", std::string(project)}},
                        .body = json::dump(body)};
  request.trace_id = make_trace_id();
  request.id = request.trace_id;
  const auto exchange = std::make_shared<InnerExchange>(context, std::move(request));
  gateway.chat(exchange, {.caller = {.name = "evaluator"},
                          .codec = &dialects::codec(dialects::Dialect::openai)});
  const http::Response response = TRY(exchange->wait());
  const auto value = json::parse(response.body);
  constexpr int ok = 200;
  if (response.status == ok) {
    if (!value) return fail(Code::unavailable, "the model's reply is no JSON");
    return *value;
  }
  std::string why = response.body.substr(0, 500);
  if (value && value->is_object())
    if (const json::Value* error = value->get_object().if_contains("error");
        error != nullptr && error->is_object() && error->get_object().contains("message"))
      why = json::dump(error->get_object().at("message"));
  return fail(Code::unavailable, "the model refused ({}): {}", response.status, why);
}

Result<trace::Judgement> read_judgement(std::string_view reply) {
  if (auto judgement = judgement_object(reply)) return *std::move(judgement);
  if (const auto number = first_number(reply))
    return trace::Judgement{*number, std::string(reply.substr(0, 2000))};
  const std::size_t begin = reply.find_first_not_of(" \t\r\n*_\"'");
  const std::string_view first = begin == std::string_view::npos ? "" : reply.substr(begin);
  const auto is_word = [&](std::string_view word) {
    return first.size() >= word.size() &&
           http::equals_ignoring_case(first.substr(0, word.size()), word);
  };
  if (is_word("yes") || is_word("true"))
    return trace::Judgement{1.0, std::string(reply.substr(0, 2000))};
  if (is_word("no") || is_word("false"))
    return trace::Judgement{0.0, std::string(reply.substr(0, 2000))};
  return fail(Code::invalid_argument,
              "the judge's reply has no score; let its prompt ask for {{\"score\": 0.5, "
              "\"comment\": \"...\"}}; it began: {}",
              reply.substr(0, 100));
}

trace::Judge make_judge(gateway::Gateway& gateway, std::shared_ptr<prompts::Prompts> prompts) {
  return [&gateway, prompts = std::move(prompts)](
             const Context& context, const trace::Evaluator& evaluator, const trace::Run& run,
             const std::string& input, const std::string& output) -> Result<trace::Judgement> {
    const prompts::Rendered rendered = TRY(prompts->render(
        context, evaluator.prompt, {{"input", input}, {"output", output}}, run.trace_id));
    json::Object body = rendered.parameters;
    body["messages"] = rendered.messages;
    body["model"] = evaluator.model.empty() ? rendered.model : evaluator.model;
    if (body["model"].as_string().empty())
      return fail(Code::invalid_argument, "neither the evaluator nor prompt '{}' names a model",
                  evaluator.prompt);
    const json::Value reply = TRY(call_chat(context, gateway, body, trace::evaluators_project));
    boost::system::error_code error;
    const json::Value* content = reply.find_pointer("/choices/0/message/content", error);
    if (error || content == nullptr || !content->is_string())
      return fail(Code::unavailable, "the judge's reply has no text");
    return read_judgement(std::string_view(content->get_string()));
  };
}

}  // namespace slipway::app::detail
