#include "access/access.hpp"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "core/files.hpp"
#include "core/guarded.hpp"
#include "core/hex.hpp"
#include "core/rate.hpp"
#include "core/secret.hpp"

namespace slipway::access {

namespace {

constexpr std::size_t secret_bytes_min = 16;
constexpr std::string_view secret_prefix = "sk-slip-";

/// A date means its beginning, in UTC.
Result<Clock::Time> parse_expiry(const std::string& text) {
  return parse_time(text.size() == 10 ? text + "T00:00:00Z" : text);
}

Role highest(const std::vector<Role>& roles) {
  return *std::max_element(roles.begin(), roles.end());
}

/// Enough to recognise a key one holds, of no use to others.
std::string hint_of(std::string_view secret) {
  return fmt::format("{}...{}", secret.substr(0, std::min<std::size_t>(4, secret.size() / 4)),
                     secret.substr(secret.size() - 4));
}

struct Entry {
  Caller caller;
  std::optional<Clock::Time> expires;
  KeyInfo info;
};
/// By the SHA-256 of the secret. Whoever tries keys cannot steer where their hashes fall, so that
/// the time of a look-up tells nothing about the keys that there are.
using Entries = std::unordered_map<std::string, Entry>;

Result<Entry> read_entry(const store::Statement& row) {
  Entry entry;
  KeyInfo& info = entry.info;
  info.name = row.text(1);
  info.role = row.text(2) == "admin"   ? Role::admin
              : row.text(2) == "write" ? Role::write
                                       : Role::read;
  info.models = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(3)))));
  info.limits = TRY(json::from<Limits>(TRY(json::parse(row.text(4)))));
  info.expires = row.text(5);
  info.created_at = row.text(6);
  info.last_used_at = row.text(7);
  info.hint = row.text(8);
  if (!info.expires.empty()) entry.expires = TRY(parse_expiry(info.expires));
  entry.caller = {
      .name = info.name, .role = info.role, .models = info.models, .limits = info.limits};
  return entry;
}

class KeysInDatabase final : public Keys {
 public:
  KeysInDatabase(store::Database& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  std::optional<Caller> find(std::string_view secret) override {
    const auto entries = entries_.with([](const auto& e) { return e; });
    const auto found = entries->find(sha256(secret));
    if (found == entries->end()) return std::nullopt;
    const auto now = clock_.now();
    if (found->second.expires && *found->second.expires <= now) return std::nullopt;
    used_.with([&](auto& used) { used[found->second.info.name] = now; });
    return found->second.caller;
  }

  bool empty() const override {
    return entries_.with([](const auto& e) { return e->empty(); });
  }

  Result<void> seed(const std::map<std::string, KeyConfig>& configured) override {
    // All are looked at before the first is stored: a refused configuration changes nothing.
    std::map<std::string, std::string> secrets;
    for (const auto& [name, config] : configured) {
      const std::string secret = TRY(resolve_secret(fmt::format("keys.{}.key", name), config.key));
      TRY(check_secret(name, secret));
      secrets[name] = secret;
    }
    for (const auto& [name, config] : configured)
      TRY(store(name, secrets[name], config,
                "ON CONFLICT(name) DO UPDATE SET hash = excluded.hash, role = excluded.role, "
                "models = excluded.models, limits = excluded.limits, expires = excluded.expires, "
                "hint = excluded.hint"));
    return reload();
  }

  Result<std::string> create(const std::string& name, const KeyConfig& config) override {
    if (name.empty() || name.size() > 100 ||
        name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            std::string::npos)
      return fail(Code::invalid_argument,
                  "key name '{}': use 1 to 100 letters, digits, dots, dashes and underscores",
                  name);
    TRY(config.validate());
    if (!config.expires.empty() && TRY(parse_expiry(config.expires)) <= clock_.now())
      return fail(Code::invalid_argument,
                  "expires: {} is past; the key could never be used, so name a later time",
                  config.expires);
    std::string secret(secret_prefix);
    for (int i = 0; i < 3; ++i) secret += hex::encode(system_random().next());
    TRY(store(name, secret, config, ""));
    TRY(reload());
    return secret;
  }

  Result<void> revoke(const std::string& name) override {
    TRY(database_.write(Context(), [&](store::Connection& connection) -> Result<void> {
      auto statement = TRY(connection.prepare("DELETE FROM access_keys WHERE name = ?"));
      TRY(statement.bind(0, name).run());
      if (connection.changes() == 0)
        return fail(Code::not_found, "there is no key '{}'; 'slipway keys list' shows them", name);
      return {};
    }));
    return reload();
  }

  Result<std::vector<KeyInfo>> list() override {
    TRY(refresh());
    std::vector<KeyInfo> keys;
    entries_.with([&](const auto& entries) {
      for (const auto& [hash, entry] : *entries) keys.push_back(entry.info);
    });
    std::sort(keys.begin(), keys.end(),
              [](const KeyInfo& a, const KeyInfo& b) { return a.name < b.name; });
    return keys;
  }

  Result<void> refresh() override {
    const auto used = used_.with([](auto& u) { return std::exchange(u, {}); });
    if (!used.empty())
      TRY(database_.write(Context(), [&](store::Connection& connection) -> Result<void> {
        auto update =
            TRY(connection.prepare("UPDATE access_keys SET last_used_at = ? WHERE name = ?"));
        for (const auto& [name, when] : used) {
          TRY(update.bind(0, format_time(when)).bind(1, name).run());
          update.reset();
        }
        return {};
      }));
    return reload();
  }

  Result<void> reload() {
    auto fresh = std::make_shared<Entries>();
    TRY(database_.read(Context(), [&](store::Connection& connection) -> Result<void> {
      auto rows = TRY(connection.prepare(
          "SELECT hash, name, role, models, limits, expires, created_at, last_used_at, hint "
          "FROM access_keys"));
      while (TRY(rows.step())) fresh->emplace(std::string(rows.text(0)), TRY(read_entry(rows)));
      return {};
    }));
    entries_.with([&](auto& entries) { entries = std::move(fresh); });
    return {};
  }

 private:
  static Result<void> check_secret(const std::string& name, const std::string& secret) {
    if (secret.size() < secret_bytes_min)
      return fail(Code::invalid_argument,
                  "keys.{}.key: a secret of {} characters can be guessed; use at least {}", name,
                  secret.size(), secret_bytes_min);
    return {};
  }

  Result<void> store(const std::string& name, const std::string& secret, const KeyConfig& config,
                     std::string_view on_conflict) {
    return database_.write(Context(), [&](store::Connection& connection) -> Result<void> {
      auto insert = TRY(connection.prepare(
          fmt::format("INSERT INTO access_keys(hash, name, role, models, limits, expires, "
                      "created_at, hint) VALUES(?, ?, ?, ?, ?, ?, ?, ?) {}",
                      on_conflict)));
      insert.bind(0, sha256(secret)).bind(1, name);
      insert.bind(2, json::name(highest(config.roles)));
      insert.bind(3, json::dump(json::to(config.models)));
      insert.bind(4, json::dump(json::to(config.limits))).bind(5, config.expires);
      auto stored = insert.bind(6, format_time(clock_.now())).bind(7, hint_of(secret)).run();
      if (!stored && stored.error().code() == Code::conflict)
        return fail(Code::conflict, "key '{}' exists already, or another has the same secret",
                    name);
      return stored;
    });
  }

  store::Database& database_;
  const Clock& clock_;
  Guarded<std::shared_ptr<const Entries>> entries_{std::make_shared<const Entries>()};
  Guarded<std::map<std::string, Clock::Time>> used_;
};

}  // namespace

std::vector<store::Migration> migrations() {
  return {{.module = "access", .version = 1, .sql = R"(
CREATE TABLE access_keys(
  hash TEXT PRIMARY KEY,          -- "sha256:..." of the secret, which is stored nowhere
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK(role IN ('read', 'write', 'admin')),
  models TEXT NOT NULL,           -- JSON array of names; empty: all
  limits TEXT NOT NULL,           -- JSON object
  expires TEXT NOT NULL,          -- empty: never
  created_at TEXT NOT NULL,
  last_used_at TEXT NOT NULL DEFAULT '',
  hint TEXT NOT NULL              -- first and last characters
) WITHOUT ROWID;
)"}};
}

Result<Rate> parse_rate(std::string_view text) {
  const auto rate = TRY(slipway::parse_rate(text));
  return Rate{rate.count, rate.per};
}

Result<void> Limits::validate() const {
  if (!requests.empty()) TRY(parse_rate(requests).within("requests"));
  if (!tokens.empty()) TRY(parse_rate(tokens).within("tokens"));
  return {};
}

Result<void> KeyConfig::validate() const {
  if (roles.empty())
    return fail(Code::invalid_argument, "roles: name at least one of read, write, admin");
  TRY(limits.validate().within("limits"));
  if (!expires.empty()) TRY(parse_expiry(expires).within("expires"));
  return {};
}

bool Caller::may_use(std::string_view model) const {
  return models.empty() || std::find(models.begin(), models.end(), model) != models.end();
}

Result<std::unique_ptr<Keys>> Keys::open(store::Database& database, const Clock& clock) {
  auto keys = std::make_unique<KeysInDatabase>(database, clock);
  TRY(keys->reload());
  return std::unique_ptr<Keys>(std::move(keys));
}

}  // namespace slipway::access
