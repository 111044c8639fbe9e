#include "langgraph/detail/spaces.hpp"

#include "langgraph/detail/ids.hpp"

namespace slipway::langgraph::detail {

std::string Spaces::task_id(const std::string& scope, int step, const std::string& name) const {
  if (scope.empty() && lineage != nullptr) return lineage->task_id(number, name);
  return uuid_of_name(fmt::format("slipway:task:{}:{}:{}", of_scope(scope), step, name));
}

std::string Spaces::of_scope(const std::string& scope) const {
  if (scope.empty()) return {};
  const std::size_t slash = scope.rfind('/');
  const std::string above = slash == std::string::npos ? "" : scope.substr(0, slash);
  const std::string node = slash == std::string::npos ? scope : scope.substr(slash + 1);
  const auto step = steps.find(above);
  const std::string outer = of_scope(above);
  return fmt::format("{}{}{}:{}", outer, outer.empty() ? "" : "|", node,
                     task_id(above, step == steps.end() ? 0 : step->second, node));
}

}  // namespace slipway::langgraph::detail
