// Searches vectors from a file with the index, as its users do: through the database, with filters.
//
//   vector_bench VECTORS.f32 QUERIES.f32 DIMENSION FOLDER
//
// Row n of VECTORS is chunk n; ten neighbours are a document with the attribute "bucket", a number
// from 0 to 999. Prints one JSON object: seconds to fill and to seal, milliseconds to open, and for
// each share that a filter keeps the milliseconds and the ten rows of every query. Called by
// bench/vectors/compare.py, which measures other libraries on the same files.
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "core/files.hpp"
#include "core/json.hpp"
#include "index/index.hpp"

using namespace slipway;
using namespace slipway::index;

namespace {

constexpr std::size_t chunks_per_document = 10;
constexpr std::size_t documents_per_transaction = 200;
constexpr std::size_t buckets = 1000;

double seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

class Vectors {
 public:
  static Result<Vectors> read(const char* path, std::size_t dimension) {
    Vectors vectors;
    vectors.bytes_ = TRY(read_file(path));
    vectors.dimension_ = dimension;
    return vectors;
  }
  std::size_t rows() const { return bytes_.size() / (dimension_ * sizeof(float)); }
  std::vector<float> row(std::size_t i) const {
    const auto* first = reinterpret_cast<const float*>(bytes_.data()) + i * dimension_;
    return {first, first + dimension_};
  }

 private:
  std::string bytes_;
  std::size_t dimension_ = 0;
};

IndexedDocument make_document(const Vectors& vectors, std::size_t number) {
  IndexedDocument document;
  document.id = fmt::format("{:08}", number);
  // Spread, so that a bucket has nothing to do with the order of the rows.
  document.attributes = {{"metadata", json::Object{{"bucket", number * 7919 % buckets}}}};
  const std::size_t first = number * chunks_per_document;
  for (std::size_t i = first; i < std::min(first + chunks_per_document, vectors.rows()); ++i) {
    IndexedChunk chunk;
    chunk.id = fmt::format("{:08}", i);
    chunk.text_hash = chunk.id;
    chunk.vector = vectors.row(i);
    document.chunks.push_back(std::move(chunk));
  }
  return document;
}

Result<void> fill(store::Database& database, Index& index, const Vectors& vectors) {
  const std::size_t documents = (vectors.rows() + chunks_per_document - 1) / chunks_per_document;
  for (std::size_t first = 0; first < documents; first += documents_per_transaction)
    TRY(database.write({}, [&](store::Connection& connection) -> Result<void> {
      const std::size_t last = std::min(first + documents_per_transaction, documents);
      for (std::size_t n = first; n < last; ++n)
        TRY(index.put(connection, make_document(vectors, n)));
      return {};
    }));
  return {};
}

Result<json::Value> search(const Index& index, const Vectors& queries, std::size_t kept_buckets) {
  json::Array milliseconds, found;
  for (const bool is_recorded : {false, true})
    for (std::size_t i = 0; i < queries.rows(); ++i) {
      Query query;
      query.vector = queries.row(i);
      query.mode = SearchMode::dense;
      if (kept_buckets < buckets)
        query.filter =
            TRY(Filter::parse(json::Object{{"bucket", json::Object{{"$lt", kept_buckets}}}}));
      const double start = seconds();
      const Found got = TRY(index.search({}, query));
      const double taken = (seconds() - start) * 1e3;
      if (!is_recorded) continue;
      milliseconds.push_back(taken);
      json::Array rows;
      for (const Hit& hit : got.hits) rows.push_back(std::stoll(hit.chunk_id));
      found.push_back(std::move(rows));
    }
  return json::Value(json::Object{{"ms", std::move(milliseconds)}, {"found", std::move(found)}});
}

Result<void> run(char** argv) {
  const auto dimension = static_cast<std::size_t>(std::atoi(argv[3]));
  const std::filesystem::path folder = argv[4];
  json::Object report;
  const Index::Options options{
      .collection = 1, .embedder = "bench", .dimension = dimension, .folder = folder / "segments"};
  auto database = TRY(store::Database::open({.path = folder / "bench.db"}, migrations()));
  auto index = TRY(Index::open({}, *database, options));
  {
    const Vectors vectors = TRY(Vectors::read(argv[1], dimension));
    const double start = seconds();
    TRY(fill(*database, *index, vectors));
    report["fill_seconds"] = seconds() - start;
  }
  double start = seconds();
  TRY(index->seal({}));
  report["seal_seconds"] = seconds() - start;
  start = seconds();
  index = TRY(Index::open({}, *database, options));
  TRY(index->refresh({}));
  report["open_ms"] = (seconds() - start) * 1e3;
  const Vectors queries = TRY(Vectors::read(argv[2], dimension));
  json::Object shares;
  for (const std::size_t kept : {buckets, buckets / 2, buckets / 10, buckets / 100, std::size_t{1}})
    shares[std::to_string(kept)] = TRY(search(*index, queries, kept));
  report["by_kept_buckets"] = std::move(shares);
  const Stats stats = TRY(index->stats({}));
  report["memory_mb"] = static_cast<double>(stats.memory_bytes) / 1e6;
  report["mapped_mb"] = static_cast<double>(stats.mapped_bytes) / 1e6;
  std::cout << json::dump(report) << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: vector_bench VECTORS.f32 QUERIES.f32 DIMENSION FOLDER\n";
    return 2;
  }
  const auto done = run(argv);
  if (!done) std::cerr << "vector_bench: " << done.error().message() << '\n';
  return done ? 0 : 1;
}
