#include "mcp/oauth.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include "core/base64.hpp"
#include "core/hex.hpp"
#include "http/message.hpp"
#include "mcp/detail/hmac.hpp"
#include "mcp/detail/oauth_discovery.hpp"

namespace slipway::mcp {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string form(const Pairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs)
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", http::percent_encode(name),
                        http::percent_encode(value));
  return text;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const auto end = text.find(' ');
    if (end > 0) list.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return list;
}

bool lists(const json::Object& object, std::string_view key, std::string_view word) {
  const auto* list = object.if_contains(key);
  return list && list->is_array() &&
         std::any_of(list->get_array().begin(), list->get_array().end(), [&](const auto& item) {
           return item.is_string() && item.get_string() == word;
         });
}

bool flag(const json::Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_bool() && found->get_bool();
}

/// Who we are to one authorization server.
struct Registration {
  std::string id, secret;
  std::string method;  ///< none, client_secret_basic, client_secret_post
};

class OAuth final : public Authorizer {
 public:
  explicit OAuth(OAuthOptions options)
      : options_(std::move(options)),
        client_(http::Client::make({.timeout = std::chrono::seconds(30),
                                    .body_bytes_max = 1u << 20,
                                    .reach = options_.reach})) {}

  std::string header() override {
    const std::lock_guard lock(mutex_);
    return token_.empty() ? "" : "Bearer " + token_;
  }

  Result<bool> challenged(const Context& context, int status, const std::string& header) override {
    const std::lock_guard lock(mutex_);
    const detail::Challenge challenge = detail::read_challenge(header);
    if (status == 403 && challenge.error != "insufficient_scope") return false;
    if (status == 403 && ++step_ups_ > options_.step_ups_max)
      return fail(Code::forbidden,
                  "the server asked for more scopes more than {} times, last for '{}'",
                  options_.step_ups_max, challenge.scope);
    if (status == 401 && !token_.empty() && !refresh_token_.empty() && refresh(context))
      return true;
    token_.clear();
    auto server = detail::discover_server(context, *client_, options_.url, challenge);
    if (!server) return std::move(server.error()).within("authorizing");
    if (server->issuer != issuer_) {
      // Credentials of one issuer are never shown to another.
      refresh_token_.clear();
      requested_.clear();
      issuer_ = server->issuer;
    }
    server_ = std::move(*server);
    TRY(authorize(context, challenge).within("authorizing"));
    return true;
  }

 private:
  std::string endpoint(std::string_view name) const { return text_of(server_.metadata, name); }

  std::string random_text() const {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes += hex::encode(options_.random.next());
    return base64url(detail::sha256_bytes(bytes));
  }

  Result<Registration> registration(const Context& context) {
    const bool is_preset = !options_.client_id.empty();
    if (const auto found = registrations_.find(issuer_); found != registrations_.end())
      return found->second;
    Registration made;
    if (is_preset) {
      made = {.id = options_.client_id, .secret = options_.client_secret, .method = {}};
    } else if (flag(server_.metadata, "client_id_metadata_document_supported") &&
               !options_.client_metadata_url.empty()) {
      made = {.id = options_.client_metadata_url, .secret = {}, .method = "none"};
    } else if (!endpoint("registration_endpoint").empty()) {
      made = TRY(register_client(context));
    } else {
      return fail(Code::unauthenticated,
                  "'{}' registers no clients; give a client id that it knows", issuer_);
    }
    if (made.method.empty()) made.method = method_for(made);
    registrations_[issuer_] = made;
    return made;
  }

  std::string method_for(const Registration& client) const {
    constexpr std::string_view key = "token_endpoint_auth_methods_supported";
    if (client.secret.empty()) return "none";
    if (!server_.metadata.contains(key) || lists(server_.metadata, key, "client_secret_basic"))
      return "client_secret_basic";
    return lists(server_.metadata, key, "client_secret_post") ? "client_secret_post" : "none";
  }

  Result<Registration> register_client(const Context& context) {
    json::Array grants{"authorization_code"};
    if (wants_refresh()) grants.push_back("refresh_token");
    json::Object body{{"client_name", options_.client_name},
                      {"redirect_uris", json::Array{options_.redirect_uri}},
                      {"grant_types", std::move(grants)},
                      {"response_types", json::Array{"code"}},
                      {"application_type", "native"},
                      {"token_endpoint_auth_method", preferred_method()}};
    const auto response = TRY(client_->send(
        context, {.method = "POST",
                  .url = endpoint("registration_endpoint"),
                  .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                  .body = json::dump(body)}));
    if (response.status != 200 && response.status != 201)
      return fail(Code::unauthenticated, "registering at '{}' failed with status {}", issuer_,
                  response.status);
    const json::Value value = TRY(json::parse(response.body).within("registering"));
    const json::Object none;
    const json::Object& object = value.is_object() ? value.get_object() : none;
    Registration made{.id = text_of(object, "client_id"),
                      .secret = text_of(object, "client_secret"),
                      .method = text_of(object, "token_endpoint_auth_method")};
    if (made.id.empty()) return fail(Code::unauthenticated, "'{}' gave no client_id", issuer_);
    return made;
  }

  std::string preferred_method() const {
    constexpr std::string_view key = "token_endpoint_auth_methods_supported";
    for (const std::string_view method : {"none", "client_secret_basic", "client_secret_post"})
      if (lists(server_.metadata, key, method)) return std::string(method);
    return "client_secret_basic";
  }

  bool wants_refresh() const {
    constexpr std::string_view key = "grant_types_supported";
    return !server_.metadata.contains(key) || lists(server_.metadata, key, "refresh_token");
  }

  /// What was asked for before, and what is demanded now.
  std::vector<std::string> scopes(const detail::Challenge& challenge) const {
    std::vector<std::string> wanted = requested_;
    std::vector<std::string> more = words(challenge.scope);
    if (challenge.scope.empty() && requested_.empty()) more = server_.scopes;
    for (std::string& scope : more)
      if (std::find(wanted.begin(), wanted.end(), scope) == wanted.end())
        wanted.push_back(std::move(scope));
    constexpr std::string_view offline = "offline_access";
    if (!wanted.empty() && options_.visit && lists(server_.metadata, "scopes_supported", offline) &&
        std::find(wanted.begin(), wanted.end(), offline) == wanted.end())
      wanted.emplace_back(offline);
    return wanted;
  }

  Result<void> authorize(const Context& context, const detail::Challenge& challenge) {
    std::vector<std::string> wanted = scopes(challenge);
    const Registration client = TRY(registration(context));
    Pairs grant;
    if (options_.visit) {
      // A server that does not say that it knows PKCE may not be used (MCP, section on codes).
      if (!lists(server_.metadata, "code_challenge_methods_supported", "S256"))
        return fail(Code::unauthenticated, "'{}' does not support PKCE with S256", issuer_);
      const std::string verifier = random_text();
      const std::string code = TRY(visit(context, client, verifier, wanted));
      grant = {{"grant_type", "authorization_code"},
               {"code", code},
               {"redirect_uri", options_.redirect_uri},
               {"code_verifier", verifier}};
    } else {
      grant = {{"grant_type", "client_credentials"}};
      if (!wanted.empty()) grant.emplace_back("scope", fmt::format("{}", fmt::join(wanted, " ")));
    }
    TRY(fetch_token(context, client, std::move(grant)));
    requested_ = std::move(wanted);
    return {};
  }

  Result<std::string> visit(const Context& context, const Registration& client,
                            const std::string& verifier, const std::vector<std::string>& scopes) {
    const std::string state = random_text();
    Pairs query = {{"response_type", "code"},
                   {"client_id", client.id},
                   {"redirect_uri", options_.redirect_uri},
                   {"state", state},
                   {"code_challenge", base64url(detail::sha256_bytes(verifier))},
                   {"code_challenge_method", "S256"},
                   {"resource", server_.resource}};
    if (!scopes.empty()) query.emplace_back("scope", fmt::format("{}", fmt::join(scopes, " ")));
    if (std::find(scopes.begin(), scopes.end(), "offline_access") != scopes.end())
      query.emplace_back("prompt", "consent");
    const std::string place = endpoint("authorization_endpoint");
    const std::string url = TRY(options_.visit(
        context,
        fmt::format("{}{}{}", place, place.find('?') == place.npos ? '?' : '&', form(query))));
    return code_of(url, state);
  }

  Result<std::string> code_of(const std::string& url, const std::string& state) const {
    const auto mark = url.find('?');
    const auto pairs = http::parse_query(mark == url.npos ? std::string_view()
                                                          : std::string_view(url).substr(mark + 1));
    if (!pairs) return fail(Code::unauthenticated, "the browser came back to a broken URL");
    std::map<std::string, std::string> answer(pairs->begin(), pairs->end());
    if (answer["state"] != state)
      return fail(Code::unauthenticated, "the browser came back with another state");
    // Before anything else is believed (RFC 9207): another server's answer is not to be acted on.
    const bool must_say = flag(server_.metadata, "authorization_response_iss_parameter_supported");
    if ((must_say || answer.contains("iss")) && answer["iss"] != server_.issuer)
      return fail(Code::unauthenticated,
                  "the answer is not of issuer '{}' (RFC 9207): it is not used", server_.issuer);
    if (answer.contains("error"))
      return fail(Code::unauthenticated, "'{}' refused: {}", issuer_, answer["error"]);
    if (answer["code"].empty()) return fail(Code::unauthenticated, "'{}' gave no code", issuer_);
    return answer["code"];
  }

  Result<void> fetch_token(const Context& context, const Registration& client, Pairs grant) {
    http::ClientRequest request{.method = "POST",
                                .url = endpoint("token_endpoint"),
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                            {"Accept", "application/json"}},
                                .body = {}};
    grant.emplace_back("resource", server_.resource);
    if (client.method == "client_secret_basic") {
      request.headers["Authorization"] =
          "Basic " + base64(fmt::format("{}:{}", http::percent_encode(client.id),
                                        http::percent_encode(client.secret)));
    } else {
      grant.emplace_back("client_id", client.id);
      if (client.method == "client_secret_post") grant.emplace_back("client_secret", client.secret);
    }
    request.body = form(grant);
    const auto response = TRY(client_->send(context, request));
    const auto value = json::parse(response.body);
    const json::Object none;
    const json::Object& object = value && value->is_object() ? value->get_object() : none;
    if (response.status != 200)
      return fail(Code::unauthenticated, "'{}' gave no token: status {} {}", issuer_,
                  response.status, text_of(object, "error"));
    token_ = text_of(object, "access_token");
    if (std::string fresh = text_of(object, "refresh_token"); !fresh.empty())
      refresh_token_ = std::move(fresh);
    if (token_.empty()) return fail(Code::unauthenticated, "'{}' gave no access_token", issuer_);
    return {};
  }

  bool refresh(const Context& context) {
    const auto client = registration(context);
    if (!client) return false;
    const std::string old = std::exchange(refresh_token_, {});
    return fetch_token(context, *client, {{"grant_type", "refresh_token"}, {"refresh_token", old}})
        .ok();
  }

  const OAuthOptions options_;
  const std::unique_ptr<http::Client> client_;
  std::mutex mutex_;  // Guards what follows.
  detail::AuthorizationServer server_;
  std::string issuer_, token_, refresh_token_;
  std::vector<std::string> requested_;
  std::map<std::string, Registration> registrations_;  ///< By issuer.
  int step_ups_ = 0;
};

}  // namespace

std::shared_ptr<Authorizer> make_oauth(OAuthOptions options) {
  return std::make_shared<OAuth>(std::move(options));
}

}  // namespace slipway::mcp
