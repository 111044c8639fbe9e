// The scripts are static: a completion that started the program at every Tab would be slower than
// the typing. Each walks the words typed so far to the command they name ("models list") and offers
// what the tree has there. Where a file is expected they leave the word to the shell.
#include "app/completion.hpp"

#include "app/commands.hpp"

namespace slipway::app {

namespace {

/// Calls `visit(path, node)` for the root ("") and everything below ("models", "models list").
template <typename F>
void for_each_command(const CommandNode& node, const std::string& path, const F& visit) {
  visit(path, node);
  for (const CommandNode& child : node.children)
    for_each_command(child, path.empty() ? child.name : path + " " + child.name, visit);
}

std::vector<std::string> words_of(const CommandNode& node) {
  std::vector<std::string> words = node.argument_choices;
  for (const CommandNode& child : node.children) words.push_back(child.name);
  for (const auto& option : node.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// `"models"|"models list"`: the patterns that lead further into the tree.
std::string known_paths(const CommandNode& root) {
  std::string patterns;
  for_each_command(root, "", [&](const std::string& path, const CommandNode&) {
    if (!path.empty()) patterns += (patterns.empty() ? "\"" : "|\"") + path + "\"";
  });
  return patterns;
}

/// Cases `PATH:OPTION` of options that take a value; `offer` writes what follows for choices.
template <typename F>
std::string value_cases(const CommandNode& root, const F& offer) {
  std::string cases;
  for_each_command(root, "", [&](const std::string& path, const CommandNode& node) {
    for (const auto& option : node.options) {
      if (!option.takes_value) continue;
      std::string patterns;
      for (const std::string& name : option.names)
        patterns += fmt::format("{}\"{}:{}\"", patterns.empty() ? "" : "|", path, name);
      cases += fmt::format("    {}) {} ;;\n", patterns, offer(option));
    }
  });
  return cases;
}

constexpr std::string_view bash_start =
    R"(# bash completion of slipway: source <(slipway completion bash)
_slipway() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local place="" step i words=""
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    step="${place:+$place }${COMP_WORDS[i]}"
)";

constexpr std::string_view zsh_start = R"(#compdef slipway
# zsh completion of slipway: source <(slipway completion zsh)
_slipway() {
  local place="" step i
  local -a choices
  for ((i = 2; i < CURRENT; i++)); do
    step="${place:+$place }${words[i]}"
)";

/// "name:description" as _describe wants it.
std::string zsh_choice(const std::string& name, const std::string& description) {
  std::string escaped = name;
  for (std::size_t at = 0; (at = escaped.find(':', at)) != std::string::npos; at += 2)
    escaped.insert(at, "\\");
  return single_quoted(escaped + ":" + description);
}

/// Where fish offers the things of the command at `path`.
std::string fish_condition(const std::string& path, const CommandNode& node) {
  std::string condition;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t cut = rest.find(' ');
    condition += fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ",
                             rest.substr(0, cut));
    rest.remove_prefix(cut == std::string_view::npos ? rest.size() : cut + 1);
  }
  if (condition.empty()) return "__fish_use_subcommand";
  if (!node.children.empty()) {
    condition += "; and not __fish_seen_subcommand_from";
    for (const CommandNode& child : node.children) condition += " " + child.name;
  }
  return condition;
}

std::string fish_option(const CommandNode::Option& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value && !option.takes_path) out += " -x";
  if (option.takes_path) out += " -r -F";
  if (!option.choices.empty())
    out += " -a " + single_quoted(fmt::format("{}", fmt::join(option.choices, " ")));
  return out + " -d " + single_quoted(option.description);
}

}  // namespace

std::string bash_completion(const CommandNode& root) {
  std::string script(bash_start);
  script +=
      fmt::format("    case \"$step\" in {}) place=\"$step\" ;; esac\n  done\n", known_paths(root));
  script += "  case \"$place:$previous\" in\n";
  script += value_cases(root, [](const CommandNode::Option& option) {
    if (option.choices.empty()) return std::string("return");
    return fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return",
                       fmt::join(option.choices, " "));
  });
  script += "  esac\n  case \"$place\" in\n";
  for_each_command(root, "", [&](const std::string& path, const CommandNode& node) {
    // A word that is no option may be a file.
    const std::string_view guard = node.takes_paths ? "[[ $current == -* ]] || return; " : "";
    script +=
        fmt::format("    \"{}\") {}words=\"{}\" ;;\n", path, guard, fmt::join(words_of(node), " "));
  });
  script +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -o default -F _slipway slipway\n";
  return script;
}

std::string zsh_completion(const CommandNode& root) {
  std::string script(zsh_start);
  script +=
      fmt::format("    case \"$step\" in {}) place=\"$step\" ;; esac\n  done\n", known_paths(root));
  script += "  case \"$place:${words[CURRENT-1]}\" in\n";
  script += value_cases(root, [](const CommandNode::Option& option) -> std::string {
    if (option.takes_path) return "_files; return";
    if (option.choices.empty()) return "return";
    return fmt::format("choices=({}); _describe value choices; return",
                       fmt::join(option.choices, " "));
  });
  script += "  esac\n  case \"$place\" in\n";
  for_each_command(root, "", [&](const std::string& path, const CommandNode& node) {
    std::string choices;
    for (const std::string& choice : node.argument_choices) choices += " " + single_quoted(choice);
    for (const CommandNode& child : node.children)
      choices += " " + zsh_choice(child.name, child.description);
    for (const auto& option : node.options)
      for (const std::string& name : option.names)
        choices += " " + zsh_choice(name, option.description);
    const std::string_view files =
        node.takes_paths ? "[[ ${words[CURRENT]} == -* ]] || { _files; return }; " : "";
    script += fmt::format("    \"{}\") {}choices=({}) ;;\n", path, files, choices.substr(1));
  });
  script +=
      "  esac\n"
      "  _describe command choices\n"
      "}\n"
      "compdef _slipway slipway\n";
  return script;
}

std::string fish_completion(const CommandNode& root) {
  std::string script =
      "# fish completion of slipway: slipway completion fish | source\n"
      "complete -c slipway -f\n";
  for_each_command(root, "", [&](const std::string& path, const CommandNode& node) {
    const std::string at = single_quoted(fish_condition(path, node));
    for (const CommandNode& child : node.children)
      script += fmt::format("complete -c slipway -n {} -a {} -d {}\n", at, child.name,
                            single_quoted(child.description));
    if (!node.argument_choices.empty())
      script +=
          fmt::format("complete -c slipway -n {} -a {}\n", at,
                      single_quoted(fmt::format("{}", fmt::join(node.argument_choices, " "))));
    if (node.takes_paths) script += fmt::format("complete -c slipway -n {} -F\n", at);
    for (const auto& option : node.options)
      script += fmt::format("complete -c slipway -n {}{}\n", at, fish_option(option));
  });
  return script;
}

Result<int> completion(App& app, const std::string& shell) {
  const CommandNode root = command_tree();
  if (shell == "bash") app.print(bash_completion(root));
  if (shell == "zsh") app.print(zsh_completion(root));
  if (shell == "fish") app.print(fish_completion(root));
  return exit_done;
}

}  // namespace slipway::app
