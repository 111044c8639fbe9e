#include "agents/detail/values.hpp"

#include "core/files.hpp"
#include "core/hex.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t inline_bytes_max = 200;
constexpr std::string_view mark = "$";

bool is_marked(const Value& value) {
  return value.is_map() && value.entries().items.size() == 1 &&
         value.entries().items.front().first == mark;
}

/// A small one stays, unless it looks like a mark.
Value keep(const Value& value, std::vector<KeptValue>& values) {
  const bool is_scalar = !value.is_text() && !value.is_list() && !value.is_map();
  if (is_scalar || (value.is_text() && value.text().size() < inline_bytes_max)) return value;
  std::string text = dump(value);
  if (text.size() < inline_bytes_max && !is_marked(value)) return value;
  std::string hash = value_hash(text);
  Value marked = Value::map({{std::string(mark), hex::encode(hash)}});
  values.push_back({.hash = std::move(hash), .text = std::move(text)});
  return marked;
}

enum class Part { plain, values, value, position, records };

Part part_of(std::string_view key) {
  if (key == "w" || key == "state_values" || key == "input") return Part::values;
  if (key == "r" || key == "result" || key == "args" || key == "value") return Part::value;
  if (key == "next" || key == "def") return Part::position;
  if (key == "tasks" || key == "calls" || key == "c") return Part::records;
  return Part::plain;
}

/// Changes every value that may be large by `change`.
template <typename Change>
Result<Value> walk(const Value& record, const Change& change) {
  if (record.is_list()) {
    std::vector<Value> items;
    for (const Value& item : record.items()) items.push_back(TRY(walk(item, change)));
    return Value::list(std::move(items));
  }
  if (!record.is_map()) return record;
  std::vector<std::pair<std::string, Value>> entries;
  for (const auto& [key, item] : record.entries().items) {
    switch (part_of(key)) {
      case Part::plain:
        // A state as a whole is a map of values; the state of a task is a word.
        if (key != "state" || !item.is_map()) {
          entries.emplace_back(key, item);
          break;
        }
        [[fallthrough]];
      case Part::values: {
        Value map = Value::map();
        if (item.is_map())
          for (const auto& [name, value] : item.entries().items) map.put(name, TRY(change(value)));
        entries.emplace_back(key, item.is_map() ? std::move(map) : item);
        break;
      }
      case Part::value: entries.emplace_back(key, TRY(change(item))); break;
      case Part::position: {
        std::vector<Value> list;
        if (item.is_list())
          for (const Value& ready : item.items()) {
            Value made = ready;
            if (ready.is_list() && ready.items().size() >= 4)
              made.replace(3, TRY(change(ready.items()[3])));
            list.push_back(std::move(made));
          }
        entries.emplace_back(key, Value::list(std::move(list)));
        break;
      }
      case Part::records: entries.emplace_back(key, TRY(walk(item, change))); break;
    }
  }
  return Value::map(std::move(entries));
}

}  // namespace

std::string value_hash(std::string_view text) {
  constexpr std::size_t prefix = 7, digits = 32;  // "sha256:"
  return hex::decode(sha256(text).substr(prefix, digits));
}

Value take_out_values(const Value& record, std::vector<KeptValue>& values) {
  return *walk(record, [&](const Value& value) -> Result<Value> { return keep(value, values); });
}

Result<Value> put_in_values(const Value& record,
                            const std::function<Result<std::string>(const std::string&)>& find) {
  return walk(record, [&](const Value& value) -> Result<Value> {
    if (!is_marked(value) || !value.at(mark).is_text()) return value;
    return parse_json(TRY(find(hex::decode(value.at(mark).text()))));
  });
}

}  // namespace slipway::agents::detail
