#include "http/detail/api_input.hpp"

#include "http/api.hpp"
#include "http/detail/media_type.hpp"

namespace slipway::http::detail {

json::Value number_from(std::string_view text, bool is_whole) {
  const char* end = text.data() + text.size();
  if (is_whole) {
    std::int64_t number = 0;
    if (const auto read = std::from_chars(text.data(), end, number);
        read.ec == std::errc() && read.ptr == end)
      return number;
    std::uint64_t large = 0;
    if (const auto read = std::from_chars(text.data(), end, large);
        read.ec == std::errc() && read.ptr == end)
      return large;
    return json::Value(text);
  }
  double number = 0;
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr == end && std::isfinite(number)) return number;
  return json::Value(text);
}

Texts parameter_texts(const Request& request, const PathParameters& path,
                      std::vector<Issue>& issues) {
  Texts texts(path.begin(), path.end());
  auto query = parse_query(request.query);
  if (!query) {
    issues.push_back({"", "the query has a broken escape or is not UTF-8"});
    return texts;
  }
  for (auto& [name, value] : *query) {
    if (path.contains(name))
      issues.push_back({"/" + pointer_step(name), "is a name of the path, not of the query"});
    else
      texts.emplace_back(std::move(name), std::move(value));
  }
  return texts;
}

void place_parameter_issues(const PathParameters& path, std::vector<Issue>& issues) {
  for (Issue& issue : issues) {
    const std::string_view name = std::string_view(issue.path).substr(issue.path.empty() ? 0 : 1);
    const bool is_of_path = path.contains(name.substr(0, name.find('/')));
    issue.path.insert(0, is_of_path ? "/path" : "/query");
  }
}

json::Value json_body(const Request& request, const json::Object& schema,
                      const json::Object& components, std::vector<Issue>& issues) {
  auto value = json::parse(request.body);
  if (!value) {
    issues.push_back({"/body", value.error().message()});
    return nullptr;
  }
  for (Issue& issue : validate(*value, schema, components, "/body"))
    issues.push_back(std::move(issue));
  return *std::move(value);
}

BodyKind Route::kind_of(const Request& request) const {
  if (request.body.empty() && body_of(BodyKind::none) != nullptr) return BodyKind::none;
  const auto type = parse_media_type(request.headers.get("Content-Type"));
  if (!type) return BodyKind::other;
  if (type->type == "multipart/form-data") return BodyKind::form;
  if (!is_json(*type)) return BodyKind::other;
  const auto charset = type->parameters.find("charset");
  const bool is_utf8 = charset == type->parameters.end() || charset->second == "utf-8" ||
                       charset->second == "UTF-8" || charset->second == "us-ascii";
  return is_utf8 ? BodyKind::json : BodyKind::other;
}

}  // namespace slipway::http::detail
