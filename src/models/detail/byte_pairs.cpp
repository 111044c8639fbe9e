#include "models/detail/byte_pairs.hpp"

#include <queue>

#include "core/unicode.hpp"

namespace slipway::models::detail {

/// The symbols of one word, as a list from which merged ones drop out.
class BytePairs::Word {
 public:
  explicit Word(const BytePairs& pairs) : pairs_(pairs) {}

  void add(TokenId id) {
    const auto at = static_cast<int>(symbols_.size());
    symbols_.push_back({id, at - 1, at + 1, true});
  }

  void merge_all() {
    if (symbols_.empty()) return;
    symbols_.back().next = -1;
    for (int at = 0; at >= 0; at = symbols_[static_cast<std::size_t>(at)].next) propose(at);
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      apply(best);
    }
  }

  void append_to(std::vector<TokenId>& ids) const {
    for (const Symbol& symbol : symbols_)
      if (symbol.is_there) ids.push_back(symbol.id);
  }

 private:
  struct Symbol {
    TokenId id;
    int previous, next;
    bool is_there;
  };
  struct Candidate {
    std::uint32_t rank;
    int at;
    TokenId id;
    /// The queue gives its greatest: the lowest rank, then the leftmost.
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };

  const Merge* merge_at(int at) const {
    const Symbol& left = symbols_[static_cast<std::size_t>(at)];
    if (left.next < 0) return nullptr;
    const Symbol& right = symbols_[static_cast<std::size_t>(left.next)];
    const auto found = pairs_.merges_.find(key_of(left.id, right.id));
    return found == pairs_.merges_.end() ? nullptr : &found->second;
  }

  void propose(int at) {
    if (const Merge* merge = merge_at(at)) queue_.push({merge->rank, at, merge->id});
  }

  void apply(const Candidate& candidate) {
    Symbol& left = symbols_[static_cast<std::size_t>(candidate.at)];
    if (!left.is_there) return;
    // The pair may have changed since it was proposed.
    const Merge* merge = merge_at(candidate.at);
    if (!merge || merge->id != candidate.id) return;
    Symbol& right = symbols_[static_cast<std::size_t>(left.next)];
    right.is_there = false;
    left.id = candidate.id;
    left.next = right.next;
    if (left.next >= 0) symbols_[static_cast<std::size_t>(left.next)].previous = candidate.at;
    if (left.previous >= 0) propose(left.previous);
    propose(candidate.at);
  }

  const BytePairs& pairs_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Candidate> queue_;
};

std::string byte_character(unsigned char byte) {
  const auto is_shown = [](unsigned c) {
    return (c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) || c >= 0xAE;
  };
  char32_t character = byte;
  if (!is_shown(byte)) {
    // The others are numbered from 256 in their order.
    character = 256;
    for (unsigned c = 0; c < byte; ++c) character += is_shown(c) ? 0 : 1;
  }
  std::string utf8;
  unicode::append(utf8, character);
  return utf8;
}

Result<BytePairs> BytePairs::make(const Options& options, const Merges& merges) {
  BytePairs pairs;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string token = byte_character(static_cast<unsigned char>(byte));
    const auto id_of = [&](const std::string& text) {
      const TokenId id = options.find(text);
      return id >= 0 ? id : options.unknown;
    };
    pairs.inside_[byte] = id_of(token);
    pairs.last_[byte] = id_of(token + options.end_of_word);
  }
  pairs.merges_.reserve(merges.size());
  std::uint32_t rank = 0;
  for (const auto& [first, second] : merges) {
    const TokenId a = options.find(first), b = options.find(second);
    const TokenId merged = options.find(first + second);
    if (a < 0 || b < 0 || merged < 0)
      return fail(Code::invalid_argument, "merge {}, \"{} {}\": \"{}\" is not in the vocabulary",
                  rank + 1, first, second,
                  a < 0   ? first
                  : b < 0 ? second
                          : first + second);
    pairs.merges_.insert_or_assign(key_of(a, b), Merge{rank++, merged});
  }
  return pairs;
}

void BytePairs::append(std::string_view text, std::vector<TokenId>& ids) const {
  Word word(*this);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const TokenId id = i + 1 == text.size() ? last_[byte] : inside_[byte];
    if (id >= 0) word.add(id);
  }
  word.merge_all();
  word.append_to(ids);
}

}  // namespace slipway::models::detail
