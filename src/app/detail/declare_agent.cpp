// `slipway agent` and what is below it.
#include "app/agent_commands.hpp"
#include "app/detail/declarations.hpp"

namespace slipway::app::detail {

namespace {

template <typename Options>
void add_pauses(CLI::App& app, Options& options) {
  app.add_option("--pause-before", options.pause_before, "Stop before this node; repeatable")
      ->allow_extra_args(false)
      ->type_name("NODE");
  app.add_option("--pause-after", options.pause_after, "Stop after this node; repeatable")
      ->allow_extra_args(false)
      ->type_name("NODE");
  app.add_option("--steps", options.steps, "At most so many supersteps")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  app.add_flag("--trace", options.trace, "Tell every superstep and how often nodes were started");
}

template <typename Options>
void add_thread(CLI::App& app, Options& options) {
  app.add_option("--thread", options.thread, "The thread")->type_name("ID")->required();
}

}  // namespace

void Declarations::declare_agent() {
  CLI::App& group =
      add_group("agent", "Run graphs of models and tools that stop, resume and replay",
                "  slipway agent check research.yaml\n"
                "  slipway agent run research.yaml --input '{\"question\": \"Why?\"}'");
  CLI::App& check = add(group, "check", "Check a file of an agent; exit code 1 if it has errors");
  auto c = runs<AgentCheckOptions>(check, &agent_check);
  add_argument(check, "FILE", c->file, "An agent in YAML, or the name of one in slipway.yaml")
      ->required();
  check.add_flag("--strict", c->strict, "Warnings are errors");
  finish(check, "  slipway agent check research.yaml --strict");

  CLI::App& run = add(group, "run", "Run an agent; exit code 1 if it failed");
  auto r = runs<AgentRunOptions>(run, &agent_run);
  add_argument(run, "FILE", r->agent, "An agent in YAML, or the name of one in slipway.yaml")
      ->required();
  run.add_option("--input", r->input, "Values of its keys: JSON or @file")->type_name("JSON");
  run.add_option("--thread", r->thread, "The thread to run in; default: a new one")
      ->type_name("ID");
  run.add_option("--run-id", r->run, "The run's id; default: a new one")->type_name("ID");
  add_choice(run, "--durability", r->durability, {"step", "exit", "none"},
             "When it is written to disk");
  run.add_option("--budget", r->budget, "Instead of the agent's: {\"tokens\": 1000}")
      ->type_name("JSON");
  add_pauses(run, *r);
  finish(run, "  slipway agent run desk.yaml --input @task.json --thread t1 --json");

  declare_agent_threads(group);
}

void Declarations::declare_agent_threads(CLI::App& group) {
  CLI::App& resume = add(group, "resume", "Go on where a thread stopped, or from a checkpoint");
  auto r = runs<AgentResumeOptions>(resume, &agent_resume);
  add_thread(resume, *r);
  add_argument(resume, "FILE", r->agent, "Its agent, changed; default: as before");
  add_list(resume, "--answer", r->answers, "ID=JSON, or JSON if one question waits; repeatable")
      ->type_name("ANSWER");
  resume.add_option("--checkpoint", r->checkpoint, "Go on from here, on a new branch")
      ->type_name("ID");
  auto* set = resume.add_option("--set", r->set, "Values to write first, with --as");
  auto* as = resume.add_option("--as", r->as, "The node that is taken to have written them");
  set->type_name("JSON")->needs(as);
  as->type_name("NODE")->needs(set);
  add_pauses(resume, *r);
  finish(resume,
         "  slipway agent resume --thread t1 --answer '\"yes\"'\n"
         "  slipway agent resume --thread t1 --checkpoint c4 --set '{\"n\": 1}' --as plan");

  CLI::App& approve = add(group, "approve", "Approve, reject or edit a call that waits for it");
  auto a = runs<AgentApproveOptions>(approve, [](App& app, const AgentApproveOptions& options) {
    return agent_approve(app, options);
  });
  add_thread(approve, *a);
  add_argument(approve, "ID", a->id, "The question's id")->required();
  approve
      .add_option_function<std::string>(
          "--reject",
          [a](const std::string& reason) {
            a->reject = reason;
            a->has_reject = true;
          },
          "Reject it, for this reason")
      ->type_name("REASON");
  approve.add_option("--edit", a->edit, "Approve it with these arguments")->type_name("JSON");
  approve.add_flag("--trace", a->trace, "Tell every superstep");
  finish(approve, "  slipway agent approve --thread t1 i_4f6a --reject 'not on a Friday'");

  CLI::App& replay =
      add(group, "replay", "Run a run again from its records; exit code 1 if it differs");
  auto p = runs<AgentReplayOptions>(replay, &agent_replay);
  replay.add_option("--run", p->run, "The run")->type_name("ID")->required();
  replay.add_option("--with", p->agent, "A changed agent, to see what it would have done")
      ->type_name("FILE");
  finish(replay, "  slipway agent replay --run run_01 --with changed.yaml");

  CLI::App& history = add(group, "history", "The checkpoints of a thread, newest first");
  auto h = runs<AgentThreadOptions>(history, &agent_history);
  add_thread(history, *h);
  finish(history, "  slipway agent history --thread t1 --json");

  CLI::App& ledger = add(group, "ledger", "The calls that a thread made, and what they took");
  auto l = runs<AgentThreadOptions>(ledger, &agent_ledger);
  add_thread(ledger, *l);
  finish(ledger, "  slipway agent ledger --thread t1 --json");
}

}  // namespace slipway::app::detail
