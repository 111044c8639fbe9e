// Passages are scored by how well each answers a question.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "models/usage.hpp"

namespace slipway::models {

/// Between which numbers scores lie.
struct ScoreRange {
  float low = 0;
  float high = 1;
};

/// One reranking model. Safe to use from many threads; the same question and passage give the same
/// score every time, whatever else is scored beside it (remote models: as far as their server
/// does). What it costs: `Catalog::price`.
class Reranker {
 public:
  virtual ~Reranker() = default;
  /// Name and content hash, or name and base URL: equal identities give comparable scores.
  virtual const std::string& identity() const = 0;
  virtual const std::string& name() const = 0;
  /// Question and passage together are cut there (special tokens included).
  virtual std::size_t tokens_max() const = 0;
  virtual ScoreRange range() const = 0;

  /// One score per passage, in their order; higher is better. Scores of different questions need
  /// not be comparable. A blank passage is not read and gets the least score. Adds to `usage` if
  /// given. Fails: invalid_argument (a blank query, text that is not UTF-8), deadline_exceeded,
  /// cancelled, rate_limited, unavailable (remote), internal.
  Result<std::vector<float>> rerank(const Context& context, std::string_view query,
                                    const std::vector<std::string_view>& passages,
                                    Usage* usage = nullptr);

 private:
  /// `passages` are distinct, not blank, and at least one; one score each.
  virtual Result<std::vector<float>> score(const Context& context, std::string_view query,
                                           const std::vector<std::string_view>& passages,
                                           Usage* usage) = 0;
};

}  // namespace slipway::models
