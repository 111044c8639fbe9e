// What the halves of Cohere's chat format have in common.
#pragma once

#include "dialects/detail/shared.hpp"

namespace slipway::dialects::detail {

FinishReason read_cohere_finish(std::string_view word, bool& hit_stop_sequence);
std::string_view write_cohere_finish(FinishReason reason, bool hit_stop_sequence);

json::Object write_cohere_usage(const ChatUsage& usage);
ChatUsage read_cohere_usage(const json::Object& usage);

/// `text`: of the whole answer, as far as it is there.
json::Object write_cohere_citation(const Annotation& annotation, std::string_view text);
Annotation read_cohere_citation(const json::Object& citation);

json::Array write_cohere_logprobs(const std::vector<TokenLogprob>& tokens);
json::Object write_cohere_logprob(const TokenLogprob& token);
void read_cohere_logprob(const json::Object& item, std::vector<TokenLogprob>& tokens);

}  // namespace slipway::dialects::detail
