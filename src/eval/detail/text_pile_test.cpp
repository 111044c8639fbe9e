#include "eval/detail/text_pile.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace slipway::eval {

TEST_CASE("texts come back from memory, from the file and from what is not written yet") {
  constexpr std::size_t count = 3000, memory = 1000;
  TextPile pile(memory);
  std::vector<std::pair<std::uint64_t, std::string>> texts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text = fmt::format("{}:{}", i, std::string(i % 517, 'x'));
    const auto begin = pile.add(text);
    REQUIRE(begin.ok());
    texts.emplace_back(*begin, text);
  }
  const TextPile moved = std::move(pile);
  for (const auto& [begin, text] : texts) CHECK(moved.read(begin, text.size()) == text);
}

TEST_CASE("a text larger than all memory is kept whole") {
  TextPile pile(10);
  const std::string large(600'000, 'l');
  const auto first = pile.add("small");
  const auto second = pile.add(large);
  const auto third = pile.add("end");
  REQUIRE((first.ok() && second.ok() && third.ok()));
  CHECK(pile.read(*first, 5) == "small");
  CHECK(pile.read(*second, large.size()) == large);
  CHECK(pile.read(*third, 3) == "end");
}

}  // namespace slipway::eval
