#include "ui/detail/pages.hpp"

#include <charconv>

#include "ui/detail/assets.hpp"

namespace slipway::ui {

namespace {

/// Everything comes from this server and nothing is inline, so a text that slipped into the page as
/// markup could neither run nor load anything.
constexpr std::string_view content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts what stands before the next comma off the front of `rest`.
std::string_view next_item(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view item = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return item;
}

double quality(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  double value = 0;
  const std::string_view number = parameters.substr(at + 2);
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value;
}

const Asset* find(std::string_view path) {
  for (const Asset& asset : assets())
    if (asset.path == path) return &asset;
  return nullptr;
}

std::string tag_of(const Asset& asset, Encoding encoding) {
  constexpr std::string_view endings[] = {"", "-gzip", "-br"};
  return fmt::format("\"{}{}\"", asset.hash, endings[static_cast<int>(encoding)]);
}

std::string_view body_of(const Asset& asset, Encoding encoding) {
  if (encoding == Encoding::brotli) return asset.brotli;
  return encoding == Encoding::gzip ? asset.gzip : asset.plain;
}

}  // namespace

Encoding choose_encoding(std::string_view accept_encoding) {
  double gzip = -1, brotli = -1, any = 0;
  while (!accept_encoding.empty()) {
    const std::string_view item = next_item(accept_encoding);
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view coding = trimmed(item.substr(0, semicolon));
    const double value = quality(item.substr(semicolon));
    if (coding == "gzip") gzip = value;
    if (coding == "br") brotli = value;
    if (coding == "*") any = value;
  }
  if (gzip < 0) gzip = any;
  if (brotli < 0) brotli = any;
  if (brotli > 0 && brotli >= gzip) return Encoding::brotli;
  return gzip > 0 ? Encoding::gzip : Encoding::plain;
}

bool matches_tag(std::string_view if_none_match, std::string_view tag) {
  while (!if_none_match.empty()) {
    std::string_view item = next_item(if_none_match);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
  }
  return false;
}

http::Response serve_asset(const http::Request& request, std::string_view path) {
  const Asset* asset = find(path);
  if (!asset)
    return {.status = 404,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                        {"Cache-Control", "no-store"},
                        {"X-Content-Type-Options", "nosniff"}},
            .body = "there is no such file; reload the page\n"};
  const Encoding encoding = choose_encoding(request.headers.get("accept-encoding"));
  const std::string tag = tag_of(*asset, encoding);
  http::Response response;
  response.headers = {{"ETag", tag},
                      {"Vary", "Accept-Encoding"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  // Names in /assets/ hold the hash of their content; the page itself is asked for anew.
  response.headers.add("Cache-Control",
                       path == "/" ? "no-cache" : "public, max-age=31536000, immutable");
  if (path == "/") {
    response.headers.add("Content-Security-Policy", std::string(content_policy));
    response.headers.add("X-Frame-Options", "DENY");
    response.headers.add("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.add("Permissions-Policy", "camera=(), microphone=(), geolocation=()");
  }
  if (matches_tag(request.headers.get("if-none-match"), tag)) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", std::string(asset->media_type));
  if (encoding != Encoding::plain)
    response.headers.add("Content-Encoding", encoding == Encoding::gzip ? "gzip" : "br");
  response.body = body_of(*asset, encoding);
  return response;
}

}  // namespace slipway::ui
