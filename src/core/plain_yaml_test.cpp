#include "core/detail/plain_yaml.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "core/clock.hpp"

using namespace slipway;
using yaml::detail::parse_any;
using yaml::detail::parse_plain;

namespace {

const std::string texts[] = {
    R"y(name: research   # A comment.
input: [question]
state: {question: string, facts: {type: list, reduce: append}, "a b": 'it''s',
        post: any}  # goes on
limits: {steps: 40, wall: 10m, none: , last: null}
nodes:
  plan: {llm: {model: m, prompt: "Say \"hi\": {{question}}\n", schema: {queries: list}}}

  wait:
    wait: {for: 1s}
    empty:
    tilde: ~
edges:
- START -> plan
-   plan -> wait: {when: "score < 8 && step < 12"}
- [a, [b, {c: -1, d: 0x1F}], 1.5e3, true, +7]
- - x
  - y: 1
    z: a:b -c #no
- wait -> END
)y",
    "a: |\n  Say: 'hi' # no comment\n    {{deeper}}\n\n  end\n\nb:\n  c: |- # one\n    x\n\n"
    "    - y\n  # after\n  d: e\n",
    "- |\n  a\n-   |-\n  b\n   c\n- d: |\n    e\n  f: |\n   g\n",
    "- a\n- b: 1\n  c:\n  - 1\n  - 2\n  d:\n    e: f\n-\n  g: h\n",
    "text\n",
    "{a: 1}",
    "a: http://x/y?z#w\nb: -x\nc: x-y\nd: 'x: y'\ne: 12:30\nf: [x y, z]\n# end\n",
};

/// What is read quickly is what is read slowly, lines too.
void compare(const std::string& text) {
  const auto plain = parse_plain(text);
  if (!plain) return;
  const auto any = parse_any(text);
  REQUIRE_MESSAGE(any.ok(), text << "\n" << any.error().message());
  CHECK_MESSAGE(plain->value == any->value, text);
  CHECK_MESSAGE(plain->lines == any->lines, text);
}

}  // namespace

TEST_CASE("YAML that people write is read quickly, and as yaml-cpp reads it") {
  for (const std::string& text : texts) {
    CHECK_MESSAGE(parse_plain(text).has_value(), text);
    compare(text);
  }
}

TEST_CASE("what is rare or wrong is left to yaml-cpp") {
  for (const char* text : {"",
                           "# nothing",
                           "a: &x 1\nb: *x",
                           "a: !!str 1",
                           "a: |\n  b",
                           "a: |\n\n  b\n",
                           "a: |2\n   b\n",
                           "a: |+\n  b\n",
                           "a: |\nb: 1\n",
                           "a: |\n  b\n c\n",
                           "a: |\n",
                           "? a\n: b",
                           "a: b\n  c",
                           "a: b: c",
                           "a: 1\n---\nb: 2",
                           "a:\tb",
                           "a: [b",
                           "a: {b: c",
                           "a: \"b\\u0041\"",
                           "a: 'b\nc'",
                           "- a\nb: c",
                           "a: 1\n b: 2",
                           "a: [b\n]",
                           "a: {b: c,}",
                           "a : 1",
                           "[a, b]: 1",
                           "a: 1\r\n",
                           "a: \xff",
                           "%YAML 1.2\n---\na: 1",
                           "a: @b",
                           "null: 1",
                           "a: 1\na: 2",
                           "- - -",
                           ",}",
                           "a: {b: c}: d",
                           "{a? b}",
                           "a: >\n b\n"})
    CHECK_MESSAGE(!parse_plain(text), text);
}

TEST_CASE("no damage to a text makes the two readers differ") {
  SeededRandom random(7);
  const char* more = std::getenv("SLIPWAY_FUZZ");
  const int rounds = 4000 * (more == nullptr ? 1 : std::max(1, std::atoi(more)));
  constexpr std::string_view signs = "{}[]:,->&'\"x \n#|?!%@`*~\\1";
  for (int round = 0; round < rounds; ++round) {
    std::string text = texts[random.next() % std::size(texts)];
    for (std::uint64_t i = random.next() % 3 + 1; i > 0; --i) {
      const std::size_t at = random.next() % text.size();
      switch (random.next() % 4) {
        case 0: text.erase(at, random.next() % 4); break;
        case 1: text[at] = signs[random.next() % signs.size()]; break;
        case 2: text.insert(at, 1, signs[random.next() % signs.size()]); break;
        default: text.insert(at, text.substr(random.next() % text.size(), random.next() % 12));
      }
      if (text.empty()) text = "a";
    }
    compare(text);
  }
}
