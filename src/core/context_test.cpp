#include "core/context.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace slipway;
using namespace std::chrono_literals;

TEST_CASE("a context without deadline and stop token always goes on") {
  const Context context;
  CHECK(context.check().ok());
  CHECK_FALSE(context.deadline());
  CHECK(context.remaining(123ms) == 123ms);
}

TEST_CASE("a deadline can be narrowed but not widened") {
  const Context narrow = Context().with_timeout(50ms);
  CHECK(narrow.with_timeout(10h).deadline() == narrow.deadline());
  CHECK(*narrow.with_timeout(1ms).deadline() < *narrow.deadline());
  CHECK(narrow.remaining(1h) <= 50ms);
}

TEST_CASE("a deadline that is over is deadline_exceeded and leaves nothing") {
  for (const auto timeout : {0ms, -5ms, std::chrono::milliseconds::min()}) {
    const Context context = Context().with_timeout(timeout);
    CHECK(context.check().error().code() == Code::deadline_exceeded);
    CHECK(context.remaining(1h) == 0ms);
  }
}

TEST_CASE("what is left of a running deadline is never reported as nothing") {
  const Context context = Context().with_timeout(1h);
  CHECK(context.remaining(0ms) > 59min);
  // Rounded up, so a caller never passes a 0 that means "for ever" elsewhere.
  CHECK(context.remaining(0ms).count() * 1ms <= 1h);
}

TEST_CASE("the largest timeout means no deadline that can come") {
  const Context context = Context().with_timeout(std::chrono::milliseconds::max());
  CHECK(context.check().ok());
  CHECK(context.remaining(0ms) > 24h * 365);
  CHECK(context.with_timeout(0ms).check().error().code() == Code::deadline_exceeded);
}

TEST_CASE("a stop request is seen by every copy and wins over the deadline") {
  std::stop_source stop;
  const Context context = Context(stop.get_token()).with_timeout(0ms).with_caller("ann");
  CHECK(context.check().error().code() == Code::deadline_exceeded);
  stop.request_stop();
  CHECK(context.check().error().code() == Code::cancelled);
  CHECK(context.with_stop({}).check().error().code() == Code::deadline_exceeded);
  CHECK(context.caller() == "ann");
  CHECK(context.with_trace("abc").trace_id() == "abc");
  CHECK(context.with_trace("abc").caller() == "ann");
}
