#include "langgraph/detail/reading.hpp"

#include <algorithm>
#include <charconv>

namespace slipway::langgraph::detail {

namespace {

constexpr std::int64_t limit_max = 1000;
constexpr std::int64_t offset_max = 1'000'000'000;

/// Null: absent.
const Value& member(const Value& body, std::string_view name) { return body.at(name); }

Error wrong(std::string_view name, std::string_view wanted, const Value& got) {
  return fail(Code::invalid_argument, "{}: {} is expected, not {}", name, wanted,
              agents::kind_name(got));
}

}  // namespace

Result<Value> read_body(const http::Request& request) {
  if (request.body.empty()) return Value::map();
  auto body = agents::parse_json(request.body);
  if (!body)
    return fail(Code::invalid_argument, "Invalid JSON in request body: {}", body.error().message());
  if (!body->is_map()) return wrong("the body", "an object", *body);
  return body;
}

Result<std::string> text_of(const Value& body, std::string_view name, std::string otherwise) {
  const Value& value = member(body, name);
  if (value.is_null()) return otherwise;
  if (!value.is_text()) return wrong(name, "a string", value);
  return value.text();
}

Result<std::int64_t> number_of(const Value& body, std::string_view name, std::int64_t otherwise) {
  const Value& value = member(body, name);
  if (value.is_null()) return otherwise;
  if (value.is_integer()) return value.integer();
  if (value.is_text()) {
    const std::string& text = value.text();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  return wrong(name, "a whole number", value);
}

Result<bool> flag_of(const Value& body, std::string_view name, bool otherwise) {
  const Value& value = member(body, name);
  if (value.is_null()) return otherwise;
  if (value.is_boolean()) return value.boolean();
  return wrong(name, "true or false", value);
}

Result<Value> map_of(const Value& body, std::string_view name) {
  const Value& value = member(body, name);
  if (value.is_null()) return Value::map();
  if (!value.is_map()) return wrong(name, "an object", value);
  return value;
}

Result<std::vector<std::string>> texts_of(const Value& body, std::string_view name) {
  const Value& value = member(body, name);
  std::vector<std::string> texts;
  if (value.is_null()) return texts;
  if (value.is_text()) return std::vector<std::string>{value.text()};
  if (!value.is_list()) return wrong(name, "a list of strings", value);
  for (const Value& item : value.items()) {
    if (!item.is_text()) return wrong(name, "a list of strings", item);
    texts.push_back(item.text());
  }
  return texts;
}

Result<std::string> choice_of(const Value& body, std::string_view name,
                              const std::vector<std::string>& allowed) {
  const std::string text = TRY(text_of(body, name, allowed.front()));
  if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return text;
  return fail(Code::invalid_argument, "{}: '{}' is none of {}", name, text,
              fmt::join(allowed, ", "));
}

Result<PageWish> page_of(const Value& body) {
  const std::int64_t limit = TRY(number_of(body, "limit", 10));
  const std::int64_t offset = TRY(number_of(body, "offset", 0));
  if (limit < 1 || limit > limit_max)
    return fail(Code::invalid_argument, "limit: {} is not within 1 and {}", limit, limit_max);
  if (offset < 0 || offset > offset_max)
    return fail(Code::invalid_argument, "offset: {} is not within 0 and {}", offset, offset_max);
  return PageWish{static_cast<std::size_t>(limit), static_cast<std::size_t>(offset)};
}

Value selected(Value whole, const std::vector<std::string>& names) {
  if (names.empty()) return whole;
  Value made = Value::map();
  for (const std::string& name : names)
    if (const Value* member = whole.find(name)) made.put(name, *member);
  return made;
}

Result<Value> read_query(const http::Request& request) {
  const auto pairs = http::parse_query(request.query);
  if (!pairs) return fail(Code::invalid_argument, "the query has a broken escape");
  Value query = Value::map();
  for (const auto& [name, text] : *pairs) {
    const Value* before = query.find(name);
    if (before == nullptr) {
      query.put(name, text);
      continue;
    }
    // Said twice: a list.
    Value list = before->is_list() ? *before : Value::list({*before});
    list.push(text);
    query.put(name, std::move(list));
  }
  return query;
}

bool is_yes(const Value& text) {
  return text.is_text() && (http::equals_ignoring_case(text.text(), "true") || text.text() == "1");
}

bool contains(const Value& metadata, const Value& wanted) {
  if (!wanted.is_map()) return metadata == wanted;
  for (const auto& [name, value] : wanted.entries().items) {
    const Value* found = metadata.find(name);
    if (found == nullptr ||
        !(value.is_map() && found->is_map() ? contains(*found, value) : *found == value))
      return false;
  }
  return true;
}

}  // namespace slipway::langgraph::detail
