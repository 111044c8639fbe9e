#include "trace/detail/tree_sums.hpp"

#include <algorithm>

namespace slipway::trace::detail {

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

struct Amount {
  std::int64_t first = 0, second = 0, third = 0;
  bool operator==(const Amount&) const = default;
  void add(const Amount& other) {
    const auto sum = [](std::int64_t a, std::int64_t b) {
      std::int64_t both = 0;
      return __builtin_add_overflow(a, b, &both) ? a : both;
    };
    first = sum(first, other.first);
    second = sum(second, other.second);
    third = sum(third, other.third);
  }
};

Amount usage_of(const Row& row) {
  return {row.number(RunNumber::input), row.number(RunNumber::output),
          row.number(RunNumber::total)};
}
Amount cost_of(const Row& row) { return {row.number(RunNumber::cost), 0, 0}; }

/// Rows from the roots down, and the parent of each. What hangs in a circle is left out.
struct Tree {
  std::vector<std::size_t> parents, order;
};

Tree tree_of(const MemTrace& trace) {
  const std::size_t count = trace.rows.size();
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) places.emplace(trace.rows[i]->id, i);
  Tree tree;
  tree.parents.assign(count, none);
  std::vector<std::vector<std::size_t>> children(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& parent = trace.rows[i]->parent_id;
    const auto place = parent ? places.find(*parent) : places.end();
    if (place == places.end() || place->second == i) {
      tree.order.push_back(i);
    } else {
      tree.parents[i] = place->second;
      children[place->second].push_back(i);
    }
  }
  for (std::size_t next = 0; next < tree.order.size(); ++next)
    for (const std::size_t child : children[tree.order[next]]) tree.order.push_back(child);
  return tree;
}

/// Which rows repeat what is below them, of one sort of amounts.
class Repeats {
 public:
  template <typename Has, typename AmountOf>
  Repeats(const Tree& tree, std::size_t count, const Has& has, const AmountOf& amount)
      : below_(count), has_below_(count), repeats_(count) {
    std::vector<std::size_t> above(count, none);  // The nearest with an amount.
    for (const std::size_t row : tree.order)
      if (const std::size_t parent = tree.parents[row]; parent != none)
        above[row] = has(parent) ? parent : above[parent];
    std::vector<bool> equals_one(count);
    for (auto row = tree.order.rbegin(); row != tree.order.rend(); ++row) {
      if (!has(*row)) continue;
      const Amount own = amount(*row);
      repeats_[*row] = has_below_[*row] && (own == below_[*row] || equals_one[*row]);
      const std::size_t up = above[*row];
      if (up == none) continue;
      Amount counted = below_[*row];
      if (!repeats_[*row]) counted.add(own);
      below_[up].add(counted);
      has_below_[up] = true;
      if (own == amount(up)) equals_one[up] = true;
    }
  }
  bool at(std::size_t row) const { return repeats_[row]; }
  bool has_below(std::size_t row) const { return has_below_[row]; }

 private:
  std::vector<Amount> below_;
  std::vector<bool> has_below_, repeats_;
};

}  // namespace

void mark_counted(MemTrace& trace) {
  const std::size_t count = trace.rows.size();
  trace.counts.assign(count, 0);
  const auto used = [&](std::size_t row) { return trace.rows[row]->has(has_usage); };
  const auto costs = [&](std::size_t row) { return trace.rows[row]->has(has_cost); };
  std::size_t with_amounts = 0;
  for (std::size_t row = 0; row < count; ++row) {
    if (!used(row) && !costs(row)) continue;
    ++with_amounts;
    if (used(row)) trace.counts[row] |= counts_tokens;
    if (costs(row)) trace.counts[row] |= counts_cost;
  }
  if (with_amounts < 2) return;
  const Tree tree = tree_of(trace);
  const Repeats usages(tree, count, used,
                       [&](std::size_t row) { return usage_of(*trace.rows[row]); });
  const Repeats sums(tree, count, costs,
                     [&](std::size_t row) { return cost_of(*trace.rows[row]); });
  for (std::size_t row = 0; row < count; ++row) {
    if (usages.at(row)) trace.counts[row] &= static_cast<std::uint16_t>(~counts_tokens);
    const bool repeats_cost = used(row) ? usages.at(row) && sums.has_below(row) : sums.at(row);
    if (repeats_cost) trace.counts[row] &= static_cast<std::uint16_t>(~counts_cost);
  }
}

}  // namespace slipway::trace::detail
