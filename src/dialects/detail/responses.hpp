// What the halves of OpenAI's responses format have in common.
#pragma once

#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

/// Keys of OpenAI's two chat formats that mean the same in both; in the words of `to`.
json::Object family_extra(const ChatRequest& request, Dialect to);

json::Object write_responses_usage(const ChatUsage& usage);
ChatUsage read_responses_usage(const json::Object& usage);

/// The response object without `output`, `status` and what only its end knows; repeats what was
/// asked, as this API does.
json::Object response_head(const ChatRequest& request, const std::string& id, std::int64_t created);
/// "completed" or "incomplete", with the why.
void write_status(json::Object& response, FinishReason reason);
FinishReason read_status(const json::Object& response);

json::Object output_text_part(std::string_view text);
json::Object refusal_part(std::string_view text);
json::Object message_item(std::string_view id, json::Array content, std::string_view status);
json::Object call_item(std::string_view id, const ToolCall& call, std::string_view status);
json::Object reasoning_item(std::string_view id, const Part& part);
/// `encrypted_content`: another vendor's signature says whose it is, so that it finds back to him.
std::string write_signature(const std::string& signature, std::optional<Dialect> signed_by);
void read_signature(std::string content, Part& part);

}  // namespace slipway::dialects::detail
