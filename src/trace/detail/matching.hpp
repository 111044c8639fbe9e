// Which rows of a part a query wants.
#pragma once

#include <optional>
#include <vector>

#include "trace/detail/part.hpp"
#include "trace/detail/selection.hpp"
#include "trace/query.hpp"

namespace slipway::trace::detail {

enum class Table { traces, runs };

/// Of one query and one part, which outlive it.
class Matcher {
 public:
  /// Fails: invalid_argument (damaged).
  static Result<Matcher> make(Table table, const Query& query, const PartView& view);

  /// Nothing matches.
  bool is_empty() const { return is_empty_; }
  /// The only rows that may match, in their order.
  const std::optional<std::vector<std::uint32_t>>& candidates() const { return candidates_; }
  /// Whether a row of the block may match, by its bounds.
  bool may_match(std::size_t block) const;
  /// Fails: invalid_argument (damaged).
  Result<bool> matches(std::size_t row) const;

 private:
  struct Wanted {
    RunText text;
    std::uint64_t code;
  };
  Matcher(Table table, const Query& query, const PartView& view)
      : table_(table), query_(query), view_(view) {}

  Result<void> resolve_texts();
  Result<void> resolve_words();
  Result<void> resolve_attributes();
  void narrow(std::vector<std::uint32_t> rows);
  bool is_in_bounds(std::int64_t start, std::int64_t latency, std::int64_t status,
                    bool is_ended) const;
  bool trace_fits(std::size_t trace) const;
  bool run_fits(std::size_t run) const;
  bool has_texts(const std::vector<Wanted>& wanted, std::size_t run) const;
  Result<bool> has_words(std::size_t row) const;
  Result<bool> run_has_phrases(std::size_t run) const;

  Table table_;
  const Query& query_;
  const PartView& view_;
  bool is_empty_ = false;
  std::optional<std::vector<std::uint32_t>> candidates_;
  std::vector<std::uint32_t> runs_with_words_;  ///< When words are asked for.
  std::vector<Terms> phrases_;                  ///< Of several words.
  /// Of the run or the root; of any run of a tree.
  std::vector<Wanted> wanted_, wanted_of_any_;
  std::optional<std::uint64_t> project_;
};

/// What filters ask of a run of a part.
class RunLookup {
 public:
  RunLookup(const Part& part, std::size_t run) : part_(part), run_(run) {}
  json::Value operator()(std::string_view field);

 private:
  const Part& part_;
  const std::size_t run_;
  std::optional<Run> head_, whole_;
};

/// The runs of a trace of a part: from, to.
std::pair<std::size_t, std::size_t> runs_of(const Part& part, std::size_t trace);
std::optional<std::size_t> root_run(const Part& part, std::size_t trace);
std::vector<std::string> models_of(const Part& part, std::size_t trace);

}  // namespace slipway::trace::detail
