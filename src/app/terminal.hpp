// What goes to the two output streams, and how it looks on a terminal and elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::app {

/// How text looks on one stream. A value.
struct Style {
  bool is_terminal = false;
  bool has_colour = false;
  int width = 80;  ///< Columns that text may take.

  std::string bold(std::string_view text) const;
  std::string dim(std::string_view text) const;
  std::string red(std::string_view text) const;
  std::string green(std::string_view text) const;
  std::string yellow(std::string_view text) const;
};

/// The style of a file descriptor: colours only on a terminal, and neither when NO_COLOR is set nor
/// when TERM is "dumb". Elsewhere 80 columns, or $COLUMNS.
Style style_of(int descriptor);

/// One output stream. Writes whole texts and remembers the first failure. Safe from many threads.
class Output {
 public:
  explicit Output(int descriptor) : descriptor_(descriptor) {}
  /// Collects into `text` (borrowed): for tests.
  explicit Output(std::string& text) : text_(&text) {}

  /// After a failure nothing more is written.
  void write(std::string_view text);
  /// False once the reader has gone away: producing more is useless, and no error.
  bool has_reader() const;
  /// Fails: unavailable (full disk, closed descriptor). A reader that has gone is success.
  Result<void> status() const;

 private:
  const int descriptor_ = -1;
  std::string* const text_ = nullptr;
  mutable std::mutex mutex_;
  int error_ = 0;
};

/// Columns that a text takes on a terminal: wide scripts two, marks none.
int display_width(std::string_view text);

/// Foreign text made safe to show: control characters (which could drive the terminal) become
/// U+FFFD, invisible ones go; line breaks and tabs stay.
std::string printable(std::string_view text);

/// Words of `text` in lines of at most `width` columns; white space folds. A longer word is cut.
/// Never empty lines; no lines for blank text.
std::vector<std::string> wrap(std::string_view text, int width);

/// `wrap` joined, each line behind `indent` and ended by a line break.
std::string wrap_indented(std::string_view text, int width, std::string_view indent);

/// The longest start of `text` that fits `width` columns, with "…" when something was cut.
std::string clip(std::string_view text, int width);

/// "1234567" -> "1,234,567"
std::string group_digits(std::int64_t number);
/// "1.2 s", "340 ms", "2 min 5 s"
std::string format_seconds(double seconds);
/// "12.3 MB"
std::string format_bytes(std::uint64_t bytes);

/// Columns aligned with two spaces between them; the last column is not padded. `header` may be
/// empty.
std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows);

/// Wraps a text that comes in pieces. Not thread safe.
class FlowingText {
 public:
  explicit FlowingText(int width) : width_(width) {}
  /// What to write now so that the words of `piece` follow what was added before.
  std::string add(std::string_view piece);
  /// Ends the last line.
  std::string finish();

 private:
  const int width_;
  int column_ = 0;
};

/// Tells on stderr how far long work is: a bar on a terminal, elsewhere at most one plain line a
/// second and none in the first. Safe from many threads.
class Progress {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Now = std::function<Time()>;
  struct Options {
    Style style;
    bool is_quiet = false;
    std::string what;  ///< "ingest"
    std::string unit;  ///< "documents"
    Now now = [] { return std::chrono::steady_clock::now(); };
  };
  Progress(Output& output, Options options);
  /// Takes the bar away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `total` 0: not known yet.
  void show(std::int64_t done, std::int64_t total, const std::string& detail);
  void clear();

 private:
  std::string bar(std::int64_t done, std::int64_t total, const std::string& detail) const;

  Output& output_;
  const Options options_;
  std::mutex mutex_;
  Time shown_at_;
  bool is_bar_shown_ = false;
};

}  // namespace slipway::app
