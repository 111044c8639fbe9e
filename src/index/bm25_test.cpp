#include <doctest/doctest.h>

#include "core/files.hpp"
#include "index/detail/fixture.hpp"

using namespace slipway;
using namespace slipway::index;

namespace {

constexpr std::size_t dimension = 4;

/// Every chunk's score, in the order of `texts`; chunk ids are their numbers.
std::vector<double> scores(Index& index, std::string_view text, std::size_t count) {
  Query query;
  query.text = std::string(text);
  query.mode = SearchMode::lexical;
  query.limit = 1000;
  const auto found = index.search({}, query);
  REQUIRE(found);
  std::vector<double> scores(count);
  for (const Hit& hit : found->hits) scores[std::stoul(hit.chunk_id)] = hit.score;
  return scores;
}

void check_case(const json::Object& one) {
  auto database = *store::Database::open({.path = ":memory:"}, migrations());
  auto index =
      *Index::open({}, *database, {.collection = 1, .embedder = "e", .dimension = dimension});
  const json::Array& texts = one.at("texts").as_array();
  // A few commits, so that frequencies and lengths must be summed over segments; and a document
  // that is deleted again, so that its words must not count.
  for (std::size_t i = 0; i < texts.size(); ++i) {
    IndexedDocument document;
    document.id = std::to_string(i);
    document.chunks.push_back(
        make_chunk(std::to_string(i), std::string(texts[i].as_string()), dimension));
    IndexedDocument ballast = document;
    ballast.id = ballast.chunks[0].id = "ballast";
    REQUIRE(database->write({}, [&](store::Connection& c) -> Result<void> {
      TRY(index->put(c, ballast));
      return index->put(c, document);
    }));
    if (i % 7 == 0) REQUIRE(index->refresh({}));
  }
  REQUIRE(database->write({}, [&](store::Connection& c) { return index->remove(c, "ballast"); }));
  for (const auto& query : one.at("queries").as_array()) {
    const auto got = scores(*index, query.at("text").as_string(), texts.size());
    const json::Array& expected = query.at("scores").as_array();
    for (std::size_t i = 0; i < texts.size(); ++i)
      CHECK(got[i] == doctest::Approx(expected[i].to_number<double>()).epsilon(1e-4));
  }
}

}  // namespace

TEST_CASE("BM25 scores equal those of bm25s, method lucene") {
  const auto text = read_file(SLIPWAY_TEST_DATA "/bm25_vectors.json");
  REQUIRE(text);
  const auto cases = json::parse(*text);
  REQUIRE(cases);
  for (const auto& one : cases->as_array()) check_case(one.as_object());
}
