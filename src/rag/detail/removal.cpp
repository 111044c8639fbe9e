#include "rag/detail/removal.hpp"

#include "rag/detail/contextual.hpp"

namespace slipway::rag::detail {

Result<void> remove_document(const Context& context, Shelf& shelf, OpenCollection& collection,
                             const std::string& id, const std::string& text_hash) {
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    TRY(collection.index->remove(connection, id));
    return delete_document(connection, id);
  }));
  return release_text(context, shelf, text_hash);
}

Result<void> release_text(const Context& context, Shelf& shelf, const std::string& text_hash) {
  // In a transaction of its own, because a text must not go before the commit that frees it, and no
  // writer may put the same text between the question and the removal.
  return shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    if (TRY(text_is_used(connection, text_hash))) return {};
    TRY(forget_contexts(connection, text_hash));
    return shelf.blobs().remove(text_hash);
  });
}

Result<std::vector<std::string>> sweep_texts(const Context& context, Shelf& shelf) {
  const auto stored = TRY(shelf.blobs().list());
  std::vector<std::string> unused;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    for (const std::string& hash : stored)
      if (!TRY(text_is_used(connection, hash))) unused.push_back(hash);
    return {};
  }));
  for (const std::string& hash : unused) TRY(release_text(context, shelf, hash));
  return unused;
}

}  // namespace slipway::rag::detail
