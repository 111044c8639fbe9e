#include "eval/detail/journal.hpp"

#include <fstream>

#include "core/files.hpp"

namespace slipway::eval::detail {

namespace {

constexpr std::size_t waiting_bytes_max = 8u << 20;
constexpr auto flush_every = std::chrono::seconds(1);

}  // namespace

Journal::Journal(std::filesystem::path file, std::string run)
    : file_(std::move(file)), run_(json::dump(json::Object{{"run", std::move(run)}}) + "\n") {}

void Journal::read(std::size_t metrics, const std::function<void(std::size_t, CaseScores)>& take) {
  if (file_.empty()) return;
  std::ifstream in(file_, std::ios::binary);
  std::string line;
  if (!in || !std::getline(in, line) || line + "\n" != run_) return;
  std::uintmax_t whole = line.size() + 1;
  while (std::getline(in, line) && !in.eof()) {
    auto scores = parse_journal_line(line, metrics);
    if (!scores) break;
    whole += line.size() + 1;
    take(scores->first, std::move(scores->second));
  }
  in.close();
  std::error_code error;
  std::filesystem::resize_file(file_, whole, error);
  has_file_ = !error;
}

Result<void> Journal::flush_locked() {
  if (!has_file_) {
    TRY(make_directories(file_.parent_path()));
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << run_;
    has_file_ = true;
  }
  std::ofstream out(file_, std::ios::binary | std::ios::app);
  out << waiting_ << std::flush;
  if (!out)
    return fail(Code::unavailable, "{}: what is done could not be kept there", file_.string());
  waiting_.clear();
  flushed_ = std::chrono::steady_clock::now();
  return {};
}

Result<void> Journal::add(std::size_t number, const CaseScores& scores) {
  if (file_.empty()) return {};
  const std::string line = journal_line(number, scores);
  const std::lock_guard lock(mutex_);
  waiting_ += line;
  const bool is_due = std::chrono::steady_clock::now() - flushed_ >= flush_every;
  if (is_due || waiting_.size() > waiting_bytes_max) return flush_locked();
  return {};
}

Result<void> Journal::keep() {
  if (file_.empty()) return {};
  const std::lock_guard lock(mutex_);
  return waiting_.empty() ? Result<void>() : flush_locked();
}

void Journal::remove() {
  if (file_.empty()) return;
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  std::error_code ignored;
  if (has_file_) std::filesystem::remove(file_, ignored);
}

}  // namespace slipway::eval::detail
