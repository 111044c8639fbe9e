// Who may do what: API keys with roles, models and an end; what a request proves.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "store/database.hpp"

namespace slipway::access {

/// So much in a time: "100/min".
struct Rate {
  double count = 0;
  std::chrono::milliseconds per{60'000};
};
/// A positive number, '/', and one of s, min, h, d. Fails: invalid_argument.
Result<Rate> parse_rate(std::string_view text);

/// What a key may do; each includes the ones before it. `read`: see; `write`: also spend and change
/// documents; `admin`: also settings, keys, deletion of collections.
enum class Role { read, write, admin };
BOOST_DESCRIBE_ENUM(Role, read, write, admin)

/// What one key may take; `models::CallLimits` is what a deployment gives to all of its callers.
struct Limits {
  std::string requests;        ///< "100/min"; /s, /min, /h, /d; empty: none.
  std::string tokens;          ///< "200000/min"
  std::size_t concurrent = 0;  ///< 0: no limit.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(Limits, (), (requests, tokens, concurrent))

/// One entry of `keys:` in slipway.yaml; seeds the database.
struct KeyConfig {
  std::string key;  ///< "env:NAME" or "file:PATH"
  std::vector<Role> roles = {Role::write};
  std::vector<std::string> models;  ///< Empty: all.
  Limits limits;
  std::string expires;  ///< A date or a time; empty: never.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(KeyConfig, (), (key, roles, models, limits, expires))

/// Who asks.
struct Caller {
  std::string name;  ///< Of the key; "local" without keys, "ui" for the page's session.
  Role role = Role::admin;
  std::vector<std::string> models;  ///< Empty: all.
  Limits limits;
  bool may_use(std::string_view model) const;
};

struct KeyInfo {
  std::string name;
  Role role = Role::write;
  std::vector<std::string> models;
  Limits limits;
  std::string expires, created_at, last_used_at;
  std::string hint;  ///< "sk-slip-...f3a9"
};
BOOST_DESCRIBE_STRUCT(KeyInfo, (),
                      (name, role, models, limits, expires, created_at, last_used_at, hint))

std::vector<store::Migration> migrations();

/// The keys of an instance; only their SHA-256 are stored. Safe to use from many threads; `find`
/// touches no database.
class Keys {
 public:
  /// `database` and `clock` must outlive it.
  static Result<std::unique_ptr<Keys>> open(store::Database& database,
                                            const Clock& clock = system_clock());
  virtual ~Keys() = default;

  /// Whose key this is; nothing when it is unknown, revoked or over. Takes as long for a wrong key
  /// as for a right one.
  virtual std::optional<Caller> find(std::string_view secret) = 0;
  virtual bool empty() const = 0;
  /// Adds or changes what the configuration declares; keys it no longer declares stay until
  /// revoked.
  virtual Result<void> seed(const std::map<std::string, KeyConfig>& configured) = 0;
  /// The new secret, shown once. Fails: conflict (the name is taken), invalid_argument.
  virtual Result<std::string> create(const std::string& name, const KeyConfig& config) = 0;
  /// Fails: not_found.
  virtual Result<void> revoke(const std::string& name) = 0;
  /// By name.
  virtual Result<std::vector<KeyInfo>> list() = 0;
  /// Takes over what other processes changed, and stores when keys were used last. For a clock that
  /// ticks every few seconds.
  virtual Result<void> refresh() = 0;
};

}  // namespace slipway::access
