#include "prompts/template.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"

namespace slipway::prompts {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

Template of(const std::string& text) { return must(read_template(must(json::parse(text)))); }

std::string rendered(const std::string& text, const std::string& variables) {
  const auto messages = render(of(text), must(json::parse(variables)).as_object());
  if (!messages) return "refused: " + messages.error().message();
  std::string out;
  for (const json::Value& one : *messages)
    out += (out.empty() ? "" : "|") + std::string(one.at("content").as_string());
  return out;
}

std::string quoted(const std::string& text) { return json::dump(json::Value(text)); }

}  // namespace

TEST_CASE("variables of an f-string stand where their names are, doubled braces are braces") {
  CHECK(rendered(R"({"text": "Hi {name}, {{\"a\": {n}}}"})", R"({"name": "Ann", "n": 3})") ==
        R"(Hi Ann, {"a": 3})");
  CHECK(rendered(R"({"text": "Hi { name }"})", R"({"name": "<b>"})") == "Hi <b>");
}

TEST_CASE("a variable that is missing and one that is not there are told apart, with all names") {
  const std::string prompt = R"({"messages": [{"role": "system", "content": "You are {role}."},
                                              {"role": "user", "content": "{question}"}]})";
  CHECK(rendered(prompt, R"({"role": "kind"})") ==
        "refused: variable 'question' is missing; this prompt has: role, question");
  CHECK(rendered(prompt, R"({"role": "kind", "question": "?", "rolle": 1})") ==
        "refused: variable 'rolle' is not in this prompt; it has: role, question");
  CHECK(rendered(prompt, R"({"role": "kind", "question": "Why?"})") == "You are kind.|Why?");
}

TEST_CASE("mustache has sections, their contrary, dotted names, and takes lines of tags away") {
  const std::string prompt = "{\"syntax\": \"mustache\", \"text\": " +
                             quoted(
                                 "{{#docs}}\n- {{title}} by "
                                 "{{author.name}}\n{{/docs}}\n{{^docs}}nothing{{/docs}}{{! x }}") +
                             "}";
  CHECK(rendered(prompt, R"({"docs": [{"title": "A", "author": {"name": "x"}},
                                      {"title": "B", "author": {"name": "y"}}]})") ==
        "- A by x\n- B by y\n");
  CHECK(rendered(prompt, R"({"docs": []})") == "nothing");
  CHECK(rendered(R"({"syntax": "mustache", "text": "{{{a}}} {{&a}} {{a}}"})", R"({"a": "<&>"})") ==
        "<&> <&> <&>");
  CHECK(rendered(R"({"syntax": "mustache", "text": "{{#l}}[{{.}}]{{/l}}"})",
                 R"({"l": [1, "b"]})") == "[1][b]");
}

TEST_CASE("what is not closed or no name is refused with its place") {
  const auto refused = [](const std::string& text) {
    const auto read = read_template(must(json::parse(text)));
    return read ? std::string("taken") : read.error().message();
  };
  CHECK(refused(R"({"text": "a {b"})").find("character 3: '{' is not closed") != std::string::npos);
  CHECK(refused(R"({"text": "a } b"})").find("'}' stands alone") != std::string::npos);
  CHECK(refused(R"({"text": "{a!r}"})").find("is no name of a variable") != std::string::npos);
  CHECK(refused(R"({"syntax": "mustache", "text": "{{#a}}x"})").find("'a' is not closed") !=
        std::string::npos);
  CHECK(refused(R"({"syntax": "mustache", "text": "{{/a}}"})").find("nothing is open") !=
        std::string::npos);
  CHECK(refused(R"({"messages": []})").find("one at least") != std::string::npos);
  CHECK(refused(R"({"text": "a", "messages": []})").find("either") != std::string::npos);
  CHECK(refused(R"({"messages": [{"role": "user"}]})").find("messages[0]: content") !=
        std::string::npos);
}

TEST_CASE("a placeholder takes a list of messages, or none where it is optional") {
  const std::string prompt = R"({"messages": [{"placeholder": "history", "optional": true},
                                              {"role": "user", "content": "{q}"}]})";
  CHECK(rendered(prompt, R"({"q": "now"})") == "now");
  CHECK(rendered(prompt, R"({"q": "now", "history": [{"role": "user", "content": "before"}]})") ==
        "before|now");
  CHECK(rendered(prompt, R"({"q": "now", "history": "x"})") ==
        "refused: variable 'history': a list of messages is wanted, got a string");
}

TEST_CASE("a prompt becomes LangChain's object and comes back from it as it was") {
  const Template written = of(R"({"messages": [
      {"role": "system", "content": "You are {role}."},
      {"placeholder": "history", "optional": true},
      {"role": "assistant", "content": "Yes?"}, {"role": "critic", "content": "{q}"}],
      "model": "gpt-4o", "parameters": {"temperature": 0.5}})");
  const json::Object manifest = manifest_of(written);
  CHECK(json::dump(template_json(must(template_of_manifest(manifest)))) ==
        json::dump(template_json(written)));
  const json::Value& first = manifest.at("kwargs").at("first");
  CHECK(json::dump(first.at("kwargs").at("input_variables")) == R"(["role","q"])");
}

TEST_CASE("LangChain's objects that hold no text are told, and kept from rendering only") {
  const auto refused = [](const std::string& text) {
    const auto read = template_of_manifest(must(json::parse(text)).as_object());
    return read ? std::string("taken") : read.error().message();
  };
  CHECK(refused(R"({"hi": 1})") == "Manifest must have an id field");
  CHECK(refused(R"({"id": ["hi"]})") == "Manifest type hi is not supported");
  CHECK(refused(R"({"id": ["x", "FewShotPromptTemplate"], "kwargs": {}})")
            .find("cannot be rendered here") != std::string::npos);
}

TEST_CASE("no text breaks the reader of templates") {
  const std::string signs = "{}#^/!&. a\n\"'";
  SeededRandom random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.next() % 24; i > 0; --i)
      text += signs[random.next() % signs.size()];
    Template written;
    written.syntax = round % 2 == 0 ? Syntax::fstring : Syntax::mustache;
    written.messages.push_back({.role = "user", .content = text});
    const auto variables = variables_of(written);
    if (!variables) continue;
    json::Object given;
    for (const Variable& one : *variables) given[one.name] = "v";
    CHECK(render(written, given).ok());
  }
}

}  // namespace slipway::prompts
