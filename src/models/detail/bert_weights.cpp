#include "models/detail/bert_weights.hpp"

#include <immintrin.h>

#include <cstring>

#include "core/files.hpp"
#include "core/log.hpp"

// Measured on bge-small-en-v1.5-q: packing takes 0.5 s, opening the packed file 6 ms, most of that
// for its checksum.
namespace slipway::models::detail {

namespace {

constexpr std::size_t line = 64;  ///< Sections begin on a line of the cache.
constexpr std::size_t output_bytes = 128;
/// Another one whenever the layout or the packing changes.
constexpr char magic[] = "slipway bert 002";

struct Head {
  char magic[16];
  std::uint64_t bytes;     ///< Of the whole file.
  std::uint64_t checksum;  ///< Of all after the head.
  BertShape shape;
  char output[output_bytes];
  std::uint32_t unused;
  std::uint64_t head_checksum;  ///< Of all before it.
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 16 + 16 + 36 + 128 + 4 + 8);

/// Four CRCs beside each other, because one waits three cycles for each of its steps. Finds damage,
/// not malice: whoever can write the cache can write what they like.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sums[4] = {1, 2, 3, 4};
  std::size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32)
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + at + i * 8, sizeof word);
      sums[i] = _mm_crc32_u64(sums[i], word);
    }
  for (; at < bytes.size(); ++at)
    sums[0] =
        _mm_crc32_u8(static_cast<std::uint32_t>(sums[0]), static_cast<unsigned char>(bytes[at]));
  std::uint64_t sum = bytes.size();
  for (const std::uint64_t part : sums) sum = sum * 0x9e3779b97f4a7c15u + part;
  return sum;
}

/// Cuts sections out of memory, one after the other. Without memory it only counts.
class Cursor {
 public:
  explicit Cursor(std::byte* memory) : memory_(memory) {}

  template <typename T>
  std::span<T> take(std::size_t count) {
    std::byte* const begin = memory_ ? memory_ + bytes_ : nullptr;
    bytes_ += (count * sizeof(T) + line - 1) / line * line;
    return {reinterpret_cast<T*>(begin), memory_ ? count : 0};
  }

  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* memory_;
  std::size_t bytes_ = 0;
};

PackedMatrix take_matrix(Cursor& cursor, std::size_t depth, std::size_t width) {
  const std::size_t panels = width / panel_width;
  PackedMatrix matrix;
  matrix.depth = depth;
  matrix.width = width;
  matrix.panels = cursor.take<std::int8_t>(depth * width);
  matrix.order = cursor.take<std::uint16_t>(panels * (depth / group_rows));
  matrix.runs = cursor.take<PanelRuns>(panels);
  matrix.sums = cursor.take<std::int32_t>(width);
  matrix.scales = cursor.take<float>(width);
  matrix.bias = cursor.take<float>(width);
  return matrix;
}

PackedNorm take_norm(Cursor& cursor, std::size_t count) {
  PackedNorm norm;
  norm.weight = cursor.take<float>(count);
  norm.bias = cursor.take<float>(count);
  return norm;
}

PackedTable take_table(Cursor& cursor, std::size_t rows, std::size_t columns) {
  PackedTable table;
  table.values = cursor.take<std::uint8_t>(rows * columns);
  table.scale = cursor.take<float>(1);
  table.zero_point = cursor.take<std::int32_t>(1);
  return table;
}

/// The layout of a packed file; reading and writing both go by it.
BertSections take_sections(Cursor& cursor, const BertShape& shape) {
  const std::size_t hidden = shape.hidden;
  BertSections sections;
  sections.words = take_table(cursor, shape.words, hidden);
  sections.positions = take_table(cursor, shape.positions, hidden);
  sections.types = take_table(cursor, shape.types, hidden);
  sections.after_embeddings = take_norm(cursor, hidden);
  for (std::size_t i = 0; i < shape.layers; ++i) {
    BertLayer layer;
    layer.query_key_value = take_matrix(cursor, hidden, 3 * hidden);
    layer.attention_out = take_matrix(cursor, hidden, hidden);
    layer.after_attention = take_norm(cursor, hidden);
    layer.inner = take_matrix(cursor, hidden, shape.inner);
    layer.outer = take_matrix(cursor, shape.inner, hidden);
    layer.after_outer = take_norm(cursor, hidden);
    sections.layers.push_back(std::move(layer));
  }
  return sections;
}

constexpr std::size_t head_bytes = (sizeof(Head) + line - 1) / line * line;

std::size_t bytes_of(const BertShape& shape) {
  Cursor counting(nullptr);
  take_sections(counting, shape);
  return head_bytes + counting.bytes();
}

// ---------------------------------------------------------------------------- Packing

void fill(const Table& table, const PackedTable& packed) {
  std::memcpy(packed.values.data(), table.values.data(), table.values.size());
  packed.scale[0] = table.scale;
  packed.zero_point[0] = table.zero_point;
}

void fill(const Norm& norm, const PackedNorm& packed) {
  std::copy(norm.weight.begin(), norm.weight.end(), packed.weight.begin());
  std::copy(norm.bias.begin(), norm.bias.end(), packed.bias.begin());
}

Result<void> fill(const Dense& dense, std::size_t begin, const PackedMatrix& packed) {
  const auto* const weights = reinterpret_cast<const std::int8_t*>(dense.weights.data());
  const auto offset = static_cast<std::ptrdiff_t>(begin);
  std::copy(dense.scales.begin(), dense.scales.end(), packed.scales.begin() + offset);
  std::copy(dense.bias.begin(), dense.bias.end(), packed.bias.begin() + offset);
  return pack({{weights, dense.weights.size()}, begin, begin + dense.outputs}, packed);
}

Result<void> fill(const BertParts& parts, const BertSections& sections) {
  fill(parts.words, sections.words);
  fill(parts.positions, sections.positions);
  fill(parts.types, sections.types);
  fill(parts.after_embeddings, sections.after_embeddings);
  for (std::size_t i = 0; i < parts.layers.size(); ++i) {
    const BertLayerParts& from = parts.layers[i];
    const BertLayer& to = sections.layers[i];
    const std::size_t hidden = parts.shape.hidden;
    TRY(fill(from.query, 0, to.query_key_value));
    TRY(fill(from.key, hidden, to.query_key_value));
    TRY(fill(from.value, 2 * hidden, to.query_key_value));
    TRY(fill(from.attention_out, 0, to.attention_out));
    TRY(fill(from.inner, 0, to.inner));
    TRY(fill(from.outer, 0, to.outer));
    fill(from.after_attention, to.after_attention);
    fill(from.after_outer, to.after_outer);
  }
  return {};
}

/// What the kernels rely on without looking.
Result<void> check(const BertSections& sections) {
  for (const BertLayer& layer : sections.layers)
    for (const PackedMatrix* matrix :
         {&layer.query_key_value, &layer.attention_out, &layer.inner, &layer.outer})
      TRY(check(*matrix));
  return {};
}

Result<Head> read_head(std::string_view bytes) {
  const Error damaged = fail(Code::invalid_argument, "it is damaged");
  Head head;
  if (bytes.size() < head_bytes) return damaged;
  std::memcpy(&head, bytes.data(), sizeof head);
  const std::string_view before(bytes.data(), offsetof(Head, head_checksum));
  if (std::memcmp(head.magic, magic, sizeof head.magic) != 0 || head.bytes != bytes.size() ||
      head.head_checksum != checksum(before) || head.output[output_bytes - 1] != '\0' ||
      !check(head.shape) || bytes_of(head.shape) != bytes.size() ||
      head.checksum != checksum(bytes.substr(head_bytes)))
    return damaged;
  return head;
}

std::filesystem::path cached_path(const std::string& hash) {
  constexpr std::size_t digits = 32;
  const std::size_t colon = hash.find(':');
  const std::string number = hash.substr(colon == std::string::npos ? 0 : colon + 1, digits);
  return cache_directory() / "bert" / fmt::format("{}-{}.packed", number, magic + sizeof magic - 4);
}

}  // namespace

Result<BertWeights> BertWeights::from_cache(const std::filesystem::path& path) {
  BertWeights weights;
  weights.file_.emplace(TRY(MappedFile::open(path)));
  const std::string_view bytes = weights.file_->bytes();
  const Head head = TRY(read_head(bytes));
  weights.shape_ = head.shape;
  weights.output_ = head.output;
  // Sections are written only while they are made, in a buffer; this memory is only read.
  Cursor cursor(reinterpret_cast<std::byte*>(const_cast<char*>(bytes.data())) + head_bytes);
  weights.sections_ = take_sections(cursor, weights.shape_);
  TRY(check(weights.sections_));
  return weights;
}

Result<BertWeights> BertWeights::from_parts(const BertParts& parts) {
  if (parts.output.size() >= output_bytes || parts.output.find('\0') != std::string::npos)
    return fail(Code::unsupported, "the name of the output is too long");
  BertWeights weights;
  weights.shape_ = parts.shape;
  weights.output_ = parts.output;
  weights.bytes_ = bytes_of(parts.shape);
  weights.buffer_.reset(static_cast<std::byte*>(std::aligned_alloc(line, weights.bytes_)));
  if (!weights.buffer_) return fail(Code::unavailable, "no memory for {} bytes", weights.bytes_);
  std::byte* const memory = weights.buffer_.get();
  std::memset(memory, 0, weights.bytes_);
  Cursor cursor(memory + head_bytes);
  weights.sections_ = take_sections(cursor, weights.shape_);
  TRY(fill(parts, weights.sections_));

  Head head{};
  std::memcpy(head.magic, magic, sizeof head.magic);
  head.bytes = weights.bytes_;
  head.shape = parts.shape;
  std::memcpy(head.output, parts.output.data(), parts.output.size());
  const std::string_view all(reinterpret_cast<const char*>(memory), weights.bytes_);
  head.checksum = checksum(all.substr(head_bytes));
  head.head_checksum =
      checksum({reinterpret_cast<const char*>(&head), offsetof(Head, head_checksum)});
  std::memcpy(memory, &head, sizeof head);
  return weights;
}

Result<BertWeights> BertWeights::from_model(std::string_view bytes) {
  const auto graph = TRY(parse_onnx(bytes));
  const BertParts parts = TRY(recognize_bert(*graph));
  return from_parts(parts);
}

Result<BertWeights> BertWeights::open(const std::filesystem::path& path, const std::string& hash) {
  const std::filesystem::path cached = cached_path(hash);
  if (auto weights = from_cache(cached)) return weights;
  const MappedFile model = TRY(MappedFile::open(path));
  BertWeights weights = TRY(from_model(model.bytes()));
  const std::string_view packed(reinterpret_cast<const char*>(weights.buffer_.get()),
                                weights.bytes_);
  if (const auto written = write_file_atomically(cached, packed); !written)
    log::debug("opening {} will take longer: {}", path.string(), written.error().message());
  else if (auto mapped = from_cache(cached))
    return mapped;  // Its memory is shared with other processes.
  return weights;
}

}  // namespace slipway::models::detail
