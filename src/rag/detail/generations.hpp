// The generations of a collection: what was built with one embedder and one splitter. One serves;
// the others wait to serve again, or are being built. Their versions count on from one to the next.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rag/detail/records.hpp"

namespace slipway::rag::detail {

/// All of them, the one that serves first; empty when there is no such collection.
Result<std::vector<CollectionRow>> generations_of(store::Connection&, const std::string& name);
/// The one that served when this version was the current one; nothing when the collection was never
/// migrated. Fails: not_found when that one is gone.
Result<std::optional<CollectionRow>> generation_of(store::Connection&, const std::string& name,
                                                   std::int64_t version);
/// The one that is being built.
Result<std::optional<CollectionRow>> next_generation(store::Connection&, const std::string& name);
/// The name of the one that is being built.
std::string name_of_next(const std::string& name);

/// From which version on the generation served last; 1 when it is the first one.
Result<std::int64_t> first_version_of(store::Connection&, const CollectionRow&);

/// The one that served before; nothing when there is none any more.
Result<std::optional<CollectionRow>> last_former(store::Connection&, const CollectionRow& serving);

/// Before a write: fails with conflict when the generation is not what it was when it was opened,
/// because a migration has put another in its place.
Result<void> check_place(store::Connection&, const CollectionRow&);

/// `next` serves from now on, in the place of `serving`, with a version that is greater than any
/// that was. Receipts go with it. Gives that version.
Result<std::int64_t> let_serve(store::Connection&, const CollectionRow& serving,
                               const CollectionRow& next);

/// Forgets that the collection was ever migrated, when it is deleted.
Result<void> forget_reigns(store::Connection&, const std::string& name);

}  // namespace slipway::rag::detail
