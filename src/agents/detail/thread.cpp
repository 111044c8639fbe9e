#include "agents/detail/thread.hpp"

#include <charconv>

namespace slipway::agents::detail {

namespace {

std::int64_t whole(const Value& value) { return value.is_integer() ? value.integer() : 0; }

class MemoryLog final : public ThreadLog {
 public:
  Result<std::uint64_t> append(const Value& record, bool) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(record);
    return static_cast<std::uint64_t>(records_.size());
  }
  Result<void> sync() override { return {}; }
  Result<std::vector<Value>> read() const override {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(records_.size());
  }
  Result<void> undo(std::uint64_t kept) override {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = kept; i < records_.size(); ++i)
      records_[i] = Value::map({{"k", "undone"}});
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Value> records_;
};

/// "/3:0[2]{1}" of an address: superstep, place, item, call of a tool.
struct Step {
  int step = 0;
  std::size_t ordinal = 0;
  std::int32_t item = -1;
  std::int64_t call = -1;
};

std::optional<Step> read_step(std::string_view text) {
  Step step;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, step.step);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != ':') return std::nullopt;
  parsed = std::from_chars(parsed.ptr + 1, end, step.ordinal);
  if (parsed.ec != std::errc()) return std::nullopt;
  if (parsed.ptr != end && *parsed.ptr == '[') {
    parsed = std::from_chars(parsed.ptr + 1, end, step.item);
    if (parsed.ec != std::errc() || parsed.ptr == end) return std::nullopt;
    ++parsed.ptr;  // ']'
  }
  if (parsed.ptr != end && *parsed.ptr == '{')
    if (std::from_chars(parsed.ptr + 1, end, step.call).ec != std::errc()) return std::nullopt;
  return step;
}

}  // namespace

std::unique_ptr<ThreadLog> make_memory_log() { return std::make_unique<MemoryLog>(); }

void Thread::use(AgentPtr next) {
  if (agent == next) return;
  auto next_counts = std::make_unique<Counts>(*next);
  if (counts)
    for (std::size_t i = 0; i < agent->nodes.size(); ++i)
      if (const auto node = next->node(agent->nodes[i].name)) {
        next_counts->starts[*node] = counts->starts[i].load();
        next_counts->visits[*node] = counts->visits[i];
      }
  auto scope = std::make_unique<Scope>(*next, Scope::Name(), *next_counts);
  if (root) {
    for (std::size_t i = 0; i < agent->keys.size(); ++i)
      if (const auto key = next->key(agent->keys[i].name))
        if (root->state[i] && can_hold(next->keys[*key], *root->state[i]))
          scope->state[*key] = root->state[i];
    Value position = Value::map();
    encode_position(*root, position);
    decode_position(position, *scope);
    scope->step = root->step;
    scope->steps_now = root->steps_now;
    scope->is_paused = root->is_paused;
  }
  root = std::move(scope);
  counts = std::move(next_counts);
  const std::lock_guard lock(agent_mutex);
  agent = std::move(next);
}

namespace {

void count_anew_in(Scope& scope) {
  scope.steps_now = 0;
  const auto of_task = [](Task& task) {
    if (task.child) count_anew_in(*task.child);
    for (auto& [call, tool] : task.tool_scopes) count_anew_in(*tool);
  };
  for (const auto& task : scope.open) {
    of_task(*task);
    for (const auto& item : task->items)
      if (item) of_task(*item);
  }
}

}  // namespace

void Thread::count_anew() {
  if (root) count_anew_in(*root);
  limits_from_ms = purse ? purse->worked_ms() : 0;
}

void Thread::take(Thread&& fresh) {
  {
    const std::lock_guard lock(agent_mutex);
    agent = std::move(fresh.agent);
  }
  counts = std::move(fresh.counts);
  root = std::move(fresh.root);
  purse = std::move(fresh.purse);
  run = std::move(fresh.run);
  branch = fresh.branch;
  has_begun = fresh.has_begun;
  head = fresh.head;
  checkpoints = std::move(fresh.checkpoints);
  end = std::move(fresh.end);
  resumed_as = std::move(fresh.resumed_as);
  limits_from_ms = fresh.limits_from_ms;
}

std::unique_ptr<Scope> make_child_scope(const Scope& outer, const Task& task, std::string address) {
  const Body* body = &outer.agent->nodes[task.node].body;
  if (const auto* map = std::get_if<MapBody>(body)) body = &map->body->body;
  const auto* graph = std::get_if<GraphBody>(body);
  if (graph == nullptr) return nullptr;
  Scope::Name name{.address = std::move(address),
                   .prefix = outer.prefix + outer.agent->nodes[task.node].name + "/",
                   .key = task_key(outer, task) + "/"};
  auto made =
      std::make_unique<Scope>(*graph->agent, std::move(name), *outer.counts->inner.at(task.node));
  made->graph = outer.graph;
  made->index = task.index >= 0 ? task.index : outer.index;
  return made;
}

std::unique_ptr<Scope> make_tool_scope(const Scope& outer, const Task& task, std::string address,
                                       std::size_t tool, std::uint32_t call) {
  const ToolSpec& spec = outer.agent->tools[tool];
  Scope::Name name{.address = std::move(address),
                   .prefix = outer.prefix + spec.name + "/",
                   .key = fmt::format("{}#{}/", task_key(outer, task), call)};
  auto made = std::make_unique<Scope>(*spec.agent, std::move(name),
                                      *outer.counts->inner.at(Counts::of_tool(tool)));
  made->graph = outer.graph;
  made->index = task.index >= 0 ? task.index : outer.index;
  return made;
}

Purse& purse_of_question(Purse& run, const Scope& scope, const Task& task,
                         const std::string& token) {
  const Node& node = scope.agent->nodes[task.node];
  if (!token.starts_with("budget:node:") || !node.budget) return run;
  return run.of_node(scope.prefix + node.name, *node.budget);
}

void Restorer::apply(const Value& record, std::uint64_t number) {
  const std::string kind = in_words(record.at("k"));
  if (thread_.agent == nullptr) return;
  if (kind == "run") apply_run(record, number);
  if (kind == "fork") apply_fork(record, number);
  if (kind == "step") apply_step(record, number);
  if (kind == "scope") apply_scope(record);
  if (kind == "task") apply_task(record);
  if (kind == "call") apply_call(record);
  if (kind == "answer") apply_answer(record);
  if (kind == "end") apply_end(record);
  if (kind == "resume") thread_.resumed_as = in_words(record.at("name"));
  if (kind == "resume" || kind == "run") thread_.count_anew();
  if (record.at("ms").is_integer() && thread_.purse)
    thread_.purse->restore_work(record.at("ms").integer());
}

void Restorer::finish() {
  for (const auto& [key, open] : pending_) {
    if (thread_.purse) thread_.purse->restore(open.reserved, 0);
    if (open.of_node != nullptr) open.of_node->restore(open.reserved, 0);
  }
  pending_.clear();
}

Scope* Restorer::find_scope(const std::string& address) {
  Scope* scope = thread_.root.get();
  std::size_t begin = 0;
  while (begin < address.size()) {
    const std::size_t end = std::min(address.find('/', begin + 1), address.size());
    const auto step = read_step(std::string_view(address).substr(begin + 1, end - begin - 1));
    Task* task = step ? task_at(*scope, step->ordinal, step->item) : nullptr;
    if (task == nullptr) return nullptr;
    const auto tool = task->tool_scopes.find(static_cast<std::uint32_t>(step->call));
    if (step->call >= 0 ? tool == task->tool_scopes.end() : !task->child) return nullptr;
    scope = step->call >= 0 ? tool->second.get() : task->child.get();
    begin = end;
  }
  return scope;
}

/// Opens the superstep if it is not: its beginning is not written.
Task* Restorer::task_at(Scope& scope, std::size_t ordinal, std::int32_t item) {
  if (scope.open.empty()) {
    if (select_ready(scope).empty()) return nullptr;
    open_tasks(scope);
  }
  if (ordinal >= scope.open.size()) return nullptr;
  Task& task = *scope.open[ordinal];
  if (item < 0) return &task;
  constexpr std::int32_t items_max = 1'000'000;
  if (item > items_max || !std::holds_alternative<MapBody>(scope.agent->nodes[task.node].body))
    return nullptr;
  if (task.items.size() <= static_cast<std::size_t>(item))
    task.items.resize(static_cast<std::size_t>(item) + 1);
  auto& made = task.items[static_cast<std::size_t>(item)];
  if (!made) {
    made = std::make_unique<Task>();
    made->node = task.node;
    made->index = item;
    made->visit = task.visit;
  }
  return made.get();
}

Restorer::At Restorer::find_task(const Value& record) {
  Scope* scope = find_scope(in_words(record.at("at")));
  if (scope == nullptr || record.at("step") != Value(scope->step + 1)) return {};
  const std::int32_t item =
      record.at("item").is_integer() ? static_cast<std::int32_t>(whole(record.at("item"))) : -1;
  Task* task = task_at(*scope, static_cast<std::size_t>(whole(record.at("ord"))), item);
  if (task == nullptr || scope->agent->nodes[task->node].label != record.at("node")) return {};
  return {scope, task};
}

void Restorer::count_attempts(Scope& scope, Task& task, const Value& record, bool is_item) {
  const int attempts =
      record.at("att").is_integer() ? static_cast<int>(whole(record.at("att"))) : 1;
  if (attempts <= task.attempts) return;
  if (!is_item)
    scope.counts->starts[task.node] += static_cast<std::uint32_t>(attempts - task.attempts);
  task.attempts = attempts;
}

void Restorer::apply_run(const Value& record, std::uint64_t number) {
  Scope& root = *thread_.root;
  root.open.clear();
  root.step = 0;
  root.is_paused = false;
  for (const Write& write : decode_writes(*thread_.agent, record.at("input"), record.at("taint")))
    (void)apply_write(*thread_.agent, root.state, write);
  decode_position(record, root);
  thread_.has_begun = record.at("next").is_list();
  thread_.run = in_words(record.at("run"));
  thread_.branch = static_cast<int>(whole(record.at("branch")));
  thread_.purse = std::make_unique<Purse>(decode_budget(record.at("budget")));
  pending_.clear();
  ended_.clear();
  thread_.end = {};
  thread_.checkpoints.push_back(
      {.id = number, .parent = thread_.head, .run = thread_.run, .source = "input"});
  thread_.head = number;
}

void Restorer::apply_fork(const Value& record, std::uint64_t number) {
  Scope& root = *thread_.root;
  root.open.clear();
  root.is_paused = false;
  decode_state(*thread_.agent, record.at("state"), record.at("taint"), root.state);
  decode_position(record, root);
  root.step = static_cast<int>(whole(record.at("step")));
  thread_.has_begun = true;
  thread_.run = in_words(record.at("run"));
  thread_.branch = static_cast<int>(whole(record.at("branch")));
  thread_.end = {};
  thread_.checkpoints.push_back({.id = number,
                                 .parent = static_cast<std::uint64_t>(whole(record.at("from"))),
                                 .run = thread_.run,
                                 .source = "fork",
                                 .step = root.step});
  thread_.head = number;
}

void Restorer::apply_step(const Value& record, std::uint64_t number) {
  Scope* scope = find_scope(in_words(record.at("at")));
  if (scope == nullptr || !record.at("tasks").is_list()) return;
  if (scope->open.empty() && !select_ready(*scope).empty()) open_tasks(*scope);
  std::vector<std::unique_ptr<Task>> tasks;
  std::size_t at = 0;
  for (const Value& entry : record.at("tasks").items()) {
    const auto node = scope->agent->node(in_words(entry.at("n")));
    if (!node) continue;
    const std::int32_t index =
        entry.at("i").is_integer() ? static_cast<std::int32_t>(whole(entry.at("i"))) : -1;
    while (at < scope->open.size() &&
           (scope->open[at]->node != *node || scope->open[at]->index != index))
      ++at;
    std::unique_ptr<Task> task;
    if (at < scope->open.size()) {
      task = std::move(scope->open[at++]);
    } else {
      task = std::make_unique<Task>();
      task->node = *node;
      task->visit = ++scope->visits[*node];
    }
    count_attempts(*scope, *task, entry, false);
    if (entry.at("w").is_map())
      task->writes = decode_writes(*scope->agent, entry.at("w"), entry.at("taint"));
    if (entry.at("calls").is_list())
      for (const Value& call : entry.at("calls").items()) account(*scope, *task, decode_call(call));
    for (const Write& write : task->writes) (void)apply_write(*scope->agent, scope->state, write);
    tasks.push_back(std::move(task));
  }
  scope->open.clear();
  add_inner_visits(*scope, tasks);
  decode_position(record, *scope);
  scope->step = static_cast<int>(whole(record.at("step")));
  ++scope->steps_now;
  scope->is_paused = false;
  if (!scope->address.empty()) return;
  scope->counts->visits = scope->visits;
  thread_.checkpoints.push_back({.id = number,
                                 .parent = thread_.head,
                                 .run = thread_.run,
                                 .source = "step",
                                 .step = scope->step});
  thread_.head = number;
}

void Restorer::apply_scope(const Value& record) {
  const std::string address = in_words(record.at("at"));
  const std::size_t cut = address.rfind('/');
  if (cut == std::string::npos) return;
  Scope* outer = find_scope(address.substr(0, cut));
  const auto step = read_step(std::string_view(address).substr(cut + 1));
  if (outer == nullptr || !step || step->step != outer->step + 1) return;
  Task* task = task_at(*outer, step->ordinal, step->item);
  if (task == nullptr) return;
  std::unique_ptr<Scope> made;
  if (step->call >= 0) {
    const std::string tool = in_words(record.at("tool"));
    for (std::size_t i = 0; i < outer->agent->tools.size() && !made; ++i)
      if (outer->agent->tools[i].name == tool && outer->agent->tools[i].agent)
        made = make_tool_scope(*outer, *task, address, i, static_cast<std::uint32_t>(step->call));
  } else {
    made = make_child_scope(*outer, *task, address);
  }
  if (!made) return;
  decode_state(*made->agent, record.at("state"), record.at("taint"), made->state);
  decode_position(record, *made);
  if (step->call >= 0)
    task->tool_scopes[static_cast<std::uint32_t>(step->call)] = std::move(made);
  else
    task->child = std::move(made);
}

void Restorer::apply_task(const Value& record) {
  const auto [scope, task] = find_task(record);
  if (task == nullptr) return;
  const bool is_item = record.at("item").is_integer();
  count_attempts(*scope, *task, record, is_item);
  constexpr std::string_view words[] = {"ready", "done", "failed", "stopped", "waiting", "cut"};
  for (std::size_t i = 0; i < std::size(words); ++i)
    if (record.at("state") == Value(words[i])) task->state = static_cast<TaskState>(i);
  // What was cut goes on like what stopped, should more be paid.
  task->is_continued = task->state == TaskState::stopped || task->state == TaskState::waiting ||
                       task->state == TaskState::cut;
  task->writes = decode_writes(*scope->agent, record.at("w"), record.at("taint"));
  task->result = record.at("r");
  task->result.set_taint(read_taint(record.at("tr")));
  task->is_handled = record.at("h") == Value(true);
  task->is_recorded = true;
  task->wake_ms = whole(record.at("wake"));
  if (record.at("f").is_list() && record.at("f").items().size() == 2)
    task->failure = {in_words(record.at("f").items()[0]), in_words(record.at("f").items()[1])};
  task->questions.clear();
  if (record.at("q").is_list())
    for (const Value& q : record.at("q").items())
      if (q.is_list() && q.items().size() == 7)
        task->questions.push_back({in_words(q.items()[0]), in_words(q.items()[1]),
                                   in_words(q.items()[2]), in_words(q.items()[3]),
                                   in_words(q.items()[4]), q.items()[5], whole(q.items()[6])});
  if (record.at("calls").is_list())
    for (const Value& call : record.at("calls").items()) account(*scope, *task, decode_call(call));
}

/// Each attempt of a call is spent once, however often it is written.
void Restorer::account(const Scope& scope, const Task& task, const CallRecord& call) {
  if (recorded_ != nullptr && call.state != CallState::intent) {
    auto& list = recorded_->calls[fmt::format("{}|{}", task_key(scope, task), call.number)];
    std::erase_if(list, [&](const CallRecord& c) { return c.attempt == call.attempt; });
    list.push_back(call);
  }
  const std::string name = fmt::format("{}#{}#{}", call.key, call.attempt, call.tries);
  const Node& node = scope.agent->nodes[task.node];
  Purse* const of_node = thread_.purse && node.budget
                             ? &thread_.purse->of_node(scope.prefix + node.name, *node.budget)
                             : nullptr;
  if (call.state == CallState::intent) {
    pending_[name] = {of_node, call.reserved};
    return;
  }
  pending_.erase(name);
  if (!ended_.insert(name).second) return;
  if (thread_.purse) thread_.purse->restore(call.used, 0);
  if (of_node != nullptr) of_node->restore(call.used, 0);
}

void Restorer::apply_call(const Value& record) {
  const auto [scope, task] = find_task(record);
  if (task == nullptr) return;
  const CallRecord call = decode_call(record.at("c"));
  count_attempts(*scope, *task, record, record.at("item").is_integer());
  account(*scope, *task, call);
  // A model's call that broke off is made anew; a tool's is looked into.
  const bool is_lost = call.is_model && call.state != CallState::done;
  std::erase_if(task->calls, [&](const CallRecord& other) { return other.number == call.number; });
  if (!is_lost) task->calls.push_back(call);
  // It had begun again where it had stopped: should nothing follow, that was a start that was lost.
  task->is_continued = false;
  task->state = TaskState::ready;
}

void Restorer::apply_answer(const Value& record) {
  const auto [scope, task] = find_task(record);
  if (task == nullptr) return;
  const std::string token = in_words(record.at("token"));
  task->answers[token] = record.at("value");
  if (recorded_ != nullptr)
    recorded_->answers[fmt::format("{}|{}", task_key(*scope, *task), token)] = record.at("value");
  std::erase_if(task->questions, [&](const OpenQuestion& q) { return q.token == token; });
  if (record.at("add").is_list() && thread_.purse)
    purse_of_question(*thread_.purse, *scope, *task, token)
        .add_limit(decode_usage(record.at("add")));
}

void Restorer::apply_end(const Value& record) {
  thread_.end.status = in_words(record.at("status"));
  thread_.end.is_finished_early = record.at("early") == Value(true);
  thread_.end.errors.clear();
  thread_.end.error_nodes.clear();
  if (record.at("errors").is_list())
    for (const Value& error : record.at("errors").items()) {
      thread_.end.errors.push_back({in_words(error.at("kind")), in_words(error.at("message"))});
      thread_.end.error_nodes.push_back(in_words(error.at("node")));
    }
  if (thread_.purse) thread_.purse->restore({}, whole(record.at("peak")));
  if (!record.at("paused").is_list()) return;
  for (const Value& address : record.at("paused").items())
    if (Scope* scope = find_scope(in_words(address))) scope->is_paused = true;
}

}  // namespace slipway::agents::detail
