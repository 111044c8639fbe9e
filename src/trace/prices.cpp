#include "trace/prices.hpp"

#include <algorithm>
#include <unordered_map>

namespace slipway::trace {

namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

/// By model, newest first.
using Rows = std::unordered_map<std::string, std::vector<PriceRow>, Hash, std::equal_to<>>;

Rows by_model(std::vector<PriceRow> rows) {
  Rows table;
  // From the back: of rows of one time the last one comes first.
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    std::vector<PriceRow>& same = table[row->model];
    same.push_back(std::move(*row));
  }
  for (auto& [model, same] : table)
    std::stable_sort(same.begin(), same.end(), [](const PriceRow& a, const PriceRow& b) {
      return a.valid_from > b.valid_from;
    });
  return table;
}

/// Two digits at `at`, when they are a number in `least`..`most`.
bool is_number_in(std::string_view text, std::size_t at, int least, int most) {
  const char tens = text[at];
  const char ones = text[at + 1];
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return false;
  const int number = (tens - '0') * 10 + (ones - '0');
  return number >= least && number <= most;
}

/// "20240806" of this or the last century.
bool is_date(std::string_view text) {
  return text.size() == 8 && is_number_in(text, 0, 19, 20) && is_number_in(text, 2, 0, 99) &&
         is_number_in(text, 4, 1, 12) && is_number_in(text, 6, 1, 31);
}

/// Without "-2024-08-06", "-20240806" or "@20240806"; empty when there is none of them.
std::string_view without_date(std::string_view model) {
  constexpr std::size_t short_size = 9, long_size = 11;
  if (model.size() > long_size) {
    const std::string_view end = model.substr(model.size() - long_size);
    if (end[0] == '-' && end[5] == '-' && end[8] == '-' &&
        is_date(fmt::format("{}{}{}", end.substr(1, 4), end.substr(6, 2), end.substr(9))))
      return model.substr(0, model.size() - long_size);
  }
  if (model.size() > short_size) {
    const std::string_view end = model.substr(model.size() - short_size);
    if ((end[0] == '-' || end[0] == '@') && is_date(end.substr(1)))
      return model.substr(0, model.size() - short_size);
  }
  return {};
}

const PriceRow* row_at(const Rows& table, std::string_view model, Nanoseconds time) {
  const auto found = table.find(model);
  if (found == table.end()) return nullptr;
  for (const PriceRow& row : found->second)
    if (row.valid_from <= std::max<Nanoseconds>(time, 0)) return &row;
  return nullptr;
}

const PriceRow* row_of(const Rows& table, std::string_view model, std::string_view provider,
                       Nanoseconds time) {
  if (table.empty() || model.empty()) return nullptr;
  for (const std::string_view name : {model, without_date(model)}) {
    if (name.empty()) continue;
    if (const PriceRow* row = row_at(table, name, time)) return row;
    if (provider.empty()) continue;
    std::string long_name;
    long_name.reserve(provider.size() + 1 + name.size());
    long_name.append(provider).append("/").append(name);
    if (const PriceRow* row = row_at(table, long_name, time)) return row;
  }
  // "openai/gpt-4o", where the table calls it "gpt-4o" and names the same provider.
  const std::size_t slash = model.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view rest = model.substr(slash + 1);
  for (const std::string_view name : {rest, without_date(rest)})
    if (const PriceRow* row = row_at(table, name, time);
        row != nullptr && row->provider == model.substr(0, slash))
      return row;
  return nullptr;
}

}  // namespace

struct PriceBook::Table {
  Rows rows;
};

PriceBook::PriceBook(std::vector<PriceRow> shipped, std::vector<PriceRow> own)
    : shipped_(std::make_shared<const Table>(Table{by_model(std::move(shipped))})),
      own_(std::make_shared<const Table>(Table{by_model(std::move(own))})) {}

PriceBook PriceBook::with_own(std::vector<PriceRow> own) const {
  PriceBook book(shipped_);
  book.own_ = std::make_shared<const Table>(Table{by_model(std::move(own))});
  return book;
}

const PriceRow* PriceBook::find(std::string_view model, std::string_view provider,
                                Nanoseconds time) const {
  for (const Rows* table : {&own_->rows, &shipped_->rows})
    if (const PriceRow* row = row_of(*table, model, provider, time)) return row;
  return nullptr;
}

const PriceRow* PriceBook::find_first(const std::vector<std::string>& models,
                                      std::string_view provider, Nanoseconds time) const {
  for (const Rows* table : {&own_->rows, &shipped_->rows})
    for (const std::string& model : models)
      if (const PriceRow* row = row_of(*table, model, provider, time)) return row;
  return nullptr;
}

std::vector<const PriceRow*> PriceBook::rows(std::string_view model) const {
  std::vector<const PriceRow*> found;
  const auto take = [&](const std::vector<PriceRow>& same) {
    for (const PriceRow& row : same) found.push_back(&row);
  };
  for (const Rows* table : {&own_->rows, &shipped_->rows}) {
    const std::size_t before = found.size();
    if (model.empty())
      for (const auto& [name, same] : *table) take(same);
    else if (const auto same = table->find(model); same != table->end())
      take(same->second);
    std::stable_sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
                     [](const PriceRow* a, const PriceRow* b) { return a->model < b->model; });
  }
  std::stable_sort(found.begin(), found.end(), [](const PriceRow* a, const PriceRow* b) {
    return a->valid_from > b->valid_from;
  });
  return found;
}

}  // namespace slipway::trace
