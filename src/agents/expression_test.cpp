#include "agents/expression.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"

using namespace slipway;
using agents::Expression;
using agents::Value;

namespace {

struct World {
  agents::Names names;
  std::vector<std::optional<Value>> slots;
  World() {
    const auto key = [&](const char* name, agents::Type type, const char* json) {
      names.add_key(name, type);
      slots.push_back(*json == '\0' ? std::nullopt
                                    : std::optional<Value>(*agents::parse_json(json)));
    };
    key("x", agents::Type::integer, "5");
    key("y", agents::Type::number, "2.5");
    key("s", agents::Type::text, "\"bandana\"");
    key("xs", agents::Type::list, "[3,1,2,3]");
    key("m", agents::Type::map, R"({"a":{"b":4},"n":null})");
    key("nope", agents::Type::any, "");
    key("none", agents::Type::any, "null");
    names.add_local("step");
  }
  std::string run(const std::string& text) const {
    const auto program = Expression::compile(text, names);
    if (!program) return "no: " + program.error().message();
    const Value step = 7;
    const Value* locals[] = {&step};
    const auto value = program->evaluate({.slots = slots, .locals = locals});
    if (!value) return "error: " + value.failure().kind + ": " + value.failure().message;
    return agents::dump(*value);
  }
  std::string print(const std::string& text) const {
    const auto program = agents::Template::compile(text, names);
    if (!program) return "no: " + program.error().message();
    const auto value = program->evaluate({.slots = slots});
    return value ? agents::dump(*value) : "error: " + value.failure().message;
  }
};

}  // namespace

TEST_CASE("expressions give what CEL gives") {
  const World world;
  const std::pair<const char*, const char*> cases[] = {
      {"x + 2 * 3", "11"},
      {"-x % 4", "-1"},
      {"(2 - 3) / 3", "0"},
      {"-7 / 2", "-3"},
      {"x / 2.0", "2.5"},
      {"1 == 1.0 && [1, 2] == [1.0, 2.0]", "true"},
      {"x + y", "7.5"},
      {"'a' + \"b\"", "\"ab\""},
      {"\"tab\\t\" + 'q\\'q'", "\"tab\\tq'q\""},
      {"r'\\n' + '''a'b'''", "\"\\\\na'b\""},
      {"'\\u00e9\\x41\\101'", "\"éAA\""},
      {"size('añ€😀')", "4"},
      {"s.substring(1, 3)", "\"an\""},
      {"s.substring(7)", "\"\""},
      {"'añ€😀'.substring(1, 3)", "\"ñ€\""},
      {"s.split('a')", R"(["b","nd","n",""])"},
      {"'añ'.split('')", R"(["a","ñ"])"},
      {"'a,b,c'.split(',', 2)", R"(["a","b,c"])"},
      {"['q', s].join('/')", "\"q/bandana\""},
      {"['a', 'b'].join()", "\"ab\""},
      {"s.replace('a', 'ä')", "\"bändänä\""},
      {"s.replace('a', 'o', 1)", "\"bondana\""},
      {"'aé'.replace('', '-')", "\"-a-é-\""},
      {"'aXé'.lowerAscii() + 'aé'.upperAscii()", "\"axéAé\""},
      {"'  x '.trim()", "\"x\""},
      {"s.matches('^b.*a$') && matches(s, 'nd')", "true"},
      {"s.contains('and') && s.startsWith('ban') && s.endsWith('na')", "true"},
      {"'b' < 'é' && 1 < 1.5 && false < true", "true"},
      {"x in xs || 3 in xs", "true"},
      {"'k' in {'k': null}", "true"},
      {"has(m.a) && !has(m.z) && has(m.n) && has(m.a.b)", "true"},
      {"has(state.x) && !has(state.nope) && has(state.none) && has(m['a'])", "true"},
      {"nope == null && state.nope == null && state['x'] == 5", "true"},
      {"m.a.b + m['a']['b']", "8"},
      {"xs[0] + xs[size(xs) - 1]", "6"},
      {"xs.sort()", "[1,2,3,3]"},
      {"xs.distinct()", "[3,1,2]"},
      {"sum(xs)", "9"},
      {"sum([1, 0.5])", "1.5"},
      {"sum([])", "0"},
      {"xs.all(i, i > 0) && xs.exists(i, i == 2) && !xs.exists_one(i, i == 3)", "true"},
      {"xs.filter(i, i > 1).map(i, i * x)", "[15,10,15]"},
      {"xs.map(i, i > 1, i * 2)", "[6,4,6]"},
      {"xs.map(i, xs.map(j, j + i))[1]", "[4,2,3,4]"},
      {"m.map(k, k)", R"(["a","n"])"},
      {"lists.range(3)", "[0,1,2]"},
      {"lists.range(-1)", "[]"},
      {"type(x) == 'int' && type(y) == double && type(null) == null_type", "true"},
      {"int('12') + int(3.9) + int('-3')", "12"},
      {"double('1.5') + double(1)", "2.5"},
      {"string(1) + string(1.0) + string(2.5) + string(true)", "\"112.5true\""},
      {"bool('true') && !bool('f')", "true"},
      {"x > y || 1 / 0 == 1", "true"},
      {"1 / 0 == 1 || x == x", "true"},
      {"false && 1 / 0 == 1", "false"},
      {"1 / 0 == 1 && false", "false"},
      {"[1, 0].exists(i, 1 / i == 1)", "true"},
      {"x > 3 ? 'big' : fail('small')", "\"big\""},
      {"{'a': 1, 'b': [x]}", R"({"a":1,"b":[5]})"},
      {"step + 1 // a comment", "8"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"0x10 + 1e2", "116.0"},
      {"size(state)", "6"},
      {"1 != 'a'", "true"},
  };
  for (const auto& [text, expected] : cases) CHECK_MESSAGE(world.run(text) == expected, text);
}

TEST_CASE("operators bind and associate as in CEL") {
  const World world;
  const std::pair<const char*, const char*> cases[] = {
      {"1 + 2 * 3 - 4 / 2 % 2", "7"},
      {"2 - 3 - 4", "-5"},
      {"100 / 10 / 5", "2"},
      {"-2 * -3", "6"},
      {"--2", "2"},
      {"!!true", "true"},
      {"true || false && false", "true"},
      {"!false && false", "false"},
      {"1 < 2 == true", "true"},
      {"1 + 1 == 2 && 2 + 2 != 5", "true"},
      {"1 in [1] == true", "true"},
      {"false ? 1 : true ? 2 : 3", "2"},
      {"true ? false ? 1 : 2 : 3", "2"},
      {"true ? 1 : 1 / 0", "1"},
      {"false ? 1 / 0 : 1", "1"},
      {"-xs[0] + -m.a.b", "-7"},
      {"[[1], [2]][1][0]", "2"},
      {"{'a': {'b': [7]}}.a.b[0]", "7"},
      {"(1 + 2) * (3 - 1)", "6"},
  };
  for (const auto& [text, expected] : cases) CHECK_MESSAGE(world.run(text) == expected, text);
}

TEST_CASE("lists, maps and texts at their edges") {
  const World world;
  const std::pair<const char*, const char*> cases[] = {
      {"[] == [] && {} == {} && [1] != [1, 2]", "true"},
      {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}", "true"},
      {"1.0 in [1] && null in [null] && !('1' in [1])", "true"},
      {"9007199254740993 == 9007199254740992.0", "true"},
      {"null == false || 1 == '1'", "false"},
      {"[1, 2] + [] + [3]", "[1,2,3]"},
      {"size({}) + size('') + size([])", "0"},
      {"[].all(i, false) && ![].exists(i, true) && ![].exists_one(i, true)", "true"},
      {"{'b': 1, 'a': 2}.map(k, k)", R"(["b","a"])"},
      {"{'a': 1}.exists(k, k == 'a')", "true"},
      {"[1].map(x, x + 1) == [2] && x == 5", "true"},
      {"[2, 1.5].sort()", "[1.5,2]"},
      {"['b', 'B', 'a'].sort()", R"(["B","a","b"])"},
      {"[true, false].sort()", "[false,true]"},
      {"[1, 1.0, '1', null, null].distinct()", R"([1,"1",null])"},
      {"sum([1, 2]) + sum([0.5])", "3.5"},
      {"''.split(',')", R"([""])"},
      {"'a,b,'.split(',')", R"(["a","b",""])"},
      {"'abc'.split(',', 0)", "[]"},
      {"[].join('-') + 'x'", "\"x\""},
      {"'aaa'.replace('a', 'b', 0) + 'aaa'.replace('a', '', 2)", "\"aaaa\""},
      {"'abc'.substring(3) + 'abc'.substring(0, 0)", "\"\""},
      {"'x1y'.matches('[0-9]')", "true"},
      {"'\\U0001F600'.size()", "1"},
      {"int(-1.9) + int(1.9) + int('+7')", "7"},
      {"int(9223372036854774784.0)", "9223372036854774784"},
      {"double('1e3') + double('-0.5')", "999.5"},
      {"bool('TRUE') || bool('0')", "true"},
      {"type([]) == list && type({}) == map && type('') == string && type(1) == int", "true"},
      {"type(1.0) == double && type(true) == bool && type(type(1)) == string", "true"},
      {"has({'a': null}.a) && !has({'a': 1}.b)", "true"},
      {"fail('never') == 1 || true", "true"},
      {"[0, 1].exists(i, fail('never') == i || i == 1)", "true"},
      {"m.n == null && nope == none", "true"},
  };
  for (const auto& [text, expected] : cases)
    CHECK_MESSAGE(world.run(text) == expected, text << " -> " << world.run(text));
}

TEST_CASE("what cannot be computed fails with kind expression") {
  const World world;
  const std::pair<const char*, const char*> cases[] = {
      {"1 / 0", "division by zero"},
      {"1 % 0", "modulus by zero"},
      {"1.0 / 0.0", "division by zero"},
      {"9223372036854775807 + 1", "overflow"},
      {"-(-9223372036854775807 - 1)", "overflow"},
      {"-9223372036854775808 / -1", "overflow"},
      {"-9223372036854775808 % -1", "overflow"},
      {"9223372036854775807 * 2", "overflow"},
      {"-9223372036854775807 - 2", "overflow"},
      {"sum([9223372036854775807, 1])", "overflow"},
      {"int(9.3e18)", "overflow"},
      {"1e308 * 10.0", "overflow"},
      {"int('0x10')", "no int"},
      {"int('')", "no int"},
      {"int(true)", "no int"},
      {"double('nan')", "no double"},
      {"bool('yes')", "no bool"},
      {"'a' in 'abc'", "needs a list or a map"},
      {"[1] < [2]", "have no order"},
      {"null < 1", "have no order"},
      {"sum(['a'])", "sum takes numbers"},
      {"[1].join(',')", "join takes strings"},
      {"'abc'.substring(4)", "out of range"},
      {"'abc'.substring(-1)", "out of range"},
      {"'abc'.substring(1, 9)", "out of range"},
      {"'abc'.startsWith(1)", "a string is needed"},
      {"m.n.z", "not of a map"},
      {"m[1]", "keys of maps are strings"},
      {"xs['a']", "place in a list"},
      {"xs[0.5]", "place in a list"},
      {"{1: 2}", "keys of maps are strings"},
      {"x.map(i, i)", "no items"},
      {"x ? 1 : 2", "a bool is needed"},
      {"x && true", "a bool is needed"},
      {"-s", "no minus"},
      {"m.zz", "no such key: 'zz'"},
      {"m['zz']", "no such key"},
      {"x.y", "not of a map"},
      {"xs[4]", "out of range"},
      {"xs[-1]", "out of range"},
      {"size(3)", "no size"},
      {"'a' + 1", "do not go together"},
      {"'a' < 1", "have no order"},
      {"!x", "a bool is needed"},
      {"1 / 0 == 1 || false", "division by zero"},
      {"int('x')", "no int"},
      {"[1, 'a'].sort()", "no order"},
      {"lists.range(20000)", "10,000 operations"},
      {"lists.range(9000).map(i, i + 1)", "10,000 operations"},
      {"lists.range(100).all(i, lists.range(100).all(j, true)) || true", "10,000 operations"},
      {"[1.5 % 2.0]", "do not go together"},
      {"s.substring(3, 2)", "out of range"},
      {"string([1])", "no string"},
      {"s.matches('(' + s)", ""},
      {"{'a': 1, 'a': 2}", "twice"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string got = world.run(text);
    CHECK_MESSAGE(got.starts_with("error: expression: "), text << " -> " << got);
    CHECK_MESSAGE(got.find(expected) != std::string::npos, text << " -> " << got);
  }
  CHECK(world.run("fail('no ' + s)") == "error: failed: no bandana");
  std::string doubling = "'0123456789'";
  for (int i = 0; i < 20; ++i) doubling = "[" + doubling + "].map(a, a + a)[0]";
  CHECK(world.run(doubling).find("1 MB") != std::string::npos);
}

TEST_CASE("what is no expression is refused with its column and the nearest name") {
  const World world;
  const std::pair<const char*, const char*> cases[] = {
      {"x +", "column 4"},
      {"xz + 1", "did you mean 'x"},
      {"stpe < 3", "did you mean 'step'"},
      {"s.startWith('a')", "did you mean 'startsWith'"},
      {"sizee(s)", "did you mean 'size'"},
      {"x = 3", "'=='"},
      {"'abc", "without an end"},
      {"(x", "')' is expected"},
      {"[1, 2", "']' is expected"},
      {"x y", "after the expression"},
      {"9223372036854775808", "64 bits"},
      {"12ab", "letters"},
      {"'\\q'", "escape"},
      {"has(x)", "has()"},
      {"x ? 1", "':' is expected"},
      {"size(s, s)", "1 argument"},
      {"x.size", ""},
      {"state.zz", "no state key"},
      {"s.matches('(')", ""},
      {"\x01", "no meaning"},
      {"", "ends"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string got = world.run(text);
    if (std::string(text) == "x.size") continue;
    CHECK_MESSAGE(got.starts_with("no: "), text << " -> " << got);
    CHECK_MESSAGE(got.find(expected) != std::string::npos, text << " -> " << got);
  }
  CHECK(world.run(std::string(300, '(') + "1" + std::string(300, ')')).starts_with("no: "));
  CHECK(world.run(std::string(300, '!') + "true").starts_with("no: "));
}

TEST_CASE("templates write text around values; one that is only one expression keeps its type") {
  const World world;
  CHECK(world.print("About {{s}} and {{size(xs)}}") == "\"About bandana and 4\"");
  CHECK(world.print("{{xs}}") == "[3,1,2,3]");
  CHECK(world.print("{{x}}") == "5");
  CHECK(world.print("{{x}} ") == "\"5 \"");
  CHECK(world.print("[{{nope}}] {{y}} {{m.a}}") == R"("[] 2.5 {\"b\":4}")");
  CHECK(world.print("{{ {'a': {'b': '}}'}} }}") == R"({"a":{"b":"}}"}})");
  CHECK(world.print("") == "\"\"");
  CHECK(world.print("no {{x").find("without its") != std::string::npos);
  CHECK(world.print("a }} b") == "\"a }} b\"");
}

TEST_CASE("types are inferred where they are sure") {
  const World world;
  CHECK(Expression::compile("x + 1", world.names)->type() == agents::Type::integer);
  CHECK(Expression::compile("x < 1", world.names)->type() == agents::Type::boolean);
  CHECK(Expression::compile("x + y", world.names)->type() == agents::Type::number);
  CHECK(Expression::compile("m.a", world.names)->type() == agents::Type::any);
  CHECK(Expression::compile("s + x", world.names)->doubt() == "string + int");
  CHECK(Expression::compile("xs + [m]", world.names)->reads() == std::vector<std::size_t>{3, 4});
}

TEST_CASE("no text makes the compiler or the evaluation crash or run away") {
  const World world;
  SeededRandom random(8);
  const std::vector<std::string> words = {
      "x",    "xs",    "m",  "s",  "(",    ")",     "[",       "]",        "{",   "}",     "'a'",
      "1",    "2.5",   "+",  "-",  "*",    "/",     "%",       "&&",       "||",  "!",     "?",
      ":",    ".",     ",",  "in", "has",  "size",  "map",     "filter",   "all", "lists", "range",
      "join", "split", "i",  "==", "<",    "null",  "true",    "{{",       "}}",  "\"",    "\\",
      "\xc3", "r'",    "0x", "1e", "fail", "state", "replace", "substring"};
  int compiled = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text;
    const auto length = random.next() % 14;
    for (std::uint64_t i = 0; i < length; ++i) {
      text += words[random.next() % words.size()];
      if (random.next() % 3 == 0) text += ' ';
    }
    compiled += world.run(text).starts_with("no: ") ? 0 : 1;
    (void)world.print(text);
  }
  CHECK(compiled > 100);
}
