// What agents can do beside thinking: HTTP, SQL, commands, code, searches, collections, builtins.
//
//   agents::Runtime::Options options;
//   tools::add_all(options.tools, {.library = library});
//   options.code = tools::code_runner();
//
// A tool reads its config when it is made and says then what is wrong with it. Secrets are named
// (`env:NAME`, `file:PATH`), looked up at each call and never part of a reply, a failure or a
// description.
#pragma once

#include <functional>
#include <string>

#include "agents/runtime.hpp"
#include "agents/tool.hpp"

namespace slipway::tools {

struct Options {
  agents::Collections rag;  ///< As `agents::Runtime::Options::rag`; without: there are none.
  std::string python = "/usr/bin/python3";
};

/// Kinds http, sql, command, code, search and rag. Builtins are there from the start.
void add_all(agents::ToolRegistry& registry, Options options = {});

/// For `agents::Runtime::Options::code`: runs `source` with `args` as variables and gives the value
/// of `result`. In a jail (core/jail.hpp) or not at all: kind "refused" where the system lacks a
/// part of it.
using CodeRunner = std::function<agents::Outcome<agents::Value>(
    const Context&, const agents::CodeBody&, const agents::Value& args)>;
CodeRunner code_runner(std::string python = "/usr/bin/python3");

}  // namespace slipway::tools
