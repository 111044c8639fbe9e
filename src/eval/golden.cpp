#include "eval/golden.hpp"

namespace slipway::eval {

std::string Golden::metadata_text(std::string_view key) const {
  const json::Value* value = metadata.if_contains(key);
  if (!value) return "";
  return value->is_string() ? std::string(value->get_string()) : json::dump(*value);
}

Severity Golden::severity() const {
  return metadata_text("severity") == "critical" ? Severity::critical : Severity::normal;
}

}  // namespace slipway::eval
