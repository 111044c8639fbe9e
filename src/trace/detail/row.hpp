// A run in memory: what lists look at, and the rest as the text that goes to disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/detail/packing.hpp"
#include "trace/detail/stored_run.hpp"
#include "trace/detail/words.hpp"

namespace slipway::trace::detail {

/// Where payloads of runs lie that came out of a file.
class PayloadSource {
 public:
  virtual ~PayloadSource() = default;
  virtual Result<std::string> payload(std::uint32_t number) const = 0;
};

/// Never changes.
struct StoredPayload {
  std::string bytes;  ///< Empty too when they lie in the source.
  bool is_text = false;
  Terms terms;  ///< Sorted.
  std::shared_ptr<const PayloadSource> source;
  std::uint32_t number = 0;

  Result<std::string> read() const { return source ? source->payload(number) : bytes; }
};
using PayloadPtr = std::shared_ptr<const StoredPayload>;

PayloadPtr make_payload(Payload&& payload);
/// Of a file; reads it once for its words.
Result<PayloadPtr> make_payload(std::shared_ptr<const PayloadSource> source, std::uint32_t number,
                                bool is_text);

/// Numbers of a run that are columns. The last three are derived: what lists are sorted by.
enum class RunNumber : std::uint8_t {
  n,
  start,
  latency,      ///< Or -1: there is no end (`has_end`).
  first_token,  ///< Behind the start.
  kind,
  status,
  flags,
  input,
  output,
  total,
  cache_read,
  cost,  ///< Picodollars, or -1: there is none.
};
inline constexpr std::size_t run_numbers = 12;

enum RunFlags : std::int64_t {
  has_end = 1,
  has_first_token = 2,
  has_usage = 4,
  is_unpriced = 8,
  inputs_text = 16,
  outputs_text = 32,
  counts_tokens = 64,  ///< It does not repeat the usage of runs below.
  counts_cost = 128,
  has_cost = 256,
  has_error = 512,
};

/// Texts of a run that are kept once in a file. Those that a run need not have are null.
enum class RunText : std::uint8_t {
  project,
  name,
  session,
  user,
  provider,
  model,
  tags,
  key,  ///< The last two are derived: see `callers_of`.
  prompt
};
inline constexpr std::size_t run_texts = 9;
/// Those that are no others said another way.
inline constexpr std::size_t told_texts = 7;

/// Between the tags of a run, each of which ends with it.
inline constexpr char tag_end = '\x1f';

struct Row {
  std::int64_t numbers[run_numbers] = {};
  std::optional<std::string> texts[run_texts];
  std::string id;
  std::optional<std::string> parent_id;
  std::string rest;  ///< See `rest_text`.
  PayloadPtr inputs, outputs;
  Terms terms;  ///< Sorted; with those of the payloads.

  std::int64_t number(RunNumber which) const { return numbers[static_cast<std::size_t>(which)]; }
  std::int64_t& number(RunNumber which) { return numbers[static_cast<std::size_t>(which)]; }
  const std::optional<std::string>& text(RunText which) const {
    return texts[static_cast<std::size_t>(which)];
  }
  bool has(RunFlags flag) const { return (number(RunNumber::flags) & flag) != 0; }
  std::size_t bytes() const;
};
using RowPtr = std::shared_ptr<const Row>;

/// The payloads of `stored` are left out; they are `inputs` and `outputs`.
Row make_row(const StoredRun& stored, PayloadPtr inputs, PayloadPtr outputs);
/// Sets the derived texts of a row out of what its run says.
void take_callers(Row& row, const Run& run);
/// Gives a row out of a file what the file keeps apart: its words. Fails: invalid_argument
/// (damaged).
Result<void> complete_terms(Row& row);
/// What columns know of a run, without what is in its rest.
Run head_of(const Row& row);
/// All but the payloads. Fails: invalid_argument (damaged).
Result<StoredRun> stored_of(const Row& row);
/// A run as readers see it; its trace id is the caller's to set.
Result<Run> run_of(const Row& row, bool with_payload);
std::vector<std::string> split_tags(std::string_view tags);
/// Whether one of the joined tags is `tag`.
bool has_tag(std::string_view tags, std::string_view tag);

/// For the journal. A payload that `before` has too is not written again.
void pack_row(const Row& row, const Row* before, std::string& out);
/// Fails: invalid_argument (damaged).
Result<Row> unpack_row(Unpacker& in, const Row* before);

}  // namespace slipway::trace::detail
