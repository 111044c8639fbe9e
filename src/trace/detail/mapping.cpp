// The table. Sources: semantic-conventions-genai (docs/registry, non-normative/migration.md), the
// packages openinference-semantic-conventions 0.1.42 and opentelemetry-semantic-conventions-ai
// 0.5.1, AI SDK (ai-sdk.dev, telemetry), Langfuse's and LangSmith's pages on OpenTelemetry, MLflow.
#include "trace/detail/mapping.hpp"

#include <unordered_map>

#include "core/ascii.hpp"

namespace slipway::trace::detail {

namespace {

using M = Meaning;

constexpr MappingRow table[] = {
    {M::kind, "openinference.span.kind"},
    {M::kind, "langfuse.observation.type"},
    {M::kind, "langsmith.span.kind"},
    {M::kind, "gen_ai.operation.name"},
    {M::kind, "traceloop.span.kind"},
    {M::kind, "mlflow.spanType"},
    {M::kind, "ai.operationId"},
    {M::kind, "llm.request.type"},
    {M::kind, "operation.name"},

    {M::name, "langsmith.trace.name"},
    {M::project, "langsmith.trace.session_name"},

    {M::provider, "gen_ai.provider.name"},
    {M::provider, "gen_ai.system"},
    {M::provider, "llm.provider"},
    {M::provider, "llm.system"},
    {M::provider, "ai.model.provider"},
    {M::provider, "langsmith.metadata.ls_provider"},

    {M::model, "gen_ai.response.model"},
    {M::model, "llm.response.model_name"},
    {M::model, "llm.response.model"},
    {M::model, "ai.response.model"},
    {M::model, "langfuse.observation.model.name"},
    {M::model, "llm.model_name"},
    {M::model, "embedding.model_name"},
    {M::model, "reranker.model_name"},
    {M::request_model, "gen_ai.request.model"},
    {M::request_model, "llm.request.model_name"},
    {M::request_model, "llm.request.model"},
    {M::request_model, "ai.model.id"},
    {M::request_model, "langsmith.metadata.ls_model_name"},

    {M::input_tokens, "gen_ai.usage.input_tokens"},
    {M::input_tokens, "gen_ai.usage.prompt_tokens"},
    {M::input_tokens, "llm.token_count.prompt"},
    {M::input_tokens, "llm.usage.prompt_tokens"},
    {M::input_tokens, "ai.usage.inputTokens"},
    {M::input_tokens, "ai.usage.promptTokens"},
    {M::input_tokens, "ai.usage.tokens"},
    {M::output_tokens, "gen_ai.usage.output_tokens"},
    {M::output_tokens, "gen_ai.usage.completion_tokens"},
    {M::output_tokens, "llm.token_count.completion"},
    {M::output_tokens, "llm.usage.completion_tokens"},
    {M::output_tokens, "ai.usage.outputTokens"},
    {M::output_tokens, "ai.usage.completionTokens"},
    {M::total_tokens, "gen_ai.usage.total_tokens"},
    {M::total_tokens, "llm.usage.total_tokens"},
    {M::total_tokens, "llm.token_count.total"},
    {M::total_tokens, "ai.usage.totalTokens"},
    {M::cache_read_tokens, "gen_ai.usage.cache_read.input_tokens"},
    {M::cache_read_tokens, "gen_ai.usage.cache_read_input_tokens"},
    {M::cache_read_tokens, "gen_ai.usage.cache_read_tokens"},
    {M::cache_read_tokens, "gen_ai.usage.details.cache_read_input_tokens"},
    {M::cache_read_tokens, "gen_ai.usage.details.cache_read_tokens"},
    {M::cache_read_tokens, "gen_ai.usage.details.cached_tokens"},
    {M::cache_read_tokens, "llm.token_count.prompt_details.cache_read"},
    {M::cache_read_tokens, "llm.token_count.prompt_details.cache_input"},
    {M::cache_read_tokens, "llm.usage.cache_read_input_tokens"},
    {M::cache_read_tokens, "ai.usage.cachedInputTokens"},
    {M::cache_read_tokens, "ai.usage.inputTokenDetails.cacheReadTokens"},
    {M::cache_write_tokens, "gen_ai.usage.cache_write.input_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.cache_creation.input_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.cache_write_input_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.cache_creation_input_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.cache_write_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.details.cache_creation_input_tokens"},
    {M::cache_write_tokens, "gen_ai.usage.details.cache_write_tokens"},
    {M::cache_write_tokens, "llm.token_count.prompt_details.cache_write"},
    {M::cache_write_tokens, "llm.usage.cache_creation_input_tokens"},
    {M::cache_write_tokens, "ai.usage.inputTokenDetails.cacheWriteTokens"},
    {M::cache_write_1h_tokens, "gen_ai.usage.cache_write.1h.input_tokens"},
    {M::cache_write_1h_tokens, "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"},
    {M::reasoning_tokens, "gen_ai.usage.reasoning.output_tokens"},
    {M::reasoning_tokens, "gen_ai.usage.reasoning_tokens"},
    {M::reasoning_tokens, "gen_ai.usage.details.reasoning_tokens"},
    {M::reasoning_tokens, "llm.token_count.completion_details.reasoning"},
    {M::reasoning_tokens, "llm.usage.reasoning_tokens"},
    {M::reasoning_tokens, "ai.usage.reasoningTokens"},
    {M::reasoning_tokens, "ai.usage.outputTokenDetails.reasoningTokens"},
    {M::input_audio_tokens, "gen_ai.usage.audio.input_tokens"},
    {M::input_audio_tokens, "gen_ai.usage.details.input_audio_tokens"},
    {M::input_audio_tokens, "llm.token_count.prompt_details.audio"},
    {M::output_audio_tokens, "gen_ai.usage.audio.output_tokens"},
    {M::output_audio_tokens, "gen_ai.usage.details.output_audio_tokens"},
    {M::output_audio_tokens, "llm.token_count.completion_details.audio"},
    {M::usage_object, "langfuse.observation.usage_details"},
    {M::provider_metadata, "ai.response.providerMetadata"},
    {M::input_details, "gen_ai.usage.input_token_details"},
    {M::output_details, "gen_ai.usage.output_token_details"},
    {M::convention, "slipway.usage.convention"},

    {M::input_cost, "llm.cost.prompt"},
    {M::input_cost, "gen_ai.usage.input_cost"},
    {M::output_cost, "llm.cost.completion"},
    {M::output_cost, "gen_ai.usage.output_cost"},
    {M::total_cost, "gen_ai.usage.cost"},
    {M::total_cost, "gen_ai.usage.total_cost"},
    {M::total_cost, "llm.cost.total"},
    {M::total_cost, "operation.cost"},
    {M::cost_object, "langfuse.observation.cost_details"},

    {M::inputs, "langfuse.observation.input"},
    {M::inputs, "gen_ai.input.messages"},
    {M::inputs, "input.value"},
    {M::inputs, "gen_ai.tool.call.arguments"},
    {M::inputs, "gen_ai.retrieval.query.text"},
    {M::inputs, "traceloop.entity.input"},
    {M::inputs, "mlflow.spanInputs"},
    {M::inputs, "ai.prompt.messages"},
    {M::inputs, "ai.prompt"},
    {M::inputs, "ai.toolCall.args"},
    {M::inputs, "ai.toolCall.input"},
    {M::inputs, "ai.value"},
    {M::inputs, "ai.values"},
    {M::inputs, "gen_ai.prompt.*"},
    {M::inputs, "gen_ai.prompt"},
    {M::inputs, "gen_ai.content.prompt"},
    {M::inputs, "llm.input_messages.*"},
    {M::inputs, "llm.prompts.*"},
    {M::inputs, "llm.prompts"},
    {M::inputs, "gcp.vertex.agent.llm_request"},
    {M::inputs, "gcp.vertex.agent.tool_call_args"},
    {M::inputs, "tool_arguments"},
    {M::inputs, "lk.function_tool.arguments"},
    {M::inputs, "lk.user_input"},
    {M::inputs, "lk.user_transcript"},
    {M::inputs, "lk.input_text"},
    {M::inputs, "lk.chat_ctx"},
    {M::inputs, "tool_call.function.arguments"},
    {M::inputs, "tool.parameters"},
    {M::inputs, "reranker.query"},
    {M::inputs, "reranker.input_documents.*"},
    {M::inputs, "embedding.text"},
    {M::inputs, "embedding.embeddings.*"},
    {M::inputs, "pydantic_ai.all_messages"},
    {M::inputs, "all_messages_events"},
    {M::inputs, "events"},
    {M::inputs, "langfuse.trace.input"},
    {M::inputs, "input"},
    {M::inputs, "prompt"},

    {M::outputs, "langfuse.observation.output"},
    {M::outputs, "gen_ai.output.messages"},
    {M::outputs, "output.value"},
    {M::outputs, "gen_ai.tool.call.result"},
    {M::outputs, "gen_ai.retrieval.documents"},
    {M::outputs, "traceloop.entity.output"},
    {M::outputs, "mlflow.spanOutputs"},
    {M::outputs, "ai.response.object"},
    {M::outputs, "ai.result.object"},
    {M::outputs, "ai.response.text"},
    {M::outputs, "ai.response.toolCalls"},
    {M::outputs, "ai.result.text"},
    {M::outputs, "ai.result.toolCalls"},
    {M::outputs, "ai.toolCall.result"},
    {M::outputs, "ai.toolCall.output"},
    {M::outputs, "ai.embedding"},
    {M::outputs, "ai.embeddings"},
    {M::outputs, "gen_ai.completion.*"},
    {M::outputs, "gen_ai.completion"},
    {M::outputs, "gen_ai.content.completion"},
    {M::outputs, "llm.output_messages.*"},
    {M::outputs, "llm.completions.*"},
    {M::outputs, "gcp.vertex.agent.llm_response"},
    {M::outputs, "gcp.vertex.agent.tool_response"},
    {M::outputs, "tool_response"},
    {M::outputs, "lk.function_tool.output"},
    {M::outputs, "lk.response.text"},
    {M::outputs, "retrieval.documents.*"},
    {M::outputs, "reranker.output_documents.*"},
    {M::outputs, "final_result"},
    {M::outputs, "langfuse.trace.output"},
    {M::outputs, "output"},

    {M::session, "gen_ai.conversation.id"},
    {M::session, "session.id"},
    {M::session, "langfuse.session.id"},
    {M::session, "langfuse.trace.metadata.langfuse_session_id"},
    {M::session, "langfuse.observation.metadata.langfuse_session_id"},
    {M::session, "ai.telemetry.metadata.sessionId"},
    {M::session, "ai.telemetry.metadata.session_id"},
    {M::session, "traceloop.association.properties.session_id"},
    {M::session, "traceloop.association.properties.thread_id"},
    {M::session, "traceloop.association.properties.conversation_id"},
    {M::session, "langsmith.metadata.session_id"},
    {M::session, "langsmith.metadata.thread_id"},
    {M::session, "langsmith.metadata.conversation_id"},
    {M::session, "mlflow.trace.session"},
    {M::session, "gcp.vertex.agent.session_id"},
    {M::user, "user.id"},
    {M::user, "langfuse.user.id"},
    {M::user, "langfuse.trace.metadata.langfuse_user_id"},
    {M::user, "langfuse.observation.metadata.langfuse_user_id"},
    {M::user, "enduser.id"},
    {M::user, "ai.telemetry.metadata.userId"},
    {M::user, "ai.telemetry.metadata.user_id"},
    {M::user, "traceloop.association.properties.user_id"},
    {M::user, "langsmith.metadata.user_id"},
    {M::user, "mlflow.trace.user"},

    {M::first_token_seconds, "gen_ai.response.time_to_first_chunk"},
    {M::first_token_seconds, "gen_ai.server.time_to_first_token"},
    {M::first_token_seconds, "gen_ai.client.operation.time_to_first_chunk"},
    {M::first_token_seconds, "lk.response.ttft"},
    {M::first_token_ms, "ai.response.msToFirstChunk"},
    {M::first_token_ms, "ai.stream.msToFirstChunk"},
    {M::first_token_time, "langfuse.observation.completion_start_time"},

    {M::service_tier, "openai.response.service_tier"},
    {M::service_tier, "gen_ai.openai.response.service_tier"},
    {M::service_tier, "gen_ai.response.service_tier"},
    {M::service_tier, "openai.request.service_tier"},
    {M::service_tier, "gen_ai.openai.request.service_tier"},
    {M::service_tier, "gen_ai.request.service_tier"},

    {M::tags, "langfuse.trace.tags"},
    {M::tags, "langfuse.tags"},
    {M::tags, "langfuse.trace.metadata.langfuse_tags"},
    {M::tags, "langfuse.observation.metadata.langfuse_tags"},
    {M::tags, "langsmith.span.tags"},
    {M::tags, "tag.tags"},
    {M::tags, "ai.telemetry.metadata.tags"},
    {M::tags, "traceloop.association.properties.tags"},
    {M::metadata, "langfuse.trace.metadata.*"},
    {M::metadata, "langfuse.observation.metadata.*"},
    {M::metadata, "langsmith.metadata.*"},
    {M::metadata, "ai.telemetry.metadata.*"},
    {M::metadata, "traceloop.association.properties.*"},
    {M::metadata, "metadata.*"},
    {M::metadata_object, "langfuse.trace.metadata"},
    {M::metadata_object, "langfuse.observation.metadata"},
    {M::metadata_object, "metadata"},

    {M::level, "langfuse.observation.level"},
    {M::status_message, "langfuse.observation.status_message"},

    {M::tool_mark, "gen_ai.tool.name"},
    {M::tool_mark, "tool.name"},
    {M::tool_mark, "ai.toolCall.name"},
    {M::tool_mark, "gen_ai.tool.call.id"},
    {M::retriever_mark, "gen_ai.retrieval.top_k"},
    {M::reranker_mark, "reranker.top_k"},
    {M::embedding_mark, "gen_ai.embeddings.dimension.count"},
};

struct KindWord {
  std::string_view word;
  Kind kind;
};

/// In lower case. Of the AI SDK the inner span is the call, the outer one its frame.
constexpr KindWord kind_words[] = {
    {"llm", Kind::llm},
    {"generation", Kind::llm},
    {"chat", Kind::llm},
    {"chat_model", Kind::llm},
    {"completion", Kind::llm},
    {"text_completion", Kind::llm},
    {"generate_content", Kind::llm},
    {"ai.generatetext.dogenerate", Kind::llm},
    {"ai.streamtext.dostream", Kind::llm},
    {"ai.generateobject.dogenerate", Kind::llm},
    {"ai.streamobject.dostream", Kind::llm},
    {"embedding", Kind::embedding},
    {"embeddings", Kind::embedding},
    {"ai.embed.doembed", Kind::embedding},
    {"ai.embedmany.doembed", Kind::embedding},
    {"retriever", Kind::retriever},
    {"retrieval", Kind::retriever},
    {"search_memory", Kind::retriever},
    {"reranker", Kind::reranker},
    {"rerank", Kind::reranker},
    {"ai.rerank.dorerank", Kind::reranker},
    {"tool", Kind::tool},
    {"execute_tool", Kind::tool},
    {"ai.toolcall", Kind::tool},
    {"agent", Kind::agent},
    {"invoke_agent", Kind::agent},
    {"create_agent", Kind::agent},
    {"chain", Kind::chain},
    {"workflow", Kind::chain},
    {"task", Kind::chain},
    {"invoke_workflow", Kind::chain},
    {"plan", Kind::chain},
    {"ai.generatetext", Kind::chain},
    {"ai.streamtext", Kind::chain},
    {"ai.generateobject", Kind::chain},
    {"ai.streamobject", Kind::chain},
    {"ai.embed", Kind::chain},
    {"ai.embedmany", Kind::chain},
    {"ai.rerank", Kind::chain},
    {"prompt", Kind::prompt},
    {"parser", Kind::parser},
    {"guardrail", Kind::guardrail},
    {"evaluator", Kind::evaluator},
    {"evaluation", Kind::evaluator},
    {"span", Kind::span},
    {"event", Kind::span},
    {"decision", Kind::span},
    {"memory", Kind::span},
    {"fetch_response", Kind::span},
};

struct ProviderWord {
  std::string_view word, name;
};

/// The spelling of the price table and of deployments.
constexpr ProviderWord provider_words[] = {
    {"az.ai.openai", "azure"},
    {"azure.ai.openai", "azure"},
    {"azure_openai", "azure"},
    {"azure-openai", "azure"},
    {"az.ai.inference", "azure_ai"},
    {"azure.ai.inference", "azure_ai"},
    {"aws.bedrock", "bedrock"},
    {"aws_bedrock", "bedrock"},
    {"amazon-bedrock", "bedrock"},
    {"gcp.vertex_ai", "vertex_ai"},
    {"google_vertexai", "vertex_ai"},
    {"google.vertex.chat", "vertex_ai"},
    {"vertexai", "vertex_ai"},
    {"gcp.gemini", "gemini"},
    {"gcp.gen_ai", "gemini"},
    {"google", "gemini"},
    {"google_genai", "gemini"},
    {"google.generative-ai", "gemini"},
    {"x_ai", "xai"},
    {"mistral_ai", "mistral"},
    {"mistralai", "mistral"},
};

struct EventWord {
  std::string_view name;
  EventMeaning meaning;
};

constexpr EventWord event_words[] = {
    {"gen_ai.system.message", EventMeaning::message},
    {"gen_ai.user.message", EventMeaning::message},
    {"gen_ai.assistant.message", EventMeaning::message},
    {"gen_ai.tool.message", EventMeaning::message},
    {"gen_ai.choice", EventMeaning::choice},
    {"gen_ai.content.prompt", EventMeaning::prompt},
    {"gen_ai.content.completion", EventMeaning::completion},
    {"gen_ai.client.inference.operation.details", EventMeaning::details},
    {"First Token Stream Event", EventMeaning::first_token},
    {"ai.stream.firstChunk", EventMeaning::first_token},
    {"llm.content.completion.chunk", EventMeaning::first_token},
    {"new_token", EventMeaning::first_token},
};

/// The rows by key; made once.
struct Index {
  std::unordered_map<std::string_view, std::size_t> exact;
  /// By the first byte of the key; the key is without its "*".
  std::array<std::vector<std::pair<std::string_view, std::size_t>>, 256> prefixes;
  std::array<std::pair<std::size_t, std::size_t>, static_cast<std::size_t>(M::none)> ranges{};

  Index() {
    const auto rows = mapping_rows();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      auto& range = ranges[static_cast<std::size_t>(rows[row].meaning)];
      if (range.second == 0) range.first = row;
      range.second = row + 1;
      std::string_view key = rows[row].key;
      if (key.ends_with(".*")) {
        key.remove_suffix(1);
        prefixes[static_cast<unsigned char>(key[0])].emplace_back(key, row);
      } else {
        exact.emplace(key, row);
      }
    }
  }
};

const Index& index() {
  static const Index made;
  return made;
}

bool says_nothing(const json::Value& value) {
  return value.is_null() || (value.is_string() && value.get_string().empty());
}

}  // namespace

std::span<const MappingRow> mapping_rows() { return table; }

std::pair<std::size_t, std::size_t> FoundAttributes::rows_of(Meaning meaning) {
  return index().ranges[static_cast<std::size_t>(meaning)];
}

FoundAttributes::FoundAttributes(const json::Object& attributes) {
  static_assert(std::size(table) <= rows_max);
  const Index& rows = index();
  for (const auto& [key, value] : attributes) {
    if (key.empty() || says_nothing(value) || key.starts_with("otel.")) continue;
    const std::string_view name = key;
    const auto found = rows.exact.find(name);
    if (found != rows.exact.end())
      exact_[found->second] = &value;
    else if (name.ends_with(".service_tier"))
      any_service_tier_ = &value;
    for (const auto& [prefix, row] : rows.prefixes[static_cast<unsigned char>(name[0])])
      if (name.starts_with(prefix)) prefixed_.push_back({row, name.substr(prefix.size()), &value});
  }
}

std::optional<Kind> kind_named(std::string_view word) {
  // MLflow writes every value as JSON.
  if (word.size() > 2 && word.front() == '"' && word.back() == '"')
    word = word.substr(1, word.size() - 2);
  constexpr std::size_t word_bytes_max = 40;
  if (word.size() > word_bytes_max) return std::nullopt;
  const std::string wanted = ascii::lower(word);
  for (const KindWord& known : kind_words)
    if (known.word == wanted) return known.kind;
  return std::nullopt;
}

std::string provider_named(std::string_view word) {
  const std::string wanted = ascii::lower(word.substr(0, 200));
  for (const ProviderWord& known : provider_words)
    if (known.word == wanted) return std::string(known.name);
  // The AI SDK adds the interface: "openai.chat", "anthropic.messages".
  for (const std::string_view interface : {".chat", ".messages", ".responses", ".completion",
                                           ".embedding", ".generative-ai", ".image"})
    if (wanted.ends_with(interface))
      return provider_named(wanted.substr(0, wanted.size() - interface.size()));
  return wanted;
}

EventMeaning event_meaning(std::string_view name) {
  for (const EventWord& known : event_words)
    if (known.name == name) return known.meaning;
  return EventMeaning::none;
}

}  // namespace slipway::trace::detail
