// The sentences of a text beside the passages: what LocalEvidence gives, before it is one number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "eval/detail/embedded_texts.hpp"
#include "eval/detail/evidence_signals.hpp"

namespace slipway::eval::detail {

struct ComparedSentence {
  documents::Span span;  ///< Of the text.
  Compared compared;
};

/// One per span of the text. Null `embedded`: words alone. `source_sentences` gets the sentences
/// that windows are numbered by. Fails: as embedders do.
Result<std::vector<ComparedSentence>> compare_sentences(
    const Context& context, EmbeddedTexts* embedded, std::string_view text,
    const std::vector<documents::Span>& spans, const std::vector<std::string>& passages,
    std::vector<SourceSentence>& source_sentences);

}  // namespace slipway::eval::detail
