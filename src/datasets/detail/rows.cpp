#include "datasets/detail/rows.hpp"

#include <algorithm>

#include "core/json_exact.hpp"
#include "store/columns.hpp"

namespace slipway::datasets::detail {

namespace {

template <typename T>
Result<std::optional<T>> parsed(const store::Statement& row, int column) {
  if (row.is_null(column)) return std::optional<T>();
  return std::optional(TRY(json::from<T>(TRY(json::parse(row.text(column))))));
}

bool holds(const json::Value& known, const json::Value& wanted) {
  if (known == wanted) return true;
  if (known.is_object() && wanted.is_object())
    return contains(known.get_object(), wanted.get_object());
  if (!known.is_array()) return false;
  const json::Array& all = known.get_array();
  const auto has = [&](const json::Value& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  if (!wanted.is_array()) return has(wanted);
  return std::all_of(wanted.get_array().begin(), wanted.get_array().end(), has);
}

}  // namespace

bool contains(const json::Object& known, const json::Object& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& member) {
    const json::Value* value = known.if_contains(member.key());
    return value != nullptr && holds(*value, member.value());
  });
}

const std::string_view dataset_columns =
    "n, id, name, description, data_type, inputs_schema, outputs_schema, transformations, "
    "metadata, created, modified, example_count, share_token";

Result<DatasetRow> read_dataset(store::Statement& row) {
  DatasetRow read;
  read.n = row.integer(0);
  Dataset& dataset = read.dataset;
  dataset.id = row.text(1);
  dataset.name = row.text(2);
  dataset.description = store::optional_text(row, 3);
  dataset.data_type = TRY(json::from<DataType>(json::Value(row.text(4))));
  dataset.inputs_schema = TRY(parsed<json::Object>(row, 5));
  dataset.outputs_schema = TRY(parsed<json::Object>(row, 6));
  if (!row.is_null(7)) dataset.transformations = TRY(json::parse_exact(row.text(7))).as_array();
  dataset.metadata = *TRY(parsed<json::Object>(row, 8));
  dataset.created = row.integer(9);
  dataset.modified = row.integer(10);
  dataset.example_count = row.integer(11);
  dataset.share_token = store::optional_text(row, 12);
  return read;
}

Result<std::optional<DatasetRow>> find_dataset(store::Connection& connection, DatasetKey key,
                                               const std::string& value) {
  constexpr std::string_view columns[] = {"id", "name", "share_token"};
  auto select =
      TRY(connection.prepare(fmt::format("SELECT {} FROM datasets_datasets WHERE {} = ?",
                                         dataset_columns, columns[static_cast<int>(key)])));
  if (!TRY(select.bind(0, value).step())) return std::optional<DatasetRow>();
  return std::optional(TRY(read_dataset(select)));
}

Result<DatasetRow> need_dataset(store::Connection& connection, const std::string& id) {
  auto row = TRY(find_dataset(connection, DatasetKey::id, id));
  // Clients look for these words to tell a dataset that is not there from a route that is not.
  if (!row) return fail(Code::not_found, "Dataset not found: {}", id.substr(0, 100));
  return *std::move(row);
}

const std::string_view select_revisions =
    "SELECT r.n, r.dataset, r.ordinal, r.died, r.example_id, d.id, r.inputs, r.outputs, "
    "r.metadata, r.source_run_id, r.created, r.born, r.attachments FROM datasets_revisions r "
    "JOIN datasets_datasets d ON d.n = r.dataset ";

Result<Revision> read_revision(store::Statement& row) {
  Revision revision;
  revision.n = row.integer(0);
  revision.dataset = row.integer(1);
  revision.ordinal = row.integer(2);
  revision.died = row.integer(3);
  Example& example = revision.example;
  example.place = revision.ordinal;
  example.id = row.text(4);
  example.dataset_id = row.text(5);
  example.inputs = row.text(6);
  example.outputs = store::optional_text(row, 7);
  // To the last bit: it is compared with what was written.
  example.metadata = TRY(json::from<json::Object>(TRY(json::parse_exact(row.text(8)))));
  example.source_run_id = store::optional_text(row, 9);
  example.created = row.integer(10);
  example.modified = row.integer(11);
  example.attachments = TRY(json::from<std::vector<Attachment>>(TRY(json::parse(row.text(12)))));
  return revision;
}

Result<std::optional<Revision>> find_example(store::Connection& connection, const std::string& id,
                                             Version version) {
  auto select = TRY(connection.prepare(
      std::string(select_revisions) +
      (version == latest ? "WHERE r.example_id = ? AND r.died = ?2"
                         : "WHERE r.example_id = ? AND r.born <= ?2 AND r.died > ?2")));
  if (!TRY(select.bind(0, id).bind(1, version).step())) return std::optional<Revision>();
  return std::optional(TRY(read_revision(select)));
}

Result<void> each_example(store::Connection& connection, const Span& span,
                          const TakeRevision& take) {
  const std::string_view holds =
      span.version == latest ? "r.died = ?2" : "r.born <= ?2 AND r.died > ?2";
  auto select = TRY(connection.prepare(
      fmt::format("{}WHERE r.dataset = ?1 AND {} AND r.ordinal > ?3 ORDER BY r.ordinal",
                  select_revisions, holds)));
  select.bind(0, span.dataset).bind(1, span.version).bind(2, span.after);
  while (TRY(select.step()))
    if (!TRY(take(select))) return {};
  return {};
}

Result<Version> resolve(store::Connection& connection, const DatasetRow& row, const AsOf& as_of) {
  if (as_of.tag.empty()) return as_of.time;
  if (as_of.tag == "latest") return latest;
  auto select =
      TRY(connection.prepare("SELECT version FROM datasets_tags WHERE dataset = ? AND tag = ?"));
  if (!TRY(select.bind(0, row.n).bind(1, as_of.tag).step()))
    return fail(Code::not_found, "dataset '{}' has no version tagged '{}'", row.dataset.name,
                as_of.tag.substr(0, 100));
  return select.integer(0);
}

Result<Version> begin_version(store::Connection& connection, const DatasetRow& row, Version now) {
  auto last =
      TRY(connection.prepare("SELECT max(version) FROM datasets_versions WHERE dataset = ?"));
  TRY(last.bind(0, row.n).step());
  const Version version = last.is_null(0) ? now : std::max(now, last.integer(0) + 1);
  auto insert =
      TRY(connection.prepare("INSERT INTO datasets_versions(dataset, version) VALUES (?, ?)"));
  TRY(insert.bind(0, row.n).bind(1, version).run());
  auto modified = TRY(connection.prepare("UPDATE datasets_datasets SET modified = ? WHERE n = ?"));
  TRY(modified.bind(0, version).bind(1, row.n).run());
  return version;
}

Result<void> add_count(store::Connection& connection, std::int64_t dataset, std::int64_t count) {
  auto update = TRY(connection.prepare(
      "UPDATE datasets_datasets SET example_count = example_count + ? WHERE n = ?"));
  return update.bind(0, count).bind(1, dataset).run();
}

Result<void> insert_revision(store::Connection& connection, const Revision& revision) {
  const Example& example = revision.example;
  auto insert = TRY(connection.prepare(
      "INSERT INTO datasets_revisions(dataset, ordinal, example_id, born, died, created, inputs, "
      "outputs, metadata, source_run_id, attachments) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  insert.bind(0, revision.dataset).bind(1, revision.ordinal).bind(2, example.id);
  insert.bind(3, example.modified).bind(4, alive).bind(5, example.created);
  insert.bind(6, example.inputs).bind(7, example.outputs).bind(8, json::dump(example.metadata));
  insert.bind(9, example.source_run_id).bind(10, json::dump(json::to(example.attachments)));
  TRY(insert.run());
  if (revision.ordinal != 0) return {};
  const std::int64_t n = connection.last_insert_id();
  auto place = TRY(connection.prepare("UPDATE datasets_revisions SET ordinal = n WHERE n = ?"));
  return place.bind(0, n).run();
}

Result<void> end_revision(store::Connection& connection, std::int64_t n, Version version) {
  auto update = TRY(connection.prepare("UPDATE datasets_revisions SET died = ? WHERE n = ?"));
  return update.bind(0, version).bind(1, n).run();
}

}  // namespace slipway::datasets::detail
