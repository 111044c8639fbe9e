// Versions of a collection: each committed change is a new number, and what an older number saw is
// kept while it is young enough or somebody holds it. Rows have a first and a last version (as in
// multi-version concurrency control), so that keeping costs only what has changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "store/database.hpp"

namespace slipway::index {

/// Which versions of a collection can still be searched.
struct History {
  std::int64_t current = 0;        ///< 0 when nothing was ever put.
  std::int64_t oldest = 0;         ///< Every version since this one is whole.
  std::vector<std::int64_t> held;  ///< Older and younger ones that somebody holds, rising.

  bool has(std::int64_t version) const;
  /// Whether a row of these versions (`died` excluded) is seen by a version that is kept.
  bool needs(std::int64_t born, std::int64_t died) const;
};

/// Somebody who wants a version kept.
struct Hold {
  std::string holder;  ///< Unique in the collection: "snapshot/before-move".
  std::int64_t version = 0;
  std::string created_at;  ///< RFC 3339
};

/// Of a collection that was never put into: all zero. Needs no open index, as all of these.
Result<History> history_of(store::Connection& connection, std::int64_t collection);
/// Rising by version, then holder.
Result<std::vector<Hold>> holds_of(store::Connection& connection, std::int64_t collection);

/// Fails: not_found when the version is not there (any more), conflict when the holder has another
/// version already.
Result<void> hold(store::Connection& transaction, std::int64_t collection, const Hold& hold);
/// Fails: not_found.
Result<void> release(store::Connection& transaction, std::int64_t collection,
                     std::string_view holder);

/// Forgets the history but for what is held and the last `keep` versions before the current one;
/// rows that no version sees are deleted, and vectors that no row refers to.
Result<void> prune(store::Connection& transaction, std::int64_t collection, std::int64_t keep);

/// Makes `version` the current one; those in between see what the last one saw. For a collection
/// that takes the place of another and goes on counting. Fails: invalid_argument unless it is
/// greater.
Result<void> advance(store::Connection& transaction, std::int64_t collection, std::int64_t version);

}  // namespace slipway::index
