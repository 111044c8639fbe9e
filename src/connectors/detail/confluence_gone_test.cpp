#include "connectors/detail/confluence_fixture.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "core/fault.hpp"

using namespace slipway;
using namespace slipway::connectors;
using namespace slipway::connectors::detail;
using namespace std::chrono_literals;

TEST_CASE("only what is really gone is confirmed as gone") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) { fill(state, 12); });
    const auto connector = opened(server.source("?space=DOC"));
    const auto known = uris_of(*connector->list({}));
    const std::string prefix = "confluence:" + server.base() + "/";
    server.change([](State& state) {
      state.pages.erase(1);
      state.pages[2].status = "trashed";
      state.pages[4].space = "OTHER";
      state.pages.erase(3);  // With its attachment.
      state.files.erase(1006);
      state.files[1009].page = "10";  // Moved.
    });
    const auto listing = connector->list({});
    CHECK(gone_of(*connector, *listing, known) ==
          std::vector<std::string>{
              prefix + "1", prefix + "2", prefix + "3", prefix + "3/attachments/att1003",
              prefix + "4", prefix + "6/attachments/att1006", prefix + "9/attachments/att1009"});
    // What came from another source stays as long as the server has it.
    const auto gone = connector->confirm_gone({}, {{prefix + "4", "confluence:elsewhere"},
                                                   {prefix + "1", ""},
                                                   {"file:///x", ""},
                                                   {prefix + "../5", ""},
                                                   {prefix + "12/attachments/att1012", ""}});
    CHECK(*gone == std::vector<std::string>{prefix + "1"});
  }
}

TEST_CASE("a page that a query does not choose any more is gone from that source alone") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      fill(state, 6);
      for (const int id : {3, 4, 5}) state.pages[id].labels = {"howto"};
    });
    const auto connector = opened(server.source("?cql=label = howto"));
    const auto known = uris_of(*connector->list({}));
    server.change([](State& state) { state.pages[3].labels = {}; });
    const auto listing = connector->list({});
    const std::string page = "confluence:" + server.base() + "/3";
    CHECK(gone_of(*connector, *listing, known) ==
          std::vector<std::string>{page, page + "/attachments/att1003"});
    CHECK(connector->confirm_gone({}, {{page, "another source"}})->empty());
  }
}

TEST_CASE("what a search index lacks for a while is not gone") {
  for (const Kind kind : kinds)
    for (const char* query : {"?space=DOC", "?space=doc", "?cql=label = howto"}) {
      ScriptedConfluence server(kind);
      server.change([&](State& state) {
        fill(state, 9);
        for (auto& [id, page] : state.pages) page.labels = {"howto"};
      });
      const auto connector = opened(server.source(query));
      const std::string prefix = "confluence:" + server.base() + "/";
      const std::set<std::string> known = {prefix + "1", prefix + "2", prefix + "3",
                                           prefix + "3/attachments/att1003"};
      server.change([](State& state) { state.unindexed = {1, 3}; });
      const Listing listing = *opened(server.source("?cql=label = howto"))->list({});
      CHECK(listing.covers(prefix + "1"));
      CHECK(gone_of(*connector, listing, known).empty());
      server.change([](State& state) { state.pages.erase(1); });
      CHECK(gone_of(*connector, listing, known) == std::vector<std::string>{prefix + "1"});
    }
}

TEST_CASE("attachments that are not wanted any more leave with the next sync") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) { fill(state, 3); });
  const auto known = uris_of(*opened(server.source("?space=DOC"))->list({}));
  const auto without = opened(server.source("?space=DOC&attachments=no"));
  CHECK(gone_of(*without, *without->list({}), known).size() == 1);
}

TEST_CASE("pages that move between two answers are found again before they count as gone") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) {
    fill(state, 30);
    state.files.clear();
    state.results_max = 10;
  });
  const auto connector = opened(server.source("?space=DOC"));
  const auto known = uris_of(*connector->list({}));
  CHECK(known.size() == 30);
  // A page of the first answer is deleted before the second: each later one moves up by one.
  server.change([](State& state) {
    state.results_pages = 0;
    state.between = [](State& now, int results_page) {
      if (results_page == 1) now.pages.erase(1);
    };
  });
  auto listing = connector->list({});
  CHECK(listing->items.size() == 29);  // With page 1, without 11.
  CHECK(gone_of(*connector, *listing, known).empty());
  // One is born before the second answer: the last of the first comes twice.
  server.change([](State& state) {
    state.results_pages = 0;
    state.between = [](State& now, int results_page) {
      if (results_page == 1) now.pages[0].title = "New";
    };
  });
  listing = connector->list({});
  CHECK(uris_of(*listing).size() == listing->items.size());
  CHECK(gone_of(*connector, *listing, known) ==
        std::vector<std::string>{"confluence:" + server.base() + "/1"});
}

TEST_CASE("a space in which nothing is to be seen is an error, not an empty space") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) { state.pages[1] = {"Elsewhere", "", "OTHER"}; });
    CHECK(failed_with(*opened(server.source("?space=DOC"))->list({}), "no page is to be seen"));
  }
}

TEST_CASE("who is refused, or taken for anybody, sees nothing deleted") {
  setenv("SLIPWAY_TEST_TOKEN", "hunter2", 1);
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      fill(state, 3);
      state.authorization = "Bearer hunter2";
    });
    Options options = quick();
    CHECK(failed_with(*opened(server.source("?space=DOC"), options)->list({}), "give credentials"));
    options.credentials = {{server.base(), "", "env:SLIPWAY_TEST_TOKEN"}};
    const auto known = uris_of(*opened(server.source("?space=DOC"), options)->list({}));
    CHECK(known.size() == 4);
    server.change([](State& state) { state.authorization = "Bearer newer"; });
    const auto refused = opened(server.source("?space=DOC"), options);
    CHECK(failed_with(*refused->list({}), "are refused"));
    CHECK_FALSE(refused->confirm_gone({}, {{*known.begin(), ""}}).ok());
    if (kind == Kind::cloud) continue;
    server.change([](State& state) { state.answers_anybody = true; });
    CHECK(failed_with(*refused->list({}), "answers as to anybody"));
    CHECK_FALSE(refused->confirm_gone({}, {{*known.begin(), ""}}).ok());
  }
}

TEST_CASE("whichever call fails, and however often, nothing looks deleted") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      fill(state, 25);
      state.results_max = 10;
    });
    Options options = quick();
    options.retries_max = 1;
    const auto connector = opened(server.source("?space=DOC"), options);
    const auto known = uris_of(*connector->list({}));
    server.change([](State& state) { state.pages.erase(2); });
    const std::vector<std::string> really = {"confluence:" + server.base() + "/2"};
    for (const auto mode : {FaultPlan::Mode::once, FaultPlan::Mode::onwards}) {
      int failures = 0;
      for (int nth = 1;; ++nth) {
        REQUIRE(nth < 100);
        FaultPlan plan(FaultKind::network, nth, mode);
        const auto listing = connector->list({});
        REQUIRE(listing.ok());
        Result<void> outcome;
        const auto gone = gone_of(*connector, *listing, known, &outcome);
        if (listing->failures.empty() && outcome.ok()) {
          CHECK(gone == really);
        } else {
          ++failures;
          CHECK(gone.empty());
        }
        for (const RemoteItem& item : listing->items) CHECK(known.contains(item.uri));
        if (!listing->items.empty()) {
          const auto fetched = connector->fetch({}, listing->items[0], "");
          CHECK((fetched ? fetched->state == FetchState::changed
                         : fetched.error().code() == Code::unavailable));
        }
        if (!plan.fired()) break;
      }
      // One fault is got over by the second try; a server that stays away fails every run.
      CHECK((failures > 0) == (mode == FaultPlan::Mode::onwards));
    }
  }
}
