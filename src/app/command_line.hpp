// Arguments become a command to run. CLI11 stays inside command_line.cpp: it is slow to compile.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

/// What the arguments mean: a command to run, or a text to print and an exit code.
struct CommandLine {
  GlobalOptions global;
  std::string command;                   ///< "models list"
  std::function<Result<int>(App&)> run;  ///< Empty: print `out` and `err` and end.
  std::string out, err;
  int exit_code = 0;
};

CommandLine parse_command_line(int argc, const char* const* argv);

/// The shape of the command line, for completion scripts.
struct CommandNode {
  struct Option {
    std::vector<std::string> names;  ///< "-h", "--help"
    std::string description;
    bool takes_value = false;
    bool takes_path = false;
    std::vector<std::string> choices;
  };
  std::string name;
  std::string description;
  std::vector<Option> options;
  std::vector<CommandNode> children;
  std::vector<std::string> argument_choices;  ///< Of its positional argument.
  bool takes_paths = false;                   ///< Its positional argument names files.
};
CommandNode command_tree();

}  // namespace slipway::app
