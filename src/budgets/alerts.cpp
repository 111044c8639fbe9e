#include "budgets/alerts.hpp"

#include <array>

#include "budgets/detail/delivery.hpp"
#include "core/duration.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"
#include "http/mail.hpp"
#include "trace/origin.hpp"

namespace slipway::budgets {

namespace {

using std::chrono::milliseconds;

/// Notices are looked for that often, also when nobody says that there are any.
constexpr milliseconds notices_pause{1'000};
constexpr milliseconds delivery_timeout{4'000};
constexpr std::size_t deliveries_at_once = 4;
constexpr std::size_t targets_max = 16;

milliseconds time_of(const std::string& text) {
  const auto time = parse_duration(text);
  return time ? *time : milliseconds(0);
}

bool is_http(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

bool is_reference(std::string_view text) {
  return text.starts_with("env:") || text.starts_with("file:");
}

Result<void> check_window(std::string_view key, const std::string& text) {
  const auto time = TRY(parse_duration(text).within(key));
  constexpr milliseconds least = std::chrono::minutes(1);
  if (time >= least) return {};
  return fail(Code::invalid_argument, "{}: '{}' is too short; write 1m or more", key, text);
}

/// What a target needs to be told; the rest of it stays away.
std::string target_text(const AlertTarget& target) {
  json::Object object;
  const json::Value all = json::to(target);
  for (const auto& [key, value] : all.get_object()) {
    const bool is_empty = (value.is_string() && value.get_string().empty()) ||
                          (value.is_array() && value.get_array().empty());
    if (!is_empty) object[key] = value;
  }
  return json::dump(object);
}

}  // namespace

Result<void> AlertTarget::validate() const {
  const int count = (webhook.empty() ? 0 : 1) + (slack.empty() ? 0 : 1) + (smtp.empty() ? 0 : 1);
  if (count != 1)
    return fail(Code::invalid_argument, "names {} targets; give one of webhook, slack, smtp",
                count);
  if (!smtp.empty()) {
    TRY(http::check_mail_server(smtp).within("smtp"));
    TRY(http::check_mail_address(from).within("from"));
    if (to.empty()) return fail(Code::invalid_argument, "to: names nobody");
    for (const std::string& address : to) TRY(http::check_mail_address(address).within("to"));
    if (password.empty() || is_reference(password)) return {};
    return fail(Code::invalid_argument, "password: write env:NAME or file:PATH, not the password");
  }
  const bool is_webhook = !webhook.empty();
  const std::string& url = is_webhook ? webhook : slack;
  if (is_http(url) || is_reference(url)) return {};
  return fail(Code::invalid_argument, "{}: is no http:// or https:// URL, nor env:NAME of one",
              is_webhook ? "webhook" : "slack");
}

Result<void> AlertRule::validate() const {
  TRY(check_window("window", window));
  TRY(check_window("long_window", long_window));
  TRY(check_window("again", again));
  constexpr int hours_max = 24 * 31;
  if (!(factor > 1))
    return fail(Code::invalid_argument, "factor: {} is not above 1; 3 is thrice the mean", factor);
  if (hours < 1 || hours > hours_max)
    return fail(Code::invalid_argument, "hours: {} is not within 1 and {}", hours, hours_max);
  if (!(rate > 0 && rate <= 1))
    return fail(Code::invalid_argument, "rate: {} is no share; 0.05 is one in twenty", rate);
  if (!(above_ms > 0))
    return fail(Code::invalid_argument, "above_ms: {} is no time; give milliseconds", above_ms);
  if (!(usd_min >= 0)) return fail(Code::invalid_argument, "usd_min: {} is negative", usd_min);
  if (traces_min < 1)
    return fail(Code::invalid_argument, "traces_min: {} is not 1 or more", traces_min);
  if (send.empty() || send.size() > targets_max)
    return fail(Code::invalid_argument, "send: names {} targets; give 1 to {}", send.size(),
                targets_max);
  return {};
}

Alerts::Alerts(Options options) : options_(options) {
  options_.ledger.when_notices([this] {
    {
      const std::lock_guard lock(mutex_);
      is_woken_ = true;
    }
    is_due_.notify_all();
  });
  messenger_ = std::jthread([this](const std::stop_token& stop) { deliver(stop); });
  if (options_.store != nullptr && options_.rules_pause > milliseconds(0))
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Alerts::~Alerts() {
  options_.ledger.when_notices({});
  watcher_.request_stop();
  messenger_.request_stop();
}

void Alerts::set_rules(AlertRules rules) {
  rules_.with([&](auto& current) { current = std::move(rules); });
}

// --- Delivery

void Alerts::deliver(const std::stop_token& stop) {
  const auto client = http::Client::make({.connect_timeout = delivery_timeout,
                                          .timeout = delivery_timeout,
                                          .body_bytes_max = 1u << 20});
  const Context context(stop);
  while (!stop.stop_requested()) {
    const auto notices = options_.ledger.due_notices();
    if (notices && !notices->empty()) {
      const auto deliver_one = [&](std::size_t i) -> Result<void> {
        const Notice& notice = (*notices)[i];
        const auto delivered = detail::deliver(context.with_timeout(delivery_timeout), *client,
                                               notice, options_.clock.now());
        if (stop.stop_requested()) return {};  // The next process tries.
        return delivered ? options_.ledger.notice_delivered(notice.number)
                         : options_.ledger.notice_failed(notice, delivered.error().message());
      };
      const auto done = parallel_for(context, notices->size(), deliveries_at_once, deliver_one);
      if (!done && !stop.stop_requested()) log::warning("alerts: {}", done.error().message());
      if (done) continue;
    }
    std::unique_lock lock(mutex_);
    is_due_.wait_for(lock, stop, notices_pause, [this] { return is_woken_; });
    is_woken_ = false;
  }
}

// --- Rules

void Alerts::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, options_.rules_pause, [] { return false; });
    if (stop.stop_requested()) return;
    if (const auto looked = evaluate(); !looked)
      log::warning("alerts: {}", looked.error().message());
  }
}

Result<void> Alerts::evaluate() {
  const AlertRules rules = rules_.with([](const auto& current) { return current; });
  for (const auto& [name, rule] : rules)
    if (const auto finding = TRY(look(rule))) TRY(tell(name, rule, *finding));
  told_.with([&](auto& told) {
    std::erase_if(told, [&](const auto& one) { return !rules.contains(one.first); });
  });
  return {};
}

Result<std::optional<Alerts::Finding>> Alerts::look(const AlertRule& rule) {
  switch (rule.on) {
    case AlertKind::cost_anomaly: return look_at_cost(rule);
    case AlertKind::error_rate: return look_at_errors(rule);
    case AlertKind::latency_p95: return look_at_latency(rule);
  }
  return std::optional<Finding>();
}

namespace {

/// What began in a time before now.
trace::Query query_of(const AlertRule& rule, Clock::Time from, Clock::Time to) {
  trace::Query query;
  if (!rule.project.empty()) query.project = rule.project;
  query.from = trace::nanoseconds(from);
  query.to = trace::nanoseconds(to);
  return query;
}

}  // namespace

Result<std::optional<Alerts::Finding>> Alerts::look_at_cost(const AlertRule& rule) {
  const Clock::Time now = options_.clock.now();
  const Clock::Time hour = now - std::chrono::hours(1);
  const auto last = TRY(options_.store->costs({}, query_of(rule, hour, now), trace::GroupBy::hour));
  const double spent = last.total.dollars();
  if (spent < rule.usd_min) return std::optional<Finding>();
  const auto before = TRY(options_.store->costs(
      {}, query_of(rule, hour - std::chrono::hours(rule.hours), hour), trace::GroupBy::hour));
  const double mean = before.total.dollars() / rule.hours;
  if (spent < rule.factor * mean) return std::optional<Finding>();
  return std::optional(Finding{
      {{"spent_usd", spent}, {"mean_usd", mean}},
      fmt::format("the last hour has cost ${:.2f}, and ${:.2f} in the mean of the {} hours before",
                  spent, mean, rule.hours)});
}

Result<std::optional<Alerts::Finding>> Alerts::look_at_errors(const AlertRule& rule) {
  const Clock::Time now = options_.clock.now();
  std::array<double, 2> rates{};
  std::size_t i = 0;
  for (const std::string* window : {&rule.window, &rule.long_window}) {
    const auto stats =
        TRY(options_.store->stats({}, query_of(rule, now - time_of(*window), now), std::nullopt));
    if (stats.all.traces < rule.traces_min) return std::optional<Finding>();
    rates[i] = static_cast<double>(stats.all.errors) / static_cast<double>(stats.all.traces);
    if (rates[i++] < rule.rate) return std::optional<Finding>();
  }
  return std::optional(
      Finding{{{"error_rate", rates[0]}, {"long_error_rate", rates[1]}},
              fmt::format("{:.1f} % of the traces of the last {} failed, {:.1f} % of the last {}",
                          rates[0] * 100, rule.window, rates[1] * 100, rule.long_window)});
}

Result<std::optional<Alerts::Finding>> Alerts::look_at_latency(const AlertRule& rule) {
  const Clock::Time now = options_.clock.now();
  const auto stats =
      TRY(options_.store->stats({}, query_of(rule, now - time_of(rule.window), now), std::nullopt));
  const double p95 = stats.all.p95_ms.value_or(0);
  if (stats.all.traces < rule.traces_min || p95 <= rule.above_ms) return std::optional<Finding>();
  return std::optional(Finding{
      {{"p95_ms", p95}},
      fmt::format("one trace in twenty of the last {} took longer than {:.0f} ms (allowed: {:.0f})",
                  rule.window, p95, rule.above_ms)});
}

Result<void> Alerts::tell(const std::string& name, const AlertRule& rule, const Finding& finding) {
  const Clock::Time now = options_.clock.now();
  const bool is_told = told_.with([&](auto& told) {
    const auto found = told.find(name);
    if (found != told.end() && now - found->second < time_of(rule.again)) return true;
    told[name] = now;
    return false;
  });
  if (is_told) return {};
  // Not again by the process that follows this one either.
  const auto since = std::chrono::floor<milliseconds>(now.time_since_epoch());
  const std::int64_t episode = since / time_of(rule.again);
  json::Object body{
      {"event", "alert"}, {"alert", name}, {"on", json::to(rule.on)}, {"project", nullptr}};
  if (!rule.project.empty()) body["project"] = rule.project;
  for (const auto& [key, value] : finding.facts) body[key] = value;
  body["time"] = format_time(now);
  body["text"] = fmt::format("alert '{}': {}", name, finding.text);
  for (const AlertTarget& target : rule.send) {
    const std::string text = target_text(target);
    TRY(options_.ledger.add_notice(fmt::format("rule|{}|{}|{}", name, episode, text), text,
                                   json::dump(body)));
  }
  return {};
}

}  // namespace slipway::budgets
