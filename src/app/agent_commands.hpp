// `slipway agent`: what each command is told, and how it is run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

struct AgentCheckOptions {
  std::string file;
  bool strict = false;  ///< Warnings are errors.
};
/// Exit code 1 when the file has errors.
Result<int> agent_check(App& app, const AgentCheckOptions& options);

struct AgentRunOptions {
  std::string agent;  ///< A file.
  std::string input;  ///< JSON, or @file; empty: none.
  std::string thread, run;
  bool trace = false;
  std::string durability = "step";
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  std::string budget;  ///< JSON
};
/// Exit code 1 when the run failed.
Result<int> agent_run(App& app, const AgentRunOptions& options);

struct AgentResumeOptions {
  std::string thread;
  std::string agent;                 ///< A file; empty: as before.
  std::vector<std::string> answers;  ///< ID=JSON, or JSON of the only one.
  std::string checkpoint, set, as;
  std::vector<std::string> pause_before, pause_after;
  std::optional<int> steps;
  bool trace = false;
};
Result<int> agent_resume(App& app, const AgentResumeOptions& options);

struct AgentApproveOptions {
  std::string thread, id;
  std::string reject;  ///< A reason.
  bool has_reject = false;
  std::string edit;  ///< JSON
  bool trace = false;
};
Result<int> agent_approve(App& app, const AgentApproveOptions& options);

struct AgentReplayOptions {
  std::string run;
  std::string agent;  ///< A file, changed; empty: the thread's.
};
/// Exit code 1 when it differs.
Result<int> agent_replay(App& app, const AgentReplayOptions& options);

struct AgentThreadOptions {
  std::string thread;
};
Result<int> agent_history(App& app, const AgentThreadOptions& options);
Result<int> agent_ledger(App& app, const AgentThreadOptions& options);

}  // namespace slipway::app
