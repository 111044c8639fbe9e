#include "eval/score_request.hpp"

#include "eval/scripted_judge.hpp"

namespace slipway::eval {

namespace {

struct Request {
  const json::Value* id = nullptr;
  const json::Value* metric = nullptr;
  const json::Value* golden = nullptr;
  const json::Value* replies = nullptr;
};

Result<Request> read_request(const json::Value& value) {
  if (!value.is_object()) return json::detail::expected("$", "an object", value);
  Request request;
  for (const auto& [key, item] : value.get_object()) {
    if (key == "id")
      request.id = &item;
    else if (key == "metric")
      request.metric = &item;
    else if (key == "case")
      request.golden = &item;
    else if (key == "replies")
      request.replies = &item;
    else if (key != "expect")
      return json::detail::unknown_key("$", key, {"id", "metric", "case", "replies", "expect"});
  }
  if (!request.metric) return fail(Code::invalid_argument, "$.metric: is required");
  if (!request.golden) return fail(Code::invalid_argument, "$.case: is required");
  if (request.id && !request.id->is_string())
    return json::detail::expected("$.id", "a string", *request.id);
  if (request.replies && !request.replies->is_null() && !request.replies->is_object())
    return json::detail::expected("$.replies", "an object", *request.replies);
  return request;
}

/// "$.input: is required" of the golden is "$.case.input: is required" of the request.
Error below(std::string_view member, Error error) {
  std::string message = error.message();
  if (message.starts_with('$'))
    message.insert(1, fmt::format(".{}", member));
  else
    message.insert(0, fmt::format("$.{}: ", member));
  return Error(error.code(), std::move(message));
}

}  // namespace

Result<json::Object> answer_score(const Context& context, const json::Value& value,
                                  const Scorers& scorers) {
  const Request request = TRY(read_request(value));
  auto golden = parse_golden(*request.golden);
  if (!golden) return below("case", golden.error());
  if (golden->id.empty() && request.id) golden->id = std::string(request.id->get_string());
  identify(*golden);
  auto spec = parse_metric_spec(request.metric->is_string()
                                    ? json::Value(json::Object{{"name", *request.metric}})
                                    : *request.metric);
  if (!spec) return below("metric", spec.error());
  std::unique_ptr<Judge> scripted;
  Scorers own = scorers;
  if (request.replies && request.replies->is_object()) {
    // Borrowed: the request outlives the scoring.
    scripted = scripted_judge(std::shared_ptr<const json::Object>(
        std::shared_ptr<const json::Object>(), &request.replies->get_object()));
    own.judge = scripted.get();
  }
  auto metric = make_metric(std::move(*spec), own);
  if (!metric) return below("metric", metric.error());
  const Score score = TRY((*metric)->score(context, *golden));
  json::Object answer = to_json(**metric, *golden, score);
  if (request.id) answer["id"] = *request.id;
  return answer;
}

}  // namespace slipway::eval
