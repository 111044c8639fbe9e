// What the halves of Anthropic's format have in common.
#pragma once

#include "dialects/detail/shared.hpp"

namespace slipway::dialects::detail {

struct StopWord {
  FinishReason reason = FinishReason::stop;
  bool hit_stop_sequence = false;
};
StopWord read_stop_reason(std::string_view word);
std::string_view write_stop_reason(FinishReason reason, std::string_view stop_sequence,
                                   bool has_refused);

json::Object write_anthropic_usage(const ChatUsage& usage);
/// What `usage` tells replaces what is in `read`; counts of a stream are totals so far.
void read_anthropic_usage(const json::Object& usage, ChatUsage& read);

json::Object write_citation(const Annotation& annotation, std::size_t number);
Annotation read_citation(const json::Object& citation);

}  // namespace slipway::dialects::detail
