#include "langgraph/mount.hpp"

#include "core/log.hpp"
#include "langgraph/detail/routes.hpp"

namespace slipway::langgraph {

namespace detail {

namespace {

/// What is wrong with a body is 422 here, what the agent makes of it 400.
int status_of(Code code) {
  if (code == Code::invalid_argument) return 422;
  if (code == Code::unsupported) return 400;
  return http_status(code);
}

http::Response told(int status, const std::string& why) {
  http::Response response = json_response(Value::map({{"detail", why}}), status);
  if (status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  if (status == 429 || status == 503) response.headers.set("Retry-After", "1");
  return response;
}

Result<http::Response> ok(const Asked&) {
  return json_response(Value::map({{"ok", true}, {"services", Value::map()}}));
}

Result<http::Response> info(const Asked& asked) {
  return json_response(Value::map({{"version", asked.core.version()},
                                   {"langgraph_py_version", Value()},
                                   {"flags", Value::map({{"assistants", true},
                                                         {"crons", true},
                                                         {"langsmith", false},
                                                         {"langsmith_tracing_replicas", false},
                                                         {"strict_resume", true}})},
                                   {"host", Value::map({{"kind", "self-hosted"},
                                                        {"project_id", Value()},
                                                        {"host_revision_id", Value()},
                                                        {"revision_id", Value()},
                                                        {"tenant_id", Value()}})}}));
}

}  // namespace

std::string Asked::part(std::string_view name) const {
  const auto found = path.find(name);
  return found == path.end() ? std::string() : found->second;
}

http::Response json_response(const Value& value, int status) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = agents::dump(value)};
}

http::Response empty_response(int status) {
  return {.status = status, .headers = {{"Cache-Control", "no-store"}}, .body = {}};
}

http::Response error_response(const http::Request& request, const Error& error) {
  if (error.code() != Code::internal) return told(status_of(error.code()), error.message());
  log::error("request {} {} {}: {}", request.id, request.method, request.path, error.message());
  return told(500, fmt::format("an error of the server; its log tells more under request '{}'",
                               request.id));
}

Routes::Routes(http::Router& router, std::shared_ptr<Keeper> keeper, Admit admit)
    : router_(router),
      core_(std::static_pointer_cast<Core>(std::move(keeper))),
      admit_(std::move(admit)) {}

void Routes::serve(const char* method, const char* path, const char* role, Serve serve) const {
  router_.add(method, std::string(face_prefix) + path, http::RunOn::workers,
              [core = core_, admit = admit_, role = std::string(role), serve](
                  const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
                const auto served = [&]() -> Result<http::Response> {
                  if (!role.empty()) {
                    TRY(admit(exchange->request(), role));
                    core->begin_looking();
                  }
                  try {
                    return serve({*core, exchange, parameters, exchange->context()});
                  } catch (const std::exception& exception) {
                    return fail(Code::internal, "{}", exception.what());
                  }
                };
                auto response = served();
                exchange->reply(response ? *std::move(response)
                                         : error_response(exchange->request(), response.error()));
              });
}

void Routes::wait(const char* method, const char* path, const char* role, Serve serve) const {
  add(method, path, role, [serve](const Asked& asked) {
    auto response = serve(asked);
    asked.exchange->reply(response ? *std::move(response)
                                   : error_response(asked.request(), response.error()));
  });
}

void Routes::follow(const char* method, const char* path, const char* role, Follow follow) const {
  add(method, path, role, [follow](const Asked& asked) {
    if (const auto followed = follow(asked); !followed)
      asked.exchange->reply(error_response(asked.request(), followed.error()));
  });
}

void Routes::add(const char* method, const char* path, const char* role, Act act) const {
  router_.add(method, std::string(face_prefix) + path, http::RunOn::edge,
              [core = core_, admit = admit_, role = std::string(role), act = std::move(act)](
                  const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
                const auto refuse = [exchange](const Error& error) {
                  exchange->reply(error_response(exchange->request(), error));
                };
                if (const auto admitted = admit(exchange->request(), role); !admitted)
                  return refuse(admitted.error());
                core->begin_looking();
                const auto queued = core->followers().try_submit(
                    [core = core.get(), exchange, parameters, act, refuse] {
                      std::stop_source stop;
                      const auto end = [&stop] { stop.request_stop(); };
                      const std::stop_callback gone(exchange->context().stop(), end);
                      const std::stop_callback over(core->waiting(), end);
                      const Context context = exchange->context().with_stop(stop.get_token());
                      try {
                        act({*core, exchange, parameters, context});
                      } catch (const std::exception& exception) {
                        log::error("request {}: {}", exchange->request().id, exception.what());
                        exchange->abort();
                      }
                    });
                if (!queued) refuse(queued.error());
              });
}

}  // namespace detail

void mount(http::Router& router, const std::shared_ptr<Keeper>& keeper, const Admit& admit) {
  const detail::Routes routes(router, keeper, admit);
  routes.serve("GET", "/ok", "", detail::ok);
  routes.serve("GET", "/info", "", detail::info);
  detail::mount_assistants(routes);
  detail::mount_threads(routes);
  detail::mount_states(routes);
  detail::mount_runs(routes);
  detail::mount_crons(routes);
  detail::mount_streams(routes);
  detail::mount_live(routes);
  detail::mount_store(routes);
  router.refuse_with(std::string(detail::face_prefix),
                     [](const http::Request& request, int status, const std::string& allow) {
                       std::string why = "all workers are busy; send this again a little later";
                       if (status == 404)
                         why = fmt::format("Not Found: there is nothing at {}", request.path);
                       if (status == 405)
                         why = fmt::format("Method Not Allowed: {} takes {}", request.path, allow);
                       http::Response response = detail::told(status, why);
                       if (status == 405) response.headers.set("Allow", allow);
                       return response;
                     });
}

bool is_face_path(std::string_view path) {
  return path.starts_with(detail::face_prefix) &&
         (path.size() == detail::face_prefix.size() || path[detail::face_prefix.size()] == '/');
}

bool is_open_path(std::string_view path) {
  return path == "/langgraph/ok" || path == "/langgraph/info";
}

std::optional<http::Response> refusal(const http::Request& head, int status,
                                      const std::string& why) {
  if (!is_face_path(head.path)) return std::nullopt;
  return detail::told(status, why);
}

}  // namespace slipway::langgraph
