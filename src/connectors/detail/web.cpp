#include "connectors/detail/web.hpp"

#include "core/unicode.hpp"
#include "documents/documents.hpp"

namespace slipway::connectors::detail {

namespace {

/// A date of whole seconds cannot tell two changes within one apart.
constexpr std::chrono::seconds date_is_safe_after{2};

std::string string_at(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// A value of a header that can be sent back.
std::string sendable(const std::string& value) {
  for (const char c : value)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return {};
  return value.size() <= 1024 ? value : std::string();
}

std::string validator_of(const Reply& reply) {
  Condition condition{reply.url.text(), sendable(reply.header("etag")), {}};
  const std::string modified = reply.header("last-modified");
  const auto then = parse_http_date(modified);
  const auto now = parse_http_date(reply.header("date"));
  if (then && (!condition.etag.empty() || (now && *now - *then >= date_is_safe_after)))
    condition.last_modified = modified;
  return encode_condition(condition);
}

Result<void> check_body(const Reply& reply) {
  const std::string shown = http::redact_url(reply.url.text());
  if (reply.status != 200 && reply.status != 203)
    return fail(Code::unavailable, "{}: answers {} instead of the document", shown, reply.status);
  const std::string encoding = unicode::to_lower(reply.header("content-encoding"));
  if (!encoding.empty() && encoding != "identity")
    return fail(
        Code::unsupported,
        "{}: is sent compressed ({}) though nobody asked for that; name a URL that gives it "
        "plain",
        shown, one_line(encoding));
  return {};
}

}  // namespace

std::string encode_condition(const Condition& condition) {
  if (condition.etag.empty() && condition.last_modified.empty()) return {};
  json::Object object{{"url", condition.url}};
  if (!condition.etag.empty()) object["etag"] = condition.etag;
  if (!condition.last_modified.empty()) object["last_modified"] = condition.last_modified;
  return json::dump_canonical(object);
}

Condition decode_condition(const std::string& validator) {
  const auto parsed = json::parse(validator);
  if (!parsed || !parsed->is_object()) return {};
  const json::Object& object = parsed->get_object();
  return {string_at(object, "url"), sendable(string_at(object, "etag")),
          sendable(string_at(object, "last_modified"))};
}

std::string media_type_of(const std::string& content_type, const std::string& path,
                          std::string_view bytes) {
  const std::string lower = unicode::to_lower(content_type);
  const std::string_view name = unicode::trim(std::string_view(lower).substr(0, lower.find(';')));
  const bool is_silent = name.find('/') == std::string_view::npos ||
                         name == "application/octet-stream" || name == "binary/octet-stream" ||
                         name == "application/force-download" || name == "application/download";
  // Servers call Markdown and source code plain text; only the charset would be lost.
  const std::size_t charset = lower.find("charset=");
  const bool is_vague = name == "text/plain" && (charset == std::string::npos ||
                                                 lower.find("utf-8", charset) != std::string::npos);
  if (!is_silent && !is_vague) return one_line(content_type);
  const auto detected = documents::detect_media_type(path, bytes);
  if (detected) return *detected;
  return {};
}

Result<std::unique_ptr<Connector>> WebConnector::open(const std::string& source,
                                                      const Options& options) {
  Url url = TRY(parse_url(source));
  Session session = TRY(Session::open(url, options));
  return std::unique_ptr<Connector>(new WebConnector(std::move(url), std::move(session)));
}

Result<Listing> WebConnector::list(const Context& context) {
  TRY(context.check());
  RemoteItem item;
  item.uri = source_;
  item.path = url_.host + decode_component(url_.path);
  if (!unicode::is_valid_utf8(item.path)) item.path = url_.host + url_.path;
  Listing listing;
  listing.items.push_back(std::move(item));
  listing.roots.push_back(source_);
  return listing;
}

Result<Fetched> WebConnector::fetch(const Context& context, const RemoteItem& item,
                                    const std::string& known_validator) {
  if (item.uri != source_)
    return fail(Code::invalid_argument, "'{}' is not what {} listed", item.uri,
                http::redact_url(source_));
  const Condition condition = decode_condition(known_validator);
  Reply reply = TRY(session_.get(context, url_, condition));
  Fetched fetched;
  fetched.modified_at = parse_http_date(reply.header("last-modified"));
  if (reply.status == 404 || reply.status == 410) {
    fetched.state = FetchState::gone;
    return fetched;
  }
  if (reply.status == 304 && condition.url == reply.url.text()) {
    fetched.state = FetchState::unchanged;
    fetched.validator = known_validator;
    return fetched;
  }
  if (reply.status / 100 != 2) return session_.error(reply);
  TRY(check_body(reply));
  fetched.validator = validator_of(reply);
  fetched.media_type = media_type_of(reply.header("content-type"), reply.url.path, reply.body);
  fetched.bytes = std::move(reply.body);
  fetched.metadata["source"] = source_;
  if (!(reply.url == url_)) fetched.metadata["redirected_to"] = http::redact_url(reply.url.text());
  return fetched;
}

Result<std::vector<std::string>> WebConnector::confirm_gone(const Context& context,
                                                            const std::vector<UnlistedItem>&) {
  TRY(context.check());
  return std::vector<std::string>();
}

}  // namespace slipway::connectors::detail
