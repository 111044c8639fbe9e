// The head of an answer as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace slipway::http::detail {

/// How an answer's body is delimited.
enum class BodyForm { none, length, chunked, until_close };

struct ResponseHead {
  int status = 200;
  const Headers& headers;
  BodyForm form = BodyForm::none;
  std::uint64_t length = 0;  ///< With BodyForm::length.
  std::string_view coding;   ///< Content-Encoding that was applied here; empty: none.
  bool may_vary = false;     ///< Another Accept-Encoding could have got another body.
  std::string_view request_id;
  int minor_version = 1;  ///< Of the request.
  bool keeps_alive = true;
};

/// Headers that decide about framing or that every answer has are written from `head`'s own
/// members; those of a handler are left out. Bytes that could begin another header become blanks.
void append_head(std::string& out, const ResponseHead& head);

/// Trailer fields and the end of a chunked body.
void append_trailers(std::string& out, const Headers& trailers);
void append_chunk(std::string& out, std::string_view piece);

std::string_view reason(int status);

/// A refusal in the form of RFC 9457.
Response problem(int status, std::string_view detail);

}  // namespace slipway::http::detail
