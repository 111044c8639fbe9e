// The catalog, with prices of remote models from the one table where the configuration says none.
#pragma once

#include <functional>
#include <memory>

#include "models/catalog.hpp"
#include "rag/library.hpp"
#include "trace/prices.hpp"

namespace slipway::app::detail {

struct PricedCatalogOptions {
  std::shared_ptr<models::Catalog> catalog;
  std::function<std::shared_ptr<const trace::PriceBook>()> book;
  std::function<rag::TracedModel(const std::string& name)> traced_model;
};

std::shared_ptr<models::Catalog> make_priced_catalog(PricedCatalogOptions options);

}  // namespace slipway::app::detail
