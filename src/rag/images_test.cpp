// Collections whose embedder reads pictures.
#include "rag/detail/fixture.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

struct ImageFixture : Fixture {
  ImageFixture() {
    for (const char* colour : {"red", "green", "blue"})
      std::filesystem::copy(
          std::filesystem::path(SLIPWAY_TEST_DATA) / (std::string(colour) + ".png"),
          folder.path() / fmt::format("picture-{}.png", std::string(colour).size()));
    folder.write("words.txt", "Nothing but words about a boat.");
    request.settings.emplace();
    request.settings->embedder = "towers";
  }
  std::string best(const std::string& query) {
    const SearchReply reply = must(
        library->search(context, {.query = query, .limit = 1, .mode = index::SearchMode::dense}));
    return reply.items.empty() ? "" : reply.items[0].path;
  }
  IngestRequest request;
};

}  // namespace

TEST_CASE("pictures of a folder are found by what is seen on them") {
  ImageFixture fixture;
  const IngestReport report = fixture.ingest(fixture.request);
  CHECK(report.failed.empty());
  CHECK(report.added == 4);
  CHECK(fixture.best("red") == "picture-3.png");
  CHECK(fixture.best("blue") == "picture-4.png");
  CHECK(fixture.best("green") == "picture-5.png");
  CHECK(fixture.best("boat") == "words.txt");
  const SearchReply reply = must(fixture.library->search(
      fixture.context,
      {.query = "red", .filter = json::Value(json::Object{{"width", 16}, {"height", 12}})}));
  CHECK(reply.matches == 3);
  CHECK(reply.items[0].text == "picture-3.png (picture, 16 x 12 pixels)");
  CHECK(fixture.ingest(fixture.request).unchanged == 4);
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("a picture in a collection of texts is refused, and a damaged one is one clear failure") {
  ImageFixture fixture;
  IngestRequest texts;
  texts.collection = "texts";
  CHECK(fixture.ingest(texts).added == 1);  // Of the folder, what it can read.
  texts.sources = {(fixture.folder.path() / "picture-3.png").string()};
  CHECK(must(fixture.library->ingest(fixture.context, texts)).failed.size() == 1);
  fixture.folder.write("broken.png", "\x89PNG\r\n\x1a\nand no more");
  const IngestReport report = fixture.ingest(fixture.request);
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed[0].uri.ends_with("broken.png"));
  CHECK(report.added == 4);
}

TEST_CASE("another splitter keeps pictures' vectors, another model must see the files") {
  ImageFixture fixture;
  fixture.ingest(fixture.request);
  const std::size_t seen = fixture.catalog.towers->embedded_images();
  MigrateRequest request;
  request.splitter.emplace();
  request.splitter->chunk_size = 100;
  CHECK(must(fixture.library->migrate(fixture.context, request)).switched);
  CHECK(fixture.best("blue") == "picture-4.png");
  CHECK(fixture.catalog.towers->embedded_images() <= seen + 3);
  request.splitter.reset();
  request.embedder = "other";
  const auto refused = fixture.library->migrate(fixture.context, request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("reads no pictures") != std::string::npos);
  CHECK(fixture.best("green") == "picture-5.png");
}

}  // namespace slipway::rag
