// The factories of the kinds of tools. Each fails: invalid_argument (its config).
#pragma once

#include "tools/tools.hpp"

namespace slipway::tools::detail {

using agents::Outcome;
using agents::Tool;
using agents::ToolCall;
using agents::ToolResult;
using agents::ToolSpec;
using agents::Value;
using MadeTool = Result<std::shared_ptr<Tool>>;

MadeTool make_http(const ToolSpec& spec);
MadeTool make_sql(const ToolSpec& spec);
MadeTool make_command(const ToolSpec& spec);
MadeTool make_search(const ToolSpec& spec);
MadeTool make_rag(const ToolSpec& spec, const agents::Collections& collections);
MadeTool make_code(const ToolSpec& spec, const std::string& python);

/// {"type": "object", "properties": {name: {"type", "description"}}, "required": the first ones}
struct Parameter {
  std::string_view name, type, description;
  bool is_required = true;
};
Value describe_parameters(const std::vector<Parameter>& parameters);

/// The argument, which must be a text. Fails: kind "tool", naming the tool's use.
Outcome<std::string> text_argument(const ToolCall& call, std::string_view name);

}  // namespace slipway::tools::detail
