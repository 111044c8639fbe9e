#include "datasets/datasets.hpp"

#include <set>

#include "core/ascii.hpp"
#include "core/uuid.hpp"
#include "datasets/detail/rows.hpp"
#include "datasets/detail/stored_attachments.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets {

namespace {

using detail::DatasetKey;
using detail::DatasetRow;

constexpr std::size_t name_bytes_max = 512, description_bytes_max = 64u << 10;

Result<void> check(const Dataset& dataset, const Limits& limits) {
  if (dataset.name.empty() || dataset.name.size() > name_bytes_max)
    return fail(Code::invalid_argument, "name: 1 to {} bytes are wanted, got {}", name_bytes_max,
                dataset.name.size());
  if (dataset.description && dataset.description->size() > description_bytes_max)
    return fail(Code::invalid_argument, "description: at most {} bytes are taken",
                description_bytes_max);
  if (json::dump(dataset.metadata).size() > limits.metadata_bytes_max)
    return fail(Code::invalid_argument, "metadata: at most {} bytes are taken",
                limits.metadata_bytes_max);
  if (dataset.inputs_schema)
    TRY(detail::schema_check(*dataset.inputs_schema).within("inputs_schema"));
  if (dataset.outputs_schema)
    TRY(detail::schema_check(*dataset.outputs_schema).within("outputs_schema"));
  return {};
}

template <typename T>
std::optional<std::string> text_of(const std::optional<T>& value) {
  return value ? std::optional(json::dump(*value)) : std::nullopt;
}

Result<void> check_free(store::Connection& connection, const Dataset& dataset) {
  auto taken =
      TRY(connection.prepare("SELECT id FROM datasets_datasets WHERE name = ? AND id <> ?"));
  if (TRY(taken.bind(0, dataset.name).bind(1, dataset.id).step()))
    return fail(Code::conflict, "Dataset with the name '{}' already exists.", dataset.name);
  return {};
}

}  // namespace

Result<Dataset> Datasets::create(const Context& context, Dataset dataset) {
  TRY(check(dataset, options_.limits));
  dataset.id = dataset.id.empty() ? make_uuid(options_.random) : trace::as_uuid(dataset.id);
  dataset.created = dataset.modified = options_.clock.now().time_since_epoch().count();
  dataset.example_count = 0;
  dataset.share_token.reset();
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    TRY(check_free(connection, dataset));
    if (TRY(detail::find_dataset(connection, DatasetKey::id, dataset.id)))
      return fail(Code::conflict, "Dataset {} already exists.", dataset.id);
    auto insert = TRY(connection.prepare(
        "INSERT INTO datasets_datasets(id, name, description, data_type, inputs_schema, "
        "outputs_schema, transformations, metadata, created, modified, example_count) VALUES (?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"));
    insert.bind(0, dataset.id).bind(1, dataset.name).bind(2, dataset.description);
    insert.bind(3, json::name(dataset.data_type)).bind(4, text_of(dataset.inputs_schema));
    insert.bind(5, text_of(dataset.outputs_schema)).bind(6, text_of(dataset.transformations));
    insert.bind(7, json::dump(dataset.metadata)).bind(8, dataset.created);
    return insert.bind(9, dataset.modified).run();
  }));
  return dataset;
}

Result<Dataset> Datasets::read(const Context& context, const std::string& id) {
  Dataset dataset;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    dataset = TRY(detail::need_dataset(connection, trace::as_uuid(id))).dataset;
    return {};
  }));
  return dataset;
}

Result<Dataset> Datasets::read_named(const Context& context, const std::string& name) {
  std::optional<DatasetRow> row;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    row = TRY(detail::find_dataset(connection, DatasetKey::name, name));
    return {};
  }));
  if (!row) return fail(Code::not_found, "there is no dataset '{}'", name.substr(0, 100));
  return std::move(row->dataset);
}

Result<std::vector<Dataset>> Datasets::list(const Context& context, const DatasetQuery& query) {
  std::set<std::string> ids;
  for (const std::string& id : query.ids) ids.insert(trace::as_uuid(id));
  const auto part = query.name_part ? std::optional(ascii::lower(*query.name_part)) : std::nullopt;
  std::vector<Dataset> found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        fmt::format("SELECT {} FROM datasets_datasets ORDER BY n DESC", detail::dataset_columns)));
    int skipped = 0;
    while (static_cast<int>(found.size()) < query.limit && TRY(select.step())) {
      Dataset dataset = TRY(detail::read_dataset(select)).dataset;
      if (!ids.empty() && !ids.contains(dataset.id)) continue;
      if (query.name && dataset.name != *query.name) continue;
      if (part && ascii::lower(dataset.name).find(*part) == std::string::npos) continue;
      if (query.data_type && dataset.data_type != *query.data_type) continue;
      if (!detail::contains(dataset.metadata, query.metadata)) continue;
      if (skipped++ >= query.offset) found.push_back(std::move(dataset));
    }
    return {};
  }));
  return found;
}

Result<Dataset> Datasets::change(const Context& context, const std::string& id,
                                 const DatasetChange& change) {
  Dataset dataset;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const DatasetRow row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    dataset = row.dataset;
    if (change.name) dataset.name = *change.name;
    if (change.description) dataset.description = *change.description;
    if (change.inputs_schema) dataset.inputs_schema = *change.inputs_schema;
    if (change.outputs_schema) dataset.outputs_schema = *change.outputs_schema;
    if (change.transformations) dataset.transformations = *change.transformations;
    if (change.metadata) dataset.metadata = *change.metadata;
    TRY(check(dataset, options_.limits));
    TRY(check_free(connection, dataset));
    auto update = TRY(connection.prepare(
        "UPDATE datasets_datasets SET name = ?, description = ?, inputs_schema = ?, "
        "outputs_schema = ?, transformations = ?, metadata = ? WHERE n = ?"));
    update.bind(0, dataset.name).bind(1, dataset.description);
    update.bind(2, text_of(dataset.inputs_schema)).bind(3, text_of(dataset.outputs_schema));
    update.bind(4, text_of(dataset.transformations)).bind(5, json::dump(dataset.metadata));
    return update.bind(6, row.n).run();
  }));
  return dataset;
}

Result<void> Datasets::remove(const Context& context, const std::string& id) {
  std::vector<std::string> hashes;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const DatasetRow row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    hashes = TRY(detail::forget_attachments(connection, {.dataset = row.n}));
    for (const std::string_view table : {"revisions", "versions", "tags", "comparisons"}) {
      auto gone =
          TRY(connection.prepare(fmt::format("DELETE FROM datasets_{} WHERE dataset = ?", table)));
      TRY(gone.bind(0, row.n).run());
    }
    auto gone = TRY(connection.prepare("DELETE FROM datasets_datasets WHERE n = ?"));
    return gone.bind(0, row.n).run();
  }));
  return detail::release(context, options_, hashes);
}

Result<std::string> Datasets::share(const Context& context, const std::string& id) {
  std::string token;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const DatasetRow row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    token = row.dataset.share_token.value_or(make_uuid(options_.random));
    auto update =
        TRY(connection.prepare("UPDATE datasets_datasets SET share_token = ? WHERE n = ?"));
    return update.bind(0, token).bind(1, row.n).run();
  }));
  return token;
}

Result<void> Datasets::unshare(const Context& context, const std::string& id) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const DatasetRow row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    auto update =
        TRY(connection.prepare("UPDATE datasets_datasets SET share_token = NULL WHERE n = ?"));
    return update.bind(0, row.n).run();
  });
}

Result<Dataset> Datasets::shared(const Context& context, const std::string& token) {
  std::optional<DatasetRow> row;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    row = TRY(detail::find_dataset(connection, DatasetKey::share_token, trace::as_uuid(token)));
    return {};
  }));
  if (!row) return fail(Code::not_found, "nothing is shared under this link (any more)");
  return std::move(row->dataset);
}

}  // namespace slipway::datasets
