#include "eval/score_request.hpp"

#include "eval/detail/parsed_text.hpp"
#include "eval/detail/request_text.hpp"
#include "eval/detail/score_text.hpp"
#include "eval/scripted_judge.hpp"

namespace slipway::eval {

ScoreDesk::ScoreDesk(const Scorers& scorers)
    : scorers_(scorers),
      scripted_(scripted_judge(&replies_)),
      text_(std::make_unique<RequestText>()) {}

ScoreDesk::~ScoreDesk() = default;

struct ScoreDesk::Parts {
  const json::Value* id = nullptr;
  const json::Value* metric = nullptr;
  const json::Value* golden = nullptr;
  const json::Value* replies = nullptr;

  static Result<Parts> read(const json::Value& value);
};

namespace {

constexpr std::size_t metrics_max = 32;

/// "$.input: is required" of the golden is "$.case.input: is required" of the request.
Error below(std::string_view member, Error error) {
  std::string message = error.message();
  if (message.starts_with('$'))
    message.insert(1, fmt::format(".{}", member));
  else
    message.insert(0, fmt::format("$.{}: ", member));
  return Error(error.code(), std::move(message));
}

/// Of the whole line, so that the column is right.
Error unreadable(std::string_view line, const Error& of_part) {
  const auto whole = json::parse(line);
  return whole ? of_part : whole.error();
}

}  // namespace

Result<ScoreDesk::Parts> ScoreDesk::Parts::read(const json::Value& value) {
  if (!value.is_object()) return json::detail::expected("$", "an object", value);
  Parts request;
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

Result<const Golden*> ScoreDesk::golden_of(const Parts& parts) {
  if (!text_->is_known_case()) {
    case_text_.clear();
    // Copied: the golden stays, the request's memory goes.
    auto golden = parse_golden(json::Value(*parts.golden, {}));
    if (!golden) return below("case", golden.error());
    golden_ = std::move(*golden);
    case_id_ = golden_.id;
    case_text_ = text_->case_text();
  }
  golden_.id = case_id_;
  if (golden_.id.empty() && parts.id) golden_.id = std::string(parts.id->get_string());
  identify(golden_);
  return &golden_;
}

Result<const Metric*> ScoreDesk::metric_of(const Parts& parts, std::string_view line,
                                           bool has_replies) {
  const std::string own_text = text_->metric_text().empty() ? json::dump(*parts.metric) : "";
  const std::string_view text = own_text.empty() ? text_->metric_text() : own_text;
  for (const Known& known : metrics_)
    if (known.has_replies == has_replies && known.asked == text) return known.metric.get();
  const auto asked = json::parse(text);
  if (!asked) return unreadable(line, asked.error());
  auto spec =
      parse_metric_spec(asked->is_string() ? json::Value(json::Object{{"name", *asked}}) : *asked);
  if (!spec) return below("metric", spec.error());
  Scorers own = scorers_;
  if (has_replies) own.judge = scripted_.get();
  auto metric = make_metric(std::move(*spec), own);
  if (!metric) return below("metric", metric.error());
  if (metrics_.size() >= metrics_max) metrics_.clear();
  metrics_.push_back({std::string(text), has_replies, std::move(*metric)});
  return metrics_.back().metric.get();
}

Result<void> ScoreDesk::answer(const Context& context, std::string_view line, std::string& out) {
  text_->take(line, case_text_);
  const ParsedText parsed(text_->rest());
  if (!parsed.value()) return unreadable(line, parsed.value().error());
  const Parts request = TRY(Parts::read(*parsed.value()));
  const Golden& golden = *TRY(golden_of(request));
  const bool has_replies = request.replies && request.replies->is_object();
  replies_ = text_->replies() ? text_->replies()
             : has_replies    ? &request.replies->get_object()
                              : nullptr;
  const Metric& metric = *TRY(metric_of(request, line, has_replies));
  const Score score = TRY(metric.score(context, golden));
  append_score(out, metric, score,
               request.id ? std::string_view(request.id->get_string()) : golden.id);
  return {};
}

}  // namespace slipway::eval
