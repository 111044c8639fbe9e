// A sentence turned into a question about a part of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace slipway::eval::detail {

struct MadeQuestion {
  std::string text;  ///< "How long are traces kept?"
  std::string kind;  ///< time, number, place, reason, agent, definition, object
  int worth = 0;     ///< Larger: more telling.
};

/// `lower_words` are the words that the document has in lower case: a sentence's first word that is
/// among them is no name. `heading` is what the sentence stands under; it is told where the subject
/// alone is vague. Nothing where no rule fits.
std::optional<MadeQuestion> question_of(std::string_view sentence,
                                        const std::set<std::string, std::less<>>& lower_words,
                                        std::string_view heading);

}  // namespace slipway::eval::detail
