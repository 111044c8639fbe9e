#include "trace/detail/otlp_out.hpp"

#include <unordered_map>

#include "core/hex.hpp"
#include "trace/detail/mapping.hpp"
#include "trace/detail/otlp_span.hpp"

namespace slipway::trace::detail {

namespace {

std::string text_of(const json::Value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::uint64_t count_of(const json::Value& value) {
  if (value.is_uint64()) return value.get_uint64();
  return value.is_int64() && value.get_int64() > 0 ? static_cast<std::uint64_t>(value.get_int64())
                                                   : 0;
}

// ---- Ids -------------------------------------------------------------------------------------

std::string fnv_hex(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 14695981039346656037U ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hex::encode(hash == 0 ? 1 : hash);
}

/// The digits of `id` without dashes, if that is all it has.
std::string digits_of(std::string_view id) {
  std::string digits;
  for (const char c : id) {
    if (c == '-') continue;
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!is_digit) return "";
    digits += c;
  }
  return digits.find_first_not_of('0') == std::string::npos ? "" : digits;
}

std::string out_trace_id(std::string_view id) {
  constexpr std::size_t trace_id_digits = 32;
  std::string digits = digits_of(id);
  return digits.size() == trace_id_digits ? digits : fnv_hex(id, 0) + fnv_hex(id, 1);
}

/// Of a UUID its second half: the first half of version 7 is the time, which runs share.
std::string out_span_id(std::string_view id) {
  constexpr std::size_t span_id_digits = 16;
  std::string digits = digits_of(id);
  if (digits.size() == 2 * span_id_digits) digits.erase(0, span_id_digits);
  return digits.size() == span_id_digits && !digits_of(digits).empty() ? digits : fnv_hex(id, 0);
}

// ---- What stands under "otel." ----------------------------------------------------------------

OutLink link_of(const json::Object& object) {
  OutLink link;
  for (const auto& [key, value] : object) {
    if (key == "trace_id") link.trace_id = text_of(value);
    if (key == "span_id") link.span_id = text_of(value);
    if (key == "trace_state") link.trace_state = text_of(value);
    if (key == "attributes" && value.is_object()) link.attributes = value.get_object();
    if (key == "dropped_attributes_count") link.dropped_attributes = count_of(value);
    if (key == "flags") link.flags = count_of(value);
  }
  return link;
}

void set_span_field(OutSpan& span, std::string_view key, const json::Value& value) {
  if (key == "otel.kind") span.kind = span_kind_number(text_of(value));
  if (key == "otel.status_code" && span.status_code == 0)
    span.status_code = text_of(value) == "OK" ? 1 : 0;
  if (key == "otel.trace_state") span.trace_state = text_of(value);
  if (key == "otel.flags") span.flags = count_of(value);
  if (key == "otel.dropped_attributes_count") span.dropped_attributes = count_of(value);
  if (key == "otel.dropped_events_count") span.dropped_events = count_of(value);
  if (key == "otel.dropped_links_count") span.dropped_links = count_of(value);
  if (key == "otel.links" && value.is_array())
    for (const json::Value& link : value.get_array())
      if (link.is_object()) span.links.push_back(link_of(link.get_object()));
}

void set_scope_field(OutScope& scope, std::string_view key, const json::Value& value) {
  if (key == "otel.scope.name") scope.name = text_of(value);
  if (key == "otel.scope.version") scope.version = text_of(value);
  if (key == "otel.scope.schema_url") scope.schema_url = text_of(value);
  if (key == "otel.scope.dropped_attributes_count") scope.dropped_attributes = count_of(value);
  if (key.starts_with(scope_attribute_prefix))
    scope.attributes[key.substr(scope_attribute_prefix.size())] = value;
}

struct Parts {
  OutResource resource;
  OutScope scope;
  OutSpan span;
};

Parts split(const json::Object& attributes) {
  Parts parts;
  for (const auto& [name, value] : attributes) {
    const std::string_view key = name;
    if (!key.starts_with("otel."))
      parts.span.attributes[key] = value;
    else if (key.starts_with(resource_prefix))
      parts.resource.attributes[key.substr(resource_prefix.size())] = value;
    else if (key == "otel.resource_schema_url")
      parts.resource.schema_url = text_of(value);
    else if (key == "otel.resource_dropped_attributes_count")
      parts.resource.dropped_attributes = count_of(value);
    else if (key.starts_with("otel.scope."))
      set_scope_field(parts.scope, key, value);
    else
      set_span_field(parts.span, key, value);
  }
  return parts;
}

// ---- What the attributes do not say yet -------------------------------------------------------

template <typename T>
void say(json::Object& attributes, std::string_view key, const std::optional<T>& wanted,
         const std::optional<T>& said) {
  if (wanted && wanted != said) attributes[key] = *wanted;
}

void say_payload(json::Object& attributes, std::string_view name,
                 const std::optional<Payload>& wanted, const std::optional<Payload>& said) {
  if (!wanted) return;
  if (said && said->bytes == wanted->bytes && said->is_text == wanted->is_text) return;
  attributes[fmt::format("{}.value", name)] = wanted->bytes;
  attributes[fmt::format("{}.mime_type", name)] =
      wanted->is_text ? "text/plain" : "application/json";
}

std::int64_t sum(std::int64_t some, std::int64_t others) {
  std::int64_t all = 0;
  return __builtin_add_overflow(some, others, &all) ? std::max(some, others) : all;
}

void say_usage(json::Object& attributes, const SentUsage& wanted, const SentUsage& said) {
  say(attributes, "gen_ai.usage.input_tokens", wanted.input, said.input);
  say(attributes, "gen_ai.usage.output_tokens", wanted.output, said.output);
  say(attributes, "gen_ai.usage.total_tokens", wanted.total, said.total);
  say(attributes, "gen_ai.usage.cache_read.input_tokens", wanted.cache_read, said.cache_read);
  auto writes = wanted.cache_write;
  if (!writes && wanted.cache_write_5m)
    writes = sum(*wanted.cache_write_5m, wanted.cache_write_1h.value_or(0));
  say(attributes, "gen_ai.usage.cache_write.input_tokens", writes, said.cache_write);
  say(attributes, "gen_ai.usage.cache_write.1h.input_tokens", wanted.cache_write_1h,
      said.cache_write_1h);
  say(attributes, "gen_ai.usage.reasoning.output_tokens", wanted.reasoning, said.reasoning);
  say(attributes, "gen_ai.usage.audio.input_tokens", wanted.input_audio, said.input_audio);
  say(attributes, "gen_ai.usage.audio.output_tokens", wanted.output_audio, said.output_audio);
  if (wanted.convention != said.convention)
    attributes["slipway.usage.convention"] = json::name(wanted.convention);
}

void say_first_token(json::Object& attributes, const RunPatch& run, const RunPatch& said) {
  if (!run.first_token || !run.start || run.first_token == said.first_token) return;
  Nanoseconds waited = 0;
  if (__builtin_sub_overflow(*run.first_token, *run.start, &waited)) return;
  attributes["gen_ai.response.time_to_first_chunk"] = static_cast<double>(waited) * 1e-9;
}

/// Only what reading the attributes again would not give.
void say_fields(json::Object& attributes, const RunPatch& run) {
  RunPatch said;
  said.attributes = run.attributes;
  said.events = run.events;
  said.start = run.start;
  said.status = run.status;
  map_attributes(said);
  if (run.kind && run.kind != said.kind) {
    std::string kind(json::name(*run.kind));
    for (char& c : kind) c = static_cast<char>(c - 'a' + 'A');
    attributes["openinference.span.kind"] = kind;
  }
  say(attributes, "gen_ai.provider.name", run.provider, said.provider);
  say(attributes, "gen_ai.request.model", run.request_model, said.request_model);
  say(attributes, "gen_ai.response.model", run.model, said.model);
  say(attributes, "gen_ai.response.service_tier", run.service_tier, said.service_tier);
  say(attributes, "session.id", run.session_id, said.session_id);
  say(attributes, "user.id", run.user_id, said.user_id);
  say(attributes, "gen_ai.usage.input_cost", run.cost.input, said.cost.input);
  say(attributes, "gen_ai.usage.output_cost", run.cost.output, said.cost.output);
  say(attributes, "gen_ai.usage.cost", run.cost.total, said.cost.total);
  say_usage(attributes, run.usage, said.usage);
  say_first_token(attributes, run, said);
  say_payload(attributes, "input", run.inputs, said.inputs);
  say_payload(attributes, "output", run.outputs, said.outputs);
  if (run.tags != said.tags) attributes["tag.tags"] = json::to(run.tags);
  if (run.metadata != said.metadata) attributes["metadata"] = json::dump(run.metadata);
}

Parts parts_of(const RunPatch& run) {
  Parts parts = split(run.attributes);
  OutSpan& span = parts.span;
  span.trace_id = out_trace_id(run.trace_id.empty() ? run.id : run.trace_id);
  span.span_id = out_span_id(run.id);
  if (run.parent_id && !run.parent_id->empty()) span.parent_id = out_span_id(*run.parent_id);
  span.name = run.name.value_or("");
  span.start = static_cast<std::uint64_t>(std::max<Nanoseconds>(run.start.value_or(0), 0));
  span.end = static_cast<std::uint64_t>(std::max<Nanoseconds>(run.end.value_or(0), 0));
  if (run.status == Status::error) {
    span.status_code = 2;
    span.status_message = run.error.value_or("");
  }
  span.events = run.events;
  say_fields(span.attributes, run);
  const std::string said = surroundings_of(parts.resource.attributes, "").project;
  if (run.project && *run.project != (said.empty() ? "default" : said))
    parts.resource.attributes["slipway.project"] = *run.project;
  return parts;
}

std::string key_of(const OutResource& resource) {
  return json::dump(
      json::Array{resource.schema_url, resource.dropped_attributes, resource.attributes});
}

std::string key_of(const OutScope& scope) {
  return json::dump(json::Array{scope.name, scope.version, scope.schema_url,
                                scope.dropped_attributes, scope.attributes});
}

}  // namespace

std::vector<OutResource> spans_of(const std::vector<RunPatch>& runs) {
  std::vector<OutResource> resources;
  std::unordered_map<std::string, std::size_t> resource_at;
  std::unordered_map<std::string, std::size_t> scope_at;
  for (const RunPatch& run : runs) {
    Parts parts = parts_of(run);
    const std::string resource_key = key_of(parts.resource);
    const auto [resource, is_new_resource] = resource_at.emplace(resource_key, resources.size());
    if (is_new_resource) resources.push_back(std::move(parts.resource));
    std::vector<OutScope>& scopes = resources[resource->second].scopes;
    const auto [scope, is_new_scope] =
        scope_at.emplace(resource_key + key_of(parts.scope), scopes.size());
    if (is_new_scope) scopes.push_back(std::move(parts.scope));
    scopes[scope->second].spans.push_back(std::move(parts.span));
  }
  return resources;
}

}  // namespace slipway::trace::detail
