#include "app/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/unicode.hpp"

namespace slipway::app {

namespace {

/// Prose wider than this is hard to read, however wide the window is.
constexpr int width_readable_max = 100;
constexpr int width_min = 40;
constexpr int width_default = 80;

std::string paint(bool enabled, std::string_view code, std::string_view text) {
  if (!enabled || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

int columns_from_environment() {
  const char* text = std::getenv("COLUMNS");
  return text == nullptr ? 0 : std::atoi(text);
}

int character_width(char32_t c) {
  if (unicode::is_mark(c) || unicode::is_invisible(c)) return 0;
  const bool is_emoji = c >= 0x1F300 && c <= 0x1FAFF;
  const bool is_full_width = (c >= 0xFF01 && c <= 0xFF60) || (c >= 0x3000 && c <= 0x303F);
  return unicode::is_cjk(c) || is_emoji || is_full_width ? 2 : 1;
}

/// Calls `on_word` for each run of characters that are not white space.
template <typename F>
void for_each_word(std::string_view text, F&& on_word) {
  std::size_t start = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto decoded = unicode::decode(text, at);
    if (unicode::is_space(decoded.code_point)) {
      if (at > start) on_word(text.substr(start, at - start));
      start = at + decoded.bytes;
    }
    at += decoded.bytes;
  }
  if (at > start) on_word(text.substr(start, at - start));
}

/// Bytes of the longest start of `text` that fits `width` columns; at least one character.
std::size_t fitting_bytes(std::string_view text, int width) {
  std::size_t at = 0;
  int used = 0;
  while (at < text.size()) {
    const auto decoded = unicode::decode(text, at);
    used += character_width(decoded.code_point);
    if (used > width && at > 0) break;
    at += decoded.bytes;
  }
  return at;
}

}  // namespace

std::string Style::bold(std::string_view text) const { return paint(has_colour, "1", text); }
std::string Style::dim(std::string_view text) const { return paint(has_colour, "2", text); }
std::string Style::red(std::string_view text) const { return paint(has_colour, "31", text); }
std::string Style::green(std::string_view text) const { return paint(has_colour, "32", text); }
std::string Style::yellow(std::string_view text) const { return paint(has_colour, "33", text); }

Style style_of(int descriptor) {
  Style style;
  style.is_terminal = ::isatty(descriptor) == 1;
  int columns = 0;
  if (winsize size{}; style.is_terminal && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0)
    columns = size.ws_col;
  if (columns <= 0) columns = columns_from_environment();
  if (columns <= 0) columns = width_default;
  style.width = std::clamp(columns, width_min, width_readable_max);
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool is_dumb = term == nullptr || std::string_view(term) == "dumb";
  style.has_colour = style.is_terminal && !is_dumb && (no_colour == nullptr || *no_colour == '\0');
  return style;
}

void Output::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (text_ != nullptr) {
    text_->append(text);
    return;
  }
  while (!text.empty() && error_ == 0) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      error_ = errno;
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool Output::has_reader() const {
  const std::lock_guard lock(mutex_);
  return error_ != EPIPE;
}

Result<void> Output::status() const {
  const std::lock_guard lock(mutex_);
  if (error_ == 0 || error_ == EPIPE) return {};
  return fail(Code::unavailable, "cannot write to {}: {}",
              descriptor_ == STDOUT_FILENO ? "standard output" : "the output",
              std::strerror(error_));
}

int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = unicode::decode(text, at);
    width += character_width(decoded.code_point);
    at += decoded.bytes;
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = unicode::decode(text, at);
    const char32_t c = decoded.code_point;
    const bool is_layout = c == '\n' || c == '\t';
    const bool is_break = c == '\r';  // Part of CRLF, or an old Mac line end.
    const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    if (is_break) {
      if (at + 1 >= text.size() || text[at + 1] != '\n') safe += '\n';
    } else if (is_control && !is_layout) {
      unicode::append(safe, 0xFFFD);
    } else if (!unicode::is_invisible(c)) {
      unicode::append(safe, c);
    }
    at += decoded.bytes;
  }
  return safe;
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  int column = 0;
  for_each_word(text, [&](std::string_view word) {
    while (!word.empty()) {
      const int word_width = display_width(word);
      if (!lines.empty() && column + 1 + word_width <= width) {
        lines.back() += ' ';
        lines.back() += word;
        column += 1 + word_width;
        return;
      }
      const std::size_t bytes = word_width <= width ? word.size() : fitting_bytes(word, width);
      lines.emplace_back(word.substr(0, bytes));
      column = display_width(lines.back());
      word.remove_prefix(bytes);
    }
  });
  return lines;
}

std::string wrap_indented(std::string_view text, int width, std::string_view indent) {
  std::string out;
  for (const std::string& line : wrap(text, std::max(10, width - display_width(indent))))
    out += fmt::format("{}{}\n", indent, line);
  return out;
}

std::string clip(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  if (width < 2) return "…";
  return std::string(text.substr(0, fitting_bytes(text, width - 1))) + "…";
}

std::string group_digits(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string format_seconds(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::string_view units[] = {"B", "kB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 999.5 && unit + 1 < std::size(units); ++unit) size /= 1000;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, units[unit]);
}

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  const auto measure = [&](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  };
  measure(header);
  for (const auto& row : rows) measure(row);

  std::string out;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size())
        line.append(static_cast<std::size_t>(widths[i] - display_width(row[i])) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (!line.empty()) out += line + "\n";
  };
  add(header);
  for (const auto& row : rows) add(row);
  return out;
}

std::string FlowingText::add(std::string_view piece) {
  std::string out;
  for_each_word(piece, [&](std::string_view word) {
    const int width = display_width(word);
    if (column_ > 0 && column_ + 1 + width > width_) {
      out += '\n';
      column_ = 0;
    } else if (column_ > 0) {
      out += ' ';
      ++column_;
    }
    out += word;
    column_ += width;
  });
  return out;
}

std::string FlowingText::finish() {
  const bool is_open = column_ > 0;
  column_ = 0;
  return is_open ? "\n" : "";
}

Progress::Progress(Output& output, Options options)
    : output_(output), options_(std::move(options)), shown_at_(options_.now()) {}

Progress::~Progress() { clear(); }

void Progress::show(std::int64_t done, std::int64_t total, const std::string& detail) {
  if (options_.is_quiet) return;
  constexpr auto bar_interval = std::chrono::milliseconds(100);
  constexpr auto line_interval = std::chrono::seconds(1);
  const std::lock_guard lock(mutex_);
  const Time now = options_.now();
  if (options_.style.is_terminal) {
    if (is_bar_shown_ && now - shown_at_ < bar_interval && done != total) return;
    output_.write("\r\x1b[2K" + bar(done, total, detail));
    is_bar_shown_ = true;
  } else {
    if (now - shown_at_ < line_interval) return;
    const std::string of_total = total > 0 ? fmt::format(" of {}", group_digits(total)) : "";
    output_.write(fmt::format("{}: {}{} {}, {}\n", options_.what, group_digits(done), of_total,
                              options_.unit, printable(detail)));
  }
  shown_at_ = now;
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (is_bar_shown_) output_.write("\r\x1b[2K");
  is_bar_shown_ = false;
}

std::string Progress::bar(std::int64_t done, std::int64_t total, const std::string& detail) const {
  constexpr int cells = 24;
  std::string text;
  if (total > 0) {
    const auto filled = static_cast<int>(std::min(done, total) * cells / total);
    for (int i = 0; i < cells; ++i) text += i < filled ? "█" : "░";
    text += fmt::format(" {:3}% ", std::min(done, total) * 100 / total);
  }
  text += group_digits(done);
  if (total > 0) text += "/" + group_digits(total);
  text += fmt::format(" {} · {}", options_.unit, printable(detail));
  // One column less than the window: some terminals wrap when the last one is filled.
  return clip(text, options_.style.width - 1);
}

}  // namespace slipway::app
