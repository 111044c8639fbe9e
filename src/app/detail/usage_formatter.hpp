// How help looks: words of arguments without counts, descriptions folded beside their column.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace slipway::app::detail {

class UsageFormatter final : public CLI::Formatter {
 public:
  UsageFormatter() { column_width(32); }

  /// "SOURCE...", "[NAME]", "NAME FILE...".
  std::string make_option_usage(const CLI::Option* option) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;

 private:
  std::string line(std::string name, const std::string& description) const;
};

}  // namespace slipway::app::detail
