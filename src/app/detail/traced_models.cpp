#include "app/detail/traced_models.hpp"

#include <map>
#include <memory>

#include "gateway/prices.hpp"

namespace slipway::app::detail {

std::function<rag::TracedModel(const std::string&)> traced_models(
    const Config& config, const std::vector<models::ModelInfo>& installed) {
  auto names = std::make_shared<std::map<std::string, rag::TracedModel>>();
  for (const models::ModelInfo& info : installed)
    (*names)[info.name] = {std::string(json::name(info.provider)), info.name, info.name};
  for (const auto& [name, model] : config.models) {
    gateway::ModelNames known = gateway::names_of(name, model);
    (*names)[name] = {std::move(known.provider), std::move(known.wire_model),
                      std::move(known.priced_model)};
  }
  return [names = std::shared_ptr<const std::map<std::string, rag::TracedModel>>(names)](
             const std::string& name) {
    const auto found = names->find(name);
    return found == names->end() ? rag::TracedModel{"", name, name} : found->second;
  };
}

}  // namespace slipway::app::detail
