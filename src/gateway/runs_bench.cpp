// What a run of a call costs: on the thread of the call, and on that of the recorder.
//
//   runs_bench [CALLS [BYTES]]    default 50000 calls with 2000 bytes each way
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "gateway/detail/call_run.hpp"
#include "gateway/prices.hpp"

namespace slipway::gateway {

namespace {

using Steady = std::chrono::steady_clock;

double microseconds(Steady::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

/// What a relayed call has in its hands at its end.
CallRecord record_of(const http::Request& request) {
  CallRecord record;
  record.task = "chat";
  record.caller = "web";
  record.request_id = "req_01J9ZXABCDEFGHJKMNPQRSTVWX";
  record.dialect = "openai";
  record.model = record.deployment = "fast";
  record.attempts.push_back({"fast", 0.4, 200, ""});
  record.seconds = 0.4;
  record.status = 200;
  record.provider = "openai";
  record.wire_model = record.priced_model = "gpt-4o-mini";
  record.usage.input_tokens = 500;
  record.usage.output_tokens = 100;
  record.began = system_clock().now();
  record.trace_id = request.trace_id;
  return record;
}

int measure(std::size_t calls, std::size_t bytes) {
  const auto book = std::make_shared<const trace::PriceBook>(std::vector<trace::PriceRow>(),
                                                             std::vector<trace::PriceRow>());
  auto store = trace::TraceStore::open({.path = ":memory:", .prices = [book] { return book; }});
  if (!store) return EXIT_FAILURE;
  trace::Recorder recorder({.store = **store, .bytes_max = 1u << 30});
  http::Request request;
  request.body = R"({"model":"fast","messages":[{"role":"user","content":")" +
                 std::string(bytes, 'x') + R"("}],"user":"ada"})";
  const std::string reply = R"({"model":"gpt-4o-mini","choices":[{"message":{"content":")" +
                            std::string(bytes, 'y') + R"("}}]})";
  std::vector<double> times;
  times.reserve(calls);
  const auto begin = Steady::now();
  for (std::size_t i = 0; i < calls; ++i) {
    request.trace_id = make_trace_id();
    CallRecord record = record_of(request);
    const auto start = Steady::now();
    // All that a call does more than it would without.
    record.origin = trace::origin_of(request);
    trace::take_body(record.origin, request.body);
    record.place = trace::new_place(record.origin, trace::nanoseconds(record.began));
    record.reply.add(reply);
    record.cost = cost_of(record, *book);
    record.request.add(request.body);
    recorder.record(detail::draft_of(std::move(record)));
    times.push_back(microseconds(Steady::now() - start));
  }
  recorder.flush();
  const double all = microseconds(Steady::now() - begin);
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double time : times) sum += time;
  std::printf("caller's path: mean %.2f us, median %.2f us, 99 of 100 below %.2f us\n",
              sum / static_cast<double>(calls), times[calls / 2], times[calls * 99 / 100]);
  std::printf("all of it, until the store has it: %.1f us a run; dropped %llu\n",
              all / static_cast<double>(calls),
              static_cast<unsigned long long>(recorder.counters().dropped));
  return EXIT_SUCCESS;
}

}  // namespace

}  // namespace slipway::gateway

int main(int argc, char** argv) {
  constexpr std::size_t calls_default = 50'000, bytes_default = 2'000;
  const auto number = [&](int at, std::size_t fallback) {
    return argc > at ? static_cast<std::size_t>(std::strtoull(argv[at], nullptr, 10)) : fallback;
  };
  return slipway::gateway::measure(std::max<std::size_t>(number(1, calls_default), 1),
                                   number(2, bytes_default));
}
