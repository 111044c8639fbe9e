#include "core/json.hpp"

#include <algorithm>
#include <numeric>

#include "core/excerpt.hpp"

namespace slipway::json {

namespace {

constexpr std::size_t depth_max = 64;

/// A value as it is quoted in messages: short.
std::string quoted(const Value& value) {
  constexpr std::size_t excerpt_bytes_max = 60;
  return excerpt(boost::json::serialize(value), excerpt_bytes_max);
}

void indent(std::string& out, int level) { out.append(static_cast<std::size_t>(level) * 2, ' '); }

void pretty(std::string& out, const Value& value, int level) {
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, item] : value.get_object()) {
      if (!first) out += ",\n";
      first = false;
      indent(out, level + 1);
      out += boost::json::serialize(boost::json::string(key)) + ": ";
      pretty(out, item, level + 1);
    }
    out += '\n';
    indent(out, level);
    out += '}';
  } else if (value.is_array() && !value.get_array().empty() &&
             std::any_of(value.get_array().begin(), value.get_array().end(),
                         [](const Value& v) { return v.is_structured(); })) {
    out += "[\n";
    bool first = true;
    for (const Value& item : value.get_array()) {
      if (!first) out += ",\n";
      first = false;
      indent(out, level + 1);
      pretty(out, item, level + 1);
    }
    out += '\n';
    indent(out, level);
    out += ']';
  } else {
    out += boost::json::serialize(value);
  }
}

Value sorted(const Value& value) {
  if (value.is_array()) {
    Array items;
    for (const Value& item : value.get_array()) items.push_back(sorted(item));
    return items;
  }
  if (!value.is_object()) return value;
  std::vector<std::string_view> keys;
  for (const auto& item : value.get_object()) keys.emplace_back(item.key());
  std::sort(keys.begin(), keys.end());
  Object object;
  for (const std::string_view key : keys) object[key] = sorted(value.get_object().at(key));
  return object;
}

/// Insertions, deletions, substitutions and swaps of neighbours ("levle"), each counting one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> above(row);
  std::vector<std::size_t> above_that(row);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(above_that, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], above_that[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

Result<Value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size() &&
      text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    error = boost::json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) {
    const std::string_view before = text.substr(0, used);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto last_break = before.rfind('\n');
    const auto column =
        1 + before.size() - (last_break == std::string_view::npos ? 0 : last_break + 1);
    return fail(Code::invalid_argument, "not valid JSON at line {}, column {}: {}", line, column,
                error.message());
  }
  return parser.release();
}

std::string dump(const Value& value) { return boost::json::serialize(value); }

std::string dump_pretty(const Value& value) {
  std::string out;
  pretty(out, value, 0);
  out += '\n';
  return out;
}

std::string dump_canonical(const Value& value) { return boost::json::serialize(sorted(value)); }

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "a number";
    case boost::json::kind::string: return "a string";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
  }
  return "a value";
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  constexpr std::size_t word_bytes_max =
      100;  // Keys come from outside; the comparison is quadratic.
  if (word.size() > word_bytes_max) return best;
  std::size_t best_distance = std::min(std::max<std::size_t>(1, word.size() / 3) + 1, word.size());
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

namespace detail {

Error expected(const std::string& path, std::string_view what, const Value& got) {
  return fail(Code::invalid_argument, "{}: expected {}, got {}", path, what, quoted(got));
}

Error unknown_key(const std::string& path, std::string_view key,
                  const std::vector<std::string_view>& known) {
  constexpr std::size_t key_bytes_max = 100;
  if (key.size() > key_bytes_max)
    return fail(Code::invalid_argument, "{}: an unknown key of {} bytes; known are: {}", path,
                key.size(), fmt::join(known, ", "));
  if (const auto hint = nearest(key, known); !hint.empty())
    return fail(Code::invalid_argument, "{}.{}: unknown key; did you mean '{}'?", path, key, hint);
  return fail(Code::invalid_argument, "{}.{}: unknown key; known are: {}", path, key,
              fmt::join(known, ", "));
}

}  // namespace detail

}  // namespace slipway::json
