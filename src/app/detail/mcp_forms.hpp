// Questions of agents as forms of MCP's elicitation, and what is answered in them.
#pragma once

#include <optional>
#include <string>

#include "agents/runtime.hpp"
#include "mcp/server.hpp"

namespace slipway::app::detail {

/// What is asked, for people.
std::string words_of(const agents::Interrupt& interrupt);

/// A form of plain fields. An approval shows the arguments of the call, one a field ("args_NAME";
/// what is no plain value as JSON), so that a person can change them.
mcp::Question question_of(const agents::Interrupt& interrupt);

/// What the form says, in the words of the runtime: changed arguments of an approval are an edit.
/// Nothing: the person did not answer. Fails: invalid_argument (a field that should hold JSON).
Result<std::optional<agents::Value>> answer_of(const agents::Interrupt& interrupt,
                                               const json::Object& answer);

/// How to answer such a question without a form.
std::string_view answer_format(const agents::Interrupt& interrupt);

}  // namespace slipway::app::detail
