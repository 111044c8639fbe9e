#include "trace/run.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace slipway::trace {

namespace {

struct Counts {
  std::int64_t input = 0, output = 0, total = 0;
  bool operator==(const Counts&) const = default;
};

Counts counts(const InclusiveUsage& counted) {
  return {counted.usage.input_tokens, counted.usage.output_tokens, counted.usage.total_tokens};
}

}  // namespace

TEST_CASE("inclusive usage stays as it was sent") {
  SentUsage sent;
  sent.input = 100;
  sent.output = 50;
  sent.cache_read = 30;
  sent.cache_write = 20;
  sent.cache_write_1h = 5;
  sent.reasoning = 10;
  sent.input_audio = 7;
  sent.output_audio = 3;
  sent.source = UsageSource::provider;
  const InclusiveUsage counted = inclusive_usage(sent);
  CHECK(!counted.is_corrected);
  CHECK(json::to(counted.usage) ==
        *json::parse(R"({"input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
            "cache_read_tokens": 30, "cache_write_tokens": 20, "cache_write_1h_tokens": 5,
            "reasoning_tokens": 10, "input_audio_tokens": 7, "output_audio_tokens": 3,
            "convention": "inclusive", "source": "provider"})"));
}

TEST_CASE("exclusive parts are added to their wholes, and the convention is kept") {
  SentUsage sent;
  sent.convention = Convention::exclusive;
  sent.input = 1;
  sent.output = 10;
  sent.cache_read = 100;
  sent.cache_write_5m = 1000;
  sent.cache_write_1h = 10'000;
  sent.reasoning = 20;
  const InclusiveUsage counted = inclusive_usage(sent);
  CHECK(counts(counted) == Counts{11'101, 30, 11'131});
  CHECK(counted.usage.cache_write_tokens == 11'000);
  CHECK(counted.usage.convention == Convention::exclusive);
  CHECK(!counted.is_corrected);
}

TEST_CASE("an undivided count of writes may be larger than what was told apart") {
  SentUsage sent;
  sent.input = 1000;
  sent.cache_write = 500;
  sent.cache_write_1h = 200;
  CHECK(inclusive_usage(sent).usage.cache_write_tokens == 500);
  sent.cache_write_5m = 400;
  CHECK(inclusive_usage(sent).usage.cache_write_tokens == 600);
}

TEST_CASE("only the side whose parts exceed it is corrected") {
  SentUsage sent;
  sent.input = 10;
  sent.output = 100;
  sent.cache_read = 11;
  sent.reasoning = 60;
  const InclusiveUsage counted = inclusive_usage(sent);
  CHECK(counts(counted) == Counts{21, 100, 121});
  CHECK(counted.is_corrected);
  CHECK(counted.usage.convention == Convention::exclusive);
}

TEST_CASE("audio alone can show that the input does not count it") {
  SentUsage sent;
  sent.input = 10;
  sent.input_audio = 30;
  const InclusiveUsage counted = inclusive_usage(sent);
  CHECK(counted.is_corrected);
  CHECK(counted.usage.input_tokens == 40);
}

TEST_CASE("a whole that nobody told is what its parts or the total make") {
  SentUsage sent;
  sent.cache_read = 40;
  sent.output = 5;
  InclusiveUsage counted = inclusive_usage(sent);
  CHECK(counts(counted) == Counts{40, 5, 45});
  CHECK(!counted.is_corrected);
  sent.total = 65;
  CHECK(counts(inclusive_usage(sent)) == Counts{60, 5, 65});
  sent.total = 3;  // Less than its parts: not believed.
  CHECK(counts(inclusive_usage(sent)) == Counts{40, 5, 45});
  SentUsage total;
  total.total = 9;
  CHECK(counts(inclusive_usage(total)) == Counts{0, 0, 9});
  CHECK(counts(inclusive_usage({})) == Counts{0, 0, 0});
}

TEST_CASE("a total that is not the sum of input and output is not believed") {
  SentUsage sent;
  sent.input = 10;
  sent.output = 5;
  sent.total = 99;
  CHECK(counts(inclusive_usage(sent)) == Counts{10, 5, 15});
}

TEST_CASE("counts that cannot be are as if nobody had told them") {
  constexpr std::int64_t absurd = 1'000'000'000'001;
  for (const std::int64_t count :
       {std::int64_t{-1}, absurd, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    SentUsage sent;
    sent.input = count;
    sent.output = 7;
    sent.total = count;
    sent.cache_read = count;
    sent.cache_write = sent.cache_write_5m = sent.cache_write_1h = count;
    sent.reasoning = sent.input_audio = sent.output_audio = count;
    for (const Convention convention : {Convention::inclusive, Convention::exclusive}) {
      sent.convention = convention;
      const InclusiveUsage counted = inclusive_usage(sent);
      CHECK(counts(counted) == Counts{0, 7, 7});
      CHECK(!counted.is_corrected);
      CHECK(counted.usage.cache_write_tokens == 0);
    }
  }
  SentUsage most;
  most.input = most.output = most.cache_read = most.cache_write = most.cache_write_5m =
      most.cache_write_1h = most.reasoning = most.input_audio = most.output_audio = absurd - 1;
  most.convention = Convention::exclusive;
  CHECK(inclusive_usage(most).usage.total_tokens == 8 * (absurd - 1));
}

}  // namespace slipway::trace
