// Words as evidence sees them: in which form they stand does not matter, what they are does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slipway::eval::detail {

/// One word where it stands. `stem` numbers what it is in any form: "runs" and "running", "30" and
/// "thirty" have one.
struct EvidenceWord {
  std::uint32_t stem = 0;
  bool is_content = false;  ///< Says what is spoken of; "the", "would", "because" do not.
  bool is_number = false;
  bool is_name = false;
  bool is_negation = false;
  bool is_speaker = false;  ///< "I", "my": of whoever speaks.
  std::string_view raw;
};

/// Numbers stems in the order in which they come. Not for two threads at once; the texts that were
/// read must outlive the words.
class Vocabulary {
 public:
  /// Citation marks ("[1]") are no words. Scripts without spaces are read by character.
  std::vector<EvidenceWord> read(std::string_view text);
  std::size_t size() const { return stems_.size(); }
  /// The stem as text; a number as it is normalised, behind '#'.
  const std::string& text(std::uint32_t stem) const { return stems_[stem]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <typename Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  const EvidenceWord& known(std::string_view folded);
  std::uint32_t stem_number(std::string stem);

  Map<EvidenceWord> words_;
  Map<std::uint32_t> numbers_;
  std::vector<std::string> stems_;
};

}  // namespace slipway::eval::detail
