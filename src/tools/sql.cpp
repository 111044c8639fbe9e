// `sql: {sqlite: path | postgres: dsn, max_rows}`
#include "core/secret.hpp"
#include "store/read_only_sql.hpp"
#include "tools/detail/config.hpp"
#include "tools/detail/kinds.hpp"

namespace slipway::tools::detail {

namespace {

using store::ReadOnlySql;

class SqlTool final : public Tool {
 public:
  struct Source {
    std::string sqlite, postgres;  ///< One of them.
    store::SqlLimits limits;
  };
  explicit SqlTool(Source source) : source_(std::move(source)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    auto query = text_argument(call, "query");
    if (!query) return ToolResult::failed(query.failure());
    auto database = open();
    if (!database) return ToolResult::failed({"tool", database.error().message()});
    const auto found = (*database)->query(context, *query, agents::to_json(call.args.at("params")));
    if (!found) {
      agents::Failure failure = agents::failure_of(found.error());
      if (failure.kind == "failed" || failure.kind == "unsupported") failure.kind = "tool";
      return ToolResult::failed(std::move(failure));
    }
    return ToolResult::done(value_of(*found));
  }
  Value parameters() const override {
    return describe_parameters(
        {{"query", "string",
          source_.sqlite.empty() ? "one SELECT of PostgreSQL; params are $1, $2"
                                 : "one SELECT of SQLite; params are ? or :name"},
         {"params", "", "a list of values, or of SQLite a map of names", false}});
  }
  std::string description() const override {
    return fmt::format("Reads a {} database: {{columns, rows, truncated}}, at most {} rows.",
                       source_.sqlite.empty() ? "PostgreSQL" : "SQLite", source_.limits.rows_max);
  }

 private:
  Result<std::unique_ptr<ReadOnlySql>> open() const {
    if (!source_.sqlite.empty()) return store::read_only_sqlite(source_.sqlite, source_.limits);
    std::string dsn = source_.postgres;
    if (dsn.starts_with("env:") || dsn.starts_with("file:"))
      dsn = TRY(resolve_secret("sql.postgres", dsn));
    return store::read_only_postgres(std::move(dsn), source_.limits);
  }

  static Value value_of(const store::SqlRows& found) {
    Value columns = Value::list(), rows = Value::list();
    std::vector<std::string> names;
    for (const std::string& column : found.columns) {
      std::string name = column;  // Two of one name are two.
      for (int i = 2; std::find(names.begin(), names.end(), name) != names.end(); ++i)
        name = fmt::format("{}_{}", column, i);
      names.push_back(name);
      columns.push(name);
    }
    for (const json::Array& row : found.rows) {
      Value made = Value::map();
      for (std::size_t i = 0; i < row.size(); ++i) made.put(names[i], agents::from_json(row[i]));
      rows.push(std::move(made));
    }
    return Value::map(
        {{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"truncated", found.is_cut}});
  }

  const Source source_;
};

}  // namespace

MadeTool make_sql(const ToolSpec& spec) {
  const ConfigMap map =
      TRY(ConfigMap::open(spec.config, "sql", {"sqlite", "postgres", "max_rows"}));
  SqlTool::Source source;
  source.sqlite = TRY(map.text("sqlite"));
  source.postgres = TRY(map.text("postgres"));
  if (source.sqlite.empty() == source.postgres.empty())
    return fail(Code::invalid_argument, "sql: either sqlite: PATH or postgres: DSN");
  if (!source.sqlite.empty())
    source.sqlite = (std::filesystem::path(spec.folder) / source.sqlite).string();
  constexpr std::int64_t rows_max = 100'000, rows_fallback = 100;
  source.limits.rows_max =
      static_cast<std::size_t>(TRY(map.integer("max_rows", {1, rows_max, rows_fallback})));
  return std::shared_ptr<Tool>(std::make_shared<SqlTool>(std::move(source)));
}

}  // namespace slipway::tools::detail
