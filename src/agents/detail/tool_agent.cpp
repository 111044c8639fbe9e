#include "agents/detail/tool_agent.hpp"

#include <algorithm>

#include "core/yaml.hpp"

namespace slipway::agents::detail {

namespace {

const json::Value* member(const json::Object& object, std::string_view key) {
  return object.if_contains(key);
}

/// A budget without the node that ends the agent early: there is none here.
json::Value budget_of(const json::Value& budget) {
  if (!budget.is_object()) return budget;
  json::Object own = budget.get_object();
  own.erase("finish");
  if (const json::Value* on_exceed = member(own, "on_exceed");
      on_exceed != nullptr && *on_exceed == "finish")
    own["on_exceed"] = "fail";
  return own;
}

}  // namespace

std::optional<std::pair<std::string, std::string>> split_tool_name(const std::string& name) {
  const auto slash = name.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return std::pair(name.substr(0, slash), name.substr(slash + 1));
}

Result<std::string> text_of_tool(const Agent& agent, std::string_view text,
                                 const std::string& tool) {
  const auto spec = std::find_if(agent.tools.begin(), agent.tools.end(), [&](const auto& each) {
    return each.name == tool && each.is_exposed;
  });
  if (spec == agent.tools.end())
    return fail(Code::not_found, "agent '{}' exposes no tool '{}'", agent.name, tool);
  const json::Value whole = TRY(yaml::parse(text)).value;
  const json::Object& of = whole.as_object();
  const json::Object& declared = of.at("tools").as_object();
  json::Object tools{{tool, declared.at(tool)}};
  if (!spec->probe.empty()) tools[spec->probe] = declared.at(spec->probe);
  json::Object node{
      {"tool", json::Object{{"use", tool}, {"args", "{{arguments}}"}, {"into", "value"}}}};
  if (spec->is_high_risk && !spec->approve) node["approve"] = true;
  json::Object made{
      {"name", fmt::format("{}.{}", agent.name, tool)},
      {"description", spec->description},
      {"input", json::Array{"arguments"}},
      {"output", json::Array{"value"}},
      {"state", json::Object{{"arguments", json::Object{{"type", "map"}, {"untrusted", true}}},
                             {"value", "any"}}},
      {"tools", std::move(tools)},
      {"nodes", json::Object{{"call", std::move(node)}}},
      {"edges", json::Array{"START -> call", "call -> END"}}};
  if (const json::Value* budget = member(of, "budget")) made["budget"] = budget_of(*budget);
  if (const json::Value* limits = member(of, "limits")) made["limits"] = *limits;
  return json::dump(made);
}

}  // namespace slipway::agents::detail
