// Segment files: written, mapped, merged, damaged, killed. The oracle is an index without files.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/fault.hpp"
#include "index/detail/fixture.hpp"
#include "index/index.hpp"

using namespace slipway;
using namespace slipway::index;
using store::Connection;
using store::Database;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t dimension = 24;

/// A database on disk with a folder for segments, gone after the test.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "slipway-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    auto opened = Database::open({.path = path_ / "i.db", .durable = false}, migrations());
    if (!opened) FAIL(opened.error().message());
    database_ = std::move(*opened);
  }
  ~Scratch() {
    database_.reset();
    fs::remove_all(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Database& database() { return *database_; }
  fs::path folder() const { return path_ / "segments"; }
  std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder()))
      if (entry.path().extension() == ".segment" &&
          !entry.path().filename().string().starts_with("bad-"))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  std::unique_ptr<Index> open(bool with_files = true) {
    auto index = Index::open({}, *database_,
                             {.collection = 1,
                              .embedder = "test@1",
                              .dimension = dimension,
                              .folder = with_files ? folder() : fs::path()});
    if (!index) FAIL(index.error().message());
    return std::move(*index);
  }

  void put(Index& index, const std::vector<IndexedDocument>& documents) {
    const auto done = database_->write({}, [&](Connection& c) -> Result<void> {
      for (const IndexedDocument& document : documents) TRY(index.put(c, document));
      return {};
    });
    if (!done) FAIL(done.error().message());
  }
  void remove(Index& index, const std::string& id) {
    REQUIRE(database_->write({}, [&](Connection& c) { return index.remove(c, id); }));
  }

 private:
  fs::path path_;
  std::unique_ptr<Database> database_;
};

/// Documents of three chunks around some centres, as embeddings are.
std::vector<IndexedDocument> many(int first, int count, unsigned seed = 1) {
  std::vector<IndexedDocument> documents;
  std::mt19937 engine(seed);
  std::vector<std::vector<float>> centres;
  for (int i = 0; i < 20; ++i) centres.push_back(random_unit(engine, dimension));
  for (int n = first; n < first + count; ++n) {
    std::mt19937 own(static_cast<unsigned>(n) * 7919 + seed);
    IndexedDocument document;
    document.id = fmt::format("d{:05}", n);
    document.attributes = {
        {"metadata",
         json::Object{{"n", n}, {"tenth", n % 10}, {"word", fmt::format("w{}", n % 7)}}}};
    for (int c = 0; c < 3; ++c) {
      IndexedChunk chunk;
      chunk.id = fmt::format("{}#{}", document.id, c);
      chunk.text = random_text(own, 12, 400);
      chunk.text_hash = fmt::format("hash of {} {}", chunk.id, seed);
      chunk.vector = centres[own() % centres.size()];
      const auto noise = random_unit(own, dimension);
      double square = 0;
      for (std::size_t i = 0; i < dimension; ++i) {
        chunk.vector[i] += 0.6f * noise[i];
        square += static_cast<double>(chunk.vector[i]) * chunk.vector[i];
      }
      for (float& x : chunk.vector) x = static_cast<float>(x / std::sqrt(square));
      document.chunks.push_back(std::move(chunk));
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

std::vector<Query> queries(int count = 12) {
  std::mt19937 engine(77);
  std::vector<Query> all;
  for (int i = 0; i < count; ++i) {
    Query query;
    query.text = random_text(engine, 3, 400);
    query.vector = random_unit(engine, dimension);
    query.mode = i % 3 == 0   ? SearchMode::dense
                 : i % 3 == 1 ? SearchMode::lexical
                              : SearchMode::hybrid;
    if (i % 4 == 3) query.filter = *Filter::parse(json::Object{{"tenth", i % 10}});
    all.push_back(std::move(query));
  }
  return all;
}

std::string answers(const Index& index) {
  std::string text;
  for (const Query& query : queries()) {
    const auto found = index.search({}, query);
    if (!found) {
      text += found.error().message() + "\n";
      continue;
    }
    text += fmt::format("{}:", found->matches);
    for (const Hit& hit : found->hits) text += fmt::format(" {}={:a}", hit.chunk_id, hit.score);
    text += "\n";
  }
  return text;
}

void flip(const fs::path& file, std::uintmax_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const char old = static_cast<char>(stream.get());
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(old ^ 0x10));
}

}  // namespace

TEST_CASE("sealed, merged, reopened and rebuilt indexes answer alike") {
  Scratch scratch;
  auto index = scratch.open();
  for (int round = 0; round < 5; ++round) {
    scratch.put(*index, many(round * 400, 400));
    if (round > 0)
      for (int i = 0; i < 90; ++i) scratch.remove(*index, fmt::format("d{:05}", round * 7 + i * 5));
    REQUIRE(scratch.database().write({}, [&](Connection& c) {
      return index->set_attributes(c, fmt::format("d{:05}", round * 400 + 399),
                                   {{"metadata", json::Object{{"tenth", 3}, {"edited", true}}}});
    }));
    const std::string before = answers(*index);
    REQUIRE(index->seal({}));
    CHECK(answers(*index) == before);
    CHECK(answers(*scratch.open()) == before);
    CHECK(answers(*scratch.open(false)) == before);
    REQUIRE_FALSE(scratch.files().empty());
  }
  const Stats stats = *index->stats({});
  CHECK(stats.mapped_bytes > 0);
  CHECK(stats.memory_bytes < stats.mapped_bytes / 4);
  CHECK(scratch.files().size() <= 4);
  CHECK(stats.segments.size() <= 5);
  CHECK(index->measure_recall({}, 20)->recall_at_10 > 0.99);
}

TEST_CASE("a large collection finds by codes what an exact scan finds") {
  Scratch scratch;
  auto index = scratch.open(false);
  scratch.put(*index, many(0, 4000));
  std::mt19937 engine(5);
  std::size_t found = 0;
  for (int i = 0; i < 100; ++i) {
    Query query;
    query.vector = random_unit(engine, dimension);
    query.mode = SearchMode::dense;
    const Found got = *index->search({}, query);
    query.exact = true;
    const Found truth = *index->search({}, query);
    REQUIRE(got.hits.size() == 10);
    CHECK(got.plan.codes_read >= 12'000);
    CHECK(got.plan.vectors_read < 4000);
    CHECK(truth.plan.codes_read == 0);
    CHECK(truth.plan.vectors_read == 12'000);
    for (const Hit& hit : truth.hits)
      for (const Hit& h : got.hits)
        if (h.chunk_id == hit.chunk_id) {
          ++found;
          CHECK(h.score == hit.score);
        }
  }
  CHECK(found >= 990);
}

TEST_CASE("a filter leaves exactly min(limit, matches) rows, however many it keeps") {
  Scratch scratch;
  auto index = scratch.open(false);
  scratch.put(*index, many(0, 4000));
  std::mt19937 engine(6);
  for (const int kept : {0, 1, 2, 3, 40, 400, 1500, 3000, 4000})
    for (const std::size_t limit : {1u, 10u, 1000u}) {
      Query query;
      query.vector = random_unit(engine, dimension);
      query.mode = SearchMode::dense;
      query.limit = limit;
      query.filter = *Filter::parse(json::Object{{"n", json::Object{{"$lt", kept}}}});
      const Found got = *index->search({}, query);
      CHECK(got.matches == static_cast<std::size_t>(kept) * 3);
      CHECK(got.hits.size() == std::min(limit, got.matches));
      for (const Hit& hit : got.hits) CHECK(std::stoi(hit.document_id.substr(1)) < kept);
    }
}

TEST_CASE("whichever block of a segment file changes, the answers are those of a fresh build") {
  Scratch scratch;
  {
    auto index = scratch.open();
    scratch.put(*index, many(0, 350));
    REQUIRE(index->seal({}));
  }
  const std::string truth = answers(*scratch.open(false));
  REQUIRE(scratch.files().size() == 1);
  const fs::path file = scratch.files()[0];
  const fs::path sound = file.string() + ".sound";
  fs::copy_file(file, sound);
  const auto run = [&](const char* sql) {
    REQUIRE(scratch.database().write({}, [&](Connection& c) { return c.execute(sql); }));
  };
  run("CREATE TABLE sound AS SELECT * FROM index_segments");
  const auto size = fs::file_size(file);
  int set_aside = 0;
  for (std::uintmax_t at = 0; at < size; at += 4096)
    for (const bool is_cut : {false, true}) {
      CAPTURE(at);
      CAPTURE(is_cut);
      if (is_cut)
        fs::resize_file(file, at);
      else
        flip(file, at + (at * 7) % std::min<std::uintmax_t>(4096, size - at));
      CHECK(answers(*scratch.open()) == truth);
      set_aside += !fs::exists(file);
      fs::copy_file(sound, file, fs::copy_options::overwrite_existing);
      run("DELETE FROM index_segments; INSERT INTO index_segments SELECT * FROM sound; "
          "UPDATE index_collections SET manifest=manifest+1");
    }
  // A vector that no query reads may have changed unseen; every cut and everything else is found.
  CHECK(set_aside > static_cast<int>(size / 4096));
  fs::resize_file(file, size / 2);
  auto index = scratch.open();
  CHECK(answers(*index) == truth);
  REQUIRE(index->seal({}));
  CHECK(scratch.files() != std::vector<fs::path>{file});
  CHECK(answers(*scratch.open()) == truth);
}

TEST_CASE("a file that is gone, empty, a folder or another segment is served from the database") {
  Scratch scratch;
  {
    auto index = scratch.open();
    scratch.put(*index, many(0, 600));
    REQUIRE(index->seal({}));
  }
  const std::string truth = answers(*scratch.open(false));
  for (const int kind : {0, 1, 2, 3}) {
    CAPTURE(kind);
    REQUIRE(scratch.files().size() == 1);
    const fs::path file = scratch.files()[0];
    if (kind == 0) fs::remove(file);
    if (kind == 1) fs::resize_file(file, 0);
    if (kind == 2) {
      fs::remove(file);
      fs::create_directory(file);
    }
    if (kind == 3) {
      std::ofstream(file, std::ios::binary) << std::string(100'000, 'x');
    }
    auto index = scratch.open();
    CHECK(answers(*index) == truth);
    REQUIRE(index->seal({}));
    CHECK(answers(*scratch.open()) == truth);
  }
  fs::remove_all(scratch.folder());
  CHECK(answers(*scratch.open()) == truth);
}

TEST_CASE("whichever file or database call of sealing fails, nothing is lost") {
  Scratch scratch;
  auto index = scratch.open();
  scratch.put(*index, many(0, 400));
  REQUIRE(index->seal({}));
  scratch.put(*index, many(400, 500));
  for (int i = 0; i < 100; ++i) scratch.remove(*index, fmt::format("d{:05}", i));
  const std::string truth = answers(*scratch.open(false));
  for (const FaultKind kind : {FaultKind::file, FaultKind::database}) {
    for (int nth = 1;; ++nth) {
      bool fired = false, sealed = false;
      {
        const FaultPlan plan(kind, nth);
        sealed = index->seal({}).ok();
        fired = plan.fired();
      }
      CAPTURE(nth);
      CHECK(answers(*index) == truth);
      CHECK(answers(*scratch.open()) == truth);
      if (!fired) {
        CHECK(sealed);
        break;
      }
      REQUIRE(nth < 500);
    }
    scratch.put(*index, many(900, 1));  // So that the second round has something to do.
    scratch.put(*index, many(1000, 500));
    for (int i = 1000; i < 1500; ++i) scratch.remove(*index, fmt::format("d{:05}", i));
    scratch.remove(*index, "d00900");
  }
  REQUIRE(index->seal({}, {.purge = true}));
  CHECK(answers(*scratch.open()) == truth);
}

TEST_CASE("purging leaves no byte of a deleted document in any file") {
  Scratch scratch;
  auto index = scratch.open();
  auto documents = many(0, 600);
  documents[300].chunks[1].text = "xylophonezanzibar";
  documents[300].attributes["title"] = "zanzibarattribute";
  scratch.put(*index, documents);
  REQUIRE(index->seal({}));
  const auto holds = [&](const std::string& text) {
    bool found = false;
    for (const auto& entry : fs::recursive_directory_iterator(scratch.folder())) {
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
      found = found || bytes.find(text) != std::string::npos;
    }
    return found;
  };
  CHECK(holds("xylophonezanzibar"));
  scratch.remove(*index, "d00300");
  REQUIRE(index->seal({}));
  CHECK(holds("xylophonezanzibar"));  // One of 600 is not worth rewriting the others.
  REQUIRE(index->seal({}, {.purge = true}));
  CHECK_FALSE(holds("xylophonezanzibar"));
  CHECK_FALSE(holds("zanzibarattribute"));
  CHECK_FALSE(holds("d00300"));
}

TEST_CASE("searches of other threads and processes go on while segments are sealed and merged") {
  Scratch scratch;
  auto index = scratch.open();
  auto other = scratch.open();
  scratch.put(*index, many(0, 400));
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0, searches = 0;
  {
    std::vector<std::jthread> readers;
    for (Index* reader : {index.get(), other.get()})
      readers.emplace_back([&, reader] {
        Query query;
        std::mt19937 engine(3);
        query.vector = random_unit(engine, dimension);
        query.mode = SearchMode::dense;
        query.limit = 1000;
        query.filter = *Filter::parse(json::Object{{"n", json::Object{{"$lt", 100}}}});
        while (!done) {
          const auto found = reader->search({}, query);
          if (!found || found->hits.size() != 300) ++wrong;
          ++searches;
        }
      });
    for (int round = 1; round < 8; ++round) {
      scratch.put(*index, many(round * 400, 400));
      for (int i = 0; i < 100; ++i)
        scratch.remove(*index, fmt::format("d{:05}", round * 400 + 2 * i));
      REQUIRE(index->seal({}, {.purge = round % 2 == 0}));
    }
    done = true;
  }
  CHECK(wrong == 0);
  CHECK(searches > 20);
}

TEST_CASE("a process killed while it seals leaves nothing behind that lasts") {
  Scratch scratch;
  auto index = scratch.open();
  scratch.put(*index, many(0, 400));
  REQUIRE(index->seal({}));
  scratch.put(*index, many(400, 700));
  const std::string truth = answers(*scratch.open(false));
  std::mt19937 engine(9);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto database =
          Database::open({.path = scratch.folder().parent_path() / "i.db"}, migrations());
      auto theirs = Index::open({}, **database,
                                {.collection = 1,
                                 .embedder = "test@1",
                                 .dimension = dimension,
                                 .folder = scratch.folder()});
      for (int i = 0; i < 50; ++i) {
        static_cast<void>((*database)->write(
            {}, [&](Connection& c) { return (*theirs)->put(c, many(5000 + i, 1)[0]); }));
        static_cast<void>((*database)->write({}, [&](Connection& c) {
          return (*theirs)->remove(c, fmt::format("d{:05}", 5000 + i));
        }));
        static_cast<void>((*theirs)->seal({}, {.purge = true}));
      }
      _exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(engine() % 60'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (int i = 0; i < 50; ++i) scratch.remove(*index, fmt::format("d{:05}", 5000 + i));
    CHECK(answers(*scratch.open()) == truth);
  }
  REQUIRE(index->seal({}, {.purge = true}));
  std::size_t named = 0;
  const Stats stats = *index->stats({});
  for (const SegmentInfo& info : stats.segments) named += !info.file.empty();
  CHECK(scratch.files().size() == named);
  CHECK(answers(*scratch.open()) == truth);
}

TEST_CASE("a verification reads everything, and sealing writes anew what it found") {
  for (const bool at_opening : {false, true}) {
    Scratch scratch;
    auto index = scratch.open();
    scratch.put(*index, many(0, 600));
    REQUIRE(index->seal({}));
    index = scratch.open();
    REQUIRE(index->verify({}));
    CHECK(index->verify({})->empty());
    const fs::path file = scratch.files().at(0);
    const auto size = static_cast<std::streamoff>(fs::file_size(file));
    {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(at_opening ? size / 64 : size - 5000);  // A head, or vectors.
      stream.put('\x55');
    }
    index = scratch.open();
    const auto faults = index->verify({});
    REQUIRE(faults);
    REQUIRE(faults->size() == 1);
    CHECK(faults->front().find(file.filename().string()) != std::string::npos);
    REQUIRE(index->seal({}, {.purge = true}));
    index = scratch.open();
    CHECK(index->verify({})->empty());
    CHECK_FALSE(index->stats({})->segments.at(0).file.empty());
  }
}
