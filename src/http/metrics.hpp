// Numbers about the running program in Prometheus' text form.
//
//   Metrics metrics;
//   auto& requests = metrics.counters("http_requests_total", "Requests answered.", {"status"});
//   requests.with({"200"}).add();
//
// Counting is lock-free; finding a series by its label values takes a shared lock and no memory, so
// keep the reference where the values are known beforehand. References stay good as long as the
// registry.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::http {

namespace detail {

/// A sum that many threads add to: each thread has a cache line that it shares with few others.
class ShardedSum {
 public:
  void add(double amount);
  double value() const;

 private:
  static constexpr std::size_t shards = 8;
  struct alignas(64) Cell {
    std::atomic<double> value{0};
  };
  std::array<Cell, shards> cells_;
};

}  // namespace detail

/// Only grows. Safe to use from many threads, as all of these.
class Counter {
 public:
  /// `amount` >= 0; a negative or not finite one is left out.
  void add(double amount = 1);
  double value() const { return sum_.value(); }

 private:
  detail::ShardedSum sum_;
};

/// Goes up and down.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount);
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// How often values fell below each of some bounds.
class Histogram {
 public:
  /// `bounds` are ascending upper ends; "+Inf" is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  /// Per bound, not accumulated; the last is beyond all bounds.
  std::vector<std::uint64_t> counts() const;
  double sum() const { return sum_.value(); }

 private:
  static constexpr std::size_t shards = 4;

  const std::vector<double> bounds_;
  std::array<std::unique_ptr<std::atomic<std::uint64_t>[]>, shards> counts_;
  detail::ShardedSum sum_;
};

/// Seconds from 100 us to 5 minutes, for requests and calls to models.
std::vector<double> latency_bounds();
/// Bytes from 256 to 64 MiB.
std::vector<double> size_bounds();

/// The series of one name, told apart by the values of its labels. At most `series_max` of them:
/// label values beyond that are counted together with every value "other", so that a client that
/// invents names cannot fill the memory.
template <typename Series>
class Family {
 public:
  static constexpr std::size_t series_max = 1000;
  /// Longer label values are cut.
  static constexpr std::size_t value_bytes_max = 128;
  using Values = std::vector<std::string>;

  Family(std::vector<std::string> labels, std::function<std::unique_ptr<Series>()> make)
      : labels_(std::move(labels)), make_(std::move(make)) {}

  /// As many values as there are labels; anything else is a bug.
  Series& with(std::initializer_list<std::string_view> said);
  void each(const std::function<void(const Values&, const Series&)>& visit) const;
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  /// Compares with values that stand elsewhere, too.
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), std::less<>());
    }
  };

  const std::vector<std::string> labels_;
  const std::function<std::unique_ptr<Series>()> make_;
  mutable std::shared_mutex mutex_;
  std::map<Values, std::unique_ptr<Series>, Less> series_;
};

extern template class Family<Counter>;
extern template class Family<Gauge>;
extern template class Family<Histogram>;

/// All families of a program. A name is declared once; asking for it again with the same kind and
/// labels gives the same family, with others it is a bug.
class Metrics {
 public:
  using Labels = std::vector<std::string>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Family<Counter>& counters(std::string name, std::string help, Labels labels);
  Family<Gauge>& gauges(std::string name, std::string help, Labels labels);
  /// `bounds` count at the first declaration.
  Family<Histogram>& histograms(std::string name, std::string help, Labels labels,
                                std::vector<double> bounds = latency_bounds());
  /// Without labels.
  Counter& counter(std::string name, std::string help);
  Gauge& gauge(std::string name, std::string help);
  Histogram& histogram(std::string name, std::string help,
                       std::vector<double> bounds = latency_bounds());

  /// Numbers that others keep: `read` gives them at each `text()`, as value per label values. It is
  /// called from any thread and must not call this registry.
  using Samples = std::vector<std::pair<std::vector<std::string>, double>>;
  enum class Kind { counter, gauge };
  struct Reading {
    Kind kind = Kind::gauge;
    std::string help;
    Labels labels;
    std::function<Samples()> read;
  };
  void observe(std::string name, Reading reading);

  /// Text exposition format 0.0.4, families by name. Content type: `content_type`.
  std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Entry;
  Entry& entry(std::string name, std::string help);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace slipway::http
