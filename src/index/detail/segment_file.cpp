#include "index/detail/segment_file.hpp"

#include <nmmintrin.h>

#include <array>
#include <cstring>

#include "core/files.hpp"
#include "core/mapped_file.hpp"

namespace slipway::index {

namespace {

constexpr std::uint32_t format = 1;
constexpr char magic[8] = {'S', 'L', 'P', 'W', 'S', 'E', 'G', '\n'};
constexpr std::size_t alignment = 64;
constexpr std::size_t block_bytes = 64u << 10;
constexpr std::size_t array_count = std::tuple_size_v<decltype(SegmentArrays::members())>;
// The CRCs of the vectors' blocks stand before the vectors, which are the last array.
constexpr std::size_t block_crcs = array_count - 1;
constexpr std::size_t vectors = array_count;
constexpr std::size_t section_count = array_count + 1;

struct Section {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  std::uint32_t reserved = 0;
};

struct Header {
  char magic[8];
  std::uint32_t format = index::format;
  std::uint32_t dimension = 0;
  std::uint64_t file_bytes = 0;
  std::uint32_t crc = 0;  ///< Of the header with 0 here, and of the table.
  std::uint32_t reserved = 0;
  Section sections[section_count];
};
static_assert(std::is_trivially_copyable_v<Header>);

template <typename T>
std::string_view bytes_of_object(const T& object) {
  return {reinterpret_cast<const char*>(&object), sizeof object};
}

template <typename T>
std::string_view bytes_of_span(std::span<const T> span) {
  return {reinterpret_cast<const char*>(span.data()), span.size_bytes()};
}

std::uint32_t checksum_of(Header header) {
  header.crc = 0;
  return crc32c(bytes_of_object(header));
}

std::size_t round_up(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

class MappedVectors final : public VectorGuard {
 public:
  MappedVectors(std::string_view bytes, std::span<const std::uint32_t> crcs)
      : bytes_(bytes), crcs_(crcs), states_(std::make_unique<std::atomic<State>[]>(crcs.size())) {}

  bool is_sound(std::size_t first_byte, std::size_t bytes) const override {
    const std::size_t last = (first_byte + bytes + block_bytes - 1) / block_bytes;
    for (std::size_t block = first_byte / block_bytes; block < last; ++block)
      if (state_of(block) != State::sound) return false;
    return true;
  }

 private:
  enum class State : std::uint8_t { unknown, sound, damaged };

  /// Two threads may check one block at once, and find the same.
  State state_of(std::size_t block) const {
    State state = states_[block].load(std::memory_order_relaxed);
    if (state != State::unknown) return state;
    state = crc32c(bytes_.substr(block * block_bytes, block_bytes)) == crcs_[block]
                ? State::sound
                : State::damaged;
    states_[block].store(state, std::memory_order_relaxed);
    return state;
  }

  std::string_view bytes_;
  std::span<const std::uint32_t> crcs_;
  std::unique_ptr<std::atomic<State>[]> states_;
};

std::vector<std::uint32_t> crcs_of_blocks(std::string_view bytes) {
  std::vector<std::uint32_t> crcs;
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes)
    crcs.push_back(crc32c(bytes.substr(at, block_bytes)));
  return crcs;
}

/// Reads the sections of one file.
class Reader {
 public:
  Reader(const std::filesystem::path& path, std::string_view bytes) : path_(path), bytes_(bytes) {}

  Result<void> check_header(std::size_t dimension, std::uint32_t checksum) {
    if (bytes_.size() < sizeof header_) return damaged("it is too short");
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    if (std::memcmp(header_.magic, magic, sizeof magic) != 0 || header_.format != format)
      return damaged("it is no segment of this version");
    if (header_.crc != checksum || checksum_of(header_) != checksum)
      return damaged("its header has another checksum");
    if (header_.file_bytes != bytes_.size()) return damaged("its size is another");
    if (header_.dimension != dimension) return damaged("its vectors have another dimension");
    return {};
  }

  template <typename T>
  Result<void> read(std::size_t section, std::span<const T>& out) const {
    const Section& s = header_.sections[section];
    if (s.offset % alignment != 0 || s.offset > bytes_.size() ||
        s.bytes > bytes_.size() - s.offset || s.bytes % sizeof(T) != 0)
      return damaged("a section is not inside");
    const std::string_view bytes = bytes_.substr(s.offset, s.bytes);
    if (section != vectors && crc32c(bytes) != s.crc) return damaged("a section has changed");
    out = {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
    return {};
  }

  /// What the sizes of the arrays must be to each other.
  Result<void> check_sizes(const SegmentArrays& a, std::span<const std::uint32_t> crcs) const {
    const std::size_t documents = a.document_rows.size(), chunks = a.lengths.size();
    const std::size_t words = a.word_starts.size();
    const std::size_t code_bytes =
        (chunks + code_block_rows - 1) / code_block_rows * code_block_bytes(header_.dimension);
    const bool fits =
        a.document_id_starts.size() == documents + 1 &&
        a.attribute_starts.size() == documents + 1 && a.first_chunks.size() == documents + 1 &&
        a.chunk_documents.size() == chunks && a.chunk_id_starts.size() == chunks + 1 &&
        a.vector_sum.size() == header_.dimension &&
        a.vectors.size() == chunks * row_stride(header_.dimension) &&
        crcs.size() == (a.vectors.size_bytes() + block_bytes - 1) / block_bytes && words > 0 &&
        a.posting_starts.size() == words && a.position_starts.size() == words &&
        a.posting_counts.size() == a.posting_chunks.size() &&
        (a.codes.empty() ? a.centre.empty()
                         : a.codes.size() == code_bytes && a.centre.size() == header_.dimension);
    return fits ? Result<void>() : damaged("its sections do not fit together");
  }

 private:
  Error damaged(std::string_view why) const {
    return fail(Code::invalid_argument, "segment {} is damaged: {}", path_.string(), why);
  }

  const std::filesystem::path& path_;
  std::string_view bytes_;
  Header header_{};
};

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
  std::uint64_t state = ~crc;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    state = _mm_crc32_u64(state, word);
  }
  for (; left > 0; --left)
    state = _mm_crc32_u8(static_cast<std::uint32_t>(state), static_cast<std::uint8_t>(*at++));
  return ~static_cast<std::uint32_t>(state);
}

Result<std::uint32_t> write_segment(const std::filesystem::path& path, const Segment& segment) {
  const SegmentArrays& arrays = segment.arrays();
  std::vector<std::string_view> contents;
  std::apply([&](auto... member) { (contents.push_back(bytes_of_span(arrays.*member)), ...); },
             SegmentArrays::members());
  const auto crcs = crcs_of_blocks(contents.back());
  contents.insert(contents.end() - 1, bytes_of_span(std::span(crcs)));

  static constexpr std::array<char, alignment> zeros{};
  Header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.dimension = static_cast<std::uint32_t>(segment.dimension());
  std::vector<std::string_view> parts{bytes_of_object(header)};
  std::size_t end = sizeof header;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (const std::size_t gap = round_up(end) - end; gap > 0) parts.emplace_back(zeros.data(), gap);
    header.sections[i] = {round_up(end), contents[i].size(), i == vectors ? 0 : crc32c(contents[i]),
                          0};
    parts.push_back(contents[i]);
    end = round_up(end) + contents[i].size();
  }
  header.file_bytes = end;
  header.crc = checksum_of(header);
  TRY(write_file_atomically(path, parts));
  return header.crc;
}

Result<std::shared_ptr<const Segment>> open_segment(const std::filesystem::path& path,
                                                    std::size_t dimension, std::uint32_t checksum) {
  auto file = std::make_shared<const MappedFile>(TRY(MappedFile::open(path)));
  Reader reader(path, file->bytes());
  TRY(reader.check_header(dimension, checksum));
  SegmentArrays arrays;
  Result<void> done;
  std::size_t section = 0;
  std::apply(
      [&](auto... member) {
        const auto read = [&](auto& array) {
          if (section == block_crcs) ++section;
          if (done) done = reader.read(section, array);
          ++section;
        };
        (read(arrays.*member), ...);
      },
      SegmentArrays::members());
  TRY(std::move(done));
  std::span<const std::uint32_t> crcs;
  TRY(reader.read(block_crcs, crcs));
  TRY(reader.check_sizes(arrays, crcs));
  auto guard = std::make_unique<const MappedVectors>(bytes_of_span(arrays.vectors), crcs);
  return std::make_shared<const Segment>(dimension, arrays, std::move(file), std::move(guard),
                                         path.filename().string());
}

}  // namespace slipway::index
