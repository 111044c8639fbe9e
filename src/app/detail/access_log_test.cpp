#include "app/detail/access_log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "core/json.hpp"

namespace slipway::app::detail {

TEST_CASE("a line of the access log is one JSON object whatever clients send") {
  http::AccessRecord record{.method = "GET",
                            .path = "/a\"b\\c\n",
                            .peer = "127.0.0.1:1",
                            .request_id = "r",
                            .trace_id = "t",
                            .caller = "web",
                            .user_agent = "x\x01",
                            .status = 200,
                            .bytes_out = 5,
                            .seconds = 0.0015,
                            .complete = false,
                            .notes = {{"model", "gpt"}, {"bad\"name", "v"}}};
  const std::string line = access_line(record, Clock::Time(std::chrono::seconds(1'700'000'000)));
  CHECK(line.find('\n') == line.size() - 1);
  const auto parsed = json::parse(line);
  REQUIRE(parsed);
  CHECK(parsed->at("path") == "/a\"b\\c\n");
  CHECK(parsed->at("ms") == 1.5);
  CHECK(parsed->at("complete") == false);
  CHECK(parsed->at("model") == "gpt");
  CHECK(parsed->at("bad\"name") == "v");
}

TEST_CASE("all lines are written before the log ends") {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  {
    AccessLog log(pipe_ends[1]);
    for (int i = 0; i < 100; ++i) log.write({.method = "GET", .path = "/"});
  }
  ::close(pipe_ends[1]);
  std::string text(1u << 20, '\0');
  std::size_t size = 0;
  for (ssize_t got = 0; (got = ::read(pipe_ends[0], text.data() + size, text.size() - size)) > 0;)
    size += static_cast<std::size_t>(got);
  ::close(pipe_ends[0]);
  text.resize(size);
  CHECK(std::count(text.begin(), text.end(), '\n') == 100);
}

}  // namespace slipway::app::detail
