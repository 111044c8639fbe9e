#include "api/ask_budget.hpp"

#include <future>

namespace slipway::api {

namespace {

/// What the models can take, and no more than the question may. Nothing where nobody knows: budgets
/// in dollars refuse it then, those in tokens do not mind.
Result<trace::Picodollars> most_of(const rag::AskEstimate& estimate,
                                   const std::optional<double>& budget_usd) {
  constexpr double usd_max = 1e6;
  trace::Picodollars most;
  if (estimate.is_priced) most = TRY(trace::picodollars(std::min(estimate.usd, usd_max)));
  if (!budget_usd) return most;
  const auto limit = TRY(trace::picodollars(*budget_usd).within("budget_usd"));
  return estimate.is_priced ? std::min(most, limit) : limit;
}

}  // namespace

Result<AskBudget> AskBudget::open(const Context& context, const Options& options) {
  AskBudget budget(options);
  budgets::Ledger* const ledger = options.ledger;
  if (ledger == nullptr || !ledger->has_budgets()) return budget;
  const rag::AskRequest& request = options.request;
  const trace::Origin& origin = *request.origin;
  budgets::Wish wish;
  if (!origin.project.empty()) wish.payer.project = origin.project;
  wish.payer.user = origin.user_id;
  wish.payer.session = origin.session_id;
  wish.payer.key = origin.key;
  wish.payer.trace = origin.trace_id;
  wish.payer.run = options.run_id;
  const rag::AskEstimate estimate = TRY(options.library.estimate(context, request));
  wish.payer.model = estimate.writer;
  if (!ledger->concerns(wish.payer)) return budget;
  wish.call_id = options.call_id;
  wish.usd_up_to = TRY(most_of(estimate, request.budget_usd));
  wish.is_priced = estimate.is_priced || request.budget_usd;
  if (!options.is_beside) wish.input_tokens = estimate.tokens;
  wish.is_repeated = options.is_beside;
  wish.may_clamp = wish.may_degrade = false;
  budget.wish_ = wish;
  TRY(budget.reserve(std::move(wish)));
  if (budget.hold_ != nullptr && budget.wish_.is_priced) {
    const auto reserved = budget.hold_->reserved.usd;
    budget.is_short_ = reserved < *budget.wish_.usd_up_to;
    budget.limit_usd_ = reserved.dollars();
  }
  return budget;
}

AskBudget::AskBudget(AskBudget&& other) noexcept
    : ledger_(other.ledger_),
      limit_usd_(other.limit_usd_),
      wish_(std::move(other.wish_)),
      hold_(std::exchange(other.hold_, nullptr)),
      refusal_(std::move(other.refusal_)),
      left_(std::move(other.left_)),
      is_short_(other.is_short_) {}

AskBudget::~AskBudget() {
  if (hold_ != nullptr) ledger_->release(hold_);
}

Result<void> AskBudget::reserve(budgets::Wish wish) {
  std::promise<budgets::Decision> promise;
  auto future = promise.get_future();
  ledger_->reserve(std::move(wish), [&promise](budgets::Decision decision) {
    promise.set_value(std::move(decision));
  });
  budgets::Decision decision = future.get();
  if (decision.error) return *std::move(decision.error);
  hold_ = std::move(decision.hold);
  if (decision.refusal) left_ = decision.refusal->budget;
  if (hold_ == nullptr) refusal_ = std::move(decision.refusal);
  return {};
}

Result<void> AskBudget::refuse() {
  if (hold_ != nullptr) ledger_->release(std::exchange(hold_, nullptr));
  budgets::Wish all = wish_;
  all.input_usd = *std::exchange(all.usd_up_to, std::nullopt);
  return reserve(std::move(all));
}

void AskBudget::settle(double cost_usd, std::int64_t tokens) {
  if (hold_ == nullptr) return;
  const auto usd = trace::picodollars(cost_usd);
  const budgets::Amount used{usd ? *usd : trace::Picodollars(), tokens};
  note_settled(used);
  ledger_->settle(std::exchange(hold_, nullptr), used);
}

/// `left_` was told with all that was reserved taken off.
void AskBudget::note_settled(const budgets::Amount& used) {
  const auto add = [this](std::string_view key, std::int64_t tokens) {
    json::Value* const amount = left_.if_contains(key);
    if (amount == nullptr || !amount->is_number()) return;
    *amount = std::max<std::int64_t>(0, amount->to_number<std::int64_t>() + tokens);
  };
  const auto add_usd = [this](std::string_view key, trace::Picodollars usd) {
    json::Value* const amount = left_.if_contains(key);
    if (amount == nullptr || !amount->is_number()) return;
    const auto before = trace::picodollars(amount->to_number<double>());
    if (before)
      *amount = trace::Picodollars{std::max<std::int64_t>(0, before->value + usd.value)}.dollars();
  };
  const budgets::Amount& reserved = hold_->reserved;
  add_usd("spent_usd", used.usd);
  add_usd("remaining_usd", {reserved.usd.value - used.usd.value});
  add("spent_tokens", used.tokens);
  add("remaining_tokens", reserved.tokens - used.tokens);
}

}  // namespace slipway::api
