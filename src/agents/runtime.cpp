#include "agents/runtime.hpp"

#include <map>

#include "agents/detail/replay.hpp"
#include "agents/detail/session.hpp"
#include "agents/detail/thread_store.hpp"
#include "agents/load.hpp"
#include "core/guarded.hpp"
#include "core/log.hpp"

namespace slipway::agents {

namespace {

using detail::Restorer;
using detail::Services;
using detail::Session;
using detail::Thread;

RunResult refused(const std::string& thread, Failure failure) {
  RunResult result{
      .thread = thread, .status = Status::failed, .state = Value::map(), .output = Value::map()};
  result.error = RunError{.kind = std::move(failure.kind), .message = std::move(failure.message)};
  result.errors = {*result.error};
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
  options.find_agent = [&](const std::string& name) -> Result<std::string> {
    return options.read_file("agent:" + name);
  };
  const LoadedAgent loaded = load_agent_file(files.at("file").text(), options);
  if (!loaded.ok()) return loaded.error();
  return loaded.agent;
}

class OwnRuntime final : public Runtime {
 public:
  OwnRuntime(Options options, std::unique_ptr<detail::ThreadStore> store)
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

  RunResult run(const Context& context, const AgentPtr& agent, const Value& input,
                const RunOptions& options) override {
    const std::string id =
        options.thread.empty() ? make_id("th", options_.clock, options_.random) : options.thread;
    if (options.durability == Durability::exit)
      for (const ToolSpec& spec : agent->tools)
        if (spec.effect != Effect::pure)
          return refused(id, {"durability",
                              fmt::format("durability exit would forget what tool '{}' did, which "
                                          "has an effect; use step",
                                          spec.name)});
    auto thread = find_thread(id, options.durability, agent, true);
    if (!thread) return refused(id, failure_of(thread.error()));
    const std::unique_lock lock((*thread)->running, std::try_to_lock);
    if (!lock) return refused(id, busy(id));
    const std::string run =
        options.run.empty() ? make_id("run", options_.clock, options_.random) : options.run;
    Session session({.context = context,
                     .thread = **thread,
                     .services = services_,
                     .pause_before = options.pause_before,
                     .pause_after = options.pause_after,
                     .steps = options.steps,
                     .trace = options.trace});
    if (auto kept = store_->keep_agent(id, agent); !kept)
      return refused(id, failure_of(kept.error()));
    auto begun = session.begin_run(agent, input, run, options.budget);
    if (!begun) return refused(id, std::move(begun.failure()));
    if (auto named = store_->name_run(run, id); !named)
      return refused(id, failure_of(named.error()));
    session.go_on();
    return session.result();
  }

  RunResult resume(const Context& context, const std::string& id, const ResumeOptions& options,
                   const AgentPtr& agent) override {
    auto thread = find_thread(id, Durability::step, agent);
    if (!thread) {
      const bool is_unknown = thread.error().code() == Code::not_found;
      return refused(id, is_unknown ? Failure{"no_thread", thread.error().message()}
                                    : failure_of(thread.error()));
    }
    const std::unique_lock lock((*thread)->running, std::try_to_lock);
    if (!lock) return refused(id, busy(id));
    if ((*thread)->purse == nullptr)
      return refused(id, {"no_thread", fmt::format("thread '{}' has no run yet", id)});
    if (agent != nullptr && agent->hash != (*thread)->agent->hash) {
      if (auto kept = store_->keep_agent(id, agent); !kept)
        return refused(id, failure_of(kept.error()));
      if (auto changed = change_agent(**thread, agent); !changed)
        return refused(id, failure_of(changed.error()));
    }
    Session session({.context = context,
                     .thread = **thread,
                     .services = services_,
                     .pause_before = options.pause_before,
                     .pause_after = options.pause_after,
                     .steps = options.steps,
                     .trace = options.trace});
    if (!options.checkpoint.empty() || options.set || !options.as.empty()) {
      ResumeOptions from = options;
      if (from.checkpoint.empty()) from.checkpoint = detail::checkpoint_name((*thread)->head);
      if (auto forked = session.fork(from); !forked)
        return refused(id, std::move(forked.failure()));
    }
    if (auto taken = session.take_answers(options); !taken)
      return refused(id, std::move(taken.failure()));
    session.go_on();
    return session.result();
  }

  Result<std::vector<HistoryEntry>> history(const std::string& id) override;
  Result<Value> ledger(const std::string& id) override;
  Result<Value> replay(const Context& context, const std::string& run,
                       const AgentPtr& agent) override {
    const std::string id = TRY(store_->thread_of_run(run));
    const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
    return detail::replay_run({.context = context,
                               .services = services_,
                               .original = thread->agent,
                               .agent = agent != nullptr ? agent : thread->agent,
                               .records = TRY(thread->log->read()),
                               .run = run});
  }

 private:
  static Failure busy(const std::string& id) {
    return {"busy", fmt::format("thread '{}' is running; wait for it or cancel it", id)};
  }

  std::int64_t now_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               options_.clock.now().time_since_epoch())
        .count();
  }

  std::optional<Value> find_cached(const std::string& key) {
    auto found = store_->find_cached(key, now_ms());
    if (found) return *std::move(found);
    log::warning("kept results of nodes cannot be read: {}", found.error().message());
    return std::nullopt;
  }

  Outcome<std::shared_ptr<Model>> model(const ModelSpec& spec) {
    std::string key =
        spec.provider + "\n" + spec.replies + spec.model + "\n" + json::dump(spec.config);
    std::error_code ignored;  // A file that is not there is told when it is opened.
    if (!spec.replies.empty())
      key += fmt::format(
          "\n{}",
          std::filesystem::last_write_time(spec.replies, ignored).time_since_epoch().count());
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

  Outcome<std::shared_ptr<Tool>> tool(const ToolSpec& spec) {
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

  /// `agent`: what it is taken to be of; null: what it says itself.
  Result<std::shared_ptr<Thread>> find_thread(const std::string& id, Durability durability,
                                              const AgentPtr& agent, bool may_make = false) {
    const std::lock_guard lock(mutex_);
    if (const auto found = threads_.find(id); found != threads_.end()) return found->second;
    auto thread = std::make_shared<Thread>(id);
    thread->log = TRY(store_->open_log(id, durability, may_make));
    const std::vector<Value> records = TRY(thread->log->read());
    if (records.empty() && !may_make) return fail(Code::not_found, "there is no thread '{}'", id);
    if (!records.empty()) {
      if (agent != nullptr) {
        thread->use(agent);
      } else {
        const std::string source = TRY(store_->agent_source(id));
        thread->use(TRY(options_.load ? options_.load(source) : load_source(source)));
      }
      Restorer restorer(*thread);
      std::uint64_t number = 0;
      for (const Value& record : records) restorer.apply(record, ++number);
      restorer.finish();
    }
    // Threads that nobody runs are read again when they are asked for.
    constexpr std::size_t threads_max = 2000;
    if (store_->is_durable() && threads_.size() >= threads_max)
      std::erase_if(threads_, [](const auto& entry) {
        return entry.second.use_count() == 1 && entry.second->is_durable;
      });
    thread->is_durable = store_->is_durable() && durability == Durability::step;
    threads_.emplace(id, thread);
    return thread;
  }

  /// What was done of the open superstep counts where the new graph has the same tasks.
  static Result<void> change_agent(Thread& thread, const AgentPtr& agent) {
    const std::vector<Value> records = TRY(thread.log->read());
    Thread fresh(thread.id);
    fresh.use(agent);
    Restorer restorer(fresh);
    std::uint64_t number = 0;
    for (const Value& record : records) restorer.apply(record, ++number);
    restorer.finish();
    thread.agent = std::move(fresh.agent);
    thread.root = std::move(fresh.root);
    thread.counts = std::move(fresh.counts);
    thread.purse = std::move(fresh.purse);
    return {};
  }

  Options options_;
  std::unique_ptr<detail::ThreadStore> store_;
  Services services_;
  Guarded<std::map<std::string, std::shared_ptr<Model>>> models_;
  Guarded<std::map<std::string, std::shared_ptr<Tool>>> tools_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Thread>> threads_;
};

Result<std::vector<HistoryEntry>> OwnRuntime::history(const std::string& id) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::vector<Value> records = TRY(thread->log->read());
  std::vector<HistoryEntry> entries;
  Thread past(id);
  past.use(thread->agent);
  Restorer restorer(past);
  std::uint64_t number = 0;
  for (const Value& record : records) {
    restorer.apply(record, ++number);
    const bool is_checkpoint = past.head == number && !past.checkpoints.empty();
    if (is_checkpoint) {
      const detail::Checkpoint& at = past.checkpoints.back();
      entries.push_back({.checkpoint = detail::checkpoint_name(at.id),
                         .parent = detail::checkpoint_name(at.parent),
                         .run = at.run,
                         .source = at.source,
                         .step = at.step,
                         .state = state_value(*past.agent, past.root->state)});
      for (const detail::Ready& ready : past.root->next)
        entries.back().next.push_back(
            ready.index < 0
                ? past.agent->nodes[ready.node].name
                : fmt::format("{}[{}]", past.agent->nodes[ready.node].name, ready.index));
    } else if (!entries.empty()) {
      // What was asked after the newest checkpoint.
      std::vector<const detail::OpenQuestion*> open;
      detail::collect_questions(*past.root, open);
      entries.back().interrupts.clear();
      for (const auto* question : open)
        entries.back().interrupts.push_back(detail::to_interrupt(*question));
    }
  }
  std::reverse(entries.begin(), entries.end());
  return entries;
}

Result<Value> OwnRuntime::ledger(const std::string& id) {
  const std::shared_ptr<Thread> thread = TRY(find_thread(id, Durability::step, nullptr));
  const std::vector<Value> records = TRY(thread->log->read());
  std::vector<Value> rows;
  std::map<std::string, std::size_t> places;
  std::string run;
  const auto add = [&](const Value& node, const Value& call) {
    Value row = Value::map({{"key", call.at("key")},
                            {"run", run},
                            {"node", node},
                            {call.at("model") == Value(true) ? "model" : "tool", call.at("tool")},
                            {"args_hash", call.at("hash")},
                            {"state", call.at("state")},
                            {"attempt", call.at("att")}});
    if (call.find("effect") != nullptr) row.put("effect", call.at("effect"));
    if (call.find("args") != nullptr) row.put("args", call.at("args"));
    if (call.find("result") != nullptr) row.put("result", call.at("result"));
    if (call.find("failure") != nullptr) row.put("failure", call.at("failure").items().back());
    const detail::Usage used = detail::decode_usage(call.at("used"));
    row.put("tokens", used.tokens);
    row.put("usd", used.usd);
    const auto [place, is_new] = places.emplace(in_words(call.at("key")), rows.size());
    if (is_new)
      rows.push_back(std::move(row));
    else
      rows[place->second] = std::move(row);
  };
  for (const Value& record : records) {
    if (record.find("run") != nullptr) run = in_words(record.at("run"));
    if (record.find("c") != nullptr) add(record.at("node"), record.at("c"));
    if (record.at("calls").is_list())
      for (const Value& call : record.at("calls").items()) add(record.at("node"), call);
    if (record.at("tasks").is_list())
      for (const Value& task : record.at("tasks").items())
        if (task.at("calls").is_list())
          for (const Value& call : task.at("calls").items()) add(task.at("n"), call);
  }
  const detail::Usage used = thread->purse ? thread->purse->settled() : detail::Usage();
  return Value::map(
      {{"thread", id},
       {"rows", Value::list(std::move(rows))},
       {"budget",
        Value::map(
            {{"limits",
              thread->purse ? detail::encode_budget(thread->purse->limits()) : Value::map()},
             {"settled",
              Value::map({{"tokens", used.tokens}, {"usd", used.usd}, {"calls", used.calls}})}})}});
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::open(Options options) {
  auto store = TRY(detail::open_thread_store(options.data));
  return std::unique_ptr<Runtime>(
      std::make_unique<OwnRuntime>(std::move(options), std::move(store)));
}

}  // namespace slipway::agents
