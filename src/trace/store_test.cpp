#include "trace/store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <thread>

namespace slipway::trace {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

constexpr Nanoseconds base = 1'795'420'800'000'000'000;
constexpr Nanoseconds millisecond = 1'000'000;

/// A run of `trace` that began `at` milliseconds after the start of the test and took `took`.
RunPatch run(const std::string& trace, const std::string& id, const std::string& parent,
             std::int64_t at, std::int64_t took) {
  RunPatch patch;
  patch.trace_id = trace;
  patch.id = id;
  if (!parent.empty()) patch.parent_id = parent;
  patch.name = "run " + id;
  patch.kind = Kind::chain;
  patch.start = base + at * millisecond;
  if (took >= 0) patch.end = *patch.start + took * millisecond;
  return patch;
}

RunPatch call(const std::string& trace, const std::string& id, const std::string& model,
              std::int64_t input, std::int64_t output) {
  RunPatch patch = run(trace, id, "root-" + trace, 1, 5);
  patch.kind = Kind::llm;
  patch.model = model;
  patch.usage.input = input;
  patch.usage.output = output;
  return patch;
}

std::shared_ptr<const PriceBook> prices(const std::string& output = "2e-06") {
  PriceRow row = must(parse_price_row(
      R"({"input_cost_per_token": 1e-06, "output_cost_per_token": )" + output + "}"));
  row.model = "gpt";
  row.price_id = "price-" + output;
  return std::make_shared<const PriceBook>(std::vector{row}, std::vector<PriceRow>());
}

struct Stand {
  explicit Stand(std::size_t memory_bytes_max)
      : store(must(TraceStore::open(
            {.path = ":memory:", .memory_bytes_max = memory_bytes_max, .prices = [this] {
               return book;
             }}))) {}
  std::shared_ptr<const PriceBook> book = prices();
  std::unique_ptr<TraceStore> store;
  Context context;

  void take(std::vector<RunPatch> runs) { must(store->ingest(context, std::move(runs))); }
  std::vector<std::string> found(const Query& query) {
    std::vector<std::string> ids;
    for (const TraceSummary& one : must(store->traces(context, query)).items) ids.push_back(one.id);
    return ids;
  }
};

/// All in memory.
struct InMemory : Stand {
  InMemory() : Stand(48u << 20) {}
};
/// What was taken goes to a file as soon as it can, again and again.
struct InFiles : Stand {
  InFiles() : Stand(1) {}
};

using Ids = std::vector<std::string>;

Filter filter(const char* text) { return must(parse_filter(must(json::parse(text)))); }

}  // namespace

TEST_CASE_TEMPLATE("a tree is read as it was told, with its sums", S, InMemory, InFiles) {
  S s;
  RunPatch root = run("t", "root-t", "", 0, 10);
  root.project = "shop";
  root.inputs = Payload{R"({"question": 1.0})"};
  root.outputs = Payload{R"({"answer":"yes"})"};
  root.tags = {"a"};
  root.metadata["customer"] = 7;
  root.session_id = "s1";
  s.take({root, call("t", "a", "gpt", 1000, 10), call("t", "b", "other", 5, 5)});
  const Trace trace = must(s.store->trace(s.context, "t", true));
  CHECK(trace.summary.name == "run root-t");
  CHECK(trace.summary.project == "shop");
  CHECK(trace.summary.status == Status::ok);
  CHECK(trace.summary.run_count == 3);
  CHECK(trace.summary.models == Ids{"gpt", "other"});
  CHECK(trace.summary.total_tokens == 1020);
  CHECK(trace.summary.cost->value == 1'020'000'000);
  CHECK(trace.summary.inputs_preview == "1E0");
  CHECK(trace.summary.outputs_preview == "yes");
  REQUIRE(trace.runs.size() == 3);
  CHECK(trace.runs[0].inputs->bytes == R"({"question": 1.0})");
  CHECK(trace.runs[0].metadata.at("customer") == 7);
  CHECK(trace.runs[1].cost->lines.size() == 2);
  CHECK(trace.runs[1].latency_ms() == 5.0);
  CHECK_FALSE(trace.runs[2].cost);
  CHECK(must(s.store->child_ids(s.context, trace.runs[0])) == Ids{"a", "b"});
  CHECK_FALSE(must(s.store->trace(s.context, "t", false)).runs[0].inputs);
  CHECK(s.store->trace(s.context, "none", true).error().code() == Code::not_found);
}

TEST_CASE_TEMPLATE("patches make the same run in whatever order they come, again and again", S,
                   InMemory, InFiles) {
  std::vector<RunPatch> patches;
  RunPatch post = run("t", "r", "", 0, -1);
  post.project = "shop";
  post.tags = {"x"};
  post.inputs = Payload{R"({"q":1})"};
  RunPatch patch;
  patch.trace_id = "t";
  patch.id = "r";
  patch.end = base + 7 * millisecond;
  patch.outputs = Payload{R"({"a":2})"};
  patch.usage.input = 10;
  patch.model = "gpt";
  patch.metadata["k"] = "v";
  RunPatch child = call("t", "c", "gpt", 1, 1);
  child.parent_id = "r";
  patches = {post, patch, child, patch};
  std::sort(patches.begin(), patches.end(),
            [](const RunPatch& a, const RunPatch& b) { return a.id < b.id; });
  std::optional<Trace> expected;
  std::mt19937 random(3);
  for (int round = 0; round < 12; ++round) {
    std::shuffle(patches.begin(), patches.end(), random);
    S s;
    if (round % 2 == 0)
      s.take(patches);
    else
      for (const RunPatch& one : patches) s.take({one});
    const Trace trace = must(s.store->trace(s.context, "t", true));
    REQUIRE(trace.runs.size() == 2);
    const Run& found = trace.runs[0];
    CHECK(found.id == "r");
    CHECK(found.status == Status::ok);
    CHECK(found.inputs->bytes == R"({"q":1})");
    CHECK(found.outputs->bytes == R"({"a":2})");
    CHECK(found.usage->input_tokens == 10);
    CHECK(found.cost->total.value == 10'000'000);
    CHECK(trace.summary.run_count == 2);
    CHECK(trace.summary.total_tokens == 12);
    CHECK(trace.summary.cost->value == 13'000'000);
    CHECK(trace.summary.project == "shop");
    CHECK(trace.summary.end == base + 7 * millisecond);
  }
}

TEST_CASE_TEMPLATE("a trace whose root has not come is pending, and takes its words when it comes",
                   S, InMemory, InFiles) {
  S s;
  s.take({run("t", "b", "a", 5, 10), run("t", "c", "b", 7, 20)});
  TraceSummary seen = must(s.store->trace(s.context, "t", false)).summary;
  CHECK_FALSE(seen.name);
  CHECK(seen.status == Status::pending);
  CHECK(seen.start == base + 5 * millisecond);
  CHECK(seen.end == base + 27 * millisecond);
  RunPatch root = run("t", "a", "", 0, 30);
  root.error = "broken";
  s.take({root});
  seen = must(s.store->trace(s.context, "t", false)).summary;
  CHECK(seen.name == "run a");
  CHECK(seen.status == Status::error);
  CHECK(seen.error_count == 1);
  CHECK(seen.start == base);
}

TEST_CASE_TEMPLATE("a client that does not name the trace finds it by parent and by run", S,
                   InMemory, InFiles) {
  S s;
  s.take({run("", "root", "", 0, 1), run("", "child", "root", 0, 1),
          run("", "grandchild", "child", 0, 1)});
  RunPatch patch;
  patch.id = "child";
  patch.error = "late";
  s.take({patch});
  const Trace trace = must(s.store->trace(s.context, "root", false));
  CHECK(trace.runs.size() == 3);
  CHECK(trace.summary.error_count == 1);
}

TEST_CASE_TEMPLATE("queries select by every field, and by what any run of the tree has", S,
                   InMemory, InFiles) {
  S s;
  for (int i = 0; i < 6; ++i) {
    const std::string t = std::to_string(i);
    RunPatch root = run(t, "root-" + t, "", i, 10 * (i + 1));
    root.project = i % 2 == 0 ? "even" : "odd";
    root.user_id = "u" + t;
    root.metadata["n"] = i;
    root.attributes["http.method"] = i < 3 ? "GET" : "POST";
    root.inputs = Payload{R"({"text":"The Refund Policy number )" + t + "\"}"};
    if (i == 4) root.error = "boom";
    RunPatch inner = call(t, "x" + t, i == 1 ? "gpt" : "other", 100 * i + 1, 1);
    inner.tags = {"tag" + t};
    s.take({root, inner});
  }
  must(s.store->settle(s.context));
  const auto with = [](auto&& set) {
    Query query;
    set(query);
    return query;
  };
  CHECK(s.found({}) == Ids{"5", "4", "3", "2", "1", "0"});
  CHECK(s.found(with([](Query& q) { q.project = "odd"; })) == Ids{"5", "3", "1"});
  CHECK(s.found(with([](Query& q) { q.status = Status::error; })) == Ids{"4"});
  CHECK(s.found(with([](Query& q) { q.model = "gpt"; })) == Ids{"1"});
  CHECK(s.found(with([](Query& q) { q.tag = "tag2"; })) == Ids{"2"});
  CHECK(s.found(with([](Query& q) { q.user_id = "u3"; })) == Ids{"3"});
  CHECK(s.found(with([](Query& q) { q.min_latency_ms = 50; })) == Ids{"5", "4"});
  CHECK(s.found(with([](Query& q) {
    q.from = base + 2 * millisecond;
    q.to = base + 4 * millisecond;
  })) == Ids{"3", "2"});
  CHECK(s.found(with([](Query& q) {
    q.sort = Sort::total_tokens;
    q.limit = 2;
  })) == Ids{"0", "1"});
  CHECK(s.found(with([](Query& q) { q.text = parse_text_query("refund \"policy number\" 3"); })) ==
        Ids{"3"});
  CHECK(s.found(with([](Query& q) { q.text = parse_text_query("\"number policy\""); })).empty());
  const auto filtered = [&](const char* text) {
    return s.found(with([&](Query& q) { q.filter = filter(text); }));
  };
  CHECK(filtered(R"({"metadata.n":{"$gt":3}})") == Ids{"5", "4"});
  CHECK(filtered(R"({"$and":[{"attributes.http.method":"GET"},{"metadata.n":{"$in":[1,2]}}]})") ==
        Ids{"2", "1"});
  CHECK(filtered(R"({"$not":{"latency_ms":{"$lt":60}}})") == Ids{"5"});
  CHECK(filtered(R"({"metadata.missing":{"$exists":false},"status":"error"})") == Ids{"4"});
  Query runs;
  runs.model = "gpt";
  const Page<Run> page = must(s.store->runs(s.context, runs));
  REQUIRE(page.items.size() == 1);
  CHECK(page.items[0].id == "x1");
  CHECK(page.items[0].trace_id == "1");
}

TEST_CASE_TEMPLATE("a walk by cursors gives each trace once while new ones arrive", S, InMemory,
                   InFiles) {
  S s;
  for (int i = 0; i < 25; ++i) s.take({run("t" + std::to_string(i), "r", "", i / 3, i % 4)});
  for (const Sort sort :
       {Sort::start_time_descending, Sort::start_time, Sort::latency_ms_descending}) {
    Query query;
    query.sort = sort;
    query.limit = 4;
    std::vector<std::string> seen;
    while (true) {
      const Page<TraceSummary> page = must(s.store->traces(s.context, query));
      for (const TraceSummary& one : page.items) seen.push_back(one.id);
      static int extra = 0;
      s.take({run("new" + std::to_string(extra++), "r", "", 10'000, 1)});
      if (!page.next_cursor) break;
      query.cursor = *page.next_cursor;
    }
    std::erase_if(seen, [](const std::string& id) { return id.starts_with("new"); });
    CHECK(seen.size() == 25);
    std::sort(seen.begin(), seen.end());
    CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
  }
  Query wrong;
  wrong.cursor = "9.1.1";
  CHECK(s.store->traces(s.context, wrong).error().code() == Code::invalid_argument);
}

TEST_CASE_TEMPLATE(
    "costs are grouped, kept when prices change, and made anew when that is asked for", S, InMemory,
    InFiles) {
  S s;
  s.take({run("t", "root-t", "", 0, 9), call("t", "a", "gpt", 10, 10), call("t", "b", "gpt", 0, 10),
          call("t", "c", "nobody", 5, 5)});
  CostReport report = must(s.store->costs(s.context, {}, GroupBy::model));
  CHECK(report.total.value == 50'000'000);
  CHECK(report.unpriced_runs == 1);
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].key == "gpt");
  CHECK(report.groups[0].runs == 2);
  s.book = prices("4e-06");
  CHECK(must(s.store->costs(s.context, {}, GroupBy::day)).total.value == 50'000'000);
  const RepricingReport again = must(s.store->reprice(s.context, {}));
  CHECK(again.runs == 3);
  CHECK(again.changed == 2);
  CHECK(again.before.value == 50'000'000);
  CHECK(again.after.value == 90'000'000);
  CHECK(must(s.store->trace(s.context, "t", false)).summary.cost->value == 90'000'000);
}

TEST_CASE_TEMPLATE("percentiles are exact and a deleted trace is nowhere any more", S, InMemory,
                   InFiles) {
  S s;
  for (int i = 1; i <= 100; ++i) {
    RunPatch root = run("t" + std::to_string(i), "r", "", i, i);
    root.inputs = Payload{"secret word", true};
    s.take({root});
  }
  must(s.store->settle(s.context));
  const Stats stats = must(s.store->stats(s.context, {}, GroupBy::project));
  CHECK(stats.all.traces == 100);
  CHECK(stats.all.p50_ms == 51.0);
  CHECK(stats.all.p99_ms == 100.0);
  CHECK(stats.groups.front().key == "default");
  Query query;
  query.text = parse_text_query("secret");
  query.limit = 1000;
  CHECK(s.found(query).size() == 100);
  must(s.store->remove(s.context, "t7"));
  CHECK(s.found(query).size() == 99);
  CHECK(s.store->trace(s.context, "t7", false).error().code() == Code::not_found);
  CHECK(s.store->remove(s.context, "t7").error().code() == Code::not_found);
  CHECK(must(s.store->projects(s.context, 10, "")).items.at(0).traces == 99);
}

TEST_CASE_TEMPLATE("many threads bring runs in at once, and too much at once is refused", S,
                   InMemory, InFiles) {
  S s;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i)
        s.take({run(fmt::format("t{}", i), fmt::format("r{}-{}", thread, i), "root", 0, 1)});
    });
  for (std::thread& thread : threads) thread.join();
  Query query;
  query.limit = 1000;
  const Page<Run> page = must(s.store->runs(s.context, query));
  CHECK(page.items.size() == 200);
  CHECK(s.store->counters().stored == 200);
  CHECK(s.store->counters().queued_bytes == 0);
  CHECK(s.store->ingest(s.context, {RunPatch()}).error().code() == Code::invalid_argument);
}

}  // namespace slipway::trace
