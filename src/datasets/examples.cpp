// Reading examples.
#include <algorithm>
#include <set>

#include "datasets/datasets.hpp"
#include "datasets/detail/rows.hpp"
#include "datasets/detail/selection.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets {

namespace {

/// By id: what is asked for by name is not searched for among all.
Result<std::vector<Example>> by_ids(store::Connection& connection, const ExampleQuery& query,
                                    const detail::Selection& selection) {
  std::vector<detail::Revision> found;
  std::set<std::string> seen;
  for (const std::string& id : query.ids) {
    if (!seen.insert(trace::as_uuid(id)).second) continue;
    Version version = query.as_of.time;
    if (!query.as_of.tag.empty()) {
      // Which version a tag is depends on the dataset.
      const auto now = TRY(detail::find_example(connection, trace::as_uuid(id), latest));
      if (!now) continue;
      version = TRY(detail::resolve(
          connection, TRY(detail::need_dataset(connection, now->example.dataset_id)), query.as_of));
    }
    auto revision = TRY(detail::find_example(connection, trace::as_uuid(id), version));
    if (!revision || revision->ordinal <= query.after) continue;
    if (!selection.takes(revision->example)) continue;
    if (query.dataset_id && revision->example.dataset_id != trace::as_uuid(*query.dataset_id))
      continue;
    found.push_back(*std::move(revision));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
  std::vector<Example> page;
  const auto begin = std::min(found.size(), static_cast<std::size_t>(query.offset));
  for (std::size_t i = begin; i < found.size(); ++i)
    if (page.size() < static_cast<std::size_t>(query.limit))
      page.push_back(std::move(found[i].example));
  return page;
}

}  // namespace

std::vector<std::string> Example::splits() const {
  std::vector<std::string> names;
  const json::Value* value = metadata.if_contains(split_key);
  if (value != nullptr && value->is_string()) names.emplace_back(value->get_string());
  if (value != nullptr && value->is_array())
    for (const json::Value& one : value->get_array())
      if (one.is_string()) names.emplace_back(one.get_string());
  return names;
}

Result<Example> Datasets::example(const Context& context, const std::string& id,
                                  const AsOf& as_of) {
  ExampleQuery query;
  query.ids = {id};
  query.as_of = as_of;
  auto found = TRY(examples(context, query));
  if (found.empty()) return fail(Code::not_found, "Example {} not found", id.substr(0, 100));
  return std::move(found.front());
}

Result<std::vector<Example>> Datasets::last_known(const Context& context,
                                                  const std::vector<std::string>& ids) {
  std::vector<Example> found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(std::string(detail::select_revisions) +
                                         "WHERE r.example_id = ? ORDER BY r.born DESC LIMIT 1"));
    for (const std::string& id : ids) {
      select.reset();
      if (TRY(select.bind(0, trace::as_uuid(id)).step()))
        found.push_back(TRY(detail::read_revision(select)).example);
    }
    return {};
  }));
  return found;
}

Result<std::vector<Example>> Datasets::examples(const Context& context, const ExampleQuery& query) {
  const auto selection = TRY(detail::Selection::make(query));
  std::vector<Example> found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    if (!query.ids.empty()) {
      found = TRY(by_ids(connection, query, selection));
      return {};
    }
    if (!query.dataset_id)
      return fail(Code::invalid_argument,
                  "dataset: the id of a dataset, or ids of examples, are "
                  "wanted");
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(*query.dataset_id)));
    const Version version = TRY(detail::resolve(connection, row, query.as_of));
    int skipped = 0;
    return detail::each_example(connection,
                                {.dataset = row.n, .version = version, .after = query.after},
                                [&](store::Statement& statement) -> Result<bool> {
                                  if (static_cast<int>(found.size()) >= query.limit) return false;
                                  // Rows that only stand before the page need not be read.
                                  if (selection.is_all() && skipped < query.offset) {
                                    ++skipped;
                                    return true;
                                  }
                                  Example example = TRY(detail::read_revision(statement)).example;
                                  if (!selection.takes(example)) return true;
                                  if (skipped++ >= query.offset || selection.is_all())
                                    found.push_back(std::move(example));
                                  return true;
                                });
  }));
  return found;
}

Result<std::vector<std::string>> Datasets::splits(const Context& context, const std::string& id,
                                                  const AsOf& as_of) {
  std::set<std::string> names;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    const Version version = TRY(detail::resolve(connection, row, as_of));
    return detail::each_example(
        connection, {.dataset = row.n, .version = version},
        [&](store::Statement& statement) -> Result<bool> {
          for (std::string& name : TRY(detail::read_revision(statement)).example.splits())
            names.insert(std::move(name));
          return true;
        });
  }));
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace slipway::datasets
