#include "gateway/detail/budget_error.hpp"

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
