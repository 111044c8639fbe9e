#include "trace/runs_table.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "core/json_members.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

using Cell = ParquetWriter::Cell;
using Type = ParquetWriter::Type;

struct Field {
  std::string_view name;
  Type type = Type::text;
  std::string_view parent = {};  ///< "usage", "cost"; else it is the run's own.
};

constexpr std::array fields = {
    Field{"id"},
    Field{"trace_id"},
    Field{"parent_id"},
    Field{"project"},
    Field{"name"},
    Field{"kind"},
    Field{"status"},
    Field{"error"},
    Field{"start_time", Type::time},
    Field{"end_time", Type::time},
    Field{"latency_ms", Type::number},
    Field{"first_token_ms", Type::number},
    Field{"session_id"},
    Field{"user_id"},
    Field{"provider"},
    Field{"model"},
    Field{"input_tokens", Type::integer, "usage"},
    Field{"output_tokens", Type::integer, "usage"},
    Field{"total_tokens", Type::integer, "usage"},
    Field{"cache_read_tokens", Type::integer, "usage"},
    Field{"cache_write_tokens", Type::integer, "usage"},
    Field{"reasoning_tokens", Type::integer, "usage"},
    Field{"source", Type::text, "usage"},
    Field{"total_usd", Type::number, "cost"},
    Field{"price_id", Type::text, "cost"},
    Field{"inputs", Type::json},
    Field{"outputs", Type::json},
    Field{"events", Type::json},
    Field{"tags", Type::json},
    Field{"metadata", Type::json},
    Field{"attributes", Type::json},
};

std::vector<ParquetWriter::Column> columns() {
  std::vector<ParquetWriter::Column> columns;
  for (const Field& field : fields)
    columns.push_back({field.parent.empty() ? std::string(field.name)
                                            : fmt::format("{}_{}", field.parent, field.name),
                       field.type});
  return columns;
}

Result<Cell> cell_of(std::string_view value, Type type) {
  if (value.empty() || value == "null") return Cell();
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

RunsTable::RunsTable(std::filesystem::path path)
    : path_(std::move(path)),
      temporary_(path_.string() + ".tmp"),
      file_(temporary_, std::ios::binary | std::ios::trunc),
      writer_(columns(), [this](std::string_view bytes) { return put(bytes); }) {}

Result<std::unique_ptr<RunsTable>> RunsTable::create(const std::filesystem::path& path) {
  std::unique_ptr<RunsTable> table(new RunsTable(path));
  if (!table->file_)
    return fail(Code::unavailable, "cannot write '{}': {}", path.string(), std::strerror(errno));
  return table;
}

RunsTable::~RunsTable() {
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

Result<void> RunsTable::put(std::string_view bytes) {
  file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file_)
    return fail(Code::unavailable, "cannot write '{}': {}", path_.string(), std::strerror(errno));
  return {};
}

Result<void> RunsTable::add(std::string_view run) {
  std::vector<Cell> row;
  row.reserve(fields.size());
  for (const Field& field : fields) {
    const std::string_view holder = field.parent.empty() ? run : json::member(run, field.parent);
    row.push_back(TRY(cell_of(json::member(holder, field.name), field.type).within(field.name)));
  }
  return writer_.add(std::move(row));
}

Result<void> RunsTable::finish() {
  TRY(writer_.finish());
  file_.close();
  std::error_code error;
  if (file_) std::filesystem::rename(temporary_, path_, error);
  if (!file_ || error)
    return fail(Code::unavailable, "cannot write '{}': {}", path_.string(),
                error ? error.message() : std::strerror(errno));
  return {};
}

}  // namespace slipway::trace
