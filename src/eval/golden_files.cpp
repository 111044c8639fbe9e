#include "eval/golden_files.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/ascii.hpp"
#include "core/files.hpp"
#include "core/json_exact.hpp"
#include "core/unicode.hpp"
#include "core/yaml.hpp"
#include "eval/detail/cells.hpp"
#include "eval/detail/csv.hpp"
#include "eval/detail/foreign_goldens.hpp"

namespace slipway::eval {

namespace {

using detail::CellKind;
using detail::Table;

bool ends_with(std::string_view name, std::string_view ending) {
  return ascii::lower(name).ends_with(ending);
}

/// What the members of a record tell of its maker. Ours are asked for last: others use them too.
std::optional<GoldenFormat> format_of(const std::vector<std::string_view>& members) {
  const auto has = [&](std::string_view name) {
    return std::find(members.begin(), members.end(), name) != members.end();
  };
  if (has("user_input") || (has("question") && (has("contexts") || has("ground_truth"))))
    return GoldenFormat::ragas;
  if (has("inputs")) return GoldenFormat::langsmith;
  if (has("question") && (has("answers") || has("context"))) return GoldenFormat::squad;
  if (has("vars")) return GoldenFormat::promptfoo;
  for (const std::string_view theirs :
       {"additional_metadata", "additionalMetadata", "actualOutput", "expectedOutput",
        "source_file", "sourceFile", "retrievalContext", "toolsCalled", "expectedTools",
        "token_cost", "comments", "custom_column_key_values"})
    if (has(theirs)) return GoldenFormat::deepeval;
  if (has("input")) return GoldenFormat::native;
  return std::nullopt;
}

std::vector<std::string_view> members_of(const json::Object& object) {
  std::vector<std::string_view> members;
  for (const auto& item : object) members.emplace_back(item.key());
  return members;
}

Error unrecognized(std::string_view place, const std::vector<std::string_view>& members) {
  return fail(Code::invalid_argument,
              "{}: neither a golden (\"input\") nor a record of deepeval, RAGAS, LangSmith, "
              "promptfoo or SQuAD; it has: {}",
              place, fmt::join(members, ", "));
}

/// Gathers goldens and holds their ids apart.
class Gathering {
 public:
  explicit Gathering(GoldenFile& file) : file_(file) {}

  Result<void> take(json::Object native, const std::string& place) {
    auto parsed = parse_golden(json::Value(std::move(native)));
    if (!parsed) return std::move(parsed.error()).within(place);
    return take(*std::move(parsed), place);
  }

  Result<void> take(Golden golden, const std::string& place) {
    if (file_.goldens.size() >= goldens_max)
      return fail(Code::invalid_argument, "{}: more than {} goldens; divide the file", place,
                  goldens_max);
    const bool is_named = !golden.id.empty();
    identify(golden);
    const auto [known, is_new] = places_.emplace(golden.id, place);
    if (!is_new) {
      if (is_named)
        return fail(Code::invalid_argument,
                    "{}: id '{}' is that of {} too; each golden has its own", place, golden.id,
                    known->second);
      if (file_.notes.size() < notes_max)
        file_.notes.push_back(fmt::format("{} repeats {}", place, known->second));
      return {};
    }
    file_.goldens.push_back(std::move(golden));
    return {};
  }

  Result<void> take_foreign(const json::Object& record, const std::string& place) {
    auto native = detail::native_of(record, file_.format);
    if (!native) return std::move(native.error()).within(place);
    if (file_.format != GoldenFormat::native) detail::restore_own(record, file_.format, *native);
    return take(*std::move(native), place);
  }

 private:
  static constexpr std::size_t notes_max = 100;
  GoldenFile& file_;
  std::map<std::string, std::string> places_;
};

/// "line 3: ..." instead of the line within that line.
Error at_line(const Error& error, std::size_t line) {
  constexpr std::string_view first = "at line 1,";
  std::string message = error.message();
  if (const std::size_t at = message.find(first); at != std::string::npos)
    message.replace(at, first.size(), fmt::format("at line {},", line));
  return Error(error.code(), std::move(message));
}

Result<void> read_lines(std::string_view text, std::optional<GoldenFormat> format,
                        GoldenFile& file) {
  Gathering gathering(file);
  file.layout = GoldenLayout::jsonl;
  bool is_first = true;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = unicode::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    const std::string place = fmt::format("line {}", line);
    const auto value = json::parse_exact(one);
    if (!value) return at_line(value.error(), line);
    if (!value->is_object())
      return fail(Code::invalid_argument, "{}: an object is wanted, got {}", place,
                  json::kind_name(*value));
    const json::Object& record = value->get_object();
    if (is_first) {
      const auto members = members_of(record);
      if (!format) format = format_of(members);
      if (!format) return unrecognized(place, members);
      file.format = *format;
      is_first = false;
    }
    if (file.format == GoldenFormat::promptfoo) {
      for (json::Object& golden : TRY(detail::promptfoo_goldens(json::Array{*value}).within(place)))
        TRY(gathering.take(std::move(golden), place));
      continue;
    }
    TRY(gathering.take_foreign(record, place));
  }
  return {};
}

Result<void> take_all(std::vector<json::Object> goldens, Gathering& gathering) {
  for (std::size_t i = 0; i < goldens.size(); ++i)
    TRY(gathering.take(std::move(goldens[i]), fmt::format("golden {}", i + 1)));
  return {};
}

/// One value: a list of records, or an object that holds them.
Result<void> read_value(const json::Value& value, std::optional<GoldenFormat> format,
                        GoldenFile& file) {
  Gathering gathering(file);
  const json::Array* items = value.if_array();
  if (const json::Object* object = value.if_object()) {
    if (!format && object->contains("tests")) format = GoldenFormat::promptfoo;
    if (!format && object->contains("data")) format = GoldenFormat::squad;
    // An export of a dataset: {"examples": [...]}, {"goldens": [...]}.
    for (const char* key : {"examples", "goldens", "test_cases", "testCases", "samples"})
      if (const json::Value* inner = object->if_contains(key); inner != nullptr && !items)
        items = inner->if_array();
  }
  if (items != nullptr && !format && !items->empty()) {
    const auto members = items->front().is_object() ? members_of(items->front().get_object())
                                                    : std::vector<std::string_view>();
    format = format_of(members);
    if (!format) return unrecognized("$[0]", members);
  }
  file.format = format.value_or(GoldenFormat::native);
  if (file.format == GoldenFormat::promptfoo)
    return take_all(TRY(detail::promptfoo_goldens(value)), gathering);
  if (file.format == GoldenFormat::squad && items == nullptr)
    return take_all(TRY(detail::squad_goldens(value)), gathering);
  if (items == nullptr)
    return fail(Code::invalid_argument,
                "a list of goldens is wanted, got {}; one object a line is JSON Lines",
                json::kind_name(value));
  for (std::size_t i = 0; i < items->size(); ++i) {
    const std::string place = fmt::format("$[{}]", i);
    if (!(*items)[i].is_object())
      return fail(Code::invalid_argument, "{}: an object is wanted, got {}", place,
                  json::kind_name((*items)[i]));
    TRY(gathering.take_foreign((*items)[i].get_object(), place));
  }
  return {};
}

std::string place_of(const detail::Cell& cell, const std::string& column) {
  return fmt::format("line {}, column {} ({})", cell.line, cell.column, column);
}

/// The record of a row; columns that the format does not know are metadata of that golden.
Result<json::Object> record_of(const Table& table, const std::vector<detail::Cell>& row,
                               GoldenFormat format) {
  json::Object record, metadata;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string& column = table.columns[i];
    const auto kind = detail::kind_of(column, format);
    auto value = detail::cell_value(row[i].text, kind.value_or(CellKind::text));
    if (!value) return std::move(value.error()).within(place_of(row[i], column));
    if (value->is_null()) continue;
    if (kind)
      record[column] = *std::move(value);
    else
      metadata[column] = *std::move(value);
  }
  if (format == GoldenFormat::langsmith || format == GoldenFormat::native) {
    json::Value& known = record["metadata"];
    if (!known.is_object()) known.emplace_object();
    for (const auto& [key, value] : metadata) known.get_object()[key] = value;
    if (known.get_object().empty()) record.erase("metadata");
  } else {
    for (const auto& [key, value] : metadata) record[key] = value;
  }
  return record;
}

/// A value of a member that the golden refuses stands in a cell: names it.
Error in_row(Error error, const Table& table, const std::vector<detail::Cell>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string path = "$." + table.columns[i];
    const std::string& message = error.message();
    if (!message.starts_with(path)) continue;
    const std::string_view rest = std::string_view(message).substr(path.size());
    if (rest.starts_with(':') || rest.starts_with('[') || rest.starts_with('.'))
      return std::move(error).within(place_of(row[i], table.columns[i]));
  }
  return std::move(error).within(fmt::format("line {}", row.front().line));
}

Result<void> read_rows(std::string_view text, std::optional<GoldenFormat> format,
                       GoldenFile& file) {
  file.layout = GoldenLayout::csv;
  const Table table = TRY(detail::read_table(text));
  const std::vector<std::string_view> columns(table.columns.begin(), table.columns.end());
  if (!format) format = format_of(columns);
  if (!format) return unrecognized("line 1", columns);
  if (*format == GoldenFormat::promptfoo)
    return fail(Code::unsupported, "tables of promptfoo are not read; its YAML and JSON are");
  file.format = *format;
  Gathering gathering(file);
  for (const auto& row : table.rows) {
    const json::Object record = TRY(record_of(table, row, file.format));
    auto native = detail::native_of(record, file.format);
    if (!native) return in_row(std::move(native.error()), table, row);
    detail::restore_own(record, file.format, *native);
    auto parsed = parse_golden(*native);
    if (!parsed) return in_row(std::move(parsed.error()), table, row);
    TRY(gathering.take(*std::move(parsed), fmt::format("line {}", row.front().line)));
  }
  return {};
}

Result<void> read_into(std::string_view text, std::string_view name,
                       std::optional<GoldenFormat> format, GoldenFile& file) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  if (!unicode::is_valid_utf8(text))
    return fail(Code::invalid_argument, "the file is not UTF-8; save it in that encoding");
  if (ends_with(name, ".csv")) return read_rows(text, format, file);
  if (ends_with(name, ".yaml") || ends_with(name, ".yml")) {
    file.layout = GoldenLayout::yaml;
    const yaml::Document document = TRY(yaml::parse(text));
    return read_value(document.value, format, file);
  }
  const std::string_view trimmed = unicode::trim(text);
  // Lines and one object look alike: an object that is complete in its first line is a line.
  const bool is_lines =
      ends_with(name, ".jsonl") || ends_with(name, ".ndjson") || trimmed.empty() ||
      (trimmed.front() == '{' && json::parse(trimmed.substr(0, trimmed.find('\n'))).ok() &&
       !ends_with(name, ".json"));
  if (is_lines) return read_lines(text, format, file);
  if (trimmed.front() != '[' && trimmed.front() != '{') return read_rows(text, format, file);
  file.layout = GoldenLayout::json;
  const auto value = json::parse_exact(text);
  // JSON Lines under the name of JSON is common.
  if (!value && trimmed.front() == '{') return read_lines(text, format, file);
  if (!value) return value.error();
  if (value->is_object() && value->get_object().contains("input"))
    return read_lines(text, format, file);
  return read_value(*value, format, file);
}

/// The record of a golden with all that has no place in that format.
Result<json::Object> written_record(const Golden& golden, GoldenFormat format) {
  json::Object record = detail::foreign_of(golden, format);
  if (format == GoldenFormat::native) return record;
  const json::Object back = TRY(detail::native_of(record, format));
  detail::keep_own(golden, back, format, record);
  return record;
}

/// Columns that every table of that format has, in order.
std::vector<std::string> first_columns(GoldenFormat format) {
  switch (format) {
    case GoldenFormat::deepeval:
      return {"input",
              "actual_output",
              "expected_output",
              "retrieval_context",
              "context",
              "name",
              "comments",
              "source_file",
              "tools_called",
              "expected_tools",
              "token_cost",
              "input_token_count",
              "output_token_count",
              "additional_metadata",
              "custom_column_key_values",
              "expectations"};
    case GoldenFormat::ragas: return {"user_input", "response", "retrieved_contexts", "reference"};
    case GoldenFormat::langsmith: return {"inputs", "outputs", "metadata", "split"};
    default: return {"id", "input", "expected_output"};
  }
}

/// What a reader makes of the record's cells.
Result<json::Object> through_cells(const json::Object& record, GoldenFormat format) {
  json::Object read;
  for (const auto& [key, value] : record) {
    const CellKind kind = detail::kind_of(key, format).value_or(CellKind::text);
    json::Value back = TRY(detail::cell_value(detail::cell_text(value, kind, format), kind));
    if (!back.is_null()) read[key] = std::move(back);
  }
  return read;
}

Result<std::string> write_table(const std::vector<Golden>& goldens, GoldenFormat format) {
  std::vector<json::Object> records;
  std::vector<std::string> columns = first_columns(format);
  std::set<std::string, std::less<>> known(columns.begin(), columns.end());
  for (const Golden& golden : goldens) {
    json::Object record = detail::foreign_of(golden, format);
    // Cells say less than JSON: an empty text is none there.
    const json::Object read = TRY(through_cells(record, format));
    detail::keep_own(golden, TRY(detail::native_of(read, format)), format, record);
    for (const auto& item : record)
      if (known.emplace(item.key()).second) columns.emplace_back(item.key());
    records.push_back(std::move(record));
  }
  std::string out;
  detail::append_row(out, columns);
  for (const json::Object& record : records) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) {
      const json::Value* value = record.if_contains(column);
      const CellKind kind = detail::kind_of(column, format).value_or(CellKind::text);
      cells.push_back(value != nullptr ? detail::cell_text(*value, kind, format) : "");
    }
    detail::append_row(out, cells);
  }
  return out;
}

}  // namespace

Result<GoldenFile> read_goldens(std::string_view text, std::string_view name,
                                std::optional<GoldenFormat> format) {
  GoldenFile file;
  if (text.size() > golden_file_bytes_max)
    return fail(Code::invalid_argument, "more than {} bytes; divide the file",
                golden_file_bytes_max);
  TRY(read_into(text, name, format, file));
  return file;
}

Result<GoldenFile> load_goldens(const std::filesystem::path& path,
                                std::optional<GoldenFormat> format) {
  const std::string text = TRY(read_file(path, golden_file_bytes_max));
  return read_goldens(text, path.filename().string(), format).within(path.string());
}

Result<std::string> write_goldens(const std::vector<Golden>& goldens, GoldenFormat format,
                                  GoldenLayout layout) {
  if (format == GoldenFormat::promptfoo || format == GoldenFormat::squad ||
      layout == GoldenLayout::yaml)
    return fail(Code::unsupported,
                "goldens are written as native, deepeval, ragas or langsmith, in "
                "jsonl, json or csv; not as {} in {}",
                json::name(format), json::name(layout));
  if (layout == GoldenLayout::csv) return write_table(goldens, format);
  std::string lines;
  json::Array array;
  for (const Golden& golden : goldens) {
    json::Object record = TRY(written_record(golden, format));
    if (layout == GoldenLayout::jsonl)
      lines += json::dump(record) + '\n';
    else
      array.push_back(std::move(record));
  }
  return layout == GoldenLayout::jsonl ? lines : json::dump_pretty(array);
}

}  // namespace slipway::eval
