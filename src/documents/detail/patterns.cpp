// Both levels (segments of a path, characters of a segment) use the same method: walk on while it
// fits, and at the first misfit go back to the last star and let it take one more. Only the last
// star ever needs to be reconsidered, so no pattern takes exponential time.
#include "documents/detail/patterns.hpp"

#include <algorithm>
#include <optional>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

/// The end of the set that opens at `at`, one past its ']', or nothing when it is not closed.
std::optional<std::size_t> set_end(std::string_view pattern, std::size_t at) {
  ++at;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // First in a set it is itself.
  for (; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == ']')
      return at + 1;
  }
  return std::nullopt;
}

/// `set` without its brackets.
bool set_holds(std::string_view set, char32_t c) {
  const bool negated = set.starts_with('!') || set.starts_with('^');
  if (negated) set.remove_prefix(1);
  const auto take = [&] {
    if (set.starts_with('\\') && set.size() > 1) set.remove_prefix(1);
    const unicode::Decoded one = unicode::decode(set, 0);
    set.remove_prefix(one.bytes);
    return one.code_point;
  };
  bool found = false;
  while (!set.empty()) {
    const char32_t low = take();
    char32_t high = low;
    if (set.size() > 1 && set[0] == '-') {
      set.remove_prefix(1);
      high = take();
    }
    found |= low <= c && c <= high;
  }
  return found != negated;
}

/// Whether the one element of the pattern at `at` (not a star) matches `c`; `at` moves behind it.
bool matches_element(std::string_view pattern, std::size_t& at, char32_t c) {
  if (pattern[at] == '?') {
    ++at;
    return true;
  }
  if (pattern[at] == '[') {
    if (const auto end = set_end(pattern, at)) {
      const std::string_view set = pattern.substr(at + 1, *end - at - 2);
      at = *end;
      return set_holds(set, c);
    }
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
  const unicode::Decoded one = unicode::decode(pattern, at);
  at += one.bytes;
  return one.code_point == c;
}

}  // namespace

bool matches_segment(std::string_view pattern, std::string_view segment) {
  std::size_t p = 0;
  std::size_t s = 0;
  std::optional<std::size_t> star;  // Behind the last star.
  std::size_t star_taken = 0;       // Where that star stops for now.
  while (s < segment.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_taken = s;
      continue;
    }
    const unicode::Decoded one = unicode::decode(segment, s);
    std::size_t next = p;
    if (p < pattern.size() && matches_element(pattern, next, one.code_point)) {
      p = next;
      s += one.bytes;
      continue;
    }
    if (!star) return false;
    star_taken += unicode::decode(segment, star_taken).bytes;
    p = *star;
    s = star_taken;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

Result<Pattern> Pattern::compile(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(Code::invalid_argument, "'{}' is not a valid pattern: {}", text, why);
  };
  if (text.find_first_not_of('/') == std::string_view::npos) return wrong("it names nothing");
  if (text.starts_with('!'))
    return wrong("negation is not supported; use include and exclude, or write '\\!'");
  Pattern pattern;
  pattern.folders_only_ = text.ends_with('/');
  const std::size_t slash = text.find('/');
  pattern.anchored_ = slash != std::string_view::npos && slash + 1 != text.size();
  for (const std::string_view segment : split_path(text)) {
    for (std::size_t at = 0; at < segment.size(); ++at) {
      if (segment[at] == '\\' && ++at == segment.size()) return wrong("it ends in a bare '\\'");
      if (segment[at] != '[') continue;
      const auto end = set_end(segment, at);
      if (!end) return wrong("'[' is not closed; write '\\[' for the character itself");
      at = *end - 1;
    }
    pattern.segments_.emplace_back(segment);
  }
  // "a/**" means what is inside `a`, not `a` itself.
  if (pattern.segments_.size() > 1 && pattern.segments_.back() == "**")
    pattern.segments_.insert(pattern.segments_.end() - 1, "*");
  return pattern;
}

bool Pattern::matches_segments(const std::vector<std::string_view>& path, std::size_t count) const {
  std::size_t p = 0;
  std::size_t s = 0;
  std::optional<std::size_t> star;
  std::size_t star_taken = 0;
  while (s < count) {
    if (p < segments_.size() && segments_[p] == "**") {
      star = ++p;
      star_taken = s;
    } else if (p < segments_.size() && matches_segment(segments_[p], path[s])) {
      ++p;
      ++s;
    } else if (star) {
      p = *star;
      s = ++star_taken;
    } else {
      return false;
    }
  }
  while (p < segments_.size() && segments_[p] == "**") ++p;
  return p == segments_.size();
}

bool Pattern::may_match_below(std::string_view folder) const {
  if (!anchored_ || std::find(segments_.begin(), segments_.end(), "**") != segments_.end())
    return true;
  const std::vector<std::string_view> path = split_path(folder);
  for (std::size_t i = 0; i < path.size() && i < segments_.size(); ++i)
    if (!matches_segment(segments_[i], path[i])) return false;
  return true;  // Either the pattern goes on below, or it matches the folder and so all in it.
}

bool Pattern::matches(std::string_view path) const {
  const std::vector<std::string_view> segments = split_path(path);
  const bool is_folder = path.ends_with('/');
  for (std::size_t count = 1; count <= segments.size(); ++count) {
    if (folders_only_ && count == segments.size() && !is_folder) break;
    if (anchored_
            ? matches_segments(segments, count)
            : segments_.front() == "**" || matches_segment(segments_.front(), segments[count - 1]))
      return true;
  }
  return false;
}

}  // namespace slipway::documents::detail
