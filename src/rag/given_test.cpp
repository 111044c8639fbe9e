// Documents that a caller brings itself, and what may be read for a caller from elsewhere.
#include "rag/detail/fixture.hpp"

#include "core/files.hpp"

using namespace slipway;
using namespace slipway::rag;
using namespace slipway::rag::detail;

namespace {

constexpr std::string_view text = "# Budgets\n\nA budget is reserved before a call is made.\n";

GivenDocument note(std::string uri = "upload:notes/budgets.md") {
  return {.uri = std::move(uri), .path = "notes/budgets.md", .bytes = std::string(text)};
}

IngestReport bring(Fixture& f, std::vector<GivenDocument> documents) {
  IngestRequest request;
  request.documents = std::move(documents);
  auto report = must(f.library->ingest(f.context, request));
  for (const IngestFailure& failure : report.failed) FAIL(failure.error);
  return report;
}

DocumentInfo only_document(Fixture& f) {
  const auto page = must(f.library->documents(f.context, "default", 10, ""));
  REQUIRE(page.items.size() == 1);
  return page.items[0];
}

Error refused(Fixture& f, const IngestRequest& request) {
  auto report = f.library->ingest(f.context, request);
  REQUIRE_FALSE(report);
  return std::move(report.error());
}

}  // namespace

TEST_CASE("a document that the caller brings is found, and known again by its uri") {
  Fixture f;
  CHECK(bring(f, {note()}).added == 1);
  CHECK(f.search("budget reserved").items.at(0).uri == "upload:notes/budgets.md");
  const DocumentInfo info = only_document(f);
  CHECK(info.path == "notes/budgets.md");
  CHECK(info.media_type == "text/markdown");
  CHECK(bring(f, {note()}).unchanged == 1);
  GivenDocument changed = note();
  changed.bytes += "More.\n";
  CHECK(bring(f, {changed}).updated == 1);
  CHECK(must(f.library->document(f.context, "default", info.id)).text_hash != info.text_hash);
  CHECK(bring(f, {note("upload:other.md")}).added == 1);
}

TEST_CASE("a given document may lie in a file, and may have a media type") {
  Fixture f;
  f.folder.write("spilled.part", "<p>A <b>budget</b> is reserved.</p>");
  GivenDocument document{.uri = "https://example.com/page", .media_type = "text/html"};
  document.file = f.folder.path() / "spilled.part";
  CHECK(bring(f, {document}).added == 1);
  CHECK(must(f.library->document_text(f.context, only_document(f).id)).find('<') ==
        std::string::npos);
  document.media_type = "text/plain";
  CHECK(bring(f, {document}).updated == 1);
  CHECK(must(f.library->document_text(f.context, only_document(f).id)).find('<') !=
        std::string::npos);
}

TEST_CASE("the bytes of a given document are kept as long as it is") {
  Fixture f;
  f.forget_old_versions();
  const std::string html = "<p>A budget is reserved before a call.</p>";
  GivenDocument document{.uri = "upload:a.html", .path = "a.html", .bytes = html};
  bring(f, {document});
  const std::string id = only_document(f).id;
  CHECK(must(f.library->document_original(f.context, id)) == html);
  must(f.library->check(f.context, true));  // Sweeps what no document needs.
  CHECK(must(f.library->document_original(f.context, id)) == html);
  document.bytes = "<p>Another text about rockets.</p>";
  bring(f, {document});
  CHECK(must(f.library->document_original(f.context, id)) == document.bytes);
  CHECK_FALSE(must(f.blobs->contains(sha256(html))));
  const DeletionReport report = must(f.library->remove_document(f.context, id));
  CHECK(report.remaining.empty());
  CHECK(must(f.blobs->list()).empty());
}

TEST_CASE("the original of a file is the file, until it changes") {
  Fixture f;
  f.folder.write("a.md", text);
  f.ingest();
  const std::string id = only_document(f).id;
  CHECK(must(f.library->document_original(f.context, id)) == text);
  f.folder.write("a.md", "a secret that was never ingested");
  CHECK(f.library->document_original(f.context, id).error().code() == Code::not_found);
}

TEST_CASE("a document without pages says so") {
  Fixture f;
  bring(f, {note()});
  const auto page = f.library->document_page(f.context, only_document(f).id, 1);
  REQUIRE_FALSE(page);
  CHECK(page.error().message() == "'notes/budgets.md' has no pages; read its text");
}

TEST_CASE("a file that is gone is not taken for a document that a caller brings") {
  Fixture f;
  f.folder.write("a.md", text);
  f.ingest();
  std::filesystem::remove(f.folder.path() / "a.md");
  CHECK(bring(f, {note()}).added == 1);
  CHECK(must(f.library->documents(f.context, "default", 10, "")).items.size() == 2);
}

TEST_CASE("uris that cannot be a given document's are refused") {
  Fixture f;
  for (const char* uri : {"", "a#b", "a\nb", "\xff", "file:///etc/passwd", "confluence:x/1"}) {
    IngestRequest request;
    request.documents = {note(uri)};
    CHECK(refused(f, request).code() == Code::invalid_argument);
  }
  IngestRequest twice;
  twice.documents = {note(), note()};
  CHECK(refused(f, twice).message().find("given twice") != std::string::npos);
}

TEST_CASE("files of folders that are not allowed are refused alike, there or not") {
  Fixture f;
  f.folder.write("open/a.md", text);
  f.folder.write("closed/b.md", text);
  std::filesystem::create_symlink(f.folder.path() / "closed/b.md", f.folder.path() / "open/b.md");
  const std::string root = f.folder.path().string();
  IngestRequest request;
  request.allowed_folders.emplace();
  request.sources = {root + "/open/a.md"};
  CHECK(refused(f, request).code() == Code::forbidden);
  request.allowed_folders->push_back(f.folder.path() / "open");
  CHECK(must(f.library->ingest(f.context, request)).added == 1);
  for (const std::string& source :
       {root + "/closed/b.md", root + "/closed/none.md", root + "/open/../closed/b.md",
        root + "/closed/*.md", root + "/open", root + "/open/b.md", root + "/openclosed",
        "file://" + root + "/closed/b.md", std::string("*"), root}) {
    CAPTURE(source);
    request.sources = {source};
    CHECK(refused(f, request).code() == Code::forbidden);
  }
}

TEST_CASE("an empty collection is made once, and not at all with settings that cannot be") {
  Fixture f;
  CHECK(must(f.library->make_collection(f.context, "a", {})).documents == 0);
  CHECK(f.library->make_collection(f.context, "a", {}).error().code() == Code::conflict);
  CollectionSettings settings;
  settings.language = "klingon";
  CHECK(f.library->make_collection(f.context, "b", settings).error().code() ==
        Code::invalid_argument);
  CHECK(f.library->collection(f.context, "b").error().code() == Code::not_found);
  CHECK(must(f.library->collections(f.context)).size() == 1);
}
