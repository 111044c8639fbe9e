// What the configuration says that models cost, as rows of the one table of prices.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/record.hpp"
#include "models/catalog.hpp"
#include "trace/prices.hpp"

namespace slipway::gateway {

/// Of entries with a price, and zero for models of this machine without one. Rows are of
/// "provider/name", since a name here may be another model elsewhere; and of "name" where that is
/// no pretended model of a test.
std::vector<trace::PriceRow> declared_prices(
    const std::map<std::string, models::ModelConfig>& models,
    const std::vector<models::ModelInfo>& installed);

/// How runs call a configured model: provider, the name on the wire, the name of its price.
struct ModelNames {
  std::string provider, wire_model, priced_model;
};
ModelNames names_of(const std::string& name, const models::ModelConfig& config);

/// Tokens of a call as its run tells them. Nothing was counted: empty.
trace::SentUsage sent_usage(const CallRecord& record);

/// Of what a call has used until now; zero out of a cache. Absent: nobody was asked, no price is
/// known, or what it asked has costs of its own (a pipeline).
std::optional<trace::Cost> cost_of(const CallRecord& record, const trace::PriceBook& book);

}  // namespace slipway::gateway
