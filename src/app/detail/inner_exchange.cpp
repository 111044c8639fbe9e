#include "app/detail/inner_exchange.hpp"

namespace slipway::app::detail {

namespace {
constexpr std::size_t reply_bytes_max = 4u << 20;
}

void InnerExchange::reply(http::Response response) {
  const std::lock_guard lock(mutex_);
  response_ = std::move(response);
  has_ended_ = true;
  ended_.notify_all();
}

void InnerExchange::begin(int status, http::Headers headers) {
  const std::lock_guard lock(mutex_);
  response_.status = status;
  response_.headers = std::move(headers);
}

bool InnerExchange::write(std::string piece) {
  const std::lock_guard lock(mutex_);
  if (is_gone_ || response_.body.size() + piece.size() > reply_bytes_max) return false;
  response_.body += piece;
  return true;
}

void InnerExchange::end(http::Headers) {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  ended_.notify_all();
}

void InnerExchange::abort() {
  const std::lock_guard lock(mutex_);
  response_ = {.status = 502, .headers = {}, .body = "the answer broke off"};
  has_ended_ = true;
  ended_.notify_all();
}

void InnerExchange::when_gone(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_gone_) {
      gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

Result<http::Response> InnerExchange::wait() {
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

Result<json::Value> value_of_response(const http::Response& response) {
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

}  // namespace slipway::app::detail
