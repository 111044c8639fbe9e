#include "dialects/codec.hpp"

#include <algorithm>
#include <array>

#include "dialects/detail/codecs.hpp"
#include "dialects/detail/fields.hpp"

namespace slipway::dialects {

namespace {

/// Objects of which a codec reads some keys: what is left of them is named key by key.
constexpr std::array<std::string_view, 6> partly_read = {
    "text", "reasoning", "stream_options", "output_config", "thinking", "metadata"};

/// Values that say what every API does anyway.
bool says_nothing(std::string_view key, const json::Value& value) {
  const auto is = [&](std::string_view text) {
    return value.is_string() && std::string_view(value.get_string()) == text;
  };
  if (value.is_array() && key != "modalities") return value.get_array().empty();
  if (value.is_object()) return value.get_object().empty() && key != "web_search_options";
  if (key == "store" || key == "background" || key == "echo" || key == "include_obfuscation")
    return value.is_bool() && !value.get_bool();
  if (key == "service_tier") return is("auto") || is("default");
  if (key == "truncation") return is("disabled");
  if (key == "modalities") return value == json::Value(json::Array{"text"});
  if (key == "best_of") return value == json::Value(1);
  if (key == "suffix") return is("");
  return false;
}

void add_foreign(std::vector<Unsupported>& found, std::string_view path,
                 const json::Object& extra) {
  for (const auto& [key, value] : extra)
    found.push_back({detail::join(path, key), "only its own dialect knows it"});
}

void add_foreign(std::vector<Unsupported>& found, const Message& message) {
  add_foreign(found, message.path, message.extra);
  for (const Part& part : message.parts) {
    if (part.kind == PartKind::opaque)
      found.push_back({part.path, "only its own dialect knows this kind"});
    else
      add_foreign(found, part.path, part.extra);
  }
  for (const ToolCall& call : message.tool_calls) add_foreign(found, call.path, call.extra);
}

}  // namespace

const Codec& codec(Dialect dialect) {
  static const detail::OpenAiCodec openai;
  static const detail::ResponsesCodec responses;
  static const detail::CompletionsCodec completions;
  static const detail::AnthropicCodec anthropic;
  static const detail::CohereCodec cohere;
  switch (dialect) {
    case Dialect::openai: return openai;
    case Dialect::openai_responses: return responses;
    case Dialect::openai_completions: return completions;
    case Dialect::anthropic: return anthropic;
    case Dialect::cohere: return cohere;
  }
  return openai;
}

std::string spelled(const ChatRequest& request, std::string_view member) {
  const auto found = request.spelled.find(std::string(member));
  return found == request.spelled.end() ? std::string(member) : found->second;
}

std::vector<Unsupported> foreign(const ChatRequest& request) {
  std::vector<Unsupported> found;
  for (const auto& [key, value] : request.extra) {
    if (says_nothing(key, value)) continue;
    const bool is_partly_read = std::find(partly_read.begin(), partly_read.end(),
                                          std::string_view(key)) != partly_read.end();
    if (!is_partly_read || !value.is_object()) {
      found.push_back({std::string(key), "only its own dialect knows it"});
      continue;
    }
    for (const auto& [inner, inner_value] : value.get_object())
      if (!says_nothing(inner, inner_value))
        found.push_back({detail::join(key, inner), "only its own dialect knows it"});
  }
  for (const Message& message : request.messages) add_foreign(found, message);
  for (const Tool& tool : request.tools) {
    if (tool.is_hosted)
      found.push_back({tool.path, "only the vendor runs tools of this type"});
    else
      add_foreign(found, tool.path, tool.extra);
  }
  return found;
}

}  // namespace slipway::dialects
