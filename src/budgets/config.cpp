#include "budgets/config.hpp"

#include <algorithm>
#include <array>

namespace slipway::budgets {

namespace {

constexpr std::size_t text_bytes_max = 512, name_bytes_max = 100, alerts_max = 16;
constexpr double usd_max = 1e6, share_max = 10;
constexpr std::int64_t tokens_max = 1'000'000'000'000;

bool is_http(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

Result<void> check_scope(const Scope& scope) {
  static const std::vector<std::string_view> known = {"project", "user",  "session", "key",
                                                      "model",   "trace", "run"};
  for (const auto& [key, value] : scope) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const auto hint = json::nearest(key, known);
      return fail(Code::invalid_argument, "scope.{}: is no scope{}; those are: {}",
                  std::string_view(key).substr(0, name_bytes_max),
                  hint.empty() ? "" : fmt::format(" (did you mean '{}'?)", hint),
                  fmt::join(known, ", "));
    }
    if (value.empty() || value.size() > text_bytes_max)
      return fail(Code::invalid_argument,
                  "scope.{}: has {} bytes; give a value of 1 to {} bytes, or \"*\" for one budget "
                  "each",
                  key, value.size(), text_bytes_max);
  }
  return {};
}

}  // namespace

Result<void> AlertConfig::validate() const {
  if (!(at > 0 && at <= share_max))
    return fail(Code::invalid_argument, "at: {} is no share of the limit; 0.8 is four fifths", at);
  if (!is_http(webhook) || webhook.size() > text_bytes_max * 4)
    return fail(Code::invalid_argument, "webhook: '{}' is no http:// or https:// URL",
                std::string_view(webhook).substr(0, name_bytes_max));
  return {};
}

Result<void> BudgetConfig::validate() const {
  TRY(check_scope(scope));
  if (!limit_usd && !limit_tokens)
    return fail(Code::invalid_argument,
                "limit_usd: a budget needs a limit; give limit_usd, limit_tokens or both");
  if (limit_usd && !(*limit_usd >= 0 && *limit_usd <= usd_max))
    return fail(Code::invalid_argument, "limit_usd: {} is not within 0 and {} dollars", *limit_usd,
                usd_max);
  if (limit_tokens && (*limit_tokens < 0 || *limit_tokens > tokens_max))
    return fail(Code::invalid_argument, "limit_tokens: {} is not within 0 and {}", *limit_tokens,
                tokens_max);
  if ((on_exceed == OnExceed::degrade) == degrade_to.empty())
    return fail(Code::invalid_argument,
                "degrade_to: names the model that is asked instead; it belongs to on_exceed: "
                "degrade, and that to it");
  if (degrade_to.size() > text_bytes_max)
    return fail(Code::invalid_argument, "degrade_to: is longer than {} bytes", text_bytes_max);
  if (alerts.size() > alerts_max)
    return fail(Code::invalid_argument, "alerts: {} of them; a budget has at most {}",
                alerts.size(), alerts_max);
  return {};
}

Result<void> check_budget_name(const std::string& name) {
  const bool has_control =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' '; });
  if (!name.empty() && name.size() <= name_bytes_max && !has_control) return {};
  return fail(Code::invalid_argument,
              "name: '{}' has {} bytes; a name has 1 to {} and no control characters",
              std::string_view(name).substr(0, name_bytes_max), name.size(), name_bytes_max);
}

}  // namespace slipway::budgets
