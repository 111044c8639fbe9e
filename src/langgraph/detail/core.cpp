#include "langgraph/detail/core.hpp"

#include "core/log.hpp"
#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/runs.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::size_t follower_queue_max = 1024;
constexpr int webhook_tries = 3;
constexpr std::chrono::milliseconds webhook_timeout{10'000};

}  // namespace

Core::Core(Options given)
    : options_(std::move(given)),
      assistants_(options_.database, options_.host, options_.clock, options_.random),
      notes_(options_.database),
      items_(options_.database, options_.clock),
      crons_(options_.database),
      followers_({.threads = options_.followers, .queue_max = follower_queue_max}) {}

Core::~Core() {
  stop_.request_stop();
  waiting_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (looker_.joinable()) looker_.join();
}

Result<void> Core::begin() {
  for (RunNote& note : TRY(notes_.open_runs({}))) watched_.emplace(note.id, std::move(note));
  TRY(crons_changed({}));
  // A server that no client of LangGraph asks has no thread for them.
  if (!watched_.empty()) begin_looking();
  return {};
}

void Core::begin_looking() {
  std::call_once(begun_, [this] { looker_ = std::thread([this] { look(); }); });
}

Result<void> Core::watch(const RunNote& note) {
  if (!note.due_ms && note.after.is_null()) return {};
  const std::lock_guard lock(mutex_);
  if (watched_.size() >= watched_max)
    return fail(Code::unavailable, "{} runs wait for their time or their end already", watched_max);
  watched_[note.id] = note;
  begin_looking();
  changed_.notify_all();
  return {};
}

std::shared_ptr<void> Core::hold(const std::string& run) {
  const std::lock_guard lock(mutex_);
  ++held_[run];
  return {nullptr, [this, run](void*) {
            const std::lock_guard locked(mutex_);
            if (--held_[run] == 0) held_.erase(run);
          }};
}

void Core::forget(const std::string& run) {
  const std::lock_guard lock(mutex_);
  watched_.erase(run);
}

void Core::sweep() {
  const Context context(stop_.get_token());
  if (auto swept = items_.sweep(context); !swept)
    log::warning("langgraph: items: {}", swept.error().message());
  const auto expired = notes_.expired_threads(context, now_ms(options_.clock));
  if (!expired) return log::warning("langgraph: threads: {}", expired.error().message());
  for (const std::string& id : *expired)
    if (auto removed = remove_thread(*this, context, id); !removed)
      log::warning("langgraph: thread {}: {}", id, removed.error().message());
}

void Core::look() {
  auto next_sweep = std::chrono::steady_clock::now();
  for (;;) {
    std::vector<RunNote> notes;
    bool has_due_cron = false;
    {
      std::unique_lock lock(mutex_);
      const bool is_idle = watched_.empty(), has_crons = next_cron_ms_.has_value();
      // The clock may be set, so nobody sleeps until a cron's time.
      const auto rest = !is_idle ? look_every : has_crons ? crons_every : sweep_every;
      changed_.wait_for(lock, rest, [&] {
        return is_ending_ || (is_idle && !watched_.empty()) ||
               (is_idle && !has_crons && next_cron_ms_.has_value());
      });
      if (is_ending_) return;
      for (const auto& [id, note] : watched_) notes.push_back(note);
      has_due_cron = next_cron_ms_ && *next_cron_ms_ <= now_ms(options_.clock);
    }
    if (has_due_cron) begin_crons();
    for (const RunNote& note : notes) look_at(note);
    if (std::chrono::steady_clock::now() < next_sweep) continue;
    next_sweep = std::chrono::steady_clock::now() + sweep_every;
    sweep();
  }
}

void Core::look_at(const RunNote& note) {
  if (note.after.at("is_temporary") == Value(true)) {
    const std::lock_guard lock(mutex_);
    if (held_.contains(note.id)) return;
  }
  if (note.due_ms) {
    if (*note.due_ms <= now_ms(options_.clock)) begin_delayed(note);
    return;
  }
  const auto run = options_.host.run(note.id);
  if (!run && run.error().code() == Code::not_found) return forget(note.id);
  if (!run || run->status == agents::RunStatus::pending ||
      run->status == agents::RunStatus::running)
    return;
  forget(note.id);
  // A full queue does it here: late is better than never.
  const auto end = [this, note, run = *run] { end_of(note, run); };
  if (!followers_.try_submit(end)) end();
}

void Core::begin_delayed(RunNote note) {
  forget(note.id);
  const Value& caller = note.after.at("caller");
  const Context context =
      Context(stop_.get_token()).with_caller(caller.is_text() ? caller.text() : "");
  const auto begun = [&]() -> Result<void> {
    const RunWish wish = TRY(read_wish(*this, context, note.body));
    const ThreadView thread = TRY(find_thread(*this, context, note.thread));
    const std::string planned = note.id;
    const agents::RunInfo run = TRY(start_run(*this, wish, thread, note.id));
    note.due_ms.reset();
    if (run.id != planned) TRY(notes_.remove_run(context, planned));
    note.id = run.id;
    TRY(notes_.put_run(context, note));
    return watch(note);
  }();
  if (begun) return;
  log::warning("langgraph: the delayed run {} cannot begin: {}", note.id, begun.error().message());
  if (auto removed = notes_.remove_run(context, note.id); !removed)
    log::warning("langgraph: run {}: {}", note.id, removed.error().message());
}

Result<void> Core::crons_changed(const Context& context) {
  const auto first = TRY(crons_.first_due(context));
  const std::lock_guard lock(mutex_);
  next_cron_ms_ = first;
  if (!first) return {};
  begin_looking();
  changed_.notify_all();
  return {};
}

void Core::begin_crons() {
  const std::lock_guard turn(crons_mutex_);
  const Context context(stop_.get_token());
  const auto due = crons_.due(context, now_ms(options_.clock));
  if (!due) log::warning("langgraph: crons: {}", due.error().message());
  for (const Cron& cron : due ? *due : std::vector<Cron>()) {
    // Its next time is written first: who ends here loses a run, and pays for none twice.
    const auto begun = [&]() -> Result<void> {
      const auto next = next_time(cron, now_ms(options_.clock));
      const bool is_ours =
          TRY(crons_.go_on(context, cron, next ? *next : std::optional<std::int64_t>()));
      if (!next) return next.error();
      return is_ours ? begin_cron(context.with_caller(cron.caller), cron) : Result<void>();
    }();
    if (!begun)
      log::warning("langgraph: cron {} begins no run: {}", cron.id, begun.error().message());
  }
  if (auto changed = crons_changed(context); !changed)
    log::warning("langgraph: crons: {}", changed.error().message());
}

Result<void> Core::begin_cron(const Context& context, const Cron& cron) {
  Value body = cron.payload;
  body.put("on_completion", cron.on_completed);
  RunWish wish = TRY(read_wish(*this, context, body));
  wish.metadata.put("cron_id", cron.id);
  TRY(begin_run(*this, context, wish, cron.thread));
  return {};
}

void Core::end_of(const RunNote& note, const agents::RunInfo& run) {
  const Context context(stop_.get_token());
  if (note.after.at("webhook").is_text()) call_webhook(note.after.at("webhook").text(), note, run);
  if (!context.check()) return;  // The next start does it.
  const auto done = note.after.at("is_temporary") == Value(true)
                        ? remove_thread(*this, context, note.thread)
                        : [&] {
                            RunNote over = note;
                            over.after = Value();
                            return notes_.put_run(context, over);
                          }();
  if (!done && done.error().code() != Code::not_found)
    log::warning("langgraph: after run {}: {}", note.id, done.error().message());
}

void Core::call_webhook(const std::string& url, const RunNote& note, const agents::RunInfo& run) {
  const Context context = Context(stop_.get_token()).with_timeout(webhook_timeout);
  Value body = run_json(run, &note);
  body.put("webhook", url);
  body.put("run_started_at", time_text(run.created_ms));
  body.put("run_ended_at", time_text(run.updated_ms));
  body.put("webhook_sent_at", time_text(now_ms(options_.clock)));
  const auto agent = options_.host.loaded_agent(run.agent);
  const auto result = options_.host.result(run.id);
  if (agent && result) {
    const Value outcome = outcome_json(**agent, *result);
    if (const Value* error = outcome.find("__error__"))
      body.put("error", *error);
    else
      body.put("values", outcome);
  }
  const http::ClientRequest request{.method = "POST",
                                    .url = url,
                                    .headers = {{"Content-Type", "application/json"}},
                                    .body = agents::dump(body)};
  for (int attempt = 1; attempt <= webhook_tries && context.check(); ++attempt) {
    const auto answer = options_.client.send(context, request);
    if (answer && answer->status < 500) {
      if (answer->status >= 300)
        log::warning("langgraph: the webhook {} answered {}", http::redact_url(url),
                     answer->status);
      return;
    }
    if (attempt == webhook_tries || (!answer && !is_retryable(answer.error().code())))
      return log::warning(
          "langgraph: the webhook {} was not told of run {}: {}", http::redact_url(url), run.id,
          answer ? fmt::format("status {}", answer->status) : answer.error().message());
  }
}

}  // namespace slipway::langgraph::detail

namespace slipway::langgraph {

Result<std::shared_ptr<Keeper>> Keeper::open(Options options) {
  auto core = std::make_shared<detail::Core>(std::move(options));
  TRY(core->begin());
  return std::shared_ptr<Keeper>(std::move(core));
}

}  // namespace slipway::langgraph
