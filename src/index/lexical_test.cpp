#include "index/detail/lexical.hpp"

#include <doctest/doctest.h>

#include "index/detail/fixture.hpp"
#include "index/index.hpp"

using namespace slipway;
using namespace slipway::index;

namespace {

constexpr std::size_t dimension = 4;

/// One chunk per text; ids are their numbers. Every third text is committed alone, so that there
/// are several segments.
class Shelf {
 public:
  explicit Shelf(const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      IndexedDocument document;
      document.id = std::to_string(i);
      document.chunks.push_back(make_chunk(document.id, texts[i], dimension));
      REQUIRE(database_->write({}, [&](store::Connection& c) { return index_->put(c, document); }));
      if (i % 3 == 0) REQUIRE(index_->refresh({}));
    }
  }

  std::vector<std::pair<std::string, double>> search(const std::string& text) const {
    Query query;
    query.text = text;
    query.mode = SearchMode::lexical;
    const auto found = index_->search({}, query);
    REQUIRE(found);
    std::vector<std::pair<std::string, double>> hits;
    for (const Hit& hit : found->hits) hits.emplace_back(hit.chunk_id, hit.score);
    return hits;
  }
  std::vector<std::string> ids(const std::string& text) const {
    std::vector<std::string> ids;
    for (const auto& [id, score] : search(text)) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }

 private:
  std::unique_ptr<store::Database> database_ =
      *store::Database::open({.path = ":memory:"}, migrations());
  std::unique_ptr<Index> index_ =
      *Index::open({}, *database_, {.collection = 1, .embedder = "e", .dimension = dimension});
};

using Ids = std::vector<std::string>;

std::string shown(std::string_view text) {
  std::string out;
  for (const Clause& clause : parse_words(text, "english")) {
    out += clause.kind == Clause::Kind::word     ? ""
           : clause.kind == Clause::Kind::prefix ? "*"
                                                 : "\"";
    for (std::size_t i = 0; i < clause.words.size(); ++i)
      out += (i > 0 ? fmt::format(" +{} ", clause.offsets[i]) : "") + clause.words[i];
    if (clause.weight != 1) out += fmt::format("^{}", clause.weight);
    out += ";";
  }
  return out;
}

}  // namespace

TEST_CASE("a query is read as words, prefixes and phrases") {
  CHECK(shown("mooring fees mooring") == "fee;moor^2;");
  CHECK(shown("harb* fees") == "fee;*harb;");
  CHECK(shown("\"state of the art\"") == "\"state +3 art;");
  CHECK(shown("the \"mooring fee\" of a boat") == "boat;\"moor +1 fee;");
  // What is no phrase and no prefix is words.
  CHECK(shown("\"mooring\"") == "moor;");
  CHECK(shown("\"the of\"") == "");
  CHECK(shown("6\" pipe") == "6;pipe;");
  CHECK(shown("\"unfinished quote") == "quot;unfinish;");
  CHECK(shown("a* 5 * 3 x**") == "3;5;*x;");
  CHECK(shown("\"\" \" \"") == "");
}

TEST_CASE("a phrase is found where its words stand in their order and distance") {
  const Shelf shelf({"the mooring fee is due at noon", "a fee for mooring", "mooring is no fee",
                     "Mooring fees, and again the mooring fee", "nothing of that",
                     "fee mooring fee"});
  CHECK(shelf.ids("\"mooring fee\"") == Ids{"0", "3", "5"});
  CHECK(shelf.ids("\"fee mooring\"") == Ids{"5"});
  CHECK(shelf.ids("\"fee for mooring\"") == Ids{"1"});
  CHECK(shelf.ids("\"fee due noon\"").empty());
  CHECK(shelf.ids("\"fee absent\"").empty());
  CHECK(shelf.ids("\"mooring fee\" nothing") == Ids{"0", "3", "4", "5"});
  CHECK(shelf.search("\"mooring fee\"")[0].first == "3");  // It stands there twice.
}

TEST_CASE("a prefix counts as one word that stands wherever one of its words does") {
  const Shelf shelf({"harbour", "harbinger of harbours", "barb", "a harness", "other", "more"});
  CHECK(shelf.ids("harb*") == Ids{"0", "1"});
  CHECK(shelf.ids("har*") == Ids{"0", "1", "3"});
  CHECK(shelf.ids("hat*").empty());
  CHECK(shelf.ids("harb* barb") == Ids{"0", "1", "2"});
  // Two of six chunks, once and twice: what a single word of that kind would score.
  const Shelf same({"word", "word of words", "barb", "a harness", "other", "more"});
  const auto prefix = shelf.search("harb*"), word = same.search("word");
  REQUIRE(prefix.size() == word.size());
  for (std::size_t i = 0; i < word.size(); ++i)
    CHECK(prefix[i].second == doctest::Approx(word[i].second));
}

TEST_CASE("words of a title count as much as they are given weight, and only then") {
  auto database = std::move(*store::Database::open({.path = ":memory:"}, migrations()));
  const auto open = [&](std::int64_t collection) {
    return std::move(*Index::open(
        {}, *database, {.collection = collection, .embedder = "e", .dimension = dimension}));
  };
  const auto texts = open(1), titles = open(2);
  const std::vector<std::pair<std::string, std::string>> documents = {
      {"The mooring guide", "a fee is due at noon"},
      {"Fees", "the mooring fee, and again the fee"},
      {"Mooring", "nothing of that"},
      {"", "other words"},
      {"Dead mooring", "gone"}};
  const auto put = [&](Index& index, std::size_t i, const std::string& text) {
    IndexedDocument document{std::to_string(i), {{"title", documents[i].first}}, {}};
    document.chunks.push_back(make_chunk(document.id, text, dimension));
    REQUIRE(database->write({}, [&](store::Connection& c) { return index.put(c, document); }));
    REQUIRE(index.refresh({}));
  };
  for (std::size_t i = 0; i < documents.size(); ++i) {
    put(*texts, i, documents[i].second);
    put(*titles, i, documents[i].first);
  }
  for (Index* index : {texts.get(), titles.get()})
    REQUIRE(database->write({}, [&](store::Connection& c) { return index->remove(c, "4"); }));
  Query query;
  query.text = "mooring fee \"mooring guide\"";
  query.mode = SearchMode::lexical;
  const auto scores = [&](Index& index) {
    std::map<std::string, double> found;
    const auto hits = index.search({}, query);
    REQUIRE(hits);
    for (const Hit& hit : hits->hits) found[hit.chunk_id] = hit.score;
    return found;
  };
  const auto plain = scores(*texts);
  CHECK(plain.size() == 2);
  Query words = query;
  query.text = "mooring fee";  // In titles, phrases are not looked for.
  auto by_title = scores(*titles);
  query = words;
  query.field_weights = {{"title", 2.5}, {"path", 0}};
  const auto both = scores(*texts);
  CHECK(both.size() == 3);
  for (const auto& [id, score] : both)
    CHECK(score == doctest::Approx((plain.contains(id) ? plain.at(id) : 0) + 2.5 * by_title[id]));
  query.filter = *Filter::parse(*json::parse(R"({"title":"Mooring"})"));
  const auto chosen = scores(*texts);
  CHECK(chosen.size() == 1);
  CHECK(chosen.at("2") == both.at("2"));
}
