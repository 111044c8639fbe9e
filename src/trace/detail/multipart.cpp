#include "trace/detail/multipart.hpp"

#include <charconv>
#include <cstring>

#include "http/message.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t boundary_bytes_max = 200, head_bytes_max = 16u << 10;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// `name="a \"b\""` of a header's parameters; quotes undone, also as browsers write them.
std::string parameter(std::string_view header, std::string_view name) {
  while (true) {
    const std::size_t semicolon = header.find(';');
    if (semicolon == std::string_view::npos) return {};
    header = trim(header.substr(semicolon + 1));
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos) continue;
    const bool is_it = http::equals_ignoring_case(trim(header.substr(0, equals)), name);
    header = trim(header.substr(equals + 1));
    std::string value;
    if (!header.starts_with('"')) {
      value = trim(header.substr(0, header.find(';')));
    } else {
      std::size_t at = 1;
      for (; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      header.remove_prefix(std::min(at + 1, header.size()));
    }
    if (is_it) return value;
  }
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::size_t find(std::string_view text, std::string_view what) {
  // memmem looks at words; string_view's own search at bytes.
  const void* found = ::memmem(text.data(), text.size(), what.data(), what.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

Result<MultipartReader> MultipartReader::make(std::string_view content_type,
                                              std::string_view body) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (!http::equals_ignoring_case(type, "multipart/form-data"))
    return fail(Code::invalid_argument, "Content-Type: '{}' is not multipart/form-data",
                type.substr(0, 100));
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > boundary_bytes_max)
    return fail(Code::invalid_argument, "Content-Type: has no boundary of 1 to {} bytes",
                boundary_bytes_max);
  std::string delimiter = "\r\n--" + boundary;
  // The first delimiter has no line before it.
  std::size_t begin = std::string_view::npos;
  if (body.starts_with(std::string_view(delimiter).substr(line_end.size())))
    begin = delimiter.size() - line_end.size();
  else if (const std::size_t at = find(body, delimiter); at != std::string_view::npos)
    begin = at + delimiter.size();
  if (begin == std::string_view::npos)
    return fail(Code::invalid_argument, "the body does not hold its boundary");
  return MultipartReader(std::move(delimiter), body.substr(begin));
}

Result<bool> MultipartReader::next(FormPart& part) {
  if (rest_.starts_with("--")) return false;
  const auto broken = [&](std::string_view why) {
    return fail(Code::invalid_argument, "part {} of the body {}", count_, why);
  };
  const std::size_t line = rest_.find(line_end);
  if (line == std::string_view::npos || !trim(rest_.substr(0, line)).empty())
    return broken("is cut off or does not begin with a line of its own");
  rest_.remove_prefix(line);
  const std::size_t size = rest_.substr(0, head_bytes_max).find("\r\n\r\n");
  if (size == std::string_view::npos) return broken("has no end of its headers");
  std::string_view head = rest_.substr(line_end.size(), size);
  rest_.remove_prefix(size + 2 * line_end.size());
  part = {};
  std::optional<std::size_t> said;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(line_end), head.size());
    const std::string_view one = head.substr(0, end);
    head.remove_prefix(std::min(head.size(), end + line_end.size()));
    const std::size_t colon = one.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(one.substr(0, colon)), value = trim(one.substr(colon + 1));
    if (http::equals_ignoring_case(name, "content-disposition"))
      part.name = parameter(value, "name");
    if (http::equals_ignoring_case(name, "content-length")) said = number(value);
    if (http::equals_ignoring_case(name, "content-type")) {
      part.media_type = trim(value.substr(0, value.find(';')));
      if (!said) said = number(parameter(value, "length"));
    }
  }
  if (part.name.empty()) return broken("has no name in its Content-Disposition");
  ++count_;
  part.bytes = TRY(take_bytes(said.value_or(0), said.has_value()));
  return true;
}

/// Up to the next delimiter: where the sender said that it is, or where it is found.
Result<std::string_view> MultipartReader::take_bytes(std::size_t said, bool is_said) {
  std::size_t size = said;
  if (!is_said || said > rest_.size() || !rest_.substr(said).starts_with(delimiter_))
    size = find(rest_, delimiter_);
  if (size == std::string_view::npos)
    return fail(Code::invalid_argument, "part {} of the body is cut off", count_ - 1);
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size + delimiter_.size());
  return bytes;
}

}  // namespace slipway::trace::detail
