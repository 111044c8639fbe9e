#include "http/problem.hpp"

#include <charconv>

namespace slipway::http {

namespace {

constexpr std::string_view type_prefix = "urn:slipway:problem:";

std::string_view title_of(int status) {
  switch (status) {
    case 400: return "The request is wrong";
    case 401: return "Who are you?";
    case 403: return "Not allowed";
    case 404: return "Not found";
    case 405: return "Method not allowed";
    case 406: return "No acceptable media type";
    case 409: return "Conflict";
    case 413: return "The body is too large";
    case 415: return "Unsupported media type";
    case 429: return "Too many requests";
    case 499: return "The caller has left";
    case 501: return "Not supported";
    case 503: return "Not available now";
    case 504: return "Out of time";
    default: return "An error of the server";
  }
}

std::string_view word_of(int status) {
  switch (status) {
    case 404: return "not_found";
    case 405: return "method_not_allowed";
    case 406: return "not_acceptable";
    case 413: return "too_large";
    case 415: return "unsupported_media_type";
    case 503: return "unavailable";
    default: return status < 500 ? "invalid_argument" : "internal";
  }
}

Problem make(std::string_view word, int status, std::string detail, const Request& request) {
  Problem problem;
  problem.type = std::string(type_prefix) + std::string(word);
  problem.title = title_of(status);
  problem.status = status;
  problem.detail = std::move(detail);
  problem.instance = request.id;
  return problem;
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '$';
}

/// How far "$.hits[0].id" reaches at the start of a message, as a pointer; 0 when there is none.
std::size_t take_path(std::string_view text, std::string& pointer) {
  if (!text.starts_with('$')) return 0;
  std::size_t at = 1;
  while (at < text.size()) {
    std::size_t end = at + 1;
    if (text[at] == '.') {
      while (end < text.size() && is_name_byte(text[end])) ++end;
    } else if (text[at] == '[') {
      while (end < text.size() && text[end] != ']') ++end;
    } else {
      break;
    }
    if (end == at + 1) break;
    pointer += "/" + pointer_step(text.substr(at + 1, end - at - 1));
    at = end + (text[at] == '[' ? 1 : 0);
    if (at > text.size()) at = text.size();
  }
  return at;
}

}  // namespace

std::string pointer_step(std::string_view name) {
  std::string step;
  for (const char c : name) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

Issue issue_of(const Error& error, std::string_view root) {
  Issue issue{std::string(root), error.message()};
  const std::size_t taken = take_path(error.message(), issue.path);
  const std::string_view rest = std::string_view(error.message()).substr(taken);
  if (taken > 0 && rest.starts_with(": ")) issue.message = rest.substr(2);
  return issue;
}

Problem problem_of(const Error& error, const Request& request) {
  return make(name(error.code()), http_status(error.code()), error.message(), request);
}

Problem problem_of(std::vector<Issue> issues, const Request& request) {
  std::string detail = issues.empty() ? std::string("the request is wrong")
                                      : issues.front().path + ": " + issues.front().message;
  if (issues.size() > 1) detail += fmt::format(" (and {} more)", issues.size() - 1);
  Problem problem =
      make(name(Code::invalid_argument), http_status(Code::invalid_argument), detail, request);
  problem.errors = std::move(issues);
  return problem;
}

Problem problem_of(int status, std::string detail, const Request& request) {
  return make(word_of(status), status, std::move(detail), request);
}

Response to_response(const Problem& problem) {
  Response response;
  response.status = problem.status;
  response.headers.set("Content-Type", std::string(problem_media_type));
  if (problem.status == 401) response.headers.set("WWW-Authenticate", "Bearer realm=\"slipway\"");
  if (problem.status == 429 || problem.status == 503) response.headers.set("Retry-After", "1");
  response.body = json::dump(json::to(problem));
  return response;
}

}  // namespace slipway::http
