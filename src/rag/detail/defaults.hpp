// What a question uses where it says nothing itself: it counts first, then slipway.yaml, then what
// the collection's generation was made or migrated with.
#pragma once

#include "rag/detail/shelf.hpp"

namespace slipway::rag::detail {

/// `first` where it says something, else `second`.
QuestionDefaults merged(const QuestionDefaults& first, const QuestionDefaults& second);

/// With a mode, and with a fusion where it is hybrid. Who tells how to fuse, or to vary by meaning,
/// means a hybrid search.
SearchRequest with_defaults(SearchRequest, const QuestionDefaults&);
AskRequest with_defaults(AskRequest, const QuestionDefaults&);

/// By those of the collection and version that the request names; of a collection that is not
/// there by none. Fails: not_found (the version is not kept), and as `Database::read`.
Result<SearchRequest> with_defaults(const Context&, Shelf&, SearchRequest);
Result<AskRequest> with_defaults(const Context&, Shelf&, AskRequest);

}  // namespace slipway::rag::detail
