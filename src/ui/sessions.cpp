#include "ui/sessions.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "core/hex.hpp"

namespace slipway::ui {

namespace {
constexpr std::size_t token_digits = 64;
}

bool Sessions::is_over(const Session& session, Clock::Time now) const {
  return now - session.opened >= options_.lifetime || now - session.used >= options_.idle;
}

void Sessions::make_room(Table& table, Clock::Time now) const {
  std::erase_if(table, [&](const auto& entry) { return is_over(entry.second, now); });
  while (!table.empty() && table.size() >= options_.sessions_max)
    table.erase(std::min_element(table.begin(), table.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
}

std::string Sessions::open(std::string key) {
  std::string token;
  while (token.size() < token_digits) token += hex::encode(random_.next());
  const Clock::Time now = clock_.now();
  sessions_.with([&](Table& table) {
    make_room(table, now);
    table[sha256(token)] = {.key = std::move(key), .opened = now, .used = now};
  });
  return token;
}

std::optional<std::string> Sessions::key_of(std::string_view token) {
  if (token.size() != token_digits) return std::nullopt;
  const std::string hash = sha256(token);
  const Clock::Time now = clock_.now();
  return sessions_.with([&](Table& table) -> std::optional<std::string> {
    const auto found = table.find(hash);
    if (found == table.end()) return std::nullopt;
    if (is_over(found->second, now)) {
      table.erase(found);
      return std::nullopt;
    }
    found->second.used = now;
    return found->second.key;
  });
}

void Sessions::close(std::string_view token) {
  const std::string hash = sha256(token);
  sessions_.with([&](Table& table) { table.erase(hash); });
}

std::size_t Sessions::size() const {
  return sessions_.with([](const Table& table) { return table.size(); });
}

}  // namespace slipway::ui
