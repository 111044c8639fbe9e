// The program that stands around foreign Python code.
#pragma once

#include "core/context.hpp"
#include "core/jail.hpp"
#include "tools/detail/kinds.hpp"

namespace slipway::tools::detail {

struct PythonCode {
  std::string source;
  Value args;  ///< A map: variables of the code.
  JailLimits limits;
};

/// The value of `result`. What is printed is left out; what was raised becomes a failure of kind
/// "tool" with the type, the text and the line.
ToolResult run_python(const Context& context, const std::string& python, const PythonCode& code);

}  // namespace slipway::tools::detail
