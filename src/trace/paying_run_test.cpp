#include "trace/paying_run.hpp"

#include <doctest/doctest.h>

namespace slipway::trace {

TEST_CASE("a call is of the run that was named, else of the caller's, else a run by itself") {
  http::Request request;
  Origin origin;
  CHECK(paying_run(request, origin, "own") == "own");
  origin.parent_id = "00f067aa0ba902b7";
  CHECK(paying_run(request, origin, "own") == origin.parent_id);
  request.body = R"({"model":"m","metadata":{"user_id":"u","run_id":"nightly"}})";
  CHECK(paying_run(request, origin, "own") == "nightly");
  request.headers.set("x-slipway-run", "r1");
  CHECK(paying_run(request, origin, "own") == "r1");
  for (const std::string& bad : {std::string(600, 'a'), std::string("a\xff"), std::string()}) {
    request.headers.set("x-slipway-run", bad);
    CHECK(paying_run(request, origin, "own") == "nightly");
  }
  request.body = R"({"metadata":{"run_id":7}})";
  CHECK(paying_run(request, origin, "own") == origin.parent_id);
  request.body = R"({"metadata":[)";
  CHECK(paying_run(request, origin, "own") == origin.parent_id);
}

}  // namespace slipway::trace
