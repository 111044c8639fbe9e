#include "http/detail/reply_reader.hpp"

#include <algorithm>
#include <charconv>

namespace slipway::http::detail {

namespace {

constexpr std::string_view version = "HTTP/1.";

/// One past the empty line that ends a head; 0: it has not come. Looks from `from` on.
std::size_t end_of_head(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find('\n', from); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return 0;
}

std::string_view next_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_folded(std::string_view rest) { return rest.starts_with(' ') || rest.starts_with('\t'); }

/// What several Content-Length fields say together.
std::optional<std::uint64_t> length_of(std::string_view value) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || end != value.data() + value.size() || length > INT64_MAX) return {};
  return length;
}

}  // namespace

ReplyReader::Event ReplyReader::break_off(std::string why) {
  state_ = State::broken;
  why_ = std::move(why);
  return Event::broken;
}

ReplyReader::Event ReplyReader::next(std::string_view& data) {
  has_begun_ |= !data.empty();
  switch (state_) {
    case State::head: {
      const std::string_view head = take_head(data);
      if (head_bytes_ > head_bytes_max)
        return break_off(fmt::format("the headers are longer than {} bytes", head_bytes_max));
      if (head.empty()) return Event::more;
      const Event event = read_head(head);
      held_.clear();
      return event == Event::more ? next(data) : event;
    }
    case State::body:
      if (body_.done()) {
        state_ = State::end;
        return Event::end;
      }
      piece_ = body_.next(data);
      if (body_.refusal()) return break_off(body_.refusal()->why);
      if (!piece_.empty()) return Event::piece;
      return body_.done() ? next(data) : Event::more;
    case State::until_close:
      piece_ = std::exchange(data, {});
      return piece_.empty() ? Event::more : Event::piece;
    case State::end: return Event::end;
    case State::broken: return Event::broken;
  }
  return Event::broken;
}

ReplyReader::Event ReplyReader::close() {
  if (state_ == State::end || state_ == State::broken)
    return state_ == State::end ? Event::end : Event::broken;
  if (state_ == State::until_close || (state_ == State::body && body_.done())) {
    state_ = State::end;
    keeps_alive_ = false;
    return Event::end;
  }
  return break_off(has_begun_ ? "the connection was closed before the answer was whole"
                              : "the connection was closed without an answer");
}

/// The whole head with its empty line, or nothing yet. Mostly it comes in one piece and is read
/// where it lies.
std::string_view ReplyReader::take_head(std::string_view& data) {
  if (held_.empty()) {
    const std::size_t end = end_of_head(data, 0);
    const std::string_view head = data.substr(0, end);
    head_bytes_ += end == 0 ? data.size() : end;
    if (end == 0) held_ = data;
    data.remove_prefix(end == 0 ? data.size() : end);
    return head;
  }
  const std::size_t before = held_.size();
  const std::string_view fresh = data.substr(0, head_bytes_max + 1);
  held_ += fresh;
  const std::size_t end = end_of_head(held_, before < 2 ? 0 : before - 2);
  const std::size_t taken = end == 0 ? fresh.size() : end - before;
  head_bytes_ += taken;
  data.remove_prefix(taken);
  return std::string_view(held_).substr(0, end);
}

ReplyReader::Event ReplyReader::read_head(std::string_view head) {
  headers_ = {};
  if (!read_status(next_line(head))) return break_off("what answered does not speak HTTP/1.1");
  if (!read_fields(head)) return break_off("a header of the answer is not sound");
  if (status_ == 101) return break_off("the server switches to another protocol");
  if (status_ < 200) return Event::more;  // Interim: the next head follows.
  return frame();
}

bool ReplyReader::read_status(std::string_view line) {
  if (!line.starts_with(version) || line.size() < version.size() + 5) return false;
  const char minor = line[version.size()];
  const std::string_view digits = line.substr(version.size() + 2, 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + 3, status_);
  const bool is_sound = (minor == '0' || minor == '1') && line[version.size() + 1] == ' ' &&
                        error == std::errc() && end == digits.data() + 3 && status_ >= 100;
  keeps_alive_ = minor == '1';
  const std::string_view reason = line.substr(version.size() + 5);
  return is_sound && (reason.empty() || reason.front() == ' ');
}

bool ReplyReader::read_fields(std::string_view lines) {
  std::string unfolded;
  for (std::string_view line = next_line(lines); !line.empty(); line = next_line(lines)) {
    if (is_folded(lines)) {
      unfolded = line;
      while (is_folded(lines)) {
        std::string_view more = next_line(lines);
        more.remove_prefix(std::min(more.find_first_not_of(" \t"), more.size()));
        unfolded.append(" ").append(more);
      }
      line = unfolded;
    }
    const auto field = parse_field(line);
    if (!field) return false;
    headers_.add(std::string(field->name), std::string(field->value));
  }
  return true;
}

/// How the body ends, by RFC 9112, section 6.3.
ReplyReader::Event ReplyReader::frame() {
  Framing framing;
  std::optional<std::uint64_t> length;
  for (const auto& [name, value] : headers_.items()) {
    if (equals_ignoring_case(name, "connection")) {
      if (has_token(value, "close")) keeps_alive_ = false;
      if (has_token(value, "keep-alive")) keeps_alive_ = true;
    } else if (equals_ignoring_case(name, "transfer-encoding")) {
      if (framing.is_chunked || !equals_ignoring_case(value, "chunked"))
        return break_off(fmt::format("the answer has the transfer coding '{}'", value));
      framing.is_chunked = true;
    } else if (equals_ignoring_case(name, "content-length")) {
      const auto said = length_of(value);
      if (!said || (length && *length != *said))
        return break_off(fmt::format("the answer has the content length '{}'", value));
      length = said;
    }
  }
  // A length beside chunks is a lie of somebody: the chunks hold, and nothing follows them.
  if (framing.is_chunked && length) keeps_alive_ = false;
  const bool has_no_body = is_head_ || status_ == 204 || status_ == 304;
  if (has_no_body || framing.is_chunked || length) {
    if (has_no_body) framing.is_chunked = false;
    framing.length = has_no_body || framing.is_chunked ? 0 : *length;
    body_ = BodyReader(framing);
    state_ = State::body;
  } else {
    keeps_alive_ = false;
    state_ = State::until_close;
  }
  return Event::head;
}

}  // namespace slipway::http::detail
