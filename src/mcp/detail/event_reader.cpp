#include "mcp/detail/event_reader.hpp"

#include <algorithm>
#include <charconv>

namespace slipway::mcp::detail {

void EventReader::take_line(const std::function<void(const std::string&)>& on_data) {
  if (line_.empty()) {
    if (has_data_ && !data_.empty()) on_data(data_);
    data_.clear();
    has_data_ = false;
    return;
  }
  const std::string_view line = line_;
  const auto colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "id" && value.find('\0') == value.npos) {
    last_id_ = value;
  } else if (field == "retry") {
    std::int64_t wait = 0;
    const auto end = std::from_chars(value.begin(), value.end(), wait);
    if (end.ec == std::errc() && end.ptr == value.end() && wait >= 0)
      retry_ = std::chrono::milliseconds(std::min<std::int64_t>(wait, 60'000));
  }
}

bool EventReader::feed(std::string_view bytes,
                       const std::function<void(const std::string&)>& on_data) {
  for (const char c : bytes) {
    if (is_broken_) return false;
    if (c == '\n' && skips_line_feed_) {
      skips_line_feed_ = false;
      continue;
    }
    skips_line_feed_ = c == '\r';
    if (c == '\n' || c == '\r') {
      take_line(on_data);
      line_.clear();
    } else {
      line_ += c;
      is_broken_ = line_.size() + data_.size() > bytes_max_;
    }
  }
  return !is_broken_;
}

}  // namespace slipway::mcp::detail
