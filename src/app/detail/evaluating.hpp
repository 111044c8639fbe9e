// How suites that callers send reach the models and collections of this server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "budgets/ledger.hpp"
#include "core/guarded.hpp"
#include "eval/evaluation.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

struct EvaluatingParts {
  std::shared_ptr<models::Catalog> catalog;
  std::shared_ptr<rag::Library> library;
  std::string default_embedder;
  trace::Recorder* recorder = nullptr;  ///< Must outlive the evaluations; null: none is recorded.
  budgets::Ledger* ledger = nullptr;    ///< Likewise; null: only a suite's own budget holds.
};

/// Judges pay as the project that their runs are recorded in.
budgets::Payer judge_payer(const std::string& model);

/// Each call gives doors whose copies own what was opened through them.
std::function<eval::Doors(const Context&)> evaluation_doors(EvaluatingParts parts);

}  // namespace slipway::app::detail
