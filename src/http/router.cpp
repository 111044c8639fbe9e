#include "http/router.hpp"

#include <set>

#include "core/log.hpp"
#include "http/detail/head.hpp"
#include "http/detail/response_head.hpp"

namespace slipway::http {

namespace {

struct Route {
  RunOn run_on = RunOn::workers;
  RouteHandler handler;
  std::vector<std::string> names;  ///< Of the parameters, in the order of the path.
  std::string pattern;
};
using Methods = std::map<std::string, Route, std::less<>>;

/// "/a/{b}" -> "a", "{b}"; the path is without its first slash then.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

std::string allow_of(const Methods& methods) {
  std::set<std::string> names = {"OPTIONS"};
  for (const auto& [method, route] : methods) names.insert(method);
  if (methods.contains("GET")) names.insert("HEAD");
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string_view why(int status) {
  if (status == 404) return "there is nothing at this path";
  if (status == 405) return "this path has no such method; the Allow header names those it has";
  return "all workers are busy and the queue is full; try again";
}

const Route* route_for(const Methods& methods, const std::string& method) {
  auto found = methods.find(method);
  if (found == methods.end() && method == "HEAD") found = methods.find("GET");
  return found == methods.end() ? nullptr : &found->second;
}

}  // namespace

struct Router::Node {
  std::map<std::string, Node, std::less<>> literals;
  std::unique_ptr<Node> name;  ///< Any one segment.
  Methods here;
  Methods below;  ///< Of a last {name...}.

  using Values = std::vector<std::string>;
  /// The routes of a path, most literal first; null when there are none.
  const Methods* find(std::string_view rest, bool is_end, Values& values) const {
    if (is_end) return !here.empty() ? &here : below.empty() ? nullptr : tail({}, values);
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool ends = slash == std::string_view::npos;
    const std::string_view next = ends ? std::string_view() : rest.substr(slash + 1);
    const auto decoded = percent_decode(segment);
    if (!decoded) return nullptr;
    if (const auto literal = literals.find(*decoded); literal != literals.end())
      if (const Methods* found = literal->second.find(next, ends, values)) return found;
    if (name && !decoded->empty()) {
      values.push_back(*decoded);
      if (const Methods* found = name->find(next, ends, values)) return found;
      values.pop_back();
    }
    return below.empty() ? nullptr : tail(rest, values);
  }

 private:
  const Methods* tail(std::string_view rest, Values& values) const {
    auto decoded = percent_decode(rest);
    if (!decoded) return nullptr;
    values.push_back(std::move(*decoded));
    return &below;
  }
};

void Router::add(std::string method, std::string pattern, RunOn run_on, RouteHandler handler) {
  SLIPWAY_ASSERT(pattern.starts_with('/'));
  if (!root_) root_ = std::make_shared<Node>();
  Node* node = root_.get();
  Route route{run_on, std::move(handler), {}, pattern};
  Methods* methods = nullptr;
  for (const std::string_view segment : segments_of(pattern)) {
    SLIPWAY_ASSERT(methods == nullptr);  // {name...} is the last.
    if (!segment.starts_with('{')) {
      node = &node->literals[std::string(segment)];
      continue;
    }
    SLIPWAY_ASSERT(segment.ends_with('}') && segment.size() > 2);
    const std::string_view name = segment.substr(1, segment.size() - 2);
    if (name.ends_with("...")) {
      route.names.emplace_back(name.substr(0, name.size() - 3));
      methods = &node->below;
      continue;
    }
    route.names.emplace_back(name);
    if (!node->name) node->name = std::make_unique<Node>();
    node = node->name.get();
  }
  if (methods == nullptr) methods = &node->here;
  const bool is_new = methods->emplace(std::move(method), std::move(route)).second;
  SLIPWAY_ASSERT(is_new);
}

void Router::refuse_with(std::string prefix, Refusal refusal) {
  refusals_[std::move(prefix)] = std::move(refusal);
}

void Router::dispatch(const ExchangePtr& exchange) const {
  const Request& request = exchange->request();
  const auto refuse = [&](int status, const std::string& allow) {
    const Refusal* chosen = nullptr;
    // The map is sorted, so the last prefix that fits is the longest.
    for (const auto& [prefix, refusal] : refusals_)
      if (request.path.starts_with(prefix)) chosen = &refusal;
    Response response = chosen != nullptr ? (*chosen)(request, status, allow)
                                          : detail::problem(status, why(status));
    if (!allow.empty()) response.headers.set("allow", allow);
    if (status == 503 && !response.headers.find("retry-after"))
      response.headers.set("retry-after", "1");
    exchange->reply(std::move(response));
  };

  Node::Values values;
  std::string_view path = request.path;
  if (path.starts_with('/')) path.remove_prefix(1);
  const Methods* methods = root_ ? root_->find(path, false, values) : nullptr;
  if (request.path == "*") return exchange->reply({204, {}, ""});
  if (methods == nullptr) return refuse(404, "");
  const Route* route = route_for(*methods, request.method);
  const std::string allow = route == nullptr ? allow_of(*methods) : "";
  if (route == nullptr && request.method == "OPTIONS")
    return exchange->reply({204, {{"allow", allow}}, ""});
  if (route == nullptr) return refuse(405, allow);

  exchange->note("route", route->pattern);
  PathParameters parameters;
  for (std::size_t i = 0; i < route->names.size(); ++i)
    parameters[route->names[i]] = std::move(values[i]);
  if (route->run_on == RunOn::edge) return route->handler(exchange, parameters);
  const auto submitted = workers_.try_submit([exchange, route, parameters = std::move(parameters)] {
    try {
      route->handler(exchange, parameters);
    } catch (const std::exception& error) {
      log::error("the handler of {} {} threw: {}; please report it", exchange->request().method,
                 exchange->request().path, error.what());
    }
  });
  if (!submitted) refuse(503, "");
}

}  // namespace slipway::http
