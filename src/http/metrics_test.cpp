#include <doctest/doctest.h>

#include <limits>
#include <thread>

#include "http/metrics.hpp"

using namespace slipway::http;

TEST_CASE("metrics are written in the text form of Prometheus, families by name") {
  Metrics metrics;
  auto& requests = metrics.counters("requests_total", "Requests\nanswered \\ all.", {"path"});
  requests.with({"/a\"b\\c\n"}).add();
  requests.with({"/a\"b\\c\n"}).add(2);
  metrics.gauge("depth", "Of the queue.").set(2.5);
  metrics.histogram("wait_seconds", "Waited.", {0.1, 1}).observe(0.1);
  metrics.histogram("wait_seconds", "Waited.").observe(0.5);
  metrics.histogram("wait_seconds", "Waited.").observe(7);
  metrics.observe("peers", {.help = "Known.", .labels = {"kind"}, .read = [] {
                              return Metrics::Samples{{{"near"}, 3}, {{"far"}, 1e300}};
                            }});
  CHECK(metrics.text() ==
        "# HELP depth Of the queue.\n# TYPE depth gauge\ndepth 2.5\n"
        "# HELP peers Known.\n# TYPE peers gauge\npeers{kind=\"near\"} 3\n"
        "peers{kind=\"far\"} 1e+300\n"
        "# HELP requests_total Requests\\nanswered \\\\ all.\n# TYPE requests_total counter\n"
        "requests_total{path=\"/a\\\"b\\\\c\\n\"} 3\n"
        "# HELP wait_seconds Waited.\n# TYPE wait_seconds histogram\n"
        "wait_seconds_bucket{le=\"0.1\"} 1\nwait_seconds_bucket{le=\"1\"} 2\n"
        "wait_seconds_bucket{le=\"+Inf\"} 3\nwait_seconds_sum 7.6\nwait_seconds_count 3\n");
}

TEST_CASE("a counter never goes down and takes no number that is none") {
  Counter counter;
  counter.add(-1);
  counter.add(std::numeric_limits<double>::quiet_NaN());
  counter.add(std::numeric_limits<double>::infinity());
  CHECK(counter.value() == 0);
}

TEST_CASE("many threads lose no count") {
  Metrics metrics;
  auto& family = metrics.counters("n_total", "n", {"k"});
  auto& histogram = metrics.histogram("h", "h", {1});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 10'000; ++i) {
          family.with({t % 2 ? "odd" : "even"}).add();
          histogram.observe(i % 2 ? 0.5 : 2);
        }
      });
  }
  CHECK(family.with({"odd"}).value() == 40'000);
  CHECK(family.with({"even"}).value() == 40'000);
  CHECK(histogram.counts() == std::vector<std::uint64_t>{40'000, 40'000});
  CHECK(histogram.sum() == 100'000);
}

TEST_CASE("label values without end are counted together") {
  Metrics metrics;
  auto& family = metrics.counters("n_total", "n", {"model"});
  for (std::size_t i = 0; i < Family<Counter>::series_max + 500; ++i)
    family.with({"m" + std::to_string(i)}).add();
  CHECK(family.with({"other"}).value() == 500);
  std::size_t series = 0;
  family.each([&](const auto&, const Counter&) { ++series; });
  CHECK(series == Family<Counter>::series_max + 1);
}

TEST_CASE("long and broken label values are made harmless") {
  Metrics metrics;
  auto& family = metrics.counters("n_total", "n", {"model"});
  family.with({std::string(5'000, 'x')}).add();
  family.with({"\xff\xfe"}).add();
  const std::string text = metrics.text();
  CHECK(text.size() < 400);
  CHECK(text.find("invalid") != std::string::npos);
}
