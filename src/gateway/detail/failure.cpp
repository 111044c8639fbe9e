#include "gateway/detail/failure.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/excerpt.hpp"
#include "core/json.hpp"
#include "models/chat_model.hpp"

namespace slipway::gateway::detail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds retry_after_max{86'400'000};
constexpr std::size_t message_bytes_max = 2'000;

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0)) return {};
  return number;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", by way of RFC 3339.
std::optional<Clock::Time> http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::size_t length = 29;
  if (text.size() != length || !text.ends_with(" GMT")) return {};
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end()) return {};
  const auto time =
      parse_time(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month - months.begin() + 1,
                             text.substr(5, 2), text.substr(17, 8)));
  if (!time) return {};
  return *time;
}

std::string told(const Deployment& deployment, std::string_view text) {
  return excerpt(
      fmt::format("deployment '{}': {}", deployment.name(), deployment.redact(std::string(text))),
      message_bytes_max);
}

int caller_status(int upstream) {
  if (upstream == 504) return 504;
  if (upstream >= 500) return 502;
  // Redirects are not followed, and a 1xx or 2xx here is none that we know.
  return upstream >= 400 ? upstream : 502;
}

std::string code_of(int status) {
  if (status == 502) return "upstream_error";
  if (status == 504) return "upstream_timeout";
  return status == 429 ? "rate_limit_exceeded" : "";
}

}  // namespace

std::optional<milliseconds> retry_after(const http::Headers& headers, Clock::Time now) {
  std::optional<double> wait_ms = number_of(headers.get("retry-after-ms"));
  const std::string_view text = headers.get("retry-after");
  if (!wait_ms)
    if (const auto seconds = number_of(text)) wait_ms = *seconds * 1000;
  if (!wait_ms)
    if (const auto date = http_date(text))
      wait_ms = std::max(0.0, std::chrono::duration<double, std::milli>(*date - now).count());
  if (!wait_ms) return {};
  return milliseconds(
      static_cast<std::int64_t>(std::min(*wait_ms, static_cast<double>(retry_after_max.count()))));
}

Failure failure_of(const Deployment& deployment, dialects::Dialect dialect, const BadAnswer& answer,
                   Clock::Time now) {
  Failure failure;
  failure.error = dialects::codec(dialect).decode_error(answer.status, answer.body);
  failure.error.status = caller_status(answer.status);
  std::string text = failure.error.message;
  if (text.empty()) text = fmt::format("it answered with status {}", answer.status);
  const int status = answer.status;
  if (status == 401 || status == 403) {
    failure.error.code = "upstream_auth";
    text = "its own key was refused, not yours: " + text;
    failure.rests_key = true;
  } else {
    failure.may_repeat = status == 408 || status == 409 || status == 429 || status >= 500;
    failure.is_fault = status >= 500 || status == 408;
    failure.rests_key = status == 429;
    failure.may_fall_back = failure.may_repeat || status < 400;
  }
  if (answer.headers.get("x-should-retry") == "false") failure.may_repeat = false;
  const std::string code = code_of(failure.error.status);
  if (failure.error.code.empty() || failure.error.status >= 500) failure.error.code = code;
  failure.error.message = told(deployment, text);
  failure.retry_after = retry_after(answer.headers, now);
  return failure;
}

Failure failure_of(const Deployment& deployment, const Error& error) {
  Failure failure;
  const bool is_late = error.code() == Code::deadline_exceeded;
  failure.error.status = is_late ? 504 : 502;
  if (error.code() == Code::invalid_argument) failure.error.status = 500;  // Our configuration.
  failure.error.code = code_of(failure.error.status);
  failure.error.message = told(deployment, error.message());
  failure.may_repeat = error.code() == Code::unavailable || is_late;
  failure.is_fault = true;
  return failure;
}

Failure failure_of_local(const Deployment& deployment, const Error& error) {
  constexpr milliseconds later{5'000};
  Failure failure;
  failure.error = wire_error(error);
  failure.error.message = told(deployment, error.message());
  // A pipeline pays for its own models.
  if (deployment.place() == Place::pipeline && error.code() == Code::rate_limited) {
    failure.error.code = "budget_exceeded";
    failure.may_fall_back = false;
    return failure;
  }
  switch (error.code()) {
    case Code::invalid_argument: failure.may_fall_back = false; break;
    case Code::deadline_exceeded:
      failure.error.status = 503;
      failure.error.code = "overloaded";
      failure.retry_after = later;
      break;
    case Code::unavailable:
    case Code::internal:
      // What one question did to a pipeline says nothing of the next one.
      failure.is_fault = deployment.place() != Place::pipeline;
      break;
    default: break;
  }
  if (error.code() == Code::unavailable || error.code() == Code::rate_limited)
    failure.retry_after = later;
  return failure;
}

Failure unusable(const Deployment& deployment, std::string_view why) {
  Failure failure;
  failure.error.status = 502;
  failure.error.code = "upstream_error";
  failure.error.message = told(deployment, why);
  failure.may_repeat = failure.is_fault = true;
  return failure;
}

dialects::WireError wire_error(const Error& error) {
  dialects::WireError wire;
  wire.status = http_status(error.code());
  if (error.code() == Code::unsupported) wire.status = 400;
  wire.code = models::is_context_overflow(error) ? "context_length_exceeded"
                                                 : std::string(name(error.code()));
  wire.message = error.message();
  // "messages[2].content: ..." and "tools: ..." name what is wrong.
  const std::size_t colon = wire.message.find(": ");
  if (wire.status == 400 && colon != std::string::npos && wire.message.find(' ') == colon + 1)
    wire.parameter = wire.message.substr(0, colon);
  if (wire.parameter.starts_with("$.")) wire.parameter.erase(0, 2);
  return wire;
}

}  // namespace slipway::gateway::detail
