#include "mcp/conformance_client.hpp"

#include "core/json.hpp"
#include "mcp/client.hpp"
#include "mcp/oauth.hpp"

namespace slipway::mcp {

namespace {

/// The suite's authorization servers answer at once with a redirect, as after a click.
Result<std::string> follow(const Context& context, const std::string& url) {
  const auto browser = http::Client::make({});
  const auto response = TRY(browser->send(context, {.url = url, .headers = {}, .body = {}}));
  const auto found = response.headers.find("location");
  if (found == response.headers.end())
    return fail(Code::unauthenticated, "the authorization server sent nobody back: status {}",
                response.status);
  return found->second;
}

struct Scenario {
  const Context& context;
  const ConformanceClientOptions& options;
  json::Object given;  ///< The suite's context.

  bool is_modern() const { return options.version >= modern_version; }

  Result<std::unique_ptr<Client>> connect(bool may_ask = false) const {
    std::shared_ptr<Authorizer> authorizer;
    if (options.scenario.starts_with("auth/")) {
      OAuthOptions oauth{
          .url = options.url,
          .reach = http::Reach::anywhere,
          .client_name = "slipway-conformance",
          .redirect_uri = "http://localhost:3000/callback",
          .client_metadata_url = "https://conformance-test.local/client-metadata.json",
          .client_id = text_of(given, "client_id"),
          .client_secret = text_of(given, "client_secret"),
          .visit = &follow};
      if (options.scenario.find("client-credentials") != std::string::npos) oauth.visit = {};
      authorizer = make_oauth(std::move(oauth));
    }
    auto wire = TRY(open_http_wire({.url = options.url,
                                    .reach = http::Reach::anywhere,
                                    .headers = {},
                                    .authorizer = std::move(authorizer)}));
    ClientOptions client{.name = "slipway-conformance",
                         .version = "1",
                         .era = is_modern() ? Era::modern : Era::legacy,
                         .elicit = {},
                         .sample = {},
                         .roots = {},
                         .on_notification = {}};
    if (may_ask)
      client.elicit = [](const json::Object&) -> Result<json::Object> {
        return json::Object{{"action", "accept"}, {"content", json::Object()}};
      };
    return Client::connect(context, std::move(wire), std::move(client));
  }

  /// Lists, then calls every tool that there is with what the suite gives.
  Result<void> call_tools() const {
    const auto client = TRY(connect(true));
    const auto tools = TRY(client->list(context, ListKind::tools));
    if (const auto* calls = given.if_contains("toolCalls"); calls && calls->is_array()) {
      for (const json::Value& call : calls->get_array()) {
        const json::Object& object = call.get_object();
        TRY(client->call_tool(context, text_of(object, "name"), object_of(object, "arguments")));
      }
      return {};
    }
    for (const json::Object& tool : tools)
      TRY(client->call_tool(context, text_of(tool, "name"), {{"a", 2}, {"b", 3}}));
    return {};
  }

  Result<void> list_tools() const {
    const auto client = TRY(connect());
    TRY(client->list(context, ListKind::tools));
    return {};
  }

  /// Everything that a client can ask for, with whatever there is.
  Result<void> use_all() const {
    const auto client = TRY(connect());
    for (const json::Object& tool : TRY(client->list(context, ListKind::tools)))
      TRY(client->call_tool(context, text_of(tool, "name"), {}));
    for (const json::Object& resource : TRY(client->list(context, ListKind::resources)))
      TRY(client->read_resource(context, text_of(resource, "uri")));
    for (const json::Object& prompt : TRY(client->list(context, ListKind::prompts)))
      TRY(client->get_prompt(context, text_of(prompt, "name"), {}));
    return {};
  }

  Result<void> discover() const {
    const auto client = TRY(connect());
    TRY(client->request(context, "server/discover", {}));
    TRY(client->list(context, ListKind::tools));
    return {};
  }

  Result<void> echo_schema() const {
    const auto client = TRY(connect());
    for (const json::Object& tool : TRY(client->list(context, ListKind::tools)))
      if (text_of(tool, "name") == "json_schema_2020_12_tool")
        TRY(client->call_tool(context, "json_schema_echo", {{"schema", tool.at("inputSchema")}}));
    return {};
  }

  Result<void> use_protected() const {
    const auto client = TRY(connect());
    TRY(client->list(context, ListKind::tools));
    TRY(client->call_tool(context, "test-tool", {}));
    return {};
  }

  Result<void> run() const {
    const std::string& name = options.scenario;
    if (name == "auth/pre-registration" || name.find("client-credentials") != name.npos)
      return list_tools();
    if (name.starts_with("auth/")) return use_protected();
    if (name == "request-metadata") return discover();
    if (name == "http-standard-headers") return use_all();
    if (name == "json-schema-ref-no-deref") return list_tools();
    if (name == "json-schema-2020-12-preservation") return echo_schema();
    return call_tools();
  }
};

}  // namespace

Result<void> run_conformance_client(const Context& context,
                                    const ConformanceClientOptions& options) {
  Scenario scenario{.context = context, .options = options, .given = {}};
  if (!options.context.empty()) {
    const json::Value value = TRY(json::parse(options.context).within("MCP_CONFORMANCE_CONTEXT"));
    if (value.is_object()) scenario.given = value.get_object();
  }
  return scenario.run();
}

}  // namespace slipway::mcp
