// One file on its way in: read, compared with what is known of it, loaded and cut into chunks.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/embedder.hpp"
#include "rag/detail/contextual.hpp"
#include "rag/detail/origins.hpp"
#include "rag/detail/records.hpp"
#include "rag/detail/texts.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

enum class Change {
  unchanged,  ///< Of its row at most the validator is new.
  metadata,
  relocated,  ///< The same text elsewhere in a source that has changed: written, embedded not.
  moved,      ///< The same bytes under another name, and the old file is gone.
  added,
  updated,
  gone,  ///< Its source says that it does not exist any more.
  failed
};

/// Documents whose files are gone, for files that are the same under another name. Safe to use from
/// many threads.
class GoneDocuments {
 public:
  using Known = std::map<std::string, KnownDocument>;

  GoneDocuments() = default;
  /// Those of `known` that are not in `files` and whose file is not on the disk.
  GoneDocuments(const Known& known, const std::vector<documents::SourceFile>& files);
  /// The uri of one with this content, and of this part; each is given once.
  std::optional<std::string> claim(const std::string& content_hash, std::string_view part);
  bool is_claimed(const std::string& uri) const;

 private:
  std::multimap<std::string, std::string> by_content_;
  mutable std::mutex mutex_;  // Guards the set.
  std::set<std::string> claimed_;
};

/// One document of a file.
struct Item {
  documents::SourceFile file;
  Change change = Change::failed;
  std::optional<Error> error;
  DocumentRow row;
  std::string text;
  std::vector<ChunkRow> chunks;
  std::vector<std::string> chunk_texts;  ///< What is indexed: with the context, if there is one.
  std::vector<std::string> vector_keys;  ///< Their hashes; of a picture, that of its bytes.
  models::Vector image_vector;           ///< Of a picture that was read now.
  models::Usage splitting;
  std::shared_ptr<const std::string> original;  ///< To be kept; shared by the parts of a source.
  /// Whether there is a text to store; else the row is all that changes.
  bool has_content() const { return change != Change::unchanged && change != Change::metadata; }
  double contexts_usd = 0;  ///< Dry run: what they could cost.
  std::int64_t chunks_embedded = 0;
};

/// Safe to use from many threads. Everything it refers to must outlive it.
class ItemReader {
 public:
  using Known = std::map<std::string, KnownDocument>;

  ItemReader(const IngestRequest& request, const CollectionSettings& settings,
             std::string fingerprint, models::Embedder& embedder, Contextualizer* contexts,
             const Known& known, GoneDocuments& gone)
      : request_(request),
        settings_(settings),
        fingerprint_(std::move(fingerprint)),
        embedder_(embedder),
        contexts_(contexts),
        known_(known),
        gone_(gone) {}

  /// The documents of an origin: one, or the messages of a mailbox, the pages of an export. One
  /// that cannot be read is one item with the error.
  std::vector<Item> read(const Context& context, const Origin& origin) const;
  /// A document that is stored, cut with the reader's settings; its fingerprint is `stored`'s.
  Result<Item> recut(const Context& context, const DocumentRow& stored,
                     const StoredText& text) const;

 private:
  Item make_item(const Origin& origin, const std::string& content_hash,
                 const std::string& part) const;
  std::string fingerprint_of(const Origin& origin, const Content& content) const;
  void keep_original(Item& item, std::shared_ptr<const std::string> original) const;
  /// What is known of an origin: all of it, or its parts.
  std::vector<Known::const_iterator> known_of(const std::string& uri) const;
  std::string known_validator(const std::vector<Known::const_iterator>& known) const;
  bool is_unchanged(const std::vector<Known::const_iterator>& known,
                    const std::string& content_hash, const std::string& fingerprint) const;
  std::vector<Item> as_known(const documents::SourceFile& file,
                             const std::vector<Known::const_iterator>& known,
                             const std::string& validator) const;
  Result<std::vector<Item>> load(const Context& context, const Origin& origin,
                                 Content content) const;
  Result<Item> load_image(const Context& context, const Origin& origin, const Content& content,
                          std::string_view media_type) const;
  Result<void> recut_image(const Context& context, Item& item, const std::string& text) const;
  void judge(Item& item) const;
  Result<void> fill(const Context& context, Item& item, documents::Document document) const;
  Result<void> add_contexts(const Context& context, Item& item, const std::string& text) const;
  void cut(Item& item, const std::string& text) const;

  const IngestRequest& request_;
  const CollectionSettings& settings_;
  const std::string fingerprint_;
  models::Embedder& embedder_;
  Contextualizer* const contexts_;
  const Known& known_;
  GoneDocuments& gone_;
};

}  // namespace slipway::rag::detail
