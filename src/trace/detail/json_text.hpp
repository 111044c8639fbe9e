// JSON written straight as text: payloads stay the bytes they are, money stays exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/json_members.hpp"
#include "trace/money.hpp"

namespace slipway::trace::detail {

/// Dollars as an exact decimal: "0.0000025".
std::string dollars_text(Picodollars amount);

/// One object at the end of `out`. Names are ours and need no escapes.
class ObjectText {
 public:
  explicit ObjectText(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  /// Behind it the value is to be written.
  std::string& name(std::string_view name);
  /// The same for a name that may need escapes.
  std::string& foreign_name(std::string_view name);
  void raw(std::string_view name, std::string_view json) { this->name(name) += json; }
  void text(std::string_view name, std::string_view value) {
    this->name(name) += json::quoted(value);
  }
  void text(std::string_view name, const std::optional<std::string>& value);
  void count(std::string_view name, std::int64_t value);
  void number(std::string_view name, std::optional<double> value);
  void money(std::string_view name, Picodollars value) { this->name(name) += dollars_text(value); }
  void value(std::string_view name, const json::Value& value) {
    this->name(name) += json::dump(value);
  }

 private:
  std::string& out_;
  bool is_first_ = true;
};

/// `[a,b]`: `write(item)` appends each.
template <typename Items, typename Write>
void append_list(std::string& out, const Items& items, Write write) {
  out += '[';
  bool is_first = true;
  for (const auto& item : items) {
    if (!is_first) out += ',';
    is_first = false;
    write(item);
  }
  out += ']';
}

}  // namespace slipway::trace::detail
