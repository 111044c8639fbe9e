#include "budgets/detail/delivery.hpp"

#include <array>

#include "core/secret.hpp"
#include "http/mail.hpp"

namespace slipway::budgets::detail {

namespace {

/// "Wed, 25 Nov 2026 09:30:00 +0000"
std::string mail_date(Clock::Time now) {
  constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(now - day)};
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000",
                     days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string text_of(const json::Object& body) {
  const auto* text = body.if_contains("text");
  return text != nullptr && text->is_string() ? std::string(text->get_string())
                                              : json::dump_pretty(body);
}

Result<std::string> url_of(std::string_view setting, const std::string& text) {
  const bool is_reference = text.starts_with("env:") || text.starts_with("file:");
  return is_reference ? resolve_secret(setting, text) : Result<std::string>(text);
}

Result<void> post(const Context& context, http::Client& client, const std::string& url,
                  std::string body) {
  http::ClientRequest request{.method = "POST", .url = url};
  request.headers["Content-Type"] = "application/json";
  request.headers["User-Agent"] = "Slipway";
  request.body = std::move(body);
  const auto response = TRY(client.send(context, request));
  if (response.status >= 200 && response.status < 300) return {};
  return fail(Code::unavailable, "{} answered with status {}", http::redact_url(url),
              response.status);
}

}  // namespace

Result<void> deliver(const Context& context, http::Client& client, const Notice& notice,
                     Clock::Time now) {
  const auto target = TRY(json::from<AlertTarget>(TRY(json::parse(notice.target))));
  if (!target.webhook.empty())
    return post(context, client, TRY(url_of("webhook", target.webhook)), notice.body);
  const json::Value body = TRY(json::parse(notice.body));
  const std::string text = text_of(body.as_object());
  if (!target.slack.empty())
    return post(context, client, TRY(url_of("slack", target.slack)),
                json::dump(json::Object{{"text", text}}));
  const std::string subject = "Slipway: " + text.substr(0, text.find('\n'));
  std::string password = TRY(resolve_secret("password", target.password));
  return http::send_mail(
      context, {.url = target.smtp, .user = target.user, .password = std::move(password)},
      {.from = target.from, .to = target.to, .subject = subject, .text = text}, mail_date(now));
}

}  // namespace slipway::budgets::detail
