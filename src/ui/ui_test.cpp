#include "ui/ui.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/json.hpp"
#include "http/fake_exchange.hpp"
#include "ui/detail/assets.hpp"
#include "ui/detail/pages.hpp"

using namespace slipway;
using namespace slipway::ui;

namespace {

class Site {
 public:
  Site() {
    ui::mount(router_, {.door = door_,
                        .who = [this](const http::Request& request) -> Result<access::Caller> {
                          if (stranger) return fail(Code::forbidden, "another site's page");
                          if (auto caller = door_->caller(request)) return *std::move(caller);
                          if (needs_key) return fail(Code::unauthenticated, "a key is needed");
                          return access::Caller{.name = "local"};
                        },
                        .version = "1.2.3"});
  }

  http::Response ask(std::string method, std::string target, http::Headers headers = {},
                     std::string body = {}) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.body = std::move(body);
    const auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router_.dispatch(exchange);
    return exchange->response();
  }

  bool needs_key = false, stranger = false;

 private:
  Pool pool_{{.threads = 1}};
  http::Router router_{pool_};
  std::shared_ptr<Door> door_ = std::make_shared<Door>(
      Door::Options{.find_key = [](std::string_view key) -> std::optional<access::Caller> {
        if (key != "sk-good") return std::nullopt;
        return access::Caller{.name = "ada", .role = access::Role::write};
      }});
};

const Asset& asset_of(std::string_view type) {
  for (const Asset& asset : assets())
    if (asset.media_type.starts_with(type)) return asset;
  FAIL("no such asset");
  return assets().front();
}

}  // namespace

TEST_CASE("the page and its own paths are the same file, with a strict content policy") {
  Site site;
  for (const char* path :
       {"/", "/ask", "/search", "/collections", "/collections/hand%20book", "/models", "/settings",
        "/receipts/rcp_1", "/traces", "/traces/8f3a", "/costs", "/budgets", "/prompts",
        "/playground", "/evaluations", "/evaluations/compare", "/agents", "/review", "/review/1"}) {
    CAPTURE(path);
    const auto page = site.ask("GET", path);
    CHECK(page.status == 200);
    CHECK(page.headers.get("content-type") == "text/html; charset=utf-8");
    CHECK(page.headers.get("cache-control") == "no-cache");
    CHECK(page.headers.get("x-content-type-options") == "nosniff");
    CHECK(page.headers.get("referrer-policy") == "no-referrer");
    const std::string policy(page.headers.get("content-security-policy"));
    CHECK(policy.starts_with("default-src 'none'; "));
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(page.body == asset_of("text/html").plain);
    CHECK(is_public(path));
  }
}

TEST_CASE("paths of others are not the page's") {
  Site site;
  for (const char* path : {"/api/search", "/v1/models", "/searches", "/collectionsx", "/ui", "/x",
                           "/index.html", "/docs", "/metrics"}) {
    CAPTURE(path);
    CHECK_FALSE(is_public(path));
    CHECK(site.ask("GET", path).status == 404);
  }
  CHECK(site.ask("POST", "/").status == 405);
}

TEST_CASE("a browser at a wrong address gets the page, which says so; a program gets a problem") {
  Site site;
  const http::Headers browser{{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"},
                              {"If-None-Match", "*"}};
  const auto page = site.ask("GET", "/nothing/here", browser);
  CHECK(page.status == 404);
  CHECK(page.body == asset_of("text/html").plain);
  CHECK_FALSE(page.headers.find("ETag"));
  const auto problem = site.ask("GET", "/nothing", {{"Accept", "*/*"}});
  CHECK(problem.status == 404);
  CHECK(problem.headers.get("content-type") == "application/problem+json");
  CHECK(problem.body.find("there is nothing at /nothing") != std::string::npos);
  CHECK(site.ask("POST", "/nothing", browser).body.find("there is nothing") != std::string::npos);
}

TEST_CASE("the page loads only files that are there, and nothing inline or from elsewhere") {
  Site site;
  const std::string html(asset_of("text/html").plain);
  for (std::size_t at = html.find("/assets/"); at != std::string::npos;
       at = html.find("/assets/", at + 1)) {
    const auto file = site.ask("GET", html.substr(at, html.find('"', at) - at));
    CHECK(file.status == 200);
    CHECK(file.headers.get("cache-control") == "public, max-age=31536000, immutable");
    CHECK(file.headers.get("x-content-type-options") == "nosniff");
  }
  for (const char* banned : {"http://", "https://", "<style", "style=", "onload=", "{{"})
    CHECK(html.find(banned) == std::string::npos);
  CHECK(html.find("<script>") == std::string::npos);
}

TEST_CASE("every file is named by the page or by another file: those of pages that open later") {
  int later = 0;
  for (const Asset& asset : assets()) {
    if (asset.path == "/") continue;
    CAPTURE(asset.path);
    const std::string_view name = asset.path.substr(asset.path.rfind('/') + 1);
    const bool is_first = asset_of("text/html").plain.find(name) != std::string_view::npos;
    const bool is_named =
        is_first || std::any_of(assets().begin(), assets().end(), [&](const Asset& other) {
          return &other != &asset && other.plain.find(name) != std::string_view::npos;
        });
    CHECK(is_named);
    later += is_first ? 0 : 1;
  }
  CHECK(later > 0);
}

TEST_CASE("a file's name is bound to its bytes, so another name is not found") {
  Site site;
  const std::string path(asset_of("text/javascript").path);
  CHECK(path.find(asset_of("text/javascript").hash) != std::string::npos);
  for (const std::string& wrong : {path + "x", std::string("/assets/"), std::string("/assets/a/b"),
                                   std::string("/assets/..%2f..%2fetc%2fpasswd")})
    CHECK(site.ask("GET", wrong).status == 404);
}

TEST_CASE("files are sent as the client takes them, each form with its own tag") {
  Site site;
  const Asset& script = asset_of("text/javascript");
  const std::string path(script.path);
  const auto plain = site.ask("GET", path);
  const auto gzip = site.ask("GET", path, {{"Accept-Encoding", "gzip"}});
  const auto brotli = site.ask("GET", path, {{"Accept-Encoding", "gzip, deflate, br"}});
  CHECK(plain.body == script.plain);
  CHECK_FALSE(plain.headers.find("content-encoding"));
  CHECK(gzip.headers.get("content-encoding") == "gzip");
  CHECK(gzip.body.starts_with("\x1f\x8b"));
  CHECK(brotli.headers.get("content-encoding") == "br");
  CHECK(brotli.body.size() < gzip.body.size());
  CHECK(gzip.body.size() < plain.body.size());
  CHECK(gzip.headers.get("vary") == "Accept-Encoding");
  CHECK(gzip.headers.get("etag") != plain.headers.get("etag"));
  CHECK(gzip.headers.get("etag") != brotli.headers.get("etag"));
  const auto again = site.ask(
      "GET", path,
      {{"Accept-Encoding", "gzip"}, {"If-None-Match", std::string(gzip.headers.get("etag"))}});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
}

TEST_CASE("the wish for an encoding is read as RFC 9110 says") {
  CHECK(choose_encoding("") == Encoding::plain);
  CHECK(choose_encoding("identity") == Encoding::plain);
  CHECK(choose_encoding("gzip") == Encoding::gzip);
  CHECK(choose_encoding("br;q=0.5, gzip;q=0.9") == Encoding::gzip);
  CHECK(choose_encoding("gzip;q=0") == Encoding::plain);
  CHECK(choose_encoding("*") == Encoding::brotli);
  CHECK(choose_encoding("*;q=0.5, br;q=0") == Encoding::gzip);
  CHECK(choose_encoding(" , ;q=, gzip;q=nonsense,") == Encoding::plain);
  CHECK(matches_tag("\"a\", W/\"b\"", "\"b\""));
  CHECK(matches_tag("*", "\"b\""));
  CHECK_FALSE(matches_tag("\"a\",", "\"b\""));
}

TEST_CASE("the page hears who is there: local, a session, or nobody yet") {
  Site site;
  auto told = json::parse(site.ask("GET", "/ui/session").body);
  CHECK(told->at("version") == "1.2.3");
  CHECK(told->at("caller").at("name") == "local");
  CHECK(told->at("caller").at("is_session") == false);
  site.needs_key = true;
  const auto nobody = site.ask("GET", "/ui/session");
  CHECK(nobody.status == 200);
  CHECK(nobody.headers.get("cache-control") == "no-store");
  CHECK(json::parse(nobody.body)->at("caller").is_null());
  site.stranger = true;
  CHECK(site.ask("GET", "/ui/session").status == 403);
}

TEST_CASE("a key is exchanged for a cookie, used, and given back") {
  Site site;
  site.needs_key = true;
  const http::Headers from_page = {{"Content-Type", "application/json"}, {"X-Slipway-UI", "1"}};
  const auto in = site.ask("POST", "/ui/session", from_page, R"({"key": "sk-good"})");
  REQUIRE(in.status == 204);
  const std::string set(in.headers.get("set-cookie"));
  const std::string cookie = set.substr(0, set.find(';'));
  const auto told = json::parse(site.ask("GET", "/ui/session", {{"Cookie", cookie}}).body);
  CHECK(told->at("caller").at("name") == "ada");
  CHECK(told->at("caller").at("role") == "write");
  CHECK(told->at("caller").at("is_session") == true);
  const http::Headers out = {{"Cookie", cookie}, {"X-Slipway-UI", "1"}};
  CHECK(site.ask("DELETE", "/ui/session", out).status == 204);
  CHECK(json::parse(site.ask("GET", "/ui/session", {{"Cookie", cookie}}).body)
            ->at("caller")
            .is_null());
}

TEST_CASE("signing in is refused with a problem that says why") {
  Site site;
  const auto status = [&](const char* type, const char* mark, const char* body) {
    const auto answer =
        site.ask("POST", "/ui/session", {{"Content-Type", type}, {"X-Slipway-UI", mark}}, body);
    CHECK(answer.headers.get("content-type") == "application/problem+json");
    CHECK_FALSE(answer.headers.find("www-authenticate"));
    CHECK_FALSE(answer.headers.find("set-cookie"));
    CHECK_FALSE(json::parse(answer.body)->at("detail").as_string().empty());
    return answer.status;
  };
  CHECK(status("application/json", "1", R"({"key": "sk-wrong"})") == 401);
  CHECK(status("application/json", "", R"({"key": "sk-good"})") == 403);
  CHECK(status("text/plain", "1", R"({"key": "sk-good"})") == 400);
  CHECK(status("application/json", "1", "") == 400);
  CHECK(status("application/json", "1", R"({"key": 5})") == 400);
  CHECK(status("application/json", "1", "{}") == 400);
}
