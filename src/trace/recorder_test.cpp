// Runs of our own: where they stand, how they wait, what is dropped.
#include "trace/recorder.hpp"

#include <doctest/doctest.h>

#include <latch>

#include "trace/detail/mount_fixture.hpp"
#include "trace/origin.hpp"
#include "trace/spans.hpp"

namespace slipway::trace {

namespace {

using detail::must;

std::unique_ptr<TraceStore> a_store() {
  return must(TraceStore::open({.path = ":memory:", .prices = [] {
                                  return std::make_shared<const PriceBook>(std::vector<PriceRow>(),
                                                                           std::vector<PriceRow>());
                                }}));
}

RunPatch run_of(const std::string& id, std::size_t payload_bytes = 2) {
  RunPatch run;
  run.id = id;
  run.trace_id = "t";
  run.name = "run " + id;
  run.start = 1'700'000'000'000'000'000;
  run.end = *run.start + 1;
  run.inputs = Payload{"\"" + std::string(payload_bytes, 'x') + "\"", false};
  return run;
}

/// Holds the recorder's thread until it is let go.
class Holding final : public Draft {
 public:
  Holding(std::latch& begun, std::latch& goes_on) : begun_(begun), goes_on_(goes_on) {}
  std::size_t bytes() const override { return 1; }
  void make(std::vector<RunPatch>&) override {
    begun_.count_down();
    goes_on_.wait();
  }

 private:
  std::latch &begun_, &goes_on_;
};

http::Request request_with(http::Headers headers) {
  http::Request request;
  request.trace_id = "0af7651916cd43dd8448eb211c80319c";
  request.headers = std::move(headers);
  return request;
}

}  // namespace

TEST_CASE("what was recorded is in the store after a flush, and after the end") {
  const auto store = a_store();
  {
    Recorder recorder({.store = *store, .pause = std::chrono::milliseconds(0)});
    recorder.record({run_of("a"), run_of("b")});
    recorder.flush();
    CHECK(must(store->runs({}, {})).items.size() == 2);
    recorder.record({run_of("c")});
    CHECK(recorder.counters().recorded == 2);
    CHECK(recorder.counters().dropped == 0);
  }
  CHECK(must(store->runs({}, {})).items.size() == 3);
}

TEST_CASE("what does not fit is dropped and counted, and nobody waits") {
  const auto store = a_store();
  std::latch begun(1), goes_on(1);
  Recorder recorder(
      {.store = *store, .bytes_max = 64u << 10, .pause = std::chrono::milliseconds(0)});
  recorder.record(std::make_unique<Holding>(begun, goes_on));
  begun.wait();
  constexpr int attempts = 100;
  for (int i = 0; i < attempts; ++i) recorder.record({run_of(std::to_string(i), 4000)});
  const Recorder::Counters counters = recorder.counters();
  CHECK(counters.dropped > 80);
  CHECK(counters.queued_bytes <= 64u << 10);
  goes_on.count_down();
  recorder.flush();
  CHECK(must(store->runs({}, {})).items.size() == attempts - counters.dropped);
  CHECK(recorder.counters().queued_bytes == 0);
}

TEST_CASE(
    "many threads record at once, and all of it is stored, what a thread recorded in its order") {
  const auto store = a_store();
  constexpr int threads = 4, each = 500;
  Recorder recorder({.store = *store, .pause = std::chrono::milliseconds(1)});
  std::vector<std::thread> workers;
  for (int thread = 0; thread < threads; ++thread)
    workers.emplace_back([&, thread] {
      for (int i = 0; i < each; ++i) {
        RunPatch run = run_of(fmt::format("{}-{}", thread, i));
        run.name = fmt::format("{}", i);
        recorder.record({run});
        // Again: what came last stands.
        RunPatch later = run_of(fmt::format("{}-{}", thread, i));
        later.name = "last";
        recorder.record({later});
        if (i % 100 == 0) recorder.flush();
      }
    });
  for (std::thread& worker : workers) worker.join();
  recorder.flush();
  CHECK(recorder.counters().recorded == 2 * threads * each);
  CHECK(recorder.counters().dropped == 0);
  CHECK(recorder.counters().queued_bytes == 0);
  for (int thread = 0; thread < threads; ++thread)
    for (const int i : {0, 1, 250, each - 1}) {
      const auto run = must(store->run({}, fmt::format("{}-{}", thread, i), {}));
      CHECK(run.name == "last");
    }
}

TEST_CASE("a sample takes all of a trace or nothing, and about its share") {
  const auto store = a_store();
  Recorder half({.store = *store, .sample = 0.5});
  Recorder other({.store = *store, .sample = 0.5});
  Recorder none({.store = *store, .sample = 0});
  int taken = 0;
  constexpr int traces = 2000;
  for (int i = 0; i < traces; ++i) {
    const std::string id = fmt::format("{:032x}", i);
    taken += half.takes(id);
    CHECK(half.takes(id) == other.takes(id));
    CHECK_FALSE(none.takes(id));
  }
  CHECK(taken > traces * 0.45);
  CHECK(taken < traces * 0.55);
}

TEST_CASE("a payload is cut between characters and says so") {
  const Payload cut = cut_text("ab\xc3\xa9", 3, 4);
  CHECK(cut.bytes == "ab [cut: 2 of 4 bytes]");
  CHECK(cut.is_text);
  CHECK(cut_text("abc", 3, 3).bytes == "abc");
  CHECK(cut_text("\xe6\xbc\xa2\xe5\xad\x97", 6, 9).bytes == "\xe6\xbc\xa2 [cut: 3 of 9 bytes]");
}

TEST_CASE("a request says where its run stands and whose it is; what is unsound says nothing") {
  const Origin plain = origin_of(request_with(
      {{"x-slipway-project", "shop"}, {"x-slipway-user", "ada"}, {"x-slipway-session", "s1"}}));
  CHECK(plain.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(plain.parent_id.empty());
  CHECK(plain.project == "shop");
  CHECK(plain.user_id == "ada");
  CHECK(plain.session_id == "s1");

  const std::string step = "20261123T080000000001Z11111111-1111-4111-8111-111111111111";
  const Origin deep = origin_of(request_with({{"langsmith-trace", step + "." + step}}));
  CHECK(deep.trace_id == "11111111-1111-4111-8111-111111111111");
  CHECK(deep.parent_order == step + "." + step);
  for (const std::string& bad :
       {step + ".", step.substr(1), step + "." + step + "x", std::string("."), step + "," + step}) {
    INFO(bad);
    CHECK(origin_of(request_with({{"langsmith-trace", bad}})).trace_id == plain.trace_id);
  }
  CHECK(origin_of(request_with({{"x-slipway-user", std::string(600, 'a')}})).user_id.empty());
  CHECK(origin_of(request_with({{"x-slipway-user", "a\xff"}})).user_id.empty());
}

TEST_CASE("a body says whose a call is where no header does") {
  Origin origin;
  take_body(origin, R"({"user":"ada","metadata":{"user_id":"no","session_id":"s1"}})");
  CHECK(origin.user_id == "ada");
  CHECK(origin.session_id == "s1");
  Origin anthropic;
  take_body(anthropic, R"({"metadata":{"user_id":"bob"}})");
  CHECK(anthropic.user_id == "bob");
  Origin told{.user_id = "header"};
  take_body(told, R"({"user":"body"})");
  CHECK(told.user_id == "header");
  take_body(told, R"({"user":7,"metadata":[1]})");
  take_body(told, "no JSON");
  CHECK(told.user_id == "header");
}

TEST_CASE("spans become a tree at once, and what was not ended has failed with the trail's words") {
  const auto store = a_store();
  Recorder recorder({.store = *store, .pause = std::chrono::milliseconds(0)});
  {
    const Trail trail(&recorder, {.trace_id = "t1", .user_id = "ada"});
    Span root = trail.begin(Kind::chain, "ask");
    root.inputs(json::Object{{"question", "why"}});
    Span found = root.child(Kind::retriever, "retrieve");
    found.usage({.input = 3});
    found.end();
    const Span broken = root.child(Kind::llm, "generate");
    trail.fail(fail(Code::unavailable, "the model is gone"));
    root.fail(fail(Code::unavailable, "no answer"));
  }
  recorder.flush();
  const Trace trace = must(store->trace({}, "t1", true));
  REQUIRE(trace.runs.size() == 3);
  CHECK(trace.summary.name == "ask");
  CHECK(trace.summary.error == "no answer");
  CHECK(trace.runs[0].inputs->bytes == R"({"question":"why"})");
  for (const Run& run : trace.runs) {
    CHECK(run.user_id == "ada");
    if (run.name == "ask") continue;
    CHECK(run.parent_id == trace.runs[0].id);
    if (run.name == "retrieve") CHECK(run.status == Status::ok);
    if (run.name == "generate") CHECK(run.error == "the model is gone");
  }
}

TEST_CASE("more traces in a second than may be are thinned out, and counted") {
  const auto store = a_store();
  Recorder recorder({.store = *store, .per_second_max = 100});
  std::uint64_t taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += recorder.takes(fmt::format("{:032x}", i));
  CHECK(taken >= 100);
  CHECK(taken < 150);
  CHECK(recorder.counters().dropped == 10'000 - taken);
}

TEST_CASE("a span of nothing takes everything and keeps nothing") {
  Span span = Trail().begin(Kind::chain, "x");
  CHECK_FALSE(span.is_on());
  span.inputs(json::Object{});
  span.child(Kind::llm, "y").end();
  span.fail(fail(Code::internal, "no"));
  CHECK(span.origin_below().trace_id.empty());
}

TEST_CASE("declared prices go before shipped ones and behind those that were added") {
  const auto database = must(store::Database::open({.path = ":memory:"}, price_migrations()));
  auto shipped = must(parse_price_row(R"({"input_cost_per_token":1})"));
  shipped.model = "m";
  int times_read = 0;
  const auto read = [&] {
    ++times_read;
    return std::vector{shipped};
  };
  const auto prices = must(OwnPrices::open({.database = *database, .read_shipped = read}));
  CHECK(times_read == 0);
  const auto price = [&] {
    return prices->book()->find("m", "", 0)->keys.at("input_cost_per_token").text();
  };
  CHECK(price() == "1");
  prices->set_declared(must(
      declared_prices({{"m", json::Object{{"input_cost_per_token", 2e-6}}},
                       {"n", json::Array{json::Object{{"input_cost_per_token", 3}},
                                         json::Object{{"input_cost_per_token", 4},
                                                      {"valid_from", "2026-01-01T00:00:00Z"}}}}})));
  CHECK(price() == "2e-06");
  CHECK(prices->book()->find("m", "", 0)->source == "slipway.yaml");
  CHECK(prices->book()->find("n", "", 0)->keys.at("input_cost_per_token").text() == "3");
  constexpr Nanoseconds later = 1'780'000'000'000'000'000;
  CHECK(prices->book()->find("n", "", later)->keys.at("input_cost_per_token").text() == "4");
  must(prices->add({}, "m", R"({"input_cost_per_token":5})"));
  CHECK(price() == "5");
  CHECK(times_read == 1);
  prices->set_declared({});
  CHECK(price() == "5");
  CHECK(prices->book()->find("n", "", 0) == nullptr);
  const auto wrong = declared_prices({{"m", json::Object{{"input_cost_per_token", "dear"}}}});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message().find("prices.m") != std::string::npos);
  CHECK_FALSE(declared_prices({{"m", json::Object{{"max_tokens", 1}}}}).ok());
}

}  // namespace slipway::trace
