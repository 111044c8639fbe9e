// Files that hold several documents: a mailbox, through the library.
#include <doctest/doctest.h>

#include "rag/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::rag;
using detail::Fixture;

namespace {

std::string message(int number, const std::string& text) {
  return fmt::format(
      "From someone@example.org Mon Jan  5 10:00:00 2026\nFrom: someone@example.org\nTo: "
      "all@example.org\nSubject: Notice {0}\nMessage-ID: <notice-{0}@example.org>\nDate: Mon, 5 "
      "Jan "
      "2026 10:00:00 +0000\n\n{1}\n\n",
      number, text);
}

std::vector<std::string> uris(Fixture& fixture) {
  std::vector<std::string> uris;
  const auto page = fixture.library->documents(fixture.context, "default", 100, "");
  REQUIRE(page);
  for (const DocumentInfo& info : page->items) uris.push_back(info.uri);
  return uris;
}

}  // namespace

TEST_CASE("each message of a mailbox is a document, and only what is new is embedded") {
  Fixture fixture;
  const std::string one = message(1, "The crane is closed on Sunday.");
  const std::string two = message(2, "Diesel costs more from May.");
  fixture.folder.write("box.mbox", one + two);
  IngestReport report = fixture.ingest();
  REQUIRE(report.failed.empty());
  CHECK(report.added == 2);
  REQUIRE(uris(fixture).size() == 2);
  CHECK(uris(fixture)[0].find("box.mbox#") != std::string::npos);
  CHECK(fixture.search("crane Sunday").items[0].text.find("crane") != std::string::npos);

  report = fixture.ingest();
  CHECK(report.unchanged == 2);
  CHECK(report.chunks.added == 0);

  fixture.folder.write("box.mbox", one + two + message(3, "Ice on pontoon four."));
  report = fixture.ingest();
  CHECK(report.added == 1);
  CHECK(report.unchanged == 2);
  CHECK(report.chunks.added == 1);
  CHECK(fixture.ingest().unchanged == 3);
}

TEST_CASE("a message that is gone stays without sync and leaves with it") {
  Fixture fixture;
  const std::string one = message(1, "The crane is closed on Sunday.");
  fixture.folder.write("box.mbox", one + message(2, "Diesel costs more from May."));
  fixture.folder.write("note.txt", "A note of its own.");
  CHECK(fixture.ingest().added == 3);
  fixture.folder.write("box.mbox", one + message(3, "Ice on pontoon four."));
  CHECK(fixture.ingest().deleted == 0);
  CHECK(uris(fixture).size() == 4);
  CHECK(fixture.ingest({.sync = true}).deleted == 1);
  CHECK(uris(fixture).size() == 3);
  // A mailbox that cannot be read may still hold all of it.
  fixture.folder.write("box.mbox", "");
  const IngestReport broken = fixture.ingest({.sync = true});
  CHECK(broken.failed.size() == 1);
  CHECK(broken.deleted == 0);
  CHECK(uris(fixture).size() == 3);
  std::filesystem::remove(fixture.folder.path() / "box.mbox");
  CHECK(fixture.ingest({.sync = true}).deleted == 2);
  CHECK(uris(fixture).size() == 1);
}

TEST_CASE("rules choose the text of a JSON file, and other rules load it again") {
  Fixture fixture;
  fixture.folder.write("notes.json",
                       R"({"title":"Notes","items":[{"id":"zq7","body":"Ice on pontoon four."}]})");
  IngestRequest request;
  CHECK(fixture.ingest(request).added == 1);
  CHECK(fixture.search("zq7", index::SearchMode::lexical).items.size() == 1);
  request.loading.json.text = {"$.items[*].body"};
  CHECK(fixture.ingest(request).updated == 1);
  CHECK(fixture.search("zq7", index::SearchMode::lexical).items.empty());
  CHECK(fixture.search("pontoon", index::SearchMode::lexical).items[0].text ==
        "Ice on pontoon four.");
  CHECK(fixture.ingest(request).unchanged == 1);
}
