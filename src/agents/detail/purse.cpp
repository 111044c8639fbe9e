#include "agents/detail/purse.hpp"

namespace slipway::agents::detail {

namespace {
constexpr double usd_grain = 1e-12;  ///< Sums of prices are exact to less than this.
}

bool Purse::fits(const Usage& wish) const {
  const auto exceeds = [](auto limit, auto sum) { return limit && sum > *limit; };
  return !exceeds(budget_.tokens, settled_.tokens + reserved_.tokens + wish.tokens) &&
         !exceeds(budget_.calls, settled_.calls + reserved_.calls + wish.calls) &&
         !(budget_.usd && settled_.usd + reserved_.usd + wish.usd > *budget_.usd + usd_grain);
}

Purse& Purse::of_node(const std::string& path, const Budget& budget) {
  const std::lock_guard lock(mutex_);
  auto& purse = nodes_[path];
  if (!purse) {
    purse = std::make_unique<Purse>(budget);
    purse->run_ = this;
    purse->begun_ms_ = worked_ms();
  }
  return *purse;
}

bool Purse::is_late() const {
  if (!budget_.wall) return false;
  const std::int64_t worked = run_ != nullptr ? run_->worked_ms() - begun_ms_ : worked_ms();
  return worked > budget_.wall->count();
}

void Purse::begin_work(std::function<std::int64_t()> timer) {
  timer_ = std::move(timer);
  working_since_ = timer_();
}

void Purse::end_work() {
  worked_ms_ = worked_ms();
  working_since_ = -1;
}

std::int64_t Purse::worked_ms() const {
  const std::int64_t since = working_since_;
  return worked_ms_ + (since >= 0 ? std::max<std::int64_t>(0, timer_() - since) : 0);
}

Purse::Answer Purse::reserve(const Context& context, const Usage& wish) {
  if (is_late()) return Answer::spent;
  std::unique_lock lock(mutex_);
  while (!fits(wish)) {
    if (open_ == 0) return Answer::spent;
    const int before = open_;
    const auto changed = [&] { return open_ != before || fits(wish); };
    if (context.deadline())
      returned_.wait_until(lock, context.stop(), *context.deadline(), changed);
    else
      returned_.wait(lock, context.stop(), changed);
    if (!context.check()) return Answer::cancelled;
  }
  reserved_.add(wish);
  ++open_;
  peak_ = std::max(peak_, settled_.tokens + reserved_.tokens);
  return Answer::granted;
}

void Purse::settle(const Usage& reserved, const Usage& used) {
  {
    const std::lock_guard lock(mutex_);
    reserved_.tokens -= reserved.tokens;
    reserved_.calls -= reserved.calls;
    reserved_.usd -= reserved.usd;
    settled_.add(used);
    --open_;
    if (open_ == 0) reserved_ = {};  // No crumbs of sums of doubles stay.
    peak_ = std::max(peak_, settled_.tokens + reserved_.tokens);
  }
  returned_.notify_all();
}

void Purse::restore(const Usage& settled, std::int64_t peak) {
  const std::lock_guard lock(mutex_);
  settled_.add(settled);
  peak_ = std::max({peak_, peak, settled_.tokens});
}

void Purse::add_limit(const Usage& more) {
  {
    const std::lock_guard lock(mutex_);
    if (budget_.tokens) *budget_.tokens += more.tokens;
    if (budget_.calls) *budget_.calls += more.calls;
    if (budget_.usd) *budget_.usd += more.usd;
  }
  returned_.notify_all();
}

Usage Purse::settled() const {
  const std::lock_guard lock(mutex_);
  return settled_;
}

Usage Purse::reserved() const {
  const std::lock_guard lock(mutex_);
  return reserved_;
}

std::int64_t Purse::peak() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

Budget Purse::limits() const {
  const std::lock_guard lock(mutex_);
  return budget_;
}

Value Purse::left() const {
  const std::lock_guard lock(mutex_);
  Value left = Value::map();
  if (budget_.tokens) left.put("tokens", *budget_.tokens - settled_.tokens - reserved_.tokens);
  if (budget_.calls) left.put("calls", *budget_.calls - settled_.calls - reserved_.calls);
  if (budget_.usd) left.put("usd", *budget_.usd - settled_.usd - reserved_.usd);
  return left;
}

}  // namespace slipway::agents::detail
