// All goldens of a run, held as their canonical text, most of them in a temporary file: a hundred
// thousand fit into little memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "eval/detail/text_pile.hpp"
#include "eval/golden.hpp"

namespace slipway::eval {

/// Filled by one thread, then read by many.
class GoldenSet {
 public:
  /// Identifies it. `line` is where it stands in its file; 0: nowhere. What says the same as
  /// another one is that one. Fails: conflict (another one has the id and says something else),
  /// unavailable (the temporary file).
  Result<void> add(Golden golden, std::uint32_t line = 0);
  std::size_t size() const { return places_.size(); }
  Golden at(std::size_t index) const;
  std::string id(std::size_t index) const;
  std::string canonical_at(std::size_t index) const;  ///< With the id.
  std::optional<std::size_t> find(std::string_view id) const;
  std::uint32_t line(std::size_t index) const { return places_[index].line; }
  /// As `version_of` of all of them.
  std::string version() const;
  /// The same of what is asked and expected: it stays where only outputs, what was retrieved,
  /// called, spent and traced are others.
  std::string questions_version() const;

 private:
  struct Place {
    std::uint64_t begin = 0;
    std::uint32_t id_size = 0, size = 0, line = 0;
  };
  TextPile texts_;  ///< Id and canonical form, one golden after the other.
  std::vector<Place> places_;
  std::unordered_multimap<std::size_t, std::uint32_t> by_id_;  ///< Hash of the id -> index.
};

/// The splits that a golden is in: what its metadata call `dataset_split`, as LangSmith's clients
/// do, or `split`, a text or a list; else "base".
std::vector<std::string> splits_of(const Golden& golden);
/// Those that are in one of these splits. Fails: not_found, with those that there are; unavailable.
Result<GoldenSet> in_splits(const GoldenSet& goldens, const std::vector<std::string>& splits);

/// Goldens in any format of golden_files.hpp; our own JSON Lines are read line by line. Fails: as
/// `read_jsonl_goldens` and `load_goldens`.
Result<GoldenSet> load_golden_set(const std::filesystem::path& file);

/// One golden a line; empty lines are skipped. Fails: as reading does, and invalid_argument with
/// the line ("goldens.jsonl:7: $.inptu: unknown key; did you mean 'input'?").
Result<GoldenSet> read_jsonl_goldens(const std::filesystem::path& file);

}  // namespace slipway::eval
