#include "models/detail/reply_text.hpp"

#include <algorithm>

#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

/// How many of the last bytes of `text` begin `stop`, fewer than all of it.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (std::size_t bytes = std::min(text.size(), stop.size() - 1); bytes > 0; --bytes)
    if (text.ends_with(stop.substr(0, bytes))) return bytes;
  return 0;
}

}  // namespace

bool is_begun_code_point(std::string_view tail) {
  const auto lead = static_cast<unsigned char>(tail.front());
  std::size_t needed = 0;
  if (lead >= 0xC2 && lead <= 0xDF) needed = 2;
  if (lead >= 0xE0 && lead <= 0xEF) needed = 3;
  if (lead >= 0xF0 && lead <= 0xF4) needed = 4;
  if (tail.size() >= needed) return false;
  if (tail.size() > 1) {
    // Neither overlong, nor a surrogate, nor beyond U+10FFFF.
    const auto second = static_cast<unsigned char>(tail[1]);
    if (lead == 0xE0 && second < 0xA0) return false;
    if (lead == 0xED && second > 0x9F) return false;
    if (lead == 0xF0 && second < 0x90) return false;
    if (lead == 0xF4 && second > 0x8F) return false;
  }
  return std::all_of(tail.begin() + 1, tail.end(),
                     [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
}

std::string shown(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto decoded = unicode::decode(bytes, at);
    if (decoded.valid)
      text.append(bytes, at, decoded.bytes);
    else
      unicode::append(text, 0xFFFD);
    at += decoded.bytes;
  }
  return text;
}

bool ReplyText::add(std::string_view bytes) {
  if (is_stopped_ || is_refused_) return false;
  raw_ += bytes;
  decode_whole();
  if (find_stop()) return false;
  std::size_t kept = 0;
  for (const std::string& stop : stops_) kept = std::max(kept, overlap(held_, stop));
  // A stop string that begins inside of a code point cannot match: both are valid UTF-8.
  emit(held_.size() - kept);
  return !is_refused_;
}

void ReplyText::finish() {
  if (!is_stopped_ && !is_refused_) emit(held_.size());
  held_.clear();
  raw_.clear();
}

void ReplyText::decode_whole() {
  std::size_t at = 0;
  while (at < raw_.size()) {
    const auto decoded = unicode::decode(raw_, at);
    if (!decoded.valid && is_begun_code_point(std::string_view(raw_).substr(at))) break;
    if (decoded.valid)
      held_.append(raw_, at, decoded.bytes);
    else
      unicode::append(held_, 0xFFFD);
    at += decoded.bytes;
  }
  raw_.erase(0, at);
}

bool ReplyText::find_stop() {
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t found = held_.find(stop);
    if (found >= first) continue;
    first = found;
    stop_ = stop;
  }
  if (first == std::string::npos) return false;
  emit(first);
  is_stopped_ = !is_refused_;
  return true;
}

void ReplyText::emit(std::size_t bytes) {
  if (bytes == 0) return;
  const std::string piece = held_.substr(0, bytes);
  held_.erase(0, bytes);
  text_ += piece;
  if (sink_ && !sink_(piece)) is_refused_ = true;
}

}  // namespace slipway::models::detail
