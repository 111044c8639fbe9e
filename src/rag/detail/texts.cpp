#include "rag/detail/texts.hpp"

namespace slipway::rag::detail {

Result<std::shared_ptr<const StoredText>> Texts::get(const DocumentRow& document) {
  // Two documents may have equal texts but different maps, so the id is part of the key.
  const std::string key = document.info.id + document.info.content_hash + document.info.text_hash;
  auto cached = cache_.with([&](Cache& cache) -> std::shared_ptr<const StoredText> {
    const auto found = cache.by_key.find(key);
    if (found == cache.by_key.end()) return nullptr;
    cache.entries.splice(cache.entries.begin(), cache.entries, found->second);
    return found->second->text;
  });
  if (cached) return cached;

  auto stored = std::make_shared<StoredText>();
  stored->text = TRY(blobs_.get(document.info.text_hash)
                         .within(fmt::format("reading the text of {}", document.info.uri)));
  stored->map = TRY(documents::SourceMap::decode(document.source_map)
                        .within(fmt::format("reading the map of {}", document.info.uri)));
  cache_.with([&](Cache& cache) {
    if (cache.by_key.contains(key)) return;
    cache.entries.push_front({key, stored});
    cache.by_key[key] = cache.entries.begin();
    cache.bytes += stored->text.size();
    while (cache.bytes > bytes_max_ && cache.entries.size() > 1) {
      cache.bytes -= cache.entries.back().text->text.size();
      cache.by_key.erase(cache.entries.back().key);
      cache.entries.pop_back();
    }
  });
  return std::shared_ptr<const StoredText>(stored);
}

void Texts::forget(const DocumentRow& document) {
  cache_.with([&](Cache& cache) {
    for (auto entry = cache.entries.begin(); entry != cache.entries.end();) {
      const auto next = std::next(entry);
      if (entry->key.starts_with(document.info.id)) {
        cache.bytes -= entry->text->text.size();
        cache.by_key.erase(entry->key);
        cache.entries.erase(entry);
      }
      entry = next;
    }
  });
}

}  // namespace slipway::rag::detail
