// The filter language of Pinecone and Chroma over document attributes.
#pragma once

#include <memory>
#include <string>

#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::index {

/// A parsed filter. Immutable, safe to share. The default one passes everything.
///
/// {"year":{"$gte":2024},"$or":[{"lang":"en"},{"tags":{"$in":["a","b"]}}]}. Operators: $eq $ne $gt
/// $gte $lt $lte $in $nin $exists $contains (per key), $and $or $not (over filters). Several keys
/// mean "and". A bare value means $eq. On a list $eq, $in and $contains ask membership, $ne and
/// $nin its absence; on a string $contains asks for a substring. Order compares only numbers with
/// numbers, times (RFC 3339) with times and strings with strings; anything else is false. A missing
/// key matches only $exists:false, $ne, $nin. "metadata." in front of a key may be left out; uri,
/// path, title, media_type, ingested_at, modified_at name the document's own attributes.
class Filter {
 public:
  Filter() = default;
  /// Fails: invalid_argument with the path of the fault: "$.filter.year.$gtee: unknown operator;
  /// did you mean '$gte'?"
  static Result<Filter> parse(const json::Value& value);

  bool matches(const json::Object& attributes) const;
  bool passes_everything() const { return root_ == nullptr; }
  struct Node;
  /// Null when it passes everything.
  const Node* root() const { return root_.get(); }

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace slipway::index
