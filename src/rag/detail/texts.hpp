// The stored texts of documents with their source maps, kept in memory while they are in use.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/guarded.hpp"
#include "documents/documents.hpp"
#include "rag/detail/records.hpp"
#include "store/blobs.hpp"

namespace slipway::rag::detail {

struct StoredText {
  std::string text;
  documents::SourceMap map;
};

/// Least-recently-used cache over the blob store. Safe to use from many threads.
class Texts {
 public:
  Texts(store::BlobStore& blobs, std::size_t bytes_max) : blobs_(blobs), bytes_max_(bytes_max) {}

  /// Fails: not_found, unavailable (the blob is damaged).
  Result<std::shared_ptr<const StoredText>> get(const DocumentRow& document);
  /// Out of memory, with all else of the same id.
  void forget(const DocumentRow& document);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const StoredText> text;
  };
  struct Cache {
    std::list<Entry> entries;  // Most recently used first.
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key;
    std::size_t bytes = 0;
  };

  store::BlobStore& blobs_;
  const std::size_t bytes_max_;
  Guarded<Cache> cache_;
};

}  // namespace slipway::rag::detail
