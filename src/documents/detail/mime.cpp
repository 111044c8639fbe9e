#include "documents/detail/mime.hpp"

#include <algorithm>
#include <map>

#include "core/hex.hpp"
#include "core/unicode.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/mapped_text.hpp"
#include "documents/detail/percent.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr int depth_max = 50;
constexpr std::size_t parts_max = 10'000;

/// Where the line that begins at `at` ends, and the next one begins.
struct LineEnd {
  std::size_t end;
  std::size_t next;
};

LineEnd line_end(std::string_view bytes, std::size_t at, std::size_t limit) {
  const std::size_t feed = std::min(bytes.find('\n', at), limit);
  std::size_t end = feed;
  if (end > at && bytes[end - 1] == '\r') --end;
  return {end, std::min(feed + 1, limit)};
}

bool is_blank_char(char c) { return c == ' ' || c == '\t'; }

/// A value of the form `type; name=value; name*=utf-8''value`.
struct Parameters {
  std::string main;                           ///< Lower case.
  std::map<std::string, std::string> values;  ///< Names in lower case.
};

/// RFC 2231: "utf-8'en'na%C3%AFve.txt".
std::string decode_extended(std::string_view value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == none ? none : value.find('\'', first + 1);
  if (second == none) return percent_decoded(value);
  const std::string bytes = percent_decoded(value.substr(second + 1));
  auto decoded = decode_text(bytes, value.substr(0, first));
  return decoded ? decoded->text : bytes;
}

std::string read_value(std::string_view text, std::size_t& at) {
  std::string value;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      if (text[at] != '\r' && text[at] != '\n') value += text[at];
    }
    if (at < text.size()) ++at;
    return value;
  }
  const std::size_t end = std::min(text.find_first_of("; \t\r\n", at), text.size());
  value = text.substr(at, end - at);
  at = end;
  return value;
}

Parameters parse_parameters(std::string_view text) {
  Parameters parameters;
  std::size_t at = std::min(text.find(';'), text.size());
  parameters.main = unicode::to_lower(unicode::trim(text.substr(0, at)));
  while (at < text.size()) {
    at = text.find_first_not_of("; \t\r\n", at);
    if (at == none) break;
    const std::size_t equals = text.find_first_of("=;", at);
    if (equals == none || text[equals] == ';') {
      at = std::min(equals, text.size());
      continue;
    }
    std::string name = unicode::to_lower(unicode::trim(text.substr(at, equals - at)));
    at = std::min(text.find_first_not_of(" \t\r\n", equals + 1), text.size());
    std::string value = read_value(text, at);
    // Long values come as name*0, name*1*, ...
    if (const std::size_t star = name.find('*'); star != std::string::npos) {
      const std::string base = name.substr(0, star);
      const bool is_extended = name.ends_with('*');
      const bool is_first = star + 1 == name.size() || name.substr(star, 2) == "*0";
      if (is_extended) value = is_first ? decode_extended(value) : percent_decoded(value);
      if (parameters.values.size() < 100) {
        if (is_first) parameters.values[base].clear();
        parameters.values[base] += value;
      }
      continue;
    }
    if (parameters.values.size() < 100)
      parameters.values.emplace(std::move(name), std::move(value));
  }
  return parameters;
}

class MimeParser {
 public:
  explicit MimeParser(std::string_view bytes) : bytes_(bytes) {}

  Result<MimePart> parse(Span range, int depth) {
    if (depth > depth_max)
      return fail(Code::invalid_argument, "nests its parts more than {} deep", depth_max);
    if (++parts_ > parts_max)
      return fail(Code::invalid_argument, "has more than {} parts", parts_max);
    MimePart part;
    part.body = {read_headers(range, part.headers), range.end};
    const std::string boundary = read_type(part);
    if (part.type == "message/rfc822" && part.encoding != "base64")
      part.children.push_back(TRY(parse(part.body, depth + 1)));
    if (part.type.starts_with("multipart/") && !boundary.empty())
      TRY(read_children(part, "--" + boundary, depth));
    return part;
  }

 private:
  /// Gives where the body begins.
  std::size_t read_headers(Span range, std::vector<MimeHeader>& headers) const {
    std::size_t at = range.start;
    while (at < range.end) {
      const LineEnd line = line_end(bytes_, at, range.end);
      if (line.end == at) return line.next;
      const std::string_view text = bytes_.substr(at, line.end - at);
      if (is_blank_char(text[0])) {
        if (!headers.empty()) headers.back().value.end = line.end;
      } else if (const std::size_t colon = text.find(':');
                 colon != none && colon > 0 && text.find_first_of(" \t") > colon) {
        headers.push_back({unicode::to_lower(text.substr(0, colon)), {at + colon + 1, line.end}});
      } else if (!headers.empty() || !text.starts_with("From ")) {
        break;  // No header: the body begins without a blank line.
      }
      at = line.next;
    }
    return at;
  }

  /// Fills what the headers say of the content; gives the boundary of a multipart.
  std::string read_type(MimePart& part) const {
    const auto value_of = [&](std::string_view name) {
      const MimeHeader* header = part.find(name);
      return header == nullptr ? std::string_view()
                               : bytes_.substr(header->value.start, header->value.size());
    };
    Parameters type = parse_parameters(value_of("content-type"));
    if (type.main.find('/') != std::string::npos) part.type = type.main;
    part.charset = type.values["charset"];
    part.encoding = unicode::to_lower(unicode::trim(value_of("content-transfer-encoding")));
    Parameters disposition = parse_parameters(value_of("content-disposition"));
    part.is_attachment = disposition.main == "attachment";
    const std::string& name = disposition.values["filename"].empty()
                                  ? type.values["name"]
                                  : disposition.values["filename"];
    part.name = decode_mime_header(name, {0, name.size()}).text;
    return type.values["boundary"];
  }

  Result<void> read_children(MimePart& part, const std::string& mark, int depth) {
    std::size_t at = part.body.start;
    std::size_t start = none;  // Of the open part.
    while (at < part.body.end) {
      const LineEnd line = line_end(bytes_, at, part.body.end);
      const std::string_view text = bytes_.substr(at, line.end - at);
      if (text.starts_with(mark)) {
        const std::string_view rest = unicode::trim(text.substr(mark.size()));
        if (rest.empty() || rest == "--") {
          if (start != none)
            part.children.push_back(TRY(parse({start, before_line_break(start, at)}, depth + 1)));
          start = rest.empty() ? line.next : none;
          if (rest == "--") return {};
        }
      }
      at = line.next;
    }
    part.is_cut = true;
    if (start != none) part.children.push_back(TRY(parse({start, part.body.end}, depth + 1)));
    return {};
  }

  /// The line break before a boundary belongs to the boundary.
  std::size_t before_line_break(std::size_t start, std::size_t at) const {
    if (at > start && bytes_[at - 1] == '\n') --at;
    if (at > start && bytes_[at - 1] == '\r') --at;
    return at;
  }

  std::string_view bytes_;
  std::size_t parts_ = 0;
};

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

/// Pieces of at most three bytes, because four characters are three bytes.
PlacedText from_base64(std::string_view bytes, Span range) {
  PlacedText out;
  std::uint32_t bits = 0;
  int count = 0;
  std::size_t start = range.start;
  const auto emit = [&](int size, std::size_t end) {
    out.pieces.push_back({out.text.size(), static_cast<std::size_t>(size), start, end});
    for (int i = 0; i < size; ++i) out.text += static_cast<char>(bits >> (16 - 8 * i));
    bits = 0;
    count = 0;
  };
  std::size_t at = range.start;
  for (; at < range.end && bytes[at] != '='; ++at) {
    const int value = base64_value(bytes[at]);
    if (value < 0) continue;
    if (count == 0) start = at;
    bits |= static_cast<std::uint32_t>(value) << (18 - 6 * count);
    if (++count == 4) emit(3, at + 1);
  }
  if (count > 1) emit(count - 1, at);
  return out;
}

class PlacedBuilder {
 public:
  void add(std::string_view text, std::size_t start, std::size_t end) {
    if (text.empty()) return;
    if (!placed_.pieces.empty() && text.size() == end - start) {
      SourceMap::Piece& last = placed_.pieces.back();
      if (last.byte_end == start && last.length == last.byte_end - last.byte_start) {
        last.length += text.size();
        last.byte_end = end;
        placed_.text += text;
        return;
      }
    }
    placed_.pieces.push_back({placed_.text.size(), text.size(), start, end});
    placed_.text += text;
  }
  PlacedText take() { return std::move(placed_); }

 private:
  PlacedText placed_;
};

PlacedText from_quoted_printable(std::string_view bytes, Span range, bool is_word) {
  PlacedBuilder out;
  for (std::size_t at = range.start; at < range.end;) {
    const std::size_t mark =
        std::min(bytes.find_first_of(is_word ? std::string_view("=_") : "=", at), range.end);
    out.add(bytes.substr(at, mark - at), at, mark);
    at = mark;
    if (at >= range.end) break;
    if (bytes[at] == '_') {
      out.add(" ", at, at + 1);
      ++at;
      continue;
    }
    const std::size_t line = bytes.find_first_not_of(" \t", at + 1);
    if (line < range.end && (bytes[line] == '\n' || bytes.compare(line, 2, "\r\n") == 0)) {
      at = line + (bytes[line] == '\n' ? 1 : 2);  // The line goes on.
      continue;
    }
    const int high = at + 2 < range.end ? hex::value(bytes[at + 1]) : -1;
    const int low = at + 2 < range.end ? hex::value(bytes[at + 2]) : -1;
    if (high < 0 || low < 0) {
      out.add("=", at, at + 1);
      ++at;
      continue;
    }
    const char byte = static_cast<char>(high * 16 + low);
    out.add(std::string_view(&byte, 1), at, at + 3);
    at += 3;
  }
  return out.take();
}

PlacedText as_it_is(std::string_view bytes, Span range, bool is_in_mailbox) {
  PlacedBuilder out;
  std::size_t done = range.start;
  for (std::size_t at = range.start; is_in_mailbox && at < range.end;) {
    const std::size_t mark = std::min(bytes.find_first_not_of('>', at), range.end);
    if (mark > at && bytes.compare(mark, 5, "From ") == 0) {
      out.add(bytes.substr(done, at - done), done, at);
      done = at + 1;
    }
    at = line_end(bytes, at, range.end).next;
  }
  out.add(bytes.substr(done, range.end - done), done, range.end);
  return out.take();
}

/// "=?utf-8?Q?caf=C3=A9?=" at the start of `text`.
struct EncodedWord {
  std::string text;
  std::size_t bytes = 0;  ///< Zero: there is none.
};

EncodedWord encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return {};
  text =
      text.substr(0, 2000);  // RFC 2047 allows 75; many that never end must not cost their square.
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == none || charset_end + 2 >= text.size() || text[charset_end + 2] != '?')
    return {};
  const std::size_t end = text.find("?=", charset_end + 3);
  if (end == none || text.substr(2, end).find('\n') < charset_end) return {};
  std::string_view charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // "utf-8*en"
  const char kind = static_cast<char>(text[charset_end + 1] | 0x20);
  const Span inside{charset_end + 3, end};
  if (kind != 'b' && kind != 'q') return {};
  const PlacedText bytes =
      kind == 'b' ? from_base64(text, inside) : from_quoted_printable(text, inside, true);
  auto decoded = decode_text(bytes.text, charset);
  if (!decoded) return {};
  return {std::move(decoded->text), end + 2};
}

/// Line ends have no place in a header.
std::string folded_inside(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

const MimeHeader* MimePart::find(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const MimeHeader& header) { return header.name == name; });
  return found == headers.end() ? nullptr : &*found;
}

Result<MimePart> parse_mime(std::string_view bytes, Span range) {
  return MimeParser(bytes).parse(range, 0);
}

PlacedText decode_mime_header(std::string_view bytes, Span value) {
  const std::string_view raw = bytes.substr(value.start, value.size());
  // Eight-bit bytes are against the rules but common; they are read as a text file would be.
  auto decoded = decode_text(raw);
  if (!decoded) return {};
  const std::string_view text = decoded->text;
  MappedText out;
  bool after_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const EncodedWord word = encoded_word(text.substr(at));
    if (word.bytes > 0) {
      out.unit(folded_inside(word.text), at, at + word.bytes);
      at += word.bytes;
      after_word = true;
      continue;
    }
    const std::size_t space = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    if (space > at) {  // A fold is one space; between two encoded words there is none.
      const bool is_dropped = space == text.size() || out.empty() ||
                              (after_word && encoded_word(text.substr(space)).bytes > 0);
      if (!is_dropped) out.unit(" ", at, space);
      at = space;
      continue;
    }
    const std::size_t next = at + unicode::decode(text, at).bytes;
    out.verbatim(text.substr(at, next - at), at);
    at = next;
    after_word = false;
  }
  PlacedText placed;
  placed.pieces = compose(out.take_pieces(), decoded->map);
  for (SourceMap::Piece& piece : placed.pieces) {
    piece.byte_start += value.start;
    piece.byte_end += value.start;
  }
  placed.text = out.take_text();
  return placed;
}

PlacedText decode_mime_body(std::string_view bytes, const MimePart& part, bool is_in_mailbox) {
  if (part.encoding == "base64") return from_base64(bytes, part.body);
  if (part.encoding == "quoted-printable") return from_quoted_printable(bytes, part.body, false);
  return as_it_is(bytes, part.body, is_in_mailbox);
}

void align_to_code_points(std::string_view text, std::vector<SourceMap::Piece>& pieces) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    SourceMap::Piece piece = pieces[i];
    const std::size_t boundary = unicode::floor_boundary(text, piece.text_start);
    if (boundary == piece.text_start || kept == 0) {
      pieces[kept++] = piece;
      continue;
    }
    // The character begins in the piece before: what of it is whole stays, the rest joins.
    SourceMap::Piece& last = pieces[kept - 1];
    const bool is_verbatim = last.length == last.byte_end - last.byte_start;
    if (is_verbatim && boundary > last.text_start) {
      const std::size_t tail = last.text_start + last.length - boundary;
      last.length -= tail;
      last.byte_end -= tail;
      piece = {boundary, piece.length + tail, last.byte_end, piece.byte_end};
      pieces[kept++] = piece;
    } else {
      last.length = piece.text_start + piece.length - last.text_start;
      last.byte_end = std::max(last.byte_end, piece.byte_end);
    }
  }
  pieces.resize(kept);
}

std::string parse_mail_date(std::string_view text) {
  const std::string lower = unicode::to_lower(text);
  std::string_view rest = lower;
  if (const std::size_t comma = rest.find(','); comma != none && comma < 12)
    rest.remove_prefix(comma + 1);
  constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  char month_name[4] = {};
  char zone[8] = {};
  const std::string line(rest.substr(0, 60));
  const int read = std::sscanf(line.c_str(), "%d %3s %d %d:%d:%d %7s", &day, month_name, &year,
                               &hour, &minute, &second, zone);
  if (read == 5 && std::sscanf(line.c_str(), "%*d %*3s %*d %*d:%*d %7s", zone) < 1) zone[0] = 0;
  const std::size_t month_at = months.find(month_name);
  if (read < 5 || month_at == none || month_at % 3 != 0 || std::string_view(month_name).size() != 3)
    return {};
  if (year < 100) year += year < 50 ? 2000 : 1900;
  using namespace std::chrono;
  const year_month_day date(std::chrono::year(year), month(static_cast<unsigned>(month_at / 3 + 1)),
                            std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || year < 1900 || year > 9999 || hour > 23 || minute > 59 || second > 60 ||
      hour < 0 || minute < 0 || second < 0)
    return {};
  int offset = 0;  // Minutes.
  if (zone[0] == '+' || zone[0] == '-') {
    const int number = std::atoi(zone + 1);
    offset = (number / 100 * 60 + number % 100) * (zone[0] == '-' ? -1 : 1);
  }
  const auto time = sys_days(date) + hours(hour) + minutes(minute - offset) + seconds(second);
  const auto days_part = floor<days>(time);
  const year_month_day utc(days_part);
  const hh_mm_ss clock(time - days_part);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(utc.year()),
                     static_cast<unsigned>(utc.month()), static_cast<unsigned>(utc.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace slipway::documents::detail
