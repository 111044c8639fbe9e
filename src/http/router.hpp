// Which handler answers which request. Typed routes of our own API are declared with
// `http/api.hpp`, which stands on this.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/pool.hpp"
#include "http/server.hpp"

namespace slipway::http {

/// Values of the {names} of a route's pattern, percent-decoded.
using PathParameters = std::map<std::string, std::string, std::less<>>;

/// Where a handler runs.
enum class RunOn {
  edge,    ///< At once, on an edge thread: must not wait.
  workers  ///< On the pool; queue full: 503 with Retry-After.
};

using RouteHandler = std::function<void(const ExchangePtr&, const PathParameters&)>;

/// Built before the server starts, then read by all threads.
class Router {
 public:
  /// `workers` must outlive the router.
  explicit Router(Pool& workers) : workers_(workers) {}

  /// Pattern: "/api/jobs/{id}/events"; {name} is one segment, a last {name...} all that follow
  /// (also none). A literal segment wins over a name. Two equal routes are a bug.
  void add(std::string method, std::string pattern, RunOn run_on, RouteHandler handler);
  /// How requests below `prefix` are told that they have no route (404), another method (405;
  /// `allow` lists those that there are) or that the server is busy (503). The longest prefix
  /// counts; "" is the rest.
  using Refusal = std::function<Response(const Request&, int status, const std::string& allow)>;
  void refuse_with(std::string prefix, Refusal refusal);

  /// Finds and calls; notes the pattern as "route". HEAD is served by GET, OPTIONS answered with
  /// Allow.
  void dispatch(const ExchangePtr& exchange) const;

 private:
  struct Node;
  Pool& workers_;
  std::shared_ptr<Node> root_;
  std::map<std::string, Refusal> refusals_;
};

}  // namespace slipway::http
