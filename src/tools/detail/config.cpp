#include "tools/detail/config.hpp"

#include <charconv>

#include "core/duration.hpp"

namespace slipway::tools::detail {

using agents::Value;

Result<ConfigMap> ConfigMap::open(const Value& value, std::string what,
                                  const std::vector<std::string_view>& known) {
  if (!value.is_map())
    return fail(Code::invalid_argument, "{}: a map is expected, not {}", what, kind_name(value));
  for (const auto& [key, item] : value.entries().items) {
    bool is_known = false;
    for (const std::string_view word : known) is_known = is_known || word == key;
    if (is_known) continue;
    const std::string_view nearest = json::nearest(key, known);
    return fail(Code::invalid_argument, "{}: unknown key '{}'{}", what, key,
                nearest.empty() ? fmt::format("; known are: {}", fmt::join(known, ", "))
                                : fmt::format("; did you mean '{}'?", nearest));
  }
  ConfigMap map;
  map.value_ = value;
  map.what_ = std::move(what);
  return map;
}

Error ConfigMap::wrong(std::string_view key, std::string_view wanted) const {
  return fail(Code::invalid_argument, "{}.{}: {} is expected, not {}", what_, key, wanted,
              dump(at(key)));
}

Result<std::string> ConfigMap::text(std::string_view key, std::string fallback) const {
  if (!has(key)) return fallback;
  if (!at(key).is_text()) return wrong(key, "a text");
  return at(key).text();
}

Result<std::vector<std::string>> ConfigMap::texts(std::string_view key) const {
  std::vector<std::string> texts;
  if (!has(key)) return texts;
  if (!at(key).is_list()) return wrong(key, "a list of texts");
  for (const Value& item : at(key).items()) {
    if (!item.is_text()) return wrong(key, "a list of texts");
    texts.push_back(item.text());
  }
  return texts;
}

Result<bool> ConfigMap::flag(std::string_view key) const {
  if (!has(key)) return false;
  if (!at(key).is_boolean()) return wrong(key, "true or false");
  return at(key).boolean();
}

Result<std::int64_t> ConfigMap::integer(std::string_view key, const Range& range) const {
  if (!has(key)) return range.fallback;
  if (!at(key).is_integer() || at(key).integer() < range.min || at(key).integer() > range.max)
    return wrong(key, fmt::format("a whole number in {}..{}", range.min, range.max));
  return at(key).integer();
}

Result<std::int64_t> ConfigMap::bytes(std::string_view key, const Range& range) const {
  if (!has(key) || at(key).is_integer()) return integer(key, range);
  std::int64_t number = 0;
  int shift = -1;
  if (at(key).is_text()) {
    const std::string& word = at(key).text();
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    const std::string_view unit(parsed.ptr,
                                static_cast<std::size_t>(word.data() + word.size() - parsed.ptr));
    if (unit == "B" || unit.empty()) shift = 0;
    if (unit == "KB") shift = 10;
    if (unit == "MB") shift = 20;
    if (unit == "GB") shift = 30;
    if (parsed.ec != std::errc() || number < 0 || number > (1ll << 30)) shift = -1;
  }
  if (shift < 0 || number << shift < range.min || number << shift > range.max)
    return wrong(key,
                 fmt::format("a size like 512KB or 1MB in {}..{} bytes", range.min, range.max));
  return number << shift;
}

Result<std::chrono::milliseconds> ConfigMap::duration(std::string_view key,
                                                      std::chrono::milliseconds fallback) const {
  if (!has(key)) return fallback;
  if (!at(key).is_text()) return wrong(key, "a time like 500ms or 10s");
  return parse_duration(at(key).text()).within(fmt::format("{}.{}", what_, key));
}

Result<JailLimits> read_limits(const Value& value) {
  JailLimits limits;
  if (value.is_null()) return limits;
  const ConfigMap map =
      TRY(ConfigMap::open(value, "limits", {"cpu", "wall", "memory", "output", "processes"}));
  constexpr std::int64_t memory_min = 16ll << 20, memory_max = 1ll << 40;
  constexpr std::int64_t output_max = 1ll << 30, processes_max = 1000;
  limits.cpu = TRY(map.duration("cpu", limits.cpu));
  limits.wall = TRY(map.duration("wall", limits.wall));
  limits.memory_bytes_max = static_cast<std::size_t>(TRY(map.bytes(
      "memory", {memory_min, memory_max, static_cast<std::int64_t>(limits.memory_bytes_max)})));
  limits.output_bytes_max = static_cast<std::size_t>(TRY(
      map.bytes("output", {1, output_max, static_cast<std::int64_t>(limits.output_bytes_max)})));
  limits.processes_max =
      static_cast<int>(TRY(map.integer("processes", {1, processes_max, limits.processes_max})));
  return limits;
}

JailFailure jail_failure(const Error& error) {
  switch (error.code()) {
    case Code::unsupported: return {{"refused", error.message()}, false};
    case Code::not_found: return {{"tool", error.message()}, false};
    case Code::deadline_exceeded: return {{"timeout", error.message()}};
    case Code::cancelled: return {{"cancelled", error.message()}};
    default: return {{"tool", error.message()}};
  }
}

}  // namespace slipway::tools::detail
