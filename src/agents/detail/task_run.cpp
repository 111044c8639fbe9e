#include "agents/detail/task_run.hpp"

#include <algorithm>
#include <condition_variable>

#include "agents/detail/thread.hpp"
#include "core/files.hpp"
#include "core/pool.hpp"

namespace slipway::agents::detail {

const Node& TaskRun::node_of(const Scope& scope, const Place& place, const Task& task) {
  const Node& node = scope.agent->nodes[task.node];
  return place.item < 0 ? node : *std::get<MapBody>(node.body).body;
}

const Engine::Options& TaskRun::options() const { return engine_.options_; }

std::int64_t TaskRun::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             options().services.clock->now().time_since_epoch())
      .count();
}

/// False: the run is being ended.
bool TaskRun::pause(Milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, options().context.stop(), time, [] { return false; });
  return !engine_.is_broken();
}

void TaskRun::start() {
  if (task_.is_continued) {
    task_.is_continued = false;
    return;
  }
  ++task_.attempts;
  if (place_.item < 0) ++scope_.counts->starts[task_.node];
}

void TaskRun::run() {
  if (task_.state == TaskState::done || task_.state == TaskState::failed) return;
  task_.is_recorded = false;
  if (node_.is_quick()) {
    start();
    Locals locals(*scope_.agent, place_.step, task_.attempts, node_.label);
    locals.of_task(task_);
    const Inputs inputs = locals.inputs(scope_.state);
    if (node_.retry.max == 1 && place_.item < 0) {
      Ran ran = run_set(std::get<SetBody>(node_.body), inputs);
      if (ran.ok() && keep(std::move(ran.value()), inputs)) {
        task_.state = TaskState::done;
        return;
      }
      if (!ran.ok()) task_.failure = std::move(ran.stop().failure);
      finish(TaskState::failed);
      return;
    }
    task_.is_continued = true;  // Counted above.
  }
  const Listener* listener = options().listener;
  if (listener != nullptr && listener->task_started) listener->task_started(place_, task_);
  for (int attempt_now = 1;; ++attempt_now) {
    start();
    is_retry_ = attempt_now > 1;
    Ran ran = attempt();
    if (ran.ok()) {
      finish(TaskState::done);
      break;
    }
    if (engine_.is_broken()) return;  // Nothing of it is known for sure.
    if (ran.stop().state != TaskState::failed) {
      task_.is_continued = true;
      finish(ran.stop().state);
      break;
    }
    task_.failure = std::move(ran.stop().failure);
    if (attempt_now >= node_.retry.max || !node_.retry.covers(task_.failure.kind)) {
      finish(TaskState::failed);
      break;
    }
    if (!pause(node_.retry.pause_after(attempt_now))) return;
    if (task_.child) task_.child->steps_now = 0;
  }
}

TaskRun::Ran TaskRun::attempt() {
  summary_.reset();
  has_new_summary_ = false;
  summary_message_.reset();
  context_ = node_.timeout ? options().context.with_timeout(*node_.timeout) : options().context;
  Locals locals(*scope_.agent, place_.step, task_.attempts, node_.label);
  locals.of_task(task_);
  if (place_.item >= 0) {
    // An item of a map in a mapped task sees that one's variable too.
    const Task& whole = *scope_.open[place_.ordinal];
    if (whole.index >= 0) locals.set(whole.variable, whole.item);
  }
  const Inputs inputs = locals.inputs(scope_.state);
  const auto* map = std::get_if<MapBody>(&node_.body);
  const bool asks_within = std::holds_alternative<ToolBody>(node_.body) ||
                           (map != nullptr && map->body->approve.has_value());
  if (node_.approve && !asks_within) {
    Approval wanted{.args = Value::map()};
    if (auto stop = approval(*node_.approve, nullptr, wanted, "approval")) return std::move(*stop);
  }
  Ran ran = node_.cache_ttl ? cached_body(inputs) : body(inputs);
  if (!ran.ok()) return ran;
  if (!keep(std::move(ran.value()), inputs)) {
    spoil_reply(task_.failure);
    return std::move(task_.failure);
  }
  return Value();
}

TaskRun::Ran TaskRun::body(const Inputs& inputs) {
  return std::visit(
      [&](const auto& what) -> Ran {
        using Kind = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<Kind, SetBody>) return run_set(what, inputs);
        if constexpr (std::is_same_v<Kind, LlmBody>) return run_llm(what, inputs);
        if constexpr (std::is_same_v<Kind, ReactBody>) return run_react(what, inputs);
        if constexpr (std::is_same_v<Kind, ToolBody>) return run_tool(what, inputs);
        if constexpr (std::is_same_v<Kind, RagBody>) return run_rag(what, inputs);
        if constexpr (std::is_same_v<Kind, GraphBody>) return run_graph(what, inputs);
        if constexpr (std::is_same_v<Kind, MapBody>) return run_map(what, inputs);
        if constexpr (std::is_same_v<Kind, CodeBody>) return run_code(what, inputs);
        if constexpr (std::is_same_v<Kind, HumanBody>) return run_human(what, inputs);
        if constexpr (std::is_same_v<Kind, WaitBody>) return run_wait(what, inputs);
        if constexpr (std::is_same_v<Kind, FunctionBody>) return run_function(what, inputs);
      },
      node_.body);
}

bool TaskRun::write(std::size_t key, Value value) {
  auto prepared = prepare_write(
      scope_.agent->keys[key], value,
      scope_.agent->keys[key].reduce == Reduce::messages
          ? fmt::format("{}/{}/{}{}", options().run, options().branch, place_.address(), key)
          : std::string());
  if (!prepared) {
    task_.failure = std::move(prepared.failure());
    return false;
  }
  task_.writes.push_back({static_cast<std::uint32_t>(key), std::move(value)});
  return true;
}

/// The value of the body becomes writes; of an item of a map, its result.
bool TaskRun::keep(Value value, const Inputs&) {
  task_.writes.clear();
  if (place_.item >= 0) {
    task_.result = std::move(value);
    return true;
  }
  const auto keep_into = [&](const std::optional<std::size_t>& into) {
    return !into || write(*into, std::move(value));
  };
  const auto keep_named = [&](const auto& list) {
    for (const Assignment& assignment : list)
      if (const Value* item = value.find(assignment.name))
        if (!write(assignment.key, *item)) return false;
    return true;
  };
  const auto keep_llm = [&](const LlmBody& body) {
    if (body.into || !body.schema) return keep_into(body.into);
    for (const Schema::Property& property : body.schema->properties)
      if (const Value* item = value.find(property.name))
        if (const auto key = scope_.agent->key(property.name); key && !write(*key, *item))
          return false;
    return true;
  };
  if (const auto* set = std::get_if<SetBody>(&node_.body)) return keep_named(set->values);
  if (const auto* graph = std::get_if<GraphBody>(&node_.body)) return keep_named(graph->output);
  if (const auto* llm = std::get_if<LlmBody>(&node_.body)) {
    const bool is_kept = !summary_message_ || write(*llm->context->summarize->key,
                                                    Value::list({*std::move(summary_message_)}));
    return is_kept && keep_llm(*llm);
  }
  if (const auto* map = std::get_if<MapBody>(&node_.body))
    return write(map->into, std::move(value));
  if (const auto* tool = std::get_if<ToolBody>(&node_.body)) return keep_into(tool->into);
  if (const auto* rag = std::get_if<RagBody>(&node_.body)) return keep_into(rag->into);
  if (const auto* code = std::get_if<CodeBody>(&node_.body)) return keep_into(code->into);
  if (const auto* human = std::get_if<HumanBody>(&node_.body)) return keep_into(human->into);
  if (std::holds_alternative<FunctionBody>(node_.body)) {
    for (std::size_t key = 0; key < scope_.agent->keys.size(); ++key)
      if (const Value* item = value.find(scope_.agent->keys[key].name))
        if (!write(key, *item)) return false;
    return true;
  }
  if (const auto* react = std::get_if<ReactBody>(&node_.body)) {
    if (react->messages_key) {
      if (!write(*react->messages_key, value.at("messages"))) return false;
      Value said = value.at("value");
      value = std::move(said);
    }
    return keep_llm(react->llm);
  }
  return true;
}

void TaskRun::finish(TaskState state) {
  task_.state = state;
  if (state != TaskState::stopped) task_.questions.clear();
  if (state != TaskState::done) task_.writes.clear();
  if (state == TaskState::failed && place_.item < 0) engine_.handle_failure(scope_, task_);
  // What is computed at once is written with what follows, or computed again.
  if (node_.is_quick() && (place_.item < 0 || state == TaskState::done)) return;
  // A task alone in its superstep is written with the superstep's end.
  const bool is_alone = place_.item < 0 && scope_.open.size() == 1 &&
                        (state == TaskState::done || task_.is_handled) && !task_.child;
  if (is_alone) return;
  task_.is_recorded = true;
  if (auto kept = options().recorder.task_ended(place_, task_); !kept)
    engine_.break_with(std::move(kept.error()));
}

TaskRun::Ran TaskRun::run_set(const SetBody& body, const Inputs& inputs) {
  Value made = Value::map();
  for (const Assignment& assignment : body.values) {
    auto value = assignment.value.evaluate(inputs);
    if (!value) return std::move(value.failure());
    made.put(assignment.name, *std::move(value));
  }
  return made;
}

TaskRun::Ran TaskRun::run_function(const FunctionBody& body, const Inputs& inputs) {
  FunctionCall call{.context = context_, .agent = *scope_.agent, .inputs = inputs};
  if (const Listener* listener = options().listener; listener != nullptr && listener->emitted)
    call.emit = [this, listener](const Value& value) { listener->emitted(place_, task_, value); };
  auto made = body.run(call);
  if (!made) return std::move(made.failure());
  // It sees all that the task can see.
  Taint taint = made->taint() | task_.item.taint();
  for (const auto& slot : inputs.slots)
    if (slot) taint |= slot->taint();
  return tainted_throughout(*std::move(made), taint);
}

TaskRun::Ran TaskRun::run_wait(const WaitBody& body, const Inputs& inputs) {
  if (options().recorded != nullptr) return Value();  // Time is no part of a replay.
  if (task_.wake_ms == 0) {
    task_.wake_ms = now_ms() + (body.span ? body.span->count() : 0);
    if (body.until) {
      auto until = body.until.evaluate(inputs);
      if (!until) return std::move(until.failure());
      if (until->is_number()) {
        task_.wake_ms = static_cast<std::int64_t>(until->number() * 1000);
      } else {
        auto time = until->is_text() ? parse_time(until->text())
                                     : Result<Clock::Time>(fail(Code::invalid_argument, ""));
        if (!time)
          return Failure{"expression", fmt::format("wait: until gives {}, not a time like "
                                                   "\"2026-01-31T12:00:00Z\" or seconds since 1970",
                                                   in_words(*until))};
        task_.wake_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(time->time_since_epoch()).count();
      }
    }
  }
  if (now_ms() >= task_.wake_ms) return Value();
  return Stop{.state = TaskState::waiting};
}

TaskRun::Ran TaskRun::run_human(const HumanBody& body, const Inputs& inputs) {
  if (const Value* given = answer("human")) {
    if (body.schema)
      if (auto checked = body.schema->check(*given); !checked) return std::move(checked.failure());
    return *given;
  }
  auto value = body.ask.evaluate(inputs);
  if (!value) return std::move(value.failure());
  const std::int64_t expires =
      first_asked("human", body.timeout ? now_ms() + body.timeout->count() : 0);
  const bool is_replayed = options().recorded != nullptr && body.timeout.has_value();
  if (is_replayed || (expires > 0 && now_ms() >= expires)) {
    if (body.on_timeout) return *body.on_timeout;
    return Failure{"timeout", "nobody answered in time"};
  }
  return ask("human", "human", *std::move(value), expires);
}

/// Goes on with a sub-agent; its output.
TaskRun::Ran TaskRun::run_child(Scope& child, std::size_t share) {
  child.parallel =
      std::min(share, static_cast<std::size_t>(std::max(1, child.agent->limits.parallel)));
  for (const auto& open : child.open)
    if (open->state == TaskState::failed && !open->is_handled) open->state = TaskState::ready;
  switch (engine_.run(child)) {
    case End::done: return output_value(*child.agent, child.state);
    case End::failed: {
      Failure failure = child.errors.front();
      if (!child.error_nodes.front().empty())
        failure.message = fmt::format("{}: {}", child.error_nodes.front(), failure.message);
      return failure;
    }
    case End::stopped: return Stop{.state = TaskState::stopped};
    case End::waiting: return Stop{.state = TaskState::waiting};
    case End::cut: return Stop{.state = TaskState::cut};
    case End::broken: break;
  }
  return Failure{"cancelled", "the run was ended"};
}

TaskRun::Ran TaskRun::run_graph(const GraphBody& body, const Inputs& inputs) {
  if (!task_.child) {
    auto child = make_child_scope(scope_, task_, place_.address());
    for (const Assignment& assignment : body.input) {
      auto value = assignment.value.evaluate(inputs);
      if (!value) return std::move(value.failure());
      const Key& key = body.agent->keys[assignment.key];
      if (value->is_null() && key.type != Type::any) continue;  // Absent here, absent there.
      Write given{static_cast<std::uint32_t>(assignment.key), *std::move(value)};
      auto prepared = prepare_write(key, given.value, place_.address());
      if (!prepared) return std::move(prepared.failure());
      auto applied = apply_write(*body.agent, child->state, given);
      if (!applied) return std::move(applied.failure());
    }
    if (auto begun = engine_.begin(*child); !begun) return std::move(begun.failure());
    task_.child = std::move(child);
    std::vector<std::unique_ptr<Task>> none;
    if (auto kept = options().recorder.merged(*task_.child, none); !kept)
      engine_.break_with(std::move(kept.error()));
  }
  Ran ran = run_child(*task_.child, share_);
  if (!ran.ok()) return ran;
  const Value result = ran.value();
  if (place_.item >= 0 && body.output.empty()) return result;
  Locals locals(*scope_.agent, place_.step, task_.attempts, node_.label);
  locals.of_task(task_);
  locals.set(local_result, result);
  Value made = Value::map();
  for (const Assignment& assignment : body.output) {
    auto value = assignment.value.evaluate(locals.inputs(scope_.state));
    if (!value) return std::move(value.failure());
    made.put(assignment.name, *std::move(value));
  }
  return made;
}

std::size_t TaskRun::share_of(std::size_t whole, std::size_t many) {
  return std::max<std::size_t>(1, whole / std::max<std::size_t>(1, many));
}

TaskRun::Ran TaskRun::run_map(const MapBody& body, const Inputs& inputs) {
  if (!task_.has_items) {
    auto each = body.each.evaluate(inputs);
    if (!each) return std::move(each.failure());
    if (!each->is_list())
      return Failure{"expression", fmt::format("each: \"{}\" gives {}, not a list",
                                               body.each.text(), kind_name(*each))};
    // Some may be there already, with what was kept of them.
    task_.items.resize(each->items().size());
    for (std::size_t i = 0; i < task_.items.size(); ++i) {
      auto& item = task_.items[i];
      if (!item) item = std::make_unique<Task>();
      item->node = task_.node;
      item->index = static_cast<std::int32_t>(i);
      item->variable = static_cast<std::uint32_t>(body.as);
      item->item = each->items()[i];
      item->item.add_taint(each->taint());
      item->visit = task_.visit;
    }
    task_.has_items = true;
  }
  for (const auto& item : task_.items)
    if (item->state == TaskState::failed && !body.null_on_error) item->state = TaskState::ready;
  const std::size_t parallel =
      std::min({share_, std::max<std::size_t>(1, task_.items.size()),
                body.parallel > 0 ? static_cast<std::size_t>(body.parallel) : share_});
  const bool is_quick = body.body->is_quick();
  const auto run_one = [&](std::size_t i) -> Result<void> {
    Place place{.scope = scope_,
                .step = place_.step,
                .ordinal = place_.ordinal,
                .item = static_cast<std::int32_t>(i)};
    TaskRun(engine_, scope_, place, *task_.items[i], share_of(share_, parallel)).run();
    return {};
  };
  if (is_quick || task_.items.size() < 2 || parallel < 2)
    for (std::size_t i = 0; i < task_.items.size(); ++i) (void)run_one(i);
  else if (auto outcome = parallel_for({}, task_.items.size(), parallel, run_one); !outcome)
    engine_.break_with(std::move(outcome.error()));
  return map_result(body);
}

TaskRun::Ran TaskRun::map_result(const MapBody& body) {
  std::vector<Value> results;
  const Task *failed = nullptr, *stopped = nullptr, *waiting = nullptr;
  bool is_cut = false;
  for (const auto& item : task_.items) {
    switch (item->state) {
      case TaskState::done: results.push_back(item->result); break;
      case TaskState::failed:
        if (body.null_on_error)
          results.emplace_back();
        else if (failed == nullptr)
          failed = item.get();
        break;
      case TaskState::stopped: stopped = item.get(); break;
      case TaskState::waiting: waiting = item.get(); break;
      case TaskState::cut: is_cut = true; break;
      case TaskState::ready: break;
    }
  }
  if (engine_.is_broken()) return Failure{"cancelled", "the run was ended"};
  if (failed != nullptr) return failed->failure;
  if (waiting != nullptr) return Stop{.state = TaskState::waiting};
  if (stopped != nullptr) return Stop{.state = TaskState::stopped};
  // What the budget paid for is kept.
  if (is_cut && results.empty()) return Stop{.state = TaskState::cut};
  return Value::list(std::move(results));
}

}  // namespace slipway::agents::detail
