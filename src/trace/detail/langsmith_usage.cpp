#include "trace/detail/langsmith_usage.hpp"

namespace slipway::trace::detail {

namespace {

using Count = std::optional<std::int64_t>;

const json::Object* object_at(const json::Object& object, const char* key) {
  const json::Value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

Count count_at(const json::Object* object, const char* key) {
  if (object == nullptr) return {};
  const json::Value* value = object->if_contains(key);
  if (value == nullptr) return {};
  if (value->is_int64()) return value->get_int64();
  constexpr double most = 9e15;
  if (value->is_double() && value->get_double() > -most && value->get_double() < most)
    return static_cast<std::int64_t>(value->get_double());
  return {};
}

std::optional<double> dollars_at(const json::Object& object, const char* key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return {};
  return value->to_number<double>();
}

template <typename Number>
void add(std::optional<Number>& to, const std::optional<Number>& more) {
  if (more) to = to.value_or(0) + *more;
}

/// The generations of LangChain's LLMResult: {"generations": [[{"message": {"kwargs": ...}}]]}.
void take_generations(const json::Value& generations, SentUsage& usage, SentCost& cost) {
  if (!generations.is_array()) return;
  for (const json::Value& prompt : generations.get_array()) {
    if (prompt.is_array()) {
      take_generations(prompt, usage, cost);
      continue;
    }
    if (!prompt.is_object()) continue;
    const json::Object* message = object_at(prompt.get_object(), "message");
    if (message == nullptr) continue;
    const json::Object* kwargs = object_at(*message, "kwargs");
    const json::Object& holder = kwargs == nullptr ? *message : *kwargs;
    if (const json::Value* found = holder.if_contains("usage_metadata"))
      take_usage_metadata(*found, usage, cost);
  }
}

}  // namespace

void take_usage_metadata(const json::Value& value, SentUsage& usage, SentCost& cost) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return;
  const json::Object* input = object_at(*object, "input_token_details");
  const json::Object* output = object_at(*object, "output_token_details");
  add(usage.input, count_at(object, "input_tokens"));
  add(usage.output, count_at(object, "output_tokens"));
  add(usage.total, count_at(object, "total_tokens"));
  add(usage.cache_read, count_at(input, "cache_read"));
  add(usage.cache_write, count_at(input, "cache_creation"));
  add(usage.cache_write_5m, count_at(input, "ephemeral_5m_input_tokens"));
  add(usage.cache_write_1h, count_at(input, "ephemeral_1h_input_tokens"));
  add(usage.input_audio, count_at(input, "audio"));
  add(usage.reasoning, count_at(output, "reasoning"));
  add(usage.output_audio, count_at(output, "audio"));
  add(cost.input, dollars_at(*object, "input_cost"));
  add(cost.output, dollars_at(*object, "output_cost"));
  add(cost.total, dollars_at(*object, "total_cost"));
}

void take_provider_usage(const json::Value& value, SentUsage& usage) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return;
  usage.source = UsageSource::provider;
  if (object->contains("prompt_tokens")) {
    const json::Object* input = object_at(*object, "prompt_tokens_details");
    const json::Object* output = object_at(*object, "completion_tokens_details");
    add(usage.input, count_at(object, "prompt_tokens"));
    add(usage.output, count_at(object, "completion_tokens"));
    add(usage.total, count_at(object, "total_tokens"));
    add(usage.cache_read, count_at(input, "cached_tokens"));
    add(usage.input_audio, count_at(input, "audio_tokens"));
    add(usage.reasoning, count_at(output, "reasoning_tokens"));
    add(usage.output_audio, count_at(output, "audio_tokens"));
    return;
  }
  add(usage.input, count_at(object, "input_tokens"));
  add(usage.output, count_at(object, "output_tokens"));
  add(usage.total, count_at(object, "total_tokens"));
  if (const json::Object* input = object_at(*object, "input_tokens_details")) {
    // OpenAI's Responses.
    add(usage.cache_read, count_at(input, "cached_tokens"));
    add(usage.reasoning, count_at(object_at(*object, "output_tokens_details"), "reasoning_tokens"));
    return;
  }
  const json::Object* written = object_at(*object, "cache_creation");
  add(usage.cache_read, count_at(object, "cache_read_input_tokens"));
  add(usage.cache_write, count_at(object, "cache_creation_input_tokens"));
  add(usage.cache_write_5m, count_at(written, "ephemeral_5m_input_tokens"));
  add(usage.cache_write_1h, count_at(written, "ephemeral_1h_input_tokens"));
  if (usage.cache_read || usage.cache_write) usage.convention = Convention::exclusive;
}

void take_usage_of_outputs(std::string_view outputs, SentUsage& usage, SentCost& cost) {
  // Most outputs have none: making values of megabytes only to see that is too much.
  if (outputs.find("usage") == std::string_view::npos) return;
  const auto parsed = json::parse(outputs);
  const json::Object* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return;
  if (const json::Value* found = object->if_contains("usage_metadata")) {
    take_usage_metadata(*found, usage, cost);
    return;
  }
  if (const json::Value* generations = object->if_contains("generations"))
    take_generations(*generations, usage, cost);
  if (!usage.is_empty()) return;
  if (const json::Object* told = object_at(*object, "llm_output"))
    for (const char* key : {"token_usage", "usage"})
      if (const json::Value* found = told->if_contains(key); found != nullptr && usage.is_empty())
        take_provider_usage(*found, usage);
  if (!usage.is_empty()) return;
  if (const json::Value* found = object->if_contains("usage")) take_provider_usage(*found, usage);
}

}  // namespace slipway::trace::detail
