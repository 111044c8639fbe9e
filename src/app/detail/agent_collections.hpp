// Collections as agents ask them: what it costs is known before and told after, by whose budgets it
// is paid, and where its runs stand among the traces.
#pragma once

#include <memory>

#include "agents/tool.hpp"
#include "budgets/ledger.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

struct AgentCollections {
  /// The library as it is now. Safe to call from many threads; it and `ledger` must outlive what is
  /// made of them.
  std::function<agents::Outcome<std::shared_ptr<rag::Library>>()> library;
  /// Of the budgets that all share; null: there are none.
  budgets::Ledger* ledger = nullptr;
  /// Whether questions are runs of their own below their call. Off only without a ledger.
  bool is_traced = true;
};
/// Mode search gives passages as a list, mode ask an answer as a map. Fails: as the library; kind
/// budget where a shared one has no room.
agents::Collections collections_of(AgentCollections options);

}  // namespace slipway::app::detail
