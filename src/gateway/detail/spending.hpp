// What budgets know of a call: whom it belongs to, what it has reserved, what it may still write.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "budgets/ledger.hpp"
#include "gateway/detail/demand.hpp"

namespace slipway::gateway::detail {

/// The reservation of a try, while more may be added to it on another thread. Safe to use from
/// many threads.
class Allowance : public std::enable_shared_from_this<Allowance> {
 public:
  /// `ledger` must outlive the calls that it is asked for.
  Allowance(budgets::Ledger& ledger, budgets::Decision decision)
      : ledger_(ledger), hold_(std::move(decision.hold)) {
    if (decision.refusal) left_ = std::move(decision.refusal->budget);
  }

  budgets::HoldPtr hold() const;
  /// Whether so many tokens of a reply may have been written. Before they run out it asks for more,
  /// if `may_grow`.
  bool covers(std::int64_t tokens, bool may_grow);
  /// Why there were no more.
  std::optional<budgets::Refusal> refusal() const;
  /// Of the budget with the least room, as callers are told; what is reserved here is not in it.
  json::Object left() const;

 private:
  void ask_for_more();

  budgets::Ledger& ledger_;
  mutable std::mutex mutex_;
  budgets::HoldPtr hold_;
  std::optional<budgets::Refusal> refusal_;
  json::Object left_;
  bool is_asking_ = false, is_refused_ = false;
};

/// Of one call.
struct Spending {
  Demand demand;
  std::optional<bool> is_concerned;  ///< Absent: nobody has looked yet.
  budgets::Payer payer;
  std::shared_ptr<Allowance> allowance;      ///< Of the try that begins or runs.
  std::optional<std::int64_t> output_limit;  ///< That the model must be told.
  std::optional<json::Object> told;          ///< What is left, for the refusal.
  std::string degraded_to;
  bool may_degrade = true, has_reserved = false;
  trace::Picodollars settled;
};

}  // namespace slipway::gateway::detail
