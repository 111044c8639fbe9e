#include "eval/score_request.hpp"

#include "core/json_members.hpp"
#include "eval/detail/parsed_text.hpp"
#include "eval/detail/score_text.hpp"
#include "eval/scripted_judge.hpp"

namespace slipway::eval {

ScoreDesk::ScoreDesk(const Scorers& scorers)
    : scorers_(scorers), scripted_(scripted_judge(&replies_)) {}

struct ScoreDesk::Parts {
  const json::Value* id = nullptr;
  const json::Value* metric = nullptr;
  const json::Value* golden = nullptr;
  const json::Value* replies = nullptr;

  static Result<Parts> read(const json::Value& value);
};

namespace {

constexpr std::size_t metrics_max = 32;

/// Stands for the golden that is known; no request would say this.
constexpr std::string_view known_case = "\x01the same golden";

/// Whether the text of the golden can be told from the line: no other member may be it.
bool names_one_case(std::string_view line) {
  std::size_t cases = 0;
  json::Members members(line);
  for (json::Member member; members.next(member);) {
    if (member.key.find('\\') != std::string_view::npos) return false;
    if (member.key == "case") ++cases;
  }
  return cases == 1;
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

std::string_view ScoreDesk::without_known_case(std::string_view line, std::string_view& text) {
  json::Members members(line);
  for (json::Member member; text.empty() && members.next(member);)
    if (member.key == "case") text = member.value;
  if (text.empty() || text != case_text_) return line;
  const auto at = static_cast<std::size_t>(text.data() - line.data());
  rest_.assign(line, 0, at);
  rest_ += json::quoted(known_case);
  rest_ += line.substr(at + text.size());
  return rest_;
}

Result<const Golden*> ScoreDesk::golden_of(const Parts& parts, std::string_view line,
                                           std::string_view text) {
  // What stands for a known golden is still there: of two, the last one counts.
  const bool is_known = text == case_text_ && !text.empty() && parts.golden->is_string() &&
                        parts.golden->get_string() == known_case;
  if (!is_known) {
    case_text_.clear();
    // Copied: the golden stays, the request's memory goes.
    auto golden = parse_golden(json::Value(*parts.golden, {}));
    if (!golden) return below("case", golden.error());
    golden_ = std::move(*golden);
    case_id_ = golden_.id;
    if (names_one_case(line)) case_text_ = text;
  }
  golden_.id = case_id_;
  if (golden_.id.empty() && parts.id) golden_.id = std::string(parts.id->get_string());
  identify(golden_);
  return &golden_;
}

Result<const Metric*> ScoreDesk::metric_of(const json::Value& asked, bool has_replies) {
  for (const Known& known : metrics_)
    if (known.has_replies == has_replies && known.asked == asked) return known.metric.get();
  // Copied: the metric stays, the request's memory goes.
  json::Value kept(asked, {});
  auto spec =
      parse_metric_spec(kept.is_string() ? json::Value(json::Object{{"name", kept}}) : kept);
  if (!spec) return below("metric", spec.error());
  Scorers own = scorers_;
  if (has_replies) own.judge = scripted_.get();
  auto metric = make_metric(std::move(*spec), own);
  if (!metric) return below("metric", metric.error());
  if (metrics_.size() >= metrics_max) metrics_.clear();
  metrics_.push_back({std::move(kept), has_replies, std::move(*metric)});
  return metrics_.back().metric.get();
}

Result<void> ScoreDesk::answer(const Context& context, std::string_view line, std::string& out) {
  std::string_view case_text;
  const ParsedText parsed(without_known_case(line, case_text));
  if (!parsed.value()) {
    // Of the whole line, so that the column is right.
    const auto whole = json::parse(line);
    return Error(whole ? parsed.value().error() : whole.error());
  }
  const Parts request = TRY(Parts::read(*parsed.value()));
  const Golden& golden = *TRY(golden_of(request, line, case_text));
  const bool has_replies = request.replies && request.replies->is_object();
  replies_ = has_replies ? &request.replies->get_object() : nullptr;
  const Metric& metric = *TRY(metric_of(*request.metric, has_replies));
  const Score score = TRY(metric.score(context, golden));
  append_score(out, metric, score,
               request.id ? std::string_view(request.id->get_string()) : golden.id);
  return {};
}

}  // namespace slipway::eval
