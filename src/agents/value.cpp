#include "agents/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace slipway::agents {

namespace {

constexpr std::size_t map_scan_max = 24;  ///< Larger maps are looked up by hash.

const Value null_value{};

std::string plain_real(double number) {
  char buffer[40];
  const auto done = std::to_chars(buffer, buffer + sizeof buffer, number);
  return {buffer, done.ptr};
}

}  // namespace

Value::Value(const char* text) : Value(std::string(text)) {}
Value::Value(std::string_view text) : Value(std::string(text)) {}
Value::Value(std::string text)
    : kind_(Kind::text), data_(std::make_shared<std::string>(std::move(text))) {}

Value Value::list(std::vector<Value> items) {
  auto data = std::make_shared<ListData>();
  Value value;
  for (const Value& item : items) {
    data->depth = std::max(data->depth, item.depth() + 1);
    value.taint_ |= item.taint_;
  }
  data->items = std::move(items);
  value.kind_ = Kind::list;
  value.data_ = std::move(data);
  return value;
}

template <typename Entries>
Value Value::map_of(Entries& entries) {
  auto data = std::make_shared<MapData>();
  data->items.reserve(entries.size());
  Value value;
  for (auto& [key, item] : entries) {
    value.taint_ |= item.taint_;
    data->put(key, std::move(item));
  }
  value.kind_ = Kind::map;
  value.data_ = std::move(data);
  return value;
}

Value Value::map(std::vector<std::pair<std::string, Value>> entries) { return map_of(entries); }
Value Value::map(std::initializer_list<Entry> entries) { return map_of(entries); }

const std::vector<Value>& Value::items() const {
  return static_cast<const ListData*>(data_.get())->items;
}

const MapData& Value::entries() const { return *static_cast<const MapData*>(data_.get()); }

ListData& Value::own_list() {
  if (data_.use_count() > 1)
    data_ = std::make_shared<ListData>(*static_cast<const ListData*>(data_.get()));
  return *static_cast<ListData*>(data_.get());
}

MapData& Value::own_map() {
  if (data_.use_count() > 1)
    data_ = std::make_shared<MapData>(*static_cast<const MapData*>(data_.get()));
  return *static_cast<MapData*>(data_.get());
}

const Value* Value::find(std::string_view key) const {
  return is_map() ? entries().find(key) : nullptr;
}

const Value& Value::at(std::string_view key) const {
  const Value* found = find(key);
  return found == nullptr ? null_value : *found;
}

void Value::push(Value item) {
  ListData& data = own_list();
  data.depth = std::max(data.depth, item.depth() + 1);
  taint_ |= item.taint_;
  data.items.push_back(std::move(item));
}

void Value::put(std::string_view key, Value value) {
  taint_ |= value.taint_;
  own_map().put(key, std::move(value));
}

void Value::reserve(std::size_t keys) { own_map().items.reserve(keys); }

void Value::replace(std::size_t at, Value item) {
  ListData& data = own_list();
  data.depth = std::max(data.depth, item.depth() + 1);
  taint_ |= item.taint_;
  data.items[at] = std::move(item);
}

void Value::cut(std::size_t size) { own_list().items.resize(size); }

int Value::depth() const {
  if (is_list()) return static_cast<const ListData*>(data_.get())->depth;
  if (is_map()) return entries().depth;
  return 0;
}

std::size_t Value::bytes() const {
  std::size_t sum = sizeof(Value);
  if (is_text()) return sum + text().size();
  if (is_list())
    for (const Value& item : items()) sum += item.bytes();
  if (is_map())
    for (const auto& [key, item] : entries().items) sum += key.size() + item.bytes();
  return sum;
}

const Value* MapData::find(std::string_view key) const {
  if (!places.empty()) {
    const auto found = places.find(std::string(key));
    return found == places.end() ? nullptr : &items[found->second].second;
  }
  for (const auto& [name, item] : items)
    if (name == key) return &item;
  return nullptr;
}

void MapData::put(std::string_view key, Value value) {
  if (const int inner = value.depth(); inner >= depth) depth = inner + 1;
  if (const Value* there = find(key)) {
    *const_cast<Value*>(there) = std::move(value);
    return;
  }
  items.emplace_back(std::string(key), std::move(value));
  if (items.size() <= map_scan_max) return;
  if (places.empty())
    for (std::size_t i = 0; i + 1 < items.size(); ++i) places.emplace(items[i].first, i);
  places.emplace(items.back().first, items.size() - 1);
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number())
    return a.is_integer() && b.is_integer() ? a.integer() == b.integer() : a.number() == b.number();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::null: return true;
    case Kind::boolean: return a.boolean() == b.boolean();
    case Kind::text: return a.text() == b.text();
    case Kind::list: return a.items() == b.items();
    case Kind::map: {
      if (a.entries().items.size() != b.entries().items.size()) return false;
      for (const auto& [key, item] : a.entries().items) {
        const Value* other = b.find(key);
        if (other == nullptr || !(item == *other)) return false;
      }
      return true;
    }
    default: return false;
  }
}

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case Kind::null: return "null";
    case Kind::boolean: return "a bool";
    case Kind::integer: return "an int";
    case Kind::real: return "a double";
    case Kind::text: return "a string";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
  }
  return "a value";
}

std::string real_text(double number) { return plain_real(number); }

std::string in_words(const Value& value) {
  if (value.is_text()) return value.text();
  if (value.is_null()) return "";
  if (value.is_real()) return plain_real(value.number());
  return dump(value);
}

Value from_json(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return {};
    case boost::json::kind::bool_: return value.get_bool();
    case boost::json::kind::int64: return value.get_int64();
    case boost::json::kind::uint64: return static_cast<double>(value.get_uint64());
    case boost::json::kind::double_: return value.get_double();
    case boost::json::kind::string: return std::string_view(value.get_string());
    case boost::json::kind::array: {
      std::vector<Value> items;
      items.reserve(value.get_array().size());
      for (const json::Value& item : value.get_array()) items.push_back(from_json(item));
      return Value::list(std::move(items));
    }
    case boost::json::kind::object: {
      std::vector<std::pair<std::string, Value>> entries;
      for (const auto& [key, item] : value.get_object())
        entries.emplace_back(std::string(key), from_json(item));
      return Value::map(std::move(entries));
    }
  }
  return {};
}

json::Value to_json(const Value& value) {
  switch (value.kind()) {
    case Kind::null: return nullptr;
    case Kind::boolean: return value.boolean();
    case Kind::integer: return value.integer();
    case Kind::real: return value.number();
    case Kind::text: return boost::json::string(value.text());
    case Kind::list: {
      json::Array items;
      items.reserve(value.items().size());
      for (const Value& item : value.items()) items.push_back(to_json(item));
      return items;
    }
    case Kind::map: {
      json::Object object;
      for (const auto& [key, item] : value.entries().items) object[key] = to_json(item);
      return object;
    }
  }
  return nullptr;
}

}  // namespace slipway::agents
