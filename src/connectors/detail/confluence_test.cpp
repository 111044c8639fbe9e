#include "connectors/detail/confluence.hpp"

#include <doctest/doctest.h>

#include "connectors/detail/confluence_fixture.hpp"
#include "documents/documents.hpp"

using namespace slipway;
using namespace slipway::connectors;
using namespace slipway::connectors::detail;
using namespace std::chrono_literals;

TEST_CASE("a space is listed whole over many pages of results, by both kinds of server") {
  for (const Kind kind : kinds)
    for (const int results_max : {1, 7, 0}) {
      ScriptedConfluence server(kind);
      server.change([&](State& state) {
        fill(state, 250);
        state.results_max = results_max;
        state.pages[5].type = "blogpost";
        state.pages[6].status = "trashed";
        state.pages[7].status = "archived";
        state.pages[8].status = "draft";
        state.pages[9].space = "OTHER";
        state.files[2000] = {"1", "picture.png", "x", "image/png"};
        state.files[2001] = {"1", "old.txt", "x", "text/plain", 1, "trashed"};
      });
      const auto connector = opened(server.source("?space=DOC"));
      const auto listing = connector->list({});
      REQUIRE(listing.ok());
      CHECK(listing->failures.empty());
      CHECK(listing->items.size() == 246 + 81);  // 83 files, of which two hang at pages left out.
      CHECK(listing->skipped == 1);
      CHECK(listing->covers(connector->source().substr(0, connector->source().find('?')) + "/77"));
      CHECK(std::is_sorted(listing->items.begin(), listing->items.end(),
                           [](auto& a, auto& b) { return a.uri < b.uri; }));
    }
}

TEST_CASE("a page becomes a document with all that the server says of it") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      state.pages[42] = {
          "Größe & <Maß> 中文", "<p>Retention is 30&nbsp;days.</p>", "DOC", 7, {"b", "a"},
          {"Top", "Ops/Run"}};
    });
    const auto connector = opened(server.source("?space=DOC"));
    const auto listing = connector->list({});
    REQUIRE(listing->items.size() == 1);
    const RemoteItem& item = listing->items[0];
    CHECK(item.uri == "confluence:" + server.base() + "/42");
    CHECK(item.title == "Größe & <Maß> 中文");
    CHECK(item.path == "DOC/Top/Ops/Run/Größe & <Maß> 中文");
    const auto fetched = connector->fetch({}, item, "");
    REQUIRE(fetched.ok());
    CHECK(fetched->validator == item.validator);
    CHECK(format_time(*fetched->modified_at) == "2024-05-06T05:08:09.123000Z");
    const json::Object& metadata = fetched->metadata;
    CHECK(json::dump(metadata.at("labels")) == R"(["a","b"])");
    CHECK(json::dump(metadata.at("ancestors")) == R"(["Top","Ops/Run"])");
    CHECK(metadata.at("space") == "DOC");
    CHECK(metadata.at("space_name") == "Space DOC");
    CHECK(metadata.at("kind") == "page");
    CHECK(metadata.at("version") == 7);
    CHECK(metadata.at("author") == "Bob");
    CHECK(metadata.at("modified_by") == "Ann");
    CHECK(metadata.at("created") == "2020-01-02T03:04:05.000Z");
    CHECK(metadata.at("page_id") == "42");
    CHECK(std::string(metadata.at("url").get_string()).ends_with("/spaces/DOC/pages/42"));
    CHECK(std::string(metadata.at("url").get_string()).starts_with("https://docs.example/"));
    CHECK(metadata.at("source") == json::Value(connector->source().c_str()));
    const auto loaded = documents::load({}, {item.path, fetched->bytes, fetched->media_type});
    REQUIRE(loaded.ok());
    CHECK(loaded->text.starts_with("Größe & <Maß> 中文\n\nRetention is 30"));
    // Unchanged: no request at all.
    const std::size_t before = server.requests().size();
    CHECK(connector->fetch({}, item, fetched->validator)->state == FetchState::unchanged);
    CHECK(server.requests().size() == before);
  }
}

TEST_CASE("a title of any length is kept whole") {
  ScriptedConfluence server(Kind::cloud);
  std::string title;
  for (int i = 0; i < 255; ++i) title += "\U0001F600";
  server.change([&](State& state) { state.pages[1].title = title; });
  const auto connector = opened(server.source("?space=DOC"));
  CHECK(connector->list({})->items.at(0).title == title);
}

TEST_CASE("a page that only shows other pages still is a document") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) { state.pages[1] = {"Overview", ""}; });
  const auto connector = opened(server.source("?space=DOC"));
  const auto fetched = connector->fetch({}, connector->list({})->items[0], "");
  const auto loaded = documents::load({}, {"x", fetched->bytes, fetched->media_type});
  REQUIRE(loaded.ok());
  CHECK(loaded->text == "Overview");
}

TEST_CASE("edits, labels, renames and moves change the validator and nothing else does") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) { fill(state, 3); });
  const auto connector = opened(server.source("?space=DOC"));
  const auto validators = [&] {
    std::map<std::string, std::string> map;
    const auto listing = connector->list({});
    for (const RemoteItem& item : listing->items) map[item.uri] = item.validator;
    return map;
  };
  const auto first = validators();
  CHECK(first == validators());
  const std::string page = "confluence:" + server.base() + "/3";
  const std::string file = page + "/attachments/att1003";
  const auto differs = [&](auto change) {
    const auto before = validators();
    server.change(change);
    auto after = validators();
    const bool is_page = after.at(page) != before.at(page);
    const bool is_file = after.at(file) != before.at(file);
    after[page] = before.at(page);
    after[file] = before.at(file);
    CHECK(after == before);
    return std::pair(is_page, is_file);
  };
  CHECK(differs([](State& state) { state.pages[3].version = 2; }) == std::pair(true, false));
  CHECK(differs([](State& state) { state.files[1003].version = 2; }) == std::pair(false, true));
  CHECK(differs([](State& state) { state.pages[3].labels = {"x"}; }) == std::pair(true, true));
  CHECK(differs([](State& state) { state.pages[3].title = "New"; }) == std::pair(true, true));
  CHECK(differs([](State& state) { state.pages[3].ancestors = {"P"}; }) == std::pair(true, true));
  CHECK(validators().size() == first.size());  // A renamed page is the same document.
}

TEST_CASE("attachments come with their bytes and what is known of their page") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      state.pages[1] = {"Home", "<p/>", "DOC", 1, {"policy"}, {"Top"}};
      state.files[5] = {"1", "Plan ü & b.md", "# Plan", "application/octet-stream", 4};
      state.files[6] = {"1", "gone.txt", "x"};
    });
    const auto connector = opened(server.source("?space=DOC"));
    const auto listing = connector->list({});
    REQUIRE(listing->items.size() == 3);
    const RemoteItem& item = item_of(*listing, "/1/attachments/att5");
    CHECK(item.path == "DOC/Top/Home/Plan ü & b.md");
    CHECK(item.size_bytes == 6);
    const auto fetched = connector->fetch({}, item, "");
    REQUIRE(fetched.ok());
    CHECK(fetched->bytes == "# Plan");
    CHECK(fetched->media_type == "text/markdown");
    CHECK(fetched->validator == item.validator);
    CHECK(fetched->modified_at.has_value());
    CHECK(fetched->metadata.at("kind") == "attachment");
    CHECK(fetched->metadata.at("space") == "DOC");
    CHECK(json::dump(fetched->metadata.at("labels")) == R"(["policy"])");
    CHECK(json::dump(fetched->metadata.at("ancestors")) == R"(["Top","Home"])");
    // It disappears between listing and fetching: a failure, not a deletion.
    server.change([](State& state) { state.files.erase(6); });
    const auto missing = connector->fetch({}, item_of(*listing, "att6"), "");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().code() == Code::not_found);
    // Without attachments none is asked for.
    CHECK(opened(server.source("?space=DOC&attachments=no"))->list({})->items.size() == 1);
  }
}

TEST_CASE("a file too large is refused before it is fetched, and other hosts get nothing") {
  ScriptedConfluence server(Kind::cloud);
  server.change([&](State& state) {
    fill(state, 3);
    state.files[1003].bytes = std::string(5000, 'x');
  });
  Options options = quick();
  options.bytes_max = 4000;
  const auto connector = opened(server.source("?space=DOC"), options);
  RemoteItem item = item_of(*connector->list({}), "att1003");
  const std::size_t before = server.requests().size();
  CHECK(connector->fetch({}, item, "").error().code() == Code::invalid_argument);
  CHECK(server.requests().size() == before);
  item.size_bytes = 0;
  for (const char* link : {"http://elsewhere.example/x", "//elsewhere.example/x", "ftp://h/x",
                           "https://127.0.0.1/x"}) {
    item.handle = json::dump(json::Object{{"download", link}});
    const auto fetched = connector->fetch({}, item, "");
    REQUIRE_FALSE(fetched.ok());
    CHECK(fetched.error().code() == Code::invalid_argument);
  }
  for (const char* handle : {"", "{}", "[]", "no json", R"({"download":5})"}) {
    item.handle = handle;
    CHECK(connector->fetch({}, item, "").error().code() == Code::unavailable);
  }
  CHECK(server.requests().size() == before);
}

TEST_CASE("what cannot be read after it was listed is a failure, and trash is gone") {
  ScriptedConfluence server(Kind::data_center);
  server.change([&](State& state) {
    fill(state, 4);
    state.pages[1].refused = 404;
    state.pages[2].refused = 403;
  });
  const auto connector = opened(server.source("?space=DOC"));
  const auto listing = connector->list({});
  CHECK(connector->fetch({}, item_of(*listing, "/1"), "").error().code() == Code::not_found);
  CHECK(connector->fetch({}, item_of(*listing, "/2"), "").error().code() == Code::forbidden);
  server.change([](State& state) { state.pages[4].status = "archived"; });
  CHECK(connector->fetch({}, item_of(*listing, "/4"), "")->state == FetchState::gone);
}

TEST_CASE("a query and a single page are sources too") {
  for (const Kind kind : kinds) {
    ScriptedConfluence server(kind);
    server.change([&](State& state) {
      fill(state, 9);
      state.pages[3].labels = {"howto"};
      state.pages[4].labels = {"howto"};
    });
    const auto by_label = opened(server.source("?cql=label = \"howto\" order by title"))->list({});
    CHECK(by_label->items.size() == 3);
    const auto page = opened(server.source("?page=3"));
    const auto single = page->list({});
    CHECK(single->items.size() == 2);
    CHECK(single->covers("confluence:" + server.base() + "/3"));
    CHECK(single->covers("confluence:" + server.base() + "/3/attachments/att9"));
    CHECK_FALSE(single->covers("confluence:" + server.base() + "/4"));
    server.change([](State& state) { state.pages.erase(3); });
    CHECK(failed_with(*page->list({}), "404"));
    CHECK(
        failed_with(*opened(server.source("?cql=colour = red"))->list({}), "Could not parse cql"));
  }
}
