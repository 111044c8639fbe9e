// Which attribute says what: the conventions for GenAI spans, old and new, in one table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "trace/run.hpp"

namespace slipway::trace::detail {

/// What a row of the table tells about.
enum class Meaning : std::uint8_t {
  kind,
  name,
  project,
  provider,
  model,
  request_model,
  input_tokens,
  output_tokens,
  total_tokens,
  cache_read_tokens,
  cache_write_tokens,
  cache_write_1h_tokens,
  reasoning_tokens,
  input_audio_tokens,
  output_audio_tokens,
  usage_object,       ///< Counts of tokens by name, of Langfuse: exclusive.
  provider_metadata,  ///< What the AI SDK passes on: Anthropic's own usage, OpenAI's details.
  input_details,      ///< LangChain's details of the inclusive counts.
  output_details,     ///< The same.
  convention,
  input_cost,
  output_cost,
  total_cost,
  cost_object,
  inputs,
  outputs,
  session,
  user,
  first_token_seconds,  ///< After the start.
  first_token_ms,       ///< After the start.
  first_token_time,     ///< RFC 3339.
  service_tier,
  tags,
  metadata,
  metadata_object,
  level,           ///< Langfuse: "ERROR".
  status_message,  ///< Langfuse: the text of the error.
  tool_mark,       ///< There, so it is a tool, if nothing else says what it is.
  retriever_mark,
  reranker_mark,
  embedding_mark,
  none
};

struct MappingRow {
  Meaning meaning;
  std::string_view key;  ///< Ending in ".*": every attribute that begins so.
};

/// Rows of one meaning stand together, the one that counts most first; no key stands twice.
std::span<const MappingRow> mapping_rows();

/// An attribute of a row with "*": "gen_ai.prompt.0.role" has the rest "0.role".
struct RestOfKey {
  std::size_t row = 0;
  std::string_view rest;
  const json::Value* value = nullptr;
};

/// The attributes of one span by row. Borrows from them.
class FoundAttributes {
 public:
  explicit FoundAttributes(const json::Object& attributes);
  /// In the order of the rows. Calls `use(value)` until one returns true; what is null or empty
  /// text says nothing and is left out.
  template <typename Use>
  bool first(Meaning meaning, Use use) const {
    const auto [begin, end] = rows_of(meaning);
    for (std::size_t row = begin; row < end; ++row)
      if (exact_[row] && use(*exact_[row], row)) return true;
    return false;
  }
  bool has(Meaning meaning) const {
    return first(meaning, [](const json::Value&, std::size_t) { return true; });
  }
  const std::vector<RestOfKey>& prefixed() const { return prefixed_; }
  /// The range of a meaning's rows.
  static std::pair<std::size_t, std::size_t> rows_of(Meaning meaning);
  /// Of a key that ends in ".service_tier" and stands in no row.
  const json::Value* any_service_tier() const { return any_service_tier_; }

 private:
  static constexpr std::size_t rows_max = 256;
  std::array<const json::Value*, rows_max> exact_{};
  std::vector<RestOfKey> prefixed_;
  const json::Value* any_service_tier_ = nullptr;
};

/// "CHAT_MODEL", "invoke_agent", "ai.generateText.doGenerate" -> the kind. Nothing: unknown.
std::optional<Kind> kind_named(std::string_view word);
/// As prices and deployments write it: "az.ai.openai" -> "azure", "openai.chat" -> "openai".
std::string provider_named(std::string_view word);

/// What an event of this name is in a conversation.
enum class EventMeaning { none, message, choice, prompt, completion, details, first_token };
EventMeaning event_meaning(std::string_view name);

/// Fills what the attributes, events, start and status of the run say: kind, model, usage, inputs
/// ... What they do not say is left as it is. Keys that begin with "otel." are not looked at.
void map_attributes(RunPatch& run);

/// JSON from flat keys: "0.role", "0.content", "1.role" -> [{"content", "role"}, {"role"}]. Numbers
/// order arrays, words are sorted; a wrapper that stands alone in its object ("message",
/// "document") is left out.
json::Value unflatten(const std::vector<RestOfKey>& flat);

/// The payload of `inputs` or `outputs`, from wherever it is. Nothing: it is nowhere.
std::optional<Payload> find_payload(Meaning meaning, const FoundAttributes& found,
                                    const RunPatch& run);
/// Text that is JSON stays its bytes; other text is text; what is structured is dumped.
Payload payload_of(const json::Value& value);
/// Whether core/json.hpp would parse it.
bool is_json(std::string_view text);

}  // namespace slipway::trace::detail
