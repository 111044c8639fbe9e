#include "http/detail/head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/hex.hpp"
#include "http/detail/blanks.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto token_table = make_token_table();

constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t blank_lines_max = 2;  // Old clients send one after a body.

Refusal bad(std::string why) { return {400, std::move(why)}; }

/// Printable ASCII without blanks, and without what proxies and browsers rewrite.
bool is_target_character(char c) { return c > ' ' && c < '\x7f' && c != '#' && c != '\\'; }

bool is_value_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= ' ' && byte != 0x7f) || byte == '\t';
}

bool has_sound_escapes(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
    if (at + 2 >= text.size() || !hex::is_digit(text[at + 1]) || !hex::is_digit(text[at + 2]))
      return false;
  return true;
}

std::optional<Refusal> take_target(std::string_view target, Request& request) {
  if (target.empty() || !std::all_of(target.begin(), target.end(), is_target_character))
    return bad("the request target has characters that no target may have");
  request.target = target;
  if (target == "*" && request.method == "OPTIONS") {
    request.path = "*";
    return {};
  }
  if (target.front() != '/')
    return bad("the request target must begin with '/'; proxies are not served");
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  if (!has_sound_escapes(path)) return bad("the path has a '%' without two hex digits");
  request.path = resolve_dots(path);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return {};
}

std::optional<Refusal> take_version(std::string_view text, Framing& framing) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7]))
    return bad("the request line does not end with an HTTP version");
  if (text[5] != '1' || text[7] > '1')
    return Refusal{505, fmt::format("{} is not spoken here; use HTTP/1.1", text)};
  framing.minor_version = text[7] - '0';
  return {};
}

std::optional<Refusal> take_request_line(std::string_view line, const HeadLimits& limits,
                                         Request& request, Framing& framing) {
  const std::size_t space = line.find(' ');
  const std::string_view method = line.substr(0, space);
  if (space == std::string_view::npos || method.size() > method_bytes_max || !is_token(method))
    return bad("the request line does not begin with a method");
  line.remove_prefix(space + 1);
  const std::size_t last = line.rfind(' ');
  if (last == std::string_view::npos) return bad("the request line has no HTTP version");
  if (auto refusal = take_version(line.substr(last + 1), framing)) return refusal;
  request.method = method;
  const std::string_view target = line.substr(0, last);
  if (target.size() > limits.target_bytes_max)
    return Refusal{
        414, fmt::format("the request target is longer than {} bytes", limits.target_bytes_max)};
  return take_target(target, request);
}

bool is_host(std::string_view host) {
  const std::size_t port = host.starts_with('[') ? host.find("]:") : host.rfind(':');
  if (port != std::string_view::npos) {
    const std::string_view digits = host.substr(host.find(':', port) + 1);
    if (digits.size() > 5 ||
        !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    host = host.substr(0, host.starts_with('[') ? port + 1 : port);
  }
  if (host.starts_with('[')) {
    return host.size() > 3 && host.ends_with(']') &&
           std::all_of(host.begin() + 1, host.end() - 1,
                       [](char c) { return hex::is_digit(c) || c == ':' || c == '.'; });
  }
  const auto is_name_character = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), is_name_character);
}

/// What the framing headers said, before they are judged together.
struct Said {
  int hosts = 0, lengths = 0, encodings = 0;
  bool closes = false, keeps = false;
};

std::optional<Refusal> take_length(std::string_view value, Framing& framing) {
  constexpr std::size_t digits_max = 18;  // Fits 64 bits whatever the digits are.
  const bool is_number =
      !value.empty() && value.size() <= digits_max &&
      std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) return bad("the Content-Length is not a number");
  framing.length = 0;
  for (const char c : value) framing.length = framing.length * 10 + static_cast<unsigned>(c - '0');
  return {};
}

std::optional<Refusal> take_field(const FieldLine& field, Said& said, Framing& framing) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 2:
      if (is("te")) framing.takes_trailers |= has_token(field.value, "trailers");
      break;
    case 4:
      if (is("host")) {
        ++said.hosts;
        if (!is_host(field.value)) return bad("the Host header is not a host");
      }
      break;
    case 6:
      if (is("expect")) {
        if (!equals_ignoring_case(field.value, "100-continue"))
          return Refusal{417, "only 'Expect: 100-continue' can be expected"};
        framing.expects_continue = true;
      }
      break;
    case 10:
      if (is("connection")) {
        said.closes |= has_token(field.value, "close");
        said.keeps |= has_token(field.value, "keep-alive");
      }
      break;
    case 14:
      if (is("content-length")) {
        ++said.lengths;
        return take_length(field.value, framing);
      }
      break;
    case 17:
      if (is("transfer-encoding")) {
        ++said.encodings;
        if (!equals_ignoring_case(field.value, "chunked"))
          return bad("the Transfer-Encoding must be 'chunked' and nothing else");
        framing.is_chunked = true;
      }
      break;
    default: break;
  }
  return {};
}

std::optional<Refusal> judge(const Said& said, Framing& framing) {
  if (said.hosts > 1) return bad("there is more than one Host header");
  if (said.hosts == 0 && framing.minor_version == 1) return bad("the Host header is missing");
  if (said.lengths > 1) return bad("there is more than one Content-Length");
  if (said.encodings > 1) return bad("there is more than one Transfer-Encoding");
  if (said.lengths > 0 && said.encodings > 0)
    return bad("there are both a Content-Length and a Transfer-Encoding");
  if (said.encodings > 0 && framing.minor_version == 0)
    return bad("HTTP/1.0 knows no Transfer-Encoding");
  framing.keeps_alive = !said.closes && (framing.minor_version == 1 || said.keeps);
  if (framing.minor_version == 0) framing.expects_continue = framing.takes_trailers = false;
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return token_table[static_cast<unsigned char>(c)];
  });
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    if (equals_ignoring_case(without_blanks(one), token)) return true;
  }
  return false;
}

std::string resolve_dots(std::string_view path) {
  // Most paths have none.
  if (path.find("/.") == std::string_view::npos && path.find("/%") == std::string_view::npos)
    return std::string(path);
  const auto plain = [](std::string_view segment) {
    std::string text(segment);
    for (std::size_t at = 0; (at = text.find('%', at)) != std::string::npos;) {
      if (!equals_ignoring_case(std::string_view(text).substr(at, 3), "%2e")) return text;
      text.replace(at, 3, ".");
    }
    return text;
  };
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const std::string text = plain(segment);
    const bool is_up = text == "..";
    if (is_up) out.resize(out.empty() ? 0 : out.rfind('/'));
    if (!is_up && text != ".") {
      out += '/';
      out += segment;
    } else if (path.empty()) {
      out += '/';
    }
  }
  return out.empty() ? "/" : out;
}

std::optional<HeadScanner::Found> HeadScanner::scan(std::string_view data,
                                                    const HeadLimits& limits) {
  for (;;) {
    const std::size_t end = data.find('\n', looked_at_);
    // Said at once: behind a zero byte the end of the line may never come.
    if (data.substr(looked_at_, end - looked_at_).find('\0') != std::string_view::npos)
      return Found{0, bad("the head has a zero byte")};
    if (end == std::string_view::npos) break;
    if (end == line_start_ || data[end - 1] != '\r')
      return Found{0, bad("a line of the head ends with a bare line feed")};
    const bool is_empty = end == line_start_ + 1;
    looked_at_ = line_start_ = end + 1;
    if (line_start_ > limits.head_bytes_max) break;
    if (is_empty && has_request_line_) return Found{line_start_, {}};
    if (is_empty && line_start_ > 2 * blank_lines_max)
      return Found{0, bad("there are only empty lines")};
    has_request_line_ |= !is_empty;
  }
  looked_at_ = std::max(looked_at_, data.size());
  // Bytes that can begin no request need not wait for a line end that may never come.
  if (!has_request_line_) {
    const auto is_wrong = [](char c) {
      return static_cast<unsigned char>(c) < ' ' && c != '\r' && c != '\n';
    };
    if (std::any_of(data.begin(), data.end(), is_wrong))
      return Found{0, bad("the request line has control characters")};
    if (data.size() > limits.target_bytes_max + 64)
      return Found{0, Refusal{414, fmt::format("the request line is longer than {} bytes",
                                               limits.target_bytes_max + 64)}};
  }
  if (data.size() > limits.head_bytes_max)
    return Found{0, Refusal{431, fmt::format("the headers are longer than {} bytes",
                                             limits.head_bytes_max)}};
  return {};
}

std::optional<FieldLine> parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return {};
  const std::string_view value = without_blanks(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_character)) return {};
  return FieldLine{line.substr(0, colon), value};
}

std::optional<Refusal> parse_head(std::string_view head, const HeadLimits& limits, Request& request,
                                  Framing& framing) {
  while (head.starts_with("\r\n")) head.remove_prefix(2);
  const auto next_line = [&] {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    return line;
  };
  framing = {};
  if (auto refusal = take_request_line(next_line(), limits, request, framing)) return refusal;
  Said said;
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    if (line.front() == ' ' || line.front() == '\t')
      return bad("a header is folded over several lines");
    const auto field = parse_field(line);
    if (!field) return bad("a header line is not 'name: value' in allowed characters");
    if (request.headers.items().size() >= limits.fields_max)
      return Refusal{431, fmt::format("there are more than {} headers", limits.fields_max)};
    if (auto refusal = take_field(*field, said, framing)) return refusal;
    request.headers.add(std::string(field->name), std::string(field->value));
  }
  return judge(said, framing);
}

}  // namespace slipway::http::detail
