// Calls of an upstream that a test waits for.
#pragma once

#include <optional>
#include <string>

#include "http/detail/serve_for_tests.hpp"
#include "http/upstream.hpp"

namespace slipway::http {

struct Answer {
  int status = 0;
  std::string body;
  std::optional<Result<void>> result;
};

inline Answer ask(Upstream& upstream, ClientRequest request, UpstreamTimeouts timeouts = {}) {
  auto answer = std::make_shared<Guarded<Answer>>();
  const auto set = [answer](auto change) {
    return answer->with([&](Answer& held) {
      change(held);
      return true;
    });
  };
  UpstreamEvents events;
  events.on_head = [set](int status, Headers) { set([&](Answer& a) { a.status = status; }); };
  events.on_body = [set](std::string_view piece) {
    return set([&](Answer& a) { a.body += piece; });
  };
  events.on_end = [set](Result<void> result) {
    set([&](Answer& a) { a.result = std::move(result); });
  };
  const auto call = upstream.start(std::move(request), timeouts, std::move(events));
  REQUIRE(call);
  REQUIRE(soon([&] { return answer->with([](Answer& a) { return a.result.has_value(); }); },
               std::chrono::seconds(10)));
  return answer->with([](Answer& a) { return a; });
}

inline ClientRequest to(const std::string& url, std::string body = {}) {
  ClientRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.url = url;
  request.body = std::move(body);
  return request;
}

inline std::unique_ptr<Upstream> make_upstream(Upstream::Options options) {
  auto upstream = Upstream::make(std::move(options));
  REQUIRE(upstream);
  return std::move(*upstream);
}

}  // namespace slipway::http
