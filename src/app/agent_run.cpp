// `slipway agent run`, `resume` and `approve`.
#include "app/agent_commands.hpp"
#include "app/detail/agents_door.hpp"

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

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

/// Below the run that TRACEPARENT names, as OpenTelemetry hands it to programs; null: none does.
agents::RunPlacePtr place_of_environment() {
  constexpr std::size_t size = 55, trace_at = 3, trace_digits = 32, span_at = 36, span_digits = 16;
  const char* const said = std::getenv("TRACEPARENT");
  const std::string_view text = said == nullptr ? "" : said;
  if (text.size() != size || !text.starts_with("00-") || text[span_at - 1] != '-') return nullptr;
  auto place = std::make_shared<agents::RunPlace>();
  place->origin.trace_id = text.substr(trace_at, trace_digits);
  place->origin.parent_id = text.substr(span_at, span_digits);
  if (!is_hex(place->origin.trace_id) || !is_hex(place->origin.parent_id)) return nullptr;
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

}  // namespace

Result<int> agent_run(App& app, const AgentRunOptions& options) {
  const agents::AgentPtr agent = TRY(detail::load_agent(app, options.agent));
  Value input = Value::map();
  if (!options.input.empty()) input = TRY(detail::read_json_option(options.input, "--input"));
  agents::RunOptions run{.thread = options.thread,
                         .run = options.run,
                         .pause_before = options.pause_before,
                         .pause_after = options.pause_after,
                         .steps = options.steps,
                         .trace = options.trace};
  if (options.durability == "exit") run.durability = agents::Durability::exit;
  if (options.durability == "none") run.durability = agents::Durability::none;
  if (!options.budget.empty()) run.budget = TRY(read_budget(options.budget));
  // Of what leaves nothing on disk nothing is told there either.
  const bool is_told = run.durability != agents::Durability::none;
  const auto runtime = TRY(detail::open_agents(app, true, is_told));
  detail::AgentRunTraces traces(app, is_told);
  run.on_event = traces.sink();
  run.place = place_of_environment();
  const agents::RunResult result = runtime->run(app.context(), agent, input, run);
  traces.keep(result.thread);
  return detail::print_result(app, result);
}

Result<int> agent_resume(App& app, const AgentResumeOptions& options) {
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
  agents::AgentPtr agent;
  if (!options.agent.empty()) agent = TRY(detail::load_agent(app, options.agent));
  return go_on(app, options.thread, std::move(resume), agent);
}

Result<int> agent_approve(App& app, const AgentApproveOptions& options) {
  Value answer = "approve";
  if (options.has_reject)
    answer = Value::map({{"reject", Value::map({{"reason", options.reject}})}});
  if (!options.edit.empty()) {
    Value args = TRY(detail::read_json_option(options.edit, "--edit"));
    answer = Value::map({{"edit", Value::map({{"args", std::move(args)}})}});
  }
  return go_on(app, options.thread,
               {.answers = {{options.id, std::move(answer)}}, .trace = options.trace}, nullptr);
}

}  // namespace slipway::app
