// How a store leaves out what is outside of the sample, and stays small.
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "core/files.hpp"
#include "core/log.hpp"
#include "trace/detail/segment_store.hpp"

namespace slipway::trace {

Upkeep* upkeep_of(TraceStore& store) { return dynamic_cast<Upkeep*>(&store); }

}  // namespace slipway::trace

namespace slipway::trace::detail {

namespace {

constexpr const char* file_name = "left_out.json";
/// Of pages of traces' files that the program may hold; more is given back to the system, which has
/// them for whoever reads them next.
constexpr std::size_t file_bytes_max = 96u << 20;

/// What is not there or damaged counts from nothing.
LeftOut read_left_out(const std::filesystem::path& folder) {
  const auto text = read_file(folder / file_name);
  const auto value = text ? json::parse(*text) : Result<json::Value>(text.error());
  const auto known = value ? json::from<LeftOut>(*value) : Result<LeftOut>(value.error());
  return known ? *known : LeftOut();
}

/// Of files, of all that this process holds in memory; 0 where nobody knows.
std::size_t file_bytes_held() {
  const auto text = read_file("/proc/self/statm");
  if (!text) return 0;
  // Size, resident, shared: in pages.
  std::size_t pages[3] = {};
  const char* at = text->data();
  const char* const end = at + text->size();
  for (std::size_t& one : pages) {
    const auto [next, error] = std::from_chars(at, end, one);
    if (error != std::errc()) return 0;
    at = next == end ? next : next + 1;
  }
  return pages[2] * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void SegmentTraceStore::set_sampling(const SamplingConfig& config, Needed needed) {
  const std::lock_guard thinning(thinning_mutex_);
  thinning_.reset();
  if (config.is_on()) thinning_.emplace(config);
  needed_ = std::move(needed);
  const std::lock_guard lock(mutex_);
  sampling_ = config;
  if (!folder_->is_private()) left_out_ = read_left_out(folder_->path());
}

SamplingConfig SegmentTraceStore::sampling() const {
  const std::lock_guard lock(mutex_);
  return sampling_;
}

LeftOut SegmentTraceStore::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

Result<void> SegmentTraceStore::tend(const Context& context, std::chrono::milliseconds patience) {
  const std::size_t held = file_bytes_held();
  if (held > other_file_bytes_ + file_bytes_max) {
    filing_->release_pages();
    other_file_bytes_ = file_bytes_held();
  } else {
    other_file_bytes_ = std::min(other_file_bytes_.load(), held);
  }
  if (options_.is_read_only) return {};
  return thin_out(context, patience);
}

Result<void> SegmentTraceStore::thin_out(const Context& context,
                                         std::chrono::milliseconds patience) {
  Thinning::Moment moment{.now = Thinning::Steady::now(), .patience = patience};
  {
    const std::lock_guard writing(writing_);
    moment.next_trace = arrivals_.next_trace;
  }
  const std::lock_guard thinning(thinning_mutex_);
  if (!thinning_) return {};
  Thinning::Found found = TRY(thinning_->find(shelf_.view(), moment));
  if (found.traces.empty()) return {};
  std::set<std::string> needed;
  if (needed_) needed = TRY(needed_(found.traces));
  std::vector<std::string> traces;
  LeftOut more;
  for (std::size_t i = 0; i < found.traces.size(); ++i) {
    if (needed.contains(found.traces[i])) continue;
    more.runs += found.runs[i];
    traces.push_back(std::move(found.traces[i]));
  }
  more.traces = TRY(remove_all(context, traces));
  for (const std::string& trace_id : traces) thinning_->gone(trace_id);
  LeftOut all;
  {
    const std::lock_guard lock(mutex_);
    left_out_.traces += more.traces;
    left_out_.runs += more.runs;
    all = left_out_;
  }
  if (folder_->is_private()) return {};
  const auto written =
      write_file_atomically(folder_->path() / file_name, json::dump(json::to(all)));
  if (!written) log::warning("traces: {}", written.error().message());
  return {};
}

}  // namespace slipway::trace::detail
