// Prompts with versions for answers from documents.
#pragma once

#include <memory>

#include "prompts/prompts.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

/// Chooses out of the prompts of a database that must outlive what it gives.
rag::PromptChooser rag_prompts(store::Database& database);

}  // namespace slipway::app::detail
