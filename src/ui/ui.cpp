#include "ui/ui.hpp"

#include "core/json.hpp"
#include "http/problem.hpp"
#include "ui/detail/pages.hpp"

namespace slipway::ui {

namespace {

/// Paths that the page draws itself; below them, too ("/collections/handbook").
constexpr std::string_view page_paths[] = {
    "/ask",      "/search",     "/collections", "/models", "/keys",
    "/settings", "/receipts",   "/traces",      "/costs",  "/budgets",
    "/prompts",  "/playground", "/evaluations", "/agents", "/review"};

struct SignIn {
  std::string key;
  static constexpr std::string_view required[] = {"key"};
};
BOOST_DESCRIBE_STRUCT(SignIn, (), (key))

http::Response problem(const Error& error, const http::Request& request) {
  http::Response response = http::to_response(http::problem_of(error, request));
  response.headers.set("Cache-Control", "no-store");
  // The page asks for the key itself; a browser's own dialog would stand in front of it.
  response.headers.remove("WWW-Authenticate");
  return response;
}

http::Response no_content(std::string cookie) {
  return {.status = 204,
          .headers = {{"Set-Cookie", std::move(cookie)}, {"Cache-Control", "no-store"}},
          .body = {}};
}

/// Nothing is there. Whoever reads HTML gets the page, which says so and leads on.
http::Response refuse(const http::Request& request, int status, const std::string& allow) {
  const bool reads_html = (request.method == "GET" || request.method == "HEAD") &&
                          request.headers.get("accept").find("text/html") != std::string_view::npos;
  if (status == 404 && reads_html) {
    http::Request anew = request;
    anew.headers.remove("If-None-Match");  // The page, and not that it is known.
    http::Response page = serve_asset(anew, "/");
    if (page.status == 200) page.status = 404;
    page.headers.remove("ETag");
    return page;
  }
  std::string detail = "the server is busy; try again soon";
  if (status == 404) detail = fmt::format("there is nothing at {}", request.path);
  if (status == 405) detail = fmt::format("{} is not one of: {}", request.method, allow);
  return http::to_response(http::problem_of(status, std::move(detail), request));
}

Result<http::Response> who(const Options& options, const http::Request& request) {
  json::Object answer{{"version", options.version}, {"caller", nullptr}};
  const auto caller = options.who(request);
  if (caller)
    answer["caller"] = {{"name", caller->name},
                        {"role", json::name(caller->role)},
                        {"is_session", options.door->caller(request).has_value()}};
  else if (caller.error().code() != Code::unauthenticated)
    return caller.error();
  return http::Response{
      .status = 200,
      .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
      .body = json::dump(answer)};
}

Result<http::Response> sign_in(const Options& options, const http::Request& request) {
  // Form posts, which any page can send, are never of this type.
  if (!request.headers.get("content-type").starts_with("application/json"))
    return fail(Code::invalid_argument, "content-type: '{}' is not application/json",
                request.headers.get("content-type"));
  const auto body = TRY(json::from<SignIn>(TRY(json::parse(request.body))));
  return no_content(TRY(options.door->sign_in(request, body.key)));
}

Result<http::Response> sign_out(const Options& options, const http::Request& request) {
  return no_content(TRY(options.door->sign_out(request)));
}

}  // namespace

bool is_public(std::string_view path) {
  if (path == "/" || path == "/ui/session" || path.starts_with("/assets/")) return true;
  for (const std::string_view own : page_paths)
    if (path == own || (path.starts_with(own) && path[own.size()] == '/')) return true;
  return false;
}

void mount(http::Router& router, Options options) {
  const auto shared = std::make_shared<const Options>(std::move(options));
  router.refuse_with("", refuse);
  const auto serve = [](const http::ExchangePtr& exchange, const http::PathParameters&) {
    exchange->reply(serve_asset(exchange->request(), "/"));
  };
  router.add("GET", "/", http::RunOn::edge, serve);
  for (const std::string_view path : page_paths)
    router.add("GET", std::string(path) + "/{rest...}", http::RunOn::edge, serve);
  router.add("GET", "/assets/{name...}", http::RunOn::edge,
             [](const http::ExchangePtr& exchange, const http::PathParameters&) {
               exchange->reply(serve_asset(exchange->request(), exchange->request().path));
             });
  const auto answer = [&](const char* method, auto handle) {
    router.add(method, "/ui/session", http::RunOn::edge,
               [shared, handle](const http::ExchangePtr& exchange, const http::PathParameters&) {
                 auto response = handle(*shared, exchange->request());
                 exchange->reply(response ? *std::move(response)
                                          : problem(response.error(), exchange->request()));
               });
  };
  answer("GET", who);
  answer("POST", sign_in);
  answer("DELETE", sign_out);
}

}  // namespace slipway::ui
