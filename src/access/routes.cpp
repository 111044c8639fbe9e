#include "access/routes.hpp"

namespace slipway::access {

namespace {

struct KeyPath {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(KeyPath, (), (name))

struct KeyList {
  std::vector<KeyInfo> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(KeyList, (), (items, next_cursor))

struct NewKey {
  std::string name;
  std::vector<Role> roles = {Role::write};
  std::vector<std::string> models;
  Limits limits;
  std::string expires;
  static constexpr std::string_view required[] = {"name"};
  static constexpr std::string_view schema_notes = R"({
    "required": ["name"],
    "properties": {
      "name": {"pattern": "^[A-Za-z0-9._-]{1,100}$"},
      "roles": {"minItems": 1},
      "expires": {"description": "A date or a time (RFC 3339); empty: never.",
                  "examples": ["2027-01-01", "2027-01-01T12:00:00Z"]}}})";
};
BOOST_DESCRIBE_STRUCT(NewKey, (), (name, roles, models, limits, expires))

struct CreatedKey {
  std::string name;
  std::string secret;
};
BOOST_DESCRIBE_STRUCT(CreatedKey, (), (name, secret))

}  // namespace

void mount(http::Api& api, Keys& keys) {
  api.add_tag("keys", "API keys: who may do what.");
  api.get<http::NoParameters, KeyList>(
      "/api/keys",
      {.summary = "List the API keys", .tag = "keys", .role = "admin", .name = "list_keys"},
      [&keys](const http::Call&, const http::NoParameters&) -> Result<KeyList> {
        return KeyList{.items = TRY(keys.list())};
      });
  api.post<http::NoParameters, NewKey, http::Created<CreatedKey>>(
      "/api/keys",
      {.summary = "Make an API key",
       .description = "The secret is in this reply and nowhere else: only its hash is kept.",
       .tag = "keys",
       .role = "admin",
       .name = "create_key",
       .fails = {Code::conflict}},
      [&keys](const http::Call&, const http::NoParameters&,
              const NewKey& key) -> Result<http::Created<CreatedKey>> {
        std::string secret = TRY(keys.create(key.name, {.roles = key.roles,
                                                        .models = key.models,
                                                        .limits = key.limits,
                                                        .expires = key.expires}));
        return http::Created<CreatedKey>{{key.name, std::move(secret)}, "/api/keys/" + key.name};
      });
  api.remove<KeyPath, http::NoContent>(
      "/api/keys/{name}",
      {.summary = "End a key at once",
       .tag = "keys",
       .role = "admin",
       .name = "revoke_key",
       .fails = {Code::not_found}},
      [&keys](const http::Call&, const KeyPath& path) -> Result<http::NoContent> {
        TRY(keys.revoke(path.name));
        return http::NoContent{};
      });
}

}  // namespace slipway::access
