// Annotation queues: runs that wait for a person's judgement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "store/database.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct AnnotationQueue {
  std::string id, name;  ///< A UUID; empty: one is made.
  std::optional<std::string> description, rubric_instructions;
  /// What else its client said of it: "rubric_items", "default_dataset", "metadata",
  /// "num_reviewers_per_item", "enable_reservations", "reservation_minutes",
  /// "reviewer_access_mode".
  json::Object rest;
  Nanoseconds created = 0, updated = 0;
};

struct QueueItem {
  std::string id, queue_id;
  std::string run_id;                     ///< Empty: a thread.
  std::string thread_id, session_id;      ///< Of a thread; else as told, may be empty.
  std::optional<Nanoseconds> start_time;  ///< Of the run, as told.
  std::optional<std::string> source_proposed_example_id;
  Nanoseconds added = 0;
  std::optional<Nanoseconds> reviewed;
  bool is_completed = false;
};

/// What of a queue is changed; absent stays.
struct QueueChange {
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> description, rubric_instructions;
  json::Object rest;  ///< Members replace those of the same name.
};

struct QueueQuery {
  std::vector<std::string> ids;  ///< Empty: all.
  std::optional<std::string> name, name_contains;
  std::optional<std::string> run_id;  ///< Those in which that run is.
  int limit = 100, offset = 0;
};

struct QueueItemQuery {
  std::optional<bool> is_completed;
  std::optional<bool> is_thread;
  std::optional<Nanoseconds> from, to;  ///< Of the time of adding: from <= added < to.
  int limit = 100, offset = 0;
};

/// The tables `trace_queues` and `trace_queue_items` of the main database.
std::vector<store::Migration> queue_migrations();

/// Safe to use from many threads.
class Queues {
 public:
  /// All must outlive it.
  explicit Queues(store::Database& database, const Clock& clock = system_clock(),
                  Random& random = system_random())
      : database_(database), clock_(clock), random_(random) {}

  /// Fails: invalid_argument (its name, more than 256 KiB of settings), conflict (the id is taken).
  Result<AnnotationQueue> create(const Context& context, AnnotationQueue queue);
  Result<AnnotationQueue> get(const Context& context, const std::string& id);  ///< Or not_found.
  Result<AnnotationQueue> change(const Context& context, const std::string& id,
                                 const QueueChange& change);
  Result<void> remove(const Context& context, const std::string& id);  ///< With its items.
  Result<std::vector<AnnotationQueue>> list(const Context& context, const QueueQuery& query);

  /// What is in the queue already stays as it is. At most 10,000 at once, 100,000 in a queue.
  Result<std::vector<QueueItem>> add(const Context& context, const std::string& queue_id,
                                     std::vector<QueueItem> items);
  /// First added first.
  Result<std::vector<QueueItem>> items(const Context& context, const std::string& queue_id,
                                       const QueueItemQuery& query);
  Result<std::int64_t> count(const Context& context, const std::string& queue_id,
                             const QueueItemQuery& query);
  Result<QueueItem> item(const Context& context, const std::string& item_id);  ///< Or not_found.
  /// By the ids of items or of their runs. Fails: not_found (none of them is there).
  Result<void> remove_items(const Context& context, const std::string& queue_id,
                            const std::vector<std::string>& ids);
  /// Sets `added`, `reviewed` and `is_completed` of an item as they are here.
  Result<void> put_back(const Context& context, const QueueItem& item);

 private:
  store::Database& database_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace slipway::trace
