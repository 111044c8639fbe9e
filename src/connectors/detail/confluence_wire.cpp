#include "connectors/detail/confluence_wire.hpp"

#include <algorithm>

#include "connectors/detail/confluence_source.hpp"
#include "connectors/detail/session.hpp"

namespace slipway::connectors::detail {

namespace {

constexpr std::size_t names_max = 1000;  // Labels, ancestors.
/// Titles have at most 255 characters: of these nothing may be lost.
constexpr std::size_t line_bytes_max = 2000;

using Path = std::initializer_list<std::string_view>;

/// Null when any step is missing or of another kind.
const json::Value* find(const json::Value& value, Path path) {
  const json::Value* at = &value;
  for (const std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    at = at->get_object().if_contains(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string string_at(const json::Value& value, Path path) {
  const json::Value* found = find(value, path);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string line_at(const json::Value& value, Path path) {
  return one_line(string_at(value, path), line_bytes_max);
}

std::int64_t number_at(const json::Value& value, Path path, std::int64_t fallback) {
  const json::Value* found = find(value, path);
  if (found == nullptr) return fallback;
  const auto number = json::from<std::int64_t>(*found);
  return number && *number >= 0 ? *number : fallback;
}

/// Data Center writes ids as strings, older versions some as numbers.
std::string id_at(const json::Value& value, Path path) {
  const json::Value* found = find(value, path);
  if (found == nullptr) return {};
  std::string id = found->is_string() ? std::string(found->get_string()) : std::string();
  if (found->is_int64() || found->is_uint64()) id = json::dump(*found);
  return is_content_id(id) ? id : std::string();
}

std::vector<std::string> names_at(const json::Value& value, Path path, std::string_view key) {
  std::vector<std::string> names;
  const json::Value* found = find(value, path);
  if (found == nullptr || !found->is_array()) return names;
  for (const json::Value& item : found->get_array()) {
    std::string name = line_at(item, {key});
    if (!name.empty() && names.size() < names_max) names.push_back(std::move(name));
  }
  return names;
}

std::string first_of(std::string first, std::string second) {
  return first.empty() ? std::move(second) : std::move(first);
}

}  // namespace

Result<Content> read_content(const json::Value& answer) {
  Content content;
  content.id = id_at(answer, {"id"});
  if (content.id.empty())
    return fail(Code::unavailable, "the answer holds something that has no id");
  content.type = string_at(answer, {"type"});
  content.status = string_at(answer, {"status"});
  content.title = line_at(answer, {"title"});
  content.version = number_at(answer, {"version", "number"}, 0);
  content.modified = first_of(line_at(answer, {"version", "when"}),
                              line_at(answer, {"history", "lastUpdated", "when"}));
  content.modified_by = first_of(line_at(answer, {"version", "by", "displayName"}),
                                 line_at(answer, {"history", "lastUpdated", "by", "displayName"}));
  content.created = line_at(answer, {"history", "createdDate"});
  content.author = line_at(answer, {"history", "createdBy", "displayName"});
  content.space_key = line_at(answer, {"space", "key"});
  content.space_name = line_at(answer, {"space", "name"});
  content.ancestors = names_at(answer, {"ancestors"}, "title");
  content.labels = names_at(answer, {"metadata", "labels", "results"}, "name");
  std::sort(content.labels.begin(), content.labels.end());
  content.web_url = string_at(answer, {"_links", "webui"});
  if (const json::Value* body = find(answer, {"body", "storage", "value"});
      body != nullptr && body->is_string())
    content.storage = std::string(body->get_string());
  content.container_id = id_at(answer, {"container", "id"});
  content.media_type = first_of(line_at(answer, {"extensions", "mediaType"}),
                                line_at(answer, {"metadata", "mediaType"}));
  content.size_bytes = static_cast<std::uint64_t>(number_at(answer, {"extensions", "fileSize"}, 0));
  content.download = string_at(answer, {"_links", "download"});
  return content;
}

Result<ResultPage> read_result_page(const json::Value& answer) {
  const json::Value* results = find(answer, {"results"});
  if (results == nullptr || !results->is_array())
    return fail(Code::unavailable, "the answer is no list of results; is this Confluence?");
  ResultPage page;
  for (const json::Value& result : results->get_array())
    page.contents.push_back(TRY(read_content(result)));
  page.next = string_at(answer, {"_links", "next"});
  page.web_base = read_web_base(answer);
  const std::int64_t count = static_cast<std::int64_t>(page.contents.size());
  const std::int64_t start = number_at(answer, {"start"}, 0);
  const std::int64_t total = number_at(answer, {"totalSize"}, 0);
  if (page.next.empty() && count > 0 && start < total - count) page.next_start = start + count;
  return page;
}

std::string read_web_base(const json::Value& answer) {
  const std::string base = string_at(answer, {"_links", "base"});
  const auto url = parse_url(base);
  return url ? base : std::string();
}

}  // namespace slipway::connectors::detail
