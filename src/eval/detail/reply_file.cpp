#include "eval/detail/reply_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/json_members.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t read_bytes = 1u << 20;
constexpr std::size_t line_bytes_max = 64u << 20;

/// FNV-1a, with a zero byte between.
std::uint64_t key_of(std::string_view case_id, std::string_view metric) {
  constexpr std::uint64_t basis = 14695981039346656037u, prime = 1099511628211u;
  std::uint64_t hash = basis;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
  };
  add(case_id);
  hash *= prime;
  add(metric);
  return hash;
}

std::string text_of(std::string_view line, std::string_view key) {
  return json::unquoted(json::member(line, key));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

Result<ReplyFile> ReplyFile::open(const std::filesystem::path& file) {
  TRY(fault_point(FaultKind::file, "open"));
  Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found
                      : errno == EACCES                   ? Code::forbidden
                                                          : Code::unavailable;
    return fail(code, "cannot open the replies {}: {}", file.string(), std::strerror(errno));
  }
  ReplyFile replies(std::move(descriptor));
  TRY(replies.index(file).within(file.string()));
  return replies;
}

Result<void> ReplyFile::add_line(std::string_view line, std::uint64_t offset,
                                 std::uint32_t number) {
  if (is_blank(line)) return {};
  if (!json::is_valid(line) || line[line.find_first_not_of(" \t")] != '{')
    return fail(Code::invalid_argument, "line {}: is no JSON object", number);
  const std::string case_id = text_of(line, "case"), metric = text_of(line, "metric");
  if (case_id.empty() || metric.empty() || !json::member(line, "replies").starts_with('{'))
    return fail(Code::invalid_argument,
                "line {}: needs \"case\", \"metric\" and an object \"replies\"", number);
  places_.push_back({.key = key_of(case_id, metric),
                     .offset = offset,
                     .length = static_cast<std::uint32_t>(line.size()),
                     .line = number});
  return {};
}

Result<void> ReplyFile::index(const std::filesystem::path& file) {
  std::string buffer;
  std::uint64_t start = 0;  // Of the buffer in the file.
  std::uint32_t number = 0;
  for (bool is_at_end = false; !is_at_end;) {
    const std::size_t kept = buffer.size();
    buffer.resize(kept + read_bytes);
    const ssize_t got = ::read(file_.get(), buffer.data() + kept, read_bytes);
    if (got < 0 && errno == EINTR) {
      buffer.resize(kept);
      continue;
    }
    if (got < 0) return fail(Code::unavailable, "cannot be read: {}", std::strerror(errno));
    buffer.resize(kept + static_cast<std::size_t>(got));
    is_at_end = got == 0;
    std::size_t at = 0;
    for (;;) {
      std::size_t end = buffer.find('\n', std::max(at, kept));
      if (end == std::string::npos) {
        if (!is_at_end || at == buffer.size()) break;
        end = buffer.size();
      }
      TRY(add_line(std::string_view(buffer).substr(at, end - at), start + at, ++number));
      at = std::min(end + 1, buffer.size());
    }
    buffer.erase(0, at);
    start += at;
    if (buffer.size() > line_bytes_max)
      return fail(Code::invalid_argument, "line {}: is beyond {} bytes", number + 1,
                  line_bytes_max);
  }
  std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
    return a.key != b.key ? a.key < b.key : a.offset < b.offset;
  });
  for (std::size_t i = 1; i < places_.size(); ++i) {
    if (places_[i].key != places_[i - 1].key) continue;
    const std::string first = TRY(read(places_[i - 1])), second = TRY(read(places_[i]));
    if (text_of(first, "case") == text_of(second, "case") &&
        text_of(first, "metric") == text_of(second, "metric"))
      return fail(Code::invalid_argument,
                  "line {}: replies for case '{}', metric '{}' stand in line {} already",
                  places_[i].line, text_of(second, "case"), text_of(second, "metric"),
                  places_[i - 1].line);
  }
  constexpr std::size_t prefix = std::string_view("sha256:").size();
  hash_ = TRY(sha256_of_file(file)).substr(prefix);
  return {};
}

Result<std::string> ReplyFile::read(const Place& place) const {
  TRY(fault_point(FaultKind::file, "read"));
  std::string line(place.length, '\0');
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t got = ::pread(file_.get(), line.data() + done, line.size() - done,
                                static_cast<off_t>(place.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Code::unavailable, "the file of replies cannot be read any more");
    done += static_cast<std::size_t>(got);
  }
  return line;
}

Result<std::shared_ptr<const json::Object>> ReplyFile::find(std::string_view case_id,
                                                            std::string_view metric) {
  const std::uint64_t key = key_of(case_id, metric);
  Recent& recent = (*recent_)[key % recent_count];
  const std::lock_guard lock(recent.mutex);
  if (recent.replies && recent.case_id == case_id && recent.metric == metric) return recent.replies;
  auto place = std::lower_bound(places_.begin(), places_.end(), key,
                                [](const Place& at, std::uint64_t k) { return at.key < k; });
  for (; place != places_.end() && place->key == key; ++place) {
    const std::string line = TRY(read(*place));
    const auto parsed = json::parse(line);
    if (!parsed || !parsed->is_object())
      return fail(Code::unavailable, "line {} of the replies was changed meanwhile", place->line);
    const json::Object& entry = parsed->get_object();
    const json::Value* replies = entry.if_contains("replies");
    const json::Value* its_case = entry.if_contains("case");
    const json::Value* its_metric = entry.if_contains("metric");
    const bool is_whole = replies && replies->is_object() && its_case && its_case->is_string() &&
                          its_metric && its_metric->is_string();
    if (!is_whole)
      return fail(Code::unavailable, "line {} of the replies was changed meanwhile", place->line);
    if (its_case->get_string() != case_id || its_metric->get_string() != metric) continue;
    recent.case_id = case_id;
    recent.metric = metric;
    recent.replies = std::make_shared<const json::Object>(replies->get_object());
    return recent.replies;
  }
  return std::shared_ptr<const json::Object>();
}

}  // namespace slipway::eval
