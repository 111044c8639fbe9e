#include <doctest/doctest.h>

#include <random>

#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

bool are_equal(const SourceMap& a, const SourceMap& b) {
  const auto same_piece = [](const SourceMap::Piece& x, const SourceMap::Piece& y) {
    return x.text_start == y.text_start && x.length == y.length && x.byte_start == y.byte_start &&
           x.byte_end == y.byte_end;
  };
  const auto same_line = [](const SourceMap::Line& x, const SourceMap::Line& y) {
    return x.text_start == y.text_start && x.text_end == y.text_end && x.page == y.page &&
           x.box == y.box;
  };
  const auto same_heading = [](const SourceMap::Heading& x, const SourceMap::Heading& y) {
    return x.text_start == y.text_start && x.level == y.level && x.title == y.title;
  };
  return std::equal(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(),
                    same_piece) &&
         std::equal(a.lines.begin(), a.lines.end(), b.lines.begin(), b.lines.end(), same_line) &&
         std::equal(a.headings.begin(), a.headings.end(), b.headings.begin(), b.headings.end(),
                    same_heading);
}

SourceMap random_map(std::mt19937& random) {
  const auto below = [&](std::size_t n) { return random() % n; };
  SourceMap map;
  std::size_t at = 0;
  for (std::size_t i = below(20); i > 0; --i) {
    SourceMap::Piece piece;
    piece.text_start = at + below(5);
    piece.length = 1 + below(1000);
    piece.byte_start = below(100'000);
    piece.byte_end = piece.byte_start + (below(2) ? piece.length : below(50));
    at = piece.text_start + piece.length;
    map.pieces.push_back(piece);
  }
  at = 0;
  for (std::size_t i = below(20); i > 0; --i) {
    SourceMap::Line line;
    line.text_start = at + below(3);
    line.text_end = line.text_start + below(200);
    line.page = 1 + static_cast<int>(below(500));
    for (double& side : line.box)
      side = below(3) ? static_cast<double>(below(100'000)) / 100 : std::ldexp(1.0 / 3, 4);
    at = line.text_end;
    map.lines.push_back(line);
  }
  at = 0;
  for (std::size_t i = below(10); i > 0; --i) {
    at += below(300);
    map.headings.push_back({at, 1 + static_cast<int>(below(6)), std::string(below(20), 'h')});
  }
  return map;
}

}  // namespace

TEST_CASE("the identity map places every span at its own bytes") {
  const SourceMap map = SourceMap::identity(100);
  const Place place = map.place({10, 20});
  CHECK(place.byte_start == 10);
  CHECK(place.byte_end == 20);
  CHECK(!place.page);
  CHECK(!place.page_end);
  CHECK(place.boxes.empty());
  CHECK(place.heading_path.empty());
  CHECK(map.place({100, 100}).byte_start == 100);
  CHECK(!SourceMap::identity(0).place({0, 0}).byte_start);
}

TEST_CASE("a span inside a verbatim piece is cut exactly and a unit is taken whole") {
  SourceMap map;
  map.pieces = {{0, 5, 100, 105}, {5, 1, 105, 110}, {6, 4, 110, 114}, {12, 3, 130, 133}};
  CHECK(map.place({1, 3}).byte_start == 101);
  CHECK(map.place({1, 3}).byte_end == 103);
  CHECK(map.place({5, 6}).byte_start == 105);
  CHECK(map.place({5, 6}).byte_end == 110);
  CHECK(map.place({4, 7}).byte_start == 104);
  CHECK(map.place({4, 7}).byte_end == 111);
  CHECK(map.place({9, 13}).byte_start == 113);
  CHECK(map.place({9, 13}).byte_end == 131);
}

TEST_CASE("a span of nothing but made-up text has an empty place between its neighbours") {
  SourceMap map;
  map.pieces = {{0, 5, 100, 105}, {7, 3, 120, 123}};
  CHECK(map.place({5, 7}).byte_start == 105);
  CHECK(map.place({5, 7}).byte_end == 105);
  CHECK(map.place({4, 7}).byte_start == 104);
  CHECK(map.place({4, 7}).byte_end == 105);
  CHECK(map.place({2, 2}).byte_start == 102);
  CHECK(map.place({2, 2}).byte_end == 102);
}

TEST_CASE("text that stands elsewhere in the source widens the place to hold all of it") {
  SourceMap map;
  map.pieces = {{0, 5, 50, 55}, {5, 5, 10, 15}};
  CHECK(map.place({0, 10}).byte_start == 10);
  CHECK(map.place({0, 10}).byte_end == 55);
}

TEST_CASE("a span over two pages names both and gives the boxes of the first") {
  SourceMap map;
  map.lines = {{0, 10, 1, {1, 2, 3, 4}}, {11, 20, 1, {5, 6, 7, 8}}, {22, 30, 2, {9, 9, 9, 9}}};
  const Place both = map.place({15, 25});
  CHECK(both.page == 1);
  CHECK(both.page_end == 2);
  CHECK(both.boxes == std::vector<Box>{{5, 6, 7, 8}});
  const Place first = map.place({0, 20});
  CHECK(first.page == 1);
  CHECK(!first.page_end);
  CHECK(first.boxes.size() == 2);
  CHECK(!first.byte_start);
  CHECK(map.place({20, 22}).page == 1);
  CHECK(map.place({20, 22}).boxes.empty());
  CHECK(map.place({30, 30}).page == 2);
}

TEST_CASE("a heading holds until the next one of its level or above") {
  SourceMap map = SourceMap::identity(100);
  map.headings = {{0, 1, "Guide"},   {10, 2, "Budgets"}, {20, 3, "Limits"},
                  {30, 2, "Traces"}, {40, 4, "Deep"},    {50, 1, "Other"}};
  using Path = std::vector<std::string>;
  CHECK(map.place({5, 6}).heading_path == Path{"Guide"});
  CHECK(map.place({25, 26}).heading_path == Path{"Guide", "Budgets", "Limits"});
  CHECK(map.place({30, 31}).heading_path == Path{"Guide", "Traces"});
  CHECK(map.place({45, 60}).heading_path == Path{"Guide", "Traces", "Deep"});
  CHECK(map.place({50, 60}).heading_path == Path{"Other"});
}

TEST_CASE("a map comes back from its bytes as it was") {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    CAPTURE(i);
    const SourceMap map = random_map(random);
    const auto decoded = SourceMap::decode(map.encode());
    REQUIRE(decoded.ok());
    CHECK(are_equal(map, *decoded));
  }
  CHECK(SourceMap::identity(1u << 30).encode().size() < 16);
}

TEST_CASE("damaged bytes of a map are an error and never a crash") {
  std::mt19937 random(11);
  CHECK(!SourceMap::decode("").ok());
  CHECK(!SourceMap::decode("\x02").ok());
  CHECK(!SourceMap::decode(std::string("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10)).ok());
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = random_map(random).encode();
    for (int k = 0; k < 3; ++k)
      if (!bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bytes.resize(random() % (bytes.size() + 1));
    if (const auto decoded = SourceMap::decode(bytes)) {
      (void)decoded->place({0, 50});
      (void)decoded->place({random() % 5000, 5000});
    }
    const std::string whole = random_map(random).encode();
    CHECK(!SourceMap::decode(whole + "x").ok());
    CHECK(!SourceMap::decode(std::string_view(whole).substr(0, whole.size() - 1)).ok());
  }
}

}  // namespace slipway::documents
