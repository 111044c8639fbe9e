// Questions and searches pay as calls of the gateway do: by the budgets of who asks.
#pragma once

#include <optional>

#include "budgets/ledger.hpp"
#include "http/api.hpp"
#include "rag/library.hpp"

namespace slipway::api::detail {

/// One question's reservation, for embedding, reranking and generation together; given back when it ends without `settle`. Waits for the ledger's
/// disk when a budget is concerned.
class AskBudget {
 public:
  /// Before anything of the question is asked. `ledger` may be null: nothing is limited then.
  /// Fails: unavailable (the ledger), and as `Library::estimate`.
  static Result<AskBudget> open(const http::Call& call, budgets::Ledger* ledger,
                                rag::Library& library, const rag::AskRequest& request);
  AskBudget(AskBudget&&) noexcept;
  AskBudget& operator=(AskBudget&&) = delete;
  ~AskBudget();

  /// Dollars that it may cost; nothing: no limit.
  std::optional<double> limit_usd() const { return limit_usd_; }
  /// Whether that is less than was asked for.
  bool is_short() const { return is_short_; }
  const std::optional<budgets::Refusal>& refusal() const { return refusal_; }
  /// It was not answered, for want of money: why, as the ledger says it.
  Result<void> refuse();
  void settle(double cost_usd, std::int64_t tokens);

 private:
  AskBudget(budgets::Ledger* ledger, std::optional<double> budget_usd)
      : ledger_(ledger), limit_usd_(budget_usd) {}
  Result<void> reserve(budgets::Wish wish);

  budgets::Ledger* ledger_;
  std::optional<double> limit_usd_;
  budgets::Wish wish_;
  budgets::HoldPtr hold_;
  std::optional<budgets::Refusal> refusal_;
  bool is_short_ = false;
};

/// The refusal as a problem (RFC 9457) with `code` and `budget`; the exchange has its answer then.
void reply_refused(const http::Call& call, const budgets::Refusal& refusal);

}  // namespace slipway::api::detail
