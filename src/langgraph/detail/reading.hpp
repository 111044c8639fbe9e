// What clients send, checked as it is read. Every failure is invalid_argument and names the member.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/value.hpp"
#include "http/message.hpp"

namespace slipway::langgraph::detail {

using agents::Value;

/// The body, a map; an empty one is an empty map.
Result<Value> read_body(const http::Request& request);

/// Members of a map; one that is null counts as absent.
Result<std::string> text_of(const Value& body, std::string_view name, std::string otherwise = "");
Result<std::int64_t> number_of(const Value& body, std::string_view name, std::int64_t otherwise);
Result<bool> flag_of(const Value& body, std::string_view name, bool otherwise);
/// A map, or an empty one.
Result<Value> map_of(const Value& body, std::string_view name);
/// A list of texts, or one text alone.
Result<std::vector<std::string>> texts_of(const Value& body, std::string_view name);
/// One of `allowed`; the first if absent.
Result<std::string> choice_of(const Value& body, std::string_view name,
                              const std::vector<std::string>& allowed);

struct PageWish {
  std::size_t limit = 10, offset = 0;
};
/// "limit" (1 to 1000) and "offset".
Result<PageWish> page_of(const Value& body);
/// Its members of those names; all of it where none is named.
Value selected(Value whole, const std::vector<std::string>& names);
/// That page of what was found, each as `to_value` gives it.
template <typename Found, typename ToValue>
Value listed(const std::vector<Found>& found, const PageWish& page,
             const std::vector<std::string>& names, const ToValue& to_value) {
  Value list = Value::list();
  for (std::size_t i = page.offset; i < std::min(found.size(), page.offset + page.limit); ++i)
    list.push(selected(to_value(found[i]), names));
  return list;
}

/// The query as a map of texts; numbers and booleans stay as they are written.
Result<Value> read_query(const http::Request& request);
/// Whether it says yes: "true", "True", "1".
bool is_yes(const Value& text);

/// Whether all members of `wanted` are in `metadata` with those values, maps within maps alike.
bool contains(const Value& metadata, const Value& wanted);

}  // namespace slipway::langgraph::detail
