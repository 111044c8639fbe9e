// `slipway agent run`, `resume` and `approve`.
#include "app/agent_commands.hpp"
#include "app/detail/agents_door.hpp"
#include "http/trace_parent.hpp"

namespace slipway::app {

namespace {

using agents::Value;

Result<agents::Budget> read_budget(const std::string& text) {
  const Value value = TRY(detail::read_json_option(text, "--budget"));
  if (!value.is_map()) return fail(Code::invalid_argument, "--budget: a JSON object is expected");
  agents::Budget budget;
  for (const auto& [key, item] : value.entries().items) {
    if (key == "tokens" && item.is_integer())
      budget.tokens = item.integer();
    else if (key == "calls" && item.is_integer())
      budget.calls = item.integer();
    else if (key == "usd" && item.is_number())
      budget.usd = item.number();
    else if (key == "on_exceed" && item == Value("finish"))
      budget.on_exceed = agents::OnExceed::finish;
    else if (key == "on_exceed" && item == Value("approve"))
      budget.on_exceed = agents::OnExceed::approve;
    else if (key == "on_exceed" && item == Value("fail"))
      budget.on_exceed = agents::OnExceed::fail;
    else if (key == "finish" && item.is_text())
      budget.finish = item.text();
    else
      return fail(Code::invalid_argument,
                  "--budget: '{}': {} is not understood; known are tokens, usd, calls, on_exceed "
                  "(finish, approve, fail), finish",
                  key, agents::dump(item));
  }
  return budget;
}

/// Below the run that TRACEPARENT names, as OpenTelemetry hands it to programs; null: none does.
agents::RunPlacePtr place_of_environment() {
  const char* const said = std::getenv("TRACEPARENT");
  auto parent = http::parse_traceparent(said == nullptr ? "" : said);
  if (!parent) return nullptr;
  auto place = std::make_shared<agents::RunPlace>();
  place->origin.trace_id = std::move(parent->trace_id);
  place->origin.parent_id = std::move(parent->span_id);
  return place;
}

Result<int> go_on(App& app, const std::string& thread, agents::ResumeOptions options,
                  const agents::AgentPtr& agent) {
  const auto runtime = TRY(detail::open_agents(app));
  detail::AgentRunTraces traces(app, true);
  options.on_event = traces.sink();
  const agents::RunResult result = runtime->resume(app.context(), thread, options, agent);
  traces.keep(thread);
  return detail::print_result(app, result);
}

Result<Value> input_of(const AgentRunOptions& options) {
  if (options.input.empty()) return Value::map();
  return detail::read_json_option(options.input, "--input");
}

Result<agents::RunOptions> run_options(const AgentRunOptions& options) {
  agents::RunOptions run{.thread = options.thread,
                         .run = options.run,
                         .pause_before = options.pause_before,
                         .pause_after = options.pause_after,
                         .steps = options.steps,
                         .trace = options.trace};
  if (options.durability == "exit") run.durability = agents::Durability::exit;
  if (options.durability == "none") run.durability = agents::Durability::none;
  if (!options.budget.empty()) run.budget = TRY(read_budget(options.budget));
  return run;
}

Result<agents::ResumeOptions> resume_options(const AgentResumeOptions& options) {
  agents::ResumeOptions resume{.checkpoint = options.checkpoint,
                               .as = options.as,
                               .pause_before = options.pause_before,
                               .pause_after = options.pause_after,
                               .steps = options.steps,
                               .trace = options.trace};
  for (const std::string& text : options.answers) {
    const std::size_t cut = text.find('=');
    const bool is_named = cut != std::string::npos && text.starts_with("i_");
    Value value = TRY(detail::read_json_option(is_named ? text.substr(cut + 1) : text, "--answer"));
    if (is_named)
      resume.answers.emplace_back(text.substr(0, cut), std::move(value));
    else
      resume.answer = std::move(value);
  }
  if (!options.set.empty()) resume.set = TRY(detail::read_json_option(options.set, "--set"));
  return resume;
}

Result<Value> approval_of(const AgentApproveOptions& options) {
  if (options.has_reject) return Value::map({{"reject", Value::map({{"reason", options.reject}})}});
  if (options.edit.empty()) return Value("approve");
  Value args = TRY(detail::read_json_option(options.edit, "--edit"));
  return Value::map({{"edit", Value::map({{"args", std::move(args)}})}});
}

}  // namespace

Result<int> agent_run(App& app, const AgentRunOptions& options) {
  const auto input = input_of(options);
  if (!input) return app.wrong_use(input.error());
  auto run = run_options(options);
  if (!run) return app.wrong_use(run.error());
  const agents::AgentPtr agent = TRY(detail::load_agent(app, options.agent));
  // Of what leaves nothing on disk nothing is told there either.
  const bool is_told = run->durability != agents::Durability::none;
  const auto runtime = TRY(detail::open_agents(app, true, is_told));
  detail::AgentRunTraces traces(app, is_told);
  run->on_event = traces.sink();
  run->place = place_of_environment();
  const agents::RunResult result = runtime->run(app.context(), agent, *input, *run);
  traces.keep(result.thread);
  return detail::print_result(app, result);
}

Result<int> agent_resume(App& app, const AgentResumeOptions& options) {
  auto resume = resume_options(options);
  if (!resume) return app.wrong_use(resume.error());
  agents::AgentPtr agent;
  if (!options.agent.empty()) agent = TRY(detail::load_agent(app, options.agent));
  return go_on(app, options.thread, *std::move(resume), agent);
}

Result<int> agent_approve(App& app, const AgentApproveOptions& options) {
  auto answer = approval_of(options);
  if (!answer) return app.wrong_use(answer.error());
  return go_on(app, options.thread,
               {.answers = {{options.id, *std::move(answer)}}, .trace = options.trace}, nullptr);
}

}  // namespace slipway::app
