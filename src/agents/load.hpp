// Agents from YAML, checked as a whole: every fault is told, with file, line and remedy.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/graph.hpp"

namespace slipway::agents {

struct Problem {
  std::string code;  ///< "unknown_key", "unreachable" ...
  std::string file;  ///< As it was named.
  int line = 0;      ///< 0: the whole file.
  std::string message;
  bool is_warning = false;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (code, file, line, message, is_warning))

struct LoadOptions {
  /// Where files are read from; by default the disk. A path is absolute.
  std::function<Result<std::string>(const std::string& path)> read_file;
  /// The text of an agent that is known by name, for `graph: {agent: name}`.
  std::function<Result<std::string>(const std::string& name)> find_agent;
  /// Where relative paths in the text of such an agent start; absolute, or empty: nowhere.
  std::function<std::string(const std::string& name)> folder_of_agent;
  /// What nodes `function: NAME` do, and edges `when: {function: NAME}` ask; of agents made in C++.
  std::map<std::string, FunctionBody> functions;
  std::map<std::string, Expression> predicates;
  /// Whether such a tool can be made, and be called with these arguments, a map of those that are
  /// constant; null: none is known. What is wrong is told with its line. Empty: nobody asks.
  std::function<Result<void>(const ToolSpec&, const Value& constants)> check_tool;
  /// Names of models beyond the file's: of slipway.yaml and of the catalog.
  std::vector<std::string> models;
  /// What one of them costs, for the worst case. Empty: nothing.
  std::function<ModelPrice(const std::string& name)> model_price;
};

/// At most what any input can cost in one run; nothing: it has no bound.
struct WorstCase {
  std::optional<std::int64_t> steps, calls, tokens;
  std::optional<double> usd;
};
BOOST_DESCRIBE_STRUCT(WorstCase, (), (steps, calls, tokens, usd))

struct LoadedAgent {
  AgentPtr agent;  ///< Null: there are errors.
  std::vector<Problem> problems;
  WorstCase worst_case;
  bool ok() const { return agent != nullptr; }
  /// The errors in one: "agent.yaml:12: ...", one a line.
  Error error() const;
};

/// `file` gives relative paths their folder and stands in messages.
LoadedAgent load_agent(const std::string& file, std::string_view text,
                       const LoadOptions& options = {});
/// The same of a document that no file has.
LoadedAgent load_agent(const json::Value& document, const LoadOptions& options);
/// Reads the file first. Fails into `problems`.
LoadedAgent load_agent_file(const std::string& file, const LoadOptions& options = {});

}  // namespace slipway::agents
