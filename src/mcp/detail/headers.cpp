#include "mcp/detail/headers.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/ascii.hpp"
#include "core/base64.hpp"
#include "mcp/protocol.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::string_view sentinel_begin = "=?base64?", sentinel_end = "?=";
constexpr std::string_view keyword = "x-mcp-header";
constexpr int depth_max = 32;
constexpr std::size_t params_max = 32;
constexpr std::int64_t safe_integer = (std::int64_t{1} << 53) - 1;

bool is_sentinel(std::string_view text) {
  return text.size() >= sentinel_begin.size() + sentinel_end.size() &&
         text.starts_with(sentinel_begin) && text.ends_with(sentinel_end);
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

class Walk {
 public:
  Result<void> object(const json::Value& schema, const std::vector<std::string>& path, int depth) {
    if (depth > depth_max)
      return fail(Code::invalid_argument, "the schema is more than {} levels deep", depth_max);
    if (!schema.is_object()) return {};
    for (const auto& [key, value] : schema.get_object()) {
      if (std::string_view(key) == "properties" && value.is_object()) {
        for (const auto& [name, property] : value.get_object())
          TRY(this->property(std::string(name), property, path, depth));
      } else if (std::string_view(key) != keyword) {
        TRY(refuse_within(value, key, depth + 1));
      }
    }
    return {};
  }

  std::vector<HeaderParam> params;

 private:
  Result<void> property(const std::string& name, const json::Value& schema,
                        std::vector<std::string> path, int depth) {
    path.push_back(name);
    if (schema.is_object())
      if (const auto* header = schema.get_object().if_contains(keyword))
        TRY(take(*header, schema.get_object(), path));
    return object(schema, path, depth + 1);
  }

  Result<void> take(const json::Value& header, const json::Object& schema,
                    const std::vector<std::string>& path) {
    const std::string shown = fmt::format("{}", fmt::join(path, "."));
    if (!header.is_string() || !is_token(header.get_string()))
      return fail(Code::invalid_argument, "{}: x-mcp-header {} is no name of a header", shown,
                  json::dump(header));
    const std::string type = text_of(schema, "type");
    if (type != "string" && type != "integer" && type != "boolean")
      return fail(Code::invalid_argument,
                  "{}: x-mcp-header needs type string, integer or boolean, got '{}'", shown, type);
    const std::string name(header.get_string());
    if (!seen_.insert(ascii::lower(name)).second)
      return fail(Code::invalid_argument, "{}: x-mcp-header '{}' stands twice", shown, name);
    if (params.size() == params_max)
      return fail(Code::invalid_argument, "more than {} x-mcp-header", params_max);
    params.push_back({.header = "Mcp-Param-" + name, .path = path});
    return {};
  }

  /// Where an annotation is not allowed. What is data, not schema, is not looked at.
  Result<void> refuse_within(const json::Value& value, std::string_view key, int depth) {
    if (key == "default" || key == "const" || key == "enum" || key == "examples") return {};
    if (depth > depth_max)
      return fail(Code::invalid_argument, "the schema is more than {} levels deep", depth_max);
    if (value.is_array())
      for (const json::Value& item : value.get_array()) TRY(refuse_within(item, "", depth + 1));
    if (!value.is_object()) return {};
    for (const auto& [name, item] : value.get_object()) {
      if (std::string_view(name) == keyword)
        return fail(Code::invalid_argument,
                    "x-mcp-header stands below '{}': only chains of properties may hold it", key);
      TRY(refuse_within(item, name, depth + 1));
    }
    return {};
  }

  std::set<std::string> seen_;
};

}  // namespace

std::string header_value(std::string_view text) {
  const bool is_padded = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (is_plain(text) && !is_padded && !is_sentinel(text)) return std::string(text);
  return fmt::format("{}{}{}", sentinel_begin, base64(text), sentinel_end);
}

std::optional<std::string> read_header_value(std::string_view value) {
  if (!is_plain(value)) return std::nullopt;
  if (!is_sentinel(value)) return std::string(value);
  value.remove_prefix(sentinel_begin.size());
  value.remove_suffix(sentinel_end.size());
  if (value.size() % 4 != 0) return std::nullopt;
  return from_base64(value);
}

std::optional<std::string> name_of_request(std::string_view method, const json::Object& params) {
  if (method == "tools/call" || method == "prompts/get") return text_of(params, "name");
  if (method == "resources/read") return text_of(params, "uri");
  return std::nullopt;
}

Result<std::vector<HeaderParam>> header_params(const json::Value& input_schema) {
  Walk walk;
  if (input_schema.is_object() && input_schema.get_object().contains(keyword))
    return fail(Code::invalid_argument, "x-mcp-header stands at the root of the schema");
  TRY(walk.object(input_schema, {}, 0));
  return std::move(walk.params);
}

std::optional<std::string> header_text(const HeaderParam& param, const json::Object& arguments) {
  const json::Object* object = &arguments;
  for (std::size_t i = 0; i < param.path.size(); ++i) {
    const auto* value = object->if_contains(param.path[i]);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (i + 1 < param.path.size()) {
      if (!value->is_object()) return std::nullopt;
      object = &value->get_object();
      continue;
    }
    if (value->is_string()) return std::string(value->get_string());
    if (value->is_bool()) return value->get_bool() ? "true" : "false";
    if (value->is_double() && std::trunc(value->get_double()) == value->get_double() &&
        std::fabs(value->get_double()) <= static_cast<double>(safe_integer))
      return fmt::format("{}", static_cast<std::int64_t>(value->get_double()));
    if (value->is_number()) return json::dump(*value);
  }
  return std::nullopt;
}

bool says_same(std::string_view header, std::string_view body) {
  if (header == body) return true;
  const auto a = json::parse(header), b = json::parse(body);
  return a && b && a->is_number() && b->is_number() &&
         a->to_number<double>() == b->to_number<double>();
}

}  // namespace slipway::mcp::detail
