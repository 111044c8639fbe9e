#include "app/detail/usage_errors.hpp"

#include <sstream>

#include "app/app.hpp"

namespace slipway::app::detail {

std::string full_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) return "";
  const std::string before = full_name(*app.get_parent());
  return before.empty() ? app.get_name() : before + " " + app.get_name();
}

namespace {

CLI::App& deepest(CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest(*parsed.back());
}

/// What is wrong when arguments are left over, also before the command; nothing when none are.
std::string complaint_about_extras(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty())
    return app.get_parent() == nullptr ? "" : complaint_about_extras(*app.get_parent());
  const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string& word) {
    return word.size() > 1 && word[0] == '-';
  });
  std::vector<std::string> names;
  if (option != extras.end()) {
    for (const CLI::Option* known : app.get_options())
      for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
  } else {
    for (const CLI::App* known : app.get_subcommands({})) names.push_back(known->get_name());
  }
  const std::string word =
      option != extras.end() ? option->substr(0, option->find('=')) : extras.front();
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto hint = json::nearest(word, known);
  std::string meant = hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint);
  if (hint.empty() && option == extras.end() && !names.empty())
    meant = fmt::format("; there are: {}", fmt::join(names, ", "));
  if (option != extras.end()) return fmt::format("unknown option '{}'{}", word, meant);
  if (!names.empty()) return fmt::format("unknown command '{}'{}", word, meant);
  return fmt::format("unexpected argument '{}'; put a text with spaces in quotes", word);
}

/// "--mode: guess not in {hybrid,dense}" and "not in range 0.000000 to 1.000000" in words.
std::string as_people_say(std::string text) {
  constexpr std::string_view zeros = ".000000", outside = " not in {";
  for (std::size_t at = text.find(zeros); at != std::string::npos; at = text.find(zeros))
    text.erase(at, zeros.size());
  const std::size_t word = text.find(": "), list = text.find(outside);
  if (word == std::string::npos || list == std::string::npos || list < word || !text.ends_with('}'))
    return text;
  const std::string wrong = text.substr(word + 2, list - word - 2);
  const std::string listed =
      text.substr(list + outside.size(), text.size() - 1 - list - outside.size());
  std::vector<std::string_view> choices;
  for (std::string_view rest = listed; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    choices.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto hint = json::nearest(wrong, choices);
  return fmt::format("{}: '{}' is none of: {}{}", text.substr(0, word), wrong,
                     fmt::join(choices, ", "),
                     hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint));
}

std::string complaint(const CLI::ParseError& error, const CLI::App& app) {
  if (std::string extras = complaint_about_extras(app); !extras.empty()) return extras;
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
      app.get_require_subcommand_min() > 0) {
    std::vector<std::string> names;
    for (const CLI::App* child : app.get_subcommands({})) names.push_back(child->get_name());
    return fmt::format("a command is missing; there are: {}", fmt::join(names, ", "));
  }
  return as_people_say(error.what());
}

}  // namespace

void explain(const CLI::ParseError& error, CLI::App& root, CommandLine& line) {
  line.run = nullptr;
  CLI::App& app = deepest(root);
  std::ostringstream out;
  std::ostringstream err;
  if (error.get_exit_code() == 0) {
    line.exit_code = root.exit(error, out, err);
    line.out = CLI::detail::find_and_replace(out.str(), "\n\n\n", "\n\n");
    return;
  }
  const std::string name = full_name(app);
  const std::string program = name.empty() ? "slipway" : "slipway " + name;
  line.exit_code = exit_wrong_use;
  line.err = fmt::format("{}: {}\nSee '{} --help'.\n", program, complaint(error, app), program);
}

}  // namespace slipway::app::detail
