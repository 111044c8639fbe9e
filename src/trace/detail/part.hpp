// A piece of the store as queries see it: whole traces with all their runs, in memory or in a file.
// A trace is in one part only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/detail/row.hpp"

namespace slipway::trace::detail {

/// Numbers of a trace that are columns. What is said of runs by their names is said of the root.
enum class TraceNumber : std::uint8_t {
  n,  ///< In the order of arrival.
  start,
  latency,  ///< Or -1.
  status,
  flags,      ///< `has_end`, `has_cost`.
  root,       ///< Of its runs, counted from 0; -1: it has not arrived.
  first_run,  ///< Of the part.
  run_count,
  errors,
  input,
  output,
  total,
  cost,  ///< Or -1.
};
inline constexpr std::size_t trace_numbers = 13;

struct TraceHead {
  std::int64_t numbers[trace_numbers] = {};
  std::string project;
  std::int64_t number(TraceNumber which) const { return numbers[static_cast<std::size_t>(which)]; }
  std::int64_t& number(TraceNumber which) { return numbers[static_cast<std::size_t>(which)]; }
};

struct Previews {
  std::string inputs, outputs;
};

/// Least and most of a block of rows.
struct Bounds {
  std::int64_t least = 0, most = 0;
};

/// The file of a part; the hash tells it from others that stood in its place.
struct PartFile {
  std::filesystem::path path;
  std::uint64_t hash = 0;
};

/// Never changes; rows are counted from 0. The runs of a trace stand together, in the order of
/// their arrival. Safe to use from many threads.
class Part {
 public:
  virtual ~Part() = default;
  virtual std::size_t traces() const = 0;
  virtual std::size_t runs() const = 0;
  /// Of a part that stays for long, so that what is found out of it is worth keeping; null: it is
  /// in memory.
  virtual const PartFile* file() const { return nullptr; }
  virtual std::int64_t number(TraceNumber which, std::size_t trace) const = 0;
  virtual std::int64_t number(RunNumber which, std::size_t run) const = 0;
  virtual std::size_t trace_of(std::size_t run) const = 0;

  /// Equal texts have equal codes; 0 is no text.
  virtual std::uint64_t code(RunText which, std::size_t run) const = 0;
  virtual std::uint64_t project_code(std::size_t trace) const = 0;
  /// Absent: no run has that text.
  virtual std::optional<std::uint64_t> code_of(std::string_view text) const = 0;
  virtual std::optional<std::string> text(RunText which, std::size_t run) const = 0;
  virtual std::string project(std::size_t trace) const = 0;

  /// Of the rows from `block * block_rows` on; of a part without blocks: of anything.
  virtual Bounds bounds(TraceNumber which, std::size_t block) const = 0;
  virtual Bounds bounds(RunNumber which, std::size_t block) const = 0;

  /// Of all rows.
  virtual Bounds range(TraceNumber which) const = 0;
  virtual Bounds range(RunNumber which) const = 0;

  virtual std::string trace_id(std::size_t trace) const = 0;
  virtual std::string run_id(std::size_t run) const = 0;
  virtual std::optional<std::string> parent_id(std::size_t run) const = 0;
  virtual std::optional<std::size_t> find_trace(std::string_view id) const = 0;
  /// Runs with that id, in any order.
  virtual std::vector<std::size_t> find_runs(std::string_view id) const = 0;

  /// Without its rest, payloads and terms it needs no disk. Fails: invalid_argument (damaged).
  virtual Result<Row> row(std::size_t run, bool is_whole) const = 0;
  virtual Result<Previews> previews(std::size_t trace) const = 0;
  /// Runs that have a term, in their order. Fails: invalid_argument (damaged).
  virtual Result<std::vector<std::uint32_t>> with_term(Term term) const = 0;
};

/// Traces of a part that are not there any more: deleted, or moved to a younger part.
struct Dead {
  std::vector<bool> traces;
  std::size_t count = 0;
};
using DeadPtr = std::shared_ptr<const Dead>;
/// With more dead; of a part of so many traces.
DeadPtr with_dead(const DeadPtr& dead, std::size_t traces, const std::vector<std::size_t>& more);

struct PartView {
  std::shared_ptr<const Part> part;
  DeadPtr dead;  ///< Null: none.
  bool is_dead(std::size_t trace) const { return dead && dead->traces[trace]; }
  std::size_t live_traces() const { return part->traces() - (dead ? dead->count : 0); }
};

/// What a query sees: one moment.
using View = std::vector<PartView>;

}  // namespace slipway::trace::detail
