// Agents that a configuration declares by name: made as one, since they may name each other.
//
//   agents:
//     research: agents/research.yaml        # a file beside slipway.yaml
//     greet: {file: agents/greet.yaml}      # the same
//     hello:                                # or what the file would say
//       state: {text: string}
//       nodes: {say: {set: {text: "'hello'"}}}
//       edges: [START -> say, say -> END]
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agents/load.hpp"
#include "core/json.hpp"

namespace slipway::agents {

/// An agent of the configuration: a file of its own, or what stands there.
struct DeclaredAgent {
  std::string name;
  std::string file;    ///< Absolute; with `text` the file that it stands in.
  std::string text;    ///< YAML; empty: `file` is read.
  int first_line = 1;  ///< Of `text` in `file`.
};

/// 1 to 64 of a-z A-Z 0-9 _ - . Fails: invalid_argument.
Result<void> check_agent_name(std::string_view name);

/// Whether the entries of `agents:` have the shape above; what they say is not looked at. Fails:
/// invalid_argument; the message begins with the entry's path below `agents`.
Result<void> check_declared(const std::map<std::string, json::Value>& agents);

/// Where the entries of a configuration file stand.
struct DeclaredPlace {
  std::string file;       ///< Absolute; relative names of files start in its folder.
  std::string_view text;  ///< The file's; entries keep their comments and lines if found there.
  const std::map<std::string, int>& lines;  ///< Of its values: yaml::Document::lines.
};
/// Entries that `check_declared` took.
std::vector<DeclaredAgent> declared_agents(const std::map<std::string, json::Value>& agents,
                                           const DeclaredPlace& place);

struct LoadedDeclaration {
  std::string text;
  LoadedAgent loaded;  ///< Lines of problems are those of the file that they stand in.
};
/// All of them; an agent may name each other one. Each is there or in the error. Fails:
/// invalid_argument with all faults of all, each with file and line.
Result<std::map<std::string, LoadedDeclaration>> load_declared(
    const std::vector<DeclaredAgent>& agents, LoadOptions options);

/// One of them, with the others named by `options`. What is wrong is in its problems.
LoadedAgent load_declared_agent(const DeclaredAgent& agent, const LoadOptions& options);

/// Texts of declared agents by name, for `LoadOptions::find_agent`. Fails: invalid_argument (twice
/// the same name, a file that cannot be read).
Result<std::map<std::string, std::string>> texts_of_declared(
    const std::vector<DeclaredAgent>& agents);

}  // namespace slipway::agents
