// Goldens: one case of an evaluation each, with what went in, what came out and what should have.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace slipway::eval {

/// A call of a tool, made or expected.
struct ToolCall {
  std::string name;
  json::Value input_parameters = json::Object();  ///< An object, as a rule.
  std::optional<json::Value> output;
  std::string type;  ///< What kind of tool; empty: not said.
};

enum class Severity { normal, critical };
BOOST_DESCRIBE_ENUM(Severity, normal, critical)

/// What is absent is not the same as what is empty: a metric that needs it gives no score.
struct Golden {
  std::string id;  ///< Of all goldens of a set another one; empty until `identify`.
  std::string input;
  std::optional<std::string> expected_output, actual_output;
  std::optional<std::vector<std::string>> context;            ///< Of the truth.
  std::optional<std::vector<std::string>> retrieval_context;  ///< What was found, best first.
  std::optional<std::vector<std::string>> retrieved_ids;      ///< Their ids, best first.
  std::optional<std::map<std::string, double>> relevance;     ///< Grades by id; 0: not relevant.
  std::optional<std::vector<ToolCall>> tools_called, expected_tools;
  std::optional<double> latency_ms, cost_usd;
  std::string trace_id;   ///< Whose run it is; empty: none.
  json::Object metadata;  ///< With `document`, `conversation`, `severity`, `slice`.

  /// The metadata's `severity`, else normal.
  Severity severity() const;
  /// The metadata's member as text; empty: there is none.
  std::string metadata_text(std::string_view key) const;
};

/// A member that is null is absent. Fails: invalid_argument, naming the member
/// ("$.tools_called[1].name: ...") and, for a key that there is not, the nearest one.
Result<Golden> parse_golden(const json::Value& value);
/// Members that are absent are left out; so are an empty `id`, `trace_id`, `type` and `metadata`.
/// Whole numbers have no fraction.
json::Object to_json(const Golden& golden);
/// Keys sorted, no white space, without the id; numbers as short as they can be read back.
std::string canonical(const Golden& golden);
/// The same with the id: what a version is made of.
std::string canonical_with_id(const Golden& golden);
/// Gives it the first 16 hex digits of the SHA-256 of what is canonical, unless it has an id.
void identify(Golden& golden);
/// "sha256:..." over the sorted canonical goldens with their ids: the order says nothing.
std::string version_of(const std::vector<Golden>& goldens);

}  // namespace slipway::eval
