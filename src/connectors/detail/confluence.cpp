// Ids and versions come first, bodies only of what has changed: with bodies a server gives 50
// results a request, and most are known. What a listing misses is asked for by itself before it
// counts as deleted: between two pages of results the set changes, and an index that is being
// rebuilt finds nothing for a while.
#include "connectors/detail/confluence.hpp"

#include <algorithm>

#include "connectors/detail/web.hpp"
#include "core/files.hpp"
#include "core/unicode.hpp"
#include "documents/sources.hpp"

namespace slipway::connectors::detail {

namespace {

constexpr std::string_view listed_fields = "version,space,ancestors,metadata.labels";
constexpr std::string_view page_fields =
    "body.storage,version,space,ancestors,metadata.labels,history.lastUpdated";
constexpr std::string_view storage_type = "application/vnd.atlassian.confluence+xml";
constexpr std::string_view attachments_part = "/attachments/";

bool is_page(const Content& content) {
  return (content.type == "page" || content.type == "blogpost") && content.is_current();
}

/// Changes with all that a document shows: a move changes no version, nor does a label.
std::string validator_of(const Content& content, const Content& page) {
  if (content.version == 0) return {};
  const std::string all = fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", content.title, page.title,
                                      page.type, page.space_key, fmt::join(page.ancestors, "\x1e"),
                                      fmt::join(page.labels, "\x1e"));
  return fmt::format("v{}:{}", content.version, sha256(all).substr(7, 16));
}

std::string path_of(const Content& page) {
  std::string path = page.space_key;
  for (const std::string& title : page.ancestors) path += "/" + title;
  return path + "/" + page.title;
}

void set(json::Object& metadata, std::string_view key, const std::string& value) {
  if (!value.empty()) metadata[key] = value;
}

void set(json::Object& metadata, std::string_view key, const std::vector<std::string>& values) {
  json::Array array;
  for (const std::string& value : values) array.push_back(json::Value(boost::json::string(value)));
  if (!array.empty()) metadata[key] = std::move(array);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

bool has_loader(const Content& file) {
  return documents::has_loader(file.title) || file.media_type == "application/pdf" ||
         (file.media_type.starts_with("text/") && file.title.find('.') == std::string::npos);
}

std::optional<Clock::Time> time_of(const std::string& text) {
  auto time = parse_time(text);
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

/// What a listing has found of pages.
struct ConfluenceConnector::Pages {
  std::map<std::string, Content> by_id;
  void take(Content&& content) {
    if (is_page(content)) by_id.emplace(content.id, std::move(content));
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& [id, content] : by_id) all.push_back(id);
    return all;
  }
};

Result<std::unique_ptr<Connector>> ConfluenceConnector::open(const std::string& source,
                                                             const Options& options) {
  ConfluenceSource parsed = TRY(parse_confluence_source(source));
  Session session = TRY(Session::open(parsed.base, options));
  ConfluenceApi api(parsed.base, std::move(session));
  return std::unique_ptr<Connector>(new ConfluenceConnector(std::move(parsed), std::move(api)));
}

Result<Listing> ConfluenceConnector::list(const Context& context) {
  Listing listing;
  Pages pages;
  auto listed = list_all(context, pages, listing);
  if (!listed) {
    TRY(context.check());
    listing.failures.push_back({name_, std::move(listed.error()).within("listing " + name_)});
  } else if (source_.scope == ConfluenceScope::page) {
    const std::string uri = source_.prefix() + source_.value;
    listing.roots = {uri, uri + std::string(attachments_part)};
  } else {
    listing.roots = {source_.prefix()};
  }
  for (const auto& [id, page] : pages.by_id) listing.items.push_back(page_item(page));
  std::sort(listing.items.begin(), listing.items.end(),
            [](const RemoteItem& a, const RemoteItem& b) { return a.uri < b.uri; });
  return listing;
}

Result<void> ConfluenceConnector::list_all(const Context& context, Pages& pages,
                                           Listing& listing) const {
  TRY(list_pages(context, pages));
  // Lost permissions look the same: so it is an error, and nothing is deleted.
  if (pages.by_id.empty())
    return fail(Code::not_found,
                "no page is to be seen; check the key or query and what this account may read. "
                "Nothing is deleted; if all pages are gone, remove the documents yourself");
  if (source_.has_attachments) TRY(list_attachments(context, pages, listing));
  return {};
}

Result<void> ConfluenceConnector::list_pages(const Context& context, Pages& pages) const {
  const ConfluenceApi::Take take = [&](Content&& content, const std::string&) -> Result<void> {
    pages.take(std::move(content));
    return {};
  };
  if (source_.scope == ConfluenceScope::page) {
    Content content = TRY(read_content(TRY(page_answer(context, source_.value))));
    if (!is_page(content))
      return fail(Code::not_found, "it is no current page but {} {}",
                  content.is_current() ? "a" : one_line(content.status), one_line(content.type));
    return take(std::move(content), {});
  }
  if (source_.scope == ConfluenceScope::space && !source_.is_cloud) {
    auto listed = list_space(context, take);
    // Some administrators close this listing, because it is slow on large servers.
    if (listed || listed.error().code() != Code::forbidden) return listed;
  }
  return api_.search(context, source_.condition(), listed_fields, take);
}

/// Data Center's listing of a space comes from the database, not from the search index.
Result<void> ConfluenceConnector::list_space(const Context& context,
                                             const ConfluenceApi::Take& take) const {
  for (const std::string_view type : {"page", "blogpost"})
    TRY(api_.walk(context,
                  fmt::format("/rest/api/content?spaceKey={}&type={}&status=current&limit=200"
                              "&expand={}",
                              encode_component(source_.value), type, listed_fields),
                  take));
  return {};
}

Result<void> ConfluenceConnector::list_attachments(const Context& context, const Pages& pages,
                                                   Listing& listing) const {
  std::set<std::string> seen;
  const ConfluenceApi::Take take = [&](Content&& file,
                                       const std::string& web_base) -> Result<void> {
    if (file.type != "attachment" || !file.is_current()) return {};
    const auto page = pages.by_id.find(file.container_id);
    if (page == pages.by_id.end())
      return fail(Code::unavailable, "attachment {} does not say to which page it belongs",
                  file.id);
    if (!has_loader(file)) {
      ++listing.skipped;
    } else if (seen.insert(file.id).second) {
      listing.items.push_back(attachment_item(file, page->second, web_base));
    }
    return {};
  };
  return for_batches(pages.ids(), [&](const std::vector<std::string>& ids) {
    return api_.attachments(context, ids, take);
  });
}

RemoteItem ConfluenceConnector::page_item(const Content& page) const {
  RemoteItem item;
  item.uri = source_.prefix() + page.id;
  item.path = path_of(page);
  item.title = page.title;
  item.validator = validator_of(page, page);
  return item;
}

RemoteItem ConfluenceConnector::attachment_item(const Content& file, const Content& page,
                                                const std::string& web_base) const {
  RemoteItem item;
  item.uri = source_.prefix() + page.id + std::string(attachments_part) + file.id;
  item.path = path_of(page) + "/" + file.title;
  item.title = file.title;
  item.validator = validator_of(file, page);
  item.size_bytes = file.size_bytes;
  json::Object metadata = metadata_of(file, web_base);
  set(metadata, "space", page.space_key);
  set(metadata, "space_name", page.space_name);
  set(metadata, "labels", page.labels);
  std::vector<std::string> ancestors = page.ancestors;
  ancestors.push_back(page.title);
  set(metadata, "ancestors", ancestors);
  metadata["page_id"] = page.id;
  item.handle = json::dump(json::Object{
      {"download", file.download}, {"media_type", file.media_type}, {"metadata", metadata}});
  return item;
}

json::Object ConfluenceConnector::metadata_of(const Content& content,
                                              const std::string& web_base) const {
  json::Object metadata;
  metadata["source"] = name_;
  set(metadata, "kind", content.type);
  if (content.type != "attachment") metadata["page_id"] = content.id;
  set(metadata, "space", content.space_key);
  set(metadata, "space_name", content.space_name);
  set(metadata, "ancestors", content.ancestors);
  set(metadata, "labels", content.labels);
  if (content.version > 0) metadata["version"] = content.version;
  set(metadata, "author", content.author);
  set(metadata, "created", content.created);
  set(metadata, "modified", content.modified);
  set(metadata, "modified_by", content.modified_by);
  set(metadata, "url", api_.web_url(web_base, content.web_url));
  return metadata;
}

Result<Fetched> ConfluenceConnector::fetch(const Context& context, const RemoteItem& item,
                                           const std::string& known_validator) {
  TRY(context.check());
  const auto uri = parse_uri(item.uri);
  if (!uri) return fail(Code::invalid_argument, "'{}' is not what {} listed", item.uri, name_);
  Fetched fetched;
  if (item.validator.empty() || item.validator != known_validator) {
    fetched =
        TRY(uri->attachment.empty() ? fetch_page(context, *uri) : fetch_attachment(context, item));
    if (fetched.validator.empty() || fetched.validator != known_validator) return fetched;
  }
  Fetched unchanged;
  unchanged.state = FetchState::unchanged;
  unchanged.validator = known_validator;
  unchanged.modified_at = fetched.modified_at;
  return unchanged;
}

/// The page with its body. Cloud means to close the plain way; a search can give it too.
Result<json::Value> ConfluenceConnector::page_answer(const Context& context,
                                                     const std::string& id) const {
  const std::string target = fmt::format("/rest/api/content/{}?expand={}", id, page_fields);
  int status = 0;
  auto answer = api_.get(context, target, &status);
  if (status != 410) return answer;
  const json::Value found =
      TRY(api_.get(context, fmt::format("/rest/api/content/search?cql={}&limit=1&expand={}",
                                        encode_component("id = " + id), page_fields)));
  const json::Value* results =
      found.is_object() ? found.get_object().if_contains("results") : nullptr;
  if (results == nullptr || !results->is_array())
    return fail(Code::unavailable, "page {}: the answer is no list of results", id);
  if (results->get_array().empty())
    return fail(Code::not_found, "page {} is not there, or this account may not see it", id);
  return results->get_array().front();
}

Result<Fetched> ConfluenceConnector::fetch_page(const Context& context, const Uri& uri) const {
  const json::Value answer = TRY(page_answer(context, uri.page));
  const Content page = TRY(read_content(answer));
  if (page.id != uri.page)
    return fail(Code::unavailable, "page {}: the server gave page {} instead", uri.page, page.id);
  Fetched fetched;
  if (!page.is_current()) {
    fetched.state = FetchState::gone;
    return fetched;
  }
  if (!page.storage)
    return fail(Code::unavailable, "page {}: the answer holds no body in storage format", page.id);
  // A page that only shows others has no text of its own; its title is part of every document.
  fetched.bytes = fmt::format("<h1>{}</h1>\n{}", escaped(page.title), *page.storage);
  fetched.media_type = storage_type;
  fetched.validator = validator_of(page, page);
  fetched.title = page.title;
  fetched.metadata = metadata_of(page, read_web_base(answer));
  fetched.modified_at = time_of(page.modified);
  return fetched;
}

Result<Fetched> ConfluenceConnector::fetch_attachment(const Context& context,
                                                      const RemoteItem& item) const {
  const auto handle = json::parse(item.handle);
  const auto text_at = [&](std::string_view key) {
    const json::Value* value =
        handle && handle->is_object() ? handle->get_object().if_contains(key) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
  };
  const std::string link = text_at("download");
  if (link.empty())
    return fail(Code::unavailable, "attachment '{}': the server gave no link to the file",
                item.title);
  if (item.size_bytes > api_.options().bytes_max)
    return fail(Code::invalid_argument,
                "attachment '{}' is {:.1f} MiB, larger than the limit of {:.1f} MiB; raise it",
                item.title, static_cast<double>(item.size_bytes) / (1 << 20),
                static_cast<double>(api_.options().bytes_max) / (1 << 20));
  Reply reply = TRY(api_.download(context, link));
  if (reply.status != 200) return api_.error(reply);
  const std::string media_type = text_at("media_type");
  const bool is_web_page = unicode::to_lower(reply.header("content-type")).starts_with("text/html");
  if (is_web_page && media_type.find("html") == std::string::npos && looks_like_html(reply.body))
    return fail(Code::unauthenticated,
                "attachment '{}': the server sends {} instead of the file; check the credentials",
                item.title, summary_of(reply.body));
  Fetched fetched;
  fetched.media_type = media_type_of(media_type, item.title, reply.body);
  fetched.bytes = std::move(reply.body);
  fetched.validator = item.validator;
  fetched.title = item.title;
  if (const json::Value* metadata = handle->get_object().if_contains("metadata");
      metadata != nullptr && metadata->is_object())
    fetched.metadata = metadata->get_object();
  if (const json::Value* modified = fetched.metadata.if_contains("modified");
      modified != nullptr && modified->is_string())
    fetched.modified_at = time_of(std::string(modified->get_string()));
  return fetched;
}

std::optional<ConfluenceConnector::Uri> ConfluenceConnector::parse_uri(std::string_view uri) const {
  const std::string prefix = source_.prefix();
  if (!uri.starts_with(prefix)) return {};
  uri.remove_prefix(prefix.size());
  const std::size_t slash = uri.find(attachments_part);
  Uri parsed{std::string(uri.substr(0, slash)), {}};
  if (slash != std::string_view::npos) {
    parsed.attachment = uri.substr(slash + attachments_part.size());
    if (!is_content_id(parsed.attachment)) return {};
  }
  return is_content_id(parsed.page) ? std::optional(parsed) : std::nullopt;
}

}  // namespace slipway::connectors::detail
