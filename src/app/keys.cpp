#include "app/commands.hpp"
#include "app/render.hpp"

namespace slipway::app {

namespace {

Result<std::unique_ptr<access::Keys>> open_keys(App& app, DataFolder data) {
  return access::Keys::open(*TRY(app.database(data)));
}

}  // namespace

Result<int> keys_list(App& app) {
  const auto keys = TRY(open_keys(app, DataFolder::must_exist));
  const auto infos = TRY(keys->list());
  if (app.options().json) {
    app.print_json(json::Object{{"items", json::to(infos)}, {"next_cursor", nullptr}});
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const access::KeyInfo& info : infos)
    rows.push_back({info.name, std::string(json::name(info.role)),
                    info.models.empty() ? "all" : fmt::format("{}", fmt::join(info.models, ", ")),
                    info.expires.empty() ? "never" : info.expires,
                    info.last_used_at.empty() ? "never" : info.last_used_at, info.hint});
  app.print(
      rows.empty()
          ? "No keys: the server answers this machine only. 'slipway keys create' makes one.\n"
          : format_table({"NAME", "ROLE", "MODELS", "EXPIRES", "LAST USED", "KEY"}, rows));
  return exit_done;
}

Result<int> keys_create(App& app, const KeyOptions& options) {
  access::KeyConfig config;
  config.models = options.models;
  config.limits.requests = options.requests;
  config.limits.tokens = options.tokens;
  config.expires = options.expires;
  config.roles.assign(1, TRY(json::from<access::Role>(json::Value(options.role))));
  const auto keys = TRY(open_keys(app, DataFolder::may_be_made));
  const std::string secret = TRY(keys->create(options.name, config));
  if (app.options().json) {
    app.print_json(json::Object{{"name", options.name}, {"secret", secret}});
    return exit_done;
  }
  app.note("This is the only time that the key is shown; only its hash is kept.");
  app.print(secret + "\n");
  return exit_done;
}

Result<int> keys_revoke(App& app, const std::string& name) {
  const auto keys = TRY(open_keys(app, DataFolder::must_exist));
  TRY(keys->revoke(name));
  app.note(fmt::format("Key '{}' is revoked.", name));
  return exit_done;
}

}  // namespace slipway::app
