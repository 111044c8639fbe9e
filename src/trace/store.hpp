// Where runs live: what was taken is on disk before `ingest` returns, and the next read sees it.
//
// Patches are merged by (trace, id) in any order. Batches that come at once share a commit.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/result.hpp"
#include "trace/prices.hpp"
#include "trace/query.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

/// A run as all that was said of it makes it.
struct Run {
  std::string id, trace_id;
  std::optional<std::string> parent_id;
  std::string project = "default";
  std::string name;
  Kind kind = Kind::span;
  Status status = Status::pending;
  std::optional<std::string> error;
  Nanoseconds start = 0;
  std::optional<Nanoseconds> end, first_token;
  std::optional<Payload> inputs, outputs;  ///< Absent too when a read left payloads out.
  std::vector<Event> events;
  std::vector<std::string> tags;
  json::Object metadata, attributes, extra;
  std::optional<std::string> session_id, user_id, provider, model, dotted_order,
      reference_example_id;
  /// The API key that made the call, and "name@version" of the prompt that it was made of: out of
  /// metadata and attributes.
  std::optional<std::string> key, prompt;
  std::optional<Usage> usage;
  std::optional<Cost> cost;
  std::int64_t arrival = 0;  ///< Order in which runs were first heard of.

  std::optional<double> latency_ms() const;
  std::optional<double> first_token_ms() const;
};

/// A tree of the list: its root's words, with tokens and cost of all of it.
struct TraceSummary {
  std::string id, project;
  std::optional<std::string> name;  ///< Absent: the root has not arrived.
  Kind kind = Kind::span;
  Status status = Status::pending;
  std::optional<std::string> error;
  Nanoseconds start = 0;
  std::optional<Nanoseconds> end;
  std::int64_t run_count = 0, error_count = 0;
  std::vector<std::string> models, tags;
  std::optional<std::string> session_id, user_id;
  std::int64_t input_tokens = 0, output_tokens = 0, total_tokens = 0;
  std::optional<Picodollars> cost;              ///< Absent: nothing in it has a price.
  std::string inputs_preview, outputs_preview;  ///< At most 300 characters of text.
};

struct Trace {
  TraceSummary summary;
  std::vector<Run> runs;  ///< By start, then by arrival. The tree is in their parent ids.
};

template <typename Item>
struct Page {
  std::vector<Item> items;
  std::optional<std::string> next_cursor;
};

struct StatsRow {
  std::string key;  ///< Of a group; empty: of all.
  std::int64_t traces = 0, runs = 0, errors = 0;
  std::optional<double> p50_ms, p95_ms, p99_ms;  ///< Of traces' latencies, exact.
  std::int64_t input_tokens = 0, output_tokens = 0;
  Picodollars cost;
};
struct Stats {
  StatsRow all;
  std::vector<StatsRow> groups;
};

struct CostGroup {
  std::string key;
  std::int64_t runs = 0, input_tokens = 0, output_tokens = 0, cache_read_tokens = 0;
  Picodollars cost;
};
struct CostReport {
  Picodollars total;
  std::int64_t unpriced_runs = 0;  ///< That used a model whose price nobody knows.
  std::vector<CostGroup> groups;   ///< Dearest first.
};

struct Project {
  std::string name;
  std::int64_t traces = 0, runs = 0;
  Nanoseconds last_run_time = 0;
};

struct Repricing {
  std::optional<std::string> model;
  std::optional<Nanoseconds> from, to;
  std::optional<std::string> price_id;
};
struct RepricingReport {
  std::int64_t runs = 0, changed = 0;
  Picodollars before, after;
};

struct StoreCounters {
  std::uint64_t received = 0, stored = 0, rejected = 0;  ///< Runs.
  std::size_t queued_bytes = 0;
};

/// Safe to use from many threads.
class TraceStore {
 public:
  struct Options {
    /// The folder; ":memory:" for tests (a private one that goes with the object). A database of
    /// the version before, at `path` + ".db", is taken over.
    std::filesystem::path path;
    const Clock& clock = system_clock();
    std::size_t queued_bytes_max = 64u << 20;
    /// Of the youngest traces; more become a file.
    std::size_t memory_bytes_max = 48u << 20;
    /// Sees what is there at this moment, beside a process that writes; nothing can be changed.
    bool is_read_only = false;
    /// What is known of prices at this moment.
    std::function<std::shared_ptr<const PriceBook>()> prices;
    /// Applied to every patch before anything is written.
    std::function<void(RunPatch&)> mask;
  };
  /// Fails: conflict (another process writes there), not_found (nothing to be read only),
  /// invalid_argument (damaged), unavailable, forbidden.
  static Result<std::unique_ptr<TraceStore>> open(Options options);
  virtual ~TraceStore() = default;

  /// Fails: unavailable (too much waits: try again later; or the disk), invalid_argument (a run
  /// without id).
  virtual Result<void> ingest(const Context& context, std::vector<RunPatch> runs) = 0;

  /// Fails: not_found.
  virtual Result<Trace> trace(const Context& context, const std::string& trace_id,
                              bool with_payload) = 0;
  /// A span id may be in several traces: `trace_id` chooses, empty takes the youngest.
  /// Fails: not_found.
  virtual Result<Run> run(const Context& context, const std::string& id,
                          const std::string& trace_id) = 0;
  virtual Result<std::vector<std::string>> child_ids(const Context& context, const Run& run) = 0;
  /// Fails: not_found.
  virtual Result<void> remove(const Context& context, const std::string& trace_id) = 0;
  /// Deletes all traces with a run that `query` finds (its page does not count), and writes files
  /// anew until none has a byte of them; how many. Who brings runs waits meanwhile.
  virtual Result<std::int64_t> erase(const Context& context, const Query& query) = 0;
  /// Deletes all that began before `time`; how many.
  virtual Result<std::int64_t> remove_before(const Context& context, Nanoseconds time) = 0;

  // All of one query: fails invalid_argument (the cursor is not of this query).
  virtual Result<Page<TraceSummary>> traces(const Context& context, const Query& query) = 0;
  virtual Result<Page<Run>> runs(const Context& context, const Query& query) = 0;
  virtual Result<Stats> stats(const Context& context, const Query& query,
                              std::optional<GroupBy> group_by) = 0;
  virtual Result<CostReport> costs(const Context& context, const Query& query,
                                   GroupBy group_by) = 0;
  virtual Result<Page<Project>> projects(const Context& context, int limit,
                                         const std::string& cursor) = 0;
  /// All matching runs at once or none, for readers and after a crash. Who brings runs waits
  /// meanwhile. Fails: not_found (the price), unavailable; nothing has changed then.
  virtual Result<RepricingReport> reprice(const Context& context, const Repricing& wish) = 0;

  virtual StoreCounters counters() const = 0;
  /// Waits until text search knows all that was taken before. For tests and exports.
  virtual Result<void> settle(const Context& context) = 0;
};

}  // namespace slipway::trace
