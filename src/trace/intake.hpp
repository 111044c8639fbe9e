// The door for bodies full of runs: each is decoded and stored by a worker, and what waits for that
// is bounded.
#pragma once

#include <atomic>
#include <functional>

#include "core/pool.hpp"
#include "http/server.hpp"
#include "trace/store.hpp"

namespace slipway::trace {

/// Safe to use from many threads.
class Intake {
 public:
  struct Options {
    TraceStore& store;  ///< Both must outlive the intake, and it every exchange.
    Pool& workers;
    std::size_t request_bytes_max = 20u << 20;  ///< After decompression.
    std::size_t queued_bytes_max = 64u << 20;   ///< Bodies that wait for their commit.
  };
  explicit Intake(Options options) : options_(options) {}

  /// What waits or is being stored at this moment.
  std::size_t queued_bytes() const { return queued_bytes_; }
  std::size_t request_bytes_max() const { return options_.request_bytes_max; }
  TraceStore& store() const { return options_.store; }

  /// How a request is answered when it is not even looked at, in its dialect.
  using Refuse = std::function<void(const http::ExchangePtr&, int status, const std::string& why)>;
  /// Runs `work` on a worker; it answers the exchange. Never waits: a body that is too large is
  /// refused with 413, one too many with 503.
  void take(const http::ExchangePtr& exchange, const Refuse& refuse,
            std::function<void(const http::ExchangePtr&)> work);

  /// Runs that a face refused before the store saw them.
  void count_rejected(std::int64_t runs) { rejected_ += static_cast<std::uint64_t>(runs); }
  std::uint64_t rejected() const { return rejected_; }

 private:
  const Options options_;
  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace slipway::trace
