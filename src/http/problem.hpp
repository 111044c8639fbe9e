// Errors as our own API answers them: RFC 9457 problems.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "http/message.hpp"

namespace slipway::http {

/// One thing that is wrong with a request: "/body/limit", "/query/wait", "/path/id" and why.
struct Issue {
  std::string path;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Issue, (), (path, message))

struct Problem {
  std::string type;  ///< "urn:slipway:problem:" + the name of a code.
  std::string title;
  int status = 500;
  std::string detail;
  std::string instance;  ///< Id of the request; the access log and our log lines have it too.
  std::vector<Issue> errors;
  /// The edge tells less of what never became a request.
  static constexpr std::string_view schema_notes =
      R"({"required": ["type", "title", "status", "detail"]})";
};
BOOST_DESCRIBE_STRUCT(Problem, (), (type, title, status, detail, instance, errors))

inline constexpr std::string_view problem_media_type = "application/problem+json";

Problem problem_of(const Error& error, const Request& request);
/// invalid_argument; the detail is that of the first issue.
Problem problem_of(std::vector<Issue> issues, const Request& request);
/// For a status that no code has: 405, 406, 413, 415.
Problem problem_of(int status, std::string detail, const Request& request);

/// With what the status demands: WWW-Authenticate (401), Retry-After (429, 503).
Response to_response(const Problem& problem);

/// "$.hits[0].id: is required" as an issue below `root`: "/body/hits/0/id".
Issue issue_of(const Error& error, std::string_view root);
/// One step of a JSON pointer: '~' and '/' escaped.
std::string pointer_step(std::string_view name);

}  // namespace slipway::http
