// What other modules need to add routes to the LangSmith face, and to read runs and projects as its
// clients do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/router.hpp"
#include "trace/mount.hpp"

namespace slipway::trace {

/// Adds routes wherever the face is: at each of its prefixes and at the root. Its refusals are
/// LangSmith's: {"detail": "..."}.
class LangSmithFace {
 public:
  using Handler =
      std::function<Result<http::Response>(const http::ExchangePtr&, const http::PathParameters&)>;
  /// What `services` refers to must outlive the routes.
  explicit LangSmithFace(const Services& services);

  /// `path` as it stands behind the prefix: "/datasets/{id}". One of "/platform/..." is below
  /// "/v1" where the prefix does not end with it. `role` empty: for everybody.
  void serve(http::Router& router, const std::string& method, const std::string& path,
             const std::string& role, const Handler& handler) const;
  /// For bodies that may be large: for whoever may write, and bounded by the intake.
  void take(http::Router& router, const std::string& method, const std::string& path,
            const Handler& handler) const;
  /// Below /api/v2 and /langsmith/api/v2.
  void serve_v2(http::Router& router, const std::string& method, const std::string& path,
                const std::string& role, const Handler& handler) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// Adds routes of the face whose handlers take what routes stand on:
///   const FaceRoutes add(router, face, services);
///   add("GET", "/feedback/{id}", "read", read);
class FaceRoutes {
 public:
  enum class Version { v1, v2 };
  using Serve = Result<http::Response> (*)(const Services&, const http::ExchangePtr&,
                                           const http::PathParameters&);
  /// `router` and `face` must outlive it; what `services` refers to, the routes.
  FaceRoutes(http::Router& router, const LangSmithFace& face, const Services& services,
             Version version = Version::v1)
      : router_(router), face_(face), services_(services), version_(version) {}
  void operator()(const char* method, const std::string& path, const char* role, Serve serve) const;

 private:
  http::Router& router_;
  const LangSmithFace& face_;
  const Services& services_;
  const Version version_;
};

http::Response json_response(int status, std::string body);
std::string path_value(const http::PathParameters& parameters, std::string_view name);
/// What the query says; several of one name are several values.
std::vector<std::string> query_values(const http::Request& request, std::string_view name);
std::optional<std::string> query_value(const http::Request& request, std::string_view name);
/// "true" as clients of several languages write it.
bool is_asked(const http::Request& request, std::string_view name);
/// Fails: invalid_argument naming the parameter.
Result<std::size_t> query_number(const http::Request& request, std::string_view name,
                                 std::size_t otherwise);

/// Where the caller finds this server: "http://localhost:8080".
std::string server_url(const http::Request& request);
/// "2026-11-23T08:00:00.000001Z".
std::string langsmith_time(Nanoseconds time);
/// The reverse, also of times that do not say their zone (UTC). Fails: invalid_argument.
Result<Nanoseconds> read_langsmith_time(std::string_view text);

/// The one tenant that there is.
std::string tenant_id();
/// The run of that UUID. Fails: not_found.
Result<Run> find_langsmith_run(const Context& context, TraceStore& store, const std::string& uuid);
/// What `POST /runs/query` with that body finds: {"session": ["..."], "is_root": true, ...}.
/// Fails: invalid_argument naming the member.
Result<Page<Run>> query_langsmith_runs(const Context& context, const Services& services,
                                       const json::Value& body);
/// Nothing when there is none.
Result<std::optional<Session>> find_session(const Context& context, const Services& services,
                                            const std::string& id);
/// All projects, those that runs brought included; youngest first.
Result<std::vector<Session>> list_sessions(const Context& context, const Services& services);
/// A TracerSession, with statistics where they are asked for.
Result<std::string> langsmith_session_text(const Context& context, const Services& services,
                                           const Session& session, bool has_stats);

/// Writes runs as LangSmith's clients of v1 read them: an object each, in the order of `runs`.
/// `session_id`: all of them are of this project; empty: each of its own.
Result<std::vector<std::string>> langsmith_run_texts(const Context& context,
                                                     const Services& services,
                                                     const std::vector<Run>& runs);

/// The same as newer clients (v2) read them: an id, and what else they select: "NAME", "OUTPUTS".
/// Fails: invalid_argument (nothing is called so).
Result<std::vector<std::string>> langsmith_v2_run_texts(const http::ExchangePtr& exchange,
                                                        const Services& services,
                                                        const std::vector<Run>& runs,
                                                        const std::vector<std::string>& selects);

/// The face's filters on other things than runs: calls over a field and a value.
struct FilterCall {
  std::string name;   ///< "and", "or", "not", "eq", "has", "exists" ...
  std::string field;  ///< Of a comparison; empty for and, or, not.
  std::optional<json::Value> value;
  std::vector<FilterCall> parts;  ///< Of and, or, not.
};
/// Fails: invalid_argument telling where. At most 16 levels.
Result<FilterCall> parse_filter_calls(std::string_view filter);

/// What of the multipart bodies of that client stands in a part; views into the body.
struct BodyPart {
  std::string name;
  std::string_view media_type, bytes;
};
/// Fails: invalid_argument naming the part; more than 100,000 parts.
Result<std::vector<BodyPart>> read_body_parts(std::string_view content_type, std::string_view body);

}  // namespace slipway::trace
