// Vectors of sentences, kept: passages come again with every answer about them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/guarded.hpp"
#include "models/embedder.hpp"

namespace slipway::eval::detail {

using SharedVector = std::shared_ptr<const models::Vector>;

/// Safe to use from many threads. What is kept changes no result: the same text has the same bits.
class EmbeddedTexts {
 public:
  /// `embedder` must outlive it.
  explicit EmbeddedTexts(models::Embedder& embedder) : embedder_(embedder) {}

  models::Embedder& embedder() const { return embedder_; }
  /// One per text, as of a document. Fails: as embedders do.
  Result<std::vector<SharedVector>> embed(const Context& context,
                                          const std::vector<std::string_view>& texts);

 private:
  /// Two generations, so that what was used lately stays: a full one becomes the older one.
  struct Kept {
    std::unordered_map<std::string, SharedVector> young, old;
    std::size_t young_bytes = 0;
    SharedVector find(const std::string& text);
    void add(const std::string& text, SharedVector vector);
  };

  models::Embedder& embedder_;
  Guarded<Kept> kept_;
};

}  // namespace slipway::eval::detail
