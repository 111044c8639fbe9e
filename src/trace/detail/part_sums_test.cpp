// Dashboards out of the sums of files say what walking all rows says.
#include "trace/detail/part_sums.hpp"

#include <cmath>
#include <random>

#include "trace/detail/filing.hpp"
#include "trace/detail/part_reads.hpp"
#include "trace/detail/segment_fixture.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int traces_of_a_file = 300;

RunPatch call(std::mt19937& random, const std::string& trace, const std::string& id) {
  const auto of = [&](std::int64_t count) { return static_cast<std::int64_t>(random() % count); };
  RunPatch patch = run(trace, id, id == trace ? "" : trace, of(3 * 86'400'000));
  patch.end = *patch.start + (1 + of(4'000)) * millisecond;
  patch.project = fmt::format("p{}", of(3));
  patch.user_id = fmt::format("u{}", of(5));
  patch.metadata["key"] = fmt::format("k{}", of(2));
  patch.kind = of(2) == 0 ? Kind::llm : Kind::chain;
  if (of(9) == 0) patch.status = Status::error;
  if (of(11) == 0) patch.end.reset();
  if (of(3) == 0) return patch;
  patch.model = fmt::format("m{}", of(4));
  patch.usage.input = of(1'000);
  patch.usage.output = of(1'000);
  if (of(4) != 0) patch.cost.total = 0.000001 * static_cast<double>(of(100'000));
  return patch;
}

/// Files of three days, some of whose traces have moved into memory since.
struct Store {
  Place place;
  Shelf shelf{place.path / "sums", false};
  Filing filing{Filing::Options{.shelf = shelf}};
  PriceBook prices{{}, {}};
  Arrivals arrivals;
  std::mt19937 random{7};
  int runs = 0;

  Store() {
    std::filesystem::create_directories(place.path / "sums");
    must(filing.open(Manifest()));
    for (int file = 0; file < 3; ++file) {
      Batch batch(shelf, prices, arrivals);
      for (int i = 0; i < traces_of_a_file; ++i) put(batch, fmt::format("t{}-{}", file, i));
      must(filing.add(batch.take_changed()));
    }
    must(filing.publish(arrivals));
    late(20);
  }
  void put(Batch& batch, const std::string& trace) {
    must(batch.apply(prepare(call(random, trace, trace))));
    for (int i = 0; i < 3; ++i)
      must(batch.apply(prepare(call(random, trace, fmt::format("{}.{}", trace, i)))));
  }
  /// Something more of so many traces that are in files, and as many new ones.
  void late(int count) {
    Batch batch(shelf, prices, arrivals);
    for (int i = 0; i < count; ++i) {
      const std::string trace = fmt::format("t{}-{}", random() % 3, random() % traces_of_a_file);
      must(batch.apply(prepare(call(random, trace, fmt::format("late {}", ++runs)))));
      put(batch, fmt::format("new {}", ++runs));
    }
    batch.finish();
    batch.install();
  }
};

std::vector<Query> queries() {
  std::vector<Query> all(6);
  all[1].project = "p1";
  all[2].from = base + 86'400'000 * millisecond / 2;
  all[3].from = base;
  all[3].to = base + 86'400'000 * millisecond;
  all[3].project = "p2";
  all[4].status = Status::error;
  all[5].project = "nobody's";
  return all;
}

constexpr GroupBy groups[] = {GroupBy::model,   GroupBy::project, GroupBy::user,
                              GroupBy::session, GroupBy::key,     GroupBy::prompt,
                              GroupBy::kind,    GroupBy::day,     GroupBy::hour};

void check_row(const StatsRow& row, const StatsRow& walked) {
  CAPTURE(row.key);
  CAPTURE(row.traces);
  CAPTURE(row.p50_ms.value_or(-1));
  CAPTURE(walked.p50_ms.value_or(-1));
  CHECK(row.key == walked.key);
  CHECK(row.traces == walked.traces);
  CHECK(row.runs == walked.runs);
  CHECK(row.errors == walked.errors);
  CHECK(row.input_tokens == walked.input_tokens);
  CHECK(row.output_tokens == walked.output_tokens);
  CHECK(row.cost == walked.cost);
  const auto near = [](std::optional<double> a, std::optional<double> b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return std::fabs(*a - *b) <= *b * Latencies::relative_error + 1e-9;
  };
  CHECK(near(row.p50_ms, walked.p50_ms));
  CHECK(near(row.p95_ms, walked.p95_ms));
  CHECK(near(row.p99_ms, walked.p99_ms));
}

void check_stats(const View& view, PartSums& sums) {
  std::vector<std::optional<GroupBy>> all(std::begin(groups), std::end(groups));
  all.emplace_back();
  for (const Query& query : queries())
    for (const auto& group_by : all) {
      const Dashboard added{.group_by = group_by, .sums = &sums, .exact_max = 0};
      const Stats stats = must(read_stats({}, view, query, added));
      const Stats walked = must(read_stats({}, view, query, {.group_by = group_by}));
      check_row(stats.all, walked.all);
      REQUIRE(stats.groups.size() == walked.groups.size());
      for (std::size_t i = 0; i < stats.groups.size(); ++i)
        check_row(stats.groups[i], walked.groups[i]);
    }
}

void check_costs(const View& view, PartSums& sums) {
  for (const Query& query : queries())
    for (const GroupBy group_by : groups) {
      const CostReport report = must(read_costs({}, view, query, {group_by, &sums}));
      const CostReport walked = must(read_costs({}, view, query, {.group_by = group_by}));
      CHECK(report.total == walked.total);
      CHECK(report.unpriced_runs == walked.unpriced_runs);
      REQUIRE(report.groups.size() == walked.groups.size());
      for (std::size_t i = 0; i < report.groups.size(); ++i) {
        CHECK(report.groups[i].key == walked.groups[i].key);
        CHECK(report.groups[i].runs == walked.groups[i].runs);
        CHECK(report.groups[i].cost == walked.groups[i].cost);
        CHECK(report.groups[i].input_tokens == walked.groups[i].input_tokens);
        CHECK(report.groups[i].output_tokens == walked.groups[i].output_tokens);
        CHECK(report.groups[i].cache_read_tokens == walked.groups[i].cache_read_tokens);
      }
    }
}

}  // namespace

TEST_CASE("sums of files say what walking says, also after traces have left them") {
  Store store;
  PartSums sums;
  for (const int more : {0, 30, 30}) {
    if (more > 0) store.late(more);
    const View view = store.shelf.view();
    REQUIRE(view.size() > 3);
    CHECK(must(read_stats({}, view, {}, {})).all.traces > 900);
    check_stats(view, sums);
    check_costs(view, sums);
    CHECK(sums.bytes() > 0);
  }
}

TEST_CASE("what was added up is kept while there is room, and few traces are walked exactly") {
  Store store;
  const View view = store.shelf.view();
  PartSums small(1'000), large;
  check_costs(view, small);
  CHECK(small.bytes() <= 1'000);
  const auto part = [&] {
    for (const PartView& one : view)
      if (one.part->is_lasting()) return one;
    return view.front();
  }();
  const auto once = must(large.of_runs({}, part, GroupBy::user));
  CHECK(must(large.of_runs({}, part, GroupBy::user)) == once);
  CHECK(must(large.of_runs({}, part, GroupBy::key)) != once);
  const std::size_t bytes = large.bytes();
  CHECK(must(read_stats({}, view, {}, {.sums = &large})).all.p50_ms ==
        must(read_stats({}, view, {}, {})).all.p50_ms);
  CHECK(large.bytes() == bytes);
}

}  // namespace slipway::trace::detail
