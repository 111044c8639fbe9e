#include "gateway/detail/call.hpp"

#include <algorithm>

namespace slipway::gateway::detail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds backoff_first{200}, backoff_max{8'000};
/// Who asks us to wait longer is left for another, or his time told to the caller.
constexpr milliseconds wait_max{10'000};
constexpr milliseconds key_rest{30'000};
constexpr std::size_t error_bytes_max = 64u << 10;
constexpr int status_gone = 499;

std::string kind_of(const Failure& failure, int status) {
  if (status > 0) return std::to_string(status);
  return failure.error.status == 504 ? "timeout" : "connection";
}

/// The request is wrong; who says so is well.
bool is_refusal(int status) {
  return status == 400 || status == 404 || status == 413 || status == 422;
}

std::string retry_after_text(milliseconds wait) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count());
}

}  // namespace

void Link::set(std::shared_ptr<http::UpstreamCall> call) {
  const std::lock_guard lock(mutex_);
  call_ = std::move(call);
  if (is_cancelled_)
    call_->cancel();
  else if (is_resumed_)
    call_->resume();
}

void Link::cancel() {
  const std::lock_guard lock(mutex_);
  is_cancelled_ = true;
  if (call_) call_->cancel();
}

void Link::resume() {
  const std::lock_guard lock(mutex_);
  is_resumed_ = true;
  if (call_) call_->resume();
}

Call::Call(Engine& engine, http::ExchangePtr exchange, access::Caller caller)
    : engine_(engine),
      exchange_(std::move(exchange)),
      caller_(std::move(caller)),
      plan_(engine.plan()) {
  record_.caller = caller_.name;
  record_.began = engine_.clock().now();
  record_.origin = trace::origin_of(exchange_->request());
  record_.origin.key = caller_.name;
  record_.place =
      trace::new_place(record_.origin, trace::nanoseconds(record_.began), engine_.ids());
  record_.trace_id = record_.origin.trace_id;
  record_.request_id = exchange_->request().id;
  trace::Recorder* recorder = engine_.recorder();
  is_sampled_ = recorder != nullptr && recorder->takes(record_.trace_id);
  keeps_reply_ = is_sampled_ && recorder->keeps_payloads();
}

void Call::run() {
  engine_.enter(shared_from_this());
  exchange_->when_gone([weak = weak_from_this()] {
    if (const auto call = weak.lock()) call->cancel();
  });
  start();
}

void Call::cancel() {
  is_gone_ = true;
  std::shared_ptr<Link> link;
  bool was_waiting = false;
  {
    const std::lock_guard lock(wake_mutex_);
    link = link_;
    if (timer_ && engine_.timers().cancel(*timer_)) {
      timer_.reset();
      was_waiting = true;
    }
  }
  if (link) link->cancel();
  // The step that the timer would have taken.
  if (was_waiting) finish(status_gone, "client_closed");
}

// --- Before the first try
// ----------------------------------------------------------------------------

bool Call::admit(const std::string& model, std::int64_t tokens, const std::string& user) {
  record_.model = model;
  std::string sticky;
  const RouteConfig* route = plan_->route(model);
  if (route != nullptr && route->sticky == "user") sticky = user;
  if (route != nullptr && route->sticky.starts_with("header:"))
    sticky = std::string(exchange_->request().headers.get(route->sticky.substr(7)));
  const Clock::Time now = engine_.clock().now();
  if (caller_.may_use(model))
    candidates_ = plan_->candidates(model, {sticky, now, engine_.random()});
  if (candidates_.list.empty() && caller_.may_use(model))
    if (auto pipeline = engine_.pipeline(model)) candidates_.list.push_back(std::move(pipeline));
  if (candidates_.list.empty()) {
    refuse(engine_.unknown_model(caller_, model));
    return false;
  }
  caller_limiter_ = engine_.callers().of(caller_);
  if (caller_limiter_ == nullptr) return true;
  const auto refusal = caller_limiter_->take(now, tokens);
  if (!refusal) {
    reserved_ = tokens;
    return true;
  }
  http::Headers headers;
  headers.set("Retry-After", retry_after_text(refusal->wait));
  caller_limiter_->describe(now, headers);
  caller_limiter_ = nullptr;
  refuse({429, "rate_limit_exceeded",
          fmt::format("the key '{}' may not use more than {} {}; try again in {} ms", caller_.name,
                      refusal->limit, refusal->what, refusal->wait.count()),
          ""},
         std::move(headers));
  return false;
}

void Call::refuse(dialects::WireError error, http::Headers headers) {
  if (is_finished_) return;
  const int status = error.status;
  const std::string code = error.code;
  record_.error_message = error.message;
  if (!is_gone()) {
    const http::Headers ours = answer_headers();
    for (const auto& [name, value] : ours.items()) headers.set(name, value);
    record_.status = status;
    note_answer();
    tell_failure(error, std::move(headers));
  }
  finish(is_gone() ? status_gone : status, is_gone() ? "client_closed" : code);
}

// --- Tries
// --------------------------------------------------------------------------------------------

void Call::try_next() {
  if (asks_budgets([this] { try_next(); })) return;
  while (!is_gone() && next_ < candidates_.list.size()) {
    const DeploymentPtr& deployment = candidates_.list[next_];
    if (!enter_candidate(deployment)) {
      ++next_;
      continue;
    }
    retried_ = 0;
    begin_try();
    return;
  }
  give_up();
}

/// Whether the deployment's circuit and limits let a call through.
bool Call::enter_candidate(const DeploymentPtr& deployment) {
  const Clock::Time now = engine_.clock().now();
  Health& health = deployment->health();
  Failure failure;
  failure.is_refused_by_us = true;
  if (!health.circuit.enter(now)) {
    const auto wait = health.circuit.wait(now);
    failure.error = {503, "circuit_open",
                     fmt::format("deployment '{}' failed repeatedly and is left alone for now",
                                 deployment->name()),
                     ""};
    failure.retry_after = std::max<milliseconds>(wait, milliseconds(1'000));
    keep_failure(std::move(failure));
    return false;
  }
  const auto refusal = health.limiter.take(now, reserved_);
  if (!refusal) return true;
  health.circuit.abstain();
  failure.error = {429, "rate_limit_exceeded",
                   fmt::format("deployment '{}' takes no more than {} {}", deployment->name(),
                               refusal->limit, refusal->what),
                   ""};
  failure.retry_after = refusal->wait;
  keep_failure(std::move(failure));
  return false;
}

void Call::begin_try() {
  try_ = {};
  try_.deployment = candidates_.list[next_];
  record_.provider = try_.deployment->provider();
  record_.wire_model = try_.deployment->model();
  record_.priced_model = try_.deployment->priced_model();
  record_.answered_model.clear();
  record_.usage = {};
  record_.more_usage = {};
  record_.reply = {};
  try_.reserved = reserved_;
  try_.began = Steady::now();
  is_trying_ = true;
  Health& health = try_.deployment->health();
  ++health.calls;
  ++health.running;
  if (retried_ == 0) engine_.retries().deposit();
  if (try_.deployment->place() == Place::remote)
    start_remote();
  else
    start_local();
}

void Call::start_remote() {
  const Deployment& deployment = *try_.deployment;
  try_.key = deployment.choose_key(engine_.clock().now(), engine_.random());
  http::ClientRequest request;
  if (auto failure = prepare(deployment, request)) {
    try_failed(std::move(*failure));
    return;
  }
  {
    const std::lock_guard lock(wake_mutex_);
    link_ = try_.link;
  }
  if (is_gone()) try_.link->cancel();
  // Events may come before `start` has returned, and then another try may have begun.
  const auto link = try_.link;
  const DeploymentPtr kept = try_.deployment;
  auto started = engine_.upstream().start(std::move(request), kept->timeouts(), events());
  if (started)
    link->set(*std::move(started));
  else
    try_failed(failure_of(*kept, started.error()));
}

http::UpstreamEvents Call::events() {
  const auto self = shared_from_this();
  http::UpstreamEvents events;
  events.on_head = [self](int status, http::Headers headers) {
    self->try_.status = status;
    self->try_.headers = std::move(headers);
  };
  events.on_body = [self](std::string_view piece) {
    bool goes_on = true;
    self->on_body(piece, goes_on);
    return goes_on;
  };
  events.on_end = [self](Result<void> result) { self->on_end(std::move(result)); };
  return events;
}

void Call::note_first_byte() {
  if (try_.has_bytes) return;
  try_.has_bytes = true;
  const double seconds = seconds_between(try_.began, Steady::now());
  try_.deployment->health().latency.observe(seconds * 1000, engine_.clock().now());
  if (record_.first_token_seconds == 0) record_.first_token_seconds = seconds_since_start();
}

void Call::on_body(std::string_view piece, bool& goes_on) {
  if (is_gone() || try_.failure) return;
  const bool is_good = try_.status >= 200 && try_.status < 300;
  if (is_good) note_first_byte();
  if (is_good && is_streamed()) {
    if (auto failure = take_piece(piece)) {
      try_.failure = std::move(failure);
      try_.link->cancel();
      return;
    }
    constexpr std::size_t queued_high = 1u << 20;
    if (!is_committed_ || exchange_->queued_bytes() < queued_high) return;
    goes_on = false;
    exchange_->when_drained([link = try_.link] { link->resume(); });
    return;
  }
  const std::size_t limit = is_good ? plan_->settings().gateway.reply_bytes_max : error_bytes_max;
  if (try_.body.size() + piece.size() > limit) {
    piece = piece.substr(0, limit - try_.body.size());
    if (is_good) {
      try_.failure = unusable(*try_.deployment, fmt::format("its answer is longer than {} bytes; "
                                                            "see gateway.reply_bytes_max",
                                                            limit));
      try_.failure->may_repeat = false;
    }
    try_.body += piece;
    try_.link->cancel();
    return;
  }
  try_.body += piece;
}

void Call::on_end(Result<void> result) {
  if (is_gone()) {
    guess_usage();
    end_try(nullptr);
    finish(status_gone, "client_closed");
    return;
  }
  const Deployment& deployment = *try_.deployment;
  if (try_.failure) {
    try_failed(std::move(*try_.failure));
    return;
  }
  const bool is_bad = try_.status != 0 && (try_.status < 200 || try_.status >= 300);
  if (is_bad) {
    const auto dialect = deployment.dialect_for(dialects::Dialect::openai);
    try_failed(failure_of(deployment, dialect, {try_.status, try_.headers, try_.body},
                          engine_.clock().now()));
    return;
  }
  if (!result) {
    try_failed(failure_of(deployment, result.error()));
    return;
  }
  take_answer(try_);
}

void Call::start_local() {
  on_lane(
      [self = shared_from_this()] {
        self->record_.queue_seconds = seconds_between(self->try_.began, Steady::now());
        self->ask_local(self->try_.deployment);
      },
      [self = shared_from_this()](Failure failure) { self->try_failed(std::move(failure)); });
}

void Call::on_lane(std::function<void()> job, std::function<void(Failure)> late) {
  const auto self = shared_from_this();
  const auto failure = [](const std::string& message) {
    constexpr milliseconds later{5'000};
    Failure failure;
    failure.error = {503, "overloaded", message, ""};
    failure.retry_after = later;
    return failure;
  };
  const auto run = [self, job = std::move(job)] {
    if (!self->is_gone()) {
      job();
      return;
    }
    if (self->is_trying_) self->end_try(nullptr);
    self->finish(status_gone, "client_closed");
  };
  Lanes& lanes = is_trying_ ? engine_.lanes_of(*try_.deployment) : engine_.lanes();
  const auto queued = lanes.submit(caller_.name, run, [late, failure] {
    late(failure("local models are busy; no thread became free in time"));
  });
  if (!queued) late(failure("local models are busy: " + queued.error().message()));
}

/// Settles what the try has taken. `failure` is null when it succeeded or says nothing.
void Call::end_try(const Failure* failure) {
  if (!is_trying_) return;
  is_trying_ = false;
  {
    const std::lock_guard lock(wake_mutex_);
    link_.reset();
  }
  const Deployment& deployment = *try_.deployment;
  Health& health = deployment.health();
  const Clock::Time now = engine_.clock().now();
  const double seconds = seconds_between(try_.began, Steady::now());
  away_seconds_ += seconds;
  close_budget(failure);
  --health.running;
  const std::int64_t used = record_.usage.input_tokens + record_.usage.output_tokens;
  health.limiter.settle(now, try_.reserved, used);
  if (failure != nullptr && failure->is_fault) {
    health.circuit.fail(now);
    ++health.failures;
    // Who fails fast is not fast.
    health.latency.observe(static_cast<double>(backoff_max.count()), now);
  } else if ((failure == nullptr && !is_gone()) || is_refusal(try_.status)) {
    health.circuit.succeed();
  } else {
    health.circuit.abstain();
  }
  if (failure != nullptr && failure->rests_key)
    deployment.rest_key(try_.key.index, now + failure->retry_after.value_or(key_rest));
  if (failure != nullptr && failure->is_refused_by_us) return;
  AttemptRecord attempt;
  attempt.deployment = deployment.name();
  attempt.seconds = seconds;
  attempt.status = try_.status;
  if (failure != nullptr) attempt.error = failure->error.message;
  if (failure != nullptr && engine_.meters() != nullptr)
    engine_.meters()->upstream_error(deployment.name(), kind_of(*failure, try_.status));
  record_.attempts.push_back(std::move(attempt));
}

void Call::answered() {
  record_.deployment = try_.deployment->name();
  end_try(nullptr);
  finish(is_gone() ? status_gone : 200, is_gone() ? "client_closed" : "");
}

void Call::try_failed(Failure failure) {
  if (is_committed_) guess_usage();
  end_try(&failure);
  if (is_gone()) {
    finish(status_gone, "client_closed");
    return;
  }
  if (is_committed_) {
    spending_.told = std::move(failure.budget);
    refuse(failure.error);  // The dialect's own way to break a stream.
    return;
  }
  const auto delay = retry_delay(failure);
  const bool falls_back = failure.may_fall_back;
  keep_failure(std::move(failure));
  if (!delay) {
    next_ = falls_back ? next_ + 1 : candidates_.list.size();
    try_next();
    return;
  }
  ++retried_;
  if (engine_.meters() != nullptr) engine_.meters()->retry(candidates_.list[next_]->name());
  const auto waiting = Steady::now();
  const std::lock_guard lock(wake_mutex_);
  timer_ = engine_.timers().after(*delay, [self = shared_from_this(), waiting] {
    {
      const std::lock_guard wake(self->wake_mutex_);
      self->timer_.reset();
    }
    self->away_seconds_ += seconds_between(waiting, Steady::now());
    self->try_again();
  });
}

/// The same deployment once more.
void Call::try_again() {
  if (asks_budgets([this] { try_again(); })) return;
  if (is_gone()) {
    finish(status_gone, "client_closed");
  } else if (enter_candidate(candidates_.list[next_])) {
    begin_try();
  } else {
    ++next_;
    try_next();
  }
}

/// How long to wait before the same deployment is asked again; nothing: it is not.
std::optional<milliseconds> Call::retry_delay(const Failure& failure) {
  const Deployment& deployment = *candidates_.list[next_];
  const bool has_other_key =
      failure.rests_key && deployment.keys() > 1 && deployment.has_fresh_key(engine_.clock().now());
  if (!failure.may_repeat && !has_other_key) return {};
  if (retried_ >= deployment.config().retries) return {};
  const auto wait = has_other_key ? milliseconds(0) : failure.retry_after.value_or(milliseconds(0));
  if (wait > wait_max || !engine_.retries().take()) return {};
  if (has_other_key) return milliseconds(0);
  // Full jitter: anything from nothing to the bound, so that callers do not come back together.
  const auto bound = std::min<milliseconds>(
      backoff_first * (1 << std::min<std::size_t>(retried_, 6)), backoff_max);
  const auto jitter = milliseconds(
      static_cast<std::int64_t>(fraction(engine_.random()) * static_cast<double>(bound.count())));
  return wait > milliseconds(0) ? wait + jitter / 4 : jitter;
}

/// What is told in the end: the last word of one that was asked goes before ours of one that was
/// not.
void Call::keep_failure(Failure failure) {
  if (failure.retry_after)
    shortest_wait_ = std::min(shortest_wait_.value_or(*failure.retry_after), *failure.retry_after);
  if (!failure_ || failure_->is_refused_by_us || !failure.is_refused_by_us)
    failure_ = std::move(failure);
}

void Call::give_up() {
  if (is_gone() || !failure_) {
    finish(status_gone, "client_closed");
    return;
  }
  const dialects::WireError& error = failure_->error;
  if (failure_->budget) spending_.told = failure_->budget;
  http::Headers headers;
  const bool may_wait = error.status == 429 || error.status == 503;
  if (may_wait && shortest_wait_) headers.set("Retry-After", retry_after_text(*shortest_wait_));
  const bool would_be_repeated =
      error.status == 408 || error.status == 409 || error.status == 429 || error.status >= 500;
  if ((would_be_repeated && !record_.attempts.empty()) || failure_->budget)
    headers.set("x-should-retry", "false");
  refuse(error, std::move(headers));
}

}  // namespace slipway::gateway::detail
