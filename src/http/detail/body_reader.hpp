// Where a request's body ends: by its length or in chunks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/detail/head.hpp"

namespace slipway::http::detail {

/// Cuts a body out of the bytes of a connection as they come.
class BodyReader {
 public:
  BodyReader() = default;
  explicit BodyReader(const Framing& framing)
      : state_(framing.is_chunked ? State::size : State::by_length), left_(framing.length) {
    if (!framing.is_chunked && framing.length == 0) state_ = State::done;
  }

  /// Takes from the front of `data`. The next piece of the body, empty when there is none yet; ask
  /// again until `data` is empty, `done()` or `refusal()`.
  std::string_view next(std::string_view& data);
  bool done() const { return state_ == State::done; }
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  enum class State { by_length, size, size_end, data, data_cr, data_lf, trailer, done };

  void refuse(std::string why);
  void take_size_character(char c);
  void take_trailer_character(char c);
  void end_line();

  State state_ = State::done;
  std::uint64_t left_ = 0;
  unsigned digits_ = 0;
  bool in_extension_ = false;
  std::size_t line_bytes_ = 0;     ///< Of a chunk's size line.
  std::size_t trailer_bytes_ = 0;  ///< Of all trailers.
  std::string line_;               ///< A trailer that has not ended yet.
  std::optional<Refusal> refusal_;
};

}  // namespace slipway::http::detail
