#include "trace/detail/pace.hpp"

#include <doctest/doctest.h>

namespace slipway::trace::detail {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t per_second = 1'000;

struct Course {
  Pace pace{per_second};
  Pace::Moment now{std::chrono::hours(1)};

  /// How many of those that come evenly are recorded in the mean.
  double run(int count, std::chrono::nanoseconds time) {
    double recorded = 0;
    for (int i = 0; i < count; ++i) {
      recorded += pace.share(now);
      now += time / count;
    }
    return recorded;
  }
};

}  // namespace

TEST_CASE("a second's worth is recorded whole, evenly or all at once") {
  Course even;
  for (int second = 0; second < 3; ++second)
    CHECK(even.run(per_second, milliseconds(1'000)) == per_second);
  Course sudden;
  for (int second = 0; second < 3; ++second) {
    CHECK(sudden.run(per_second, milliseconds(10)) == per_second);
    sudden.now += milliseconds(1'100);
  }
}

TEST_CASE("the more come the fewer are recorded, from the first tenth of a second on") {
  Course course;
  const double first = course.run(10 * per_second, milliseconds(1'000));
  CHECK(first >= per_second);
  CHECK(first < 1.15 * per_second);
  constexpr double tenth = 0.1 * per_second;
  CHECK(course.run(10 * per_second, milliseconds(1'000)) == doctest::Approx(tenth).epsilon(0.02));
  course.run(2 * per_second, milliseconds(1'000));
  CHECK(course.run(2 * per_second, milliseconds(1'000)) ==
        doctest::Approx(0.5 * per_second).epsilon(0.02));
}

TEST_CASE("after a rest of a second all are recorded again") {
  Course course;
  course.run(10 * per_second, milliseconds(1'000));
  CHECK(course.pace.share(course.now) < 1);
  course.now += milliseconds(1'000);
  CHECK(course.run(per_second, milliseconds(500)) == per_second);
}

TEST_CASE("without a limit all are recorded") {
  Pace pace(0);
  for (int i = 0; i < 100; ++i) CHECK(pace.share(Pace::Moment(microseconds(i))) == 1);
}

}  // namespace slipway::trace::detail
