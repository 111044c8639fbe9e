#include "trace/store.hpp"

#include "trace/detail/segment_store.hpp"

namespace slipway::trace {

std::optional<double> Run::latency_ms() const {
  constexpr double nanoseconds_per_millisecond = 1e6;
  if (!end) return {};
  return static_cast<double>(*end - start) / nanoseconds_per_millisecond;
}

std::optional<double> Run::first_token_ms() const {
  constexpr double nanoseconds_per_millisecond = 1e6;
  if (!first_token) return {};
  return static_cast<double>(*first_token - start) / nanoseconds_per_millisecond;
}

Result<std::unique_ptr<TraceStore>> TraceStore::open(Options options) {
  return detail::SegmentTraceStore::open(std::move(options));
}

}  // namespace slipway::trace
