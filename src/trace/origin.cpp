#include "trace/origin.hpp"

#include <algorithm>
#include <optional>

#include "core/hex.hpp"
#include "core/json_members.hpp"
#include "core/unicode.hpp"
#include "core/uuid.hpp"
#include "trace/detail/langsmith_wire.hpp"
#include "trace/detail/sound_name.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t time_size = 22;  // "20261123T080000000001Z"
constexpr std::size_t span_digits = 16;
constexpr std::size_t levels_max = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// One level of a dotted order: when a run began, and its id.
bool is_step(std::string_view step) {
  if (step.size() != time_size + uuid_size || step[8] != 'T' || step[time_size - 1] != 'Z')
    return false;
  for (std::size_t i = 0; i + 1 < time_size; ++i)
    if (i != 8 && !is_digit(step[i])) return false;
  return is_uuid(step.substr(time_size));
}

/// The header of LangSmith's client: the dotted order of the run that calls.
void take_langsmith(Origin& origin, std::string_view order) {
  if (order.empty()) return;
  constexpr std::size_t step_size = time_size + uuid_size;
  std::size_t levels = 0;
  for (std::size_t at = 0;; at += step_size + 1) {
    if (++levels > levels_max || !is_step(order.substr(std::min(at, order.size()), step_size)))
      return;
    const std::size_t end = at + step_size;
    if (end == order.size()) break;
    if (order[end] != '.') return;
  }
  origin.trace_id = order.substr(time_size, uuid_size);
  origin.parent_id = order.substr(order.size() - uuid_size);
  origin.parent_order = order;
}

void take_name(std::string& name, std::string_view said) {
  if (name.empty() && detail::is_sound_name(said)) name = said;
}

/// "langsmith-metadata=...,langsmith-project=My%20project"
std::string project_in(std::string_view baggage) {
  constexpr std::string_view key = "langsmith-project=";
  while (!baggage.empty()) {
    const std::size_t end = std::min(baggage.find(','), baggage.size());
    std::string_view one = unicode::trim(baggage.substr(0, end));
    baggage.remove_prefix(std::min(baggage.size(), end + 1));
    if (!one.starts_with(key)) continue;
    one.remove_prefix(key.size());
    return http::percent_decode(one.substr(0, one.find(';'))).value_or("");
  }
  return {};
}

void append_without_dashes(std::string& text, std::string_view id) {
  std::copy_if(id.begin(), id.end(), std::back_inserter(text), [](char c) { return c != '-'; });
}

}  // namespace

Origin origin_of(const http::Request& request) {
  Origin origin;
  const http::Headers& headers = request.headers;
  take_langsmith(origin, headers.get("langsmith-trace"));
  if (origin.trace_id.empty()) {
    origin.trace_id = request.trace_id;
    origin.parent_id = request.parent_span_id;
  }
  take_name(origin.project, headers.get("x-slipway-project"));
  if (origin.project.empty())
    if (const std::string_view baggage = headers.get("baggage"); !baggage.empty())
      take_name(origin.project, project_in(baggage));
  take_name(origin.user_id, headers.get("x-slipway-user"));
  take_name(origin.session_id, headers.get("x-slipway-session"));
  take_name(origin.prompt, headers.get(prompt_header));
  return origin;
}

void take_body(Origin& origin, std::string_view body) {
  json::Members members(body);
  std::string_view user, metadata;
  for (json::Member one; members.next(one);) {
    if (one.key == "user") user = one.value;
    if (one.key == "metadata") metadata = one.value;
  }
  take_members(origin, user, metadata);
}

void take_members(Origin& origin, std::string_view user, std::string_view metadata) {
  take_name(origin.user_id, json::unquoted(user));
  if (!metadata.starts_with('{')) return;
  take_name(origin.user_id, json::unquoted(json::member(metadata, "user_id")));
  take_name(origin.session_id, json::unquoted(json::member(metadata, "session_id")));
}

Place new_place(const Origin& origin, Nanoseconds start, Random& random) {
  Place place;
  if (origin.parent_order.empty()) {
    place.id = hex::encode(random.next() | 1);
    return place;
  }
  place.id = make_uuid(random);
  place.dotted_order = origin.parent_order + "." + detail::dotted_step(start, place.id);
  return place;
}

Origin below(const Origin& origin, const Place& place) {
  Origin child = origin;
  child.parent_id = place.id;
  child.parent_order = place.dotted_order;
  return child;
}

RunPatch patch_at(const Origin& origin, const Place& place, Nanoseconds start) {
  const auto said = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  };
  RunPatch run;
  run.id = place.id;
  run.trace_id = origin.trace_id;
  run.parent_id = said(origin.parent_id);
  run.dotted_order = said(place.dotted_order);
  run.project = said(origin.project);
  run.user_id = said(origin.user_id);
  run.session_id = said(origin.session_id);
  if (!origin.key.empty()) run.metadata["key"] = origin.key;
  if (const std::size_t at = origin.prompt.find('@'); at != std::string::npos)
    run.metadata["prompt"] = json::Object{{"name", origin.prompt.substr(0, at)},
                                          {"version", origin.prompt.substr(at + 1)}};
  run.start = start;
  return run;
}

std::string traceparent_of(const Origin& origin, const Place& place) {
  std::string text;
  text.reserve(sizeof "00--" + origin.trace_id.size() + place.id.size() + sizeof "-01");
  text += "00-";
  append_without_dashes(text, origin.trace_id);
  text += '-';
  const std::size_t span = text.size();
  append_without_dashes(text, place.id);
  const std::size_t digits = text.size() - span;
  text.erase(span, digits - std::min(digits, span_digits));
  text += "-01";
  return text;
}

}  // namespace slipway::trace
