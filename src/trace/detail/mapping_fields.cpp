// What the attributes that the table found mean, but for inputs and outputs.
#include <charconv>
#include <cmath>

#include "trace/detail/mapping.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

using M = Meaning;

std::optional<double> as_number(const json::Value& value) {
  if (value.is_number()) {
    const double number = value.to_number<double>();
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
  }
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::optional<std::int64_t> as_count(const json::Value& value) {
  if (value.is_int64()) return value.get_int64();
  const auto number = as_number(value);
  // Half of what the type holds: a count that is larger is nonsense anyhow.
  constexpr double most = 4e18;
  if (!number || std::fabs(*number) > most) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*number));
}

/// Text, or a number as its text.
std::optional<std::string> as_text(const json::Value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_int64() || value.is_uint64()) return json::dump(value);
  return std::nullopt;
}

/// An object, or a string that holds one.
std::optional<json::Object> as_object(const json::Value& value) {
  if (value.is_object()) return value.get_object();
  if (!value.is_string() || value.get_string().find('{') == std::string_view::npos)
    return std::nullopt;
  auto parsed = json::parse(value.get_string());
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(parsed->get_object());
}

void take_text(const FoundAttributes& found, M meaning, std::optional<std::string>& into) {
  found.first(meaning, [&](const json::Value& value, std::size_t) {
    auto text = as_text(value);
    if (text) into = std::move(text);
    return into.has_value();
  });
}

void take_count(const FoundAttributes& found, M meaning, std::optional<std::int64_t>& into) {
  found.first(meaning, [&](const json::Value& value, std::size_t) {
    into = as_count(value);
    return into.has_value();
  });
}

void take_number(const FoundAttributes& found, M meaning, std::optional<double>& into) {
  found.first(meaning, [&](const json::Value& value, std::size_t) {
    into = as_number(value);
    return into.has_value();
  });
}

/// The first of the keys that holds a count.
std::optional<std::int64_t> count_in(const json::Object& object,
                                     std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const auto found = object.find(key); found != object.end())
      if (const auto count = as_count(found->value())) return count;
  return std::nullopt;
}

void set_if(std::optional<std::int64_t>& into, std::optional<std::int64_t> count) {
  if (count) into = count;
}

/// What OpenAI, and LangChain after it, keep in objects of details.
void take_details(const json::Object& input, const json::Object& output, SentUsage& usage) {
  set_if(usage.cache_read, count_in(input, {"cache_read", "cached_tokens"}));
  set_if(usage.cache_write, count_in(input, {"cache_creation", "cache_write"}));
  set_if(usage.cache_write_5m, count_in(input, {"ephemeral_5m_input_tokens"}));
  set_if(usage.cache_write_1h, count_in(input, {"ephemeral_1h_input_tokens"}));
  set_if(usage.input_audio, count_in(input, {"audio", "audio_tokens"}));
  set_if(usage.reasoning, count_in(output, {"reasoning", "reasoning_tokens"}));
  set_if(usage.output_audio, count_in(output, {"audio", "audio_tokens"}));
}

json::Object object_in(const json::Object& object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const auto found = object.find(key); found != object.end() && found->value().is_object())
      return found->value().get_object();
  return {};
}

/// Langfuse's object: disjoint counts, or the usage of OpenAI as it came.
SentUsage usage_in(const json::Object& object) {
  SentUsage usage;
  usage.input = count_in(object, {"input", "input_tokens", "prompt_tokens"});
  usage.output = count_in(object, {"output", "output_tokens", "completion_tokens"});
  usage.total = count_in(object, {"total", "total_tokens"});
  usage.cache_read = count_in(object, {"input_cached_tokens", "cache_read_input_tokens",
                                       "input_cache_read", "input_cached", "cached_tokens"});
  usage.cache_write = count_in(
      object, {"cache_creation_input_tokens", "input_cache_creation", "input_cache_write"});
  usage.cache_write_5m = count_in(object, {"input_cache_creation_5m"});
  usage.cache_write_1h = count_in(object, {"input_cache_creation_1h"});
  usage.reasoning = count_in(object, {"output_reasoning_tokens", "output_reasoning"});
  usage.input_audio = count_in(object, {"input_audio_tokens", "input_audio"});
  usage.output_audio = count_in(object, {"output_audio_tokens", "output_audio"});
  const json::Object input = object_in(object, {"prompt_tokens_details", "input_tokens_details"});
  const json::Object output =
      object_in(object, {"completion_tokens_details", "output_tokens_details"});
  take_details(input, output, usage);
  const json::Object writes = object_in(object, {"cache_creation"});
  set_if(usage.cache_write_5m, count_in(writes, {"ephemeral_5m_input_tokens"}));
  set_if(usage.cache_write_1h, count_in(writes, {"ephemeral_1h_input_tokens"}));
  const bool is_openai = !input.empty() || !output.empty() || object.contains("prompt_tokens");
  usage.convention = is_openai ? Convention::inclusive : Convention::exclusive;
  return usage;
}

/// One convention throughout: these are inclusive.
void take_counts(const FoundAttributes& found, SentUsage& usage) {
  take_count(found, M::input_tokens, usage.input);
  take_count(found, M::output_tokens, usage.output);
  take_count(found, M::total_tokens, usage.total);
  const auto details = [&](M meaning) {
    json::Object object;
    found.first(meaning, [&](const json::Value& value, std::size_t) {
      object = as_object(value).value_or(json::Object());
      return !object.empty();
    });
    return object;
  };
  take_details(details(M::input_details), details(M::output_details), usage);
  take_count(found, M::cache_read_tokens, usage.cache_read);
  take_count(found, M::cache_write_tokens, usage.cache_write);
  take_count(found, M::cache_write_1h_tokens, usage.cache_write_1h);
  take_count(found, M::reasoning_tokens, usage.reasoning);
  take_count(found, M::input_audio_tokens, usage.input_audio);
  take_count(found, M::output_audio_tokens, usage.output_audio);
}

/// The AI SDK counts what all vendors have, and passes on the rest as it came. Of its frames the
/// counts are those of all calls, and the rest is that of the last one.
void take_provider_metadata(const FoundAttributes& found, SentUsage& usage) {
  json::Object metadata;
  found.first(M::provider_metadata, [&](const json::Value& value, std::size_t) {
    metadata = as_object(value).value_or(json::Object());
    return true;
  });
  const json::Object anthropic = object_in(object_in(metadata, {"anthropic"}), {"usage"});
  if (anthropic.contains("input_tokens")) usage = usage_in(anthropic);
  const json::Object openai = object_in(metadata, {"openai"});
  if (!usage.cache_read) usage.cache_read = count_in(openai, {"cachedPromptTokens"});
  if (!usage.reasoning) usage.reasoning = count_in(openai, {"reasoningTokens"});
  const json::Object bedrock = object_in(object_in(metadata, {"bedrock"}), {"usage"});
  if (!usage.cache_read) usage.cache_read = count_in(bedrock, {"cacheReadInputTokens"});
  if (!usage.cache_write) usage.cache_write = count_in(bedrock, {"cacheWriteInputTokens"});
}

void map_usage(const FoundAttributes& found, RunPatch& run) {
  SentUsage usage;
  found.first(M::usage_object, [&](const json::Value& value, std::size_t) {
    if (const auto object = as_object(value)) usage = usage_in(*object);
    return !usage.is_empty();
  });
  if (usage.is_empty()) {
    take_counts(found, usage);
    if (run.kind == Kind::llm) take_provider_metadata(found, usage);
  }
  found.first(M::convention, [&](const json::Value& value, std::size_t) {
    if (!value.is_string()) return false;
    for (const Convention known : {Convention::inclusive, Convention::exclusive})
      if (value.get_string() == json::name(known)) usage.convention = known;
    return true;
  });
  if (!usage.is_empty()) run.usage = usage;
}

void map_cost(const FoundAttributes& found, RunPatch& run) {
  take_number(found, M::input_cost, run.cost.input);
  take_number(found, M::output_cost, run.cost.output);
  take_number(found, M::total_cost, run.cost.total);
  found.first(M::cost_object, [&](const json::Value& value, std::size_t) {
    const auto object = as_object(value);
    if (!object) return false;
    SentCost cost;
    double sum = 0;
    for (const auto& [key, item] : *object) {
      const auto dollars = as_number(item);
      if (!dollars) continue;
      if (key == "total")
        cost.total = dollars;
      else
        sum += *dollars;
      if (key == "input") cost.input = dollars;
      if (key == "output") cost.output = dollars;
    }
    if (!cost.total && !object->empty()) cost.total = sum;
    if (cost.total) run.cost = cost;
    return cost.total.has_value();
  });
}

void map_model(const FoundAttributes& found, RunPatch& run) {
  std::optional<std::string> asked;
  take_text(found, M::request_model, asked);
  std::optional<std::string> answered;
  take_text(found, M::model, answered);
  if (answered && asked && answered != asked) run.request_model = asked;
  if (answered || asked) run.model = answered ? answered : asked;
  found.first(M::provider, [&](const json::Value& value, std::size_t) {
    if (const auto word = as_text(value)) run.provider = provider_named(*word);
    return value.is_string();
  });
}

std::optional<Kind> kind_by_marks(const FoundAttributes& found, const RunPatch& run) {
  if (found.has(M::tool_mark)) return Kind::tool;
  for (const auto& [key, kind] : {std::pair{"embedding.model_name", Kind::embedding},
                                  std::pair{"reranker.model_name", Kind::reranker},
                                  std::pair{"gen_ai.retrieval.query.text", Kind::retriever},
                                  std::pair{"gen_ai.retrieval.documents", Kind::retriever}})
    if (run.attributes.contains(key)) return kind;
  if (found.has(M::embedding_mark)) return Kind::embedding;
  if (found.has(M::retriever_mark)) return Kind::retriever;
  if (found.has(M::reranker_mark)) return Kind::reranker;
  for (const RestOfKey& each : found.prefixed())
    if (mapping_rows()[each.row].key == "retrieval.documents.*") return Kind::retriever;
  if (run.model) return Kind::llm;
  return std::nullopt;
}

void map_kind(const FoundAttributes& found, RunPatch& run) {
  std::optional<Kind> kind;
  found.first(M::kind, [&](const json::Value& value, std::size_t) {
    if (value.is_string()) kind = kind_named(value.get_string());
    return kind.has_value();
  });
  if (!kind) kind = kind_by_marks(found, run);
  run.kind = kind.value_or(Kind::span);
}

void map_first_token(const FoundAttributes& found, RunPatch& run) {
  const auto after_start = [&](M meaning, double nanoseconds_per_unit) {
    std::optional<double> units;
    take_number(found, meaning, units);
    constexpr double week = 604'800e9;
    if (!units || !run.start || !(*units >= 0) || *units * nanoseconds_per_unit > week)
      return false;
    Nanoseconds time = 0;
    if (__builtin_add_overflow(*run.start, std::llround(*units * nanoseconds_per_unit), &time))
      return false;
    run.first_token = time;
    return true;
  };
  if (after_start(M::first_token_seconds, 1e9) || after_start(M::first_token_ms, 1e6)) return;
  const bool is_known =
      found.first(M::first_token_time, [&](const json::Value& value, std::size_t) {
        if (!value.is_string()) return false;
        std::string_view text = value.get_string();
        // Langfuse writes it as JSON.
        if (text.size() > 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
        const auto time = parse_nanoseconds(text);
        if (time) run.first_token = *time;
        return time.ok();
      });
  if (is_known) return;
  for (const Event& event : run.events)
    if (event.time != 0 && event_meaning(event.name) == EventMeaning::first_token) {
      run.first_token = event.time;
      return;
    }
}

void add_tag(RunPatch& run, std::string_view tag) {
  while (tag.starts_with(' ')) tag.remove_prefix(1);
  while (tag.ends_with(' ')) tag.remove_suffix(1);
  if (tag.empty() || std::find(run.tags.begin(), run.tags.end(), tag) != run.tags.end()) return;
  run.tags.emplace_back(tag);
}

constexpr std::size_t tags_max = 1000;  // Looking for doubles is quadratic.

void add_tags(RunPatch& run, const json::Array& tags) {
  for (std::size_t i = 0; i < std::min(tags.size(), tags_max); ++i)
    if (tags[i].is_string()) add_tag(run, tags[i].get_string());
}

/// A list, JSON of a list, or words between commas.
void map_tags(const FoundAttributes& found, RunPatch& run) {
  found.first(M::tags, [&](const json::Value& value, std::size_t) {
    if (value.is_array()) {
      add_tags(run, value.get_array());
      return false;
    }
    if (!value.is_string()) return false;
    const std::string_view text = value.get_string();
    if (text.starts_with('[')) {
      if (const auto parsed = json::parse(text); parsed && parsed->is_array())
        add_tags(run, parsed->get_array());
      return false;
    }
    json::Array words;
    for (std::size_t at = 0; at <= text.size() && words.size() < tags_max;) {
      const std::size_t comma = std::min(text.find(',', at), text.size());
      words.emplace_back(text.substr(at, comma - at));
      at = comma + 1;
    }
    add_tags(run, words);
    return false;
  });
}

void map_metadata(const FoundAttributes& found, RunPatch& run) {
  found.first(M::metadata_object, [&](const json::Value& value, std::size_t) {
    if (auto object = as_object(value))
      for (auto& [key, item] : *object) run.metadata.insert_or_assign(key, std::move(item));
    return false;
  });
  const auto [begin, end] = FoundAttributes::rows_of(M::metadata);
  for (const RestOfKey& each : found.prefixed())
    if (each.row >= begin && each.row < end && !each.rest.empty())
      run.metadata.insert_or_assign(each.rest, *each.value);
}

void map_service_tier(const FoundAttributes& found, RunPatch& run) {
  std::optional<std::string> tier;
  take_text(found, M::service_tier, tier);
  if (!tier && found.any_service_tier()) tier = as_text(*found.any_service_tier());
  if (!tier)
    if (const auto told = run.metadata.find("service_tier"); told != run.metadata.end())
      tier = as_text(told->value());
  // "auto" and "default" are no tiers that cost something else.
  if (tier == "batch" || tier == "flex" || tier == "priority") run.service_tier = tier;
}

void map_level(const FoundAttributes& found, RunPatch& run) {
  const bool is_error = found.first(M::level, [](const json::Value& value, std::size_t) {
    return value.is_string() && value.get_string() == "ERROR";
  });
  if (is_error) run.status = Status::error;
  if (run.status == Status::error && !run.error) take_text(found, M::status_message, run.error);
}

}  // namespace

void map_attributes(RunPatch& run) {
  const FoundAttributes found(run.attributes);
  take_text(found, M::name, run.name);
  if (!run.project) take_text(found, M::project, run.project);
  map_model(found, run);
  map_kind(found, run);
  map_usage(found, run);
  map_cost(found, run);
  map_metadata(found, run);
  map_service_tier(found, run);
  map_tags(found, run);
  map_level(found, run);
  take_text(found, M::session, run.session_id);
  take_text(found, M::user, run.user_id);
  map_first_token(found, run);
  if (auto inputs = find_payload(M::inputs, found, run)) run.inputs = std::move(inputs);
  if (auto outputs = find_payload(M::outputs, found, run)) run.outputs = std::move(outputs);
}

}  // namespace slipway::trace::detail
