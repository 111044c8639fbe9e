#include "trace/detail/packing.hpp"

#include <algorithm>
#include <bit>

namespace slipway::trace::detail {

namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <typename Part>
std::uint64_t part_at(const char* from) {
  Part part = 0;
  std::memcpy(&part, from, sizeof part);
  return part;
}

/// The next eight bytes, or those that are left and zeros. Words of texts are short: parts that
/// overlap cost less than a call that copies as many as there are.
std::uint64_t word_at(std::string_view bytes, std::size_t at) {
  const char* const from = bytes.data() + at;
  const std::size_t left = bytes.size() - at;
  if (left >= 8) return part_at<std::uint64_t>(from);
  if (left >= 4)
    return part_at<std::uint32_t>(from) | part_at<std::uint32_t>(from + left - 4) << 8 * (left - 4);
  const std::size_t middle = left / 2, last = left - 1;
  return part_at<std::uint8_t>(from) | part_at<std::uint8_t>(from + middle) << 8 * middle |
         part_at<std::uint8_t>(from + last) << 8 * last;
}

constexpr std::uint64_t odd[] = {0xa0761d6478bd642full, 0xe7037ed1a0b428dbull,
                                 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull};

}  // namespace

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t state = seed ^ odd[0];
  std::size_t at = 0;
  for (; at + 16 <= bytes.size(); at += 16)
    state = mix(word_at(bytes, at) ^ odd[1], word_at(bytes, at + 8) ^ state ^ odd[2]);
  std::uint64_t first = 0, second = 0;
  if (at < bytes.size()) first = word_at(bytes, at);
  if (at + 8 < bytes.size()) second = word_at(bytes, at + 8);
  state = mix(first ^ odd[1], second ^ state ^ odd[3]);
  return mix(state ^ bytes.size(), odd[2]);
}

void ColumnWriter::flush() {
  if (open_.empty()) return;
  const auto [least, most] = std::minmax_element(open_.begin(), open_.end());
  ColumnView::Head head;
  head.least = *least;
  head.most = *most;
  const std::uint64_t range =
      static_cast<std::uint64_t>(*most) - static_cast<std::uint64_t>(*least);
  unsigned bits = static_cast<unsigned>(std::bit_width(range));
  if (bits > 56) bits = 64;  // Eight bytes at any bit hold 57 bits.
  head.bits = bits;
  head.offset = data_.size();
  if (bits > 0) {
    std::string packed((open_.size() * bits + 7) / 8 + 8, '\0');
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::size_t bit = i * bits;
      std::uint64_t raw = 0;
      std::memcpy(&raw, packed.data() + bit / 8, sizeof raw);
      raw |= (static_cast<std::uint64_t>(open_[i]) - static_cast<std::uint64_t>(*least))
             << (bit % 8);
      std::memcpy(packed.data() + bit / 8, &raw, sizeof raw);
    }
    packed.resize((open_.size() * bits + 7) / 8);
    data_ += packed;
  }
  heads_.append(reinterpret_cast<const char*>(&head), sizeof head);
  open_.clear();
}

std::string ColumnWriter::finish() {
  flush();
  std::string all = std::move(heads_);
  all += data_;
  all.append(8, '\0');  // A value is read as eight bytes.
  return all;
}

Result<ColumnView> ColumnView::open(std::string_view bytes, std::size_t rows) {
  ColumnView view;
  const std::size_t blocks = (rows + block_rows - 1) / block_rows;
  const auto damaged = [] { return fail(Code::invalid_argument, "a column is damaged"); };
  if (bytes.size() < blocks * sizeof(Head) + 8) return damaged();
  view.rows_ = rows;
  view.heads_ = reinterpret_cast<const Head*>(bytes.data());
  view.data_ = bytes.data() + blocks * sizeof(Head);
  const std::size_t data_bytes = bytes.size() - blocks * sizeof(Head) - 8;
  for (std::size_t block = 0; block < blocks; ++block) {
    const Head& head = view.heads_[block];
    const std::size_t count = std::min(block_rows, rows - block * block_rows);
    if (head.bits > 64 || head.offset > data_bytes ||
        (count * head.bits + 7) / 8 > data_bytes - head.offset)
      return damaged();
  }
  return view;
}

std::size_t ColumnView::lower_bound(std::int64_t value) const {
  std::size_t low = 0, high = blocks();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (heads_[middle].most < value)
      low = middle + 1;
    else
      high = middle;
  }
  std::size_t first = low * block_rows;
  std::size_t last = std::min(rows_, first + block_rows);
  if (first >= rows_) return rows_;
  while (first < last) {
    const std::size_t middle = (first + last) / 2;
    if (at(middle) < value)
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_dash_of_uuid(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }
constexpr std::size_t uuid_size = 36;

}  // namespace

std::string pack_id(std::string_view id) {
  const bool is_uuid =
      id.size() == uuid_size && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-';
  std::string packed(1, is_uuid ? 'u' : 'h');
  int half = -1;
  bool is_hex = !id.empty();
  for (std::size_t i = 0; i < id.size() && is_hex; ++i) {
    if (is_uuid && is_dash_of_uuid(i)) continue;
    const int digit = digit_of(id[i]);
    is_hex = digit >= 0;
    if (half < 0) {
      half = digit;
    } else {
      packed += static_cast<char>(half * 16 + digit);
      half = -1;
    }
  }
  if (is_hex && half < 0) return packed;
  return "r" + std::string(id);
}

std::string unpack_id(std::string_view packed) {
  constexpr const char* digits = "0123456789abcdef";
  if (packed.empty()) return {};
  const char kind = packed.front();
  packed.remove_prefix(1);
  if (kind == 'r') return std::string(packed);
  std::string id;
  for (const char c : packed) {
    if (kind == 'u' && is_dash_of_uuid(id.size())) id += '-';
    id += digits[static_cast<unsigned char>(c) >> 4];
    id += digits[static_cast<unsigned char>(c) & 15];
  }
  return id;
}

}  // namespace slipway::trace::detail
