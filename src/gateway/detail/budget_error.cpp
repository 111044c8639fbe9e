#include "gateway/detail/budget_error.hpp"

#include <algorithm>

namespace slipway::gateway::detail {

using dialects::Dialect;

dialects::WireError wire_error_of(const budgets::Refusal& refusal) {
  dialects::WireError error{429, "budget_exceeded", refusal.message, ""};
  if (refusal.is_unpriced) {
    error.status = 400;
    error.code = "price_unknown";
  } else if (refusal.on_exceed == budgets::OnExceed::ask) {
    error.status = 402;
    error.code = "budget_approval_required";
  }
  return error;
}

Failure failure_of_refusal(const budgets::Refusal& refusal) {
  Failure failure;
  failure.error = wire_error_of(refusal);
  failure.may_fall_back = false;
  failure.budget = refusal.budget;
  return failure;
}

namespace {

/// Where an event of a stream tells of its error; null: nowhere.
json::Object* told_in(json::Value& event) {
  if (!event.is_object()) return nullptr;
  json::Object& whole = event.get_object();
  const auto inner = [](json::Object& object, std::string_view key) -> json::Object* {
    json::Value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
  };
  if (json::Object* error = inner(whole, "error")) return error;
  // The end of a failed response, and that of Cohere, whose error is a text.
  if (json::Object* response = inner(whole, "response")) return inner(*response, "error");
  json::Object* delta = inner(whole, "delta");
  return delta != nullptr && delta->contains("error") ? delta : nullptr;
}

}  // namespace

std::string budget_error_events(std::string_view events, const dialects::WireError& error,
                                const json::Object& budget) {
  constexpr std::string_view data = "data: ";
  std::string out;
  while (!events.empty()) {
    const std::size_t end = std::min(events.find('\n'), events.size() - 1) + 1;
    const std::string_view line = events.substr(0, end);
    events.remove_prefix(end);
    auto event = line.starts_with(data) ? json::parse(line.substr(data.size()))
                                        : Result<json::Value>(json::Value());
    json::Object* told = event ? told_in(*event) : nullptr;
    if (told == nullptr) {
      out += line;
      continue;
    }
    if (told->contains("param")) (*told)["type"] = "insufficient_quota";  // OpenAI's.
    (*told)["code"] = error.code;
    (*told)["budget"] = budget;
    out += fmt::format("{}{}\n", data, json::dump(*event));
  }
  return out;
}

json::Value budget_error_body(Dialect dialect, const dialects::WireError& error,
                              const json::Object& budget) {
  json::Value body = dialects::codec(dialect).encode_error(error);
  json::Object& whole = body.as_object();
  const auto inner = whole.find("error");
  if (inner == whole.end() || !inner->value().is_object()) {
    whole["code"] = error.code;
    whole["budget"] = budget;
    return body;
  }
  json::Object& told = inner->value().get_object();
  if (dialect != Dialect::anthropic) {
    told["type"] = "insufficient_quota";
    told["param"] = nullptr;
  }
  told["code"] = error.code;
  told["budget"] = budget;
  return body;
}

}  // namespace slipway::gateway::detail
