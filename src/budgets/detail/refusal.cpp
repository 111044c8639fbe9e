#include "budgets/detail/refusal.hpp"

#include <algorithm>
#include <cstdlib>

#include "budgets/detail/periods.hpp"

namespace slipway::budgets::detail {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t attodollars_per_picodollar = 1'000'000;

std::int64_t not_negative(std::int64_t value) { return std::max<std::int64_t>(value, 0); }

/// Tokens that so many picodollars pay for.
std::int64_t paid_tokens(std::int64_t usd, const Wish& wish) {
  const std::int64_t most = wish.output_tokens;
  if (usd < 0) return -1;
  if (wish.output_price.attodollars == 0) return most;
  const Wide tokens =
      Wide(usd) * attodollars_per_picodollar / (Wide(wish.output_price.attodollars) * wish.choices);
  std::int64_t paid = tokens > most ? most : static_cast<std::int64_t>(tokens);
  // The price of many tokens is rounded to a picodollar, perhaps up.
  while (paid >= 0 && wish.output_price.times(paid * wish.choices).value > usd) --paid;
  return paid;
}

std::string period_text(Period period) {
  return period == Period::total ? std::string("in all")
                                 : fmt::format("each {}", json::name(period));
}

}  // namespace

std::optional<std::int64_t> Room::usd() const {
  if (!definition.limit_usd) return {};
  return left_of(definition.limit_usd->value, account.approved.usd.value, account.spent.usd.value,
                 account.reserved.usd.value);
}

std::optional<std::int64_t> Room::tokens() const {
  if (!definition.config.limit_tokens) return {};
  return left_of(*definition.config.limit_tokens, account.approved.tokens, account.spent.tokens,
                 account.reserved.tokens);
}

bool Room::fits(const Wish& wish, const Amount& amount) const {
  // What is free may leave also when the last call took more than was left.
  if (const auto left = usd(); left && (!wish.is_priced || amount.usd.value > not_negative(*left)))
    return false;
  const auto left = tokens();
  return !left || amount.tokens <= *left;
}

std::int64_t Room::output_tokens(const Wish& wish) const {
  std::int64_t most = wish.output_tokens;
  if (const auto left = usd()) {
    if (!wish.is_priced) return -1;
    most = std::min(most, paid_tokens(*left - wish.input_usd.value, wish));
  }
  if (const auto left = tokens()) {
    const std::int64_t output = *left - wish.input_tokens;
    most = std::min(most, output < 0 ? -1 : output / wish.choices);
  }
  return most;
}

std::string dollar_text(trace::Picodollars amount) {
  constexpr std::int64_t unit = 1'000'000'000'000;
  constexpr std::size_t digits_min = 2;
  std::string digits = fmt::format("{:012}", std::abs(amount.value % unit));
  while (digits.size() > digits_min && digits.back() == '0') digits.pop_back();
  return fmt::format("{}{}.{}", amount.value < 0 ? "-" : "", std::abs(amount.value / unit), digits);
}

Refusal refusal_of(const Room& room, const Wish& wish, Clock::Time now) {
  const Definition& definition = room.definition;
  const BudgetConfig& config = definition.config;
  const Amount needed = wish.most(wish.output_tokens);
  Refusal refusal;
  refusal.budget_id = definition.id;
  refusal.name = definition.name;
  refusal.on_exceed = config.on_exceed;
  refusal.degrade_to = config.degrade_to;
  refusal.is_unpriced = config.limit_usd && !wish.is_priced;
  json::Object& told = refusal.budget;
  const auto resets = period_end(config.period, now);
  told["name"] = definition.name;
  told["limit_usd"] = json::to(config.limit_usd);
  told["spent_usd"] = room.account.spent.usd.dollars();
  told["remaining_usd"] = nullptr;
  if (const auto left = room.usd())
    told["remaining_usd"] = trace::Picodollars{not_negative(*left)}.dollars();
  told["resets_at"] = nullptr;
  if (resets) told["resets_at"] = format_time(*resets);
  std::vector<std::string> limits;
  if (const auto left = room.usd())
    limits.push_back(fmt::format("${} {}, of which ${} remain, and this call may need ${}",
                                 dollar_text(*definition.limit_usd), period_text(config.period),
                                 dollar_text({not_negative(*left)}), dollar_text(needed.usd)));
  if (const auto left = room.tokens()) {
    told["limit_tokens"] = *config.limit_tokens;
    told["spent_tokens"] = room.account.spent.tokens;
    told["remaining_tokens"] = not_negative(*left);
    limits.push_back(fmt::format("{} tokens {}, of which {} remain, and this call may need {}",
                                 *config.limit_tokens, period_text(config.period),
                                 not_negative(*left), needed.tokens));
  }
  refusal.message = fmt::format("budget '{}' allows {}", definition.name, fmt::join(limits, "; "));
  if (refusal.is_unpriced)
    refusal.message = fmt::format(
        "budget '{}' is in dollars, and nobody knows what model '{}' costs: give it a price "
        "(models.NAME.price in slipway.yaml, or PUT /api/prices/MODEL)",
        definition.name, wish.payer.model.substr(0, 100));
  else if (config.on_exceed == OnExceed::ask)
    refusal.message += fmt::format("; POST /api/budgets/{}/approvals allows more", definition.id);
  else if (resets)
    refusal.message += fmt::format("; it begins anew at {}", format_time(*resets));
  return refusal;
}

}  // namespace slipway::budgets::detail
