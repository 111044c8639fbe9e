// Dashboards out of the sums of files say what walking all rows says.
#include "trace/detail/part_sums.hpp"

#include <cmath>
#include <fstream>
#include <random>

#include "trace/detail/filing.hpp"
#include "trace/detail/part_reads.hpp"
#include "trace/detail/segment_fixture.hpp"
#include "trace/detail/sum_files.hpp"

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
  PartSums sums;
  Filing filing{Filing::Options{.shelf = shelf, .sums = &sums}};
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
  PartSums small({.bytes_max = 1'000}), large;
  check_costs(view, small);
  CHECK(small.bytes() <= 1'000);
  const auto part = [&] {
    for (const PartView& one : view)
      if (one.part->file() != nullptr) return one;
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

namespace {

std::vector<PartView> files_of(Store& store) {
  std::vector<PartView> files;
  for (PartView& one : store.shelf.view())
    if (one.part->file() != nullptr) files.push_back(std::move(one));
  return files;
}

void check_projects(PartSums& sums, const PartView& view) {
  const ProjectMap projects = sums.projects(view), walked = count_projects(view);
  REQUIRE(projects.size() == walked.size());
  for (const auto& [name, project] : projects) {
    const Project& other = walked.at(name);
    CHECK(project.name == name);
    CHECK(project.traces == other.traces);
    CHECK(project.runs == other.runs);
    CHECK(project.last_run_time == other.last_run_time);
  }
}

/// Something that no walk finds: whoever tells it has read it.
std::string told_sums() {
  std::string packed;
  Packer out(packed);
  out.count(1);
  out.text("p0");
  out.text("a model of a file");
  for (const int number : {7, 1, 1, 1, 0, 0}) out.number(number);  // As `CostSum::pack`.
  return packed;
}

bool are_told(PartSums& sums, const PartView& file) {
  const auto cells = must(sums.of_runs({}, {file.part, nullptr}, GroupBy::model));
  return cells->size() == 1 && cells->front().key == "a model of a file" &&
         cells->front().sum.group.runs == 7;
}

}  // namespace

TEST_CASE("sums stand beside their files, and are read there after a start") {
  Store store;
  const auto files = files_of(store);
  PartSums before, after, reader({.may_write = false});
  for (const PartView& one : files) {
    must(before.prepare({}, one.part));
    // All ways of grouping, of traces and of runs, all traces as one, and projects.
    CHECK(names_of_sums(*one.part->file()).size() == 2 * std::size(groups) + 2);
  }
  check_stats(store.shelf.view(), after);
  check_costs(store.shelf.view(), after);
  for (const PartView& one : files) {
    check_projects(after, one);
    check_projects(after, {one.part, nullptr});
  }

  const PartFile& file = *files[0].part->file();
  const auto path = sums_path(file.path);
  std::filesystem::remove(path);
  CHECK_FALSE(are_told(reader, files[0]));
  CHECK_FALSE(std::filesystem::exists(path));
  must(add_sums(file, "runs by model", told_sums()));
  must(add_sums(file, "runs by model", "they are there already"));
  PartSums told;
  CHECK(are_told(told, files[0]));
}

TEST_CASE("sums that are damaged, or of another file, are made again") {
  Store store;
  const PartView one = files_of(store)[0];
  const PartFile& file = *one.part->file();
  const auto path = sums_path(file.path);
  const auto walked = must(sums_of_runs({}, {one.part, nullptr}, GroupBy::model));
  const auto check_made_again = [&] {
    CHECK_FALSE(read_sums(file, "runs by model") == told_sums());
    PartSums sums;
    const auto cells = must(sums.of_runs({}, {one.part, nullptr}, GroupBy::model));
    CHECK(cells->size() == walked.size());
    PartSums again({.may_write = false});
    CHECK(read_sums(file, "runs by model").has_value());
    CHECK(must(again.of_runs({}, {one.part, nullptr}, GroupBy::model))->size() == walked.size());
  };
  SUBCASE("a byte is another") {
    must(add_sums(file, "runs by model", told_sums()));
    const auto end = static_cast<std::streamoff>(std::filesystem::file_size(path)) - 3;
    std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(end);
    bytes.put('\x7f');
  }
  SUBCASE("its end is missing") {
    must(add_sums(file, "runs by model", told_sums()));
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  }
  SUBCASE("it is nothing of ours") { std::ofstream(path) << "something"; }
  SUBCASE("it is empty") { std::ofstream(path) << ""; }
  SUBCASE("a file of traces had this name before") {
    must(add_sums({.path = file.path, .hash = file.hash + 1}, "runs by model", told_sums()));
  }
  SUBCASE("their numbers are not all there") {
    must(add_sums(file, "runs by model", told_sums().substr(0, 12)));
    PartSums sums;
    const auto cells = must(sums.of_runs({}, {one.part, nullptr}, GroupBy::model));
    CHECK(cells->size() == walked.size());
    return;
  }
  check_made_again();
}

TEST_CASE("a file that was merged has the sums of those that it was made of, without the dead") {
  Store store;
  const auto files = files_of(store);
  REQUIRE(files.size() > 2);
  std::vector<Shelved> inputs;
  View from;
  for (std::size_t i = 0; i < 2; ++i) {
    const Shelved one = store.shelf.segments()[i];
    const DeadPtr dead = i == 0 ? with_dead(nullptr, one.segment->traces(), {1, 2, 5}) : nullptr;
    inputs.push_back({one.number, one.segment, dead, dead, dead});
    from.push_back({one.segment, dead});
    must(store.sums.prepare({}, one.segment));
  }
  const auto path = segment_path(store.shelf.folder(), 77);
  must(merge_segments({}, path, false, inputs));
  const auto merged = must(Segment::open(path, 77, store.shelf.cache()));
  must(store.sums.inherit({}, from, *merged));
  CHECK(names_of_sums(*merged->file()).size() == 2 * std::size(groups) + 1);
  PartSums sums;
  const View view{{merged, nullptr}};
  check_stats(view, sums);
  check_costs(view, sums);

  // One that lacks some gives none of these.
  std::filesystem::remove(sums_path(inputs[1].segment->path()));
  std::filesystem::remove(sums_path(path));
  must(add_sums(*inputs[1].segment->file(), "runs by model",
                *read_sums(*inputs[0].segment->file(), "runs by model")));
  must(store.sums.inherit({}, from, *merged));
  CHECK(names_of_sums(*merged->file()) == std::set<std::string, std::less<>>{"runs by model"});
}

TEST_CASE("only few groups are added up before somebody asks for them") {
  Place place;
  const auto folder = place.path / "many";
  std::filesystem::create_directories(folder);
  Shelf shelf(folder, false);
  PartSums sums;
  Filing filing{Filing::Options{.shelf = shelf, .sums = &sums}};
  must(filing.open(Manifest()));
  PriceBook prices{{}, {}};
  Arrivals arrivals;
  Batch batch(shelf, prices, arrivals);
  for (int i = 0; i < 2'500; ++i) {
    RunPatch patch = run(fmt::format("t{}", i), fmt::format("t{}", i), "", i);
    patch.session_id = fmt::format("s{}", i);
    must(batch.apply(prepare(std::move(patch))));
  }
  must(filing.add(batch.take_changed()));
  must(filing.publish(arrivals));
  const PartView one{shelf.segments()[0].segment, nullptr};
  must(sums.prepare({}, one.part));
  CHECK_FALSE(read_sums(*one.part->file(), "traces by session").has_value());
  CHECK(read_sums(*one.part->file(), "traces by user").has_value());
  CHECK(must(sums.of_traces({}, one, GroupBy::session))->size() == 2'500);
  CHECK(read_sums(*one.part->file(), "traces by session").has_value());
}

TEST_CASE("a store puts sums beside files when it has time, and takes them away with them") {
  // Steps of 10 ms: on a busy machine the thread that makes them gets a sixtieth of a processor.
  constexpr int patience = 6'000;
  Place p;
  // At one moment: later files may be written or merged, and be without again.
  const auto all_have_sums = [&] {
    for (int i = 0; i < patience; ++i) {
      if (p.files(".sums") == p.files(".traces")) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  for (int i = 0; i < 3; ++i) {
    const std::string id = fmt::format("t{}", i);
    must(p.store->ingest(p.context, {run(id, id, "", i)}));
  }
  for (int i = 0; i < patience && p.files(".traces") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(all_have_sums());
  REQUIRE(p.files(".sums") > 0);
  const auto stray = p.path / "traces" / "00004711.sums";
  std::ofstream(stray) << "of nothing";
  p.open();
  CHECK_FALSE(std::filesystem::exists(stray));
  CHECK(p.files(".sums") > 0);
  must(p.store->remove_before(p.context, base + day));
  CHECK(all_have_sums());
}

}  // namespace slipway::trace::detail
