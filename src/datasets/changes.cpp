// Changing examples: each change is one transaction and one version.
#include <algorithm>
#include <map>
#include <set>

#include "core/json_members.hpp"
#include "core/uuid.hpp"
#include "datasets/datasets.hpp"
#include "datasets/detail/rows.hpp"
#include "datasets/detail/stored_attachments.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets {

namespace {

using detail::DatasetRow;
using detail::Revision;

constexpr std::size_t split_bytes_max = 256, splits_max = 100, attachment_name_bytes_max = 512;

Result<void> check_payload(const std::string& text, const std::optional<json::Object>& schema) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || text[begin] != '{' || !json::is_valid(text))
    return fail(Code::invalid_argument, "a JSON object is wanted, got '{}'", text.substr(0, 100));
  if (!schema) return {};
  return TRY(detail::schema_check(*schema))->check(TRY(json::parse(text)));
}

/// Against what the dataset demands.
Result<void> check_example(const DatasetRow& row, const Example& example, const Limits& limits) {
  const auto check = [&]() -> Result<void> {
    TRY(check_payload(example.inputs, row.dataset.inputs_schema).within("inputs"));
    if (example.outputs)
      TRY(check_payload(*example.outputs, row.dataset.outputs_schema).within("outputs"));
    if (json::dump(example.metadata).size() > limits.metadata_bytes_max)
      return fail(Code::invalid_argument, "metadata: at most {} bytes are taken",
                  limits.metadata_bytes_max);
    if (example.attachments.size() > limits.attachments_max)
      return fail(Code::invalid_argument, "attachments: at most {} are taken, got {}",
                  limits.attachments_max, example.attachments.size());
    const std::vector<std::string> splits = example.splits();
    if (splits.size() > splits_max)
      return fail(Code::invalid_argument, "splits: at most {} are taken", splits_max);
    for (const std::string& split : splits)
      if (split.empty() || split.size() > split_bytes_max)
        return fail(Code::invalid_argument, "splits: names of 1 to {} bytes are wanted",
                    split_bytes_max);
    return {};
  };
  return check().within(fmt::format("example {}", example.id));
}

/// An example is in one split at least; metadata say it as a list.
void set_splits(json::Object& metadata, const std::vector<std::string>& splits) {
  json::Array names;
  for (const std::string& split : splits)
    if (std::find(names.begin(), names.end(), json::Value(split)) == names.end())
      names.emplace_back(split);
  if (names.empty()) names.emplace_back(base_split);
  metadata[split_key] = std::move(names);
}

class Change {
 public:
  /// `stored` gets the hashes of the bytes that are stored, of which nobody knows if this fails.
  Change(store::Connection& connection, const Datasets::Options& options,
         std::vector<std::string>& stored)
      : connection_(connection), options_(options), stored_(stored) {}

  /// What is written from now on is of that dataset.
  Result<void> begin(const std::string& dataset_id) {
    row_ = TRY(detail::need_dataset(connection_, trace::as_uuid(dataset_id)));
    version_ = TRY(
        detail::begin_version(connection_, row_, options_.clock.now().time_since_epoch().count()));
    return {};
  }
  Version version() const { return version_; }
  const DatasetRow& row() const { return row_; }

  Result<std::string> add(NewExample& wish) {
    Revision revision;
    revision.dataset = row_.n;
    Example& example = revision.example;
    example.id = wish.id.empty() ? make_uuid(options_.random) : trace::as_uuid(wish.id);
    if (TRY(detail::find_example(connection_, example.id, latest)))
      return fail(Code::conflict, "Example {} already exists.", example.id);
    example.inputs = std::move(wish.inputs);
    example.outputs = std::move(wish.outputs);
    example.metadata = std::move(wish.metadata);
    set_splits(example.metadata, wish.splits.empty() ? example.splits() : wish.splits);
    if (wish.source_run_id) example.source_run_id = trace::as_uuid(*wish.source_run_id);
    example.modified = version_;
    example.created = wish.created.value_or(version_);
    TRY(add_attachments(example, wish.attachments));
    TRY(check_example(row_, example, options_.limits));
    TRY(detail::insert_revision(connection_, revision));
    return example.id;
  }

  Result<void> change(ExampleChange& wish) {
    Revision revision = TRY(current(wish.id));
    Example& example = revision.example;
    if (wish.inputs) example.inputs = *std::move(wish.inputs);
    if (wish.outputs) example.outputs = *std::move(wish.outputs);
    std::vector<std::string> splits = example.splits();
    if (wish.metadata) {
      example.metadata = *std::move(wish.metadata);
      if (example.metadata.contains(split_key)) splits = example.splits();
    }
    set_splits(example.metadata, wish.splits ? *wish.splits : splits);
    TRY(plan_attachments(example, wish));
    return replace(std::move(revision));
  }

  /// The revision that holds now. Fails: not_found, conflict (of another dataset).
  Result<Revision> current(const std::string& id) {
    auto revision = TRY(detail::find_example(connection_, trace::as_uuid(id), latest));
    if (!revision) return fail(Code::not_found, "Example {} not found", id.substr(0, 100));
    if (revision->dataset != row_.n)
      return fail(Code::conflict, "Example {} is in another dataset than {}", id.substr(0, 100),
                  row_.dataset.id);
    return *std::move(revision);
  }

  Result<void> replace(Revision revision) {
    TRY(check_example(row_, revision.example, options_.limits));
    // Two changes of one example in one version: the later one counts.
    if (revision.example.modified == version_) {
      auto gone = TRY(connection_.prepare("DELETE FROM datasets_revisions WHERE n = ?"));
      TRY(gone.bind(0, revision.n).run());
    } else {
      TRY(detail::end_revision(connection_, revision.n, version_));
    }
    revision.example.modified = version_;
    return detail::insert_revision(connection_, revision);
  }

 private:
  Result<void> add_attachments(Example& example, const std::vector<NewAttachment>& attachments) {
    for (const NewAttachment& one : attachments) {
      if (one.name.empty() || one.name.size() > attachment_name_bytes_max)
        return fail(Code::invalid_argument, "attachment: a name of 1 to {} bytes is wanted",
                    attachment_name_bytes_max);
      std::erase_if(example.attachments,
                    [&](const Attachment& old) { return old.name == one.name; });
      // Told before the bytes are written.
      if (example.attachments.size() >= options_.limits.attachments_max)
        return fail(Code::invalid_argument, "example {}: attachments: at most {} are taken",
                    example.id, options_.limits.attachments_max);
      example.attachments.push_back(TRY(detail::store_attachment(
          connection_, options_, {.dataset = row_.n, .example_id = example.id}, one)));
      stored_.push_back(example.attachments.back().hash);
    }
    return {};
  }

  Result<void> plan_attachments(Example& example, const ExampleChange& wish) {
    if (wish.plan) {
      std::vector<Attachment> kept;
      for (Attachment& one : example.attachments) {
        const auto renamed = std::find_if(wish.plan->renamed.begin(), wish.plan->renamed.end(),
                                          [&](const auto& pair) { return pair.first == one.name; });
        if (renamed != wish.plan->renamed.end())
          one.name = renamed->second;
        else if (std::find(wish.plan->retained.begin(), wish.plan->retained.end(), one.name) ==
                 wish.plan->retained.end())
          continue;
        std::erase_if(kept, [&](const Attachment& old) { return old.name == one.name; });
        kept.push_back(std::move(one));
      }
      example.attachments = std::move(kept);
    } else if (!wish.attachments.empty()) {
      example.attachments.clear();
    }
    return add_attachments(example, wish.attachments);
  }

  store::Connection& connection_;
  const Datasets::Options& options_;
  std::vector<std::string>& stored_;
  DatasetRow row_;
  Version version_ = 0;
};

/// One transaction; what it stored beside the database goes again if it fails.
Result<void> write(const Context& context, const Datasets::Options& options,
                   const std::function<Result<void>(Change&, store::Connection&)>& body) {
  std::vector<std::string> stored;
  const auto written =
      options.database.write(context, [&](store::Connection& connection) -> Result<void> {
        Change change(connection, options, stored);
        return body(change, connection);
      });
  if (!written) (void)detail::release(context, options, stored);
  return written;
}

Result<void> check_count(std::size_t count, const Limits& limits) {
  if (count > limits.examples_at_once_max)
    return fail(Code::invalid_argument, "at most {} examples are taken at once, got {}",
                limits.examples_at_once_max, count);
  return {};
}

Result<void> apply(json::Object& metadata, const MetadataOperation& operation) {
  if (operation.kind == MetadataOperation::Kind::set) {
    metadata[operation.key] = operation.value;
    return {};
  }
  const json::Value* known = metadata.if_contains(operation.key);
  json::Array all = known != nullptr && known->is_array() ? known->get_array() : json::Array();
  for (const std::string& value : operation.values) {
    const auto found = std::find(all.begin(), all.end(), json::Value(value));
    if (operation.kind == MetadataOperation::Kind::array_add && found == all.end())
      all.emplace_back(value);
    else if (operation.kind == MetadataOperation::Kind::array_remove && found != all.end())
      all.erase(found);
  }
  metadata[operation.key] = std::move(all);
  return {};
}

}  // namespace

Result<Written> Datasets::add(const Context& context, const std::string& dataset_id,
                              std::vector<NewExample> examples) {
  TRY(check_count(examples.size(), options_.limits));
  Written written;
  TRY(write(context, options_, [&](Change& change, store::Connection& connection) -> Result<void> {
    TRY(change.begin(dataset_id));
    written.version = change.version();
    const auto count = static_cast<std::int64_t>(examples.size());
    if (change.row().dataset.example_count + count > options_.limits.examples_max)
      return fail(Code::invalid_argument, "dataset '{}' would have more than {} examples",
                  change.row().dataset.name, options_.limits.examples_max);
    for (NewExample& one : examples) written.example_ids.push_back(TRY(change.add(one)));
    return detail::add_count(connection, change.row().n, count);
  }));
  return written;
}

Result<Written> Datasets::change_examples(const Context& context, const std::string& dataset_id,
                                          std::vector<ExampleChange> changes) {
  TRY(check_count(changes.size(), options_.limits));
  Written written;
  TRY(write(context, options_, [&](Change& change, store::Connection&) -> Result<void> {
    TRY(change.begin(dataset_id));
    written.version = change.version();
    for (ExampleChange& one : changes) {
      written.example_ids.push_back(trace::as_uuid(one.id));
      TRY(change.change(one));
    }
    return {};
  }));
  return written;
}

Result<Written> Datasets::change_metadata(const Context& context, const std::string& dataset_id,
                                          const std::vector<std::string>& example_ids,
                                          const std::vector<MetadataOperation>& operations) {
  TRY(check_count(example_ids.size(), options_.limits));
  Written written;
  TRY(write(context, options_, [&](Change& change, store::Connection&) -> Result<void> {
    TRY(change.begin(dataset_id));
    written.version = change.version();
    for (const std::string& id : example_ids) {
      auto revision = change.current(id);
      if (!revision && revision.error().code() == Code::internal) return revision.error();
      if (!revision) continue;
      json::Object& metadata = revision->example.metadata;
      for (const MetadataOperation& operation : operations) TRY(apply(metadata, operation));
      set_splits(metadata, revision->example.splits());
      TRY(change.replace(*std::move(revision)));
      written.example_ids.push_back(trace::as_uuid(id));
    }
    return {};
  }));
  return written;
}

Result<void> Datasets::remove_examples(const Context& context, const std::vector<std::string>& ids,
                                       Removal removal) {
  TRY(check_count(ids.size(), options_.limits));
  std::vector<std::string> hashes;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    std::map<std::string, std::vector<Revision>> by_dataset;
    std::set<std::string> seen;
    for (const std::string& id : ids) {
      if (!seen.insert(trace::as_uuid(id)).second) continue;
      auto revision = TRY(detail::find_example(connection, trace::as_uuid(id), latest));
      if (!revision) return fail(Code::not_found, "Example {} not found", id.substr(0, 100));
      by_dataset[revision->example.dataset_id].push_back(*std::move(revision));
    }
    for (const auto& [dataset_id, revisions] : by_dataset) {
      Change change(connection, options_, hashes);
      TRY(change.begin(dataset_id));
      for (const Revision& revision : revisions) {
        TRY(detail::end_revision(connection, revision.n, change.version()));
        if (removal == Removal::from_now_on) continue;
        auto gone = TRY(connection.prepare(
            "DELETE FROM datasets_revisions WHERE dataset = ? AND example_id = ?"));
        TRY(gone.bind(0, revision.dataset).bind(1, revision.example.id).run());
        for (std::string& hash : TRY(detail::forget_attachments(
                 connection, {.dataset = revision.dataset, .example_id = revision.example.id})))
          hashes.push_back(std::move(hash));
      }
      if (removal == Removal::for_good) {
        auto stale =
            TRY(connection.prepare("UPDATE datasets_versions SET digest = NULL WHERE dataset = ?"));
        TRY(stale.bind(0, change.row().n).run());
      }
      TRY(detail::add_count(connection, change.row().n,
                            -static_cast<std::int64_t>(revisions.size())));
    }
    return {};
  }));
  return detail::release(context, options_, hashes);
}

}  // namespace slipway::datasets
