#include "trace/parquet.hpp"

#include <zstd.h>

#include <cstring>

namespace slipway::trace {

namespace {

constexpr std::string_view magic = "PAR1";
constexpr std::size_t group_rows_max = 65'536;
constexpr std::size_t group_bytes_max = 32u << 20;

// Numbers of parquet.thrift.
enum Physical { boolean_type = 0, int64_type = 2, double_type = 5, bytes_type = 6 };
enum Converted { utf8 = 0, json_text = 19 };
constexpr int optional_repetition = 1, plain = 0, rle = 3, zstd = 6, data_page = 0;

/// Thrift's compact protocol, as far as the metadata needs it.
class Thrift {
 public:
  enum Kind : unsigned { true_kind = 1, i32 = 5, i64 = 6, binary = 8, list = 9, structure = 12 };

  void number(int id, std::int64_t value, Kind kind = i32) {
    field(id, kind);
    zigzag(value);
  }
  void text(int id, std::string_view value) {
    field(id, binary);
    bare_text(value);
  }
  void truth(int id) { field(id, true_kind); }
  void begin(int id) {
    field(id, structure);
    begin();
  }
  /// An item of a list.
  void begin() {
    outer_.push_back(last_);
    last_ = 0;
  }
  void end() {
    out_ += '\0';
    last_ = outer_.back();
    outer_.pop_back();
  }
  void begin_list(int id, std::size_t size, Kind kind) {
    field(id, list);
    constexpr std::size_t short_max = 14;
    if (size <= short_max) {
      out_ += static_cast<char>((size << 4u) | kind);
    } else {
      out_ += static_cast<char>(0xf0u | kind);
      varint(size);
    }
  }
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1u) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void bare_text(std::string_view value) {
    varint(value.size());
    out_ += value;
  }
  /// The outermost structure, ended.
  std::string take() {
    out_ += '\0';
    return std::move(out_);
  }

 private:
  void field(int id, Kind kind) {
    const int step = id - last_;
    constexpr int short_max = 15;
    if (step > 0 && step <= short_max) {
      out_ += static_cast<char>((static_cast<unsigned>(step) << 4u) | kind);
    } else {
      out_ += static_cast<char>(kind);
      zigzag(id);
    }
    last_ = id;
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80u; value >>= 7u) out_ += static_cast<char>(value | 0x80u);
    out_ += static_cast<char>(value);
  }

  std::string out_;
  int last_ = 0;
  std::vector<int> outer_;
};

template <typename Number>
void append_raw(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);  // Little-endian, as we are.
  out.append(bytes, sizeof number);
}

int physical(ParquetWriter::Type type) {
  switch (type) {
    case ParquetWriter::Type::text:
    case ParquetWriter::Type::json: return bytes_type;
    case ParquetWriter::Type::integer:
    case ParquetWriter::Type::time: return int64_type;
    case ParquetWriter::Type::number: return double_type;
    case ParquetWriter::Type::boolean: return boolean_type;
  }
  return bytes_type;
}

/// Which rows have a value: runs of the same, as the hybrid of RLE and bit packing has them.
std::string levels_of(const std::vector<bool>& present) {
  std::string runs;
  for (std::size_t at = 0; at < present.size();) {
    std::size_t end = at + 1;
    while (end < present.size() && present[end] == present[at]) ++end;
    std::uint64_t header = static_cast<std::uint64_t>(end - at) << 1u;
    for (; header >= 0x80u; header >>= 7u) runs += static_cast<char>(header | 0x80u);
    runs += static_cast<char>(header);
    runs += present[at] ? '\1' : '\0';
    at = end;
  }
  std::string levels;
  append_raw(levels, static_cast<std::uint32_t>(runs.size()));
  return levels + runs;
}

std::string packed_bits(const std::vector<bool>& bits) {
  std::string bytes((bits.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i]) bytes[i / 8] = static_cast<char>(bytes[i / 8] | (1 << (i % 8)));
  return bytes;
}

Result<std::string> compressed(std::string_view bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  constexpr int level = 3;
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) != 0) return fail(Code::internal, "zstd: {}", ZSTD_getErrorName(size));
  packed.resize(size);
  return packed;
}

void describe(Thrift& thrift, const ParquetWriter::Column& column) {
  using Type = ParquetWriter::Type;
  thrift.begin();
  thrift.number(1, physical(column.type));
  thrift.number(3, optional_repetition);
  thrift.text(4, column.name);
  if (column.type == Type::text) thrift.number(6, utf8);
  if (column.type == Type::json) thrift.number(6, json_text);
  if (column.type == Type::time) {
    thrift.begin(10);  // LogicalType
    thrift.begin(8);   // TIMESTAMP
    thrift.truth(1);   // Adjusted to UTC.
    thrift.begin(2);   // TimeUnit
    thrift.begin(3);   // NANOS
    for (int i = 0; i < 4; ++i) thrift.end();
  }
  thrift.end();
}

}  // namespace

ParquetWriter::ParquetWriter(std::vector<Column> columns, Out out)
    : columns_(std::move(columns)), out_(std::move(out)), pending_(columns_.size()) {}

Result<void> ParquetWriter::put(std::string_view bytes) {
  TRY(out_(bytes));
  written_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

Result<void> ParquetWriter::add(std::vector<Cell> row) {
  SLIPWAY_ASSERT(row.size() == columns_.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    Pending& pending = pending_[i];
    const std::size_t before = pending.values.size();
    pending.present.push_back(!std::holds_alternative<std::monostate>(row[i]));
    if (const auto* text = std::get_if<std::string>(&row[i])) {
      append_raw(pending.values, static_cast<std::uint32_t>(text->size()));
      pending.values += *text;
    } else if (const auto* integer = std::get_if<std::int64_t>(&row[i])) {
      append_raw(pending.values, *integer);
    } else if (const auto* number = std::get_if<double>(&row[i])) {
      append_raw(pending.values, *number);
    } else if (const auto* truth = std::get_if<bool>(&row[i])) {
      pending.bits.push_back(*truth);
    }
    pending_bytes_ += pending.values.size() - before;
  }
  ++rows_;
  if (++pending_rows_ >= group_rows_max || pending_bytes_ >= group_bytes_max) return write_group();
  return {};
}

Result<void> ParquetWriter::write_group() {
  if (written_ == 0) TRY(put(magic));
  Group group{.rows = static_cast<std::int64_t>(pending_rows_)};
  for (Pending& pending : pending_) group.chunks.push_back(TRY(write_chunk(pending)));
  groups_.push_back(std::move(group));
  pending_.assign(columns_.size(), {});
  pending_rows_ = pending_bytes_ = 0;
  return {};
}

Result<ParquetWriter::Chunk> ParquetWriter::write_chunk(const Pending& pending) {
  const std::string page = levels_of(pending.present) + pending.values + packed_bits(pending.bits);
  const std::string packed = TRY(compressed(page));
  Thrift head;
  head.number(1, data_page);
  head.number(2, static_cast<std::int64_t>(page.size()));
  head.number(3, static_cast<std::int64_t>(packed.size()));
  head.begin(5);
  head.number(1, static_cast<std::int64_t>(pending.present.size()));
  head.number(2, plain);
  head.number(3, rle);
  head.number(4, rle);
  head.end();
  const std::string bytes = head.take();
  Chunk chunk{.offset = written_};
  chunk.plain_size = static_cast<std::int64_t>(bytes.size() + page.size());
  chunk.packed_size = static_cast<std::int64_t>(bytes.size() + packed.size());
  TRY(put(bytes));
  TRY(put(packed));
  return chunk;
}

Result<void> ParquetWriter::finish() {
  if (pending_rows_ > 0) TRY(write_group());
  if (written_ == 0) TRY(put(magic));
  std::string end = footer();
  append_raw(end, static_cast<std::uint32_t>(end.size()));
  end += magic;
  return put(end);
}

std::string ParquetWriter::footer() const {
  Thrift thrift;
  thrift.number(1, 2);  // Version of the format.
  thrift.begin_list(2, columns_.size() + 1, Thrift::structure);
  thrift.begin();
  thrift.text(4, "runs");
  thrift.number(5, static_cast<std::int64_t>(columns_.size()));
  thrift.end();
  for (const Column& column : columns_) describe(thrift, column);
  thrift.number(3, rows_, Thrift::i64);
  thrift.begin_list(4, groups_.size(), Thrift::structure);
  for (const Group& group : groups_) {
    thrift.begin();
    thrift.begin_list(1, columns_.size(), Thrift::structure);
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Chunk& chunk = group.chunks[i];
      bytes += chunk.plain_size;
      thrift.begin();
      thrift.number(2, chunk.offset, Thrift::i64);
      thrift.begin(3);
      thrift.number(1, physical(columns_[i].type));
      thrift.begin_list(2, 2, Thrift::i32);
      thrift.zigzag(plain);
      thrift.zigzag(rle);
      thrift.begin_list(3, 1, Thrift::binary);
      thrift.bare_text(columns_[i].name);
      thrift.number(4, zstd);
      thrift.number(5, group.rows, Thrift::i64);
      thrift.number(6, chunk.plain_size, Thrift::i64);
      thrift.number(7, chunk.packed_size, Thrift::i64);
      thrift.number(9, chunk.offset, Thrift::i64);
      thrift.end();
      thrift.end();
    }
    thrift.number(2, bytes, Thrift::i64);
    thrift.number(3, group.rows, Thrift::i64);
    thrift.end();
  }
  thrift.text(6, "slipway");
  return thrift.take();
}

}  // namespace slipway::trace
