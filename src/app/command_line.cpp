// What is parsed becomes a `CommandLine`; the commands themselves are declared in
// detail/declare_*.cpp. Global options are added to every command, so that they may stand before or
// after its name and appear in its help.
#include "app/command_line.hpp"

#include "app/detail/declarations.hpp"

namespace slipway::app {

using detail::Declarations;
using detail::explain;

namespace {

std::vector<std::string> choices_in(const std::string& type_name) {
  const std::size_t open = type_name.find('{');
  const std::size_t close = type_name.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return CLI::detail::split(type_name.substr(open + 1, close - open - 1), ',');
}

bool names_paths(const std::string& type_name) {
  return type_name == "FILE" || type_name == "DIR" || type_name == "PATH" || type_name == "SOURCE";
}

CommandNode describe(const CLI::App& app) {
  CommandNode node{.name = app.get_name(), .description = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (option->get_positional()) {
      node.argument_choices = choices_in(type);
      node.takes_paths = names_paths(option->get_name(true));
      continue;
    }
    CommandNode::Option described{.description = option->get_description(),
                                  .takes_value = option->get_items_expected_max() > 0,
                                  .takes_path = names_paths(type),
                                  .choices = choices_in(type)};
    for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
    node.options.push_back(std::move(described));
  }
  for (const CLI::App* child : app.get_subcommands({})) node.children.push_back(describe(*child));
  return node;
}

constexpr const char* program_description =
    "Cited answers from your documents; one address for all language models, with traces,\n"
    "budgets, evaluations and agents. Every command has its own --help with examples.";

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App root(program_description, "slipway");
  const Declarations declarations(root, line);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    explain(error, root, line);
  }
  return line;
}

CommandNode command_tree() {
  CommandLine line;
  CLI::App root(program_description, "slipway");
  const Declarations declarations(root, line);
  return describe(root);
}

}  // namespace slipway::app
