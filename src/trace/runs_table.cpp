#include "trace/runs_table.hpp"

#include "trace/detail/blocks.hpp"
#include "trace/detail/run_fields.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

using Cell = ParquetWriter::Cell;
using Type = ParquetWriter::Type;

std::vector<ParquetWriter::Column> columns() {
  std::vector<ParquetWriter::Column> columns;
  for (const detail::RunField& field : detail::run_fields)
    columns.push_back({field.column(), field.type});
  return columns;
}

Result<Cell> cell_of(std::string_view value, Type type) {
  if (value.empty()) return Cell();
  switch (type) {
    case Type::text: return Cell(json::unquoted(value));
    case Type::json: return Cell(std::string(value));
    case Type::time: return Cell(TRY(detail::parse_nanoseconds(json::unquoted(value))));
    case Type::integer: return Cell(TRY(json::from<std::int64_t>(TRY(json::parse(value)))));
    case Type::number: return Cell(TRY(json::from<double>(TRY(json::parse(value)))));
    case Type::boolean: return Cell(value == "true");
  }
  return Cell();
}

}  // namespace

RunsTable::RunsTable(std::unique_ptr<detail::NewFile> file)
    : file_(std::move(file)),
      writer_(columns(), [this](std::string_view bytes) { return append(bytes); }) {}

RunsTable::~RunsTable() = default;

Result<void> RunsTable::append(std::string_view bytes) {
  TRY(file_->append(bytes));
  return {};
}

Result<std::unique_ptr<RunsTable>> RunsTable::create(const std::filesystem::path& path) {
  auto file = TRY(detail::NewFile::create(path, false));
  return std::unique_ptr<RunsTable>(new RunsTable(std::move(file)));
}

Result<void> RunsTable::add(std::string_view run) {
  std::vector<Cell> row;
  row.reserve(detail::run_fields.size());
  for (const detail::RunField& field : detail::run_fields)
    row.push_back(TRY(cell_of(detail::value_of(field, run), field.type).within(field.name)));
  return writer_.add(std::move(row));
}

Result<void> RunsTable::finish() {
  TRY(writer_.finish());
  return file_->finish();
}

}  // namespace slipway::trace
