// Costs by key and prompt, and what it takes that prices change for all runs or for none.
#include <doctest/doctest.h>

#include <fstream>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "trace/detail/segment_fixture.hpp"
#include "trace/detail/segment_format.hpp"

namespace slipway::trace::detail {

namespace {

std::shared_ptr<const PriceBook> book_of(std::string_view input_cost) {
  PriceRow row = must(parse_price_row(fmt::format(R"({{"input_cost_per_token":{}}})", input_cost)));
  row.model = "gpt";
  row.price_id = "p";
  return std::make_shared<const PriceBook>(std::vector<PriceRow>{std::move(row)},
                                           std::vector<PriceRow>());
}

RunPatch call(const std::string& trace, const std::string& id, std::int64_t tokens,
              std::int64_t at = 0) {
  RunPatch patch = run(trace, id, "", at);
  patch.kind = Kind::llm;
  patch.model = "gpt";
  patch.usage.input = tokens;
  patch.usage.output = 0;
  return patch;
}

std::map<std::string, std::int64_t> costs_by(Place& p, GroupBy group_by) {
  std::map<std::string, std::int64_t> costs;
  for (const CostGroup& group : must(p.store->costs(p.context, {}, group_by)).groups)
    costs[group.key] = group.cost.value;
  return costs;
}

std::int64_t total_of(Place& p) {
  return must(p.store->costs(p.context, {}, GroupBy::model)).total.value;
}

/// The segment as the version before wrote it.
std::string as_before(const std::string& bytes) {
  SegmentFooter footer;
  std::memcpy(&footer, bytes.data() + bytes.size() - sizeof footer, sizeof footer);
  SegmentFooterBefore before;
  before.counts = footer.counts;
  std::copy(footer.sections, footer.sections + sections_before, before.sections);
  before.hash = hash64(before.hashed());
  std::memcpy(before.magic, segment_magic_before, sizeof before.magic);
  return bytes.substr(0, bytes.size() - sizeof footer) +
         std::string(reinterpret_cast<const char*>(&before), sizeof before);
}

std::vector<std::filesystem::path> segments_of(const Place& p) {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(p.path / "traces"))
    if (file.path().extension() == ".traces") paths.push_back(file.path());
  return paths;
}

using Costs = std::map<std::string, std::int64_t>;

}  // namespace

TEST_CASE("costs are summed by API key and by version of a prompt") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    p.prices = [] { return book_of("1e-06"); };
    p.open(memory);
    RunPatch web = call("a", "a", 10), hub = call("b", "b", 20), fuse = call("c", "c", 30);
    web.metadata["key"] = "web";
    web.metadata["prompt"] = json::Object{{"name", "greeting"}, {"version", "3"}};
    hub.metadata["key"] = "batch";
    hub.metadata["lc_hub_repo"] = "greeting";
    hub.metadata["lc_hub_commit_hash"] = "0123456789abcdef";
    fuse.attributes["langfuse.observation.prompt.name"] = "greeting";
    fuse.attributes["langfuse.observation.prompt.version"] = 3;
    must(p.store->ingest(p.context, {web, hub, fuse, call("d", "d", 40)}));
    for (int round = 0; round < 2; ++round) {
      CHECK(costs_by(p, GroupBy::key) ==
            Costs{{"web", 10'000'000}, {"batch", 20'000'000}, {"", 70'000'000}});
      CHECK(costs_by(p, GroupBy::prompt) ==
            Costs{{"greeting@3", 40'000'000}, {"greeting@01234567", 20'000'000}, {"", 40'000'000}});
      Query query;
      query.prompt = "greeting@3";
      CHECK(p.found(query) == std::vector<std::string>{"a", "c"});
      query.key = "web";
      CHECK(p.found(query) == std::vector<std::string>{"a"});
      CHECK(must(p.store->traces(p.context, query)).items.size() == 1);
      query.key = "nobody";
      CHECK(p.found(query).empty());
      p.open(memory);
    }
    // A patch that comes later has the last word.
    RunPatch late;
    late.trace_id = late.id = "d";
    late.metadata["key"] = "late";
    must(p.store->ingest(p.context, {late}));
    CHECK(costs_by(p, GroupBy::key).at("late") == 40'000'000);
  }
}

TEST_CASE("files of the version before are read, and get the columns that they lack") {
  Place p;
  p.prices = [] { return book_of("1e-06"); };
  p.open();
  RunPatch one = call("a", "a", 10);
  one.metadata["key"] = "web";
  one.inputs = Payload{R"({"words":"kept as they are"})"};
  must(p.store->ingest(p.context, {one, call("b", "b", 5)}));
  for (int i = 0; i < 500 && p.files(".traces") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  p.store.reset();
  REQUIRE_FALSE(segments_of(p).empty());
  for (const auto& path : segments_of(p)) {
    const std::string bytes = must(read_file(path));
    std::ofstream(path, std::ios::binary | std::ios::trunc) << as_before(bytes);
  }
  {
    const auto reader = must(TraceStore::open({.path = p.path / "traces", .is_read_only = true}));
    CHECK(must(reader->costs(p.context, {}, GroupBy::key)).total.value == 15'000'000);
    CHECK(must(reader->run(p.context, "a", "")).metadata.at("key") == "web");
  }
  p.open(48u << 20);
  for (int i = 0; i < 500 && costs_by(p, GroupBy::key).count("web") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(costs_by(p, GroupBy::key) == Costs{{"web", 10'000'000}, {"", 5'000'000}});
  CHECK(p.words("kept") == std::vector<std::string>{"a"});
  CHECK(must(p.store->run(p.context, "a", "")).inputs->bytes == one.inputs->bytes);
}

TEST_CASE("new prices are there for all runs at once, wherever these are") {
  Place p(48u << 20);
  std::string price = "1e-06";
  p.prices = [&price] { return book_of(price); };
  p.open(1);
  for (int i = 0; i < 20; ++i)
    must(p.store->ingest(p.context, {call(fmt::format("t{}", i), "r", 10, i)}));
  p.open(48u << 20);  // The next ones stay in memory.
  for (int i = 20; i < 30; ++i)
    must(p.store->ingest(p.context, {call(fmt::format("t{}", i), "r", 10, i)}));
  CHECK(total_of(p) == 300'000'000);
  price = "2e-06";
  Repricing wish;
  wish.to = base + 25 * millisecond;
  const RepricingReport report = must(p.store->reprice(p.context, wish));
  CHECK(report.runs == 25);
  CHECK(report.changed == 25);
  CHECK(report.after.value == 500'000'000);
  for (int round = 0; round < 2; ++round) {
    CHECK(total_of(p) == 550'000'000);
    CHECK(must(p.store->trace(p.context, "t7", false)).summary.cost->value == 20'000'000);
    CHECK(must(p.store->trace(p.context, "t27", false)).summary.cost->value == 10'000'000);
    CHECK(must(p.store->stats(p.context, {}, {})).all.traces == 30);
    p.open(48u << 20);
  }
  CHECK(must(p.store->reprice(p.context, wish)).changed == 0);
  RunPatch late;
  late.trace_id = "t3";
  late.id = "r";
  late.error = "late";
  must(p.store->ingest(p.context, {late}));
  CHECK(total_of(p) == 550'000'000);
  CHECK(must(p.store->remove_before(p.context, base + 10 * millisecond)) == 10);
  p.open();
  CHECK(total_of(p) == 350'000'000);
}

TEST_CASE("whatever fails while prices change, all runs have the old ones or all the new ones") {
  int failed = 0, done = 0;
  for (int nth = 1; nth < 30; ++nth) {
    Place p;
    std::string price = "1e-06";
    p.prices = [&price] { return book_of(price); };
    p.open();
    std::vector<RunPatch> runs;
    for (int i = 0; i < 12; ++i) {  // Of three days: as many files.
      runs.push_back(call(fmt::format("t{}", i), "r", 10));
      *runs.back().start += i % 3 * day;
      *runs.back().end += i % 3 * day;
    }
    must(p.store->ingest(p.context, std::move(runs)));
    for (int i = 0; i < 500 && p.files(".traces") < 3; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    p.wait_for_sums();
    price = "2e-06";
    {
      const FaultPlan plan(FaultKind::file, nth);
      const auto report = p.store->reprice(p.context, {});
      (report ? done : failed) += 1;
      CHECK(total_of(p) == (report ? 240'000'000 : 120'000'000));
    }
    const std::int64_t seen = total_of(p);
    p.open();
    // Who was told of a failure may find that it was made all the same; but all of it.
    CHECK((total_of(p) == seen || total_of(p) == 240'000'000));
    CHECK(must(p.store->stats(p.context, {}, {})).all.traces == 12);
  }
  CHECK(failed > 3);
  CHECK(done > 3);
}

}  // namespace slipway::trace::detail
