#include "gateway/detail/deployment.hpp"

#include <algorithm>
#include <cmath>

#include "core/duration.hpp"
#include "core/secret.hpp"
#include "gateway/prices.hpp"
#include "models/remote_api.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::Dialect;
using models::Provider;

std::chrono::milliseconds time_of(const std::string& text) {
  const auto time = parse_duration(text);
  return time ? *time : std::chrono::milliseconds(0);
}

/// Characters that keys are made of.
bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '*';
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

constexpr std::string_view hidden = "[key]";

}  // namespace

double fraction(Random& random) {
  constexpr int mantissa = 53;
  return std::ldexp(static_cast<double>(random.next() >> (64 - mantissa)), -mantissa);
}

void PeakMean::observe(double milliseconds, Clock::Time now) {
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> passed = now - seen_;
  const double keep = seen_ == Clock::Time() ? 0 : std::exp(-passed.count() / decay_seconds);
  value_ = milliseconds >= value_ ? milliseconds : value_ * keep + milliseconds * (1 - keep);
  seen_ = now;
}

double PeakMean::value() const {
  const std::lock_guard lock(mutex_);
  return value_;
}

Health::Health(const models::BreakerConfig& breaker)
    : circuit(breaker.failures, time_of(breaker.pause)) {}

Result<DeploymentPtr> Deployment::make(const std::string& name, const models::ModelConfig& config,
                                       std::shared_ptr<Health> health) {
  const auto made = std::shared_ptr<Deployment>(new Deployment);
  made->name_ = name;
  made->config_ = config.resolved();
  made->place_ = models::is_remote(config.provider) ? Place::remote : Place::local;
  made->model_ = config.model.empty() ? name : config.model;
  made->health_ = std::move(health);
  made->timeouts_ = {time_of(config.timeouts.connect), time_of(config.timeouts.first_token),
                     time_of(config.timeouts.total)};
  made->priced_model_ = names_of(name, config).priced_model;
  for (const models::WeightedKey& key : config.api_key.items()) {
    made->secrets_.push_back(
        TRY(resolve_secret("api_key", key.key).within(fmt::format("models.{}", name))));
    made->weights_.push_back(key.weight);
  }
  if (made->place_ == Place::remote) made->url_ = models::api_url(config);
  made->health_->circuit.configure(config.breaker.failures, time_of(config.breaker.pause));
  made->health_->limiter.configure(config.limits.requests, config.limits.tokens,
                                   config.limits.concurrent);
  return DeploymentPtr(made);
}

DeploymentPtr Deployment::pipeline(const std::string& name, std::shared_ptr<Health> health) {
  const auto made = std::shared_ptr<Deployment>(new Deployment);
  made->name_ = made->model_ = made->priced_model_ = name;
  made->place_ = Place::pipeline;
  made->health_ = std::move(health);
  made->timeouts_.total = time_of(made->config_.timeouts.total);
  return made;
}

std::string Deployment::provider() const {
  return place_ == Place::pipeline ? "pipeline" : std::string(json::name(config_.provider));
}

bool Deployment::speaks(Dialect dialect) const {
  if (place_ != Place::remote) return false;
  switch (config_.provider) {
    case Provider::openai:
      if (dialect == Dialect::openai_responses)
        return config_.responses.value_or(config_.base_url == "https://api.openai.com/v1");
      return dialect == Dialect::openai || dialect == Dialect::openai_completions;
    case Provider::anthropic: return dialect == Dialect::anthropic;
    case Provider::cohere: return dialect == Dialect::cohere;
    default: return false;
  }
}

Dialect Deployment::dialect_for(Dialect dialect) const {
  if (speaks(dialect)) return dialect;
  return models::chat_dialect(config_.provider);
}

std::string_view Deployment::chat_path(Dialect dialect) const { return models::chat_path(dialect); }

http::ClientRequest Deployment::request(std::string_view path, const ChosenKey& key) const {
  http::ClientRequest request;
  request.method = "POST";
  request.url.reserve(url_.size() + path.size());
  request.url.append(url_).append(path);
  request.headers = models::api_headers(config_.provider, key.secret);
  return request;
}

ChosenKey Deployment::choose_key(Clock::Time now, Random& random) const {
  if (secrets_.empty()) return {};
  if (secrets_.size() == 1) return {0, secrets_.front()};
  const std::lock_guard lock(health_->keys_mutex);
  const auto& rest = health_->keys_rest;
  const auto rests_until = [&](std::size_t i) {
    const auto found = rest.find(i);
    return found == rest.end() ? Clock::Time() : found->second;
  };
  double sum = 0;
  for (std::size_t i = 0; i < secrets_.size(); ++i)
    if (rests_until(i) <= now) sum += weights_[i];
  double left = fraction(random) * sum;
  std::size_t chosen = secrets_.size();
  for (std::size_t i = 0; i < secrets_.size(); ++i) {
    if (rests_until(i) > now) continue;
    chosen = i;
    left -= weights_[i];
    if (left < 0) break;
  }
  if (chosen == secrets_.size()) {
    chosen = 0;
    for (std::size_t i = 1; i < secrets_.size(); ++i)
      if (rests_until(i) < rests_until(chosen)) chosen = i;
  }
  return {chosen, secrets_[chosen]};
}

void Deployment::rest_key(std::size_t index, Clock::Time until) const {
  const std::lock_guard lock(health_->keys_mutex);
  auto& rests = health_->keys_rest[index];
  rests = std::max(rests, until);
}

bool Deployment::has_fresh_key(Clock::Time now) const {
  const std::lock_guard lock(health_->keys_mutex);
  std::size_t resting = 0;
  for (const auto& [index, until] : health_->keys_rest)
    if (until > now && index < secrets_.size()) ++resting;
  return resting < secrets_.size();
}

std::string Deployment::redact(std::string text) const {
  for (const std::string& secret : secrets_)
    if (!secret.empty()) replace_all(text, secret, hidden);
  // Vendors quote keys half hidden: "sk-abc***xyz".
  constexpr std::size_t key_length_min = 8;
  for (const std::string_view mark : {"sk-", "Bearer "})
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
      std::size_t end = at + mark.size();
      while (end < text.size() && is_key_character(text[end])) ++end;
      if (end - at < key_length_min) {
        at = end;
        continue;
      }
      text.replace(at, end - at, hidden);
      at += hidden.size();
    }
  return text;
}

}  // namespace slipway::gateway::detail
