// How runs call the models of a configuration, and those that are installed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {

/// By the name in the catalog; a model of another name is called as it is asked for.
std::function<rag::TracedModel(const std::string& name)> traced_models(
    const Config& config, const std::vector<models::ModelInfo>& installed);

}  // namespace slipway::app::detail
