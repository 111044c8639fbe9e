// Contextual retrieval: a chat model writes one or two sentences that say where a chunk stands in
// its document. They are embedded and indexed with the chunk and never shown: quotes stay bytes of
// the document. Each is written once per document text, chunk, model and prompt, and kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "documents/documents.hpp"
#include "models/chat_model.hpp"
#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// Changes when the prompt does, so that contexts are written anew.
inline constexpr int context_prompt_version = 1;

/// The table of contexts, for `migrations()`.
store::Migration contexts_migration();

struct ContextRequest {
  std::string_view title;
  std::string_view text;  ///< Of the whole document.
  std::string text_hash;
  std::vector<documents::Span> chunks;
  std::vector<std::string> chunk_hashes;  ///< One per chunk.
};

/// The contexts of one ingest. Safe to use from many threads.
class Contextualizer {
 public:
  /// Fails: as the catalog; invalid_argument when there is a budget and the model has no price.
  static Result<std::unique_ptr<Contextualizer>> open(const Context& context, Shelf& shelf,
                                                      const ContextualSettings& settings);

  /// Of model and prompt: part of what decides whether a document must be indexed again.
  std::string identity() const;
  /// One per chunk, in order; empty where the model had nothing to say. Fails: conflict when the
  /// next call could pass the budget (what was written is kept for the next ingest), and as the
  /// model.
  Result<std::vector<std::string>> write(const Context& context, const ContextRequest& request);
  /// What `write` could cost at most. Calls no model.
  Result<double> estimate_usd(const Context& context, const ContextRequest& request);
  double spent_usd() const;

 private:
  Contextualizer(Shelf& shelf, const ContextualSettings& settings)
      : shelf_(shelf), settings_(settings) {}
  Result<std::optional<std::string>> find(const Context& context, const std::string& key);
  Result<void> keep(const Context& context, const std::string& key, const std::string& text_hash,
                    const std::string& words);
  Result<std::string> ask(const Context& context, const models::ChatRequest& prompt);
  Result<models::ChatRequest> build_prompt(const ContextRequest& request, std::size_t chunk) const;
  Result<double> price_at_most(const models::ChatRequest& prompt) const;
  std::string key_of(const ContextRequest& request, std::size_t chunk) const;

  Shelf& shelf_;
  const ContextualSettings settings_;
  std::shared_ptr<models::ChatModel> model_;
  std::optional<models::Price> price_;
  mutable std::mutex mutex_;  // Guards the two below.
  double spent_usd_ = 0;
  double reserved_usd_ = 0;  // By calls under way.
};

/// Removes the contexts of a text that no document has any more; inside the caller's transaction.
/// Gives how many.
Result<std::int64_t> forget_contexts(store::Connection& connection, const std::string& text_hash);

/// Removes the contexts of all texts that no document has, as failed documents leave them.
Result<void> sweep_contexts(const Context& context, Shelf& shelf);

}  // namespace slipway::rag::detail
