#include "trace/feedback_filter.hpp"

namespace slipway::trace {

namespace {

constexpr std::string_view prefix = "feedback.";

Filter not_of(Filter filter) {
  Combination none{Combination::Kind::none, {}};
  none.filters.push_back(std::move(filter));
  return {std::move(none)};
}

/// One that says the contrary asks for what it denies.
Condition positive(Condition condition, bool& is_denied) {
  const auto becomes = [&](Comparison comparison) {
    condition.comparison = comparison;
    is_denied = true;
  };
  if (condition.comparison == Comparison::ne) becomes(Comparison::eq);
  if (condition.comparison == Comparison::nin) becomes(Comparison::in);
  if (condition.comparison == Comparison::exists && !condition.operands.front().get_bool())
    becomes(Comparison::exists);
  return condition;
}

}  // namespace

Result<void> resolve_feedback(const Context& context, Feedbacks& feedbacks, Filter& filter,
                              Listed listed) {
  if (auto* combination = std::get_if<Combination>(&filter.node)) {
    for (Filter& part : combination->filters)
      TRY(resolve_feedback(context, feedbacks, part, listed));
    return {};
  }
  Condition& condition = std::get<Condition>(filter.node);
  if (!condition.field.starts_with(prefix)) return {};
  bool is_denied = false;
  const Condition asked = positive(std::move(condition), is_denied);
  Feedbacks::Matches matches = TRY(feedbacks.matching(context, asked));
  auto& ids = listed == Listed::runs ? matches.run_ids : matches.trace_ids;
  Condition found{"id", Comparison::in, {}, {}};
  found.one_of = std::make_shared<const std::set<std::string, std::less<>>>(
      std::make_move_iterator(ids.begin()), std::make_move_iterator(ids.end()));
  filter = Filter{std::move(found)};
  if (is_denied) filter = not_of(std::move(filter));
  return {};
}

}  // namespace slipway::trace
