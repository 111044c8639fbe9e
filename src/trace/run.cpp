#include "trace/run.hpp"

#include <algorithm>

namespace slipway::trace {

namespace {

using Count = std::optional<std::int64_t>;

/// What cannot be a count of tokens was not told.
Count told(Count count) {
  constexpr std::int64_t tokens_max = 1'000'000'000'000;
  return count && *count >= 0 && *count <= tokens_max ? count : std::nullopt;
}

std::int64_t some(Count count) { return told(count).value_or(0); }

/// Input or output: `whole` as it was sent, and the sum of the parts told beside it.
struct Side {
  Count whole;
  std::int64_t parts = 0;

  bool has_parts_beside(Convention convention) const {
    return convention == Convention::exclusive || exceeds();
  }
  bool exceeds() const { return whole && parts > *whole; }
  /// Absent: neither it nor a part of it was told.
  Count inclusive(Convention convention) const {
    if (!whole) return parts > 0 ? Count(parts) : std::nullopt;
    return has_parts_beside(convention) ? *whole + parts : *whole;
  }
};

}  // namespace

InclusiveUsage inclusive_usage(const SentUsage& sent) {
  InclusiveUsage result;
  Usage& usage = result.usage;
  usage.source = sent.source;
  usage.cache_read_tokens = some(sent.cache_read);
  usage.cache_write_1h_tokens = some(sent.cache_write_1h);
  // The undivided count and its parts may both be told, and LangChain sets the former to 0 then.
  usage.cache_write_tokens =
      std::max(some(sent.cache_write), some(sent.cache_write_5m) + usage.cache_write_1h_tokens);
  usage.reasoning_tokens = some(sent.reasoning);
  usage.input_audio_tokens = some(sent.input_audio);
  usage.output_audio_tokens = some(sent.output_audio);
  usage.search_units = some(sent.search_units);

  const std::int64_t cached = usage.cache_read_tokens + usage.cache_write_tokens;
  Side input{told(sent.input), cached + usage.input_audio_tokens};
  // Where input counts its parts, audio may be counted among the cached tokens too.
  if (sent.convention == Convention::inclusive && input.whole && cached <= *input.whole &&
      usage.input_audio_tokens <= *input.whole)
    input.parts = std::min(input.parts, *input.whole);
  const Side output{told(sent.output), usage.reasoning_tokens + usage.output_audio_tokens};

  result.is_corrected =
      sent.convention == Convention::inclusive && (input.exceeds() || output.exceeds());
  usage.convention = result.is_corrected ? Convention::exclusive : sent.convention;

  Count in = input.inclusive(sent.convention);
  Count out = output.inclusive(sent.convention);
  const Count total = told(sent.total);
  if (total && input.whole && !output.whole) out = std::max(*total - *in, output.parts);
  if (total && output.whole && !input.whole) in = std::max(*total - *out, input.parts);
  usage.input_tokens = in.value_or(0);
  usage.output_tokens = out.value_or(0);
  usage.total_tokens = in || out ? usage.input_tokens + usage.output_tokens : total.value_or(0);
  return result;
}

}  // namespace slipway::trace
