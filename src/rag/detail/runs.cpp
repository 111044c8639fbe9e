#include "rag/detail/runs.hpp"

#include "store/columns.hpp"

namespace slipway::rag::detail {

namespace {

/// Whoever has not been heard of for so long has been killed.
constexpr std::chrono::minutes silence_max{5};

}  // namespace

Result<bool> begin_run(const Context& context, Shelf& shelf, const std::string& name) {
  const auto now = shelf.clock().now();
  bool begun = false;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    auto start = TRY(connection.prepare(
        "INSERT INTO rag_source_runs(name, started_at, alive_at) VALUES(?1, ?2, ?2) "
        "ON CONFLICT(name) DO UPDATE SET started_at = ?2, alive_at = ?2, finished_at = NULL, "
        "error = NULL, report = NULL WHERE finished_at IS NOT NULL OR alive_at < ?3"));
    TRY(start.bind(0, name)
            .bind(1, format_time(now))
            .bind(2, format_time(now - silence_max))
            .run());
    begun = connection.changes() == 1;
    return {};
  }));
  return begun;
}

Result<void> keep_run_alive(const Context& context, Shelf& shelf, const std::string& name) {
  return shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare("UPDATE rag_source_runs SET alive_at = ? WHERE name = ?"));
    return update.bind(0, format_time(shelf.clock().now())).bind(1, name).run();
  });
}

Result<void> end_run(const Context& context, Shelf& shelf, const std::string& name,
                     const json::Value& report, const std::string& error) {
  return shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE rag_source_runs SET finished_at = ?, error = ?, report = ? WHERE name = ?"));
    update.bind(0, format_time(shelf.clock().now()));
    update.bind(1, error.empty() ? std::nullopt : std::optional(error));
    return update.bind(2, json::dump(report)).bind(3, name).run();
  });
}

Result<std::vector<SourceRun>> source_runs(const Context& context, Shelf& shelf) {
  std::vector<SourceRun> runs;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT name, started_at, alive_at, finished_at, error, report FROM rag_source_runs"));
    while (TRY(select.step())) {
      SourceRun& run = runs.emplace_back();
      run.name = select.text(0);
      run.started_at = select.text(1);
      run.finished_at = store::optional_text(select, 3);
      run.error = store::optional_text(select, 4);
      if (!select.is_null(5)) run.report = TRY(json::parse(select.text(5)));
      run.is_running =
          !run.finished_at && TRY(parse_time(select.text(2))) + silence_max > shelf.clock().now();
    }
    return {};
  }));
  return runs;
}

}  // namespace slipway::rag::detail
