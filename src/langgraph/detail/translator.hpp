// Events of a run as LangGraph's stream modes tell them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agents/host.hpp"
#include "langgraph/detail/spaces.hpp"

namespace slipway::langgraph::detail {

/// Those that are served.
const std::vector<std::string>& stream_modes();

/// One event of the stream.
struct Frame {
  std::string event;
  Value data;
};

/// For one run, whose events come in their order; not thread safe.
class Translator {
 public:
  struct Options {
    agents::AgentPtr agent;
    std::string thread, run, assistant;
    Value metadata = Value::map();  ///< Told with tasks and messages.
    std::set<std::string> modes{"values"};
    bool has_subgraphs = false;
    std::function<Result<Lineage>()> lineage;  ///< As it is at the call.
  };
  explicit Translator(Options options) : options_(std::move(options)) {}

  /// Fails: as `Options::lineage`.
  Result<std::vector<Frame>> frames(const agents::Event& event);
  /// The name space of a sub-agent as it is now: "sub:<task>|check:<task>".
  std::string space_of(const std::string& scope) const { return name_space(scope); }
  /// Of the message that a call of a model makes.
  std::string message_id(const Value& data) const;
  /// The state of the agent as the stream has told it.
  const Value& state() const { return state_; }

 private:
  struct Message {
    std::string id, text;
    bool is_told = false;  ///< Its metadata.
  };
  struct Where {
    std::string scope;  ///< Path of the sub-agent; "": the agent.
    std::string node;
    int index = -1;
    int step = 0;
  };
  static Where where_of(const Value& data);

  // Frames: `scope` is the sub-agent's path that they are of.
  bool wants(std::string_view mode) const { return options_.modes.contains(std::string(mode)); }
  void tell(std::string_view mode, const std::string& scope, const Value& data);
  void debug(const char* type, const std::string& scope, int step, const Value& payload);

  // What the run tells, an event each; `data` is the event's.
  Result<void> run_started(const Value& data);
  Result<void> step_finished(const Value& data);
  void step_started(const Value& data);
  void task_started(const Value& data);
  void task_finished(const Value& data);
  void run_finished(const Value& data);

  // Modes "messages", "messages-tuple": answers of models, whole or as they grow.
  Message& message_of(const Value& data);
  void model(const Value& data);
  void token(const Value& data);
  void message(const Where& where, Message& message, const Value& whole, const Value& piece);
  void written_messages(const Where& where, const Value& writes);
  void tell_checkpoint(const Lineage& lineage, const Lineage::Point& point);

  // Mode "events": as LangChain's callbacks tell a run.
  struct Span {
    std::string id, name;
    Value tags, metadata, parents;
  };
  Span span_of(const Where& where) const;
  Span span_of_call(const Value& data, const char* name) const;
  void tell_span(const char* event, const Span& span, const Value& data);
  void events_of(const agents::Event& event);
  void model_events(const agents::Event& event);
  void tool_events(const Value& data);

  /// What a node writes to the custom stream with an event; null: nothing.
  Value emitted(const agents::Event& event) const;
  bool is_emit(const Value& data) const;
  void custom(const agents::Event& event);

  // Names, and what stands beside them.
  Spaces spaces() const;
  std::string task_name(const Where& where) const;
  std::string task_id(const Where& where) const;
  std::string name_space(const std::string& scope) const;
  Value message_metadata(const Where& where) const;
  Value base_metadata() const;
  const Value& state_of(const std::string& scope) const;
  Value values_out(const std::string& scope, const Value& values) const;

  Options options_;
  std::vector<Frame> out_;
  std::optional<Lineage> lineage_;
  int number_ = 0;  ///< Of the checkpoint that the tasks of this moment start from.
  Value state_ = Value::map();
  std::map<std::string, Value> inner_states_;  ///< By scope.
  std::map<std::string, int> inner_steps_;     ///< By scope.
  std::map<std::string, Message> messages_;    ///< Being written, by their call.
  std::set<std::string> talkers_;              ///< Tasks whose models were told.
  std::map<std::string, std::string> models_;  ///< Of spans, as "events" told them.
  std::set<std::string> begun_calls_;          ///< Of tools, as "events" told them.
  std::int64_t time_ms_ = 0;
};

/// An answer of a model as clients read it; `calls` as models make them.
Value ai_message(const std::string& id, const std::string& text, const Value& calls);
/// A piece of one, with its calls as LangChain cuts them.
Value ai_chunk(const std::string& id, const std::string& text, const Value& calls);
/// Of `run.finished`: those that wait, a list.
Value interrupts_json(const Value& finished);
/// {value, id}
Value interrupt_json(const Value& interrupt);
/// What a client reads of an error of a run.
Value error_json(const Value& error);
/// A checkpoint as clients name it: {thread_id, checkpoint_ns, checkpoint_id}; null for no id.
Value checkpoint_json(const std::string& thread, const std::string& id);

}  // namespace slipway::langgraph::detail
