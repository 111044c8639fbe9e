// How long it takes to put, open and search collections of random vectors and Zipf-like text.
//   index_bench [chunks] [dimension]
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "index/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::index;

namespace {

/// Time of this thread on a core: what a busy machine does to the wall clock is not ours.
double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double wall_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

/// Words fall off as in natural text: the n-th has a share of about 1 / n.
std::string natural_text(std::mt19937& engine, int words) {
  std::string text;
  for (int i = 0; i < words; ++i) {
    const double u = static_cast<double>(engine()) / 4294967296.0;
    text += fmt::format("word{} ", static_cast<int>(std::exp(u * std::log(100'000.0))));
  }
  return text;
}

/// Vectors as embedders make them: a common direction, some subjects, and the rest.
std::vector<float> natural_vector(std::mt19937& engine, std::size_t dimension) {
  constexpr std::size_t subjects = 1000;
  static const std::vector<std::vector<float>> centres = [&] {
    std::mt19937 own(42);
    std::vector<std::vector<float>> all(subjects + 1);
    for (auto& centre : all) centre = random_unit(own, dimension);
    return all;
  }();
  const std::vector<float>& subject = centres[engine() % subjects];
  std::vector<float> vector = random_unit(engine, dimension);
  double square = 0;
  for (std::size_t i = 0; i < dimension; ++i) {
    vector[i] = 0.9f * centres[subjects][i] + 0.6f * subject[i] + 0.6f * vector[i];
    square += static_cast<double>(vector[i]) * vector[i];
  }
  for (float& x : vector) x = static_cast<float>(x / std::sqrt(square));
  return vector;
}

IndexedDocument make_document(std::mt19937& engine, int number, std::size_t dimension) {
  IndexedDocument document;
  document.id = fmt::format("doc_{:08}", number);
  document.attributes = {{"metadata", json::Object{{"year", 1990 + number % 100}, {"lang", "en"}}},
                         {"uri", fmt::format("file:///srv/documents/{}.md", number)},
                         {"path", fmt::format("{}.md", number)},
                         {"title", fmt::format("Document number {}", number)}};
  for (int i = 0; i < 10; ++i) {
    IndexedChunk chunk;
    chunk.id = fmt::format("chunk_{:08}_{:03}", number, i);
    chunk.text = natural_text(engine, 120);
    chunk.text_hash = chunk.id;
    chunk.vector = natural_vector(engine, dimension);
    document.chunks.push_back(std::move(chunk));
  }
  return document;
}

template <typename F>
void report(const char* what, int times, F&& body) {
  std::vector<double> cpu, wall;
  for (int i = 0; i < times; ++i) {
    const double cpu_start = cpu_ms(), wall_start = wall_ms();
    body(i);
    cpu.push_back(cpu_ms() - cpu_start);
    wall.push_back(wall_ms() - wall_start);
  }
  std::sort(cpu.begin(), cpu.end());
  std::sort(wall.begin(), wall.end());
  const std::size_t middle = cpu.size() / 2, late = cpu.size() * 95 / 100;
  std::printf("%-34s cpu p50 %8.3f ms  wall p50 %8.3f  p95 %8.3f ms\n", what, cpu[middle],
              wall[middle], wall[late]);
}

Result<void> fill(store::Database& database, Index& index, int documents, std::size_t dimension) {
  std::mt19937 engine(1);
  double put_ms = 0;
  for (int i = 0; i < documents; ++i) {
    const IndexedDocument document = make_document(engine, i, dimension);
    const double start = cpu_ms();
    TRY(database.write({}, [&](store::Connection& c) { return index.put(c, document); }));
    put_ms += cpu_ms() - start;
  }
  std::printf("%-34s cpu %.3f ms per document of 10 chunks\n", "put, one transaction each",
              put_ms / documents);
  return {};
}

void search_all(Index& index, std::size_t dimension) {
  std::mt19937 engine(2);
  std::vector<Query> queries(200);
  for (Query& query : queries) {
    query.text = natural_text(engine, 8);
    query.vector = natural_vector(engine, dimension);
  }
  for (const SearchMode mode : {SearchMode::dense, SearchMode::lexical, SearchMode::hybrid})
    report(std::string(json::name(mode)).c_str(), 200, [&](int i) {
      queries[i].mode = mode;
      static_cast<void>(index.search({}, queries[i]));
    });
  for (const int years : {50, 10, 1}) {
    const Filter filter =
        *Filter::parse(json::Object{{"year", json::Object{{"$lt", 1990 + years}}}});
    for (Query& query : queries) query.filter = filter;
    report(fmt::format("hybrid, filter keeps {} %", years).c_str(), 200,
           [&](int i) { static_cast<void>(index.search({}, queries[i])); });
  }
}

Result<void> run(int chunks, std::size_t dimension) {
  std::string pattern = (std::filesystem::temp_directory_path() / "slipway-bench-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  auto database = TRY(store::Database::open({.path = folder / "bench.db"}, migrations()));
  const Index::Options options{
      .collection = 1, .embedder = "bench", .dimension = dimension, .folder = folder / "segments"};
  auto index = TRY(Index::open({}, *database, options));
  TRY(fill(*database, *index, chunks / 10, dimension));
  std::printf("database file %.1f MB\n",
              static_cast<double>(std::filesystem::file_size(folder / "bench.db")) / 1e6);
  report("open and read the database", 3, [&](int) {
    index = *Index::open({}, *database, options);
    static_cast<void>(index->refresh({}));
  });
  report("write the segment file", 1, [&](int) { static_cast<void>(index->seal({})); });
  report("open and map the segment file", 5, [&](int) {
    index = *Index::open({}, *database, options);
    static_cast<void>(index->refresh({}));
  });
  search_all(*index, dimension);
  std::printf("recall at 10: %.4f\n", TRY(index->measure_recall({}, 60)).recall_at_10);
  std::mt19937 engine(3);
  report("search after a commit", 20, [&](int i) {
    static_cast<void>(database->write({}, [&](store::Connection& c) {
      return index->put(c, make_document(engine, 1'000'000 + i, dimension));
    }));
    static_cast<void>(index->refresh({}));
  });
  const Stats stats = TRY(index->stats({}));
  std::printf("%zu chunks, %zu segments, %zu words, %.1f MB in memory, %.1f MB mapped\n",
              stats.chunks, stats.segments.size(), stats.terms,
              static_cast<double>(stats.memory_bytes) / 1e6,
              static_cast<double>(stats.mapped_bytes) / 1e6);
  std::filesystem::remove_all(folder);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const int chunks = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int dimension = argc > 2 ? std::atoi(argv[2]) : 384;
  if (chunks < 10 || dimension < 1) return 2;
  const auto done = run(chunks, static_cast<std::size_t>(dimension));
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}
