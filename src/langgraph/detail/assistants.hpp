// Assistants: a graph with a configuration, in versions. Each agent has one from the start that is
// stored only once a client changes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/host.hpp"
#include "langgraph/detail/reading.hpp"
#include "store/database.hpp"

namespace slipway::langgraph::detail {

struct Assistant {
  std::string id, graph, name;
  std::optional<std::string> description;
  Value config, context, metadata;  ///< Maps.
  std::int64_t created_ms = 0, updated_ms = 0;
  int version = 1;
  Value json() const;
  /// Without the time of the last change: an entry of `versions`.
  Value version_json() const;
};

/// Safe to use from many threads.
class Assistants {
 public:
  Assistants(store::Database& database, agents::Host& host, const Clock& clock, Random& random)
      : database_(database), host_(host), clock_(clock), random_(random) {}

  /// By id or by the name of a graph. Fails: not_found (the id), invalid_argument (no UUID and no
  /// graph).
  Result<Assistant> find(const Context& context, const std::string& id_or_graph);
  /// Body of POST. Fails: not_found (the graph), conflict (the id), invalid_argument.
  Result<Assistant> create(const Context& context, const Value& body);
  /// Body of PATCH: another version.
  Result<Assistant> update(const Context& context, const std::string& id, const Value& body);
  /// Fails: not_found; conflict for that of an agent, which goes with the agent.
  Result<void> remove(const Context& context, const std::string& id);
  /// All that fit `body` ({metadata, graph_id, name}), in the order that it asks for.
  Result<std::vector<Assistant>> search(const Context& context, const Value& body);
  /// Newest first.
  Result<std::vector<Assistant>> versions(const Context& context, const std::string& id);
  Result<Assistant> set_latest(const Context& context, const std::string& id, int version);

 private:
  Result<std::vector<agents::AgentInfo>> graphs();
  Result<std::optional<Assistant>> stored(const Context& context, const std::string& id);
  Result<std::vector<Assistant>> all(const Context& context);
  Result<void> write(const Context& context, const Assistant& assistant, bool is_new_version);

  store::Database& database_;
  agents::Host& host_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace slipway::langgraph::detail
