#include "connectors/detail/confluence_fixture.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <atomic>

using namespace slipway;
using namespace slipway::connectors;
using namespace slipway::connectors::detail;
using namespace std::chrono_literals;

TEST_CASE("Cloud that has closed the plain way gives pages by a search") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) {
    fill(state, 2);
    state.closes_plain_page = true;
  });
  const auto connector = opened(server.source("?space=DOC"));
  const auto listing = connector->list({});
  CHECK(connector->fetch({}, item_of(*listing, "/1"), "")->bytes.find("Text.") !=
        std::string::npos);
  server.change([](State& state) { state.pages.erase(2); });
  CHECK(connector->fetch({}, item_of(*listing, "/2"), "").error().code() == Code::not_found);
  CHECK(gone_of(*connector, *connector->list({}), uris_of(*listing)) ==
        std::vector<std::string>{"confluence:" + server.base() + "/2"});
}

TEST_CASE("Data Center that has closed the listing of spaces is asked by a search") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) {
    fill(state, 30);
    state.closes_space_listing = true;
    state.results_max = 7;
  });
  const auto listing = opened(server.source("?space=DOC"))->list({});
  CHECK(listing->failures.empty());
  CHECK(listing->items.size() == 40);
}

TEST_CASE("a server whose queries know no containers is asked page by page for attachments") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      fill(state, 9);
      for (int i = 0; i < 5; ++i) state.files[2000 + i] = {"3", fmt::format("{}.txt", i), "x"};
      state.knows_containers = false;
      state.results_max = 2;
    });
    const auto connector = opened(server.source("?space=DOC"));
    const auto listing = connector->list({});
    CHECK(listing->failures.empty());
    CHECK(listing->items.size() == 9 + 3 + 5);
    const auto known = uris_of(*listing);
    server.change([](State& state) { state.files.erase(2002); });
    CHECK(gone_of(*connector, *connector->list({}), known) ==
          std::vector<std::string>{"confluence:" + server.base() + "/3/attachments/att2002"});
  }
}

TEST_CASE("broken answers make an incomplete list that covers nothing") {
  struct Case {
    const char* what;
    const char* message;
    std::function<void(Connection&)> answer;
  };
  const std::vector<Case> cases = {
      {"a log-in page", "web page 'Log in'",
       [](Connection& connection) { connection.reply(200, "<html><title>Log in</title>"); }},
      {"a proxy's page", "answers 502",
       [](Connection& connection) { connection.reply(502, "<html><title>Bad</title>"); }},
      {"JSON cut off", "not whole JSON",
       [](Connection& connection) { connection.reply(200, R"({"results":[{"id":"1")"); }},
      {"a body cut off", "127.0.0.1",
       [](Connection& connection) {
         connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"results\":[");
         connection.close();
       }},
      {"a reset", "127.0.0.1", [](Connection& connection) { connection.reset(); }},
      {"no results", "no list of results",
       [](Connection& connection) { connection.reply(200, "{}"); }},
      {"a link elsewhere", "leads elsewhere",
       [](Connection& connection) {
         connection.reply(200, R"({"results":[{"id":"1"}],"_links":{"next":"https://evil/x"}})");
       }},
      {"a captcha", "CAPTCHA",
       [](Connection& connection) {
         connection.reply(200, "{}", "X-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n");
       }},
      {"a quota", "try again in 3600 s",
       [](Connection& connection) { connection.reply(429, "", "Retry-After: 3600\r\n"); }},
  };
  setenv("SLIPWAY_TEST_TOKEN", "hunter2", 1);
  for (const Kind kind : kinds)
    for (const Case& one : cases)
      for (const int from : {0, 1, 2}) {
        ScriptedConfluence server(kind);
        server.change([&](State& state) {
          fill(state, 30);
          state.results_max = 10;
        });
        std::atomic<int> asked{0};
        server.intercept = [&](const Request&, Connection& connection) {
          if (asked++ < from) return false;
          one.answer(connection);
          return true;
        };
        Options options = quick();
        options.credentials = {{server.base(), "", "env:SLIPWAY_TEST_TOKEN"}};
        const auto listing = opened(server.source("?space=DOC"), options)->list({});
        INFO(one.what, " after ", from);
        REQUIRE(listing.ok());
        CHECK(failed_with(*listing, one.message));
        CHECK(listing->items.size() == static_cast<std::size_t>(10 * from));
        CHECK_FALSE(listing->covers("confluence:" + server.base() + "/77"));
      }
}

TEST_CASE("links that lead round in a circle, or on and on, are noticed") {
  ScriptedConfluence server(Kind::cloud);
  std::atomic<int> asked{0};
  bool counts = false;
  server.intercept = [&](const Request&, Connection& connection) {
    const int number = ++asked;
    connection.reply(200, fmt::format(R"({{"results":[{{"id":"1","type":"page"}}],"_links":{{)"
                                      R"("next":"/rest/api/content/search?cursor={}"}}}})",
                                      counts ? number : number % 3));
    return true;
  };
  const auto connector = opened(server.source("?space=DOC"));
  CHECK(failed_with(*connector->list({}), "round in a circle"));
  CHECK(asked < 10);
  counts = true;
  CHECK(failed_with(*connector->list({}), "held nothing new"));
  CHECK(asked < 200);
}

TEST_CASE("a server that counts and gives no links is asked for what it has counted") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) {
    fill(state, 30);
    state.results_max = 7;
    state.gives_links = false;
  });
  const auto listing = opened(server.source("?space=DOC"))->list({});
  CHECK(listing->failures.empty());
  CHECK(listing->items.size() == 40);
}

TEST_CASE("empty pages of results in between are no end") {
  ScriptedConfluence server(Kind::cloud);
  std::atomic<int> asked{0};
  server.intercept = [&](const Request&, Connection& connection) {
    const int number = ++asked;
    if (number < 5)
      connection.reply(
          200,
          fmt::format(R"({{"results":[],"size":0,"_links":{{"next":"/wiki/rest/api/x?c={}"}}}})",
                      number));
    else
      connection.reply(200,
                       R"({"results":[{"id":"1","type":"page","status":"current"}],"_links":{}})");
    return true;
  };
  const auto listing = opened(server.source("?space=DOC&attachments=no"))->list({});
  CHECK(listing->failures.empty());
  CHECK(listing->items.size() == 1);
}

TEST_CASE("a source that is too large says so") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) { fill(state, 50); });
  Options options = quick();
  options.items_max = 40;
  CHECK(failed_with(*opened(server.source("?space=DOC"), options)->list({}), "limit of 40 items"));
}

TEST_CASE("a limit that is used up is waited for before the next request") {
  ScriptedConfluence server(Kind::data_center);
  std::atomic<int> limited{0};
  std::atomic<int> refused{0};
  std::atomic<std::int64_t> free_at{0};
  server.change([&](State& state) { fill(state, 6); });
  const auto now_ms = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  server.intercept = [&](const Request&, Connection& connection) {
    if (now_ms() < free_at) {
      ++refused;
      connection.reply(429, "", "Retry-After: 0.2\r\n");
      return true;
    }
    if (limited++ != 0) return false;
    free_at = now_ms() + 150;
    connection.reply(200, R"({"results":[{"id":"1","type":"page","title":"A"}],"_links":{}})",
                     "X-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: "
                     "0\r\nX-RateLimit-Interval-Seconds: 0.2\r\n");
    return true;
  };
  const auto listing = opened(server.source("?space=DOC"))->list({});
  CHECK(listing->failures.empty());
  CHECK(refused == 0);
}

TEST_CASE("a huge page is one document or one clear error") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) {
    state.pages[1] = {"Huge", "<p>" + std::string(6 << 20, 'x') + "</p>"};
  });
  auto connector = opened(server.source("?space=DOC"));
  RemoteItem item = connector->list({})->items.at(0);
  CHECK(connector->fetch({}, item, "")->bytes.size() > (6 << 20));
  Options options = quick();
  options.bytes_max = 1 << 20;
  connector = opened(server.source("?space=DOC"), options);
  const auto fetched = connector->fetch({}, item, "");
  REQUIRE_FALSE(fetched.ok());
  CHECK(fetched.error().code() == Code::invalid_argument);
  CHECK(fetched.error().message().find("1.0 MiB") != std::string::npos);
}

TEST_CASE("a stop and a deadline end a listing with an error of its own") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) { fill(state, 5); });
  std::stop_source stop;
  server.intercept = [&](const Request&, Connection& connection) {
    if (stop.stop_requested()) return false;
    stop.request_stop();
    connection.wait(3000ms);
    return true;
  };
  const auto connector = opened(server.source("?space=DOC"));
  CHECK(connector->list(Context(stop.get_token())).error().code() == Code::cancelled);
  stop = std::stop_source();
  CHECK(connector->list(Context().with_timeout(100ms)).error().code() == Code::deadline_exceeded);
}

TEST_CASE("many threads fetch through one connector") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) { fill(state, 40); });
  const auto connector = opened(server.source("?space=DOC"));
  const auto listing = connector->list({});
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> good{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&] {
      for (std::size_t at; (at = next++) < listing->items.size();) {
        const auto fetched = connector->fetch({}, listing->items[at], "");
        good += fetched.ok() && !fetched->bytes.empty();
      }
    });
  threads.clear();
  CHECK(good == listing->items.size());
}
