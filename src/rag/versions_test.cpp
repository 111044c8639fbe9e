// Versions, migrations and deletions of a collection, over scripted models.
#include <thread>

#include "core/fault.hpp"
#include "rag/detail/fixture.hpp"
#include "rag/library.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

struct VersionFixture : Fixture {
  std::vector<std::string> found(const std::string& query,
                                 std::optional<std::int64_t> version = std::nullopt) {
    std::vector<std::string> paths;
    const SearchReply reply = must(library->search(
        context, {.query = query, .mode = index::SearchMode::lexical, .version = version}));
    for (const SearchItem& item : reply.items) paths.push_back(item.path);
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::int64_t current() { return must(library->collection(context, "default")).index_version; }
  std::int64_t rows(const std::string& table) {
    std::int64_t count = 0;
    REQUIRE(database->read(context, [&](store::Connection& c) -> Result<void> {
      auto s = TRY(c.prepare("SELECT count(*) FROM " + table));
      TRY(s.step());
      count = s.integer(0);
      return {};
    }));
    return count;
  }
  void ingest_sync() {
    IngestRequest request;
    request.sync = true;
    ingest(request);
  }
};

MigrateRequest to_small_chunks(std::size_t size = 40) {
  MigrateRequest request;
  request.splitter.emplace();
  request.splitter->chunk_size = size;
  return request;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("an old version is searched as it was, by number and by name") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep all day long.");
  fixture.folder.write("b.txt", "Cats and dogs.");
  fixture.ingest();
  const std::int64_t before = fixture.current();
  const VersionInfo taken =
      must(fixture.library->snapshot(fixture.context, "default", "v1.0", std::nullopt));
  CHECK(taken.version == before);
  CHECK(taken.documents == 2);
  fixture.folder.write("a.txt", "Birds fly all day long.");
  std::filesystem::remove(fixture.folder.path() / "b.txt");
  fixture.folder.write("c.txt", "Cats purr.");
  fixture.ingest_sync();
  CHECK(fixture.found("cats") == Paths{"c.txt"});
  CHECK(fixture.found("cats", before) == Paths{"a.txt", "b.txt"});
  CHECK(must(fixture.library->version_named(fixture.context, "default", "v1.0")) == before);
  CHECK(must(fixture.library->version_named(fixture.context, "default", "current")) ==
        fixture.current());
  CHECK(must(fixture.library->version_named(fixture.context, "default", "1")) == 1);
  const Error unknown = fixture.library->version_named(fixture.context, "default", "v2.0").error();
  CHECK(unknown.code() == Code::not_found);
  CHECK(unknown.message().find("there are: v1.0") != std::string::npos);
  CHECK(fixture.library->version_named(fixture.context, "default", "99").error().code() ==
        Code::not_found);
  // The text of an old version is the old text, byte for byte.
  const SearchReply old = must(
      fixture.library->search(fixture.context, {.query = "sleep", .limit = 1, .version = before}));
  CHECK(old.items[0].text == "Cats sleep all day long.");
  CHECK(old.index_version == before);
}

TEST_CASE("two versions are compared by documents and by what they find") {
  VersionFixture fixture;
  for (const char* name : {"same", "edited", "gone", "tagged", "moved"})
    fixture.folder.write(fmt::format("{}.txt", name), fmt::format("The {} file speaks.", name));
  fixture.ingest();
  const std::int64_t before = fixture.current();
  fixture.folder.write("edited.txt", "The edited file shouts.");
  fixture.folder.write("new.txt", "The new file speaks.");
  std::filesystem::remove(fixture.folder.path() / "gone.txt");
  std::filesystem::rename(fixture.folder.path() / "moved.txt",
                          fixture.folder.path() / "elsewhere.txt");
  fixture.ingest_sync();
  IngestRequest tag;
  tag.sources = {(fixture.folder.path() / "tagged.txt").string()};
  tag.metadata = {{"team", "web"}};
  must(fixture.library->ingest(fixture.context, tag));
  const VersionDifference difference = must(fixture.library->compare_versions(
      fixture.context, "default", before, fixture.current(), {"file speaks", "shouts"}, 10));
  REQUIRE(difference.added.size() == 1);
  CHECK(difference.added[0].path == "new.txt");
  REQUIRE(difference.removed.size() == 1);
  CHECK(difference.removed[0].path == "gone.txt");
  std::map<std::string, std::vector<std::string>> changed;
  for (const ChangedDocument& one : difference.changed) changed[one.document.path] = one.what;
  CHECK(changed == std::map<std::string, std::vector<std::string>>{{"edited.txt", {"content"}},
                                                                   {"elsewhere.txt", {"place"}},
                                                                   {"tagged.txt", {"metadata"}}});
  CHECK(difference.unchanged == 1);
  REQUIRE(difference.overlap);
  CHECK(difference.overlap->queries == 2);
  CHECK(difference.overlap->documents < 1);
  CHECK(difference.overlap->documents > 0);
  const VersionDifference none = must(
      fixture.library->compare_versions(fixture.context, "default", before, before, {"file"}, 10));
  CHECK(none.unchanged == 5);
  CHECK(none.overlap->chunks == 1);
}

TEST_CASE("a moved file is the same document, and nothing of it is embedded again") {
  VersionFixture fixture;
  fixture.folder.write("old/name.txt", "Cats sleep all day long.");
  fixture.ingest();
  const std::string id =
      must(fixture.library->documents(fixture.context, "default", 9, "")).items[0].id;
  std::filesystem::create_directories(fixture.folder.path() / "new");
  std::filesystem::rename(fixture.folder.path() / "old/name.txt",
                          fixture.folder.path() / "new/title.txt");
  // A copy beside the moved file is a document of its own.
  std::filesystem::copy(fixture.folder.path() / "new/title.txt",
                        fixture.folder.path() / "new/zcopy.txt");
  const IngestReport report = fixture.ingest();
  CHECK(report.moved == 1);
  CHECK(report.added == 1);
  CHECK(report.chunks.added == 0);
  const DocumentPage page = must(fixture.library->documents(fixture.context, "default", 9, ""));
  REQUIRE(page.items.size() == 2);
  CHECK(std::count_if(page.items.begin(), page.items.end(),
                      [&](const DocumentInfo& one) { return one.id == id; }) == 1);
  CHECK(fixture.ingest().unchanged == 2);
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
  // The file comes back under its old name while the new one stays: two documents.
  fixture.folder.write("old/name.txt", "Cats sleep all day long.");
  CHECK(fixture.ingest().added == 1);
}

TEST_CASE("snapshots keep what pruning would forget, and dropping them frees it") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep.");
  fixture.ingest();
  must(fixture.library->snapshot(fixture.context, "default", "cats", std::nullopt));
  fixture.forget_old_versions();
  for (const char* word : {"Dogs", "Birds", "Cows"}) {
    fixture.folder.write("a.txt", fmt::format("{} sleep.", word));
    fixture.ingest();
  }
  CHECK(fixture.rows("rag_documents") == 2);
  CHECK(must(fixture.blobs->list()).size() == 2);
  CHECK(fixture.found("cats", 1) == Paths{"a.txt"});
  CHECK(fixture.library->search(fixture.context, {.query = "dogs", .version = 2}).error().code() ==
        Code::not_found);
  const VersionList list = must(fixture.library->versions(fixture.context, "default"));
  REQUIRE(list.items.size() == 2);
  CHECK(list.items[0].is_current);
  CHECK(list.items[1].names == Paths{"cats"});
  CHECK(list.oldest == list.current);
  CHECK(
      fixture.library->snapshot(fixture.context, "default", "cats", std::nullopt).error().code() ==
      Code::conflict);
  for (const char* bad : {"", "7", "current", "a/b", "ä"})
    CHECK(fixture.library->snapshot(fixture.context, "default", bad, std::nullopt).error().code() ==
          Code::invalid_argument);
  must(fixture.library->drop_version(fixture.context, "default", "cats"));
  CHECK(fixture.rows("rag_documents") == 1);
  CHECK(fixture.rows("index_documents") == 1);
  CHECK(must(fixture.blobs->list()).size() == 1);
  CHECK(fixture.library->drop_version(fixture.context, "default", "cats").error().code() ==
        Code::not_found);
  CHECK(fixture.library->drop_version(fixture.context, "default", "4").error().code() ==
        Code::not_found);
}

TEST_CASE("a pinned receipt keeps the version it was answered from") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep all day long.");
  IngestRequest lax;
  lax.settings.emplace();
  lax.settings->evidence_min = 0;
  fixture.ingest(lax);
  const Answer answer = must(fixture.library->ask(
      fixture.context, {.question = "Do cats sleep?", .mode = AnswerMode::extract, .pin = true}));
  fixture.forget_old_versions();
  fixture.folder.write("a.txt", "Dogs bark.");
  fixture.ingest();
  const Replay replay = must(fixture.library->replay(fixture.context, answer.receipt_id, true));
  CHECK(replay.is_recorded_version);
  CHECK(replay.retrieval == "identical");
  CHECK(replay.answer == "identical");
  CHECK(must(fixture.library->versions(fixture.context, "default")).items[1].receipts ==
        Paths{answer.receipt_id});
  must(fixture.library->drop_version(fixture.context, "default",
                                     std::to_string(answer.index_version)));
  CHECK_FALSE(
      must(fixture.library->replay(fixture.context, answer.receipt_id, false)).is_recorded_version);
}

TEST_CASE("a deletion takes a document out of every version, receipt and cache, and proves it") {
  VersionFixture fixture;
  fixture.folder.write("secret.md", "# Zanzibar\n\nZanzibar is kept for 30 days.\n");
  fixture.folder.write("other.md", "# Other\n\nOther things are kept for 60 days.\n");
  IngestRequest lax;
  lax.settings.emplace();
  lax.settings->evidence_min = 0;
  fixture.ingest(lax);
  must(fixture.library->snapshot(fixture.context, "default", "first", std::nullopt));
  const Answer answer = must(fixture.library->ask(
      fixture.context, {.question = "How long is zanzibar kept?", .mode = AnswerMode::extract}));
  REQUIRE_FALSE(answer.citations.empty());
  fixture.folder.write("secret.md", "# Zanzibar\n\nZanzibar is kept for 90 days.\n");
  fixture.ingest();
  must(fixture.library->migrate(fixture.context, to_small_chunks()));
  std::string id;
  for (const DocumentInfo& one :
       must(fixture.library->documents(fixture.context, "default", 9, "")).items)
    if (one.path == "secret.md") id = one.id;
  const DeletionReport report = must(fixture.library->remove_document(fixture.context, id));
  CHECK(report.document.path == "secret.md");
  CHECK(report.rows == 3);  // Two versions, and one in the new generation.
  CHECK(report.texts == 2);
  CHECK(report.receipts == 1);
  CHECK(report.snapshots == Paths{"first"});
  CHECK(report.remaining.empty());
  CHECK(fixture.found("zanzibar").empty());
  CHECK(fixture.found("zanzibar", 1).empty());
  const json::Value receipt = must(fixture.library->receipt(fixture.context, answer.receipt_id));
  std::string words = json::dump(receipt);
  CHECK(words.find("30 days") == std::string::npos);
  CHECK(words.find("secret.md") == std::string::npos);
  CHECK(words.find(answer.citations[0].content_hash) != std::string::npos);
  const Replay replay = must(fixture.library->replay(fixture.context, answer.receipt_id, true));
  CHECK(replay.citations[0].state == "gone");
  CHECK(replay.answer == "not_rerun");
  CHECK(fixture.library->remove_document(fixture.context, id).error().code() == Code::not_found);
}

TEST_CASE("a migration builds beside, switches at once, and counts on") {
  VersionFixture fixture;
  for (int i = 0; i < 150; ++i)
    fixture.folder.write(fmt::format("d{}.txt", i),
                         fmt::format("Document number{} says one thing.\n\nThen it says more, and "
                                     "stops after a while.",
                                     i));
  fixture.ingest();
  const std::int64_t before = fixture.current();
  const CollectionInfo old = must(fixture.library->collection(fixture.context, "default"));
  const MigrationReport report = must(fixture.library->migrate(fixture.context, to_small_chunks()));
  CHECK(report.switched);
  CHECK(report.documents == 150);
  CHECK(report.index_version > before);
  const CollectionInfo now = must(fixture.library->collection(fixture.context, "default"));
  CHECK(now.index_version == report.index_version);
  CHECK(now.splitter.chunk_size == 40);
  CHECK(now.documents == 150);
  CHECK(now.chunks > old.chunks);
  CHECK(must(fixture.library->collections(fixture.context)).size() == 1);
  // Both are searched by their numbers, and a document is the same one in both.
  const auto at = [&](std::int64_t version) {
    return must(fixture.library->search(fixture.context,
                                        {.query = "number77", .limit = 1, .version = version}));
  };
  CHECK(at(before).items[0].document_id == at(report.index_version).items[0].document_id);
  CHECK(at(before).items[0].text.size() > at(report.index_version).items[0].text.size());
  CHECK(must(fixture.library->compare_versions(fixture.context, "default", before,
                                               report.index_version, {}, 10))
            .unchanged == 150);
  // The next ingest has nothing to do, and a changed document goes into the new one.
  CHECK(fixture.ingest().unchanged == 150);
  fixture.folder.write("d7.txt", "Zanzibar.");
  CHECK(fixture.ingest().updated == 1);
  CHECK(fixture.found("zanzibar") == Paths{"d7.txt"});
  const VersionList list = must(fixture.library->versions(fixture.context, "default"));
  REQUIRE(list.generations.size() == 2);
  CHECK(list.generations[0].state == "serving");
  CHECK(list.generations[1].state == "former");
  CHECK(fixture.library->migrate(fixture.context, to_small_chunks()).error().code() ==
        Code::invalid_argument);
}

TEST_CASE("rolling back serves the former generation with what came since") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep.");
  fixture.folder.write("b.txt", "Dogs bark.");
  fixture.ingest();
  CHECK(fixture.library->roll_back(fixture.context, "default").error().code() == Code::not_found);
  MigrateRequest request;
  request.embedder = "other";
  must(fixture.library->migrate(fixture.context, request));
  const std::int64_t migrated = fixture.current();
  fixture.folder.write("a.txt", "Birds fly.");
  fixture.folder.write("c.txt", "Cows moo.");
  std::filesystem::remove(fixture.folder.path() / "b.txt");
  fixture.ingest_sync();
  const std::size_t embedded = fixture.catalog.embedder_model->embedded();
  const MigrationReport back = must(fixture.library->roll_back(fixture.context, "default"));
  CHECK(back.switched);
  CHECK(back.documents == 2);
  CHECK(fixture.catalog.embedder_model->embedded() == embedded + 2);
  CHECK(fixture.current() > migrated);
  CHECK(fixture.found("sleep bark fly moo") == Paths{"a.txt", "c.txt"});
  CHECK(fixture.found("sleep bark fly moo", migrated) == Paths{"a.txt", "b.txt"});
  CHECK(fixture.found("sleep bark fly moo", 2) == Paths{"a.txt", "b.txt"});
  CHECK(fixture.ingest().unchanged == 2);
  // And forward again.
  CHECK(must(fixture.library->roll_back(fixture.context, "default")).to.embedder == "other");
  CHECK(fixture.found("sleep bark fly moo") == Paths{"a.txt", "c.txt"});
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("a gold set that falls stops the switch, and what was built is kept for the next try") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep all day long.");
  fixture.folder.write("b.txt", "Dogs bark at night time.");
  fixture.ingest();
  const std::int64_t before = fixture.current();
  MigrateRequest request;
  request.embedder = "other";
  // No generation can find this one, so both score the same.
  request.gold = {{"cats sleep", {{"a.txt", 1}}}, {"dogs bark", {{"b.txt", 2}, {"x.txt", 1}}}};
  request.limit = 1;
  const auto gold_of = [&](const MigrateRequest& asked) {
    const MigrationReport report = must(fixture.library->migrate(fixture.context, asked));
    REQUIRE(report.gold);
    return std::pair(*report.gold, report.switched);
  };
  // The scripted embedder of 32 dimensions cannot be worse here: spoil it.
  fixture.catalog.other_embedder = std::make_shared<models::ScriptedEmbedder>(1);
  request.gold[0].input = "sleep sleep sleep";
  const auto [gold, switched] = gold_of(request);
  CHECK(gold.questions == 2);
  CHECK(gold.before.recall == doctest::Approx(0.75));
  CHECK(gold.before.ndcg == doctest::Approx((1 + 2 / (2 + 1 / std::log2(3.0))) / 2));
  CHECK(switched == gold.holds);
  if (!gold.holds) {
    CHECK(fixture.current() == before);
    const std::size_t embedded = fixture.catalog.other_embedder->embedded();
    request.margin = 1;
    CHECK(gold_of(request).second);
    // Only the questions are new.
    CHECK(fixture.catalog.other_embedder->embedded() <= embedded + 2);
  }
  request.gold = {{"", {{"a.txt", 1}}}};
  CHECK(fixture.library->migrate(fixture.context, request).error().code() ==
        Code::invalid_argument);
}

TEST_CASE("what is ingested while a collection is migrated is in the new one") {
  VersionFixture fixture;
  for (int i = 0; i < 200; ++i)
    fixture.folder.write(fmt::format("d{:03}.txt", i), fmt::format("Document number{}.", i));
  fixture.ingest();
  int heard = 0;
  const auto interfere = [&](const IngestProgress&) {
    if (++heard == 20) {
      fixture.folder.write("d000.txt", "Zanzibar changed.");
      fixture.folder.write("late.txt", "Zanzibar added.");
      fixture.folder.write("d150.txt", "Zanzibar changed too.");
      std::filesystem::remove(fixture.folder.path() / "d001.txt");
      fixture.ingest_sync();
    }
  };
  MigrateRequest request;
  request.embedder = "other";
  const MigrationReport report =
      must(fixture.library->migrate(fixture.context, request, interfere));
  CHECK(report.switched);
  CHECK(fixture.found("zanzibar") == Paths{"d000.txt", "d150.txt", "late.txt"});
  CHECK(fixture.found("number1").empty());
  CHECK(must(fixture.library->collection(fixture.context, "default")).documents == 200);
  CHECK(fixture.ingest().unchanged == 200);
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("an ingest that began before a switch says so instead of losing documents") {
  VersionFixture fixture;
  for (int i = 0; i < 100; ++i)
    fixture.folder.write(fmt::format("d{:03}.txt", i), fmt::format("Document number{}.", i));
  fixture.ingest();
  const auto other = fixture.open();
  for (int i = 0; i < 100; ++i)
    fixture.folder.write(fmt::format("d{:03}.txt", i), fmt::format("Changed number{}.", i));
  bool migrated = false;
  IngestRequest request;
  request.sources = {fixture.folder.path().string()};
  const IngestReport report =
      must(fixture.library->ingest(fixture.context, request, [&](const IngestProgress& progress) {
        if (progress.documents_done != 30 || std::exchange(migrated, true)) return;
        // From another thread, as another process would: this one holds a lock of its own.
        std::thread([&] {
          MigrateRequest migrate;
          migrate.embedder = "other";
          must(other->migrate({}, migrate));
        }).join();
      }));
  REQUIRE(migrated);
  // Those that were committed before are told; they are in the new generation too.
  CHECK(report.updated == 64);
  REQUIRE(report.failed.size() == 36);
  CHECK(report.failed[0].error.find("migrated meanwhile") != std::string::npos);
  CHECK(fixture.found("changed").size() == 10);
  CHECK(fixture.ingest().updated == 36);
  CHECK(must(fixture.library->collection(fixture.context, "default")).documents == 100);
}

TEST_CASE(
    "whichever database call of a migration fails, the collection serves all of its documents") {
  VersionFixture fixture;
  for (int i = 0; i < 5; ++i)
    fixture.folder.write(fmt::format("d{}.txt", i), "Cats sleep all day long.");
  fixture.ingest();
  std::string embedder = "other";
  for (int nth = 1;; nth += 1 + nth / 25) {
    MigrateRequest request;
    request.embedder = embedder;
    bool fired = false;
    {
      const FaultPlan plan(FaultKind::database, nth);
      const auto report = fixture.library->migrate(fixture.context, request);
      fired = plan.fired();
      if (report) embedder = embedder == "other" ? "default" : "other";
    }
    CHECK(fixture.found("cats").size() == 5);
    CHECK(must(fixture.library->collection(fixture.context, "default")).documents == 5);
    if (!fired) break;
    REQUIRE(nth < 5000);
  }
  CHECK(must(fixture.library->check(fixture.context, true)).empty());
  CHECK(fixture.ingest().unchanged == 5);
}

TEST_CASE("former generations go when they are older than what is kept") {
  VersionFixture fixture;
  fixture.folder.write("a.txt", "Cats sleep.");
  fixture.ingest();
  MigrateRequest request;
  request.embedder = "other";
  must(fixture.library->migrate(fixture.context, request));
  CHECK(fixture.rows("rag_collections") == 2);
  fixture.forget_old_versions();
  fixture.folder.write("a.txt", "Dogs bark.");
  fixture.ingest();
  CHECK(fixture.rows("rag_collections") == 1);
  CHECK(fixture.rows("index_collections") == 1);
  CHECK(fixture.library->roll_back(fixture.context, "default").error().code() == Code::not_found);
  const Error gone =
      fixture.library->search(fixture.context, {.query = "cats", .version = 1}).error();
  CHECK(gone.code() == Code::not_found);
  CHECK(gone.message().find("before a migration") != std::string::npos);
  must(fixture.library->remove_collection(fixture.context, "default"));
  for (const char* table : {"rag_collections", "rag_documents", "rag_chunks", "rag_reigns",
                            "index_collections", "index_documents", "index_vectors"})
    CHECK(fixture.rows(table) == 0);
}

}  // namespace slipway::rag
