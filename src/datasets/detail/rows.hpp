// Datasets and revisions of examples as they stand in the tables.
#pragma once

#include <functional>

#include "core/schema_check.hpp"
#include "datasets/datasets.hpp"

namespace slipway::datasets::detail {

/// Of a revision that has not died.
inline constexpr std::int64_t alive = std::numeric_limits<std::int64_t>::max();

/// What a dataset's schema asks of its examples; keywords that are not known ask for nothing.
/// Fails: invalid_argument naming the keyword that is wrong.
inline Result<std::shared_ptr<const json::SchemaCheck>> schema_check(const json::Object& schema) {
  return json::SchemaCheck::make(schema, json::UnknownKeyword::ignored);
}

struct DatasetRow {
  std::int64_t n = 0;
  Dataset dataset;
};

enum class DatasetKey { id, name, share_token };
Result<std::optional<DatasetRow>> find_dataset(store::Connection& connection, DatasetKey key,
                                               const std::string& value);
/// Fails: not_found.
Result<DatasetRow> need_dataset(store::Connection& connection, const std::string& id);
/// Of rows n, id, name, ... as `dataset_columns` names them.
extern const std::string_view dataset_columns;
Result<DatasetRow> read_dataset(store::Statement& row);

struct Revision {
  std::int64_t n = 0, dataset = 0, ordinal = 0;
  Version died = 0;
  Example example;
};
/// "SELECT ... FROM datasets_revisions r JOIN datasets_datasets d": a condition is to follow.
extern const std::string_view select_revisions;
Result<Revision> read_revision(store::Statement& row);

/// The revision that holds at that version.
Result<std::optional<Revision>> find_example(store::Connection& connection, const std::string& id,
                                             Version version);
/// Examples of a dataset at a version, behind a place in the list.
struct Span {
  std::int64_t dataset = 0;
  Version version = latest;
  std::int64_t after = 0;
};
/// Calls `take` for each revision of it, in the order of the list, until it gives false.
using TakeRevision = std::function<Result<bool>(store::Statement& row)>;
Result<void> each_example(store::Connection& connection, const Span& span,
                          const TakeRevision& take);

/// What there is to read for that moment: `latest`, or a version or a time.
/// Fails: not_found (the tag).
Result<Version> resolve(store::Connection& connection, const DatasetRow& row, const AsOf& as_of);
/// Begins a version: later than all others, not earlier than now. `count` is what it adds to the
/// number of examples.
Result<Version> begin_version(store::Connection& connection, const DatasetRow& row, Version now);
Result<void> add_count(store::Connection& connection, std::int64_t dataset, std::int64_t count);

/// Begins the life of a revision. `ordinal` 0: it is the first one of its example.
Result<void> insert_revision(store::Connection& connection, const Revision& revision);
/// Ends it at that version.
Result<void> end_revision(store::Connection& connection, std::int64_t n, Version version);

/// All of `wanted` is in `known`: equal, or one of a list.
bool contains(const json::Object& known, const json::Object& wanted);

}  // namespace slipway::datasets::detail
