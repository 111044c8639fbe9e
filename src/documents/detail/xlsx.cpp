// Sheets are read as a stream, row by row: a sheet with a million rows never becomes a tree. Values
// are shown as a spreadsheet shows them where that is simple (dates, percentages, true and false)
// and as they are stored otherwise; formulas give the value that was computed last. Hidden sheets,
// rows and columns are left out, reported and counted.
#include <charconv>
#include <cmath>
#include <set>

#include "core/unicode.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/office_text.hpp"
#include "documents/detail/table_text.hpp"
#include "documents/detail/xlsx_numbers.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t columns_max = 16'384;  // Excel's own limits.
constexpr std::int64_t rows_max = 1'048'576;

struct Sheet {
  std::string name;
  std::string part;
  bool is_hidden = false;
};

struct Workbook {
  std::vector<Sheet> sheets;
  std::vector<std::string> strings;
  NumberFormats formats;
  bool counts_from_1904 = false;
};

/// "BC12" is column 54 (from 0); none when there are no letters or too many.
std::optional<std::size_t> column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
    if (column > columns_max) return std::nullopt;
  }
  if (column == 0) return std::nullopt;
  return column - 1;
}

std::int64_t number_of(std::string_view text, std::int64_t missing) {
  std::int64_t value = missing;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The text of a shared or inline string: its runs joined, without the reading of characters.
Result<std::string> read_string(XmlReader& reader) {
  std::string text;
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    if (reader.name() == "t")
      text += TRY(reader.inner_text());
    else if (reader.name() == "rPh")
      TRY(reader.skip());
  }
  return text;
}

Result<void> read_workbook(OfficePackage& package, Workbook& workbook) {
  const Relationships relationships = TRY(package.relationships(package.main_part()));
  if (package.main_part().ends_with(".bin"))
    return fail(Code::unsupported, "is a binary workbook (XLSB); save it as XLSX");
  const std::string xml = TRY(package.read(package.main_part()));
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() == "workbookPr")
          workbook.counts_from_1904 = is_on(reader.attribute("date1904"), false);
        if (reader.name() != "sheet") return {};
        const auto found = relationships.find(reader.prefixed_attribute("id"));
        const std::string state = reader.attribute("state");
        Sheet sheet{clean_title(reader.attribute("name")), "", state.ends_with("idden")};
        if (found != relationships.end() && found->second.type == "worksheet")
          sheet.part = found->second.target;
        else if (found != relationships.end())
          return {};  // A sheet that is only a chart.
        workbook.sheets.push_back(std::move(sheet));
        return {};
      }).within(package.main_part()));
  const std::string strings = OfficePackage::target_of(relationships, "sharedStrings");
  if (package.has(strings)) {
    const std::string table = TRY(package.read(strings));
    TRY(for_each_start(table, [&](XmlReader& reader) -> Result<void> {
          if (reader.name() == "si") workbook.strings.push_back(TRY(read_string(reader)));
          return {};
        }).within(strings));
  }
  const std::string styles = OfficePackage::target_of(relationships, "styles");
  if (package.has(styles)) TRY(workbook.formats.read(TRY(package.read(styles))).within(styles));
  return {};
}

class SheetReader {
 public:
  SheetReader(const Workbook& workbook, TableWriter& table, OfficeText& hidden)
      : workbook_(workbook), table_(table), hidden_(hidden) {}

  Result<void> read(std::string_view xml, bool is_hidden) {
    return for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
      if (reader.name() == "col") return read_column(reader);
      if (reader.name() == "row") return read_row(reader, is_hidden);
      return {};
    });
  }
  std::size_t hidden_rows() const { return hidden_rows_; }
  std::size_t hidden_columns() const { return hidden_columns_.size(); }

 private:
  Result<void> read_column(XmlReader& reader) {
    if (!is_on(reader.attribute("hidden"), false)) return {};
    const std::int64_t first = number_of(reader.attribute("min"), 1);
    const std::int64_t last = std::min<std::int64_t>(number_of(reader.attribute("max"), first),
                                                     static_cast<std::int64_t>(columns_max));
    for (std::int64_t column = std::max<std::int64_t>(first, 1); column <= last; ++column)
      hidden_columns_.insert(static_cast<std::size_t>(column - 1));
    return {};
  }

  Result<void> read_row(XmlReader& reader, bool sheet_is_hidden) {
    row_ = number_of(reader.attribute("r"), row_ + 1);
    if (row_ < 1 || row_ > rows_max)
      return fail(Code::invalid_argument, "names row {}, which no sheet has", row_);
    const bool is_hidden = is_on(reader.attribute("hidden"), false);
    TableCells cells;
    const std::size_t outside = reader.depth() - 1;
    while (reader.depth() > outside) {
      const XmlEvent event = TRY(reader.next());
      if (event == XmlEvent::done) break;
      if (event == XmlEvent::start && reader.name() == "c") TRY(read_cell(reader, cells));
    }
    if (is_hidden || sheet_is_hidden) {
      for (const TableCell& cell : cells) hidden_.hide(cell.text);
      hidden_rows_ += is_hidden && !cells.empty();
      return {};
    }
    table_.add(row_, std::move(cells));
    return {};
  }

  Result<void> read_cell(XmlReader& reader, TableCells& cells) {
    const std::string reference = reader.attribute("r");
    const auto column = reference.empty() ? std::optional(cells.size()) : column_of(reference);
    if (!column || *column >= columns_max)
      return fail(Code::invalid_argument, "names cell '{}', which no sheet has",
                  reference.substr(0, 20));
    std::string type = reader.attribute("t");
    const auto style = static_cast<std::size_t>(
        std::clamp<std::int64_t>(number_of(reader.attribute("s"), 0), 0, 1 << 20));
    std::string value;
    const std::size_t outside = reader.depth() - 1;
    while (reader.depth() > outside) {
      const XmlEvent event = TRY(reader.next());
      if (event == XmlEvent::done) break;
      if (event != XmlEvent::start) continue;
      if (reader.name() == "v")
        value = TRY(reader.inner_text());
      else if (reader.name() == "is")
        value = TRY(read_string(reader));
      else
        TRY(reader.skip());
    }
    if (value.empty()) return {};
    std::string text = TRY(shown(type, style, value));
    if (hidden_columns_.contains(*column)) {
      hidden_.hide(text);
      return {};
    }
    if (cells.size() <= *column) cells.resize(*column + 1);
    cells[*column].text = folded(text);
    return {};
  }

  Result<std::string> shown(const std::string& type, std::size_t style,
                            const std::string& value) const {
    if (type == "s") {
      const auto at = static_cast<std::size_t>(number_of(value, -1));
      if (at < workbook_.strings.size()) return workbook_.strings[at];
      return fail(Code::invalid_argument, "names string {} of {}; it is damaged",
                  value.substr(0, 20), workbook_.strings.size());
    }
    if (type == "b") return std::string(value == "1" ? "true" : "false");
    if (type == "str" || type == "inlineStr" || type == "e" || type == "d") return value;
    return workbook_.formats.show(value, style, workbook_.counts_from_1904);
  }

  const Workbook& workbook_;
  TableWriter& table_;
  OfficeText& hidden_;
  std::set<std::size_t> hidden_columns_;
  std::size_t hidden_rows_ = 0;
  std::int64_t row_ = 0;
};

/// Collects what was left out, for one warning each.
struct LeftOut {
  std::vector<std::string> sheets;
  std::size_t rows = 0;
  std::size_t columns = 0;

  void warn(Document& document) const {
    if (!sheets.empty())
      document.warnings.push_back(
          fmt::format("hidden sheets left out: {}", fmt::join(sheets, ", ")));
    if (rows > 0) document.warnings.push_back(fmt::format("hidden rows left out: {}", rows));
    if (columns > 0)
      document.warnings.push_back(fmt::format("hidden columns left out: {}", columns));
  }
};

class WorkbookText {
 public:
  WorkbookText(const Workbook& workbook, Document& document)
      : workbook_(workbook), document_(document) {}

  Result<void> add(const Sheet& sheet, std::string_view xml) {
    std::vector<SourceMap::Row> unused;
    MappedText nothing;
    const int index = static_cast<int>(document_.map.sheets.size());
    if (!sheet.is_hidden) {
      document_.map.sheets.push_back(sheet.name);
      if (!text_.empty()) text_.synthetic("\n\n");
      document_.map.headings.push_back({text_.text().size(), 1, sheet.name});
      text_.synthetic(sheet.name + "\n");
    }
    TableWriter table(sheet.is_hidden ? nothing : text_,
                      sheet.is_hidden ? unused : document_.map.rows, index);
    SheetReader reader(workbook_, table, hidden_);
    TRY(reader.read(xml, sheet.is_hidden));
    table.finish();
    hidden_.hide_more(table.invisible());
    if (sheet.is_hidden) {
      left_out_.sheets.push_back(sheet.name);
      return {};
    }
    left_out_.rows += reader.hidden_rows();
    left_out_.columns += reader.hidden_columns();
    return {};
  }

  std::size_t size() const { return text_.text().size(); }

  void finish() {
    const bool has_rows = !document_.map.rows.empty();
    if (has_rows) document_.text = text_.take_text();  // Names of sheets alone are no text.
    if (!has_rows) document_.map = SourceMap();
    left_out_.warn(document_);
    warn_of_hidden(hidden_.hidden(), document_);
  }

 private:
  const Workbook& workbook_;
  Document& document_;
  MappedText text_;
  OfficeText hidden_;
  LeftOut left_out_;
};

}  // namespace

Result<Documents> read_xlsx(const ReadTask& task) {
  OfficePackage package = TRY(OfficePackage::open(task));
  Workbook workbook;
  TRY(read_workbook(package, workbook));
  Document document;
  TRY(package.read_properties(document));
  WorkbookText text(workbook, document);
  for (const Sheet& sheet : workbook.sheets) {
    if (sheet.part.empty())
      return fail(Code::invalid_argument, "its sheet '{}' has no part; it is damaged", sheet.name);
    const std::string xml = TRY(package.read(sheet.part));
    TRY(text.add(sheet, xml).within(fmt::format("sheet '{}'", sheet.name)));
    if (text.size() > task.text_bytes_max)
      return fail(Code::invalid_argument, "its text is larger than the limit of {} MiB; split it",
                  task.text_bytes_max >> 20);
  }
  text.finish();
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
