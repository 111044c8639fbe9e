#include "eval/golden_files.hpp"

#include <doctest/doctest.h>

#include <set>

#include "core/clock.hpp"

namespace slipway::eval {

namespace {

std::string error_of(std::string_view text, std::string_view name = "x.jsonl") {
  const auto file = read_goldens(text, name);
  return file ? "none" : file.error().message();
}

GoldenFile must_read(std::string_view text, std::string_view name,
                     std::optional<GoldenFormat> format = {}) {
  auto file = read_goldens(text, name, format);
  if (!file) FAIL(file.error().message());
  return *std::move(file);
}

/// Goldens with every member there or not, and texts that formats like to stumble over.
class Invention {
 public:
  explicit Invention(std::uint64_t seed) : random_(seed) {}

  Golden golden() {
    Golden one;
    one.input = text();
    if (flip()) one.expected_output = text();
    if (flip()) one.actual_output = text();
    if (flip()) one.context = texts();
    if (flip()) one.retrieval_context = texts();
    if (flip()) one.retrieved_ids = texts();
    if (flip()) one.tools_called = tools();
    if (flip()) one.expected_tools = tools();
    if (flip()) one.latency_ms = static_cast<double>(below(100'000)) / 8;
    if (flip()) one.cost_usd = static_cast<double>(below(1000)) / 7;
    if (flip()) one.trace_id = text();
    if (flip())
      for (std::size_t i = below(3) + 1; i > 0; --i)
        one.relevance.emplace(one.relevance.value_or(std::map<std::string, double>()))[text()] =
            static_cast<double>(below(4));
    if (flip()) one.relevance.emplace();
    for (std::size_t i = below(4); i > 0; --i) one.metadata[key()] = value(0);
    if (flip()) one.id = "id " + std::to_string(below(1u << 30)) + text();
    identify(one);
    return one;
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_.next() % limit); }
  bool flip() { return below(2) == 0; }
  std::string text() {
    static const std::vector<std::string> pieces{"",           "what is it?",
                                                 "a|b",        "a;b",
                                                 "\"quoted\"", "line\r\nbreak",
                                                 "[\"x\"]",    "{\"a\":1}",
                                                 ",",          " space ",
                                                 "3",          "null",
                                                 "base",       "\xC3\xA4\xF0\x9F\x98\x80",
                                                 "[1, 2]",     "'",
                                                 "\\",         "[]",
                                                 "x\ry",       "\t",
                                                 "|",          "{'a': 'b'}"};
    std::string out = pieces[below(pieces.size())];
    if (flip()) out += pieces[below(pieces.size())];
    return out;
  }
  std::string key() {
    static const std::vector<std::string> keys{
        "document", "severity", "slipway",    "metadata",           "name",
        "comments", "inputs",   "outputs",    "trace_id",           "source_file",
        "id",       "question", "response",   "dataset_split",      "split",
        "x y",      "answers",  "user_input", "additional_metadata"};
    return keys[below(keys.size())];
  }
  std::vector<std::string> texts() {
    std::vector<std::string> all;
    for (std::size_t i = below(4); i > 0; --i) all.push_back(text());
    return all;
  }
  json::Value value(int depth) {
    switch (below(depth > 2 ? 5 : 7)) {
      case 0: return json::Value(text());
      case 1: return json::Value(static_cast<std::int64_t>(below(1000)));
      case 2: return json::Value(static_cast<double>(below(1000)) / 3);
      case 3: return json::Value(flip());
      case 4: return json::Value();
      case 5: {
        json::Array items;
        for (std::size_t i = below(3); i > 0; --i) items.push_back(value(depth + 1));
        return items;
      }
      default: {
        json::Object object;
        for (std::size_t i = below(3); i > 0; --i) object[key()] = value(depth + 1);
        return object;
      }
    }
  }
  std::vector<ToolCall> tools() {
    std::vector<ToolCall> all;
    for (std::size_t i = below(3); i > 0; --i) {
      ToolCall& tool = all.emplace_back();
      tool.name = "t" + text();
      if (flip()) tool.input_parameters = json::Object{{key(), value(1)}};
      if (flip()) tool.output = json::Value(text());
      if (flip()) tool.type = "FUNCTION";
    }
    return all;
  }

  SeededRandom random_;
};

}  // namespace

TEST_CASE("what is written in any format and layout is read as the same goldens") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Invention invention(seed);
    std::vector<Golden> goldens;
    std::set<std::string> ids;
    for (int i = 0; i < 8; ++i)
      if (Golden one = invention.golden(); ids.insert(one.id).second)
        goldens.push_back(std::move(one));
    for (const auto format : {GoldenFormat::native, GoldenFormat::deepeval, GoldenFormat::ragas,
                              GoldenFormat::langsmith})
      for (const auto layout : {GoldenLayout::jsonl, GoldenLayout::json, GoldenLayout::csv}) {
        CAPTURE(seed);
        CAPTURE(json::name(format));
        CAPTURE(json::name(layout));
        const auto text = write_goldens(goldens, format, layout);
        REQUIRE(text);
        CAPTURE(*text);
        const GoldenFile back = must_read(*text, fmt::format("x.{}", json::name(layout)), format);
        REQUIRE(back.goldens.size() == goldens.size());
        for (std::size_t i = 0; i < goldens.size(); ++i) {
          REQUIRE(canonical(back.goldens[i]) == canonical(goldens[i]));
          REQUIRE(back.goldens[i].id == goldens[i].id);
        }
        REQUIRE(version_of(back.goldens) == version_of(goldens));
      }
  }
}

TEST_CASE("what other tools write is recognized by its members") {
  const auto format = [](std::string_view text, std::string_view name) {
    return must_read(text, name).format;
  };
  const Golden golden{.id = "", .input = "why?", .expected_output = "because"};
  for (const auto one :
       {GoldenFormat::native, GoldenFormat::deepeval, GoldenFormat::ragas, GoldenFormat::langsmith})
    for (const auto layout : {GoldenLayout::jsonl, GoldenLayout::json, GoldenLayout::csv}) {
      const std::string text = *write_goldens({golden}, one, layout);
      CHECK(format(text, fmt::format("x.{}", json::name(layout))) == one);
    }
  CHECK(format("tests:\n- vars:\n    question: why?\n", "promptfooconfig.yaml") ==
        GoldenFormat::promptfoo);
  CHECK(format(R"({"version":"1","data":[]})", "dev.json") == GoldenFormat::squad);
  CHECK(error_of(R"({"foo":1})").starts_with("line 1: neither a golden"));
}

TEST_CASE("a table of goldens has lists, tools and columns of its own") {
  const GoldenFile file = must_read(
      "input,expected_output,context,tools_called,relevance,latency_ms,slice,metadata\r\n"
      "\"a, b?\",yes,one|two,search; "
      "look_up,a.md|b.md,12.5,hard,\"{\"\"document\"\":\"\"d\"\"}\"\r\n"
      "c?,,,\"[{\"\"name\"\":\"\"f\"\",\"\"input_parameters\"\":{\"\"q\"\":1}}]\","
      "\"{\"\"a.md\"\":2}\",,,\r\n",
      "g.csv");
  REQUIRE(file.goldens.size() == 2);
  const Golden& one = file.goldens[0];
  CHECK(one.input == "a, b?");
  CHECK(one.context == std::vector<std::string>{"one", "two"});
  REQUIRE(one.tools_called->size() == 2);
  CHECK((*one.tools_called)[1].name == "look_up");
  CHECK(one.relevance == std::map<std::string, double>{{"a.md", 1}, {"b.md", 1}});
  CHECK(one.latency_ms == 12.5);
  CHECK(one.metadata_text("slice") == "hard");
  CHECK(one.metadata_text("document") == "d");
  const Golden& two = file.goldens[1];
  CHECK_FALSE(two.expected_output);
  CHECK_FALSE(two.context);
  CHECK((*two.tools_called)[0].input_parameters == json::Value(json::Object{{"q", 1}}));
  CHECK(two.relevance->at("a.md") == 2);
}

TEST_CASE("what is wrong is told with line and column") {
  CHECK(error_of("input,latency_ms\na,fast\n", "g.csv") ==
        "line 2, column 3 (latency_ms): expected a number, got 'fast'");
  CHECK(error_of("input,latency_ms\na,1\nb,-1\n", "g.csv")
            .starts_with("line 3, column 3 (latency_ms): $.latency_ms: -1 is negative"));
  CHECK(error_of("input,metadata\na,{x\n", "g.csv").starts_with("line 2, column 3 (metadata)"));
  CHECK(error_of("input,id\na,1\nb,1\n", "g.csv").starts_with("line 3: id '1' is that of line 2"));
  CHECK(error_of("{\"input\":\"a\"}\n{\"input\":}\n").find("at line 2, column") !=
        std::string::npos);
  CHECK(error_of("{\"input\":\"a\"}\n\n{\"input\":\"b\",\"contxt\":[]}\n")
            .starts_with("line 3: $.contxt: unknown key"));
  CHECK(error_of("{\"input\":\"a\"}\n[1]\n") == "line 2: an object is wanted, got an array");
  CHECK(error_of("[{\"input\":\"a\"},3]", "g.json") == "$[1]: an object is wanted, got a number");
  CHECK(error_of("\xFF\xFE").find("UTF-8") != std::string::npos);
}

TEST_CASE("records that say the same are one golden, and that is told") {
  const GoldenFile file = must_read("{\"input\":\"a\"}\n{\"input\":\"a\"}\n", "g.jsonl");
  CHECK(file.goldens.size() == 1);
  CHECK(file.notes == std::vector<std::string>{"line 2 repeats line 1"});
}

TEST_CASE("deepeval's lines, tools and notes become a golden") {
  const GoldenFile file = must_read(
      R"({"input":"q","actual_output":null,"expected_output":"e","retrieval_context":"one|two",)"
      R"("context":null,"name":"n","comments":null,"source_file":"a.md","tools_called":)"
      R"([{"name":"f","description":"does f","inputParameters":{"x":1}}],"token_cost":0.5,)"
      R"("additional_metadata":{"slice":"s"}})",
      "g.jsonl");
  CHECK(file.format == GoldenFormat::deepeval);
  const Golden& one = file.goldens.at(0);
  CHECK(one.retrieval_context == std::vector<std::string>{"one", "two"});
  CHECK(one.cost_usd == 0.5);
  CHECK((*one.tools_called)[0].input_parameters == json::Value(json::Object{{"x", 1}}));
  CHECK(one.metadata_text("source_file") == "a.md");
  CHECK(one.metadata_text("slice") == "s");
  CHECK(one.metadata_text("tools_called_notes") == R"({"0":{"description":"does f"}})");
}

TEST_CASE("RAGAS samples of one and of several turns, of this and of older versions, are read") {
  const GoldenFile file = must_read(
      R"([{"user_input":[{"type":"human","content":"hi"},{"type":"ai","content":"yes?"},)"
      R"({"type":"human","content":"how?"}],"reference":"so","reference_context_ids":[7,"b"]},)"
      R"({"user_input":"q","response":"r",)"
      R"("retrieved_contexts":["c"],"retrieved_context_ids":["b"]}])",
      "g.json");
  CHECK(file.goldens.at(0).input == "how?");
  CHECK(file.goldens[0].relevance == std::map<std::string, double>{{"7", 1}, {"b", 1}});
  CHECK(file.goldens[1].actual_output == "r");
  CHECK(file.goldens[1].retrieved_ids == std::vector<std::string>{"b"});
  const GoldenFile old = must_read(
      "question,answer,contexts,ground_truth\nq,a,\"['one', \"\"it's\"\"]\",g\n", "old.csv");
  CHECK(old.format == GoldenFormat::ragas);
  CHECK(old.goldens.at(0).retrieval_context == std::vector<std::string>{"one", "it's"});
}

TEST_CASE("LangSmith's examples keep inputs and outputs that are more than one text") {
  const std::string line =
      R"({"id":"0d0f9c1e-5a1c-4c1e-9d52-6a8f4c6d0001","inputs":{"question":"why?","lang":"en"},)"
      R"("outputs":{"answer":"so"},"metadata":{"dataset_split":["base"],"k":1},"split":"test"})";
  const GoldenFile file = must_read(line, "g.jsonl");
  const Golden& one = file.goldens.at(0);
  CHECK(one.input == "why?");
  CHECK(one.expected_output == "so");
  CHECK(one.id == "0d0f9c1e-5a1c-4c1e-9d52-6a8f4c6d0001");
  CHECK(one.metadata_text("dataset_split") == R"(["test"])");
  const std::string text =
      *write_goldens(file.goldens, GoldenFormat::langsmith, GoldenLayout::jsonl);
  const json::Value back = *json::parse(text);
  CHECK(json::dump(back.at("inputs")) == R"({"question":"why?","lang":"en"})");
  CHECK(json::dump(back.at("outputs")) == R"({"answer":"so"})");
}

TEST_CASE("promptfoo's tests become goldens: variables, lists of them, assertions") {
  const GoldenFile file = must_read(
      "description: d\n"
      "defaultTest:\n"
      "  vars: {lang: en}\n"
      "tests:\n"
      "- description: first\n"
      "  vars:\n"
      "    question: [\"why?\", how]\n"
      "    context: because it is\n"
      "  assert:\n"
      "  - {type: llm-rubric, value: is polite}\n"
      "  - {type: equals, value: so}\n",
      "promptfooconfig.yaml");
  REQUIRE(file.goldens.size() == 2);
  CHECK(file.goldens[0].input == "why?");
  CHECK(file.goldens[1].input == "how");
  CHECK(file.goldens[0].expected_output == "so");
  CHECK(file.goldens[0].retrieval_context == std::vector<std::string>{"because it is"});
  CHECK(file.goldens[0].metadata_text("description") == "first");
  CHECK(file.goldens[0].metadata_text("vars") == R"({"lang":"en","question":"why?"})");
  CHECK(error_of("tests: other.yaml\n", "p.yaml").find("$.tests") != std::string::npos);
}

TEST_CASE("SQuAD's questions have their context, and the answer's place in bytes") {
  const GoldenFile file =
      must_read(R"({"data":[{"title":"T","paragraphs":[{"context":"Ää dog barks.","qas":[)"
                R"({"id":"1","question":"who?","answers":[{"text":"dog","answer_start":3},)"
                R"({"text":"a dog","answer_start":99}]},)"
                R"({"id":"2","question":"cat?","answers":[],"is_impossible":true}]}]}]})",
                "dev.json");
  REQUIRE(file.goldens.size() == 2);
  CHECK(file.goldens[0].expected_output == "dog");
  CHECK(file.goldens[0].metadata_text("document") == "T");
  CHECK(file.goldens[0].metadata_text("answer_span") == R"({"start":5,"end":8})");
  CHECK(file.goldens[0].metadata_text("answers") == R"(["dog","a dog"])");
  CHECK(file.goldens[1].metadata_text("is_impossible") == "true");
  CHECK(error_of(R"({"data":[{"paragraphs":[{"qas":[{}]}]}]})", "d.json") ==
        "data[0]: paragraphs[0]: qas[0]: $.question: a string is wanted");
}

TEST_CASE("bytes that are no goldens give an error and nothing else") {
  SeededRandom random(3);
  const std::string alphabet = "{}[]\",:|\n\r'inputa0 \\";
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (std::size_t k = random.next() % 40; k > 0; --k)
      text += alphabet[random.next() % alphabet.size()];
    for (const char* name : {"x.jsonl", "x.json", "x.csv", "x.yaml", "x"})
      (void)read_goldens(text, name);
  }
}

}  // namespace slipway::eval
