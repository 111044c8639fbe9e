// Texts of a tool's config with {{expressions}} over the arguments of the call.
#pragma once

#include <string>
#include <vector>

#include "agents/expression.hpp"
#include "agents/tool.hpp"

namespace slipway::tools::detail {

enum class Encoding : std::uint8_t {
  none,
  percent  ///< Values, unless the whole text is one; never what stands around them.
};

class ArgumentText {
 public:
  ArgumentText() = default;
  /// Fails: invalid_argument.
  static Result<ArgumentText> compile(std::string_view text);
  /// A missing argument is null, which is written as nothing.
  agents::Outcome<agents::Value> evaluate(const agents::Value& args) const;
  agents::Outcome<std::string> write(const agents::Value& args, Encoding encoding) const;
  const std::vector<std::string>& names() const { return names_; }
  bool is_single() const { return template_.is_single(); }

 private:
  std::vector<const agents::Value*> locals_of(const agents::Value& args) const;
  std::vector<std::string> names_;  ///< In the order of their locals.
  agents::Template template_;
};

/// A value of which each text is such a template.
class ArgumentForm {
 public:
  static Result<ArgumentForm> compile(const agents::Value& value);
  agents::Outcome<agents::Value> evaluate(const agents::Value& args) const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  Result<void> read(const agents::Value& value);
  std::vector<std::string> names_;
  agents::Value constant_;
  std::vector<ArgumentText> text_;  ///< One, or none.
  std::vector<ArgumentForm> items_;
  std::vector<std::string> keys_;  ///< Of a map.
  bool is_list_ = false, is_map_ = false;
};

/// {"type": "object", "properties": {each of the names: {}}, "required": the names}
agents::Value parameters_of(const std::vector<std::string>& names);
void add_names(std::vector<std::string>& to, const std::vector<std::string>& more);

}  // namespace slipway::tools::detail
