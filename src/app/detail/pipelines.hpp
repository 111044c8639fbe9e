// What the gateway serves beside models: every collection, "rag/handbook", and every agent,
// "agent/research".
#pragma once

#include <memory>
#include <string_view>

#include "app/detail/agenting.hpp"
#include "budgets/ledger.hpp"
#include "core/guarded.hpp"
#include "gateway/gateway.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

/// Whether a pipeline would have such a name.
bool is_pipeline(std::string_view name);

/// Of whatever library is current when they are asked. All must outlive what it gives.
gateway::Pipelines pipelines_of(Guarded<std::shared_ptr<rag::Library>>& current,
                                budgets::Ledger& ledger, Agenting& agenting);

}  // namespace slipway::app::detail
