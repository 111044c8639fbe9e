// What a run has done so far, on disk, so that an interrupted one goes on where it stopped.
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>

#include "eval/detail/case_scores.hpp"

namespace slipway::eval::detail {

/// A first line that names the run, then a line per case. A run that ends within a second never
/// touches the disk. Safe to use from many threads once opened.
class Journal {
 public:
  /// `file` empty: keeps nothing. `run` says which run it is: a file of another one is not read.
  Journal(std::filesystem::path file, std::string run);

  /// What is there of that run, case by case; a torn last line is passed over.
  void read(std::size_t metrics,
            const std::function<void(std::size_t number, CaseScores scores)>& take);
  /// Fails: as writing does.
  Result<void> add(std::size_t number, const CaseScores& scores);
  /// Writes what waits: the run was interrupted.
  Result<void> keep();
  /// The run has ended: the file goes.
  void remove();

 private:
  Result<void> flush_locked();

  const std::filesystem::path file_;
  const std::string run_;
  std::mutex mutex_;  // Guards what follows.
  std::string waiting_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
  bool has_file_ = false;
};

}  // namespace slipway::eval::detail
