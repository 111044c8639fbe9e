#include "api/agents.hpp"

#include <doctest/doctest.h>

#include <future>

#include "http/fake_exchange.hpp"

namespace slipway::api {

TEST_CASE("who waits is asked to stop when the client leaves or the server ends") {
  Waiters waiters(2);
  const auto wait = [&](std::promise<void>& begun, std::promise<Code>& ended) {
    return [&](const Context& context) {
      begun.set_value();
      while (context.check()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ended.set_value(context.check().error().code());
    };
  };
  std::promise<void> begun[2];
  std::promise<Code> ended[2];
  auto left = std::make_shared<http::FakeExchange>(http::Request{.method = "GET", .target = "/"});
  auto stays = std::make_shared<http::FakeExchange>(http::Request{.method = "GET", .target = "/"});
  REQUIRE(waiters.start(left, wait(begun[0], ended[0])));
  REQUIRE(waiters.start(stays, wait(begun[1], ended[1])));
  for (auto& one : begun) one.get_future().wait();
  CHECK(waiters.start(stays, [](const Context&) {}).error().code() == Code::unavailable);
  left->leave();
  CHECK(ended[0].get_future().get() == Code::cancelled);
  waiters.end();
  CHECK(ended[1].get_future().get() == Code::cancelled);
  CHECK(waiters.start(stays, [](const Context&) {}).error().code() == Code::unavailable);
}

}  // namespace slipway::api
