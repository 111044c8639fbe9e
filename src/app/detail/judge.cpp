#include "app/detail/judge.hpp"

#include <charconv>

#include "app/detail/inner_exchange.hpp"

namespace slipway::app::detail {

namespace {

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
  return value_of_response(TRY(exchange->wait()));
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
    const prompts::Rendered rendered = TRY(
        prompts->render(context, evaluator.prompt,
                        TRY(trace::judge_variables(evaluator, run, input, output)), run.trace_id));
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
