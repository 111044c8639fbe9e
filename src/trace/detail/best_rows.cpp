#include "trace/detail/best_rows.hpp"

#include <algorithm>

#include "core/turns.hpp"

namespace slipway::trace::detail {

namespace {

struct OrderColumn {
  TraceNumber of_trace;
  RunNumber of_run;
  bool is_descending;
};

OrderColumn order_column(Sort sort) {
  switch (sort) {
    case Sort::start_time_descending: return {TraceNumber::start, RunNumber::start, true};
    case Sort::start_time: return {TraceNumber::start, RunNumber::start, false};
    case Sort::latency_ms: return {TraceNumber::latency, RunNumber::latency, false};
    case Sort::latency_ms_descending: return {TraceNumber::latency, RunNumber::latency, true};
    case Sort::cost_usd: return {TraceNumber::cost, RunNumber::cost, false};
    case Sort::cost_usd_descending: return {TraceNumber::cost, RunNumber::cost, true};
    case Sort::total_tokens: return {TraceNumber::total, RunNumber::total, false};
    case Sort::total_tokens_descending: return {TraceNumber::total, RunNumber::total, true};
  }
  return {TraceNumber::start, RunNumber::start, true};
}

std::size_t rows_of(Table table, const Part& part) {
  return table == Table::traces ? part.traces() : part.runs();
}

/// Keeps the best rows that it was shown.
class Best {
 public:
  Best(std::size_t count_max, bool is_descending, std::optional<Cursor> cursor)
      : count_max_(count_max), is_descending_(is_descending), cursor_(cursor) {}

  /// Whether any row with a value within the bounds can be among the best.
  bool may_take(const Bounds& bounds) const {
    const std::int64_t best = is_descending_ ? bounds.most : bounds.least;
    const std::int64_t worst = is_descending_ ? bounds.least : bounds.most;
    if (cursor_ && (is_descending_ ? worst > cursor_->value : worst < cursor_->value)) return false;
    if (hits_.size() < count_max_) return true;
    return is_descending_ ? best >= hits_.front().value : best <= hits_.front().value;
  }
  bool takes(std::int64_t value, std::int64_t n) const {
    if (cursor_ && !is_before(Hit{cursor_->value, cursor_->n}, Hit{value, n})) return false;
    return hits_.size() < count_max_ || is_before(Hit{value, n}, hits_.front());
  }
  void take(const Hit& hit) {
    const auto order = [this](const Hit& a, const Hit& b) { return is_before(a, b); };
    if (hits_.size() == count_max_) {
      std::pop_heap(hits_.begin(), hits_.end(), order);
      hits_.pop_back();
    }
    hits_.push_back(hit);
    std::push_heap(hits_.begin(), hits_.end(), order);
  }
  std::vector<Hit> finish() {
    std::sort(hits_.begin(), hits_.end(),
              [this](const Hit& a, const Hit& b) { return is_before(a, b); });
    return std::move(hits_);
  }

 private:
  bool is_before(const Hit& a, const Hit& b) const {
    if (a.value != b.value) return is_descending_ ? a.value > b.value : a.value < b.value;
    return is_descending_ ? a.n > b.n : a.n < b.n;
  }

  const std::size_t count_max_;
  const bool is_descending_;
  const std::optional<Cursor> cursor_;
  std::vector<Hit> hits_;  ///< A heap, the worst first.
};

/// One part's rows on their way into the best.
class PartScan {
 public:
  PartScan(Table table, const Query& query, const PartView& view)
      : table_(table), view_(view), order_(order_column(query.sort)) {}

  Bounds range() const {
    return table_ == Table::traces ? view_.part->range(order_.of_trace)
                                   : view_.part->range(order_.of_run);
  }
  Result<void> run(const Context& context, const Matcher& matcher, Best& best, std::size_t part) {
    if (matcher.candidates()) {
      for (const std::uint32_t row : *matcher.candidates()) TRY(offer(matcher, best, part, row));
      return {};
    }
    const std::size_t rows = rows_of(table_, *view_.part);
    for (const std::size_t block : blocks_in_order(rows)) {
      if (!best.may_take(bounds(block)) || !matcher.may_match(block)) continue;
      TRY(context.check());
      const std::size_t end = std::min(rows, (block + 1) * block_rows);
      for (std::size_t row = block * block_rows; row < end; ++row)
        TRY(offer(matcher, best, part, row));
    }
    return {};
  }

 private:
  Bounds bounds(std::size_t block) const {
    return table_ == Table::traces ? view_.part->bounds(order_.of_trace, block)
                                   : view_.part->bounds(order_.of_run, block);
  }
  std::vector<std::size_t> blocks_in_order(std::size_t rows) const {
    std::vector<std::pair<std::int64_t, std::size_t>> keys;
    for (std::size_t block = 0; block * block_rows < rows; ++block) {
      const Bounds there = bounds(block);
      keys.emplace_back(order_.is_descending ? ~there.most : there.least, block);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::size_t> blocks;
    for (const auto& [key, block] : keys) blocks.push_back(block);
    return blocks;
  }
  Result<void> offer(const Matcher& matcher, Best& best, std::size_t part, std::size_t row) {
    const bool is_trace = table_ == Table::traces;
    const std::int64_t value = is_trace ? view_.part->number(order_.of_trace, row)
                                        : view_.part->number(order_.of_run, row);
    const std::int64_t n =
        is_trace ? view_.part->number(TraceNumber::n, row) : view_.part->number(RunNumber::n, row);
    if (best.takes(value, n) && TRY(matcher.matches(row))) best.take({value, n, part, row});
    return {};
  }

  const Table table_;
  const PartView& view_;
  const OrderColumn order_;
};

}  // namespace

Result<std::vector<Hit>> best_rows(const Context& context, Table table, const Query& query,
                                   const View& view) {
  const OrderColumn order = order_column(query.sort);
  Best best(static_cast<std::size_t>(query.limit) + 1, order.is_descending,
            TRY(parse_cursor(query)));
  std::vector<std::pair<std::int64_t, std::size_t>> parts;
  for (std::size_t i = 0; i < view.size(); ++i) {
    const Bounds range = PartScan(table, query, view[i]).range();
    parts.emplace_back(order.is_descending ? ~range.most : range.least, i);
  }
  std::sort(parts.begin(), parts.end());
  for (const auto& [key, part] : parts) {
    PartScan scan(table, query, view[part]);
    if (rows_of(table, *view[part].part) == 0 || !best.may_take(scan.range())) continue;
    const Matcher matcher = TRY(Matcher::make(table, query, view[part]));
    if (matcher.is_empty()) continue;
    TRY(scan.run(context, matcher, best, part));
  }
  return best.finish();
}

Result<void> for_each_match(const Context& context, Table table, const Query& query,
                            const View& view,
                            const std::function<void(const Part&, std::size_t)>& visit) {
  for (const PartView& one : view) {
    const Matcher matcher = TRY(Matcher::make(table, query, one));
    if (matcher.is_empty()) continue;
    const std::size_t rows = rows_of(table, *one.part);
    if (matcher.candidates()) {
      for (const std::uint32_t row : *matcher.candidates())
        if (TRY(matcher.matches(row))) visit(*one.part, row);
      continue;
    }
    for (std::size_t block = 0; block * block_rows < rows; ++block) {
      TRY(context.check());
      end_turn_if_over();
      if (!matcher.may_match(block)) continue;
      const std::size_t end = std::min(rows, (block + 1) * block_rows);
      for (std::size_t row = block * block_rows; row < end; ++row)
        if (TRY(matcher.matches(row))) visit(*one.part, row);
    }
  }
  return {};
}

}  // namespace slipway::trace::detail
