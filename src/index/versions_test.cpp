#include "index/versions.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "index/detail/fixture.hpp"
#include "index/index.hpp"

using namespace slipway;
using namespace slipway::index;
using store::Connection;
using store::Database;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t dimension = 16;

class Collection {
 public:
  Collection() {
    std::string pattern = (fs::temp_directory_path() / "slipway-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    auto opened = Database::open({.path = path_ / "i.db", .durable = false}, migrations());
    if (!opened) FAIL(opened.error().message());
    database_ = std::move(*opened);
    index_ = open();
  }
  ~Collection() {
    index_.reset();
    database_.reset();
    fs::remove_all(path_);
  }
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  std::unique_ptr<Index> open() {
    auto index = Index::open({}, *database_,
                             {.collection = 1,
                              .embedder = "test@1",
                              .dimension = dimension,
                              .folder = path_ / "segments"});
    if (!index) FAIL(index.error().message());
    return std::move(*index);
  }
  Index& index() { return *index_; }
  void reopen() { index_ = open(); }

  void write(const std::function<Result<void>(Connection&)>& body) {
    const auto done = database_->write({}, body);
    if (!done) FAIL(done.error().message());
  }
  Result<void> try_write(const std::function<Result<void>(Connection&)>& body) {
    return database_->write({}, body);
  }
  void put(const IndexedDocument& document) {
    write([&](Connection& c) { return index_->put(c, document); });
  }
  void put_text(const std::string& id, const std::string& text) {
    IndexedDocument document{id, {{"metadata", json::Object{{"id", id}}}}, {}};
    document.chunks.push_back(make_chunk(id + "#0", text, dimension));
    put(document);
  }
  History history() {
    History history;
    REQUIRE(database_->read({}, [&](Connection& c) -> Result<void> {
      history = TRY(history_of(c, 1));
      return {};
    }));
    return history;
  }
  std::int64_t count(const std::string& table) {
    std::int64_t rows = 0;
    REQUIRE(database_->read({}, [&](Connection& c) -> Result<void> {
      auto s = TRY(c.prepare("SELECT count(*) FROM " + table));
      TRY(s.step());
      rows = s.integer(0);
      return {};
    }));
    return rows;
  }
  std::set<std::string> words_found(std::int64_t version, const std::string& text) {
    Query query;
    query.text = text;
    query.mode = SearchMode::lexical;
    query.version = version;
    auto found = index_->search({}, query);
    if (!found) FAIL(found.error().message());
    std::set<std::string> ids;
    for (const Hit& hit : found->hits) ids.insert(hit.chunk_id);
    return ids;
  }

 private:
  fs::path path_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Index> index_;
};

void check_equal(Index& index, const PlainIndex& plain, std::int64_t version,
                 std::mt19937& engine) {
  Query query;
  query.text = random_text(engine, 3, 60);
  query.vector = random_unit(engine, dimension);
  query.mode = SearchMode::dense;
  query.limit = 1000;
  query.version = version;
  const auto found = index.search({}, query);
  if (!found) FAIL(found.error().message());
  CHECK(found->version == version);
  std::map<std::string, double> expected, got;
  for (const auto& row : plain.rows(query)) expected[row.id] = row.dense;
  for (const Hit& hit : found->hits) got[hit.chunk_id] = *hit.dense;
  REQUIRE(got.size() == expected.size());
  for (const auto& [id, score] : expected)
    CHECK(got.at(id) == doctest::Approx(score).epsilon(1e-5));
  query.mode = SearchMode::lexical;
  std::map<std::string, double> words, words_got;
  for (const auto& row : plain.rows(query))
    if (row.lexical > 0) words[row.id] = row.lexical;
  const auto by_words = index.search({}, query);
  REQUIRE(by_words);
  for (const Hit& hit : by_words->hits) words_got[hit.chunk_id] = *hit.lexical;
  REQUIRE(words_got.size() == words.size());
  for (const auto& [id, score] : words)
    CHECK(words_got.at(id) == doctest::Approx(score).epsilon(1e-5));
}

}  // namespace

TEST_CASE("every version finds what it found when it was the current one") {
  std::mt19937 engine(11);
  Collection collection;
  PlainIndex plain;
  std::vector<PlainIndex> versions(1);
  for (int step = 0; step < 60; ++step) {
    const std::string id = fmt::format("d{}", engine() % 12);
    if (engine() % 4 == 0 && plain.documents.contains(id)) {
      plain.documents.erase(id);
      collection.write([&](Connection& c) { return collection.index().remove(c, id); });
    } else if (engine() % 4 == 0 && plain.documents.contains(id)) {
      json::Object& attributes = plain.documents[id].attributes;
      attributes["metadata"] = json::Object{{"year", 1900 + step}};
      collection.write(
          [&](Connection& c) { return collection.index().set_attributes(c, id, attributes); });
    } else {
      plain.documents[id] = random_document(engine, id, dimension);
      collection.put(plain.documents[id]);
    }
    versions.push_back(plain);
    if (engine() % 9 == 0) REQUIRE(collection.index().seal({}, {.purge = true}));
    if (engine() % 9 == 0) collection.reopen();
    const std::size_t some = 1 + engine() % (versions.size() - 1);
    check_equal(collection.index(), versions[some], static_cast<std::int64_t>(some), engine);
  }
  REQUIRE(collection.history().current == 60);
  for (std::size_t v = 1; v < versions.size(); ++v)
    check_equal(collection.index(), versions[v], static_cast<std::int64_t>(v), engine);
}

TEST_CASE("versions out of sealed and merged files are whole") {
  std::mt19937 engine(12);
  Collection collection;
  PlainIndex plain;
  collection.write([&](Connection& c) -> Result<void> {
    for (int i = 0; i < 1200; ++i) {
      const std::string id = fmt::format("d{:04}", i);
      plain.documents[id] = random_document(engine, id, dimension);
      TRY(collection.index().put(c, plain.documents[id]));
    }
    return {};
  });
  REQUIRE(collection.index().seal({}));
  REQUIRE_FALSE(collection.index().stats({})->segments.at(0).file.empty());
  const PlainIndex first = plain;
  collection.write([&](Connection& c) -> Result<void> {
    for (int i = 0; i < 1200; i += 3) {
      const std::string id = fmt::format("d{:04}", i);
      plain.documents.erase(id);
      TRY(collection.index().remove(c, id));
    }
    return {};
  });
  REQUIRE(collection.index().seal({}, {.purge = true}));
  Query query;
  query.vector = random_unit(engine, dimension);
  query.mode = SearchMode::dense;
  query.limit = 1000;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [version, state] :
         {std::pair{1, &first}, std::pair{2, &std::as_const(plain)}}) {
      query.version = version;
      const auto found = collection.index().search({}, query);
      REQUIRE(found);
      CHECK(found->matches == state->chunk_count());
    }
    collection.reopen();
  }
}

TEST_CASE("pruning forgets what is neither young nor held") {
  Collection collection;
  for (int i = 1; i <= 10; ++i) collection.put_text("d", fmt::format("text number{}", i));
  collection.write([](Connection& c) {
    return hold(c, 1, {"snapshot/three", 3, "2026-01-02T03:04:05Z"});
  });
  CHECK(collection.count("index_documents") == 10);
  collection.write([](Connection& c) { return prune(c, 1, 2); });
  CHECK(collection.history().oldest == 8);
  CHECK(collection.history().held == std::vector<std::int64_t>{3});
  CHECK(collection.count("index_documents") == 4);
  CHECK(collection.count("index_vectors") == 4);
  CHECK(collection.words_found(3, "number3") == std::set<std::string>{"d#0"});
  CHECK(collection.words_found(8, "number8") == std::set<std::string>{"d#0"});
  Query query;
  query.text = "text";
  query.mode = SearchMode::lexical;
  for (const std::int64_t gone : {0, 2, 4, 7, 11}) {
    query.version = gone;
    const auto found = collection.index().search({}, query);
    REQUIRE_FALSE(found);
    CHECK(found.error().code() == Code::not_found);
  }
  CHECK(collection
            .try_write([](Connection& c) {
              return hold(c, 1, {"x", 4, "2026-01-02T03:04:05Z"});
            })
            .error()
            .code() == Code::not_found);
  CHECK(collection
            .try_write([](Connection& c) {
              return hold(c, 1, {"snapshot/three", 9, "2026-01-02T03:04:05Z"});
            })
            .error()
            .code() == Code::conflict);
  collection.write([](Connection& c) {
    return hold(c, 1, {"snapshot/three", 3, "2026-01-02T03:04:05Z"});
  });
  // A longer memory than before brings nothing back.
  collection.write([](Connection& c) { return prune(c, 1, 100); });
  CHECK(collection.history().oldest == 8);
  collection.write([](Connection& c) { return release(c, 1, "snapshot/three"); });
  CHECK(collection.try_write([](Connection& c) { return release(c, 1, "snapshot/three"); })
            .error()
            .code() == Code::not_found);
  collection.write([](Connection& c) { return prune(c, 1, 0); });
  CHECK(collection.count("index_documents") == 1);
  CHECK(collection.count("index_chunks") == 1);
  CHECK(collection.count("index_vectors") == 1);
}

TEST_CASE("an erased document is in no version, not even in one that was asked for before") {
  Collection collection;
  collection.put_text("keep", "common words");
  collection.put_text("secret", "zanzibar");
  collection.put_text("secret", "zanzibar again");
  collection.write([](Connection& c) {
    return hold(c, 1, {"snapshot/two", 2, "2026-01-02T03:04:05Z"});
  });
  CHECK(collection.words_found(2, "zanzibar") == std::set<std::string>{"secret#0"});
  Erased erased;
  collection.write([&](Connection& c) -> Result<void> {
    erased = TRY(collection.index().erase(c, "secret"));
    return {};
  });
  CHECK(erased.rows == 2);
  CHECK(erased.chunks == 2);
  CHECK(erased.vectors == 2);
  CHECK(collection.history().current == 4);
  for (std::int64_t v = 2; v <= 4; ++v) {
    CHECK(collection.words_found(v, "zanzibar").empty());
    CHECK(collection.words_found(v, "common") == std::set<std::string>{"keep#0"});
  }
  collection.write([&](Connection& c) -> Result<void> {
    CHECK(TRY(collection.index().erase(c, "secret")).rows == 0);
    return {};
  });
  CHECK(collection.history().current == 4);
}

TEST_CASE("a collection can go on counting where another stopped") {
  Collection collection;
  collection.put_text("a", "one");
  collection.write([](Connection& c) { return advance(c, 1, 40); });
  CHECK(collection.history().current == 40);
  CHECK(collection.words_found(40, "one").size() == 1);
  collection.put_text("b", "one");
  CHECK(collection.words_found(41, "one").size() == 2);
  CHECK(collection.words_found(40, "one").size() == 1);
  CHECK_FALSE(collection.try_write([](Connection& c) { return advance(c, 1, 41); }));
}

TEST_CASE("a database of before there were versions keeps what it holds") {
  std::string pattern = (fs::temp_directory_path() / "slipway-test-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  const Index::Options options{.collection = 1, .embedder = "test@1", .dimension = dimension};
  std::int64_t next_row = 0;
  {
    // What the second step of the schema had, filled as it was then.
    auto old = std::move(*Database::open({.path = folder / "i.db"},
                                         {migrations().begin(), migrations().begin() + 2}));
    REQUIRE(old->write({}, [&](Connection& c) -> Result<void> {
      TRY(c.execute(
          "INSERT INTO index_embedders VALUES(1,'test@1',16);"
          "INSERT INTO index_collections(collection,version,epoch,changed_by,embedder,dimension,"
          "language,documents,chunks) VALUES(1,7,5,5,'test@1',16,'english',1,1);"));
      auto row = TRY(c.prepare(
          "INSERT INTO index_documents(row,collection,id,attributes,words) VALUES(9,1,'kept','{}',"
          "zeroblob(0))"));
      TRY(row.run());
      TRY(
          c.execute("INSERT INTO index_documents(row,collection,id,attributes,words) "
                    "VALUES(30,1,'gone','{}',zeroblob(0)); DELETE FROM index_documents WHERE "
                    "row=30"));
      next_row = 31;
      return {};
    }));
  }
  auto database = std::move(*Database::open({.path = folder / "i.db"}, migrations()));
  auto index = std::move(*Index::open({}, *database, options));
  IndexedDocument document{"new", {}, {make_chunk("new#0", "words", dimension)}};
  REQUIRE(database->write({}, [&](Connection& c) { return index->put(c, document); }));
  REQUIRE(database->read({}, [&](Connection& c) -> Result<void> {
    CHECK(TRY(history_of(c, 1)).oldest == 7);
    CHECK(TRY(history_of(c, 1)).current == 8);
    auto s = TRY(c.prepare("SELECT row,born FROM index_documents ORDER BY row"));
    TRY(s.step());
    CHECK(s.integer(0) == 9);
    CHECK(s.integer(1) == 7);
    TRY(s.step());
    CHECK(s.integer(0) == next_row);  // A row is never used twice.
    CHECK(s.integer(1) == 8);
    return {};
  }));
  const auto faults = database->check({});
  REQUIRE(faults);
  CHECK(faults->empty());
  fs::remove_all(folder);
}
