#include "datasets/detail/csv.hpp"

#include <algorithm>

namespace slipway::datasets::detail {

namespace {

class Reader {
 public:
  Reader(std::string_view text, char divider) : text_(text), divider_(divider) {}

  bool is_done() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  Result<std::vector<std::string>> record() {
    const int begin = line_;
    std::vector<std::string> cells(1);
    for (;;) {
      if (at_ < text_.size() && text_[at_] == '"' && cells.back().empty()) {
        if (!quoted(cells.back()))
          return fail(Code::invalid_argument, "line {}: a quote is opened and never closed", begin);
        continue;
      }
      if (is_done() || text_[at_] == '\n' || text_[at_] == '\r') break;
      if (text_[at_] == divider_)
        cells.emplace_back();
      else
        cells.back() += text_[at_];
      ++at_;
    }
    if (!is_done() && text_[at_] == '\r') ++at_;
    if (!is_done() && text_[at_] == '\n') ++at_;
    ++line_;
    return cells;
  }

 private:
  bool quoted(std::string& cell) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return true;
        }
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      cell += text_[at_];
    }
    return false;
  }

  std::string_view text_;
  char divider_;
  std::size_t at_ = 0;
  int line_ = 1;
};

char divider_of(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  char most = ',';
  for (const char c : {',', ';', '\t'})
    if (std::count(line.begin(), line.end(), c) > std::count(line.begin(), line.end(), most))
      most = c;
  return most;
}

}  // namespace

Result<Table> read_csv(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  Reader reader(text, divider_of(text));
  Table table;
  table.columns = TRY(reader.record());
  while (!reader.is_done()) {
    const int line = reader.line();
    std::vector<std::string> cells = TRY(reader.record());
    if (cells.size() == 1 && cells.front().empty()) continue;
    if (cells.size() != table.columns.size())
      return fail(Code::invalid_argument, "line {}: {} cells, but the first line names {} columns",
                  line, cells.size(), table.columns.size());
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace slipway::datasets::detail
