#include "trace/detail/faces.hpp"

#include "core/log.hpp"

namespace slipway::trace {

namespace detail {

namespace {

/// The client learns only how to find the log line of what is our fault.
std::string told(const http::Request& request, const Error& error) {
  if (error.code() != Code::internal) return error.message();
  log::error("request {} {} {}: {}", request.id, request.method, request.path, error.message());
  return fmt::format("an error of the server; its log tells more under request '{}'", request.id);
}

}  // namespace

void add_status_headers(http::Response& response) {
  if (response.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  if (response.status == 429 || response.status == 503) response.headers.set("Retry-After", "1");
}

std::string parameter(const http::PathParameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

void Face::intake(http::Router& router, std::string method, std::string pattern,
                  Handler handler) const {
  const auto refuse = [refusal = refusal_](const http::ExchangePtr& exchange, int status,
                                           const std::string& why) {
    exchange->reply(refusal(exchange->request(), status, why));
  };
  router.add(
      std::move(method), std::move(pattern), http::RunOn::edge,
      [services = services_, refuse, handler = std::move(handler)](
          const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
        const auto refuse_error = [refuse](const http::ExchangePtr& one, const Error& error) {
          refuse(one, http_status(error.code()), told(one->request(), error));
        };
        if (const auto admitted = services.admit(exchange->request(), "write"); !admitted)
          return refuse_error(exchange, admitted.error());
        services.intake.take(exchange, refuse,
                             [handler, parameters, refuse_error](const http::ExchangePtr& taken) {
                               auto response = handler(taken, parameters);
                               if (!response) return refuse_error(taken, response.error());
                               taken->reply(*std::move(response));
                             });
      });
}

void Face::serve(http::Router& router, std::string method, std::string pattern, std::string role,
                 Handler handler) const {
  router.add(std::move(method), std::move(pattern), http::RunOn::workers,
             [services = services_, refusal = refusal_, role = std::move(role),
              handler = std::move(handler)](const http::ExchangePtr& exchange,
                                            const http::PathParameters& parameters) {
               const http::Request& request = exchange->request();
               const auto served = [&]() -> Result<http::Response> {
                 if (!role.empty()) TRY(services.admit(request, role));
                 try {
                   return handler(exchange, parameters);
                 } catch (const std::exception& exception) {
                   return fail(Code::internal, "{}", exception.what());
                 }
               };
               auto response = served();
               exchange->reply(response ? *std::move(response)
                                        : refusal(request, http_status(response.error().code()),
                                                  told(request, response.error())));
             });
}

void Face::refuse_below(http::Router& router, std::string prefix) const {
  router.refuse_with(std::move(prefix), [refusal = refusal_](const http::Request& request,
                                                             int status, const std::string& allow) {
    std::string why = "all workers are busy; send this again a little later";
    if (status == 404) why = fmt::format("there is nothing at {}", request.path);
    if (status == 405)
      why = fmt::format("{} takes {}, not {}", request.path, allow, request.method);
    return refusal(request, status, why);
  });
}

}  // namespace detail

namespace {

bool is_otlp_path(std::string_view path) {
  for (const std::string_view prefix : detail::otlp_prefixes)
    if (path.starts_with(prefix)) {
      const std::string_view rest = path.substr(prefix.size());
      if (rest == "/v1/traces" || rest == "/v1/metrics" || rest == "/v1/logs") return true;
      if (rest.empty() && detail::takes_spans(prefix)) return true;
    }
  return false;
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// Of the face at the root, where others have theirs.
constexpr std::string_view root_folders[] = {"/runs",     "/sessions", "/datasets",
                                             "/examples", "/public",   "/v1/platform"};

bool is_langsmith_path(std::string_view path) {
  for (const std::string_view folder : root_folders)
    if (is_below(path, folder)) return true;
  for (const std::string_view prefix : detail::langsmith_prefixes)
    if (is_below(path, prefix)) return true;
  return is_below(path, "/api/v2");
}

}  // namespace

bool is_intake_path(std::string_view path) { return is_otlp_path(path) || is_langsmith_path(path); }

bool is_open_path(std::string_view path) {
  for (const std::string_view prefix : detail::langsmith_prefixes)
    if (is_below(path, prefix)) {
      path.remove_prefix(prefix.size());
      break;
    }
  return path == "/info" || path.starts_with("/public/") || path.starts_with("/attachments/") ||
         path.starts_with("/feedback/tokens/") || path.starts_with("/api/v2/public/");
}

std::optional<http::Response> dialect_refusal(const http::Request& head, int status,
                                              const std::string& why) {
  if (is_otlp_path(head.path)) return detail::otlp_refusal(head, status, why);
  if (is_langsmith_path(head.path)) return detail::langsmith_refusal(head, status, why);
  return std::nullopt;
}

}  // namespace slipway::trace
