#include "langgraph/detail/items.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "langgraph/detail/ids.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr double ttl_minutes_max = 5.3e7;  // A century.

Result<Namespace> namespace_of(const Value& body, std::string_view name, bool may_be_empty) {
  Namespace space = TRY(texts_of(body, name));
  if (space.empty() && !may_be_empty)
    return fail(Code::invalid_argument, "{}: Namespace cannot be empty.", name);
  if (space.size() > Items::labels_max)
    return fail(Code::invalid_argument, "{}: more than {} labels", name, Items::labels_max);
  for (const std::string& label : space)
    if (label.empty() || label.size() > Items::label_bytes_max ||
        label.find('.') != std::string::npos)
      return fail(Code::invalid_argument,
                  "Namespace label '{}' must be a non-empty string without periods, {} bytes at "
                  "most",
                  label, Items::label_bytes_max);
  return space;
}

Result<std::string> key_of(const Value& body) {
  std::string key = TRY(text_of(body, "key"));
  if (key.empty() || key.size() > Items::key_bytes_max)
    return fail(Code::invalid_argument, "key: a string of 1 to {} bytes is needed",
                Items::key_bytes_max);
  return key;
}

Value to_value(const Namespace& space) {
  return Value::list(std::vector<Value>(space.begin(), space.end()));
}
std::string stored(const Namespace& space) { return agents::dump(to_value(space)); }

Result<Item> read_item(const store::Statement& row) {
  Value value = TRY(agents::parse_json(row.text(2)).within("a stored item"));
  Item made{.key = std::string(row.text(1)),
            .value = std::move(value),
            .created_ms = row.integer(3),
            .updated_ms = row.integer(4)};
  const Value space = TRY(agents::parse_json(row.text(0)).within("a stored item"));
  for (const Value& label : space.items()) made.space.push_back(label.text());
  return made;
}

/// Texts with texts, numbers with numbers; nothing else has an order.
std::optional<int> compare(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return a.text().compare(b.text());
  if (!a.is_number() || !b.is_number()) return std::nullopt;
  if (a.is_integer() && b.is_integer())
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  return a.number() < b.number() ? -1 : a.number() > b.number();
}

Result<bool> holds(const Value& value, const std::string& name, const Value& wanted) {
  if (name == "$eq") return value == wanted;
  if (name == "$ne") return !(value == wanted);
  const std::optional<int> order = compare(value, wanted);
  if (name == "$gt") return order && *order > 0;
  if (name == "$gte") return order && *order >= 0;
  if (name == "$lt") return order && *order < 0;
  if (name == "$lte") return order && *order <= 0;
  return fail(Code::invalid_argument, "filter: Unsupported operator: {}", name);
}

bool starts_with(const Namespace& space, const Namespace& prefix) {
  if (prefix.size() > space.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i)
    if (prefix[i] != "*" && prefix[i] != space[i]) return false;
  return true;
}

bool ends_with(const Namespace& space, const Namespace& suffix) {
  if (suffix.size() > space.size()) return false;
  return starts_with({space.end() - static_cast<std::ptrdiff_t>(suffix.size()), space.end()},
                     suffix);
}

}  // namespace

Value Item::json() const {
  return Value::map({{"namespace", to_value(space)},
                     {"key", key},
                     {"value", value},
                     {"created_at", time_text(created_ms)},
                     {"updated_at", time_text(updated_ms)}});
}

Result<bool> fits(const Value& value, const Value& filter) {
  for (const auto& [name, wanted] : filter.entries().items) {
    const Value& found = value.at(name);
    const bool has_operators = wanted.is_map() && !wanted.entries().items.empty() &&
                               wanted.entries().items.front().first.starts_with('$');
    if (!has_operators) {
      if (!(found == wanted)) return false;
      continue;
    }
    for (const auto& [operation, operand] : wanted.entries().items)
      if (!TRY(holds(found, operation, operand))) return false;
  }
  return true;
}

Result<void> Items::put(const Context& context, const Value& body) {
  const Namespace space = TRY(namespace_of(body, "namespace", false));
  const std::string key = TRY(key_of(body));
  if (!body.at("value").is_map())
    return fail(Code::invalid_argument, "value: an object is expected, not {}",
                agents::kind_name(body.at("value")));
  const std::string text = agents::dump(body.at("value"));
  if (text.size() > value_bytes_max)
    return fail(Code::invalid_argument, "value: more than {} bytes", value_bytes_max);
  std::optional<std::int64_t> ttl;
  if (const Value& minutes = body.at("ttl"); !minutes.is_null()) {
    if (!minutes.is_number() || !(minutes.number() > 0) || minutes.number() > ttl_minutes_max)
      return fail(Code::invalid_argument, "ttl: minutes above 0 are expected");
    ttl = std::llround(minutes.number() * 60'000);
  }
  const std::int64_t now = now_ms(clock_);
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "INSERT INTO langgraph_items(namespace, key, value, created, updated, expires, ttl) "
        "VALUES(?1,?2,?3,?4,?4,?5,?6) ON CONFLICT(namespace, key) DO UPDATE SET value = ?3, "
        "created = CASE WHEN expires <= ?4 THEN ?4 ELSE created END, updated = ?4, expires = ?5, "
        "ttl = ?6"));
    row.bind(0, stored(space)).bind(1, key).bind(2, text).bind(3, now);
    if (ttl)
      row.bind(4, now + *ttl).bind(5, *ttl);
    else
      row.bind_null(4).bind_null(5);
    return row.run();
  });
}

Result<Value> Items::get(const Context& context, const Value& query) {
  const std::string joined = TRY(text_of(query, "namespace"));
  Value labels = Value::list();
  for (std::size_t at = 0; at <= joined.size();) {
    const std::size_t dot = std::min(joined.find('.', at), joined.size());
    labels.push(joined.substr(at, dot - at));
    at = dot + 1;
  }
  const Namespace space =
      TRY(namespace_of(Value::map({{"namespace", labels}}), "namespace", false));
  const std::string key = TRY(key_of(query));
  std::optional<Item> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "SELECT namespace, key, value, created, updated FROM langgraph_items WHERE namespace = ? "
        "AND key = ? AND (expires IS NULL OR expires > ?)"));
    row.bind(0, stored(space)).bind(1, key).bind(2, now_ms(clock_));
    if (TRY(row.step())) found = TRY(read_item(row));
    return {};
  }));
  if (!found) return Value();
  if (query.at("refresh_ttl").is_null() || is_yes(query.at("refresh_ttl")))
    TRY(refresh(context, {*found}));
  return found->json();
}

Result<void> Items::remove(const Context& context, const Value& body) {
  const Namespace space = TRY(namespace_of(body, "namespace", false));
  const std::string key = TRY(key_of(body));
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row =
        TRY(connection.prepare("DELETE FROM langgraph_items WHERE namespace = ? AND key = ?"));
    row.bind(0, stored(space)).bind(1, key);
    return row.run();
  });
}

Result<std::vector<Item>> Items::below(const Context& context, const Namespace& prefix) {
  std::vector<Item> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "SELECT namespace, key, value, created, updated FROM langgraph_items WHERE "
        "(expires IS NULL OR expires > ?) AND substr(namespace, 1, length(?2)) = ?2 ORDER BY n"));
    std::string begin = stored(prefix);
    begin.pop_back();  // The bracket; that a label ends there is looked at below.
    row.bind(0, now_ms(clock_)).bind(1, begin);
    while (TRY(row.step())) {
      Item item = TRY(read_item(row));
      if (starts_with(item.space, prefix)) found.push_back(std::move(item));
    }
    return {};
  }));
  return found;
}

Result<void> Items::refresh(const Context& context, const std::vector<Item>& items) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "UPDATE langgraph_items SET expires = ? + ttl WHERE namespace = ? AND key = ? AND ttl IS "
        "NOT NULL"));
    for (const Item& item : items) {
      row.bind(0, now_ms(clock_)).bind(1, stored(item.space)).bind(2, item.key);
      TRY(row.run());
      row.reset();
    }
    return {};
  });
}

Result<Value> Items::search(const Context& context, const Value& body) {
  const Namespace prefix = TRY(namespace_of(body, "namespace_prefix", true));
  const PageWish page = TRY(page_of(body));
  const Value filter = TRY(map_of(body, "filter"));
  TRY(text_of(body, "query"));  // Without an index over its meaning, all fit alike.
  std::vector<Item> found;
  for (Item& item : TRY(below(context, prefix)))
    if (TRY(fits(item.value, filter))) found.push_back(std::move(item));
  const std::size_t begin = std::min(page.offset, found.size());
  const std::size_t end = std::min(begin + page.limit, found.size());
  found = {found.begin() + static_cast<std::ptrdiff_t>(begin),
           found.begin() + static_cast<std::ptrdiff_t>(end)};
  if (TRY(flag_of(body, "refresh_ttl", true)) && !found.empty()) TRY(refresh(context, found));
  Value items = Value::list();
  for (const Item& item : found) {
    Value one = item.json();
    one.put("score", Value());
    items.push(std::move(one));
  }
  return Value::map({{"items", items}});
}

Result<Value> Items::namespaces(const Context& context, const Value& body) {
  const Namespace prefix = TRY(namespace_of(body, "prefix", true));
  const Namespace suffix = TRY(namespace_of(body, "suffix", true));
  const std::int64_t depth = TRY(number_of(body, "max_depth", 0));
  Value asked = body;
  if (body.at("limit").is_null()) asked.put("limit", 100);
  const PageWish page = TRY(page_of(asked));
  std::set<Namespace> found;
  for (Item& item : TRY(below(context, {})))
    if (starts_with(item.space, prefix) && ends_with(item.space, suffix)) {
      if (depth > 0 && item.space.size() > static_cast<std::size_t>(depth))
        item.space.resize(static_cast<std::size_t>(depth));
      found.insert(std::move(item.space));
    }
  Value list = Value::list();
  std::size_t at = 0;
  for (const Namespace& space : found)
    if (at++ >= page.offset && list.items().size() < page.limit) list.push(to_value(space));
  return Value::map({{"namespaces", list}});
}

Result<void> Items::sweep(const Context& context) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare("DELETE FROM langgraph_items WHERE expires <= ?"));
    row.bind(0, now_ms(clock_));
    return row.run();
  });
}

}  // namespace slipway::langgraph::detail
