#include "http/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "core/result.hpp"
#include "core/unicode.hpp"

namespace slipway::http {

namespace {

/// Threads are numbered as they come; neighbours get different cells.
std::size_t thread_number() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

void add_to(std::atomic<double>& cell, double amount) {
  double old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, old + amount, std::memory_order_relaxed)) continue;
}

bool is_name(std::string_view name, bool may_have_colon) {
  const auto is_first = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (may_have_colon && c == ':');
  };
  const auto is_later = [&](char c) { return is_first(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && is_first(name.front()) && std::all_of(name.begin(), name.end(), is_later);
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::trunc(value) && std::fabs(value) < 1e15)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

std::string escaped(std::string_view text, bool is_label) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && is_label)
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

using Names = std::vector<std::string>;

/// `{a="x",le="0.5"}`, or nothing without labels.
std::string label_text(const Names& labels, const Names& values, std::string_view bound = {}) {
  std::string out;
  for (std::size_t i = 0; i < labels.size() && i < values.size(); ++i)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", labels[i], escaped(values[i], true));
  if (!bound.empty()) out += fmt::format("{}le=\"{}\"", out.empty() ? "" : ",", bound);
  return out.empty() ? out : "{" + out + "}";
}

}  // namespace

void detail::ShardedSum::add(double amount) {
  add_to(cells_[thread_number() % shards].value, amount);
}

double detail::ShardedSum::value() const {
  double sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

void Counter::add(double amount) {
  if (amount > 0 && std::isfinite(amount)) sum_.add(amount);
}

void Gauge::add(double amount) { add_to(value_, amount); }

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  SLIPWAY_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
  for (auto& shard : counts_)
    shard = std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1);
}

void Histogram::observe(double value) {
  if (std::isnan(value)) return;
  const auto place = static_cast<std::size_t>(
      std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  counts_[thread_number() % shards][place].fetch_add(1, std::memory_order_relaxed);
  sum_.add(value);
}

std::vector<std::uint64_t> Histogram::counts() const {
  std::vector<std::uint64_t> all(bounds_.size() + 1);
  for (const auto& shard : counts_)
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += shard[i].load(std::memory_order_relaxed);
  return all;
}

std::vector<double> latency_bounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
          0.25,   0.5,     1,      2.5,   5,      10,    30,   60,    120,  300};
}

std::vector<double> size_bounds() {
  std::vector<double> bounds;
  for (double bytes = 256; bytes <= 64.0 * (1 << 20); bytes *= 4) bounds.push_back(bytes);
  return bounds;
}

template <typename Series>
Series& Family<Series>::with(std::initializer_list<std::string_view> said) {
  SLIPWAY_ASSERT(said.size() == labels_.size());
  {
    // Those that are here are short and UTF-8.
    const std::shared_lock lock(mutex_);
    if (const auto found = series_.find(said); found != series_.end()) return *found->second;
  }
  Values values(said.begin(), said.end());
  for (std::string& value : values) {
    if (value.size() > value_bytes_max)
      value.resize(unicode::floor_boundary(value, value_bytes_max));
    if (!unicode::is_valid_utf8(value)) value = "invalid";
  }
  const std::unique_lock lock(mutex_);
  if (series_.size() >= series_max && !series_.contains(values))
    values.assign(labels_.size(), "other");
  auto& series = series_[std::move(values)];
  if (!series) series = make_();
  return *series;
}

template <typename Series>
void Family<Series>::each(const std::function<void(const Values&, const Series&)>& visit) const {
  const std::shared_lock lock(mutex_);
  for (const auto& [values, series] : series_) visit(values, *series);
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

struct Metrics::Entry {
  template <typename Series>
  using FamilyPtr = std::unique_ptr<Family<Series>>;

  std::string help;
  std::variant<std::monostate, FamilyPtr<Counter>, FamilyPtr<Gauge>, FamilyPtr<Histogram>, Reading>
      what;

  /// The family, made if nobody declared the name before.
  template <typename Series>
  Family<Series>& family(Labels labels, std::function<std::unique_ptr<Series>()> make) {
    if (std::holds_alternative<std::monostate>(what)) {
      for (const std::string& label : labels) SLIPWAY_ASSERT(is_name(label, false));
      what = std::make_unique<Family<Series>>(std::move(labels), std::move(make));
      return *std::get<FamilyPtr<Series>>(what);
    }
    auto* const found = std::get_if<FamilyPtr<Series>>(&what);
    SLIPWAY_ASSERT(found != nullptr && (*found)->labels() == labels);
    return **found;
  }

  std::string_view kind() const {
    if (const auto* reading = std::get_if<Reading>(&what))
      return reading->kind == Kind::counter ? "counter" : "gauge";
    if (std::holds_alternative<FamilyPtr<Counter>>(what)) return "counter";
    return std::holds_alternative<FamilyPtr<Gauge>>(what) ? "gauge" : "histogram";
  }
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Entry& Metrics::entry(std::string name, std::string help) {
  SLIPWAY_ASSERT(is_name(name, true));
  auto& entry = entries_[std::move(name)];
  if (!entry) {
    entry = std::make_unique<Entry>();
    entry->help = std::move(help);
  }
  return *entry;
}

Family<Counter>& Metrics::counters(std::string name, std::string help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return entry(std::move(name), std::move(help)).family<Counter>(std::move(labels), [] {
    return std::make_unique<Counter>();
  });
}

Family<Gauge>& Metrics::gauges(std::string name, std::string help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return entry(std::move(name), std::move(help)).family<Gauge>(std::move(labels), [] {
    return std::make_unique<Gauge>();
  });
}

Family<Histogram>& Metrics::histograms(std::string name, std::string help, Labels labels,
                                       std::vector<double> bounds) {
  const std::lock_guard lock(mutex_);
  return entry(std::move(name), std::move(help))
      .family<Histogram>(std::move(labels), [bounds = std::move(bounds)] {
        return std::make_unique<Histogram>(bounds);
      });
}

Counter& Metrics::counter(std::string name, std::string help) {
  return counters(std::move(name), std::move(help), {}).with({});
}

Gauge& Metrics::gauge(std::string name, std::string help) {
  return gauges(std::move(name), std::move(help), {}).with({});
}

Histogram& Metrics::histogram(std::string name, std::string help, std::vector<double> bounds) {
  return histograms(std::move(name), std::move(help), {}, std::move(bounds)).with({});
}

void Metrics::observe(std::string name, Reading reading) {
  const std::lock_guard lock(mutex_);
  Entry& declared = entry(std::move(name), reading.help);
  SLIPWAY_ASSERT(std::holds_alternative<std::monostate>(declared.what));
  declared.what = std::move(reading);
}

namespace {

void write_histogram(std::string& out, const std::string& name, const Family<Histogram>& family) {
  family.each([&](const Names& values, const Histogram& histogram) {
    const auto counts = histogram.counts();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sum += counts[i];
      const std::string bound =
          i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
      out += fmt::format("{}_bucket{} {}\n", name, label_text(family.labels(), values, bound), sum);
    }
    const std::string labels = label_text(family.labels(), values);
    out += fmt::format("{}_sum{} {}\n", name, labels, number(histogram.sum()));
    out += fmt::format("{}_count{} {}\n", name, labels, sum);
  });
}

template <typename Series>
void write_values(std::string& out, const std::string& name, const Family<Series>& family) {
  family.each([&](const Names& values, const Series& series) {
    out +=
        fmt::format("{}{} {}\n", name, label_text(family.labels(), values), number(series.value()));
  });
}

}  // namespace

std::string Metrics::text() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(entry->help, false), name,
                       entry->kind());
    if (const auto* reading = std::get_if<Reading>(&entry->what)) {
      for (const auto& [values, value] : reading->read())
        out += fmt::format("{}{} {}\n", name, label_text(reading->labels, values), number(value));
    } else if (const auto* counters = std::get_if<Entry::FamilyPtr<Counter>>(&entry->what)) {
      write_values(out, name, **counters);
    } else if (const auto* gauges = std::get_if<Entry::FamilyPtr<Gauge>>(&entry->what)) {
      write_values(out, name, **gauges);
    } else if (const auto* histograms = std::get_if<Entry::FamilyPtr<Histogram>>(&entry->what)) {
      write_histogram(out, name, **histograms);
    }
  }
  return out;
}

}  // namespace slipway::http
