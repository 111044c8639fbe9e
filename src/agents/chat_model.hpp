// Models of the catalog, local and remote, as agents call them.
#pragma once

#include <memory>

#include "agents/model.hpp"
#include "models/catalog.hpp"

namespace slipway::agents {

/// `catalog` must outlive it. A model that the agent's file declares whole is opened beside it.
/// Fails: as `models::Catalog::chat_model`.
Result<std::shared_ptr<Model>> open_chat_model(models::Catalog& catalog, const ModelSpec& spec);
/// What a model of the catalog costs now.
ModelPrice price_in(const models::Catalog& catalog, const std::string& name);
/// The same of a model that is open; for tests.
std::shared_ptr<Model> wrap_chat_model(std::shared_ptr<models::ChatModel> model);

}  // namespace slipway::agents
