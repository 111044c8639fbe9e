// Reading the head of an HTTP/1 request, strictly: what two readers could read differently is
// refused, because a proxy in front of us may be the other reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace slipway::http::detail {

/// Why a request is not read further, and with which status it is told so.
struct Refusal {
  int status = 400;
  std::string why;
};

struct HeadLimits {
  std::size_t head_bytes_max = 32u << 10;  ///< Request line and headers.
  std::size_t target_bytes_max = 8u << 10;
  std::size_t fields_max = 128;
};

/// Finds the end of a head in bytes that come in pieces. Line ends are CRLF and nothing else.
class HeadScanner {
 public:
  /// `data` begins with the head and only grows between calls. Nothing: more is needed.
  /// `size` is then the head's length with its empty line.
  struct Found {
    std::size_t size = 0;
    std::optional<Refusal> refusal;
  };
  std::optional<Found> scan(std::string_view data, const HeadLimits& limits);
  void reset() { *this = {}; }

 private:
  std::size_t looked_at_ = 0;
  std::size_t line_start_ = 0;
  bool has_request_line_ = false;
};

/// How the body is delimited, and what else of the head is the connection's business.
struct Framing {
  int minor_version = 1;
  bool keeps_alive = true;
  bool is_chunked = false;
  std::uint64_t length = 0;
  bool expects_continue = false;
  bool takes_trailers = false;
  bool has_body() const { return is_chunked || length > 0; }
};

/// Reads a whole head (as HeadScanner found it) into method, target, path, query and headers.
std::optional<Refusal> parse_head(std::string_view head, const HeadLimits& limits, Request& request,
                                  Framing& framing);

/// One field line without its line end.
struct FieldLine {
  std::string_view name;
  std::string_view value;
};
std::optional<FieldLine> parse_field(std::string_view line);

bool is_token(std::string_view text);
/// Whether a comma-separated header value holds the token, without case.
bool has_token(std::string_view list, std::string_view token);

/// Resolves "." and "..", also when they are written with %2e; never leaves the root.
std::string resolve_dots(std::string_view path);

}  // namespace slipway::http::detail
