// What a call asks beside its answer, the vectors of the semantic cache: paid by the budgets of the
// caller as the answer is, reserved before and settled after.
#pragma once

#include <string>

#include "budgets/ledger.hpp"
#include "gateway/detail/engine.hpp"

namespace slipway::gateway::detail {

/// One reservation; given back when it goes without `settle`. Not for two threads.
class SidePayment {
 public:
  /// What is borrowed must outlive it.
  struct Options {
    Engine& engine;
    budgets::Payer payer;  ///< Of the call; its models become those that are asked here.
    std::string call_id;
    std::string model;    ///< That is asked.
    std::int64_t tokens;  ///< That it reads, rather too many.
  };
  /// Waits for the ledger's disk where a budget is concerned. Does not count as a call of its own.
  /// Fails: rate_limited (a budget has no room), unavailable (the ledger cannot be written).
  static Result<SidePayment> open(Options options);
  SidePayment(SidePayment&& other) noexcept;
  SidePayment& operator=(SidePayment&&) = delete;
  ~SidePayment();

  /// It was answered, or nobody knows whether it was. 0 tokens: nobody said how many, so what was
  /// reserved is spent.
  void settle(std::int64_t tokens);

 private:
  explicit SidePayment(Options options) : options_(std::move(options)) {}
  trace::Picodollars price_of(std::int64_t tokens) const;

  const Options options_;
  DeploymentPtr deployment_;  ///< Null: a model of this machine, which costs nothing.
  budgets::HoldPtr hold_;     ///< Null: no budget is concerned.
};

}  // namespace slipway::gateway::detail
