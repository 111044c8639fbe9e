#include "agents/host.hpp"

#include "agents/detail/own_host.hpp"
#include "agents/detail/records.hpp"
#include "core/log.hpp"

namespace slipway::agents {

namespace detail {

OwnHost::OwnHost(Options options, std::unique_ptr<HostStore> store)
    : options_(std::move(options)), store_(std::move(store)) {}

OwnHost::~OwnHost() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
    for (const auto& [id, slot] : slots_) {
      if (slot->active && slot->active->is_running) slot->active->stop.request_stop();
      tell(*slot);
    }
  }
  has_ready_.notify_all();
  has_timer_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  if (timer_.joinable()) timer_.join();
}

std::int64_t OwnHost::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             options_.clock.now().time_since_epoch())
      .count();
}

Result<void> OwnHost::read_names() {
  const std::vector<AgentInfo> put = TRY(store_->agents());
  names_.with([&](Names& names) {
    for (const AgentInfo& info : put) names.put.insert(info.name);
  });
  return {};
}

Result<void> OwnHost::recover() {
  const std::vector<RunRow> rows = TRY(store_->open_runs());
  Lock lock(mutex_);
  for (const RunRow& row : rows) {
    const bool is_open =
        row.info.status == RunStatus::pending || row.info.status == RunStatus::running;
    if (!is_open) {
      set_timer(row.wake_ms, row.info.thread);
      continue;
    }
    const std::string& thread = row.info.thread;
    if (row.wake_ms > 0 && !slots_.contains(thread) && run_asleep(thread).empty()) {
      set_timer(row.wake_ms, thread, row.info.id);
      continue;
    }
    const JobPtr job = job_of(row);
    const SlotPtr slot = TRY(slot_of(thread, lock));
    if (row.wake_ms > 0 && !slot->active) {
      job->is_timed = job->may_sleep = true;
      slot->active = job;
      set_timer(row.wake_ms, thread);
      continue;
    }
    job->is_wake = false;
    job->has_first = row.last > 0 || row.first > 0 || row.wake_ms > 0;
    slot->queue.push_back(job);
    ++pending_;
    activate_next(slot);
  }
  return {};
}

Result<ThreadInfo> OwnHost::create_thread(const std::string& agent, const std::string& id,
                                          json::Object metadata) {
  if (!agent.empty()) TRY(this->agent(agent));
  constexpr std::size_t id_bytes_max = 200;
  if (id.size() > id_bytes_max)
    return fail(Code::invalid_argument, "the name of a thread has at most {} bytes", id_bytes_max);
  ThreadInfo info{.id = id.empty() ? make_id("th", options_.clock, options_.random) : id,
                  .agent = agent,
                  .metadata = std::move(metadata),
                  .created_ms = now_ms(),
                  .updated_ms = now_ms()};
  TRY(store_->add_thread(info));
  return info;
}

Result<ThreadInfo> OwnHost::thread(const std::string& id) {
  ThreadInfo info = TRY(store_->thread(id));
  if (info.agent.empty())
    if (const auto agent = options_.runtime.agent(id)) {
      info.agent = (*agent)->name;
      TRY(store_->set_agent(id, info.agent));
    }
  return info;
}

Result<std::vector<ThreadInfo>> OwnHost::threads(const ThreadFilter& filter) {
  return store_->threads(filter);
}

Result<ThreadInfo> OwnHost::set_metadata(const std::string& id, json::Object metadata) {
  TRY(store_->thread(id));
  TRY(store_->set_metadata(id, metadata, now_ms()));
  return store_->thread(id);
}

Result<void> OwnHost::remove_thread(const std::string& id) {
  TRY(store_->thread(id));
  Lock lock(mutex_);
  const SlotPtr slot = TRY(slot_of(id, lock));
  if (slot->active || !slot->queue.empty() || slot->is_starting)
    return fail(Code::conflict, "thread '{}' is running; cancel its runs first", id);
  slot->is_starting = true;  // Nobody begins meanwhile.
  drop_timers(id);
  lock.unlock();
  auto removed = options_.runtime.remove(id);
  if (removed) removed = store_->remove_thread(id);
  lock.lock();
  slot->is_starting = false;
  slots_.erase(id);
  tell(*slot);
  return removed;
}

Result<ThreadInfo> OwnHost::copy_thread(const std::string& id) {
  ThreadInfo info = TRY(thread(id));
  info.id = make_id("th", options_.clock, options_.random);
  info.created_ms = info.updated_ms = now_ms();
  info.status = ThreadStatus::idle;
  info.run.clear();
  const auto records = options_.runtime.records(id);
  if (records && *records > 0) TRY(options_.runtime.copy(id, info.id));
  TRY(store_->add_thread(info));
  return info;
}

Result<Value> OwnHost::state(const std::string& id) {
  const ThreadInfo info = TRY(store_->thread(id));
  auto state = options_.runtime.state(id);
  if (state || state.error().code() != Code::not_found) return state;
  // It has no run yet.
  Value empty = Value::map({{"agent", info.agent},
                            {"run", Value()},
                            {"step", 0},
                            {"state", Value::map()},
                            {"output", Value::map()},
                            {"next", Value::list()},
                            {"checkpoint", ""},
                            {"interrupts", Value::list()}});
  return empty;
}

namespace {

Value names_value(const std::vector<std::string>& names) {
  std::vector<Value> list(names.begin(), names.end());
  return Value::list(std::move(list));
}

std::vector<std::string> names_of(const Value& value) {
  std::vector<std::string> names;
  if (value.is_list())
    for (const Value& name : value.items()) names.push_back(in_words(name));
  return names;
}

std::optional<int> steps_of(const Value& value) {
  if (!value.is_integer()) return std::nullopt;
  return static_cast<int>(value.integer());
}

}  // namespace

/// As if it had never been.
void OwnHost::take_back(const JobPtr& job) {
  const RunRow& row = job->row;
  auto undone = options_.runtime.undo(row.info.thread, row.first);
  if (undone || undone.error().code() == Code::not_found) undone = store_->remove_run(row.info.id);
  if (!undone) log::warning("agents: run {}: {}", row.info.id, undone.error().message());
}

namespace {

constexpr std::pair<const char*, std::string trace::Origin::*> origin_members[] = {
    {"trace", &trace::Origin::trace_id},
    {"parent", &trace::Origin::parent_id},
    {"order", &trace::Origin::parent_order},
    {"project", &trace::Origin::project},
    {"user", &trace::Origin::user_id},
    {"session", &trace::Origin::session_id},
    {"key", &trace::Origin::key}};

Value encode_origin(const trace::Origin& origin) {
  Value value = Value::map();
  for (const auto& [name, member] : origin_members)
    if (!(origin.*member).empty()) value.put(name, origin.*member);
  return value;
}

trace::Origin decode_origin(const Value& value) {
  trace::Origin origin;
  for (const auto& [name, member] : origin_members)
    if (value.at(name).is_text()) origin.*member = value.at(name).text();
  return origin;
}

}  // namespace

std::string encode_job(const StartRun& start) {
  Value job = Value::map({{"input", start.input}});
  if (!start.caller.empty()) job.put("caller", start.caller);
  if (start.origin) job.put("origin", encode_origin(*start.origin));
  const auto put_common = [&](const auto& options) {
    if (!options.pause_before.empty()) job.put("pause_before", names_value(options.pause_before));
    if (!options.pause_after.empty()) job.put("pause_after", names_value(options.pause_after));
    if (options.steps) job.put("steps", *options.steps);
    if (options.trace) job.put("trace", true);
  };
  if (!start.resume) {
    put_common(start.options);
    job.put("durability", json::name(start.options.durability));
    if (start.options.budget) job.put("budget", encode_budget(*start.options.budget));
    return dump(job);
  }
  const ResumeOptions& resume = *start.resume;
  put_common(resume);
  std::vector<Value> answers;
  for (const auto& [id, answer] : resume.answers) answers.push_back(Value::list({id, answer}));
  Value made = Value::map({{"answers", Value::list(std::move(answers))},
                           {"by", resume.answered_by},
                           {"checkpoint", resume.checkpoint},
                           {"as", resume.as},
                           {"go_to", names_value(resume.go_to)}});
  if (resume.answer) made.put("answer", Value::list({*resume.answer}));
  if (resume.set) made.put("set", *resume.set);
  job.put("resume", std::move(made));
  return dump(job);
}

StartRun decode_job(const std::string& text) {
  StartRun start;
  const auto parsed = parse_json(text);
  if (!parsed) return start;  // Of another version: it goes on without options.
  const Value& job = *parsed;
  start.input = job.at("input");
  start.caller = in_words(job.at("caller"));
  if (job.at("origin").is_map()) start.origin = decode_origin(job.at("origin"));
  const auto take_common = [&](auto& options) {
    options.pause_before = names_of(job.at("pause_before"));
    options.pause_after = names_of(job.at("pause_after"));
    options.steps = steps_of(job.at("steps"));
    options.trace = job.at("trace") == Value(true);
  };
  const Value& resume = job.at("resume");
  if (!resume.is_map()) {
    take_common(start.options);
    if (job.at("durability") == Value("exit")) start.options.durability = Durability::exit;
    if (job.at("durability") == Value("none")) start.options.durability = Durability::none;
    if (job.at("budget").is_map()) start.options.budget = decode_budget(job.at("budget"));
    return start;
  }
  ResumeOptions made{.answered_by = in_words(resume.at("by")),
                     .checkpoint = in_words(resume.at("checkpoint")),
                     .as = in_words(resume.at("as")),
                     .go_to = names_of(resume.at("go_to"))};
  take_common(made);
  if (resume.at("answers").is_list())
    for (const Value& pair : resume.at("answers").items())
      if (pair.is_list() && pair.items().size() == 2)
        made.answers.emplace_back(in_words(pair.items()[0]), pair.items()[1]);
  if (resume.at("answer").is_list()) made.answer = resume.at("answer").items().front();
  if (resume.find("set") != nullptr) made.set = resume.at("set");
  start.resume = std::move(made);
  return start;
}

}  // namespace detail

Result<std::unique_ptr<Host>> Host::open(Options options) {
  auto store = TRY(detail::HostStore::open(options.data));
  const bool waits = options.waits_for_agents;
  auto host = std::make_unique<detail::OwnHost>(std::move(options), std::move(store));
  TRY(host->read_names());
  if (!waits) TRY(host->recover());
  return std::unique_ptr<Host>(std::move(host));
}

}  // namespace slipway::agents
