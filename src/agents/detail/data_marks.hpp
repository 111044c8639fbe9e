// Marks what a model shall read as data: text that came from elsewhere stands between two lines
// that nobody can guess, and the system's words say what they mean. Makes injected orders less
// likely to be obeyed (spotlighting by delimiters, arXiv 2403.14720); no more than that: what a
// model may do is decided by approvals, not by this.
#pragma once

#include <string>
#include <string_view>

#include "agents/model.hpp"

namespace slipway::agents::detail {

/// The content with its tainted parts between <data TAG> and </data TAG>; `tag` itself is taken out
/// of them. Spans that do not fit the content are cut to it.
std::string mark_data(const ChatMessage& message, std::string_view tag);
/// For the system's words.
std::string data_rule(std::string_view tag);
bool has_data(const ModelCall& call);

}  // namespace slipway::agents::detail
