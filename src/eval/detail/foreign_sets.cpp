// Files that are one JSON value, of which several goldens come: promptfoo's and SQuAD's.
#include <algorithm>

#include "core/unicode.hpp"
#include "eval/detail/foreign_goldens.hpp"

namespace slipway::eval::detail {

namespace {

constexpr std::size_t combinations_max = 1'000;

const json::Object* object_at(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

/// Assertions whose value is what the answer should be, the plainest first.
constexpr std::string_view answer_assertions[] = {"equals", "factuality", "similar", "icontains",
                                                  "contains"};

std::optional<std::string> expected_of(const json::Array& assertions) {
  for (const std::string_view wanted : answer_assertions)
    for (const json::Value& one : assertions) {
      if (!one.is_object()) continue;
      const json::Value* type = one.get_object().if_contains("type");
      const json::Value* value = one.get_object().if_contains("value");
      if (type != nullptr && value != nullptr && type->is_string() && value->is_string() &&
          type->get_string() == wanted)
        return std::string(value->get_string());
    }
  return std::nullopt;
}

/// A list among the variables means a case for each of its items.
Result<std::vector<json::Object>> combinations(const json::Object& vars) {
  std::vector<json::Object> all{{}};
  for (const auto& [key, value] : vars) {
    const bool is_context = key == "context" || key == "contexts";
    if (!value.is_array() || value.get_array().empty() || is_context) {
      for (json::Object& one : all) one[key] = value;
      continue;
    }
    std::vector<json::Object> more;
    if (all.size() * value.get_array().size() > combinations_max)
      return fail(Code::invalid_argument, "vars.{}: the lists make more than {} combinations",
                  std::string_view(key), combinations_max);
    for (const json::Object& one : all)
      for (const json::Value& item : value.get_array()) {
        json::Object next = one;
        next[key] = item;
        more.push_back(std::move(next));
      }
    all = std::move(more);
  }
  return all;
}

json::Array texts_of(const json::Value& value) {
  json::Array texts;
  if (!value.is_array()) {
    texts.push_back(value.is_string() ? value : json::Value(json::dump(value)));
    return texts;
  }
  for (const json::Value& item : value.get_array())
    texts.push_back(item.is_string() ? item : json::Value(json::dump(item)));
  return texts;
}

/// The members of `test`, on top of those of all tests.
struct TestCase {
  json::Object vars, metadata;
  json::Array assertions;
  json::Value description;
};

TestCase test_case(const json::Object& test, const json::Object* all_tests) {
  TestCase whole;
  for (const json::Object* from : {all_tests, &test}) {
    if (from == nullptr) continue;
    if (const json::Object* vars = object_at(*from, "vars"))
      for (const auto& [key, value] : *vars) whole.vars[key] = value;
    if (const json::Object* metadata = object_at(*from, "metadata"))
      for (const auto& [key, value] : *metadata) whole.metadata[key] = value;
    if (const json::Value* assertions = from->if_contains("assert");
        assertions != nullptr && assertions->is_array())
      for (const json::Value& one : assertions->get_array()) whole.assertions.push_back(one);
  }
  if (const json::Value* description = test.if_contains("description"))
    whole.description = *description;
  return whole;
}

json::Object golden_of(const TestCase& test, const json::Object& vars) {
  json::Object native, metadata = test.metadata;
  const json::Object asked = [&] {
    json::Object rest = vars;
    rest.erase("context");
    rest.erase("contexts");
    rest.erase("expected");
    return rest;
  }();
  native["input"] = asked.empty() ? json::Value("") : json::Value(text_of(asked));
  if (asked.size() > 1) metadata["vars"] = asked;
  for (const char* key : {"context", "contexts"})
    if (const json::Value* context = vars.if_contains(key))
      native["retrieval_context"] = texts_of(*context);
  if (auto expected = expected_of(test.assertions))
    native["expected_output"] = *expected;
  else if (const json::Value* told = vars.if_contains("expected"))
    if (told->is_string()) native["expected_output"] = *told;
  if (!test.assertions.empty()) metadata["assert"] = test.assertions;
  if (test.description.is_string()) metadata["description"] = test.description;
  if (!metadata.empty()) native["metadata"] = std::move(metadata);
  return native;
}

/// Byte offset of the character with that number; nothing beyond the end.
std::optional<std::size_t> byte_of(std::string_view text, std::int64_t character) {
  std::size_t at = 0;
  for (; character > 0 && at < text.size(); --character) at += unicode::decode(text, at).bytes;
  return character == 0 ? std::optional(at) : std::nullopt;
}

/// Where the answer stands in the context, in bytes, if it stands there at all.
std::optional<json::Object> span_of(const std::string& context, const std::string& answer,
                                    std::int64_t character) {
  const auto start = byte_of(context, character);
  if (!start || context.compare(*start, answer.size(), answer) != 0) return std::nullopt;
  return json::Object{{"start", *start}, {"end", *start + answer.size()}};
}

struct Answer {
  std::string text;
  std::int64_t start = -1;  ///< In characters.
};

/// [{"text", "answer_start"}], or {"text": [...], "answer_start": [...]}.
std::vector<Answer> answers_of(const json::Value& value) {
  std::vector<Answer> answers;
  const auto start_of = [](const json::Value* start) {
    return start != nullptr && start->is_int64() ? start->get_int64() : -1;
  };
  if (value.is_array()) {
    for (const json::Value& one : value.get_array())
      if (one.is_object()) {
        const json::Value* text = one.get_object().if_contains("text");
        if (text != nullptr && text->is_string())
          answers.push_back({std::string(text->get_string()),
                             start_of(one.get_object().if_contains("answer_start"))});
      } else if (one.is_string()) {
        answers.push_back({std::string(one.get_string()), -1});
      }
  } else if (value.is_object()) {
    const json::Value* texts = value.get_object().if_contains("text");
    const json::Value* starts = value.get_object().if_contains("answer_start");
    if (texts == nullptr || !texts->is_array()) return answers;
    for (std::size_t i = 0; i < texts->get_array().size(); ++i) {
      const json::Value* text = &texts->get_array()[i];
      if (!text->is_string()) continue;
      const bool has_start =
          starts != nullptr && starts->is_array() && i < starts->get_array().size();
      answers.push_back(
          {std::string(text->get_string()), has_start ? start_of(&starts->get_array()[i]) : -1});
    }
  }
  return answers;
}

Result<std::string> text_member(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(Code::invalid_argument, "$.{}: a string is wanted", key);
  return std::string(value->get_string());
}

}  // namespace

Result<std::vector<json::Object>> promptfoo_goldens(const json::Value& whole) {
  const json::Object* config = whole.if_object();
  const json::Value* tests = config != nullptr ? config->if_contains("tests") : &whole;
  if (tests == nullptr || !tests->is_array())
    return fail(Code::invalid_argument,
                "$.tests: a list of test cases is wanted; where it names a file, import that one");
  const json::Object* all_tests = config != nullptr ? object_at(*config, "defaultTest") : nullptr;
  std::vector<json::Object> goldens;
  for (const json::Value& test : tests->get_array()) {
    const std::string path = fmt::format("$.tests[{}]", &test - tests->get_array().begin());
    if (!test.is_object())
      return fail(Code::invalid_argument, "{}: a test case is wanted, got {}", path,
                  json::kind_name(test));
    const TestCase one = test_case(test.get_object(), all_tests);
    if (one.vars.empty())
      return fail(Code::invalid_argument, "{}.vars: no variables, so there is nothing to ask",
                  path);
    for (const json::Object& vars : TRY(combinations(one.vars).within(path)))
      goldens.push_back(golden_of(one, vars));
  }
  return goldens;
}

Result<json::Object> squad_golden(const json::Object& record) {
  json::Object native, metadata;
  native["input"] = TRY(text_member(record, "question"));
  const json::Value* id = record.if_contains("id");
  if (id != nullptr && id->is_string()) native["id"] = *id;
  const json::Value* context = record.if_contains("context");
  const std::string passage =
      context != nullptr && context->is_string() ? std::string(context->get_string()) : "";
  if (!passage.empty()) native["context"] = json::Array{json::Value(passage)};
  if (const json::Value* title = record.if_contains("title");
      title != nullptr && title->is_string())
    metadata["document"] = *title;
  const json::Value* told = record.if_contains("answers");
  const std::vector<Answer> answers = told != nullptr ? answers_of(*told) : std::vector<Answer>();
  if (!answers.empty()) {
    native["expected_output"] = answers.front().text;
    if (auto span = span_of(passage, answers.front().text, answers.front().start))
      metadata["answer_span"] = *std::move(span);
    json::Array texts;
    for (const Answer& answer : answers)
      if (std::find(texts.begin(), texts.end(), json::Value(answer.text)) == texts.end())
        texts.emplace_back(answer.text);
    if (texts.size() > 1) metadata["answers"] = std::move(texts);
  } else {
    metadata["is_impossible"] = true;
  }
  if (!metadata.empty()) native["metadata"] = std::move(metadata);
  return native;
}

Result<std::vector<json::Object>> squad_goldens(const json::Value& whole) {
  const json::Object* object = whole.if_object();
  const json::Value* data = object != nullptr ? object->if_contains("data") : nullptr;
  if (data == nullptr || !data->is_array())
    return fail(Code::invalid_argument, "$.data: a list of articles is wanted");
  std::vector<json::Object> goldens;
  const auto each = [](const json::Value& value, std::string_view key,
                       const auto& take) -> Result<void> {
    const json::Value* list = value.is_object() ? value.get_object().if_contains(key) : nullptr;
    if (list == nullptr || !list->is_array())
      return fail(Code::invalid_argument, "$.{}: a list is wanted", key);
    for (std::size_t i = 0; i < list->get_array().size(); ++i)
      TRY(take(list->get_array()[i]).within(fmt::format("{}[{}]", key, i)));
    return {};
  };
  TRY(each(whole, "data", [&](const json::Value& article) -> Result<void> {
    const json::Value* title =
        article.is_object() ? article.get_object().if_contains("title") : nullptr;
    return each(article, "paragraphs", [&](const json::Value& paragraph) -> Result<void> {
      return each(paragraph, "qas", [&](const json::Value& question) -> Result<void> {
        if (!question.is_object())
          return fail(Code::invalid_argument, "a question is wanted, got {}",
                      json::kind_name(question));
        json::Object record = question.get_object();
        if (title != nullptr) record["title"] = *title;
        if (const json::Value* context = paragraph.get_object().if_contains("context"))
          record["context"] = *context;
        goldens.push_back(TRY(squad_golden(record)));
        return {};
      });
    });
  }));
  return goldens;
}

}  // namespace slipway::eval::detail
