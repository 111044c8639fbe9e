#include "http/detail/body_reader.hpp"

#include <algorithm>

#include "core/hex.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::size_t size_line_bytes_max = 256;
constexpr std::size_t trailer_bytes_max = 8u << 10;
constexpr unsigned size_digits_max = 15;  // Sixteen could overflow sums.

}  // namespace

void BodyReader::refuse(std::string why) { refusal_ = Refusal{400, std::move(why)}; }

std::string_view BodyReader::next(std::string_view& data) {
  while (!data.empty() && !done() && !refusal_) {
    if (state_ == State::by_length || state_ == State::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size()));
      const std::string_view piece = data.substr(0, size);
      data.remove_prefix(size);
      left_ -= size;
      if (left_ == 0) state_ = state_ == State::data ? State::data_cr : State::done;
      return piece;
    }
    const char c = data.front();
    data.remove_prefix(1);
    switch (state_) {
      case State::size: take_size_character(c); break;
      case State::size_end:
        if (c != '\n') return refuse("a chunk's size does not end with CRLF"), std::string_view();
        end_line();
        break;
      case State::data_cr:
      case State::data_lf:
        if (c != (state_ == State::data_cr ? '\r' : '\n'))
          return refuse("a chunk is longer than its size says"), std::string_view();
        state_ = state_ == State::data_cr ? State::data_lf : State::size;
        break;
      case State::trailer: take_trailer_character(c); break;
      case State::by_length:
      case State::data:
      case State::done: break;
    }
  }
  return {};
}

void BodyReader::take_size_character(char c) {
  if (++line_bytes_ > size_line_bytes_max) return refuse("a chunk's size line is too long");
  if (c == '\r') {
    if (digits_ == 0) return refuse("a chunk has no size");
    state_ = State::size_end;
    return;
  }
  if (in_extension_) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\t')
      refuse("a chunk's extension has control characters");
    return;
  }
  if (c == ';' && digits_ > 0) {
    in_extension_ = true;
    return;
  }
  const int value = hex::value(c);
  if (value < 0) return refuse("a chunk's size is not a hex number");
  if (++digits_ > size_digits_max) return refuse("a chunk's size is too large");
  left_ = left_ * 16 + static_cast<unsigned>(value);
}

void BodyReader::end_line() {
  digits_ = 0;
  in_extension_ = false;
  line_bytes_ = 0;
  state_ = left_ == 0 ? State::trailer : State::data;
}

void BodyReader::take_trailer_character(char c) {
  if (++trailer_bytes_ > trailer_bytes_max) {
    refusal_ = Refusal{431, "the trailers are too long"};
    return;
  }
  if (c != '\n') {
    line_ += c;
    return;
  }
  if (!line_.ends_with('\r')) return refuse("a trailer ends with a bare line feed");
  line_.pop_back();
  // Trailers are checked and dropped: nobody here may take them for headers.
  if (line_.empty())
    state_ = State::done;
  else if (!parse_field(line_))
    refuse("a trailer is not 'name: value' in allowed characters");
  line_.clear();
}

}  // namespace slipway::http::detail
