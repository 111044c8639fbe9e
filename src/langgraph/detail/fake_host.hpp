// A host for tests: runs at once and in the caller's thread, on a runtime in memory.
#pragma once

#include <map>
#include <mutex>

#include "agents/host.hpp"
#include "agents/load.hpp"
#include "langgraph/detail/ids.hpp"

namespace slipway::langgraph::detail {

/// Safe to use from many threads.
class FakeHost final : public agents::Host {
 public:
  FakeHost(agents::Runtime& runtime, const Clock& clock) : runtime_(runtime), clock_(clock) {}

  void add(agents::AgentPtr agent) { agents_[agent->name] = agent; }
  /// Runs are `running` until told otherwise.
  bool holds = false;

  Result<agents::AgentInfo> put_agent(const std::string&, const std::string&) override {
    return fail(Code::unsupported, "not here");
  }
  Result<void> declare_agents(std::vector<agents::DeclaredAgent>) override { return {}; }
  Result<agents::AgentInfo> agent(const std::string& name) override {
    return agents::AgentInfo{.name = TRY(loaded_agent(name))->name, .created_ms = 1000};
  }
  Result<agents::AgentPtr> loaded_agent(const std::string& name) override {
    const auto found = agents_.find(name);
    if (found == agents_.end()) return fail(Code::not_found, "no agent '{}'", name);
    return found->second;
  }
  Result<std::vector<agents::AgentInfo>> agents() override {
    std::vector<agents::AgentInfo> all;
    for (const auto& [name, agent] : agents_) all.push_back({.name = name, .created_ms = 1000});
    return all;
  }
  std::vector<std::string> agent_names() const override {
    std::vector<std::string> names;
    for (const auto& [name, agent] : agents_) names.push_back(name);
    return names;
  }
  Result<void> remove_agent(const std::string&) override { return {}; }

  Result<agents::ThreadInfo> create_thread(const std::string& agent, const std::string& id,
                                           json::Object metadata) override {
    const std::lock_guard lock(mutex_);
    if (threads_.contains(id)) return fail(Code::conflict, "thread '{}' is there", id);
    return threads_[id] = {.id = id,
                           .agent = agent,
                           .metadata = std::move(metadata),
                           .created_ms = now_ms(clock_),
                           .updated_ms = now_ms(clock_)};
  }
  Result<agents::ThreadInfo> thread(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = threads_.find(id);
    if (found == threads_.end()) return fail(Code::not_found, "no thread '{}'", id);
    return found->second;
  }
  Result<std::vector<agents::ThreadInfo>> threads(const agents::ThreadFilter&) override {
    const std::lock_guard lock(mutex_);
    std::vector<agents::ThreadInfo> all;
    for (const auto& [id, thread] : threads_) all.push_back(thread);
    return all;
  }
  Result<agents::ThreadInfo> set_metadata(const std::string& id, json::Object metadata) override {
    TRY(thread(id));
    const std::lock_guard lock(mutex_);
    threads_[id].metadata = std::move(metadata);
    return threads_[id];
  }
  Result<void> remove_thread(const std::string& id) override {
    TRY(thread(id));
    const std::lock_guard lock(mutex_);
    threads_.erase(id);
    std::erase_if(runs_, [&](const auto& one) { return one.second.info.thread == id; });
    return {};
  }
  Result<agents::ThreadInfo> copy_thread(const std::string& id) override {
    agents::ThreadInfo made = TRY(thread(id));
    made.id = uuid_of_name("copy of " + id);
    TRY(runtime_.copy(id, made.id));
    const std::lock_guard lock(mutex_);
    return threads_[made.id] = made;
  }
  Result<agents::Value> state(const std::string& id) override { return runtime_.state(id); }

  Result<agents::RunInfo> start(agents::StartRun start) override {
    agents::ThreadInfo of = TRY(thread(start.thread));
    const agents::AgentPtr agent = TRY(loaded_agent(start.agent.empty() ? of.agent : start.agent));
    if (of.status == agents::ThreadStatus::busy)
      return fail(Code::conflict, "thread '{}' runs", of.id);
    Kept kept{.info = {.id = start.options.run,
                       .thread = of.id,
                       .agent = agent->name,
                       .status = agents::RunStatus::running,
                       .metadata = start.metadata,
                       .created_ms = now_ms(clock_),
                       .updated_ms = now_ms(clock_)}};
    if (!holds) {
      const auto listen = [&kept](agents::Event event) { kept.events.push_back(std::move(event)); };
      if (start.resume) {
        start.resume->on_event = listen;
        kept.result = runtime_.resume({}, of.id, *start.resume, agent);
      } else {
        start.options.on_event = listen;
        kept.result = runtime_.run({}, agent, start.input, start.options);
      }
      kept.info.status = status_of(kept.result.status);
    }
    const std::lock_guard lock(mutex_);
    agents::ThreadInfo& now = threads_[of.id];
    now.agent = agent->name;
    now.run = kept.info.id;
    now.status = thread_status(kept.info.status);
    runs_[kept.info.id] = kept;
    order_.push_back(kept.info.id);
    return kept.info;
  }
  Result<agents::RunResult> wait(const Context& context, const std::string& id) override {
    while (TRY(run(id)).status == agents::RunStatus::running) {
      TRY(context.check());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return result(id);
  }
  Result<agents::RunInfo> run(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(id);
    if (found == runs_.end()) return fail(Code::not_found, "no run '{}'", id);
    return found->second.info;
  }
  Result<agents::RunResult> result(const std::string& id) override {
    TRY(run(id));
    const std::lock_guard lock(mutex_);
    return runs_[id].result;
  }
  Result<std::vector<agents::RunInfo>> runs(const std::string& id, int, int) override {
    const std::lock_guard lock(mutex_);
    std::vector<agents::RunInfo> all;
    for (auto one = order_.rbegin(); one != order_.rend(); ++one)
      if (const auto found = runs_.find(*one);
          found != runs_.end() && found->second.info.thread == id)
        all.push_back(found->second.info);
    return all;
  }
  Result<agents::RunInfo> cancel(const Context&, const std::string& id, bool) override {
    TRY(run(id));
    const std::lock_guard lock(mutex_);
    Kept& kept = runs_[id];
    kept.info.status = agents::RunStatus::cancelled;
    kept.result.status = agents::Status::cancelled;
    threads_[kept.info.thread].status = agents::ThreadStatus::idle;
    return kept.info;
  }
  Result<void> remove_run(const std::string& id) override {
    TRY(run(id));
    const std::lock_guard lock(mutex_);
    runs_.erase(id);
    return {};
  }
  Result<std::optional<agents::Event>> next_event(const Context& context, const std::string& thread,
                                                  const std::string& id,
                                                  std::uint64_t seen) override {
    if (!id.empty()) TRY(run(id));
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
      TRY(context.check());
      const std::lock_guard lock(mutex_);
      for (const std::string& one : order_) {
        const auto kept = runs_.find(one);
        if (kept == runs_.end() || kept->second.info.thread != thread) continue;
        for (const agents::Event& event : kept->second.events)
          if (event.id > seen && (id.empty() || id == one)) {
            std::optional<agents::Event> found = event;
            found->run = one;
            return found;
          }
      }
      if (!id.empty()) return std::optional<agents::Event>();
    }
  }

 private:
  struct Kept {
    agents::RunInfo info;
    agents::RunResult result;
    std::vector<agents::Event> events;
  };
  static agents::RunStatus status_of(agents::Status status) {
    if (status == agents::Status::done) return agents::RunStatus::done;
    if (status == agents::Status::interrupted) return agents::RunStatus::interrupted;
    if (status == agents::Status::cancelled) return agents::RunStatus::cancelled;
    return agents::RunStatus::failed;
  }
  static agents::ThreadStatus thread_status(agents::RunStatus status) {
    if (status == agents::RunStatus::running) return agents::ThreadStatus::busy;
    if (status == agents::RunStatus::interrupted) return agents::ThreadStatus::interrupted;
    if (status == agents::RunStatus::failed) return agents::ThreadStatus::failed;
    return agents::ThreadStatus::idle;
  }

  agents::Runtime& runtime_;
  const Clock& clock_;
  std::mutex mutex_;  // Guards what follows, but for the agents.
  std::map<std::string, agents::AgentPtr> agents_;
  std::map<std::string, agents::ThreadInfo> threads_;
  std::map<std::string, Kept> runs_;
  std::vector<std::string> order_;
};

}  // namespace slipway::langgraph::detail
