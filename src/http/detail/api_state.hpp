// What an Api has declared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/api.hpp"

namespace slipway::http::detail {

struct ApiState {
  Api::Options options;
  Schemas schemas;
  std::vector<std::shared_ptr<const Route>> routes;
  std::vector<std::pair<std::string, std::string>> tags;
};

/// OpenAPI 3.1.
json::Value openapi_document(const ApiState& state);

}  // namespace slipway::http::detail
