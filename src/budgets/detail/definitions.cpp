#include "budgets/detail/definitions.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "core/unicode.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr std::string_view each = "*";
constexpr std::size_t value_bytes_max = 512;

/// As it stands in a subject: what is too long or no text goes by its hash.
std::string kept(std::string_view value) {
  if (value.size() <= value_bytes_max && unicode::is_valid_utf8(value)) return std::string(value);
  return sha256(value);
}

const std::string& value_of(const Payer& payer, std::string_view key) {
  static const std::string none;
  if (key == "project") return payer.project;
  if (key == "user") return payer.user;
  if (key == "session") return payer.session;
  if (key == "key") return payer.key;
  if (key == "trace") return payer.trace;
  if (key == "run") return payer.run;
  return key == "model" ? payer.model : none;
}

bool fits(const Payer& payer, std::string_view key, const std::string& wanted) {
  if (value_of(payer, key) == wanted) return true;
  return key == "model" &&
         std::find(payer.models.begin(), payer.models.end(), wanted) != payer.models.end();
}

}  // namespace

bool concerns(const Definition& definition, const Payer& payer) {
  for (const auto& [key, wanted] : definition.config.scope)
    if (wanted == each ? value_of(payer, key).empty() : !fits(payer, key, wanted)) return false;
  return true;
}

std::optional<std::string> subject_of(const Definition& definition, const Payer& payer) {
  json::Object starred;
  for (const auto& [key, wanted] : definition.config.scope) {
    if (wanted == each) {
      const std::string_view value = value_of(payer, key);
      if (value.empty()) return {};
      starred[key] = kept(value);
    } else if (!fits(payer, key, wanted)) {
      return {};
    }
  }
  return starred.empty() ? std::string() : json::dump_canonical(starred);
}

Scope scope_of(const Definition& definition, const std::string& subject) {
  Scope scope = definition.config.scope;
  if (subject.empty()) return scope;
  if (const auto values = json::parse(subject))
    for (const auto& [key, value] : values->as_object())
      scope[std::string(key)] = std::string(value.as_string());
  return scope;
}

Result<std::string> subject_of(const Definition& definition, const Scope& scope) {
  json::Object starred;
  for (const auto& [key, wanted] : definition.config.scope) {
    if (wanted != each) continue;
    const auto found = scope.find(key);
    if (found == scope.end() || found->second.empty() || found->second == each)
      return fail(Code::invalid_argument,
                  "scope.{}: is required: budget '{}' is one budget for each {}", key,
                  definition.name, key);
    starred[key] = kept(found->second);
  }
  return starred.empty() ? std::string() : json::dump_canonical(starred);
}

const Definition* Definitions::find(std::int64_t n) const {
  for (const Definition& one : list)
    if (one.n == n) return &one;
  return nullptr;
}

const Definition* Definitions::find(const std::string& id) const {
  for (const Definition& one : list)
    if (one.id == id) return &one;
  return nullptr;
}

Result<DefinitionsPtr> read_definitions(store::Connection& connection) {
  auto definitions = std::make_shared<Definitions>();
  auto select = TRY(connection.prepare(
      "SELECT n, id, name, config, is_declared FROM budgets WHERE is_ended = 0 ORDER BY name"));
  while (TRY(select.step())) {
    Definition one;
    one.n = select.integer(0);
    one.id = select.text(1);
    one.name = select.text(2);
    one.config = TRY(json::from<BudgetConfig>(TRY(json::parse(select.text(3)))).within(one.name));
    one.is_declared = select.integer(4) != 0;
    if (one.config.limit_usd) one.limit_usd = TRY(trace::picodollars(*one.config.limit_usd));
    for (const auto& [key, value] : one.config.scope) one.has_subjects |= value == each;
    definitions->list.push_back(std::move(one));
  }
  return DefinitionsPtr(std::move(definitions));
}

}  // namespace slipway::budgets::detail
