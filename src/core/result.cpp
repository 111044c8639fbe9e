#include "core/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace slipway {

namespace {
struct CodeRow {
  std::string_view name;
  int http_status;
};
// In the order of `Code`.
constexpr CodeRow code_rows[] = {
    {"invalid_argument", 400}, {"not_found", 404},         {"conflict", 409},
    {"unauthenticated", 401},  {"forbidden", 403},         {"rate_limited", 429},
    {"unavailable", 503},      {"deadline_exceeded", 504}, {"cancelled", 499},
    {"unsupported", 501},      {"internal", 500},
};
static_assert(std::size(code_rows) == static_cast<std::size_t>(Code::internal) + 1);

const CodeRow& row(Code code) { return code_rows[static_cast<std::size_t>(code)]; }
}  // namespace

std::string_view name(Code code) { return row(code).name; }

int http_status(Code code) { return row(code).http_status; }

bool is_retryable(Code code) {
  return code == Code::unavailable || code == Code::rate_limited || code == Code::deadline_exceeded;
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "slipway: broken invariant (%s) at %s:%d; please report it\n", expression,
               file, line);
  std::abort();
}

}  // namespace slipway
