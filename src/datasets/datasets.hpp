// Datasets: examples with inputs and expected outputs, in versions that never change.
//
// Every change of a dataset's examples is one version. A version's number is the time of its
// commit, in microseconds since 1970 in UTC, and grows strictly within a dataset; names ("tags")
// point at versions. An example is never overwritten: a revision is born at a version and dies at
// another, so that each version can be read for ever. Only deleting for good takes something out of
// old versions.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "store/blobs.hpp"
#include "store/database.hpp"

namespace slipway::datasets {

using Version = std::int64_t;
/// The version that is current, whichever that is.
inline constexpr Version latest = std::numeric_limits<Version>::max();
/// The split of examples that are in no other one.
inline constexpr std::string_view base_split = "base";
/// Where an example's metadata name its splits.
inline constexpr std::string_view split_key = "dataset_split";

enum class DataType { kv, llm, chat };
BOOST_DESCRIBE_ENUM(DataType, kv, llm, chat)

struct Dataset {
  std::string id;    ///< A UUID; empty in `create`: one is made.
  std::string name;  ///< Unique; 1 to 512 bytes.
  std::optional<std::string> description;
  DataType data_type = DataType::kv;
  /// JSON Schemas that inputs and outputs must satisfy; unknown keywords ask for nothing.
  std::optional<json::Object> inputs_schema, outputs_schema;
  std::optional<json::Array> transformations;  ///< Of LangSmith: kept, not applied.
  json::Object metadata;
  Version created = 0, modified = 0;       ///< Of the dataset itself and of its examples.
  std::int64_t example_count = 0;          ///< Of the current version.
  std::optional<std::string> share_token;  ///< Who knows it may read all of the dataset.
};

/// What is changed; absent members stay.
struct DatasetChange {
  std::optional<std::string> name, description;
  std::optional<std::optional<json::Object>> inputs_schema, outputs_schema;
  std::optional<std::optional<json::Array>> transformations;
  std::optional<json::Object> metadata;
};

struct DatasetQuery {
  std::vector<std::string> ids;  ///< Empty: all.
  std::optional<std::string> name;
  std::optional<std::string> name_part;  ///< Without regard to case (ASCII).
  std::optional<DataType> data_type;
  json::Object metadata;  ///< All of it must be in the dataset's.
  int limit = 100;        ///< 1..1000
  int offset = 0;
};

struct Attachment {
  std::string name, media_type;
  std::string hash;  ///< Of its bytes, in the blob store.
  std::int64_t size_bytes = 0;
  std::string token;  ///< Random: who knows it may read the bytes.
};
BOOST_DESCRIBE_STRUCT(Attachment, (), (name, media_type, hash, size_bytes, token))

struct Example {
  std::string id, dataset_id;  ///< UUIDs.
  /// JSON objects, byte for byte as they came.
  std::string inputs = "{}";
  std::optional<std::string> outputs;
  json::Object metadata;  ///< With the splits below `split_key`.
  std::optional<std::string> source_run_id;
  Version created = 0;     ///< When it was made, or when its maker says that it was.
  Version modified = 0;    ///< The version at which this revision was born.
  std::int64_t place = 0;  ///< Grows in the order in which examples are added.
  std::vector<Attachment> attachments;

  std::vector<std::string> splits() const;
};

struct NewAttachment {
  std::string name, media_type, bytes;
};
struct NewExample {
  std::string id;                      ///< A UUID; empty: one is made.
  std::string inputs = "{}";           ///< A JSON object.
  std::optional<std::string> outputs;  ///< A JSON object.
  json::Object metadata;
  std::vector<std::string> splits;  ///< Empty: those of the metadata, else `base_split`.
  std::optional<std::string> source_run_id;
  std::optional<Version> created;
  std::vector<NewAttachment> attachments;
};

/// Which of an example's attachments stay; all others go.
struct AttachmentPlan {
  std::vector<std::pair<std::string, std::string>> renamed;  ///< From, to.
  std::vector<std::string> retained;
};
/// What is changed of an example; absent members stay. New attachments win over old ones of their
/// name; without a plan they replace all old ones.
struct ExampleChange {
  std::string id;
  std::optional<std::string> inputs, outputs;
  std::optional<json::Object> metadata;  ///< All of it, but for the splits where it names none.
  std::optional<std::vector<std::string>> splits;
  std::optional<AttachmentPlan> plan;
  std::vector<NewAttachment> attachments;
};

/// Whether old versions keep what is removed.
enum class Removal { from_now_on, for_good };

/// A change of one member of examples' metadata.
struct MetadataOperation {
  enum class Kind { set, array_add, array_remove };
  Kind kind = Kind::set;
  std::string key;
  json::Value value;                ///< Of set.
  std::vector<std::string> values;  ///< Of the others.
};

/// What a change of examples made.
struct Written {
  Version version = 0;
  std::vector<std::string> example_ids;
};

/// "latest", the name of a tag, or a time.
struct AsOf {
  std::string tag;  ///< Empty: `time` counts.
  Version time = latest;
};
/// Fails: invalid_argument (a time that does not fit).
Result<AsOf> parse_as_of(const std::string& text);

struct VersionInfo {
  Version version = 0;
  std::vector<std::string> tags;  ///< The youngest has "latest", too.
};

struct VersionQuery {
  std::string tag_part;  ///< Part of a tag; empty: also those without.
  int limit = 100;
  int offset = 0;
};

struct Difference {
  std::vector<std::string> added, removed, modified;  ///< Ids of examples.
};

struct ExampleQuery {
  std::optional<std::string> dataset_id;  ///< Absent: `ids` says all.
  std::vector<std::string> ids;
  AsOf as_of;
  std::vector<std::string> splits;  ///< In any of them; empty: all.
  json::Object metadata;            ///< All of it must be in the example's.
  std::string filter;  ///< and(has(metadata, '{"k": "v"}'), exists(metadata, "k")); empty: none.
  int limit = 100;     ///< 1..1000
  int offset = 0;
  std::int64_t after = 0;  ///< Only what comes after that `Example::place`.
};

/// Experiments over one dataset side by side.
struct Comparison {
  std::string id, dataset_id;
  std::optional<std::string> name, description;
  std::vector<std::string> experiment_ids;
  json::Object extra;
  Version created = 0, modified = 0;
};

struct Limits {
  std::int64_t examples_max = 1'000'000;  ///< Of one dataset.
  std::size_t examples_at_once_max = 20'000;
  std::size_t metadata_bytes_max = 1u << 20;
  std::size_t attachments_max = 100;  ///< Of one example.
};

/// The tables `datasets_...` of the main database.
std::vector<store::Migration> migrations();

/// Safe to use from many threads.
class Datasets {
 public:
  /// All must outlive it. Nobody else puts into or removes from `attachments`.
  struct Options {
    store::Database& database;
    store::BlobStore& attachments;
    const Clock& clock = system_clock();
    Random& random = system_random();
    Limits limits;
  };
  explicit Datasets(Options options) : options_(options) {}

  /// Fails: conflict (the name or the id is taken), invalid_argument (name, schema).
  Result<Dataset> create(const Context& context, Dataset dataset);
  Result<Dataset> read(const Context& context, const std::string& id);          ///< not_found
  Result<Dataset> read_named(const Context& context, const std::string& name);  ///< not_found
  /// Youngest first.
  Result<std::vector<Dataset>> list(const Context& context, const DatasetQuery& query);
  /// Fails: not_found, conflict, invalid_argument.
  Result<Dataset> change(const Context& context, const std::string& id,
                         const DatasetChange& change);
  /// With all versions, attachments and comparisons. Fails: not_found.
  Result<void> remove(const Context& context, const std::string& id);
  /// Gives it a token, if it has none. Fails: not_found.
  Result<std::string> share(const Context& context, const std::string& id);
  Result<void> unshare(const Context& context, const std::string& id);       ///< not_found
  Result<Dataset> shared(const Context& context, const std::string& token);  ///< not_found

  /// Youngest first. Fails: not_found.
  Result<std::vector<VersionInfo>> versions(const Context& context, const std::string& id,
                                            const VersionQuery& query = {});
  /// The last one at or before that time, or the one with that tag. Fails: not_found.
  Result<VersionInfo> version(const Context& context, const std::string& id, const AsOf& as_of);
  /// Moves the tag if it is there. Fails: not_found, invalid_argument ("latest").
  Result<VersionInfo> tag(const Context& context, const std::string& id, const AsOf& as_of,
                          const std::string& tag);
  Result<Difference> diff(const Context& context, const std::string& id, const AsOf& from,
                          const AsOf& to);
  /// "sha256:..." of what the version holds: inputs, outputs, metadata and attachments of its
  /// examples, whatever their ids and order. Equal content, equal digest. Fails: not_found.
  Result<std::string> digest(const Context& context, const std::string& id, const AsOf& as_of);

  /// All of them in one version. Fails: not_found (the dataset), conflict (an id is taken),
  /// invalid_argument (not as the schemas say; a limit), naming the example.
  Result<Written> add(const Context& context, const std::string& dataset_id,
                      std::vector<NewExample> examples);
  /// Fails: not_found, conflict (the example is of another dataset), invalid_argument.
  Result<Written> change_examples(const Context& context, const std::string& dataset_id,
                                  std::vector<ExampleChange> changes);
  /// Examples that are not there are left out of what it gives.
  Result<Written> change_metadata(const Context& context, const std::string& dataset_id,
                                  const std::vector<std::string>& example_ids,
                                  const std::vector<MetadataOperation>& operations);
  /// In one version per dataset. Fails: not_found, and then nothing is removed.
  Result<void> remove_examples(const Context& context, const std::vector<std::string>& ids,
                               Removal removal);

  /// Fails: not_found.
  Result<Example> example(const Context& context, const std::string& id, const AsOf& as_of);
  /// The last revision of each, also of those that are removed; unknown ones are left out.
  Result<std::vector<Example>> last_known(const Context& context,
                                          const std::vector<std::string>& ids);
  /// In the order in which they were added. Fails: not_found, invalid_argument (the filter).
  Result<std::vector<Example>> examples(const Context& context, const ExampleQuery& query);
  /// In alphabetical order.
  Result<std::vector<std::string>> splits(const Context& context, const std::string& id,
                                          const AsOf& as_of);

  struct AttachmentBytes {
    std::string name, media_type, bytes;
  };
  Result<AttachmentBytes> attachment(const Context& context, const std::string& token);
  /// Fails: not_found. For who copies an example.
  Result<std::string> bytes_of(const Attachment& attachment) const;

  /// Fails: not_found (the dataset), conflict (the id is taken).
  Result<Comparison> compare(const Context& context, Comparison comparison);
  /// Youngest first.
  Result<std::vector<Comparison>> comparisons(const Context& context,
                                              const std::string& dataset_id);
  Result<Comparison> comparison(const Context& context, const std::string& id);   ///< not_found
  Result<void> remove_comparison(const Context& context, const std::string& id);  ///< not_found

 private:
  Options options_;
};

}  // namespace slipway::datasets
