// A request as it came, a response as it leaves: what server, routes and upstream calls share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::http {

/// Header fields in their order. Names are compared without case; a name may stand twice.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> items) : items_(items) {}

  /// The first value of that name; null when there is none. Valid until the next change.
  const std::string* find(std::string_view name) const;
  /// The first value of that name, or nothing.
  std::string_view get(std::string_view name) const;
  void add(std::string name, std::string value);
  /// Replaces all of that name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);

  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// One whole request. Its body is decoded (gzip, deflate, zstd) and within the server's limits.
struct Request {
  std::string method;
  std::string target;  ///< As sent: path and query.
  std::string path;    ///< Without the query, dot segments resolved, still percent-encoded.
  std::string query;   ///< After the '?', still percent-encoded.
  Headers headers;
  std::string body;
  std::string peer;      ///< "127.0.0.1:40112"
  std::string id;        ///< Of this request: the client's x-request-id if it is sound, else made.
  std::string trace_id;  ///< W3C, 32 hex digits: the client's traceparent, else made.
  std::string parent_span_id;  ///< 16 hex digits of the client's traceparent; else empty.
  bool is_secure = false;      ///< Over TLS.
  std::string client_name;     ///< Subject of the certificate that the client proved; else empty.
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

/// "a%20b" -> "a b"; with `plus`, '+' is a blank (forms and queries). Nothing for broken escapes,
/// a NUL, or text that is not UTF-8.
std::optional<std::string> percent_decode(std::string_view text, bool plus = false);
std::string percent_encode(std::string_view text);

/// The pairs of a query or a form, decoded, in their order. Nothing when an escape is broken.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

/// Of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

/// Whether an If-None-Match header names `etag`. Weak comparison: an answer that the edge
/// compresses gets its entity tag back as a weak one.
bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace slipway::http
