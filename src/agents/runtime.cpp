#include "agents/detail/own_runtime.hpp"

#include "agents/load.hpp"
#include "core/log.hpp"

namespace slipway::agents::detail {

namespace {

RunResult refused(const std::string& thread, Failure failure) {
  RunResult result{
      .thread = thread, .status = Status::failed, .state = Value::map(), .output = Value::map()};
  result.error = RunError{.kind = std::move(failure.kind), .message = std::move(failure.message)};
  result.errors = {*result.error};
  result.is_refused = true;
  return result;
}

/// From what a thread keeps: {"file": text ...}, the first is the agent's own.
Result<AgentPtr> load_source(const std::string& source) {
  const Value files = TRY(parse_json(source));
  if (!files.is_map() || !files.at("file").is_text() || !files.at("files").is_map())
    return fail(Code::invalid_argument, "the thread does not say what its agent was");
  LoadOptions options;
  options.read_file = [&](const std::string& path) -> Result<std::string> {
    const Value* text = files.at("files").find(path);
    if (text == nullptr || !text->is_text()) return fail(Code::not_found, "no file {}", path);
    return text->text();
  };
  options.folder_of_agent = [&](const std::string& name) {
    for (const auto& [path, text] : files.at("files").entries().items)
      if (const std::filesystem::path place(path); place.filename() == "agent:" + name)
        return place.parent_path().string();
    return std::string();
  };
  options.find_agent = [&](const std::string& name) {
    const std::filesystem::path folder(options.folder_of_agent(name));
    return options.read_file((folder / ("agent:" + name)).string());
  };
  if (const Value& models = files.at("models"); models.is_list())
    for (const Value& model : models.items())
      if (model.is_text()) options.models.push_back(model.text());
  const LoadedAgent loaded = load_agent_file(files.at("file").text(), options);
  if (!loaded.ok()) return loaded.error();
  return loaded.agent;
}

/// The first tool that is not pure, in sub-agents too; or null.
const ToolSpec* find_effect(const Agent& agent) {
  const ToolSpec* found = nullptr;
  const auto look_into = [&](const AgentPtr& inner) {
    if (found == nullptr && inner) found = find_effect(*inner);
  };
  for (const ToolSpec& spec : agent.tools) {
    if (found == nullptr && spec.effect != Effect::pure) found = &spec;
    look_into(spec.agent);
  }
  for (const Node& node : agent.nodes) {
    const Body* body = &node.body;
    if (const auto* map = std::get_if<MapBody>(body)) body = &map->body->body;
    if (const auto* graph = std::get_if<GraphBody>(body)) look_into(graph->agent);
  }
  return found;
}

Failure busy(const std::string& id) {
  return {"busy", fmt::format("thread '{}' is running; wait for it or cancel it", id)};
}

/// Where a record could not be written, no state is told that is not kept.
RunResult as_kept(const Thread& thread, RunResult result) {
  if (!thread.is_stale) return result;
  const auto records = thread.log->read();
  if (!records) return result;
  Thread kept(thread.id);
  kept.use(thread.agent);
  restore(kept, *records);
  result.state = state_value(*kept.agent, kept.root->state);
  result.output = output_value(*kept.agent, kept.root->state);
  result.checkpoint = checkpoint_name(kept.head);
  return result;
}

/// What was done of the open superstep counts where the new graph has the same tasks.
Result<void> change_agent(Thread& thread, const AgentPtr& agent) {
  const std::vector<Value> records = TRY(thread.log->read());
  Thread fresh(thread.id);
  fresh.use(agent);
  restore(fresh, records);
  thread.take(std::move(fresh));
  return {};
}

}  // namespace

void restore(Thread& thread, const std::vector<Value>& records) {
  Restorer restorer(thread);
  std::uint64_t number = 0;
  for (const Value& record : records) restorer.apply(record, ++number);
  restorer.finish();
}

OwnRuntime::OwnRuntime(Options options, std::unique_ptr<ThreadStore> store)
    : options_(std::move(options)), store_(std::move(store)) {
  services_.clock = &options_.clock;
  services_.model = [this](const ModelSpec& spec) { return model(spec); };
  services_.tool = [this](const ToolSpec& spec) { return tool(spec); };
  services_.rag = options_.rag;
  services_.code = options_.code;
  services_.budgets = options_.budgets;
  services_.find_cached = [this](const std::string& key) { return find_cached(key); };
  services_.keep_cached = [this](const std::string& key, const Value& value, Milliseconds ttl) {
    if (auto kept = store_->keep_cached(key, value, now_ms(), now_ms() + ttl.count()); !kept)
      log::warning("a result of a node is not kept: {}", kept.error().message());
  };
}

namespace {

/// What a run and a resume say alike.
template <typename Options>
Session::Options session_options(const Context& context, Thread& thread, const Services& services,
                                 const Options& options) {
  return {.context = context,
          .thread = thread,
          .services = services,
          .pause_before = options.pause_before,
          .pause_after = options.pause_after,
          .steps = options.steps,
          .trace = options.trace,
          .waits = options.waits,
          .on_event = options.on_event,
          .place = options.place};
}

}  // namespace

RunResult OwnRuntime::run(const Context& context, const AgentPtr& agent, const Value& input,
                          const RunOptions& options) {
  const std::string id =
      options.thread.empty() ? make_id("th", options_.clock, options_.random) : options.thread;
  if (options.durability == Durability::exit)
    if (const ToolSpec* spec = find_effect(*agent))
      return refused(
          id, {"durability", fmt::format("durability exit would forget what tool '{}' did, which "
                                         "has an effect; use step",
                                         spec->name)});
  const auto held = hold_thread(id, options.durability, agent, true);
  if (!held) return refused(id, held.failure());
  Thread& thread = *held->thread;
  const std::string run =
      options.run.empty() ? make_id("run", options_.clock, options_.random) : options.run;
  Session session(session_options(context, thread, services_, options));
  RunOptions named = options;
  named.run = run;
  if (auto begun = begin(session, thread, agent, input, named); !begun)
    return refused(id, std::move(begun.failure()));
  session.go_on();
  return as_kept(thread, session.result());
}

Outcome<bool> OwnRuntime::begin(Session& session, Thread& thread, const AgentPtr& agent,
                                const Value& input, const RunOptions& options) {
  if (options.may_have_begun && thread.run == options.run && thread.purse)
    return session.note_resume("wake", "");
  if (auto kept = store_->keep_agent(thread.id, agent); !kept) return storage_failure(kept.error());
  SLIPWAY_GET(session.begin_run(agent, input, options.run, options.budget));
  if (auto named = store_->name_run(options.run, thread.id); !named)
    return storage_failure(named.error());
  return true;
}

RunResult OwnRuntime::resume(const Context& context, const std::string& id,
                             const ResumeOptions& options, const AgentPtr& agent) {
  const auto held = hold_thread(id, Durability::step, agent);
  if (!held) return refused(id, held.failure());
  Thread& thread = *held->thread;
  if (thread.purse == nullptr)
    return refused(id, {"no_thread", fmt::format("thread '{}' has no run yet", id)});
  if (agent != nullptr && agent->hash != thread.agent->hash) {
    if (auto kept = store_->keep_agent(id, agent); !kept)
      return refused(id, storage_failure(kept.error()));
    if (auto changed = change_agent(thread, agent); !changed)
      return refused(id, failure_of(changed.error()));
  }
  Session session(session_options(context, thread, services_, options));
  if (auto begun = begin_resume(session, thread, options); !begun)
    return refused(id, std::move(begun.failure()));
  session.go_on();
  return as_kept(thread, session.result());
}

Outcome<bool> OwnRuntime::begin_resume(Session& session, Thread& thread,
                                       const ResumeOptions& options) {
  const bool is_known = !options.name.empty() && thread.resumed_as == options.name;
  if (is_known || options.is_wake) return session.note_resume("wake", "");
  if (!options.checkpoint.empty() || options.set || !options.as.empty() || !options.go_to.empty()) {
    ResumeOptions from = options;
    if (from.checkpoint.empty()) from.checkpoint = checkpoint_name(thread.head);
    SLIPWAY_GET(session.fork(from));
  }
  SLIPWAY_GET(session.take_answers(options));
  return session.note_resume("resume", options.name);
}

std::int64_t OwnRuntime::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             options_.clock.now().time_since_epoch())
      .count();
}

std::optional<Value> OwnRuntime::find_cached(const std::string& key) {
  auto found = store_->find_cached(key, now_ms());
  if (found) return *std::move(found);
  log::warning("kept results of nodes cannot be read: {}", found.error().message());
  return std::nullopt;
}

Outcome<std::shared_ptr<Model>> OwnRuntime::model(const ModelSpec& spec) {
  std::string key =
      spec.provider + "\n" + spec.replies + spec.model + "\n" + json::dump(spec.config);
  std::error_code ignored;  // A file that is not there is told when it is opened.
  if (!spec.replies.empty())
    key += fmt::format(
        "\n{}", std::filesystem::last_write_time(spec.replies, ignored).time_since_epoch().count());
  auto known = models_.with([&](auto& models) -> std::shared_ptr<Model> {
    const auto found = models.find(key);
    return found == models.end() ? nullptr : found->second;
  });
  if (known) return known;
  auto made = spec.provider == "scripted" ? open_scripted_model(spec.replies)
              : options_.open_model
                  ? options_.open_model(spec)
                  : Result<std::shared_ptr<Model>>(fail(
                        Code::unsupported, "model '{}': no models are served here", spec.name));
  if (!made) {
    Failure failure = failure_of(made.error());
    if (spec.provider == "scripted") failure.kind = "script";
    return failure;
  }
  models_.with([&](auto& models) { models[key] = *made; });
  return *std::move(made);
}

Outcome<std::shared_ptr<Tool>> OwnRuntime::tool(const ToolSpec& spec) {
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}", spec.kind, spec.name, spec.folder, dump(spec.config));
  auto known = tools_.with([&](auto& tools) -> std::shared_ptr<Tool> {
    const auto found = tools.find(key);
    return found == tools.end() ? nullptr : found->second;
  });
  if (known) return known;
  auto made = options_.tools.make(spec);
  if (!made) return failure_of(made.error());
  tools_.with([&](auto& tools) { tools[key] = *made; });
  return *std::move(made);
}

Result<AgentPtr> OwnRuntime::agent_of(const std::string& thread) {
  const std::string source = TRY(store_->agent_source(thread));
  return options_.load ? options_.load(source) : load_source(source);
}

void OwnRuntime::forget_idle() {
  // Threads that nobody runs are read again when they are asked for.
  constexpr std::size_t threads_max = 2000;
  if (store_->is_durable() && threads_.size() >= threads_max)
    std::erase_if(threads_, [](const auto& entry) {
      return entry.second.use_count() == 1 && entry.second->is_durable;
    });
}

Outcome<OwnRuntime::Held> OwnRuntime::hold_thread(const std::string& id, Durability durability,
                                                  const AgentPtr& agent, bool may_make) {
  for (;;) {
    auto thread = find_thread(id, durability, agent, may_make);
    if (!thread && thread.error().code() == Code::not_found)
      return Failure{"no_thread", thread.error().message()};
    if (!thread) return storage_failure(thread.error());
    std::unique_lock lock((*thread)->running, std::try_to_lock);
    if (!lock) return busy(id);
    if (!(*thread)->is_stale) return Held{*std::move(thread), std::move(lock)};
    // It became so since it was found: what is found next was read after that.
  }
}

Result<std::shared_ptr<Thread>> OwnRuntime::find_thread(const std::string& id,
                                                        Durability durability,
                                                        const AgentPtr& agent, bool may_make) {
  const std::lock_guard lock(mutex_);
  if (const auto found = threads_.find(id); found != threads_.end()) {
    Thread& there = *found->second;
    const bool is_over = there.is_stale && std::unique_lock(there.running, std::try_to_lock);
    if (!is_over) return found->second;
    threads_.erase(found);
  }
  auto thread = std::make_shared<Thread>(id);
  thread->log = TRY(store_->open_log(id, durability, may_make));
  const std::vector<Value> records = TRY(thread->log->read());
  if (records.empty() && !may_make) return fail(Code::not_found, "there is no thread '{}'", id);
  if (!records.empty()) {
    if (agent != nullptr) {
      thread->use(agent);
    } else {
      thread->use(TRY(agent_of(id)));
    }
    restore(*thread, records);
  }
  forget_idle();
  thread->is_durable = store_->is_durable() && durability == Durability::step;
  threads_.emplace(id, thread);
  return thread;
}

}  // namespace slipway::agents::detail

namespace slipway::agents {

Result<std::unique_ptr<Runtime>> Runtime::open(Options options) {
  auto store = TRY(detail::open_thread_store(options.data));
  return std::unique_ptr<Runtime>(
      std::make_unique<detail::OwnRuntime>(std::move(options), std::move(store)));
}

}  // namespace slipway::agents
