#include "trace/detail/otlp_span.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/unicode.hpp"
#include "trace/detail/mapping.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::size_t trace_id_digits = 32;
constexpr std::size_t span_id_digits = 16;
constexpr std::array<std::string_view, 6> kind_names{"",       "internal", "server",
                                                     "client", "producer", "consumer"};

bool is_zero(std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; }

/// Empty: it is sound.
std::string problem_of_id(std::string_view name, std::string_view id, std::size_t digits) {
  if (id.empty()) return fmt::format("it has no {} id", name);
  if (id.size() != digits)
    return fmt::format("its {} id has {} bytes instead of {}", name, (id.size() + 1) / 2,
                       digits / 2);
  if (id.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fmt::format("its {} id is not hexadecimal", name);
  if (is_zero(id)) return fmt::format("its {} id is all zeros", name);
  return "";
}

std::string problem_of(const OtlpSpan& span) {
  if (!span.problem.empty()) return span.problem;
  if (auto problem = problem_of_id("trace", span.trace_id, trace_id_digits); !problem.empty())
    return problem;
  if (auto problem = problem_of_id("span", span.span_id, span_id_digits); !problem.empty())
    return problem;
  if (span.parent_id.empty()) return "";
  return problem_of_id("parent span", span.parent_id, span_id_digits);
}

void set_count(json::Object& object, std::string_view key, std::uint64_t count) {
  if (count != 0) object[key] = count;
}

void add_own_fields(OtlpSpan& span) {
  json::Object& attributes = span.attributes;
  // Internal is what an absent kind means.
  if (const auto kind = span_kind_name(span.kind); !kind.empty() && kind != "internal")
    attributes["otel.kind"] = kind;
  if (span.status_code == 1) attributes["otel.status_code"] = "OK";
  if (!span.trace_state.empty()) attributes["otel.trace_state"] = utf8_text(span.trace_state);
  set_count(attributes, "otel.flags", span.flags);
  set_count(attributes, "otel.dropped_attributes_count", span.dropped_attributes);
  set_count(attributes, "otel.dropped_events_count", span.dropped_events);
  set_count(attributes, "otel.dropped_links_count", span.dropped_links);
  if (!span.links.empty()) attributes["otel.links"] = std::move(span.links);
}

const json::Value* member(const json::Object& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &found->value();
}

/// The status message, else what the last exception says of itself.
std::optional<std::string> error_of(const OtlpSpan& span, const RunPatch& run) {
  if (!span.status_message.empty()) return std::string(utf8_text(span.status_message));
  for (auto event = run.events.rbegin(); event != run.events.rend(); ++event) {
    if (event->name != "exception") continue;
    for (const std::string_view key : {"exception.message", "exception.type"})
      if (const auto* said = member(event->attributes, key);
          said && said->is_string() && !said->get_string().empty())
        return std::string(said->get_string());
  }
  if (const auto* type = member(run.attributes, "error.type"); type && type->is_string())
    return std::string(type->get_string());
  return std::nullopt;
}

void set_state(RunPatch& run, const OtlpSpan& span) {
  if (span.start != 0) run.start = nanoseconds_of(span.start);
  if (span.end != 0) run.end = nanoseconds_of(span.end);
  run.status = span.end == 0 ? Status::pending : Status::ok;
  if (span.status_code != 2) return;
  run.status = Status::error;
  run.error = error_of(span, run);
}

}  // namespace

boost::json::string utf8_text(std::string_view bytes) {
  // Most text is ASCII: eight bytes at a time.
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & 0x8080808080808080U) != 0) break;
  }
  if (unicode::is_valid_utf8(bytes.substr(at)))
    return boost::json::string(bytes.data(), bytes.size());
  std::string fixed;
  for (at = 0; at < bytes.size();) {
    const unicode::Decoded decoded = unicode::decode(bytes, at);
    unicode::append(fixed, decoded.code_point);
    at += decoded.bytes;
  }
  return boost::json::string(fixed.data(), fixed.size());
}

json::Value number_value(double number) {
  if (std::isnan(number)) return json::Value("NaN");
  if (std::isinf(number)) return json::Value(number > 0 ? "Infinity" : "-Infinity");
  return json::Value(number);
}

Nanoseconds nanoseconds_of(std::uint64_t unsigned_time) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Nanoseconds>::max());
  return static_cast<Nanoseconds>(std::min(unsigned_time, most));
}

std::string_view span_kind_name(std::uint64_t kind) {
  return kind < kind_names.size() ? kind_names[kind] : std::string_view();
}

std::uint64_t span_kind_number(std::string_view name) {
  for (std::size_t i = 1; i < kind_names.size(); ++i)
    if (kind_names[i] == name) return i;
  return 1;
}

json::Value to_json(OtlpLink link) {
  json::Object object{{"trace_id", link.trace_id}, {"span_id", link.span_id}};
  if (!link.trace_state.empty()) object["trace_state"] = utf8_text(link.trace_state);
  if (!link.attributes.empty()) object["attributes"] = std::move(link.attributes);
  set_count(object, "dropped_attributes_count", link.dropped_attributes);
  set_count(object, "flags", link.flags);
  return object;
}

OtlpSurroundings surroundings_of(json::Object resource_attributes,
                                 const std::string& header_project) {
  OtlpSurroundings around;
  around.project = header_project;
  for (const std::string_view key :
       {"slipway.project", "openinference.project.name", "service.name"}) {
    const auto* named = member(resource_attributes, key);
    if (!around.project.empty() || !named || !named->is_string()) continue;
    const std::string_view name = named->get_string();
    if (key == "service.name" && name.starts_with("unknown_service")) continue;
    around.project = name;
  }
  std::string key;
  for (auto& [name, value] : resource_attributes) {
    key = resource_prefix;
    key += name;
    around.attributes[key] = std::move(value);
  }
  return around;
}

std::size_t bytes_of(const OtlpSurroundings& around) {
  std::size_t bytes = around.project.size();
  for (const auto& [key, value] : around.attributes) {
    constexpr std::size_t value_bytes = 64;
    bytes += key.size() + value_bytes;
    if (value.is_string()) bytes += value.get_string().size();
    // Rare enough to be written for that.
    if (value.is_structured()) bytes += 4 * json::dump(value).size();
  }
  return bytes;
}

bool OtlpSpans::add(OtlpSpan span, const OtlpSurroundings& scope, std::size_t copied) {
  if (const std::string problem = problem_of(span); !problem.empty()) {
    if (batch_.rejected++ == 0)
      batch_.message = fmt::format("span '{}' is rejected: {}",
                                   std::string_view(utf8_text(span.name.substr(0, 100))), problem);
    return true;
  }
  copied_ += copied;
  if (copied_ > copied_bytes_max) return false;
  const OtlpSurroundings& resource = *scope.outer;
  RunPatch& run = batch_.runs.emplace_back();
  run.id = std::move(span.span_id);
  run.trace_id = std::move(span.trace_id);
  if (!span.parent_id.empty()) run.parent_id = std::move(span.parent_id);
  run.name = std::move(span.name);
  if (!resource.project.empty()) run.project = resource.project;
  run.events = std::move(span.events);
  add_own_fields(span);
  run.attributes = std::move(span.attributes);
  set_state(run, span);
  run.attributes.reserve(run.attributes.size() + resource.attributes.size() +
                         scope.attributes.size());
  for (const OtlpSurroundings* each : {&resource, &scope})
    for (const auto& [key, value] : each->attributes) run.attributes.insert_or_assign(key, value);
  map_attributes(run);
  if (!run.project) run.project = "default";
  return true;
}

OtlpBatch OtlpSpans::take() {
  if (batch_.rejected > 1)
    batch_.message += fmt::format(" ({} spans are rejected in all)", batch_.rejected);
  return std::move(batch_);
}

}  // namespace slipway::trace::detail
