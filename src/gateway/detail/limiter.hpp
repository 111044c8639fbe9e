// How much of something may be used in a time: requests, tokens, calls at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "access/access.hpp"
#include "core/clock.hpp"
#include "http/message.hpp"

namespace slipway::gateway::detail {

/// Fills evenly: "600/min" is a stock of 600 that grows by ten a second. Not for two threads.
class Bucket {
 public:
  explicit Bucket(access::Rate rate) : rate_(rate), stock_(rate.count) {}
  void configure(access::Rate rate);
  void fill(Clock::Time now);
  /// Whether `amount` is there. More than the whole bucket is asked for as the whole bucket.
  bool has(double amount) const;
  /// Until `amount` is there.
  std::chrono::milliseconds wait(double amount) const;
  /// May leave a debt (what was used is known only afterwards), at most one bucket of it.
  void take(double amount);
  double stock() const { return stock_; }
  const access::Rate& rate() const { return rate_; }

 private:
  access::Rate rate_;
  double stock_;
  Clock::Time filled_{};
};

/// The three limits of one caller or one deployment. Safe to use from many threads.
class Limiter {
 public:
  /// Rates that cannot be read limit nothing: they were checked with the configuration.
  void configure(const std::string& requests, const std::string& tokens, std::size_t concurrent);

  struct Refusal {
    std::string what;  ///< "requests", "tokens", "calls at once"
    std::string limit;
    std::chrono::milliseconds wait{0};
  };
  /// Takes one request, `tokens` on credit and a place; nothing is taken when it refuses.
  std::optional<Refusal> take(Clock::Time now, std::int64_t tokens);
  /// Gives the place back, and the difference between what was reserved and what was used.
  void settle(Clock::Time now, std::int64_t reserved, std::int64_t used);
  bool is_unlimited() const;

  /// x-ratelimit-limit-requests, -remaining-, -reset- and the same for tokens.
  void describe(Clock::Time now, http::Headers& headers) const;

 private:
  mutable std::mutex mutex_;
  std::optional<Bucket> requests_, tokens_;
  std::string requests_text_, tokens_text_;
  std::size_t concurrent_ = 0, running_ = 0;
};

/// Limiters by the name of the key that asks. Safe to use from many threads.
class CallerLimits {
 public:
  /// The caller's own; null when nothing limits him. Forgets those that have not asked for long
  /// when there are very many.
  std::shared_ptr<Limiter> of(const access::Caller& caller);

 private:
  struct Entry {
    access::Limits limits;
    std::shared_ptr<Limiter> limiter;
  };
  static constexpr std::size_t callers_max = 100'000;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace slipway::gateway::detail
