#include "app/detail/server_door.hpp"

#include <cstdlib>

#include "core/json.hpp"
#include "core/secret.hpp"

namespace slipway::app::detail {

namespace {

constexpr const char* key_variable = "SLIPWAY_API_KEY";

Code code_of(int status) {
  constexpr int bad_request = 400, not_found = 404, unprocessable = 422;
  if (status == not_found) return Code::not_found;
  return status == bad_request || status == unprocessable ? Code::invalid_argument
                                                          : Code::unavailable;
}

}  // namespace

Result<ServerDoor> ServerDoor::open(std::string url, const std::string& key) {
  while (url.ends_with('/')) url.pop_back();
  std::string secret;
  if (!key.empty())
    secret = TRY(resolve_secret("--key", key));
  else if (const char* variable = std::getenv(key_variable))
    secret = variable;
  return ServerDoor(std::move(url), std::move(secret));
}

Result<std::string> ServerDoor::get(const Context& context, const std::string& target) const {
  return send(context, {.url = url_ + target});
}

Result<std::string> ServerDoor::post(const Context& context, const std::string& target,
                                     std::string json) const {
  http::ClientRequest request{.method = "POST", .url = url_ + target};
  request.headers["Content-Type"] = "application/json";
  request.body = std::move(json);
  return send(context, std::move(request));
}

Result<std::string> ServerDoor::send(const Context& context, http::ClientRequest request) const {
  if (!key_.empty()) request.headers["Authorization"] = "Bearer " + key_;
  auto response = TRY(client_->send(context, request));
  constexpr int ok = 200, created = 201;
  if (response.status == ok || response.status == created) return std::move(response.body);
  const auto problem = json::parse(response.body);
  const json::Object* object = problem ? problem->if_object() : nullptr;
  const json::Value* told = object != nullptr ? object->if_contains("detail") : nullptr;
  const std::string why = told != nullptr && told->is_string()
                              ? std::string(told->get_string())
                              : std::string("it is no Slipway, or an older one");
  return fail(code_of(response.status), "{} answered with status {}: {}", http::redact_url(url_),
              response.status, why);
}

}  // namespace slipway::app::detail
