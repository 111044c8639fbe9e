// Reading an HTTP/1 response as its bytes come.
#pragma once

#include <string>
#include <string_view>

#include "http/detail/body_reader.hpp"
#include "http/message.hpp"

namespace slipway::http::detail {

/// Cuts one response out of the bytes of a connection. Line ends may be bare line feeds and folded
/// headers are unfolded, as servers exist that send them; two lengths that differ are refused.
class ReplyReader {
 public:
  static constexpr std::size_t head_bytes_max = 1u << 20;  ///< Interim answers included.

  /// `is_head`: the request was a HEAD, whose answer has no body whatever its headers say.
  explicit ReplyReader(bool is_head = false) : is_head_(is_head) {}

  enum class Event {
    more,   ///< All of `data` is taken, and the response goes on.
    head,   ///< `status` and `headers` stand. Once, of the final answer: 1xx ones are left out.
    piece,  ///< `piece` is the body's next part, and not empty.
    end,    ///< The response is whole. What is left of `data` does not belong to it.
    broken  ///< `why`. Nothing else comes.
  };
  /// Takes from the front of `data`; ask again until it gives `more`, `end` or `broken`.
  Event next(std::string_view& data);
  /// The peer has closed: `end`, if that is how the body ends, else `broken`.
  Event close();

  int status() const { return status_; }
  Headers& headers() { return headers_; }
  std::string_view piece() const { return piece_; }
  const std::string& why() const { return why_; }
  /// Whether a byte of any answer has come.
  bool has_begun() const { return has_begun_; }
  /// After `end`: whether another request may follow.
  bool keeps_alive() const { return keeps_alive_; }

 private:
  enum class State { head, body, until_close, end, broken };

  Event break_off(std::string why);
  std::string_view take_head(std::string_view& data);
  Event read_head(std::string_view head);
  bool read_status(std::string_view line);
  bool read_fields(std::string_view lines);
  Event frame();

  bool is_head_ = false;
  State state_ = State::head;
  std::string held_;  ///< Of a head whose end has not come.
  std::size_t head_bytes_ = 0;
  int status_ = 0;
  Headers headers_;
  BodyReader body_;
  std::string_view piece_;
  std::string why_;
  bool has_begun_ = false, keeps_alive_ = false;
};

}  // namespace slipway::http::detail
