// The store as files: restarts, late patches, merges, deletion, failures of the disk, the version
// before.
#include <doctest/doctest.h>

#include <fstream>
#include <random>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "trace/detail/manifest.hpp"
#include "trace/detail/schema.hpp"
#include "trace/detail/segment_fixture.hpp"

namespace slipway::trace::detail {

namespace {

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("what was taken is there after a restart, with every byte of its payloads") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    RunPatch root = run("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 0);
    root.inputs = Payload{"{\"q\": 1.0, \"t\":\"\xC3\xA9t\xC3\xA9\"}"};
    root.outputs = Payload{std::string("bare \0 text", 11), true};
    root.metadata["customer"] = "Ada";
    root.attributes["http.route"] = "/a";
    root.tags = {"x", "y"};
    root.session_id = "s";
    root.events.push_back({"token", base, {{"n", 1}}});
    must(p.store->ingest(p.context, {root, run(root.trace_id, "c", root.id, 1)}));
    RunPatch late;
    late.trace_id = root.trace_id;
    late.id = "c";
    late.error = "too late";
    must(p.store->ingest(p.context, {late}));
    for (int i = 0; i < 3; ++i) {
      const Trace trace = must(p.store->trace(p.context, root.trace_id, true));
      REQUIRE(trace.runs.size() == 2);
      CHECK(trace.runs[0].inputs->bytes == root.inputs->bytes);
      CHECK(trace.runs[0].outputs->bytes == root.outputs->bytes);
      CHECK(trace.runs[0].outputs->is_text);
      CHECK(trace.runs[0].metadata.at("customer") == "Ada");
      CHECK(trace.runs[0].tags == Ids{"x", "y"});
      CHECK(trace.runs[0].events.size() == 1);
      CHECK(trace.runs[1].parent_id == root.id);
      CHECK(trace.runs[1].error == "too late");
      CHECK(trace.summary.error_count == 1);
      CHECK(p.words("ada") == Ids{root.id});
      CHECK(p.words("bare text") == Ids{root.id});
      p.open(memory);
    }
  }
}

TEST_CASE("patches of a trace make one trace, however often it went to a file meanwhile") {
  Place p;
  std::mt19937 random(5);
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 120; ++i) {
    const std::string trace = fmt::format("t{}", random() % 7);
    const std::string id = fmt::format("{}-r{}", trace, random() % 5);
    RunPatch patch = run(trace, id, "", 0);
    patch.outputs = Payload{fmt::format("{{\"value\":\"v{}\"}}", i)};
    must(p.store->ingest(p.context, {patch}));
    expected[id] = patch.outputs->bytes;
    if (i % 17 == 0) p.open(i % 2 == 0 ? 1 : 48u << 20);
  }
  Query all;
  all.limit = 1000;
  const auto page = must(p.store->runs(p.context, all));
  CHECK(page.items.size() == expected.size());
  for (const Run& one : page.items) CHECK(one.outputs->bytes == expected[one.id]);
  CHECK(must(p.store->stats(p.context, {}, {})).all.runs ==
        static_cast<std::int64_t>(expected.size()));
  for (const auto& [id, bytes] : expected) CHECK(must(p.store->run(p.context, id, "")).id == id);
}

TEST_CASE("of what is erased no byte is left, wherever it was, and the rest is there") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    for (int i = 0; i < 20; ++i) {
      RunPatch root = run(fmt::format("t{}", i), fmt::format("r{}", i), "", i);
      RunPatch child = run(root.trace_id, root.id + "c", root.id, i);
      // Not packed, so that its bytes are what is looked for.
      child.outputs = Payload{fmt::format("\"doc_{}\"", i % 5)};
      root.name = fmt::format("about doc_{}", i % 5);
      must(p.store->ingest(p.context, {root, child}));
    }
    Query query;
    query.text = parse_text_query("doc_3");
    CHECK(must(p.store->erase(p.context, query)) == 4);
    CHECK(must(p.store->erase(p.context, query)) == 0);
    for (int round = 0; round < 2; ++round) {
      CHECK(p.words("doc_3").empty());
      CHECK(p.words("doc_4").size() == 8);
      CHECK(must(p.store->stats(p.context, {}, {})).all.runs == 32);
      for (const auto& file : std::filesystem::directory_iterator(p.path / "traces"))
        CHECK(must(read_file(file.path())).find("doc_3") == std::string::npos);
      p.open(memory);
    }
  }
}

TEST_CASE("what is erased while files are merged is in none of them either") {
  for (int round = 0; round < 12; ++round) {
    Place p(1);
    for (int file = 0; file < 7; ++file) {
      std::vector<RunPatch> runs;
      for (int i = 0; i < 1'000; ++i) {
        const std::string id = fmt::format("{}-{}", file, i);
        runs.push_back(run("t" + id, "r" + id, "", i));
        runs.back().name = i == 500 ? fmt::format("about doc_{}", file) : "about others";
      }
      must(p.store->ingest(p.context, std::move(runs)));
    }
    // Some begin to erase in the middle of the first merge.
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    Query query;
    query.text = parse_text_query("doc_3");
    CHECK(must(p.store->erase(p.context, query)) == 1);
    for (const auto& file : std::filesystem::directory_iterator(p.path / "traces"))
      CHECK(must(read_file(file.path())).find("doc_3") == std::string::npos);
    CHECK(p.words("doc_4").size() == 1);
  }
}

TEST_CASE("small files become larger ones, and every run is found in them") {
  Place p;
  for (int i = 0; i < 60; ++i) {
    RunPatch patch = run(fmt::format("t{}", i), fmt::format("r{}", i), "", i);
    patch.inputs = Payload{fmt::format("{{\"text\":\"same words, number n{}\"}}", i)};
    patch.outputs = Payload{R"("the same for all of them")"};
    must(p.store->ingest(p.context, {patch}));
  }
  must(p.store->remove(p.context, "t3"));
  p.wait_for_files(12);
  for (int round = 0; round < 2; ++round) {
    CHECK(p.words("same words").size() == 59);
    CHECK(p.words("n17") == Ids{"r17"});
    CHECK(p.words("n3").empty());
    CHECK(must(p.store->run(p.context, "r44", "")).inputs->bytes ==
          R"({"text":"same words, number n44"})");
    p.open();
  }
}

TEST_CASE("phrases are within one field, and words of languages without spaces are found") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    RunPatch patch = run("t", "r", "", 0);
    patch.name = "alpha beta";
    patch.inputs = Payload{R"({"a":"gamma delta","b":["epsilon zeta"],"gone":1})"};
    patch.outputs = Payload{"\"\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD\xE3\x81\xAB\"", false};
    must(p.store->ingest(p.context, {patch}));
    must(p.store->ingest(p.context, {run("u", "other", "", 1)}));
    CHECK(p.words("\"alpha beta\"") == Ids{"r"});
    CHECK(p.words("\"beta alpha\"").empty());
    CHECK(p.words("\"beta gamma\"").empty());
    CHECK(p.words("\"delta epsilon\"").empty());
    CHECK(p.words("beta zeta") == Ids{"r"});
    CHECK(p.words("gone").empty());
    CHECK(p.words("\xE4\xBA\xAC\xE9\x83\xBD") == Ids{"r"});
    CHECK(p.words("\xE9\x83\xBD\xE4\xBA\xAC").empty());
    Query traces;
    traces.text = parse_text_query("\"gamma delta\" zeta");
    CHECK(must(p.store->traces(p.context, traces)).items.size() == 1);
  }
}

TEST_CASE("filters on metadata and attributes find the rare and the common") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    std::vector<RunPatch> runs;
    for (int i = 0; i < 300; ++i) {
      runs.push_back(run(fmt::format("t{:03}", i), fmt::format("r{:03}", i), "", i));
      runs.back().metadata["n"] = i;
      runs.back().metadata["list"] = json::Array{"a", i % 100};
      runs.back().attributes["half"] = i % 2 == 0;
      runs.back().metadata["at"] = "2026-11-23T08:00:00Z";
    }
    must(p.store->ingest(p.context, runs));
    must(p.store->ingest(p.context, {run("z", "z", "", 1)}));
    const auto filtered = [&](const char* text) {
      Query query;
      query.filter = must(parse_filter(must(json::parse(text))));
      query.limit = 1000;
      return p.found(query);
    };
    CHECK(filtered(R"({"metadata.n":17})") == Ids{"r017"});
    CHECK(filtered(R"({"metadata.n":17.0})") == Ids{"r017"});
    CHECK(filtered(R"({"metadata.n":{"$in":[5,299,1000]}})") == Ids{"r005", "r299"});
    CHECK(filtered(R"({"metadata.list":7})") == Ids{"r007", "r107", "r207"});
    CHECK(filtered(R"({"attributes.half":true,"metadata.n":{"$lt":3}})") == Ids{"r000", "r002"});
    CHECK(filtered(R"({"metadata.at":"2026-11-23T09:00:00+01:00"})").size() == 300);
    CHECK(filtered(R"({"$not":{"metadata.n":{"$exists":true}}})") == Ids{"z"});
  }
}

TEST_CASE("frames that repeat what their calls used are not counted twice") {
  Place p;
  const auto with = [](RunPatch patch, std::int64_t input, std::optional<double> cost,
                       std::int64_t output = 1) {
    patch.usage.input = input;
    patch.usage.output = output;
    patch.cost.total = cost;
    return patch;
  };
  must(p.store->ingest(
      p.context, {with(run("t", "root", "", 0), 30, 0.5), with(run("t", "a", "root", 1), 10, {}),
                  run("t", "frame", "root", 2), with(run("t", "b", "frame", 3), 10, 0.5),
                  with(run("t", "c", "b", 4), 10, {}), with(run("t", "d", "a", 4), 4, {})}));
  const TraceSummary sums = must(p.store->trace(p.context, "t", false)).summary;
  // a and d differ; c is what b repeats; the root is no sum of what is below.
  CHECK(sums.input_tokens == 30 + 10 + 4 + 10);
  CHECK(sums.cost->value == 500'000'000'000 + 500'000'000'000);
  must(p.store->ingest(
      p.context, {with(run("u", "top", "", 0), 20, {}, 2), with(run("u", "x", "top", 1), 12, {}),
                  with(run("u", "y", "top", 1), 8, {})}));
  CHECK(must(p.store->trace(p.context, "u", false)).summary.input_tokens == 20);
  RunPatch circle = with(run("v", "p", "q", 0), 1, {});
  must(p.store->ingest(p.context, {circle, with(run("v", "q", "p", 0), 2, {})}));
  CHECK(must(p.store->trace(p.context, "v", false)).summary.input_tokens == 3);
}

TEST_CASE("old days go as whole files") {
  Place p;
  for (int d = 0; d < 4; ++d) {
    std::vector<RunPatch> runs;
    for (int i = 0; i < 10; ++i) {
      runs.push_back(run(fmt::format("t{}-{}", d, i), "r", "", i));
      *runs.back().start += d * day;
      *runs.back().end += d * day;
    }
    must(p.store->ingest(p.context, std::move(runs)));
  }
  p.open();
  CHECK(must(p.store->remove_before(p.context, base + day + 5 * millisecond)) == 15);
  CHECK(must(p.store->remove_before(p.context, base + day + 5 * millisecond)) == 0);
  for (int round = 0; round < 2; ++round) {
    CHECK(must(p.store->stats(p.context, {}, {})).all.traces == 25);
    CHECK(p.store->trace(p.context, "t0-1", false).error().code() == Code::not_found);
    CHECK(p.store->trace(p.context, "t1-4", false).error().code() == Code::not_found);
    CHECK(must(p.store->trace(p.context, "t1-5", false)).runs.size() == 1);
    p.open();
  }
}

TEST_CASE("whatever fails on the disk, what was acknowledged is there and nothing else is half") {
  int failures = 0;
  for (int nth = 1; nth < 40; ++nth) {
    Place p;
    std::vector<std::string> taken;
    {
      const FaultPlan plan(FaultKind::file, nth,
                           nth % 3 == 0 ? FaultPlan::Mode::onwards : FaultPlan::Mode::once);
      for (int i = 0; i < 6; ++i) {
        const std::string id = fmt::format("t{}", i);
        std::vector<RunPatch> runs = {run(id, "a" + id, "", 0), run(id, "b" + id, "a" + id, 1)};
        const auto outcome = p.store->ingest(p.context, std::move(runs));
        if (outcome)
          taken.push_back(id);
        else
          CHECK(outcome.error().code() == Code::unavailable);
        if (nth % 3 == 0 && i == 1) break;  // Commits would wait for a disk that never comes back.
      }
      failures += plan.fired() ? 1 : 0;
    }
    p.open();
    for (const std::string& id : taken)
      CHECK(must(p.store->trace(p.context, id, true)).runs.size() == 2);
    for (const TraceSummary& one : must(p.store->traces(p.context, {})).items)
      CHECK(one.run_count == 2);
  }
  CHECK(failures > 15);
}

TEST_CASE("a trace that is patched before its file could be written is whole after a restart") {
  Place p;
  {
    // Two writes and a sync of the journal, two calls for the next one, then the file.
    const FaultPlan plan(FaultKind::file, 6);
    must(p.store->ingest(p.context, {run("t", "r", "", 0), run("t", "s", "r", 1)}));
    for (int i = 0; i < 200 && !plan.fired(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(plan.fired());
    RunPatch late;
    late.trace_id = "t";
    late.id = "s";
    late.error = "late";
    must(p.store->ingest(p.context, {late}));
  }
  for (int i = 0; i < 200 && p.files(".traces") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(p.files(".traces") > 0);
  for (int round = 0; round < 2; ++round) {
    CHECK(must(p.store->trace(p.context, "t", false)).runs.size() == 2);
    CHECK(must(p.store->run(p.context, "s", "")).error == "late");
    p.open();
  }
}

TEST_CASE("a journal that was cut anywhere gives the batches before the cut") {
  std::string whole;
  {
    Place p(48u << 20);
    for (int i = 0; i < 8; ++i)
      must(p.store->ingest(p.context, {run(fmt::format("t{}", i), "r", "", i)}));
    whole = must(read_file(journal_path(p.path / "traces", 1)));
  }
  std::int64_t before = 0;
  for (std::size_t size = 0; size <= whole.size(); size += 13) {
    Place p(48u << 20);
    p.store.reset();
    std::ofstream(journal_path(p.path / "traces", 1), std::ios::binary)
        << whole.substr(0, size) << (size % 2 == 0 ? "" : "garbage");
    p.open(48u << 20);
    const auto stats = must(p.store->stats(p.context, {}, {}));
    CHECK(stats.all.traces >= before);
    before = stats.all.traces;
    must(p.store->ingest(p.context, {run("new", "r", "", 0)}));
    p.open();
    CHECK(must(p.store->stats(p.context, {}, {})).all.traces == before + 1);
  }
  CHECK(before >= 7);
}

TEST_CASE("a damaged file is an error that names it, never a crash") {
  Place p;
  must(p.store->ingest(p.context, {run("t", "r", "", 0), run("t", "s", "r", 0)}));
  must(p.store->ingest(p.context, {run("u", "r", "", 0)}));
  p.store.reset();
  std::filesystem::path file;
  for (const auto& one : std::filesystem::directory_iterator(p.path / "traces"))
    if (one.path().extension() == ".traces") file = one.path();
  REQUIRE_FALSE(file.empty());
  const std::string sound = must(read_file(file));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = sound;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    if (i % 10 == 0) bytes.resize(random() % bytes.size());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    auto opened = TraceStore::open({.path = p.path / "traces"});
    if (!opened) {
      ++refused;
      CHECK(opened.error().message().find("traces") != std::string::npos);
      continue;
    }
    Query query;
    query.text = parse_text_query("run r");
    static_cast<void>((*opened)->trace(p.context, "t", true));
    static_cast<void>((*opened)->traces(p.context, {}));
    static_cast<void>((*opened)->runs(p.context, query));
    static_cast<void>((*opened)->costs(p.context, {}, GroupBy::kind));
  }
  CHECK(refused > 10);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << sound;
  p.open();
  CHECK(must(p.store->trace(p.context, "t", true)).runs.size() == 2);
}

TEST_CASE("one process at a time has the folder") {
  Place p;
  const auto second = TraceStore::open({.path = p.path / "traces"});
  CHECK(second.error().code() == Code::conflict);
  must(p.store->ingest(p.context, {run("t", "r", "", 0)}));
  const auto reader = must(TraceStore::open({.path = p.path / "traces", .is_read_only = true}));
  CHECK(must(reader->trace(p.context, "t", true)).runs.size() == 1);
  CHECK(reader->ingest(p.context, {run("u", "r", "", 0)}).error().code() == Code::forbidden);
  CHECK(TraceStore::open({.path = p.path / "none", .is_read_only = true}).error().code() ==
        Code::not_found);
}

TEST_CASE("the database of the version before is taken over once") {
  Place p;
  p.store.reset();
  std::filesystem::remove_all(p.path / "traces");
  {
    const auto old = must(store::Database::open({.path = p.path / "traces.db"}, migrations()));
    must(old->write(p.context, [](store::Connection& connection) -> Result<void> {
      return connection.execute(R"sql(
        INSERT INTO trace_traces VALUES(4,'t',9,'shop',0,100,300,200,2,1,3,1,4,0,0);
        INSERT INTO trace_runs VALUES(9,4,'r',NULL,'shop','root',6,0,NULL,100,300,NULL,200,'s',NULL,
          NULL,NULL,0,0,0,0,NULL,0,'{"tags":["x"],"metadata":{"k":"v"}}','{"q": 1.0}',NULL,0);
        INSERT INTO trace_runs VALUES(12,4,'c','r','shop','call',0,1,'boom',150,NULL,NULL,NULL,NULL,
          NULL,'openai','gpt',3,1,4,0,NULL,1,'{"usage":{"input":3,"output":1,"convention":
          "inclusive","source":"client"}}',NULL,'plain text',2);)sql");
    }));
  }
  for (int round = 0; round < 2; ++round) {
    p.open();
    const Trace trace = must(p.store->trace(p.context, "t", true));
    CHECK(trace.summary.name == "root");
    CHECK(trace.summary.project == "shop");
    CHECK(trace.summary.input_tokens == 3);
    REQUIRE(trace.runs.size() == 2);
    CHECK(trace.runs[0].inputs->bytes == R"({"q": 1.0})");
    CHECK(trace.runs[0].tags == Ids{"x"});
    CHECK(trace.runs[1].error == "boom");
    CHECK(trace.runs[1].usage->total_tokens == 4);
    CHECK(trace.runs[1].outputs->is_text);
    CHECK(p.words("plain") == Ids{"c"});
    CHECK_FALSE(std::filesystem::exists(p.path / "traces.db"));
    // As if the first start had ended right before the file was renamed.
    p.store.reset();
    std::filesystem::rename(p.path / "traces.db.imported", p.path / "traces.db");
  }
  p.open();
  CHECK(must(p.store->stats(p.context, {}, {})).all.runs == 2);
  must(p.store->ingest(p.context, {run("new", "r2", "", 0)}));
  CHECK(must(p.store->run(p.context, "r2", "")).arrival > 12);
}

}  // namespace slipway::trace::detail
