#include "trace/runs_sql.hpp"

#include <charconv>
#include <optional>

#include "trace/detail/blocks.hpp"
#include "trace/detail/run_fields.hpp"

namespace slipway::trace {

namespace {

using detail::RunField;

constexpr std::string_view head = R"(\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
BEGIN;
)";

constexpr std::string_view indexes =
    R"(CREATE INDEX IF NOT EXISTS slipway_runs_by_start ON slipway_runs (start_time);
CREATE INDEX IF NOT EXISTS slipway_runs_by_project ON slipway_runs (project, start_time);
CREATE INDEX IF NOT EXISTS slipway_runs_by_id ON slipway_runs (id);
CREATE TEMPORARY TABLE slipway_runs_read (LIKE slipway_runs) ON COMMIT DROP;
)";

bool is_key(const RunField& field) { return field.name == "id" || field.name == "trace_id"; }

std::string_view sql_type(const RunField& field) {
  if (field.parent == "cost" && field.type == RunField::Type::number) return "numeric";
  switch (field.type) {
    case RunField::Type::text: return "text";
    case RunField::Type::json: return "json";
    case RunField::Type::time: return "timestamptz";
    case RunField::Type::integer: return "bigint";
    case RunField::Type::number: return "double precision";
    case RunField::Type::boolean: return "boolean";
  }
  return "text";
}

std::string schema() {
  std::string columns, names;
  for (const RunField& field : detail::run_fields) {
    columns += fmt::format("  {} {}{},\n", field.column(), sql_type(field),
                           is_key(field) ? " NOT NULL" : "");
    names += (names.empty() ? "" : ", ") + field.column();
  }
  return fmt::format(
      "{}CREATE TABLE IF NOT EXISTS slipway_runs (\n{}  PRIMARY KEY (trace_id, id)\n);\n{}"
      "COPY slipway_runs_read ({}) FROM STDIN;\n",
      head, columns, indexes, names);
}

std::string tail() {
  std::string names, changes;
  for (const RunField& field : detail::run_fields) {
    names += (names.empty() ? "" : ", ") + field.column();
    if (is_key(field)) continue;
    changes += fmt::format("{}  {} = excluded.{}", changes.empty() ? "" : ",\n", field.column(),
                           field.column());
  }
  return fmt::format(
      "\\.\nINSERT INTO slipway_runs ({0})\nSELECT {0} FROM slipway_runs_read\n"
      "ON CONFLICT (trace_id, id) DO UPDATE SET\n{1};\nCOMMIT;\n",
      names, changes);
}

/// As the text format of COPY wants it.
void add_escaped(std::string& out, std::string_view text) {
  for (const char c : text) switch (c) {
      case '\0': break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\v': out += "\\v"; break;
      default: out += c;
    }
}

/// Of "\\u12ab" at the place; nothing where that is not there.
std::optional<unsigned> code_unit(std::string_view text, std::size_t at) {
  constexpr std::size_t size = 6;
  if (text.size() < at + size || text[at] != '\\' || text[at + 1] != 'u') return {};
  unsigned unit = 0;
  const char* const end = text.data() + at + size;
  const auto read = std::from_chars(text.data() + at + 2, end, unit, 16);
  return read.ptr == end ? std::optional(unit) : std::nullopt;
}

/// PostgreSQL keeps every JSON, and then refuses to look into one with a character 0 or half a
/// pair of surrogates anywhere.
std::string readable(std::string_view json) {
  constexpr std::size_t size = 6;
  const auto is_high = [](unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; };
  const auto is_low = [](unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; };
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const auto unit = code_unit(json, at);
    if (!unit) {
      const std::size_t step = json[at] == '\\' ? 2 : 1;
      out += json.substr(at, step);
      at += step;
      continue;
    }
    const auto next = code_unit(json, at + size);
    const std::size_t taken = is_high(*unit) && next && is_low(*next) ? 2 * size : size;
    const bool is_lost = taken == size && (*unit == 0 || is_high(*unit) || is_low(*unit));
    out += is_lost ? std::string_view("\\ufffd") : json.substr(at, taken);
    at += taken;
  }
  return out;
}

}  // namespace

std::string copy_row(std::string_view run) {
  std::string row;
  for (const RunField& field : detail::run_fields) {
    if (&field != &detail::run_fields.front()) row += '\t';
    const std::string_view value = detail::value_of(field, run);
    if (value.empty())
      row += "\\N";
    else if (value.starts_with('"') && field.type != RunField::Type::json)
      add_escaped(row, json::unquoted(value));
    else
      add_escaped(row, readable(value));
  }
  row += '\n';
  return row;
}

RunsSql::RunsSql(std::unique_ptr<detail::NewFile> file) : file_(std::move(file)) {}

RunsSql::~RunsSql() = default;

Result<std::unique_ptr<RunsSql>> RunsSql::create(const std::filesystem::path& path) {
  auto file = TRY(detail::NewFile::create(path, false));
  std::unique_ptr<RunsSql> made(new RunsSql(std::move(file)));
  TRY(made->file_->append(schema()));
  return made;
}

Result<void> RunsSql::add(std::string_view run) {
  TRY(file_->append(copy_row(run)));
  return {};
}

Result<void> RunsSql::finish() {
  TRY(file_->append(tail()));
  return file_->finish();
}

}  // namespace slipway::trace
