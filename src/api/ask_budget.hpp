// Questions and searches pay as calls of the gateway do: by the budgets of who asks.
#pragma once

#include <optional>

#include "budgets/ledger.hpp"
#include "rag/library.hpp"

namespace slipway::api {

/// One question's reservation, for embedding, reranking and generation together; given back when it
/// ends without `settle`. Waits for the ledger's disk when a budget is concerned.
class AskBudget {
 public:
  /// What it borrows must outlive it.
  struct Options {
    budgets::Ledger* ledger;  ///< Null: nothing is limited.
    rag::Library& library;
    const rag::AskRequest& request;  ///< With an origin: it says who pays.
    std::string call_id;
    std::string run_id;  ///< That pays: see trace/paying_run.hpp.
    /// Another reservation of the same call counts its tokens, and it as admitted or refused.
    bool is_beside = false;
  };
  /// Before anything of the question is asked. Fails: unavailable (the ledger), and as
  /// `Library::estimate`.
  static Result<AskBudget> open(const Context& context, const Options& options);
  AskBudget(AskBudget&&) noexcept;
  AskBudget& operator=(AskBudget&&) = delete;
  ~AskBudget();

  /// Dollars that it may cost; nothing: no limit.
  std::optional<double> limit_usd() const { return limit_usd_; }
  /// Whether that is less than was asked for.
  bool is_short() const { return is_short_; }
  const std::optional<budgets::Refusal>& refusal() const { return refusal_; }
  /// Of the budget with the least room, as callers are told; empty: none is concerned. Behind
  /// `settle` with what it took.
  const json::Object& left() const { return left_; }
  /// It was not answered, for want of money: why, as the ledger says it.
  Result<void> refuse();
  void settle(double cost_usd, std::int64_t tokens);

 private:
  explicit AskBudget(const Options& options)
      : ledger_(options.ledger), limit_usd_(options.request.budget_usd) {}
  Result<void> reserve(budgets::Wish wish);
  void note_settled(const budgets::Amount& used);

  budgets::Ledger* ledger_;
  std::optional<double> limit_usd_;
  budgets::Wish wish_;
  budgets::HoldPtr hold_;
  std::optional<budgets::Refusal> refusal_;
  json::Object left_;
  bool is_short_ = false;
};

}  // namespace slipway::api
