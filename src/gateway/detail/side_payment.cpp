#include "gateway/detail/side_payment.hpp"

#include <future>

#include "gateway/detail/demand.hpp"

namespace slipway::gateway::detail {

namespace {

Estimate estimate_for(Engine& engine, const DeploymentPtr& deployment, std::int64_t tokens) {
  if (deployment == nullptr) return {};
  CallRecord call;
  call.began = engine.clock().now();
  return estimate_of({.input_tokens = tokens}, {deployment}, call, *engine.prices(), 0);
}

}  // namespace

Result<SidePayment> SidePayment::open(Options options) {
  SidePayment payment(std::move(options));
  const Options& asked = payment.options_;
  budgets::Ledger* const ledger = asked.engine.budgets();
  if (ledger == nullptr || !ledger->has_budgets()) return payment;
  payment.deployment_ = asked.engine.plan()->deployment(asked.model);
  budgets::Wish wish;
  wish.payer = asked.payer;
  wish.payer.model = asked.model;
  wish.payer.models.clear();
  if (payment.deployment_ != nullptr) wish.payer.models = {payment.deployment_->model()};
  if (!ledger->concerns(wish.payer)) return payment;
  const Estimate estimate = estimate_for(asked.engine, payment.deployment_, asked.tokens);
  wish.call_id = asked.call_id;
  wish.is_priced = estimate.is_priced;
  wish.input_usd = estimate.input_usd;
  wish.input_tokens = asked.tokens;
  wish.may_clamp = wish.may_degrade = false;
  wish.is_repeated = true;
  std::promise<budgets::Decision> promise;
  auto decided = promise.get_future();
  ledger->reserve(std::move(wish), [&promise](budgets::Decision decision) {
    promise.set_value(std::move(decision));
  });
  budgets::Decision decision = decided.get();
  if (decision.error) return *std::move(decision.error);
  if (decision.hold == nullptr) return fail(Code::rate_limited, "{}", decision.refusal->message);
  payment.hold_ = std::move(decision.hold);
  return payment;
}

SidePayment::SidePayment(SidePayment&& other) noexcept
    : options_(other.options_),
      deployment_(std::move(other.deployment_)),
      hold_(std::exchange(other.hold_, nullptr)) {}

SidePayment::~SidePayment() {
  if (hold_ != nullptr) options_.engine.budgets()->release(hold_);
}

trace::Picodollars SidePayment::price_of(std::int64_t tokens) const {
  return estimate_for(options_.engine, deployment_, tokens).input_usd;
}

void SidePayment::settle(std::int64_t tokens) {
  if (hold_ == nullptr) return;
  const budgets::Amount used =
      tokens == 0 ? hold_->reserved : budgets::Amount{price_of(tokens), tokens};
  options_.engine.budgets()->settle(std::exchange(hold_, nullptr), used);
}

}  // namespace slipway::gateway::detail
