// Who is told when something is unusual, and how: `alerts:` in slipway.yaml.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "budgets/ledger.hpp"
#include "core/guarded.hpp"
#include "http/client.hpp"
#include "trace/store.hpp"

namespace slipway::budgets {

/// What a rule looks at.
enum class AlertKind {
  cost_anomaly,  ///< The last hour costs `factor` times as much as the mean hour before it.
  error_rate,    ///< More than `rate` of the traces fail, in a short and in a long window.
  latency_p95    ///< One trace in twenty takes longer than `above_ms`.
};
BOOST_DESCRIBE_ENUM(AlertKind, cost_anomaly, error_rate, latency_p95)

/// One of the three.
struct AlertTarget {
  // Of the first two also "env:NAME" or "file:PATH" of one, since it may hold a secret.
  std::string webhook;   ///< Gets JSON.
  std::string slack;     ///< An incoming webhook: gets {"text"}.
  std::string smtp;      ///< "smtp://mail.example.org:587"
  std::string user;      ///< Of the mail server.
  std::string password;  ///< "env:NAME" or "file:PATH"
  std::string from;      ///< Address of the sender of mails.
  std::vector<std::string> to;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(AlertTarget, (), (webhook, slack, smtp, user, password, from, to))

struct AlertRule {
  AlertKind on = AlertKind::error_rate;
  std::string project;             ///< Empty: all.
  double factor = 3;               ///< cost_anomaly
  int hours = 24;                  ///< cost_anomaly: whose mean is taken.
  double usd_min = 1;              ///< cost_anomaly: an hour that costs less is never unusual.
  double rate = 0.05;              ///< error_rate
  std::string window = "5m";       ///< error_rate: the short one; latency_p95
  std::string long_window = "1h";  ///< error_rate
  double above_ms = 30'000;        ///< latency_p95
  std::int64_t traces_min = 20;    ///< In the window; fewer say nothing.
  std::string again = "1h";        ///< How soon it is told again while it lasts.
  std::vector<AlertTarget> send;
  static constexpr std::string_view required[] = {"on", "send"};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(AlertRule, (),
                      (on, project, factor, hours, usd_min, rate, window, long_window, above_ms,
                       traces_min, again, send))

using AlertRules = std::map<std::string, AlertRule>;

/// A thread that delivers the ledger's notices, and one that evaluates rules every half minute.
/// Safe to use from many threads.
class Alerts {
 public:
  struct Options {
    Ledger& ledger;            ///< All three must outlive this.
    trace::TraceStore* store;  ///< Null: no rules.
    const Clock& clock = system_clock();
    std::chrono::milliseconds rules_pause{30'000};  ///< Zero: only when `evaluate` is called.
  };
  explicit Alerts(Options options);
  ~Alerts();
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  void set_rules(AlertRules rules);
  /// Looks at everything now. Fails: as the store.
  Result<void> evaluate();

 private:
  struct Finding {
    json::Object facts;
    std::string text;
  };
  Result<std::optional<Finding>> look(const AlertRule& rule);
  Result<std::optional<Finding>> look_at_cost(const AlertRule& rule);
  Result<std::optional<Finding>> look_at_errors(const AlertRule& rule);
  Result<std::optional<Finding>> look_at_latency(const AlertRule& rule);
  Result<void> tell(const std::string& name, const AlertRule& rule, const Finding& finding);
  void deliver(const std::stop_token& stop);
  void watch(const std::stop_token& stop);

  const Options options_;
  Guarded<AlertRules> rules_;
  Guarded<std::map<std::string, Clock::Time>> told_;  ///< When each rule was told last.
  std::mutex mutex_;
  std::condition_variable_any is_due_;
  bool is_woken_ = false;
  std::jthread watcher_, messenger_;  // Last: they use all above.
};

}  // namespace slipway::budgets
