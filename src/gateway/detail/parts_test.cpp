// The small parts: each by itself.
#include <doctest/doctest.h>

#include <atomic>

#include "gateway/detail/circuit.hpp"
#include "gateway/detail/deployment.hpp"
#include "gateway/detail/failure.hpp"
#include "gateway/detail/lanes.hpp"
#include "gateway/detail/limiter.hpp"
#include "gateway/detail/reply_cache.hpp"
#include "gateway/detail/stream_watch.hpp"
#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

using namespace std::chrono_literals;

TEST_CASE("a circuit opens after failures in a row, lets one probe through and closes again") {
  Clock::Time now(1'000s);
  Circuit circuit(3, 10s);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(circuit.enter(now));
    circuit.fail(now);
  }
  REQUIRE(circuit.enter(now));
  circuit.succeed();  // The row is broken.
  for (int i = 0; i < 3; ++i) {
    REQUIRE(circuit.enter(now));
    circuit.fail(now);
  }
  CHECK(circuit.state(now) == Circuit::State::open);
  CHECK_FALSE(circuit.enter(now + 9s));
  CHECK(circuit.wait(now + 9s) == 1s);
  now += 10s;
  CHECK(circuit.state(now) == Circuit::State::half_open);
  REQUIRE(circuit.enter(now));
  CHECK_FALSE(circuit.enter(now));  // One probe at a time.
  circuit.fail(now);
  CHECK_FALSE(circuit.enter(now + 19s));  // The pause has doubled.
  REQUIRE(circuit.enter(now + 20s));
  circuit.abstain();  // The client left: the next may probe.
  REQUIRE(circuit.enter(now + 20s));
  circuit.succeed();
  CHECK(circuit.state(now + 20s) == Circuit::State::closed);
}

TEST_CASE("a limit gives what it says, refills evenly and settles what was reserved") {
  Clock::Time now(1'000s);
  Limiter limiter;
  limiter.configure("60/min", "1000/min", 2);
  CHECK_FALSE(limiter.take(now, 400));
  CHECK_FALSE(limiter.take(now, 400));
  auto refusal = limiter.take(now, 1);
  REQUIRE(refusal);
  CHECK(refusal->what == "calls at once");
  limiter.settle(now, 400, 100);  // It used less.
  CHECK_FALSE(limiter.take(now, 500));
  limiter.settle(now, 400, 400);
  refusal = limiter.take(now, 600);
  REQUIRE(refusal);
  CHECK(refusal->what == "tokens");
  CHECK(refusal->wait == 36s);  // None are left, and a thousand come in a minute.
  http::Headers headers;
  limiter.describe(now, headers);
  CHECK(headers.get("x-ratelimit-limit-requests") == "60");
  CHECK(headers.get("x-ratelimit-remaining-requests") == "57");
  CHECK(headers.get("x-ratelimit-remaining-tokens") == "0");
  CHECK_FALSE(limiter.take(now + 36s, 600));
  limiter.configure("1/h", "", 0);
  CHECK(limiter.take(now + 36s, 1'000'000).has_value());
}

TEST_CASE("more tokens than fit are asked for as the whole bucket, and leave a debt") {
  Clock::Time now(1'000s);
  Limiter limiter;
  limiter.configure("", "100/min", 0);
  CHECK_FALSE(limiter.take(now, 500));
  limiter.settle(now, 500, 500);
  CHECK(limiter.take(now + 60s, 50).has_value());
  CHECK_FALSE(limiter.take(now + 120s, 100));
}

TEST_CASE("the peak mean rises at once and falls slowly") {
  PeakMean mean;
  Clock::Time now(1'000s);
  mean.observe(100, now);
  mean.observe(900, now + 1s);
  CHECK(mean.value() == 900);
  mean.observe(100, now + 2s);
  CHECK(mean.value() > 800);
  mean.observe(100, now + 60s);
  CHECK(mean.value() < 150);
}

TEST_CASE("Retry-After is read in seconds, milliseconds and as a date") {
  const auto now = *parse_time("2026-11-28T12:00:00Z");
  CHECK(retry_after({{"Retry-After", "7"}}, now) == 7s);
  CHECK(retry_after({{"Retry-After", "0.5"}}, now) == 500ms);
  CHECK(retry_after({{"retry-after-ms", "30"}, {"Retry-After", "7"}}, now) == 30ms);
  CHECK(retry_after({{"Retry-After", "Sat, 28 Nov 2026 12:00:09 GMT"}}, now) == 9s);
  CHECK(retry_after({{"Retry-After", "Sat, 28 Nov 2026 11:00:00 GMT"}}, now) == 0s);
  for (const char* bad : {"soon", "-1", "", "nan", "Sat, 28 Foo 2026 12:00:09 GMT"})
    CHECK_FALSE(retry_after({{"Retry-After", bad}}, now).has_value());
}

namespace {

std::string relay(StreamWatch& watch, std::string_view stream, std::size_t step) {
  std::string out;
  for (std::size_t at = 0; at < stream.size(); at += step) watch.feed(stream.substr(at, step), out);
  return out;
}

}  // namespace

TEST_CASE("an OpenAI stream is relayed frame by frame under another model's name") {
  const std::string first =
      "data: {\"id\":\"1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"delta\":{\"content\":"
      "\"\\\"model\\\":\\\"x\\\"\"}}],\"usage\":null}\n\n";
  const std::string usage =
      "data: {\"id\":\"1\",\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
      "\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\r\n\r\n";
  const std::string stream = ": hello\n\n" + first + usage + "data: [DONE]\n\n";
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    StreamWatch watch({dialects::Dialect::openai, "fast", true});
    const std::string out = relay(watch, stream, step);
    CHECK(out.find("\"model\":\"fast\"") != std::string::npos);
    CHECK(out.find("\\\"model\\\":\\\"x\\\"") != std::string::npos);
    CHECK(out.find("prompt_tokens") == std::string::npos);
    CHECK(out.ends_with("data: [DONE]\n\n"));
    CHECK(watch.has_ended());
    CHECK(watch.usage().input_tokens == 5);
    CHECK(watch.usage().cached_input_tokens == 2);
    CHECK(watch.frames() == 1);
  }
  StreamWatch shown({dialects::Dialect::openai, "gpt-4o-mini", false});
  CHECK(relay(shown, stream, 11) == stream);
}

TEST_CASE("the ends and the errors of each dialect's stream are seen") {
  using dialects::Dialect;
  const auto watched = [](Dialect dialect, std::string_view stream) {
    StreamWatch watch({dialect, "m", false});
    relay(watch, stream, 9);
    return watch;
  };
  const auto anthropic = watched(
      Dialect::anthropic,
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\","
      "\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}\n\n"
      "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
  CHECK(anthropic.has_ended());
  CHECK(anthropic.usage().input_tokens == 15);
  CHECK(anthropic.usage().output_tokens == 7);
  const auto broken = watched(
      Dialect::anthropic,
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"Overloaded\"}}\n\n");
  CHECK(broken.has_failed());
  CHECK(broken.error() == "Overloaded");
  const auto cohere =
      watched(Dialect::cohere,
              "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":"
              "{\"tokens\":{\"input_tokens\":4,\"output_tokens\":2}}}}\n\n");
  CHECK(cohere.has_ended());
  CHECK(cohere.usage().input_tokens == 4);
  const auto responses =
      watched(Dialect::openai_responses,
              "data: {\"type\":\"response.completed\",\"response\":{\"model\":\"g\",\"usage\":"
              "{\"input_tokens\":3,\"output_tokens\":1}}}\n\n");
  CHECK(responses.has_ended());
  CHECK(responses.usage().output_tokens == 1);
  CHECK(watched(Dialect::openai, "data: {\"error\":{\"message\":\"no\"}}\n\n").error() == "no");
  CHECK_FALSE(watched(Dialect::openai, "data: {\"choices\":[]}\n\n").has_ended());
}

TEST_CASE("callers of local models take turns, and who waits too long is told") {
  FakeTimers timers;
  std::atomic<bool> holds{true};
  std::atomic<int> done{0};
  std::mutex mutex;
  std::string order;
  std::atomic<int> late{0};
  {
    Lanes lanes({.threads = 1, .queue_max = 6, .wait = 1s}, timers);
    std::atomic<bool> runs{false};
    REQUIRE(lanes.submit(
        "x",
        [&] {
          runs = true;
          while (holds) std::this_thread::yield();
        },
        [] {}));
    while (!runs) std::this_thread::yield();
    const auto add = [&](const std::string& caller) {
      return lanes.submit(
          caller,
          [&, caller] {
            const std::lock_guard lock(mutex);
            order += caller;
            ++done;
          },
          [&] { ++late; });
    };
    REQUIRE(add("a"));
    timers.advance(1s);
    CHECK(late == 1);
    for (const char* caller : {"a", "a", "a", "b", "c", "b"}) REQUIRE(add(caller));
    CHECK_FALSE(add("d"));  // Full.
    CHECK(lanes.waiting() == 6);
    holds = false;
    while (done < 6) std::this_thread::yield();
  }
  CHECK(order == "abcaba");
}

TEST_CASE("jobs of timers come in their order, and those that are cancelled do not come") {
  FakeTimers timers;
  std::string order;
  timers.after(20ms, [&] { order += "b"; });
  timers.after(10ms, [&] { order += "a"; });
  const auto id = timers.after(15ms, [&] { order += "x"; });
  CHECK(timers.cancel(id));
  CHECK_FALSE(timers.cancel(id));
  timers.advance(20ms);
  CHECK(order == "ab");
  std::atomic<bool> rang{false};
  const auto real = make_timers();
  const auto never = real->after(1h, [] {});
  real->after(1ms, [&] { rang = true; });
  while (!rang) std::this_thread::yield();
  CHECK(real->cancel(never));
}

TEST_CASE("cached answers end in time, the least used go first, and near questions are found") {
  const auto reply_of = [](std::size_t bytes) {
    auto reply = std::make_shared<dialects::ChatReply>();
    reply->choices.resize(1);
    reply->choices[0].parts.resize(1);
    reply->choices[0].parts[0].text = std::string(bytes, 'x');
    return reply;
  };
  const Clock::Time now(1'000s);
  ReplyCache cache(20'000);
  cache.put("a", reply_of(5'000), now + 10s);
  cache.put("b", reply_of(5'000), now + 10s);
  CHECK(cache.find("a", now) != nullptr);
  cache.put("c", reply_of(10'000), now + 10s);
  CHECK(cache.find("b", now) == nullptr);  // "a" was used later.
  CHECK(cache.find("a", now + 9s) != nullptr);
  CHECK(cache.find("a", now + 10s) == nullptr);
  cache.put_near("q", {1, 0}, reply_of(1), now + 10s);
  cache.put_near("q", {0.8F, 0.6F}, reply_of(2), now + 10s);
  const auto near = cache.find_near("q", {0.9F, 0.436F}, 0.95, now);
  REQUIRE(near != nullptr);
  CHECK(near->choices[0].parts[0].text == "xx");
  CHECK(cache.find_near("q", {0, 1}, 0.95, now) == nullptr);
  CHECK(cache.find_near("other", {1, 0}, 0.5, now) == nullptr);
  CHECK(cache.find_near("q", {1, 0}, 0.5, now + 10s) == nullptr);
  cache.count_check(true);
  cache.count_check(false);
  CHECK(*cache.state().false_hit_rate == 0.5);
  CHECK(cache.state().bytes <= 20'000);
}

}  // namespace slipway::gateway::detail
