#include "core/uuid.hpp"
#include "datasets/datasets.hpp"
#include "datasets/detail/rows.hpp"
#include "store/columns.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets {

namespace {

constexpr std::size_t experiments_max = 100;
constexpr std::string_view select_comparisons =
    "SELECT c.id, d.id, c.name, c.description, c.experiments, c.extra, c.created, c.modified FROM "
    "datasets_comparisons c JOIN datasets_datasets d ON d.n = c.dataset ";

Result<Comparison> read_comparison(store::Statement& row) {
  Comparison one;
  one.id = row.text(0);
  one.dataset_id = row.text(1);
  one.name = store::optional_text(row, 2);
  one.description = store::optional_text(row, 3);
  one.experiment_ids = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(4)))));
  one.extra = TRY(json::from<json::Object>(TRY(json::parse(row.text(5)))));
  one.created = row.integer(6);
  one.modified = row.integer(7);
  return one;
}

}  // namespace

Result<Comparison> Datasets::compare(const Context& context, Comparison comparison) {
  if (comparison.experiment_ids.empty() || comparison.experiment_ids.size() > experiments_max)
    return fail(Code::invalid_argument, "experiment_ids: 1 to {} are wanted, got {}",
                experiments_max, comparison.experiment_ids.size());
  comparison.id =
      comparison.id.empty() ? make_uuid(options_.random) : trace::as_uuid(comparison.id);
  for (std::string& id : comparison.experiment_ids) id = trace::as_uuid(id);
  comparison.modified = options_.clock.now().time_since_epoch().count();
  if (comparison.created == 0) comparison.created = comparison.modified;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(comparison.dataset_id)));
    comparison.dataset_id = row.dataset.id;
    auto known = TRY(connection.prepare("SELECT 1 FROM datasets_comparisons WHERE id = ?"));
    if (TRY(known.bind(0, comparison.id).step()))
      return fail(Code::conflict, "Comparative experiment {} already exists.", comparison.id);
    auto insert = TRY(connection.prepare(
        "INSERT INTO datasets_comparisons(id, dataset, name, description, experiments, extra, "
        "created, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(0, comparison.id).bind(1, row.n).bind(2, comparison.name);
    insert.bind(3, comparison.description);
    insert.bind(4, json::dump(json::to(comparison.experiment_ids)));
    insert.bind(5, json::dump(comparison.extra)).bind(6, comparison.created);
    return insert.bind(7, comparison.modified).run();
  }));
  return comparison;
}

Result<std::vector<Comparison>> Datasets::comparisons(const Context& context,
                                                      const std::string& dataset_id) {
  std::vector<Comparison> all;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(dataset_id)));
    auto select = TRY(connection.prepare(std::string(select_comparisons) +
                                         "WHERE c.dataset = ? ORDER BY c.created DESC, c.id"));
    select.bind(0, row.n);
    while (TRY(select.step())) all.push_back(TRY(read_comparison(select)));
    return {};
  }));
  return all;
}

Result<Comparison> Datasets::comparison(const Context& context, const std::string& id) {
  Comparison found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(std::string(select_comparisons) + "WHERE c.id = ?"));
    if (!TRY(select.bind(0, trace::as_uuid(id)).step()))
      return fail(Code::not_found, "Comparative experiment {} not found", id.substr(0, 100));
    found = TRY(read_comparison(select));
    return {};
  }));
  return found;
}

Result<void> Datasets::remove_comparison(const Context& context, const std::string& id) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto gone = TRY(connection.prepare("DELETE FROM datasets_comparisons WHERE id = ?"));
    TRY(gone.bind(0, trace::as_uuid(id)).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "Comparative experiment {} not found", id.substr(0, 100));
    return {};
  });
}

}  // namespace slipway::datasets
