#include "tools/check.hpp"

#include "store/sql_syntax.hpp"

namespace slipway::tools {

Result<void> check_tool(const agents::ToolRegistry& registry, const agents::ToolSpec& spec,
                        const agents::Value& constants) {
  if (constants.is_null()) {
    const auto made = registry.make(spec);
    if (!made && made.error().code() == Code::invalid_argument) return made.error();
    return {};
  }
  const agents::Value& query = constants.at("query");
  if (spec.kind != "sql" || !query.is_text()) return {};
  const bool is_sqlite = spec.config.at("sqlite").is_text();
  auto checked = is_sqlite ? store::check_sqlite_statement(query.text())
                           : store::check_postgres_statement(query.text());
  if (!checked) return fail(Code::invalid_argument, "query: {}", checked.error().message());
  return {};
}

}  // namespace slipway::tools
