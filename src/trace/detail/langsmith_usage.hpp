// Tokens and costs in the shapes of LangChain, OpenAI and Anthropic.
#pragma once

#include <string_view>

#include "trace/run.hpp"

namespace slipway::trace::detail {

/// LangChain's UsageMetadata: inclusive counts with details, and costs. Adds to what is there.
void take_usage_metadata(const json::Value& value, SentUsage& usage, SentCost& cost);
/// A provider's own "usage" object: OpenAI's is inclusive, Anthropic's exclusive.
void take_provider_usage(const json::Value& value, SentUsage& usage);
/// Wherever LangChain and the wrappers of SDKs put it in the outputs of a model call.
void take_usage_of_outputs(std::string_view outputs, SentUsage& usage, SentCost& cost);

}  // namespace slipway::trace::detail
