#include "app/detail/usage_formatter.hpp"

#include <sstream>

namespace slipway::app::detail {

namespace {

bool takes_many(const CLI::Option& option) {
  return option.get_expected_max() >= CLI::detail::expected_max_vector_size;
}

}  // namespace

std::string UsageFormatter::make_option_usage(const CLI::Option* option) const {
  const std::string name = make_option_name(option, true) + (takes_many(*option) ? "..." : "");
  return option->get_required() ? name : "[" + name + "]";
}

std::string UsageFormatter::make_option_opts(const CLI::Option* option) const {
  std::string text = option->get_option_text();
  if (text.empty()) text = option->get_type_size() == 0 ? "" : option->get_type_name();
  if (takes_many(*option)) text += text.empty() ? "..." : " ...";
  if (option->get_required()) text += text.empty() ? "REQUIRED" : " REQUIRED";
  return text.empty() || text == " " ? "" : " " + text;
}

std::string UsageFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  return line(make_option_name(option, is_positional) + make_option_opts(option),
              make_option_desc(option));
}

std::string UsageFormatter::make_subcommand(const CLI::App* command) const {
  return line(command->get_name(), command->get_description());
}

std::string UsageFormatter::line(std::string name, const std::string& description) const {
  constexpr std::size_t width = 100;
  const std::size_t column = get_column_width();
  std::string text = "  " + std::move(name);
  std::size_t at = text.size();
  if (at + 2 > column) {
    text += '\n';
    at = 0;
  }
  text.append(column - at, ' ');
  at = column;
  std::istringstream words(description);
  for (std::string word; words >> word;) {
    if (at > column && at + 1 + word.size() > width) {
      text += '\n' + std::string(column, ' ');
      at = column;
    }
    if (at > column) text += ' ';
    at += word.size() + (at > column ? 1 : 0);
    text += word;
  }
  return text + '\n';
}

}  // namespace slipway::app::detail
