// Whichever call of the disk fails, documents are in their old or their new version.
#include "core/fault.hpp"
#include "rag/detail/fixture.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

/// With texts and segments in files, as the program has them.
struct DiskFixture : Fixture {
  DiskFixture() {
    library.reset();
    blobs = must(store::BlobStore::open(folder.path() / ".blobs"));
    library = open();
    for (int i = 0; i < 6; ++i) write_page(i, "old");
    ingest();
  }
  void write_page(int number, std::string_view word) {
    folder.write(fmt::format("d{}.txt", number),
                 fmt::format("The {} page number{}.", word, number));
  }
  std::size_t count(const std::string& word, const std::string& collection = "default") {
    return must(library->search(
                    context,
                    {.collection = collection, .query = word, .mode = index::SearchMode::lexical}))
        .items.size();
  }
};

}  // namespace

TEST_CASE("whichever file call of an ingest fails, documents are in their old or new version") {
  DiskFixture fixture;
  std::string word = "old";
  for (int nth = 1;; ++nth) {
    const std::string next = fmt::format("word{}x", nth);
    for (int i = 0; i < 6; ++i) fixture.write_page(i, next);
    IngestRequest request;
    request.sources = {fixture.folder.path().string()};
    bool fired = false;
    {
      const FaultPlan plan(FaultKind::file, nth);
      const auto report = fixture.library->ingest(fixture.context, request);
      fired = plan.fired();
      if (!fired) REQUIRE(report);
    }
    CHECK(fixture.count(word) + fixture.count(next) == 6);
    CHECK(must(fixture.library->collection(fixture.context, "default")).documents == 6);
    // The next one finishes what this one could not.
    must(fixture.library->ingest(fixture.context, request));
    CHECK(fixture.count(next) == 6);
    CHECK(must(fixture.library->check(fixture.context, false)).empty());
    word = next;
    if (!fired) break;
    REQUIRE(nth < 500);
  }
}

TEST_CASE("whichever file call of a migration fails, the collection serves all of its documents") {
  DiskFixture fixture;
  std::string embedder = "other";
  for (int nth = 1;; ++nth) {
    MigrateRequest request;
    request.embedder = embedder;
    bool fired = false;
    {
      const FaultPlan plan(FaultKind::file, nth);
      const auto report = fixture.library->migrate(fixture.context, request);
      fired = plan.fired();
      if (report) embedder = embedder == "other" ? "default" : "other";
    }
    CHECK(fixture.count("old") == 6);
    CHECK(must(fixture.library->check(fixture.context, false)).empty());
    if (!fired) break;
    REQUIRE(nth < 500);
  }
  CHECK(fixture.ingest().unchanged == 6);
}

}  // namespace slipway::rag
