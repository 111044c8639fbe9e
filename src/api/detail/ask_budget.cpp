#include "api/detail/ask_budget.hpp"

#include <future>

#include "http/problem.hpp"

namespace slipway::api::detail {

namespace {

/// Reserved where nobody knows what a question may cost.
constexpr trace::Picodollars question_usd{1'000'000'000'000};

/// What the models can take, and no more than the question may.
Result<trace::Picodollars> most_of(const rag::AskEstimate& estimate,
                                   const std::optional<double>& budget_usd) {
  trace::Picodollars most = question_usd;
  constexpr double usd_max = 1e6;
  if (estimate.is_priced) most = TRY(trace::picodollars(std::min(estimate.usd, usd_max)));
  if (budget_usd) {
    const auto limit = TRY(trace::picodollars(*budget_usd).within("budget_usd"));
    if (!estimate.is_priced || limit < most) most = limit;
  }
  return most;
}

}  // namespace

Result<AskBudget> AskBudget::open(const http::Call& call, budgets::Ledger* ledger,
                                  rag::Library& library, const rag::AskRequest& request) {
  AskBudget budget(ledger, request.budget_usd);
  if (ledger == nullptr || !ledger->has_budgets()) return budget;
  const trace::Origin& origin = *request.origin;
  budgets::Wish wish;
  if (!origin.project.empty()) wish.payer.project = origin.project;
  wish.payer.user = origin.user_id;
  wish.payer.session = origin.session_id;
  wish.payer.key = call.context().caller();
  wish.payer.trace = origin.trace_id;
  if (!ledger->concerns(wish.payer)) return budget;
  wish.call_id = call.request().id;
  const rag::AskEstimate estimate = TRY(library.estimate(call.context(), request));
  wish.usd_up_to = TRY(most_of(estimate, request.budget_usd));
  wish.input_tokens = estimate.tokens;
  wish.may_clamp = wish.may_degrade = false;
  budget.wish_ = wish;
  TRY(budget.reserve(std::move(wish)));
  if (budget.hold_ != nullptr) {
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
  ledger_->settle(std::exchange(hold_, nullptr), {usd ? *usd : trace::Picodollars(), tokens});
}

void reply_refused(const http::Call& call, const budgets::Refusal& refusal) {
  const bool asks = refusal.on_exceed == budgets::OnExceed::ask;
  http::Problem problem =
      http::problem_of(fail(Code::rate_limited, "{}", refusal.message), call.request());
  if (asks) problem.status = 402;
  json::Value body = json::to(problem);
  body.as_object()["code"] = asks ? "budget_approval_required" : "budget_exceeded";
  body.as_object()["budget"] = refusal.budget;
  http::Response response{.status = problem.status, .headers = {}, .body = json::dump(body)};
  response.headers.set("Content-Type", std::string(http::problem_media_type));
  response.headers.set("x-should-retry", "false");
  call.exchange()->reply(std::move(response));
}

}  // namespace slipway::api::detail
