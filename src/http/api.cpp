#include "http/api.hpp"

#include "core/log.hpp"
#include "http/detail/api_state.hpp"
#include "http/detail/docs_page.hpp"
#include "http/detail/media_type.hpp"

namespace slipway::http {

namespace {

constexpr std::string_view json_type = "application/json";

/// The client learns only how to find the log line.
Error hidden(const Request& request, std::string_view what) {
  log::error("request {} {} {}: {}", request.id, request.method, request.path, what);
  return fail(Code::internal, "an error of the server; its log tells more under request '{}'",
              request.id);
}

/// 415, or nothing when the body's type is one that the route takes.
std::optional<Problem> type_problem(const detail::Route& route, const Request& request) {
  if (route.body_of(route.kind_of(request)) != nullptr) return std::nullopt;
  const std::string_view given = request.headers.get("Content-Type");
  std::string wanted;
  for (const detail::BodyNote& body : route.bodies) {
    if (body.kind == detail::BodyKind::none) continue;
    wanted += wanted.empty() ? "" : " or ";
    wanted += body.kind == detail::BodyKind::json   ? json_type
              : body.kind == detail::BodyKind::form ? "multipart/form-data"
                                                    : "application/yaml";
  }
  if (wanted.empty())
    return problem_of(std::vector<Issue>{{"/body", "this route takes no body"}}, request);
  return problem_of(415,
                    fmt::format("Content-Type: {} is wanted, {}", wanted,
                                given.empty() ? std::string("none is given")
                                              : "got '" + std::string(given.substr(0, 100)) + "'"),
                    request);
}

/// 406, or nothing when the client takes one of the replies.
std::optional<Problem> accept_problem(const detail::Route& route, const Request& request) {
  std::string accept(request.headers.get("Accept"));
  std::string offered;
  for (const detail::ReplyNote& reply : route.replies) {
    if (reply.media_type.empty() || reply.media_type == "*/*" ||
        detail::accepts(accept, reply.media_type))
      return std::nullopt;
    offered += (offered.empty() ? "" : ", ") + reply.media_type;
  }
  return problem_of(
      406, fmt::format("Accept: '{}' has none of: {}", accept.substr(0, 100), offered), request);
}

std::optional<Problem> admission_problem(const Api::Options& options, const detail::Route& route,
                                         const Request& request) {
  if (route.notes.role.empty() || !options.admit) return std::nullopt;
  const auto admitted = options.admit(request, route.notes.role);
  if (admitted) return std::nullopt;
  return problem_of(admitted.error(), request);
}

detail::Served call_handler(const Call& call, const PathParameters& path,
                            const detail::Route& route) {
  try {
    return route.serve(call, path, route);
  } catch (const std::exception& exception) {
    return hidden(call.request(), exception.what());
  }
}

bool is_telling(Code code) { return code != Code::internal; }

void answer_failure(const Call& call, Error error) {
  if (!is_telling(error.code())) error = hidden(call.request(), error.message());
  if (call.has_events()) return call.events().fail(error);
  call.exchange()->reply(to_response(problem_of(error, call.request())));
}

void answer_issues(const Call& call, std::vector<Issue> issues) {
  call.exchange()->reply(to_response(problem_of(std::move(issues), call.request())));
}

/// What of an answer is not as the document says, or empty.
std::string reply_fault(const detail::Route& route, const detail::Outgoing& outgoing,
                        const json::Object& components) {
  for (const detail::ReplyNote& reply : route.replies) {
    if (reply.status != outgoing.status) continue;
    if (reply.media_type != json_type) return "";
    const auto value = json::parse(outgoing.body);
    if (!value) return value.error().message();
    const auto issues = validate(*value, reply.schema, components, "/reply");
    if (!issues.empty()) return issues.front().path + ": " + issues.front().message;
    return "";
  }
  return fmt::format("status {} is not declared", outgoing.status);
}

Response redirect(std::string where) {
  return {.status = 308, .headers = {{"Location", std::move(where)}}};
}

/// A page of ours needs nothing from elsewhere, and nobody may frame it.
Response page(std::string media_type, std::string_view body) {
  return {.status = 200,
          .headers = {{"Content-Type", std::move(media_type)},
                      {"Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                       "'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; "
                       "base-uri 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cache-Control", "no-cache"}},
          .body = std::string(body)};
}

}  // namespace

namespace detail {

const BodyNote* Route::body_of(BodyKind kind) const {
  for (const BodyNote& body : bodies)
    if (body.kind == kind) return &body;
  return nullptr;
}

void ReplyOf<Bytes>::write(Bytes reply, Outgoing& outgoing) {
  outgoing.headers.set("Content-Type", reply.media_type);
  // They are foreign bytes: a browser must neither guess their type nor run what is in them.
  outgoing.headers.set("X-Content-Type-Options", "nosniff");
  outgoing.headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  if (!reply.file_name.empty())
    outgoing.headers.set("Content-Disposition",
                         "inline; filename*=UTF-8''" + percent_encode(reply.file_name));
  outgoing.body = std::move(reply.bytes);
}

void serve(const ApiState& state, const Route& route, const ExchangePtr& exchange,
           const PathParameters& path) {
  const Request& request = exchange->request();
  for (const auto& refused : {admission_problem(state.options, route, request),
                              type_problem(route, request), accept_problem(route, request)})
    if (refused) return exchange->reply(to_response(*refused));
  const Call call(exchange);
  Served served = call_handler(call, path, route);
  if (auto* error = std::get_if<Error>(&served)) return answer_failure(call, std::move(*error));
  if (auto* issues = std::get_if<std::vector<Issue>>(&served))
    return answer_issues(call, std::move(*issues));
  auto& outgoing = std::get<Outgoing>(served);
  if (outgoing.is_streamed) return;
  if (state.options.checks_replies) {
    const std::string fault = reply_fault(route, outgoing, state.schemas.components());
    if (!fault.empty()) return answer_failure(call, fail(Code::internal, "{}", fault));
  }
  exchange->reply({outgoing.status, std::move(outgoing.headers), std::move(outgoing.body)});
}

}  // namespace detail

struct Api::State : detail::ApiState {
  explicit State(Router& given) : router(given) {}
  Router& router;
};

Api::Api(Router& router, Options options) : state_(std::make_shared<State>(router)) {
  state_->options = std::move(options);
  router.refuse_with(state_->options.prefix,
                     [](const Request& request, int status, const std::string& allow) {
                       std::string detail;
                       if (status == 404)
                         detail = fmt::format("there is nothing at {}", request.path);
                       else if (status == 405)
                         detail = fmt::format("{} is not one of: {}", request.method, allow);
                       else
                         detail = "the server is busy; try again soon";
                       return to_response(problem_of(status, std::move(detail), request));
                     });
}

Schemas& Api::schemas() { return state_->schemas; }
const json::Object& Api::components_of(const State& state) { return state.schemas.components(); }
const UploadLimits& Api::limits_of(const State& state) { return state.options.upload; }

void Api::declare(detail::Route route) {
  auto shared = std::make_shared<const detail::Route>(std::move(route));
  state_->routes.push_back(shared);
  state_->router.add(
      shared->method, shared->pattern, RunOn::workers,
      [state = state_, shared](const ExchangePtr& exchange, const PathParameters& path) {
        detail::serve(*state, *shared, exchange, path);
      });
}

void Api::add_schema(std::string name, json::Object schema) {
  state_->schemas.add(std::move(name), std::move(schema));
}

void Api::add_tag(std::string name, std::string description) {
  state_->tags.emplace_back(std::move(name), std::move(description));
}

json::Value Api::document() const { return detail::openapi_document(*state_); }

void Api::publish() {
  const auto add = [&](const char* path, Response response) {
    state_->router.add(
        "GET", path, RunOn::edge,
        [response = std::move(response)](const ExchangePtr& exchange, const PathParameters&) {
          exchange->reply(response);
        });
  };
  add("/openapi.json",
      {.status = 200,
       .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache"}},
       .body = json::dump(document())});
  add("/docs", page("text/html; charset=utf-8", detail::docs_html()));
  add("/docs/", redirect("/docs"));
  add("/docs/docs.js", page("text/javascript; charset=utf-8", detail::docs_script()));
  add("/docs/docs.css", page("text/css; charset=utf-8", detail::docs_style()));
}

bool Call::wants_events() const {
  return detail::names(request().headers.get("Accept"), "text/event-stream");
}

}  // namespace slipway::http
