// The runtime: threads in memory, each with its log.
#pragma once

#include <map>
#include <mutex>

#include "agents/detail/session.hpp"
#include "agents/detail/thread_store.hpp"
#include "agents/runtime.hpp"
#include "core/guarded.hpp"

namespace slipway::agents::detail {

class OwnRuntime final : public Runtime {
 public:
  OwnRuntime(Options options, std::unique_ptr<ThreadStore> store);

  RunResult run(const Context& context, const AgentPtr& agent, const Value& input,
                const RunOptions& options) override;
  RunResult resume(const Context& context, const std::string& id, const ResumeOptions& options,
                   const AgentPtr& agent) override;
  Result<std::vector<HistoryEntry>> history(const std::string& id) override;
  Result<Value> ledger(const std::string& id) override;
  Result<Value> replay(const Context& context, const std::string& run,
                       const AgentPtr& agent) override;
  Result<void> check_input(const AgentPtr& agent, const Value& input) override;
  Result<void> check_resume(const std::string& id, const ResumeOptions& options) override;
  Result<std::vector<Event>> events(const std::string& id, std::uint64_t record) override;
  Result<std::uint64_t> records(const std::string& id) override;
  Result<Value> state(const std::string& id) override;
  Result<RunResult> result(const std::string& id, std::uint64_t records) override;
  Result<AgentPtr> agent(const std::string& id) override;
  void forget_models() override {
    models_.with([](auto& models) { models.clear(); });
  }
  Result<void> remove(const std::string& id) override;
  Result<void> copy(const std::string& id, const std::string& to) override;
  Result<void> undo(const std::string& id, std::uint64_t records) override;

 private:
  std::int64_t now_ms() const;
  std::optional<Value> find_cached(const std::string& key);
  Outcome<std::shared_ptr<Model>> model(const ModelSpec& spec);
  Outcome<std::shared_ptr<Tool>> tool(const ToolSpec& spec);
  /// `agent`: what it is taken to be of; null: what it says itself.
  Result<std::shared_ptr<Thread>> find_thread(const std::string& id, Durability durability,
                                              const AgentPtr& agent, bool may_make = false);
  /// A thread for who runs it, alone.
  struct Held {
    std::shared_ptr<Thread> thread;
    std::unique_lock<std::mutex> lock;
  };
  Outcome<Held> hold_thread(const std::string& id, Durability durability, const AgentPtr& agent,
                            bool may_make = false);
  Result<AgentPtr> agent_of(const std::string& thread);
  Outcome<bool> begin(Session& session, Thread& thread, const AgentPtr& agent, const Value& input,
                      const RunOptions& options);
  Outcome<bool> begin_resume(Session& session, Thread& thread, const ResumeOptions& options);
  void forget_idle();

  Options options_;
  std::unique_ptr<ThreadStore> store_;
  Services services_;
  Guarded<std::map<std::string, std::shared_ptr<Model>>> models_;
  Guarded<std::map<std::string, std::shared_ptr<Tool>>> tools_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Thread>> threads_;
};

/// All records of a thread, applied to one that is empty but for its agent.
void restore(Thread& thread, const std::vector<Value>& records);

}  // namespace slipway::agents::detail
