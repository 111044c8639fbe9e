// RFC 4180, as spreadsheets write it: the delimiter is found out, a line "sep=;" is obeyed, a field
// may break its line inside quotes. A quotation mark within an unquoted field is only a character.
#include <algorithm>
#include <map>

#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/office_text.hpp"
#include "documents/detail/table_text.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t columns_max = 20'000;

class CsvParser {
 public:
  CsvParser(std::string_view text, char delimiter, std::size_t at = 0)
      : text_(text), delimiter_(delimiter), at_(at) {}

  bool is_done() const { return at_ >= text_.size(); }
  std::size_t at() const { return at_; }

  /// Fails: invalid_argument (a quote is never closed, too many columns).
  Result<TableCells> next_record() {
    TableCells cells;
    while (true) {
      if (cells.size() == columns_max)
        return fail(Code::invalid_argument, "has more than {} columns in line {}", columns_max,
                    line_of(at_));
      cells.push_back(TRY(next_field()));
      if (at_ >= text_.size()) return cells;
      const char end = text_[at_++];
      if (end == delimiter_) continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      return cells;
    }
  }

 private:
  /// Up to the delimiter or line break behind it.
  Result<TableCell> next_field() {
    TableCell cell;
    if (at_ < text_.size() && text_[at_] == '"') TRY(read_quoted(cell));
    std::size_t end = at_;  // A loop, because find_first_of of so few characters is slower.
    while (end < text_.size() && text_[end] != delimiter_ && text_[end] != '\n' &&
           text_[end] != '\r')
      ++end;
    add(cell, text_.substr(at_, end - at_), at_, end);
    at_ = end;
    return cell;
  }

  Result<void> read_quoted(TableCell& cell) {
    const std::size_t open = at_++;
    while (true) {
      const std::size_t end = text_.find_first_of("\"\r\n", at_);
      if (end == std::string_view::npos)
        return fail(Code::invalid_argument, "the quotation mark in line {} is never closed",
                    line_of(open));
      add(cell, text_.substr(at_, end - at_), at_, end);
      at_ = end + 1;
      const bool is_pair = at_ < text_.size() && text_[at_] == (text_[end] == '"' ? '"' : '\n');
      if (text_[end] == '"') {
        if (!is_pair) return {};
        add(cell, "\"", end, end + 2);
        ++at_;
      } else {
        if (text_[end] == '\r' && is_pair) ++at_;
        add(cell, " ", end, at_);
      }
    }
  }

  static void add(TableCell& cell, std::string_view text, std::size_t start, std::size_t end) {
    if (text.empty()) return;
    cell.pieces.push_back({cell.text.size(), text.size(), start, end});
    cell.text += text;
  }

  std::size_t line_of(std::size_t at) const {
    return 1 + static_cast<std::size_t>(std::count(
                   text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }

  std::string_view text_;
  char delimiter_;
  std::size_t at_;
};

/// How well a delimiter explains the first records: in how many of them it gives the same number of
/// fields, of which there must be two.
struct Fit {
  std::size_t records = 0;
  std::size_t agreeing = 0;
  std::size_t fields = 0;
  bool is_better_than(const Fit& other) const {
    const std::size_t mine = agreeing * std::max<std::size_t>(other.records, 1);
    const std::size_t theirs = other.agreeing * std::max<std::size_t>(records, 1);
    return mine > theirs || (mine == theirs && fields > other.fields);
  }
};

Fit fit_of(std::string_view start, char delimiter) {
  constexpr std::size_t records_max = 30;
  CsvParser parser(start, delimiter);
  std::map<std::size_t, std::size_t> counts;
  Fit fit;
  while (!parser.is_done() && fit.records < records_max) {
    const auto record = parser.next_record();
    if (!record) break;
    if (record->size() == 1 && record->front().text.empty()) continue;
    ++fit.records;
    ++counts[record->size()];
  }
  for (const auto& [fields, count] : counts)
    if (fields > 1 && count >= fit.agreeing) fit = {fit.records, count, fields};
  return fit;
}

char find_delimiter(std::string_view text) {
  constexpr std::size_t sample_bytes = 64u << 10;
  Fit best;
  char found = ',';
  for (const char delimiter : {',', ';', '\t', '|'}) {
    const Fit fit = fit_of(text.substr(0, sample_bytes), delimiter);
    if (fit.fields < 2 || !fit.is_better_than(best)) continue;
    best = fit;
    found = delimiter;
  }
  return found;
}

/// Where records start: behind "sep=;", which then is the delimiter.
std::size_t read_separator_line(std::string_view text, char& delimiter) {
  if (!text.starts_with("sep=") || text.size() < 6) return 0;
  const std::size_t end = text.find('\n');
  if (end != 5 && !(end == 6 && text[5] == '\r')) return 0;
  delimiter = text[4];
  return end + 1;
}

json::Array column_names(const std::vector<std::string>& headers) {
  json::Array names;
  for (const std::string& header : headers)
    if (!header.empty()) names.push_back(json::Value(boost::json::string(header)));
  return names;
}

}  // namespace

Result<Documents> read_csv(const ReadTask& task) {
  DecodedText decoded = TRY(decode_text(task.bytes, task.charset));
  const std::string_view text = decoded.text;
  char delimiter = task.media_type == "text/tab-separated-values" ? '\t' : find_delimiter(text);
  CsvParser parser(text, delimiter, 0);
  std::int64_t row = 0;
  if (const std::size_t start = read_separator_line(text, delimiter); start > 0) {
    parser = CsvParser(text, delimiter, start);
    row = 1;
  }
  Document document;
  MappedText mapped;
  mapped.reserve(text.size() * 2);
  TableWriter table(mapped, document.map.rows);
  while (!parser.is_done()) {
    table.add(++row, TRY(parser.next_record()));
    if (mapped.text().size() > task.text_bytes_max)
      return fail(Code::invalid_argument, "its text is larger than the limit of {} MiB; split it",
                  task.text_bytes_max >> 20);
  }
  table.finish();
  document.map.pieces = compose(mapped.take_pieces(), decoded.map);
  document.text = mapped.take_text();
  document.warnings = std::move(decoded.warnings);
  if (!table.headers().empty()) document.metadata["columns"] = column_names(table.headers());
  warn_of_hidden(table.invisible(), document);
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
