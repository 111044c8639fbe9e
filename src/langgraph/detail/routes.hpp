// How the face's routes are added, and how they answer.
#pragma once

#include <functional>
#include <string>

#include "langgraph/detail/core.hpp"

namespace slipway::langgraph::detail {

inline constexpr std::string_view face_prefix = "/langgraph";

/// One request on its way.
struct Asked {
  Core& core;
  const http::ExchangePtr& exchange;
  const http::PathParameters& path;
  /// Ends with the client, of what waits with the server too.
  const Context& context;
  const http::Request& request() const { return exchange->request(); }
  /// Of the pattern; empty: it has none of that name.
  std::string part(std::string_view name) const;
};

class Routes {
 public:
  using Serve = Result<http::Response> (*)(const Asked&);
  using Follow = Result<void> (*)(const Asked&);
  Routes(http::Router& router, std::shared_ptr<Keeper> keeper, Admit admit);

  /// `path` as it stands behind the prefix. `role` empty: for everybody. Runs on a worker.
  void serve(const char* method, const char* path, const char* role, Serve serve) const;
  /// The same on a thread of its own, for what waits for a run.
  void wait(const char* method, const char* path, const char* role, Serve serve) const;
  /// For what tells of a run while it goes on, on a thread of its own; it answers itself. Until it
  /// has begun to, a failure is an ordinary answer.
  void follow(const char* method, const char* path, const char* role, Follow follow) const;

 private:
  using Act = std::function<void(const Asked&)>;
  void add(const char* method, const char* path, const char* role, Act act) const;

  http::Router& router_;
  const std::shared_ptr<Core> core_;
  const Admit admit_;
};

http::Response json_response(const Value& value, int status = 200);
http::Response empty_response(int status = 204);
/// {"detail": ...} with the status that the API has for it.
http::Response error_response(const http::Request& request, const Error& error);

void mount_assistants(const Routes& routes);
void mount_threads(const Routes& routes);
void mount_states(const Routes& routes);
void mount_runs(const Routes& routes);
void mount_crons(const Routes& routes);
void mount_streams(const Routes& routes);
void mount_live(const Routes& routes);
void mount_store(const Routes& routes);

}  // namespace slipway::langgraph::detail
