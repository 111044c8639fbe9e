// The line grammar of https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end
// with CR, LF or CRLF, an empty line ends an event, an event without data is none.
#include "http/client.hpp"

namespace slipway::http {

bool SseParser::feed(std::string_view piece, const std::function<bool(const Event&)>& on_event) {
  while (!piece.empty() && !is_broken_) {
    if (skips_line_feed_) {
      skips_line_feed_ = false;
      if (piece.front() == '\n') piece.remove_prefix(1);
      continue;
    }
    const std::size_t end = piece.find_first_of("\r\n");
    const std::string_view part = piece.substr(0, end);
    if (pending_.size() + event_.data.size() + part.size() > event_bytes_max) {
      is_broken_ = true;
      break;
    }
    if (end == std::string_view::npos) {
      pending_ += part;
      break;
    }
    skips_line_feed_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    std::string line = std::exchange(pending_, {});
    line += part;
    if (!take_line(line, on_event)) return false;
  }
  return !is_broken_;
}

bool SseParser::take_line(std::string_view line,
                          const std::function<bool(const Event&)>& on_event) {
  if (std::exchange(is_first_line_, false) && line.starts_with("\xEF\xBB\xBF"))
    line.remove_prefix(3);
  if (line.empty()) {
    Event done = std::exchange(event_, Event{});
    event_.id = done.id;  // The last id holds until another comes.
    if (!std::exchange(has_data_, false)) return true;
    return on_event(done);
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
  } else if (field == "event") {
    event_.event = value.empty() ? "message" : std::string(value);
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
  return true;
}

}  // namespace slipway::http
