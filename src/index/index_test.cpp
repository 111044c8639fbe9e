#include "index/index.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "core/fault.hpp"
#include "index/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::index;
using store::Connection;
using store::Database;

namespace {

constexpr std::size_t dimension = 20;  // Not a multiple of the kernel's width.

std::unique_ptr<Database> make_database(const std::filesystem::path& path = ":memory:") {
  auto database = Database::open({.path = path, .durable = false}, migrations());
  if (!database) FAIL(database.error().message());
  return std::move(*database);
}

Index::Options options(std::int64_t collection = 1) {
  return {.collection = collection, .embedder = "test@1", .dimension = dimension};
}

std::unique_ptr<Index> make_index(Database& database, Index::Options o = options()) {
  auto index = Index::open({}, database, std::move(o));
  if (!index) FAIL(index.error().message());
  return std::move(*index);
}

Result<void> put(Database& database, Index& index, const IndexedDocument& document) {
  return database.write({}, [&](Connection& c) { return index.put(c, document); });
}

Result<void> remove(Database& database, Index& index, std::string_view id) {
  return database.write({}, [&](Connection& c) { return index.remove(c, id); });
}

IndexedDocument document(std::string id, std::vector<std::string> texts,
                         json::Object metadata = {}) {
  IndexedDocument made;
  made.id = std::move(id);
  made.attributes = {{"metadata", std::move(metadata)}};
  for (std::string& text : texts)
    made.chunks.push_back(
        make_chunk(fmt::format("{}#{}", made.id, made.chunks.size()), std::move(text), dimension));
  return made;
}

Found search(Index& index, const Query& query) {
  auto found = index.search({}, query);
  if (!found) FAIL(found.error().message());
  return std::move(*found);
}

Query query_for(std::string text, SearchMode mode = SearchMode::hybrid, std::size_t limit = 10) {
  std::mt19937 engine(5);
  Query query;
  query.text = std::move(text);
  query.vector = random_unit(engine, dimension);
  query.mode = mode;
  query.limit = limit;
  return query;
}

std::vector<std::string> ids(const Found& found) {
  std::vector<std::string> list;
  for (const Hit& hit : found.hits) list.push_back(hit.chunk_id);
  return list;
}

std::int64_t number(Database& database, const std::string& sql) {
  std::int64_t value = -1;
  const auto read = database.read({}, [&](Connection& c) -> Result<void> {
    auto s = TRY(c.prepare(sql));
    if (TRY(s.step())) value = s.integer(0);
    return {};
  });
  if (!read) FAIL(read.error().message());
  return value;
}

/// Dense and lexical results equal those of the plain implementation, hybrid ones are a legal
/// ranking of their own scores.
void check_against_plain(Index& index, const PlainIndex& plain, const Query& base) {
  const auto rows = plain.rows(base);
  for (const SearchMode mode : {SearchMode::dense, SearchMode::lexical, SearchMode::hybrid}) {
    Query query = base;
    query.mode = mode;
    const Found found = search(index, query);
    CHECK(found.matches == rows.size());
    std::vector<PlainIndex::Row> expected;
    for (const auto& row : rows)
      if (mode != SearchMode::lexical || row.lexical > 0) expected.push_back(row);
    const auto score = [&](const PlainIndex::Row& row) {
      return mode == SearchMode::lexical ? row.lexical : row.dense;
    };
    std::sort(expected.begin(), expected.end(),
              [&](const auto& a, const auto& b) { return score(a) > score(b); });
    REQUIRE(found.hits.size() == std::min(query.limit, expected.size()));
    std::set<std::string> seen;
    for (std::size_t i = 0; i < found.hits.size(); ++i) {
      const Hit& hit = found.hits[i];
      CHECK(seen.insert(hit.chunk_id).second);
      const auto row = std::find_if(expected.begin(), expected.end(),
                                    [&](const auto& r) { return r.id == hit.chunk_id; });
      REQUIRE(row != expected.end());
      if (hit.dense) CHECK(*hit.dense == doctest::Approx(row->dense).epsilon(1e-4));
      CHECK(hit.dense.has_value() == (mode != SearchMode::lexical));
      CHECK(hit.lexical.has_value() == (mode != SearchMode::dense && row->lexical > 0));
      if (hit.lexical) CHECK(*hit.lexical == doctest::Approx(row->lexical).epsilon(1e-5));
      if (i > 0) CHECK(found.hits[i - 1].score >= hit.score);
      if (mode != SearchMode::hybrid)
        CHECK(hit.score == doctest::Approx(score(expected[i])).epsilon(1e-4));
    }
  }
}

}  // namespace

TEST_CASE("random collections under random changes search like the plain implementation") {
  std::mt19937 engine(11);
  auto database = make_database();
  auto writer = make_index(*database);
  auto follower = make_index(*database);  // Sees the changes only through the database.
  PlainIndex plain;
  for (int round = 0; round < 60; ++round) {
    REQUIRE(database->write({}, [&](Connection& c) -> Result<void> {
      for (unsigned i = engine() % 8 + 1; i > 0; --i) {
        const std::string id = fmt::format("d{}", engine() % 40);
        if (engine() % 4 == 0) {
          TRY(writer->remove(c, id));
          plain.documents.erase(id);
        } else if (engine() % 4 == 0 && plain.documents.contains(id)) {
          auto& attributes = plain.documents[id].attributes;
          attributes["metadata"].as_object()["year"] = 2000 + engine() % 30;
          TRY(writer->set_attributes(c, id, attributes));
        } else {
          plain.documents[id] = random_document(engine, id, dimension);
          TRY(writer->put(c, plain.documents[id]));
        }
      }
      return {};
    }));
    if (round % 3 == 1) continue;  // Several commits between two looks.
    Query query = query_for(random_text(engine, static_cast<int>(engine() % 6) + 1, 60));
    query.vector = random_unit(engine, dimension);
    query.limit = engine() % 30 + 1;
    if (engine() % 2)
      query.filter = *Filter::parse(
          json::Object{{"year", json::Object{{"$gte", 2000 + engine() % 30}}}, {"lang", "en"}});
    check_against_plain(*follower, plain, query);
    check_against_plain(*writer, plain, query);
    auto fresh = make_index(*database);
    check_against_plain(*fresh, plain, query);
    CHECK(ids(search(*fresh, query)) == ids(search(*follower, query)));
  }
  const auto stats = follower->stats({});
  CHECK(stats->chunks == plain.chunk_count());
  CHECK(stats->documents == plain.documents.size());
  CHECK(stats->segments.size() <= 10);
  CHECK(number(*database, "SELECT chunks FROM index_collections") ==
        static_cast<std::int64_t>(plain.chunk_count()));
}

TEST_CASE("a transaction raises the version by one however many documents it changes") {
  auto database = make_database();
  auto index = make_index(*database);
  auto same = make_index(*database);
  const auto version = [&] { return search(*index, query_for("x")).version; };
  CHECK(version() == 0);
  REQUIRE(database->write({}, [&](Connection& c) -> Result<void> {
    TRY(index->put(c, document("a", {"one"})));
    TRY(same->put(c, document("b", {"two"})));
    CHECK(TRY(index->version(c)) == 1);
    return {};
  }));
  CHECK(version() == 1);
  CHECK_FALSE(database->write({}, [&](Connection& c) -> Result<void> {
    TRY(index->put(c, document("c", {"three"})));
    return fail(Code::cancelled, "no");
  }));
  CHECK(version() == 1);
  REQUIRE(remove(*database, *index, "absent"));
  CHECK(version() == 1);
  REQUIRE(remove(*database, *index, "a"));
  CHECK(version() == 2);
}

TEST_CASE("a search finds what was committed before it, by another index or process") {
  std::string pattern = (std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  {
    auto database = make_database(folder / "i.db");
    auto index = make_index(*database);
    CHECK(search(*index, query_for("alpha")).hits.empty());
    const pid_t child = ::fork();
    if (child == 0) {
      auto other = Database::open({.path = folder / "i.db"}, migrations());
      auto theirs = Index::open({}, **other, options());
      _exit(put(**other, **theirs, document("d", {"alpha beta"})) ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    CHECK(ids(search(*index, query_for("alpha", SearchMode::lexical))) ==
          std::vector<std::string>{"d#0"});
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("vectors are shared by their text and go with their last chunk") {
  auto database = make_database();
  auto one = make_index(*database, options(1));
  auto two = make_index(*database, options(2));
  const auto vectors = [&] { return number(*database, "SELECT count(*) FROM index_vectors"); };
  const auto known = [&](const std::string& text) {
    bool is_known = false;
    REQUIRE(database->read({}, [&](Connection& c) -> Result<void> {
      is_known = TRY(one->known_vectors(c, {"hash of " + text}))[0];
      return {};
    }));
    return is_known;
  };
  CHECK_FALSE(known("same"));
  REQUIRE(put(*database, *one, document("a", {"same", "same", "own"})));
  CHECK(vectors() == 2);
  CHECK(known("same"));
  IndexedDocument borrowed = document("b", {"same"});
  borrowed.chunks[0].vector.clear();
  REQUIRE(put(*database, *two, borrowed));
  CHECK(vectors() == 2);
  CHECK(*two->vector({}, "b#0") == *one->vector({}, "a#1"));
  REQUIRE(remove(*database, *one, "a"));
  CHECK(vectors() == 2);  // The version before still has them.
  REQUIRE(database->write({}, [](Connection& c) { return prune(c, 1, 0); }));
  CHECK(vectors() == 1);
  CHECK(known("same"));
  CHECK_FALSE(known("own"));
  // An update that keeps a text keeps its vector without embedding it again.
  IndexedDocument edited = document("b", {"same", "new"});
  edited.chunks[0].vector.clear();
  REQUIRE(put(*database, *two, edited));
  REQUIRE(database->write({}, [](Connection& c) { return prune(c, 2, 0); }));
  CHECK(vectors() == 2);
  REQUIRE(database->write({}, [](Connection& c) { return drop_collection(c, 2); }));
  CHECK(vectors() == 0);
  CHECK(search(*two, query_for("new")).hits.empty());
  for (const char* table :
       {"index_documents", "index_chunks", "index_collections", "index_changes"})
    CHECK(number(*database, fmt::format("SELECT count(*) FROM {} WHERE collection=2", table)) == 0);
  const auto lost = put(*database, *one, borrowed);
  CHECK(lost.error().code() == Code::conflict);
  CHECK(one->vector({}, "b#0").error().code() == Code::not_found);
}

TEST_CASE("a collection that is dropped and made again is not mistaken for the old one") {
  auto database = make_database();
  auto index = make_index(*database);
  REQUIRE(put(*database, *index, document("a", {"old words"})));
  CHECK(search(*index, query_for("old")).version == 1);
  REQUIRE(database->write({}, [](Connection& c) { return drop_collection(c, 1); }));
  REQUIRE(put(*database, *index, document("b", {"new words"})));
  CHECK(ids(search(*index, query_for("words"))) == std::vector<std::string>{"b#0"});
}

TEST_CASE("nothing of an erased document is left in the tables or in memory") {
  auto database = make_database();
  auto index = make_index(*database);
  for (int i = 0; i < 3; ++i)
    REQUIRE(put(*database, *index, document(fmt::format("d{}", i), {"common words"})));
  REQUIRE(put(*database, *index, document("secret", {"zanzibar"}, {{"k", "zanzibar"}})));
  search(*index, query_for("zanzibar"));
  REQUIRE(database->write({}, [&](Connection& c) -> Result<void> {
    return index->erase(c, "secret") ? Result<void>() : fail(Code::internal, "not erased");
  }));
  CHECK(search(*index, query_for("zanzibar", SearchMode::lexical)).hits.empty());
  CHECK(index->stats({})->documents == 3);
  CHECK(number(*database,
               "SELECT count(*) FROM index_documents WHERE words LIKE '%zanzibar%' OR "
               "attributes LIKE '%zanzibar%'") == 0);
  CHECK(number(*database, "SELECT count(*) FROM index_vectors") == 1);
}

TEST_CASE("equal scores are ordered by chunk id in every mode") {
  auto database = make_database();
  auto index = make_index(*database);
  for (const char* id : {"c", "a", "b", "d"})
    REQUIRE(put(*database, *index, document(id, {"the very same text"})));
  for (const SearchMode mode : {SearchMode::dense, SearchMode::lexical, SearchMode::hybrid})
    for (const Fusion fusion : {Fusion::relative_score, Fusion::rrf}) {
      Query query = query_for("same text", mode, 3);
      query.fusion = fusion;
      // By rank the first of equals is better, and it is the one with the smaller id.
      CHECK(ids(search(*index, query)) == std::vector<std::string>{"a#0", "b#0", "c#0"});
    }
}

TEST_CASE("hybrid gives dense results when no word of the query is indexed") {
  auto database = make_database();
  auto index = make_index(*database);
  for (int i = 0; i < 20; ++i)
    REQUIRE(put(*database, *index, document(fmt::format("d{}", i), {fmt::format("text {}", i)})));
  for (const char* text : {"to be or not to be", "unseen", "?!"}) {
    CHECK(ids(search(*index, query_for(text))) ==
          ids(search(*index, query_for(text, SearchMode::dense))));
    CHECK(search(*index, query_for(text, SearchMode::lexical)).hits.empty());
  }
  for (const Hit& hit : search(*index, query_for("text 7", SearchMode::hybrid, 20)).hits) {
    if (hit.chunk_id == "d7#0") CHECK(*hit.lexical_rank == 1);
    CHECK(hit.lexical_rank.has_value());
    CHECK(hit.dense_rank.has_value());
  }
}

TEST_CASE("both fusions weigh their parts as told") {
  auto database = make_database();
  auto index = make_index(*database);
  for (int i = 0; i < 300; ++i)
    REQUIRE(put(*database, *index,
                document(fmt::format("d{:03}", i), {fmt::format("word{} common", i)})));
  for (const Fusion fusion : {Fusion::relative_score, Fusion::rrf}) {
    Query query = query_for("word7 common");
    query.fusion = fusion;
    query.dense_weight = 1.0;
    CHECK(ids(search(*index, query))[0] ==
          ids(search(*index, query_for("word7", SearchMode::dense)))[0]);
    query.dense_weight = 0.0;
    CHECK(ids(search(*index, query))[0] == "d007#0");
    CHECK(search(*index, query).hits.size() == 10);
  }
}

TEST_CASE("wrong queries and documents get an error that names the fault") {
  auto database = make_database();
  auto index = make_index(*database);
  const auto refusal = [&](const Query& query) {
    auto found = index->search({}, query);
    REQUIRE_FALSE(found);
    CHECK(found.error().code() == Code::invalid_argument);
    return found.error().message();
  };
  Query query = query_for("x");
  query.limit = 0;
  CHECK(refusal(query) == "limit: 0 is out of range 1..1000");
  query.limit = 1001;
  refusal(query);
  query = query_for("x");
  query.vector.pop_back();
  CHECK(refusal(query) == "the query vector has 19 dimensions, the collection 20");
  query.vector.push_back(std::nanf(""));
  refusal(query);
  query = query_for("x");
  query.dense_weight = 1.5;
  CHECK(refusal(query) == "dense_weight: 1.5 is out of range 0..1");
  query = query_for(" \n");
  CHECK(refusal(query) == "text: the query is empty");

  IndexedDocument wrong = document("a", {"x"});
  wrong.chunks[0].vector[0] += 0.5f;
  CHECK(put(*database, *index, wrong).error().code() == Code::invalid_argument);
  wrong.chunks[0].vector.resize(3);
  CHECK(put(*database, *index, wrong).error().code() == Code::invalid_argument);
  REQUIRE(put(*database, *index, document("a", {"x"})));
  IndexedDocument clash = document("b", {"y"});
  clash.chunks[0].id = "a#0";
  CHECK(put(*database, *index, clash).error().code() == Code::conflict);
  const auto absent = database->write(
      {}, [&](Connection& c) { return index->set_attributes(c, "nobody", json::Object()); });
  CHECK(absent.error().code() == Code::not_found);
  CHECK(search(*index, query_for("x")).hits.size() == 1);
}

TEST_CASE("an index with other settings than the collection's is refused") {
  auto database = make_database();
  auto index = make_index(*database);
  REQUIRE(put(*database, *index, document("a", {"x"})));
  Index::Options other = options();
  other.embedder = "other";
  CHECK(Index::open({}, *database, other).error().code() == Code::conflict);
  other = options();
  other.language = "german";
  CHECK(Index::open({}, *database, other).error().code() == Code::conflict);
  other.language = "klingon";
  CHECK(Index::open({}, *database, other).error().code() == Code::invalid_argument);
  other = options();
  other.dimension = 21;
  CHECK(Index::open({}, *database, other).error().code() == Code::conflict);
  other.dimension = 0;
  CHECK(Index::open({}, *database, other).error().code() == Code::invalid_argument);
}

TEST_CASE("whichever database call fails, a document is in its old or new version") {
  auto database = make_database();
  auto index = make_index(*database);
  REQUIRE(put(*database, *index, document("a", {"old one", "old two"})));
  for (int nth = 1;; ++nth) {
    bool fired = false;
    Result<void> written;
    {
      const FaultPlan plan(FaultKind::database, nth);
      written = put(*database, *index, document("a", {"new one", "old two", "new three"}));
      fired = plan.fired();
    }
    CHECK(written.ok() == !fired);
    const std::size_t chunks = search(*index, query_for("one", SearchMode::dense)).matches;
    CHECK(chunks == (written ? 3 : 2));
    CHECK(search(*index, query_for("old", SearchMode::lexical)).hits.size() == (written ? 1 : 2));
    if (!fired) break;
    REQUIRE(nth < 200);
  }
  REQUIRE(database->write({}, [](Connection& c) { return prune(c, 1, 0); }));
  CHECK(number(*database, "SELECT count(*) FROM index_vectors") == 3);
  for (int nth = 1; nth < 40; ++nth) {  // Reading may fail too, and must not spoil what is loaded.
    auto reader = make_index(*database);
    {
      const FaultPlan plan(FaultKind::database, nth);
      static_cast<void>(reader->search({}, query_for("one")));
    }
    CHECK(search(*reader, query_for("one")).matches == 3);
  }
}

TEST_CASE("damaged rows give an error that says what to do, never a crash") {
  std::mt19937 engine(3);
  auto database = make_database();
  auto index = make_index(*database);
  REQUIRE(put(*database, *index, document("a", {"some words here", "and more words there"})));
  std::string sound;
  REQUIRE(database->read({}, [&](Connection& c) -> Result<void> {
    auto s = TRY(c.prepare("SELECT words FROM index_documents"));
    TRY(s.step());
    sound = std::string(s.blob(0));
    return {};
  }));
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string damaged = sound;
    if (round % 4 == 0)
      damaged.resize(engine() % damaged.size());
    else
      damaged[engine() % damaged.size()] = static_cast<char>(engine());
    REQUIRE(database->write({}, [&](Connection& c) -> Result<void> {
      auto s = TRY(c.prepare("UPDATE index_documents SET words=?"));
      return s.bind_blob(0, damaged).run();
    }));
    auto reader = make_index(*database);
    const auto found = reader->search({}, query_for("words"));
    if (found) continue;  // Another letter or count is damage that nobody can see.
    ++refused;
    CHECK(found.error().code() == Code::invalid_argument);
    CHECK(found.error().message().find("slipway doctor") != std::string::npos);
  }
  CHECK(refused > 100);
}

TEST_CASE("searches of many threads see whole versions while documents come and go") {
  auto database = make_database();
  auto index = make_index(*database);
  // Every version holds exactly three chunks with the word, whichever documents they are in.
  REQUIRE(put(*database, *index, document("d0", {"pivot a", "pivot b", "pivot c"})));
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0, searches = 0;
  {
    std::vector<std::jthread> readers;
    for (int t = 0; t < 3; ++t)
      readers.emplace_back([&] {
        std::int64_t last = 0;
        while (!done) {
          auto found = index->search({}, query_for("pivot", SearchMode::lexical));
          if (!found || found->hits.size() != 3 || found->version < last) ++wrong;
          if (found) last = found->version;
          ++searches;
        }
      });
    for (int i = 1; i <= 150; ++i)
      REQUIRE(database->write({}, [&](Connection& c) -> Result<void> {
        TRY(index->remove(c, fmt::format("d{}", i - 1)));
        return index->put(c, document(fmt::format("d{}", i), {"pivot a", "pivot b", "pivot c"}));
      }));
    done = true;
  }
  CHECK(wrong == 0);
  CHECK(searches > 10);
}

TEST_CASE("a search obeys its context") {
  auto database = make_database();
  auto index = make_index(*database);
  const auto late =
      index->search(Context().with_timeout(std::chrono::milliseconds(0)), query_for("x"));
  CHECK(late.error().code() == Code::deadline_exceeded);
}
