// Agents as a service: found by name, run in the background, many threads at once, followed by
// events. What HTTP, the LangGraph face and MCP stand on.
//
//   auto host = TRY(Host::open({.runtime = runtime, .data = folder}));
//   RunInfo run = TRY(host->start({.agent = "research", .input = input}));
//   while (auto event = TRY(host->next_event(context, run.thread, run.id, seen))) seen = event->id;
//   RunResult result = TRY(host->wait(context, run.id));
//
// A run that waits for a timer, a person or its turn holds no thread of the system.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/declared.hpp"
#include "agents/event.hpp"
#include "agents/load.hpp"
#include "agents/reach.hpp"
#include "agents/run_place.hpp"
#include "agents/runtime.hpp"
#include "core/json.hpp"

namespace slipway::agents {

/// An agent that is known by name: put by a caller, or declared by the configuration.
struct AgentInfo {
  std::string name, description, hash;
  std::string source;  ///< The YAML.
  std::string file;    ///< Absolute; empty: it was put.
  std::int64_t created_ms = 0, updated_ms = 0;
  int version = 1;  ///< Counts changes of the text.
};

enum class ThreadStatus : std::uint8_t { idle, busy, interrupted, failed };
BOOST_DESCRIBE_ENUM(ThreadStatus, idle, busy, interrupted, failed)

struct ThreadInfo {
  std::string id, agent;
  ThreadStatus status = ThreadStatus::idle;
  json::Object metadata;
  std::int64_t created_ms = 0, updated_ms = 0;
  std::string run;  ///< The newest; empty: none yet.
};

enum class RunStatus : std::uint8_t { pending, running, done, failed, interrupted, cancelled };
BOOST_DESCRIBE_ENUM(RunStatus, pending, running, done, failed, interrupted, cancelled)

struct RunInfo {
  std::string id, thread, agent;
  RunStatus status = RunStatus::pending;
  json::Object metadata;
  std::int64_t created_ms = 0, updated_ms = 0;
};

/// What to do when the thread is running already.
enum class Multitask : std::uint8_t { reject, enqueue, interrupt, rollback };
BOOST_DESCRIBE_ENUM(Multitask, reject, enqueue, interrupt, rollback)

struct StartRun {
  std::string agent;   ///< Empty: the thread's.
  std::string thread;  ///< Empty: a new one.
  Value input;         ///< Null with `resume`.
  RunOptions options;  ///< `thread` is the one above.
  /// Goes on instead of beginning: answers, a checkpoint, values that are set.
  std::optional<ResumeOptions> resume;
  Multitask multitask = Multitask::reject;
  json::Object metadata;
  std::string caller;  ///< Name of the API key: whose budgets pay for it; may be empty.
  /// What its traces are below and whom they are of; a run that goes on stays where it began.
  std::optional<trace::Origin> origin = {};
};

struct ThreadFilter {
  std::string agent;
  std::optional<ThreadStatus> status;
  json::Object metadata;  ///< All of these must be there.
  int limit = 100, offset = 0;
};

/// Safe to use from many threads.
class Host {
 public:
  struct Options {
    Runtime& runtime;
    std::filesystem::path data;  ///< Empty: in memory only.
    int workers = 8;             ///< Runs that go at once.
    std::size_t pending_max = 10'000;
    /// What agents may name beyond their text; agents by name are the host's. From any thread.
    std::function<LoadOptions()> load_options = [] { return LoadOptions(); };
    /// What agents that are put may reach; from any thread. By default all.
    std::function<Reach()> reach = [] {
      return Reach{.commands = true, .secrets = true, .networks = true, .files = true};
    };
    /// What an earlier process left goes on once agents were declared, not at once.
    bool waits_for_agents = false;
    /// Told all events of all runs, tokens too; may be empty. It must not wait.
    std::function<void(const std::string& thread, const Event&)> on_event;
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  static Result<std::unique_ptr<Host>> open(Options options);
  /// Cancels what runs, waits for it. What was waiting goes on when it is opened again.
  virtual ~Host() = default;

  // Agents. A name is 1 to 64 of a-z A-Z 0-9 _ - . ; "AGENT/TOOL" is a tool with `expose: true` as
  // an agent that calls it once: {input: [arguments], output: [value]}.
  /// Fails: invalid_argument with all faults of the text, forbidden (it reaches too far).
  virtual Result<AgentInfo> put_agent(const std::string& name, const std::string& yaml) = 0;
  /// Those of the configuration; they cannot be put or removed while they are declared.
  /// Fails: invalid_argument with all faults; those that were declared before stay then.
  virtual Result<void> declare_agents(std::vector<DeclaredAgent> agents) = 0;
  virtual Result<AgentInfo> agent(const std::string& name) = 0;
  virtual Result<AgentPtr> loaded_agent(const std::string& name) = 0;
  virtual Result<std::vector<AgentInfo>> agents() = 0;
  /// Their names, sorted, from memory: never waits for the disk.
  virtual std::vector<std::string> agent_names() const = 0;
  virtual Result<void> remove_agent(const std::string& name) = 0;

  // Threads
  /// `id` empty: a new one. Fails: conflict (it is there).
  virtual Result<ThreadInfo> create_thread(const std::string& agent, const std::string& id,
                                           json::Object metadata) = 0;
  virtual Result<ThreadInfo> thread(const std::string& id) = 0;
  /// Newest first.
  virtual Result<std::vector<ThreadInfo>> threads(const ThreadFilter& filter) = 0;
  virtual Result<ThreadInfo> set_metadata(const std::string& thread, json::Object metadata) = 0;
  /// With its runs and checkpoints. Fails: conflict while it runs.
  virtual Result<void> remove_thread(const std::string& id) = 0;
  virtual Result<ThreadInfo> copy_thread(const std::string& id) = 0;
  /// The newest superstep: {state, output, next, checkpoint, interrupts, usage, budget}.
  virtual Result<Value> state(const std::string& thread) = 0;

  // Runs
  /// Fails: not_found, invalid_argument, conflict (`reject` while one runs), unavailable (so
  /// many wait).
  virtual Result<RunInfo> start(StartRun start) = 0;
  /// Until it ends or is interrupted; the context ends the waiting, not the run.
  virtual Result<RunResult> wait(const Context& context, const std::string& run) = 0;
  virtual Result<RunInfo> run(const std::string& id) = 0;
  /// Of one that is over, from what is kept. Fails: conflict while it runs.
  virtual Result<RunResult> result(const std::string& run) = 0;
  /// Newest first.
  virtual Result<std::vector<RunInfo>> runs(const std::string& thread, int limit, int offset) = 0;
  /// Stops it within a token; waits until it has stopped. With `rollback` all that it did to the
  /// thread's state is undone, and it is forgotten.
  virtual Result<RunInfo> cancel(const Context& context, const std::string& run,
                                 bool rollback = false) = 0;
  virtual Result<void> remove_run(const std::string& run) = 0;

  /// The next event of a thread after `seen`, of one run if `run` is not empty; waits for it.
  /// Nothing: the run is over and no more will come. At least once: after a restart the durable
  /// ones come again under the same ids, tokens do not. Fails: cancelled, timeout (the context).
  virtual Result<std::optional<Event>> next_event(const Context& context, const std::string& thread,
                                                  const std::string& run, std::uint64_t seen) = 0;
};

}  // namespace slipway::agents
