// One agent's file, read into an `Agent`. The order matters: keys, models and tools, then the
// variables that edges bring to nodes, then nodes, then edges, then checks of the whole.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agents/detail/fields.hpp"
#include "agents/graph.hpp"
#include "agents/load.hpp"

namespace slipway::agents::detail {

/// What all files of one load share.
struct LoadSession {
  const LoadOptions& options;
  std::vector<Problem>& problems;
  std::vector<std::string> open;             ///< Files being read: a sub-agent of itself is told.
  std::map<std::string, AgentPtr> finished;  ///< By file.
  std::map<std::string, std::string> texts;  ///< By file: all that was read.
  Result<std::string> read(const std::string& file) const;
};

/// Its hash and what it was made of, which need the whole.
void finish_agent(const LoadSession& session, Agent& agent, const std::string& file);

/// Null: there were errors, and they are told.
std::shared_ptr<Agent> load_one(LoadSession& session, const std::string& file,
                                std::string_view text);

class Loader {
 public:
  Loader(LoadSession& session, const yaml::Document& document, std::string file);
  std::shared_ptr<Agent> load();

 private:
  // loader.cpp
  void read_state(const json::Value& value);
  void read_key(const std::string& name, const json::Value& value, const std::string& path);
  void read_default(Key& key, const json::Value& value, const std::string& path);
  std::vector<std::size_t> read_key_list(const Fields& fields, std::string_view key);
  void read_models(const json::Value& value);
  void read_limits(const json::Value& value);
  Budget read_budget(const json::Value& value, const std::string& path);

  // loader_tools.cpp
  void read_tools(const json::Value& value);
  ToolSpec read_tool(const std::string& name, const json::Value& value, const std::string& path);
  void check_tool_config(const ToolSpec& tool, const json::Value& value, const std::string& path);
  void check_tool(const ToolSpec& tool, const Value& constants, const std::string& path);
  void read_price(const Fields& fields, ToolSpec& tool);
  void check_command(const json::Value& value, const std::string& path);
  void check_limits(const json::Value& value, const std::string& path);
  /// Kinds code, search and rag.
  void check_reading_tool(const std::string& kind, const json::Value& value,
                          const std::string& path);
  std::optional<Approve> read_approve(const json::Value& value, const std::string& path,
                                      const Names& names);
  std::optional<Schema> read_schema(const json::Value& value, const std::string& path);
  void compile_schema(Schema& schema, const std::string& path);

  // loader_nodes.cpp
  void read_nodes(const json::Value& value);
  void read_node(Node& node, const json::Value& value, const std::string& path);
  void read_retry(Node& node, const json::Value& value, const std::string& path);
  /// `is_item`: the body of a map, which has no `into`.
  void read_body(Node& node, const json::Value& value, const std::string& path, bool is_item);
  struct BodyPlace {
    const json::Value& value;
    std::string path;
    const Names& names;
    bool is_item = false;
  };
  Body read_set(const BodyPlace& place);
  Body read_llm(const BodyPlace& place);
  Body read_react(const BodyPlace& place);
  Body read_tool_body(const BodyPlace& place);
  Body read_rag(const BodyPlace& place);
  Body read_graph(const BodyPlace& place);
  Body read_map(const Node& node, const BodyPlace& place);
  Body read_code(const BodyPlace& place);
  Body read_human(const BodyPlace& place);
  Body read_wait(const BodyPlace& place);
  void read_llm_fields(LlmBody& body, const Fields& fields, const BodyPlace& place,
                       std::string_view schema_key);
  void check_schema_keys(const LlmBody& body, const BodyPlace& place);

  // loader_context.cpp
  /// `key`: the list of messages that the conversation is, if it is one.
  std::optional<ContextRule> read_context(const Fields& fields, const BodyPlace& place,
                                          std::optional<std::size_t> key);
  Trim read_trim(const json::Value& value, const std::string& path);
  Summarize read_summarize(const json::Value& value, const std::string& path);
  AgentPtr find_sub_agent(const std::string& name, const std::string& path);
  std::optional<std::size_t> read_into(const Fields& fields, const BodyPlace& place,
                                       bool is_required);
  std::vector<Assignment> read_assignments(const json::Value& value, const std::string& path,
                                           const Names& names, const Agent* agent);
  Form read_form(const json::Value& value, const std::string& path, const Names& names);

  // loader_edges.cpp
  struct RawEdge {
    std::vector<std::string> sources, targets;
    const json::Value* options = nullptr;
    std::string path;
  };
  void read_raw_edges(const json::Value& value);
  void collect_variables();
  void read_edges();
  void read_edge(const RawEdge& raw);
  void read_edge_options(Edge& edge, const RawEdge& raw, const Names& names);
  void read_join(const RawEdge& raw);
  std::optional<std::uint32_t> find_target(const std::string& name, const RawEdge& raw);

  // loader.cpp: expressions
  Names names_for(std::string_view node) const;
  std::size_t local_of(const std::string& variable);
  Expression compile(const json::Value& value, const std::string& path, const Names& names);
  Template compile_template(const json::Value& value, const std::string& path, const Names& names);
  /// Tells if the expression is surely of another type than `type`.
  void demand(const Expression& expression, Type type, const std::string& path,
              std::string_view what);
  std::optional<std::size_t> find_key(const std::string& name, const std::string& path,
                                      std::string_view what);
  ModelSpec catalog_model(const std::string& name) const;
  std::optional<std::size_t> find_model(const std::string& name, const std::string& path);
  std::optional<std::size_t> find_tool(const std::string& name, const std::string& path);
  std::vector<std::string_view> node_names() const;

  LoadSession& session_;
  const yaml::Document& document_;
  Faults faults_;
  std::string folder_;
  std::shared_ptr<Agent> agent_;
  std::vector<RawEdge> raw_edges_;
  std::map<std::string, std::size_t> variables_;               ///< -> local
  std::map<std::string, std::set<std::string>> variables_of_;  ///< Node -> its variables.
  std::set<std::size_t> written_, read_;                       ///< Keys, for the warnings.
};

/// All that is only seen in the whole; also of agents made in C++.
void check_graph(const Agent& agent, Faults& faults);
void check_keys(const Agent& agent, const std::set<std::size_t>& written,
                const std::set<std::size_t>& read, Faults& faults);
WorstCase worst_case_of(const Agent& agent);

}  // namespace slipway::agents::detail
