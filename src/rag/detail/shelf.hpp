// The collections that are open in this process, each with its index, and what all parts of the
// corridor share.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "index/index.hpp"
#include "models/catalog.hpp"
#include "rag/detail/records.hpp"
#include "rag/library.hpp"
#include "store/blobs.hpp"
#include "store/database.hpp"

namespace slipway::rag::detail {

struct OpenCollection {
  CollectionRow row;
  std::unique_ptr<index::Index> index;
  // Of `Shelf::begin_filling`, which guards them.
  int fillers = 0;
  bool is_made_to_fill = false;  ///< By an ingest that has not ended, or one beside it.
};

/// Opens each collection once. Safe to use from many threads.
class Shelf {
 public:
  explicit Shelf(Library::Options options) : options_(std::move(options)) {}

  store::Database& database() { return options_.database; }
  store::BlobStore& blobs() { return options_.blobs; }
  models::Catalog& catalog() { return options_.catalog; }
  const std::filesystem::path& segments() const { return options_.segments; }
  const Clock& clock() const { return options_.clock; }
  const std::string& default_chat_model() const { return options_.default_chat_model; }
  trace::Recorder* recorder() const { return options_.recorder; }
  Result<std::int64_t> erase_traces(const Context& context, const std::string& document_id) const {
    return options_.erase_traces ? options_.erase_traces(context, document_id) : 0;
  }
  TracedModel traced_model(const std::string& name) const {
    return options_.traced_model ? options_.traced_model(name) : TracedModel{"", name, name};
  }

  /// Fails: not_found, naming the collections that exist.
  Result<std::shared_ptr<OpenCollection>> open(const Context&, const std::string& name);
  /// The generation that served when this version was the current one; absent: the present.
  Result<std::shared_ptr<OpenCollection>> open(const Context&, const std::string& name,
                                               std::optional<std::int64_t> version);
  /// Makes it when it is missing, with `asked`, else what is declared, else the defaults. An
  /// existing one must agree with `asked`. Fails: conflict.
  Result<std::shared_ptr<OpenCollection>> open_or_make(
      const Context&, const std::string& name, const std::optional<CollectionSettings>& asked);
  /// The same for an ingest, which ends with `end_filling`.
  Result<std::shared_ptr<OpenCollection>> begin_filling(
      const Context&, const std::string& name, const std::optional<CollectionSettings>& asked);
  /// A collection that was only made for ingests that failed, the last of them this one, goes when
  /// it holds nothing: who mistyped a path does not find it in his lists.
  Result<void> end_filling(OpenCollection& collection, bool has_failed);
  /// The settings that `open_or_make` would make it with.
  CollectionSettings settings_for(const std::string& name,
                                  const std::optional<CollectionSettings>& asked) const;
  /// The model that made the collection's vectors. Fails: conflict when the installed one is
  /// another.
  Result<std::shared_ptr<models::Embedder>> embedder(const Context&, const OpenCollection&);
  /// The name of the reranker that the collection's searches use; empty: none. What slipway.yaml
  /// says now counts before what it said when the collection was made.
  std::string reranker_of(const CollectionRow& row) const;
  /// The prompt of its answers, likewise; empty: the built in one.
  std::string prompt_of(const CollectionRow& row) const;
  /// What its questions use where they say nothing: those of slipway.yaml, then the row's.
  QuestionDefaults defaults_of(const CollectionRow& row) const;
  const PromptChooser& prompts() const { return options_.prompts; }
  /// How many old versions are kept; slipway.yaml counts first here too.
  std::int64_t keep_versions_of(const CollectionRow& row) const;
  /// What titles and paths are worth in a search, likewise.
  const std::map<std::string, double>& field_weights_of(const CollectionRow& row) const;
  /// The generation that the row describes.
  Result<std::shared_ptr<OpenCollection>> open_row(const Context&, CollectionRow row);
  /// Takes the generations of a collection out of memory.
  void forget(const std::string& name);

 private:
  /// What slipway.yaml says of the collection now, else what it was made with: for settings that
  /// may be changed at any time.
  const CollectionSettings& settings_now(const CollectionRow& row) const;
  /// What slipway.yaml names, else what the defaults do, else what it was made with.
  std::string named_by(const CollectionRow& row, std::string CollectionSettings::*setting,
                       std::optional<std::string> QuestionDefaults::*standard) const;
  Result<CollectionRow> make(const Context&, const std::string& name, CollectionSettings settings);

  Library::Options options_;
  Guarded<std::map<std::int64_t, std::shared_ptr<OpenCollection>>> open_;  ///< By row id.
  std::mutex filling_;
};

}  // namespace slipway::rag::detail
