// The server and its keys.
#include "app/detail/declarations.hpp"

namespace slipway::app::detail {

void Declarations::declare_serve() {
  CLI::App& app = add(root_, "serve", "Serve API, LLM gateway and web page over HTTP");
  auto o = runs<ServeOptions>(app, &serve);
  app.add_option("--host", o->host, "Address; default 127.0.0.1, any other demands keys")
      ->type_name("ADDRESS");
  add_number(app, "--port", o->port, {0, 65'535}, "Port; default 8700, 0 for any free one");
  finish(app,
         "  slipway serve\n"
         "  slipway serve --host 0.0.0.0 --config deploy/slipway.yaml");
}

void Declarations::declare_keys() {
  CLI::App& group = add_group("keys", "API keys of the server: list, create and revoke",
                              "  slipway keys list\n  slipway keys create web --role write");
  CLI::App& list = add(group, "list", "Every key: role, models, limits, last use");
  runs_alone(list, &keys_list);
  finish(list, "  slipway keys list --json");

  CLI::App& create = add(group, "create", "Make a key; its secret is shown this once");
  auto o = runs<KeyOptions>(create, &keys_create);
  add_argument(create, "NAME", o->name, "What it is called")->required();
  add_choice(create, "--role", o->role, json::names<access::Role>(), "What it may do");
  add_list(create, "--model", o->models, "May use only this model; repeat for more")
      ->type_name("MODEL");
  create.add_option("--expires", o->expires, "Ends at this date or time")->type_name("TIME");
  create.add_option("--requests", o->requests, "Most requests: 100/min")->type_name("RATE");
  create.add_option("--tokens", o->tokens, "Most tokens: 200000/min")->type_name("RATE");
  finish(create,
         "  slipway keys create web --role write --model chat --expires 2027-01-01\n"
         "  slipway keys create ops --role admin");

  CLI::App& revoke = add(group, "revoke", "End a key at once");
  auto name = runs<std::string>(revoke, &keys_revoke);
  add_argument(revoke, "NAME", *name, "The key")->required();
  finish(revoke, "  slipway keys revoke web");
}

}  // namespace slipway::app::detail
