// One model that can answer, somewhere: how it is asked and how it is.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "dialects/codec.hpp"
#include "gateway/detail/circuit.hpp"
#include "gateway/detail/limiter.hpp"
#include "gateway/record.hpp"
#include "http/client.hpp"
#include "http/upstream.hpp"
#include "models/catalog.hpp"

namespace slipway::gateway::detail {

/// How soon answers begin: a rise counts at once, a fall slowly. Safe to use from many threads.
class PeakMean {
 public:
  void observe(double milliseconds, Clock::Time now);
  double value() const;

 private:
  static constexpr double decay_seconds = 10;
  mutable std::mutex mutex_;
  double value_ = 0;
  Clock::Time seen_{};
};

/// What is known of a deployment; outlives revisions of the configuration. Safe to use from many
/// threads.
struct Health {
  explicit Health(const models::BreakerConfig& breaker);
  Circuit circuit;
  Limiter limiter;
  PeakMean latency;
  std::atomic<std::uint64_t> calls{0}, failures{0};
  std::atomic<std::size_t> running{0};
  /// Until when each key is left alone, by its place in the list.
  std::mutex keys_mutex;
  std::map<std::size_t, Clock::Time> keys_rest;
};

/// A key that is used for one call.
struct ChosenKey {
  std::size_t index = 0;
  std::string secret;  ///< Empty: none is sent.
};

/// Where it is.
enum class Place { remote, local, pipeline };

/// Immutable but for its health.
class Deployment {
 public:
  /// Resolves secrets and reads times. Fails: invalid_argument, not_found.
  static Result<std::shared_ptr<const Deployment>> make(const std::string& name,
                                                        const models::ModelConfig& config,
                                                        std::shared_ptr<Health> health);
  static std::shared_ptr<const Deployment> pipeline(const std::string& name,
                                                    std::shared_ptr<Health> health);

  const std::string& name() const { return name_; }
  const models::ModelConfig& config() const { return config_; }  ///< Resolved.
  Place place() const { return place_; }
  Health& health() const { return *health_; }
  const http::UpstreamTimeouts& timeouts() const { return timeouts_; }
  /// The name under which its price is looked for, if not by the one on the wire.
  const std::string& priced_model() const { return priced_model_; }
  /// The name on the wire.
  const std::string& model() const { return model_; }
  std::string provider() const;

  bool speaks(dialects::Dialect dialect) const;
  /// The dialect in which a call in `dialect` is asked: the same if it can be.
  dialects::Dialect dialect_for(dialects::Dialect dialect) const;
  /// A POST with its key, without a body. `path` is below the version: "/embeddings".
  http::ClientRequest request(std::string_view path, const ChosenKey& key) const;
  std::string_view chat_path(dialects::Dialect dialect) const;

  /// By weight among those that do not rest; the one that rests least when all do.
  ChosenKey choose_key(Clock::Time now, Random& random) const;
  void rest_key(std::size_t index, Clock::Time until) const;
  std::size_t keys() const { return secrets_.size(); }
  bool has_fresh_key(Clock::Time now) const;

  /// `text` without any of its keys, nor what looks like one.
  std::string redact(std::string text) const;

 private:
  Deployment() = default;
  std::string priced_model_;
  std::string name_, model_;
  models::ModelConfig config_;
  Place place_ = Place::remote;
  std::shared_ptr<Health> health_;
  http::UpstreamTimeouts timeouts_;
  std::vector<std::string> secrets_;
  std::vector<double> weights_;
  std::string url_;  ///< Up to the version: "https://api.cohere.com/v2"
};
using DeploymentPtr = std::shared_ptr<const Deployment>;

/// 0..1, 1 excluded.
double fraction(Random& random);

}  // namespace slipway::gateway::detail
