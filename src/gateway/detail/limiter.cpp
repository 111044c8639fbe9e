#include "gateway/detail/limiter.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::gateway::detail {

using std::chrono::milliseconds;

namespace {

std::optional<access::Rate> rate_of(const std::string& text) {
  if (text.empty()) return {};
  const auto rate = access::parse_rate(text);
  if (!rate) return {};
  return *rate;
}

void configure(std::optional<Bucket>& bucket, const std::string& text) {
  const auto rate = rate_of(text);
  if (!rate)
    bucket.reset();
  else if (bucket)
    bucket->configure(*rate);
  else
    bucket.emplace(*rate);
}

void describe_one(const Bucket& bucket, std::string_view what, http::Headers& headers) {
  const auto name = [&](std::string_view part) {
    return fmt::format("x-ratelimit-{}-{}", part, what);
  };
  headers.set(name("limit"), fmt::format("{:.0f}", bucket.rate().count));
  headers.set(name("remaining"), fmt::format("{:.0f}", std::floor(std::max(0.0, bucket.stock()))));
  const auto reset = bucket.wait(bucket.rate().count);
  headers.set(name("reset"), fmt::format("{}ms", reset.count()));
}

}  // namespace

void Bucket::configure(access::Rate rate) {
  // Who had used half of the old limit has used half of the new one.
  if (rate_.count > 0) stock_ *= rate.count / rate_.count;
  rate_ = rate;
}

void Bucket::fill(Clock::Time now) {
  if (filled_ != Clock::Time() && now > filled_) {
    const std::chrono::duration<double, std::milli> passed = now - filled_;
    const auto per = static_cast<double>(rate_.per.count());
    stock_ = std::min(rate_.count, stock_ + rate_.count * passed.count() / per);
  }
  filled_ = std::max(filled_, now);
}

bool Bucket::has(double amount) const {
  // Sums of fractions may miss a whole by a hair.
  constexpr double hair = 1e-6;
  return stock_ + hair >= std::min(amount, rate_.count);
}

milliseconds Bucket::wait(double amount) const {
  const double missing = std::min(amount, rate_.count) - stock_;
  if (missing <= 0) return milliseconds(0);
  return milliseconds(static_cast<std::int64_t>(
      std::ceil(missing / rate_.count * static_cast<double>(rate_.per.count()))));
}

void Bucket::take(double amount) {
  stock_ = std::clamp(stock_ - amount, -rate_.count, rate_.count);
}

void Limiter::configure(const std::string& requests, const std::string& tokens,
                        std::size_t concurrent) {
  const std::lock_guard lock(mutex_);
  if (requests != requests_text_) detail::configure(requests_, requests);
  if (tokens != tokens_text_) detail::configure(tokens_, tokens);
  requests_text_ = requests;
  tokens_text_ = tokens;
  concurrent_ = concurrent;
}

std::optional<Limiter::Refusal> Limiter::take(Clock::Time now, std::int64_t tokens) {
  constexpr milliseconds concurrent_wait{1'000};  // Nobody knows when a call ends.
  const auto amount = static_cast<double>(tokens);
  const std::lock_guard lock(mutex_);
  if (concurrent_ > 0 && running_ >= concurrent_)
    return Refusal{"calls at once", std::to_string(concurrent_), concurrent_wait};
  if (requests_) {
    requests_->fill(now);
    if (!requests_->has(1)) return Refusal{"requests", requests_text_, requests_->wait(1)};
  }
  if (tokens_) {
    tokens_->fill(now);
    if (!tokens_->has(amount)) return Refusal{"tokens", tokens_text_, tokens_->wait(amount)};
    tokens_->take(amount);
  }
  if (requests_) requests_->take(1);
  ++running_;
  return {};
}

void Limiter::settle(Clock::Time now, std::int64_t reserved, std::int64_t used) {
  const std::lock_guard lock(mutex_);
  if (running_ > 0) --running_;
  if (!tokens_) return;
  tokens_->fill(now);
  tokens_->take(static_cast<double>(used - reserved));
}

bool Limiter::is_unlimited() const {
  const std::lock_guard lock(mutex_);
  return !requests_ && !tokens_ && concurrent_ == 0;
}

void Limiter::describe(Clock::Time now, http::Headers& headers) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [bucket, what] :
       {std::pair(&requests_, "requests"), std::pair(&tokens_, "tokens")}) {
    if (!*bucket) continue;
    Bucket filled = **bucket;
    filled.fill(now);
    describe_one(filled, what, headers);
  }
}

std::shared_ptr<Limiter> CallerLimits::of(const access::Caller& caller) {
  const access::Limits& limits = caller.limits;
  if (limits.requests.empty() && limits.tokens.empty() && limits.concurrent == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= callers_max && !entries_.contains(caller.name))
    std::erase_if(entries_,
                  [](const auto& entry) { return entry.second.limiter.use_count() == 1; });
  Entry& entry = entries_[caller.name];
  const bool is_new = entry.limiter == nullptr;
  if (is_new) entry.limiter = std::make_shared<Limiter>();
  if (is_new || entry.limits.requests != limits.requests || entry.limits.tokens != limits.tokens ||
      entry.limits.concurrent != limits.concurrent) {
    entry.limits = limits;
    entry.limiter->configure(limits.requests, limits.tokens, limits.concurrent);
  }
  return entry.limiter;
}

}  // namespace slipway::gateway::detail
