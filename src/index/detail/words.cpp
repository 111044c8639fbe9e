#include "index/detail/words.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <map>

namespace slipway::index {

namespace {

constexpr std::uint8_t format = 2;
constexpr std::uint8_t format_without_positions = 1;

void put(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

Error damaged() {
  return fail(Code::invalid_argument, "the stored words are damaged; run slipway doctor");
}

class Reader {
 public:
  explicit Reader(std::string_view bytes)
      : at_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}

  /// False when the bytes end or the number is larger than `max`.
  bool number(std::uint64_t& value, std::uint64_t max = 0xFFFF'FFFF) {
    value = 0;
    for (int shift = 0; at_ < end_ && shift < 63; shift += 7) {
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value <= max;
    }
    return false;
  }
  bool bytes(std::size_t count, std::string& out) {
    if (count > left()) return false;
    out.append(reinterpret_cast<const char*>(at_), count);
    at_ += count;
    return true;
  }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

bool read_words(Reader& reader, std::vector<std::string>& words) {
  std::uint64_t count = 0, shared = 0, rest = 0;
  if (!reader.number(count, reader.left())) return false;  // Each takes two bytes at least.
  words.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t previous = words.empty() ? 0 : words.back().size();
    if (!reader.number(shared, previous) || !reader.number(rest)) return false;
    std::string word = words.empty() ? std::string() : words.back().substr(0, shared);
    if (!reader.bytes(rest, word)) return false;
    words.push_back(std::move(word));
  }
  return true;
}

bool read_positions(Reader& reader, std::uint64_t count, std::vector<std::uint32_t>& positions) {
  std::uint64_t step = 0, position = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!reader.number(step)) return false;
    position += step;
    if (position > 0xFFFF'FFFF) return false;
    positions.push_back(static_cast<std::uint32_t>(position));
  }
  return true;
}

bool read_chunk(Reader& reader, std::size_t words, bool has_positions, ChunkWords& chunk) {
  std::uint64_t length = 0, distinct = 0, step = 0, times = 0;
  if (!reader.number(length) || !reader.number(distinct, reader.left())) return false;
  chunk.length = static_cast<std::uint32_t>(length);
  chunk.counts.reserve(distinct);
  std::uint64_t next = 0;  // The smallest number that may come.
  for (std::uint64_t i = 0; i < distinct; ++i) {
    if (!reader.number(step) || !reader.number(times, std::numeric_limits<Count>::max()))
      return false;
    next += step;
    if (next >= words || times == 0) return false;
    chunk.counts.emplace_back(static_cast<std::uint32_t>(next), static_cast<Count>(times));
    ++next;
    if (!has_positions)
      chunk.positions.insert(chunk.positions.end(), times, 0);
    else if (!read_positions(reader, times, chunk.positions))
      return false;
  }
  return true;
}

std::uint32_t hash_of(std::string_view word) {
  const std::size_t hash = std::hash<std::string_view>()(word);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

DocumentWords count_words(const std::vector<std::vector<Token>>& chunks) {
  std::map<std::string_view, std::uint32_t> numbers;
  for (const auto& tokens : chunks)
    for (const Token& token : tokens) numbers.emplace(token.word, 0);
  DocumentWords document;
  for (auto& [word, number] : numbers) {
    number = static_cast<std::uint32_t>(document.words.size());
    document.words.emplace_back(word);
  }
  for (const auto& tokens : chunks) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> positions;
    ChunkWords chunk;
    for (const Token& token : tokens) {
      positions[numbers.find(token.word)->second].push_back(token.position);
      chunk.length += token.is_extra ? 0 : 1;
    }
    for (auto& [number, places] : positions) {
      places.resize(std::min<std::size_t>(places.size(), std::numeric_limits<Count>::max()));
      chunk.counts.emplace_back(number, static_cast<Count>(places.size()));
      chunk.positions.insert(chunk.positions.end(), places.begin(), places.end());
    }
    document.chunks.push_back(std::move(chunk));
  }
  return document;
}

std::string encode(const DocumentWords& document) {
  std::string out(1, static_cast<char>(format));
  put(out, document.words.size());
  std::string_view previous;
  for (const std::string& word : document.words) {
    const auto shared = static_cast<std::size_t>(
        std::mismatch(word.begin(), word.end(), previous.begin(), previous.end()).first -
        word.begin());
    put(out, shared);
    put(out, word.size() - shared);
    out.append(word, shared);
    previous = word;
  }
  put(out, document.chunks.size());
  for (const ChunkWords& chunk : document.chunks) {
    put(out, chunk.length);
    put(out, chunk.counts.size());
    std::uint32_t next = 0;
    const std::uint32_t* position = chunk.positions.data();
    for (const auto& [number, count] : chunk.counts) {
      put(out, number - next);
      put(out, count);
      next = number + 1;
      for (std::uint32_t i = 0, last = 0; i < count; ++i, last = *position++)
        put(out, *position - last);
    }
  }
  return out;
}

Result<DocumentWords> decode_words(std::string_view bytes) {
  if (bytes.empty()) return damaged();
  const auto found = static_cast<std::uint8_t>(bytes.front());
  if (found != format && found != format_without_positions) return damaged();
  Reader reader(bytes.substr(1));
  DocumentWords document;
  std::uint64_t chunks = 0;
  if (!read_words(reader, document.words) || !reader.number(chunks, reader.left()))
    return damaged();
  document.chunks.resize(chunks);
  for (ChunkWords& chunk : document.chunks)
    if (!read_chunk(reader, document.words.size(), found == format, chunk)) return damaged();
  if (reader.left() != 0) return damaged();
  return document;
}

std::size_t Dictionary::slot_of(std::string_view sought, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.number == none ||
        (slot.hash == hash && slot.length == sought.size() &&
         std::memcmp(letters_.data() + slot.start, sought.data(), sought.size()) == 0))
      return at;
  }
}

std::uint32_t Dictionary::find_or_add(std::string_view word) {
  return find_or_add(word, hash_of(word));
}

std::uint32_t Dictionary::find_or_add(std::string_view word, std::uint32_t hash) {
  Slot& slot = slots_[slot_of(word, hash)];
  if (slot.number != none) return slot.number;
  const auto number = static_cast<std::uint32_t>(size());
  slot = {hash, number, starts_.back(), static_cast<std::uint32_t>(word.size())};
  letters_ += word;
  SLIPWAY_ASSERT(letters_.size() <= 0xFFFF'FFFF);
  starts_.push_back(static_cast<std::uint32_t>(letters_.size()));
  if (size() * 2 > slots_.size()) grow();
  return number;
}

void Dictionary::find_or_add(std::span<const std::string> words,
                             std::vector<std::uint32_t>& numbers) {
  // Two misses per word, the slot and the letters. Asking for all slots of a group, then for all
  // letters, then comparing, lets the misses of a group run side by side.
  constexpr std::size_t group_size = 32;
  std::uint32_t hashes[group_size];
  for (std::size_t first = 0; first < words.size(); first += group_size) {
    const auto group = words.subspan(first, std::min(group_size, words.size() - first));
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashes[i] = hash_of(group[i]);
      __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
    }
    for (std::size_t i = 0; i < group.size(); ++i)
      __builtin_prefetch(letters_.data() + slots_[hashes[i] & (slots_.size() - 1)].start);
    for (std::size_t i = 0; i < group.size(); ++i)
      numbers.push_back(find_or_add(group[i], hashes[i]));
  }
}

void Dictionary::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number == none) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].number != none) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace slipway::index
