// One task, or one item of a map, from its start to what it came to.
#pragma once

#include "agents/detail/conversation.hpp"
#include "agents/detail/engine.hpp"

namespace slipway::agents::detail {

/// Names a call by what it is made with: the first half of the text's SHA-256, in hex.
std::string call_hash(const std::string& text);

class TaskRun {
 public:
  /// All must outlive it. `share`: so many things may run at once within it: items of a map, tasks
  /// of sub-agents, calls of tools.
  TaskRun(Engine& engine, Scope& scope, Place place, Task& task, std::size_t share)
      : engine_(engine),
        scope_(scope),
        place_(place),
        task_(task),
        share_(share),
        node_(node_of(scope, place, task)) {}

  /// Of what may run at once, for each of so many that do.
  static std::size_t share_of(std::size_t whole, std::size_t many);
  /// Attempts and retries; sets the task's state and writes.
  void run();

 private:
  /// What an attempt came to when it did not give a value.
  struct Stop {
    TaskState state = TaskState::failed;
    Failure failure;
  };
  /// A value, or why there is none.
  class Ran {
   public:
    Ran(Value value) : value_(std::move(value)) {}
    Ran(Failure failure) : stop_(Stop{TaskState::failed, std::move(failure)}) {}
    Ran(Stop stop) : stop_(std::move(stop)) {}
    bool ok() const { return !stop_; }
    Value& value() { return value_; }
    const Value& value() const { return value_; }
    Stop& stop() { return *stop_; }
    const Stop& stop() const { return *stop_; }

   private:
    Value value_;
    std::optional<Stop> stop_;
  };

  static const Node& node_of(const Scope& scope, const Place& place, const Task& task);
  const Engine::Options& options() const;
  std::string path() const { return scope_.prefix + node_.name; }
  std::int32_t script_index() const { return task_.index >= 0 ? task_.index : scope_.index; }
  Ran attempt();
  Ran body(const Inputs& inputs);
  bool keep(Value value, const Inputs& inputs);
  bool write(std::size_t key, Value value);
  void finish(TaskState state);
  bool pause(Milliseconds time);
  void start();

  // Kinds
  Ran run_set(const SetBody& body, const Inputs& inputs);
  Ran run_llm(const LlmBody& body, const Inputs& inputs);
  Ran run_react(const ReactBody& body, const Inputs& inputs);
  std::vector<ToolSpec> described_tools(const ReactBody& body, Taint& taint);
  Ran run_tool(const ToolBody& body, const Inputs& inputs);
  Ran run_rag(const RagBody& body, const Inputs& inputs);
  Ran run_child(Scope& child, std::size_t share);
  Ran run_graph(const GraphBody& body, const Inputs& inputs);
  Ran run_map(const MapBody& body, const Inputs& inputs);
  Ran run_code(const CodeBody& body, const Inputs& inputs);
  Ran run_human(const HumanBody& body, const Inputs& inputs);
  Ran run_wait(const WaitBody& body, const Inputs& inputs);
  Ran run_function(const FunctionBody& body, const Inputs& inputs);
  Ran map_result(const MapBody& body);

  // Calls
  Ran call_model(const ModelSpec& spec, Model& model, ModelCall call, std::uint32_t number);
  /// The most that a call of a model can take, and what its tokens cost now.
  struct ModelWish {
    ModelPrice price;
    std::int64_t prompt = 0;
    Usage most;
  };
  void ask_model(const ModelPrice& price, Model& model, const ModelCall& call, CallRecord& record);
  /// `share`: of what may run at once, for a tool that is an agent.
  Ran call_tool(const ToolSpec& spec, Value args, std::uint32_t number, std::size_t share);
  Ran make_tool_call(const ToolSpec& spec, const Value& args, std::uint32_t number);
  /// Reserved, written down, made, settled.
  Ran call_out(const ToolSpec& spec, Tool& tool, const Value& args, std::uint32_t number);
  Outcome<Usage> most_of_tool(const ToolSpec& spec, Tool& tool, const ToolCall& call,
                              std::optional<Spending>& most);
  /// Gives what the call itself came to, by the price of the tool.
  double note_result(const ToolSpec& spec, const ToolResult& result, CallRecord& record,
                     const std::optional<Spending>& most) const;
  /// Whether a budget that it pays from is in dollars.
  bool counts_usd();
  Ran run_tool_agent(const ToolSpec& spec, const Value& args, std::uint32_t number,
                     std::size_t share);
  Ran resolve_tool_call(const ToolSpec& spec, CallRecord& record);
  Ran unknown_effect(const ToolSpec& spec, CallRecord& record);
  Ran reserve(const Usage& wish, std::uint32_t number);
  Ran exceeded(Purse& purse, const Usage& wish, std::uint32_t number);
  void settle(const Usage& reserved, const Usage& used);
  /// `wish` without its payer, who is this run's; `model`: that it pays for, if any.
  Outcome<budgets::HoldPtr> hold_shared(budgets::Wish wish, std::string model);
  Outcome<budgets::HoldPtr> hold_of_model(const ModelSpec& spec, const ModelWish& wish,
                                          const std::string& id);
  Outcome<budgets::HoldPtr> hold_of_tool(const ToolSpec& spec, const std::string& id);
  void settle_shared(const budgets::HoldPtr& hold, const Usage& used);
  /// The node's, if it has one, and the run's.
  std::vector<Purse*> purses();
  CallRecord* find_call(std::uint32_t number);
  /// In the place of the one of its number.
  CallRecord& put_call(CallRecord record);
  /// Makes the reply unused: what it gave did not fit, so another attempt makes a new one.
  void spoil_reply(const Failure& failure);
  bool record_end(const CallRecord& call);
  /// Of a replay: what the call gave then, and it counts as made now; nothing: this is no replay.
  std::optional<Ran> replay_call(std::uint32_t number, const std::string& args_hash,
                                 const std::string& what);
  /// What is neither a model nor a tool but is kept like one: results of code.
  template <typename Make>
  Ran keep_call(const char* what, const Value& args, const Make& make);
  std::string effect_key(std::uint32_t number) const;

  // Replies and conversations
  /// The value that a reply is of; one that does not fit the schema is asked for once more.
  /// `number`: of that call.
  Ran value_of_reply(const LlmBody& body, const ModelCall& asked, const Value& reply,
                     std::uint32_t number);
  Ran ask_again(const LlmBody& body, const ModelCall& asked, const Value& reply,
                const std::vector<std::string>& faults, std::uint32_t number);
  /// What the model is shown of the call, as the node's `context` has it; `number`: of that call.
  Ran fit_context(const LlmBody& body, const ModelCall& call, ModelCall& seen,
                  std::uint32_t number);
  Ran sum_up(const LlmBody& body, const ModelCall& call, std::uint32_t number);
  Outcome<bool> is_too_long(const LlmBody& body, const ModelCall& call);
  bool was_called(std::uint32_t number) const;
  /// The newest summary, if it was made in this task and has a place, as the state keeps it.
  std::optional<Value> kept_summary(const LlmBody& body,
                                    const std::vector<ChatMessage>& messages) const;
  Ran react_turn(const ReactBody& body, ModelCall& call, std::uint32_t& number, Ran& reply);
  void add_history(const ReactBody& body, ModelCall& call);
  Value with_messages(const ReactBody& body, const ModelCall& call, std::size_t from,
                      Value value) const;
  std::optional<Ran> answer_requests(const ReactBody& body, ModelCall& call, std::uint32_t number);
  const Failure* told_failure(std::uint32_t number, std::size_t next);
  Taint taint_of_result(const ReactBody& body, const ToolRequest& request, const Ran& result) const;
  std::optional<Ran> tool_message(const Ran& ran, ChatMessage& message) const;
  Ran cached_body(const Inputs& inputs);
  Outcome<ModelCall> model_call(const LlmBody& body, const Inputs& inputs);

  // Questions
  struct Approval {
    Value args;             ///< Those of the call; afterwards those that were approved.
    bool is_given = false;  ///< Somebody approved of them.
  };
  /// Empty: it may go on.
  std::optional<Stop> approval(const Approve& approve, const ToolSpec* tool, Approval& wanted,
                               const std::string& token);
  /// Those of the node and of the tool; and one that nobody declared, if a tool of risk: high is
  /// to get tainted arguments and none of these was given.
  std::optional<Stop> approvals(const ToolSpec& tool, Value& args, std::uint32_t number);
  const Value* answer(const std::string& token) const;
  Stop ask(std::string kind, const std::string& token, Value value, std::int64_t expires_ms);
  std::int64_t now_ms() const;
  std::int64_t first_asked(const std::string& token, std::int64_t expires_ms) const;

  Engine& engine_;
  Scope& scope_;
  const Place place_;
  Task& task_;
  const std::size_t share_;
  const Node& node_;
  Context context_;
  bool is_retry_ = false;         ///< The attempt follows another one by itself.
  std::uint32_t reply_from_ = 0;  ///< The first call of the reply that ends the task.
  std::optional<Summary> summary_;
  bool has_new_summary_ = false;          ///< Made in this task.
  std::optional<Value> summary_message_;  ///< What an `llm` node keeps of it.
  mutable std::mutex mutex_;  ///< Calls, questions and tool scopes of the task: tools run at once.
};

}  // namespace slipway::agents::detail
