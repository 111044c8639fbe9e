#include "http/detail/response_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "core/json.hpp"
#include "http/detail/head.hpp"

namespace slipway::http::detail {

namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second by each thread.
std::string_view date() {
  thread_local std::time_t made_at = 0;
  thread_local char text[32] = "";
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made_at) {
    std::tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now.tv_sec;
  }
  return text;
}

bool is_ours(std::string_view name) {
  const auto is = [&](std::string_view ours) { return equals_ignoring_case(name, ours); };
  switch (name.size()) {
    case 4: return is("date");
    case 6: return is("server");
    case 7: return is("upgrade");
    case 10: return is("connection") || is("keep-alive");
    case 12: return is("x-request-id");
    case 14: return is("content-length");
    case 17: return is("transfer-encoding");
    default: return false;
  }
}

void append_value(std::string& out, std::string_view value) {
  const std::size_t start = out.size();
  out += value;
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && byte != '\t') || byte == 0x7f;
  };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), is_control, ' ');
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  append_value(out, value);
  out += "\r\n";
}

/// What was packed here is no longer byte for byte what a strong entity tag names.
void append_tag(std::string& out, std::string_view tag) {
  append_field(out, "etag", tag.starts_with('"') ? "W/" + std::string(tag) : std::string(tag));
}

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number, base).ptr;
  out.append(digits, end);
}

}  // namespace

std::string_view reason(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 529: return "Overloaded";
    default: return status < 400 ? "OK" : "Error";
  }
}

void append_head(std::string& out, const ResponseHead& head) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(head.status));
  out += ' ';
  out += reason(head.status);
  out += "\r\n";
  bool varies = false;
  for (const auto& [name, value] : head.headers.items()) {
    if (is_ours(name) || !is_token(name)) continue;
    if (!head.coding.empty() && equals_ignoring_case(name, "etag")) {
      append_tag(out, value);
      continue;
    }
    varies |= equals_ignoring_case(name, "vary") && has_token(value, "accept-encoding");
    append_field(out, name, value);
  }
  if (!head.coding.empty()) append_field(out, "content-encoding", head.coding);
  if (head.may_vary && !varies) out += "vary: accept-encoding\r\n";
  if (head.form == BodyForm::length) {
    out += "content-length: ";
    append_number(out, head.length);
    out += "\r\n";
  } else if (head.form == BodyForm::chunked) {
    out += "transfer-encoding: chunked\r\n";
  }
  if (!head.keeps_alive)
    out += "connection: close\r\n";
  else if (head.minor_version == 0)
    out += "connection: keep-alive\r\n";
  append_field(out, "x-request-id", head.request_id);
  out += "date: ";
  out += date();
  out += "\r\nserver: slipway\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;  // An empty chunk would end the body.
  append_number(out, piece.size(), 16);
  out += "\r\n";
  out += piece;
  out += "\r\n";
}

void append_trailers(std::string& out, const Headers& trailers) {
  out += "0\r\n";
  for (const auto& [name, value] : trailers.items())
    if (is_token(name) && !is_ours(name)) append_field(out, name, value);
  out += "\r\n";
}

Response problem(int status, std::string_view detail) {
  const json::Object body{
      {"type", "about:blank"}, {"title", reason(status)}, {"status", status}, {"detail", detail}};
  return {status, {{"content-type", "application/problem+json"}}, json::dump(body)};
}

}  // namespace slipway::http::detail
