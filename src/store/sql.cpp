#include "store/sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace slipway::store::sql {

namespace {

std::vector<std::string_view> names_in(std::string_view list) {
  std::vector<std::string_view> names;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    names.push_back(name.substr(0, name.find_last_not_of(' ') + 1));
    list.remove_prefix(std::min(list.size(), end + 1));
  }
  return names;
}

}  // namespace

std::string put_from(std::string_view table, std::string_view columns, std::string_view keys,
                     std::string_view select) {
  const auto key_names = names_in(keys);
  std::string sets;
  for (const std::string_view column : names_in(columns))
    if (std::find(key_names.begin(), key_names.end(), column) == key_names.end())
      sets += fmt::format("{}{} = excluded.{}", sets.empty() ? "" : ", ", column, column);
  return fmt::format("INSERT INTO {}({}) {} ON CONFLICT({}) DO {}", table, columns, select, keys,
                     sets.empty() ? "NOTHING" : "UPDATE SET " + sets);
}

std::string put(std::string_view table, std::string_view columns, std::string_view keys) {
  std::string marks;
  for (std::size_t i = names_in(columns).size(); i > 0; --i) marks += marks.empty() ? "?" : ", ?";
  return put_from(table, columns, keys, fmt::format("VALUES ({})", marks));
}

std::string one_of(std::string_view expression) {
  return fmt::format("{} IN (SELECT value FROM json_each(?))", expression);
}

std::string contains(std::string_view text, std::string_view part) {
  return fmt::format("instr({}, {}) > 0", text, part);
}

}  // namespace slipway::store::sql
