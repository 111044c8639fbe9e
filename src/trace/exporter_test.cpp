#include <doctest/doctest.h>

#include "http/loopback_server.hpp"
#include "trace/exporter.hpp"
#include "trace/otlp.hpp"

using namespace slipway;
using namespace slipway::trace;
using slipway::http::LoopbackServer;
using namespace std::chrono_literals;

namespace {

/// Waits for what another thread brings about.
template <typename Holds>
bool soon(Holds holds) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

std::unique_ptr<TraceStore> empty_store() {
  auto store = TraceStore::open({.path = ":memory:"});
  REQUIRE(store);
  return std::move(*store);
}

RunPatch begun(const std::string& id, const std::string& project = "default") {
  RunPatch run;
  run.id = id;
  run.trace_id = "0af7651916cd43dd8448eb211c80319c";
  run.name = "call " + id;
  run.project = project;
  run.start = 1'700'000'000'000'000'000;
  run.inputs = Payload{R"({"question":"why"})", false};
  return run;
}

RunPatch ended(const std::string& id, const std::string& project = "default") {
  RunPatch run = begun(id, project);
  run.end = 1'700'000'001'000'000'000;
  run.status = Status::ok;
  run.outputs = Payload{R"({"answer":"so"})", false};
  return run;
}

/// Keeps what it was sent; answers as it is told.
class Collector {
 public:
  explicit Collector(std::vector<int> statuses = {}) : statuses_(std::move(statuses)) {}
  std::string url() const { return server_.url("/v1/traces"); }
  std::vector<RunPatch> runs() {
    return runs_.with([](const auto& runs) { return runs; });
  }
  std::vector<LoopbackServer::Request> requests() const { return server_.requests(); }

 private:
  void take(const LoopbackServer::Request& request, LoopbackServer::Connection& connection) {
    const std::size_t number = count_++;
    const int status = number < statuses_.size() ? statuses_[number] : 200;
    if (status == 200) {
      auto batch = decode_otlp_traces(request.body, OtlpFormat::protobuf, "");
      if (!batch) return (void)connection.reply(400, batch.error().message());
      runs_.with([&](auto& runs) {
        std::move(batch->runs.begin(), batch->runs.end(), std::back_inserter(runs));
      });
    }
    connection.reply(status, "");
  }

  const std::vector<int> statuses_;
  std::atomic<std::size_t> count_{0};
  Guarded<std::vector<RunPatch>> runs_;
  LoopbackServer server_{
      [this](const auto& request, auto& connection) { take(request, connection); }};
};

Exporter::Options options(TraceStore& store, const Collector& collector) {
  Exporter::Options options{.store = store, .config = {.endpoint = collector.url()}};
  options.headers = {{"x-api-key", "secret"}};
  options.patience = 20ms;
  options.pause_first = 5ms;
  return options;
}

void ingest(TraceStore& store, Exporter& exporter, const RunPatch& run) {
  exporter.offer(run);
  REQUIRE(store.ingest(Context(), {run}));
}

}  // namespace

TEST_CASE("a run is sent on when it has ended, whole, and once") {
  const auto store = empty_store();
  Collector collector;
  Exporter exporter(options(*store, collector));
  ingest(*store, exporter, begun("00f067aa0ba902b7"));
  RunPatch end;
  end.id = "00f067aa0ba902b7";
  end.trace_id = "0af7651916cd43dd8448eb211c80319c";
  end.end = 1'700'000'001'000'000'000;
  end.outputs = Payload{R"({"answer":"so"})", false};
  ingest(*store, exporter, end);
  ingest(*store, exporter, end);
  REQUIRE(soon([&] { return exporter.counters().exported == 1; }));
  ingest(*store, exporter, end);
  REQUIRE(soon([&] { return exporter.counters().waiting == 0; }));
  const auto runs = collector.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].id == "00f067aa0ba902b7");
  CHECK(runs[0].name == "call 00f067aa0ba902b7");
  CHECK(runs[0].inputs->bytes == R"({"question":"why"})");
  CHECK(runs[0].outputs->bytes == R"({"answer":"so"})");
  CHECK(collector.requests().at(0).headers.at("x-api-key") == "secret");
}

TEST_CASE("a collector without time is asked again, and what it refuses is dropped and counted") {
  const auto store = empty_store();
  Collector busy({503, 429, 200});
  {
    Exporter exporter(options(*store, busy));
    ingest(*store, exporter, ended("00f067aa0ba902b7"));
    REQUIRE(soon([&] { return exporter.counters().exported == 1; }));
  }
  CHECK(busy.requests().size() == 3);
  Collector strict({400});
  Exporter exporter(options(*store, strict));
  ingest(*store, exporter, ended("00f067aa0ba902b8"));
  REQUIRE(soon([&] { return exporter.counters().dropped == 1; }));
  CHECK(strict.requests().size() == 1);
}

TEST_CASE("only the projects that were asked for leave, and no more wait than may") {
  const auto store = empty_store();
  Collector collector;
  Exporter::Options some = options(*store, collector);
  some.config.projects = {"shop"};
  some.runs_max = 2;
  some.patience = 200ms;
  Exporter exporter(some);
  ingest(*store, exporter, ended("00f067aa0ba902b1"));
  ingest(*store, exporter, ended("00f067aa0ba902b2", "shop"));
  ingest(*store, exporter, ended("00f067aa0ba902b3", "shop"));
  CHECK(exporter.counters().dropped == 1);
  REQUIRE(soon([&] { return exporter.counters().exported == 1; }));
  CHECK(collector.runs().at(0).id == "00f067aa0ba902b2");
}

TEST_CASE("an exporter that waits for its collector ends at once") {
  const auto store = empty_store();
  Collector collector(std::vector<int>(1000, 503));
  Exporter::Options patient = options(*store, collector);
  patient.pause_first = 60s;
  patient.pause_max = 60s;
  const auto before = std::chrono::steady_clock::now();
  {
    Exporter exporter(patient);
    ingest(*store, exporter, ended("00f067aa0ba902b7"));
    REQUIRE(soon([&] { return !collector.requests().empty(); }));
  }
  CHECK(std::chrono::steady_clock::now() - before < 10s);
}
