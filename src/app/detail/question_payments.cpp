#include "app/detail/question_payments.hpp"

#include "api/ask_budget.hpp"

namespace slipway::app::detail {

namespace {

using Refused = std::function<void(budgets::Refusal)>;

Error too_little(const Refused& refused, const budgets::Refusal& refusal) {
  if (refused) refused(refusal);
  return fail(Code::rate_limited, "{}", refusal.message);
}

class Payment final : public rag::QuestionPayment {
 public:
  Payment(api::AskBudget budget, Refused refused)
      : budget_(std::move(budget)), refused_(std::move(refused)) {}

  std::optional<double> limit_usd() const override { return budget_.limit_usd(); }

  Result<void> settle(const rag::Answer& answer) override {
    if (budget_.is_short() && answer.reason == rag::RefusalReason::budget) {
      TRY(budget_.refuse());
      if (budget_.refusal()) return too_little(refused_, *budget_.refusal());
      return {};
    }
    budget_.settle(answer.cost_usd, 0);
    return {};
  }

 private:
  api::AskBudget budget_;
  const Refused refused_;
};

}  // namespace

rag::PayForQuestion question_payments(budgets::Ledger& ledger, std::string run_id,
                                      Refused refused) {
  return [&ledger, run_id = std::move(run_id), refused = std::move(refused)](
             const Context& context, rag::Library& library,
             const rag::AskRequest& request) -> Result<std::unique_ptr<rag::QuestionPayment>> {
    if (!request.origin) return std::unique_ptr<rag::QuestionPayment>();
    auto budget = TRY(api::AskBudget::open(context, {.ledger = &ledger,
                                                     .library = library,
                                                     .request = request,
                                                     .call_id = request.origin->parent_id,
                                                     .run_id = run_id,
                                                     .is_beside = true}));
    if (budget.refusal()) return too_little(refused, *budget.refusal());
    return std::unique_ptr<rag::QuestionPayment>(
        std::make_unique<Payment>(std::move(budget), refused));
  };
}

}  // namespace slipway::app::detail
