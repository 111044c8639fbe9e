// The keys of a map in an agent's file: read once, unknown ones told, faults collected.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/graph.hpp"
#include "agents/load.hpp"
#include "core/yaml.hpp"

namespace slipway::agents::detail {

/// Collects what is wrong with one file.
class Faults {
 public:
  Faults(std::string file, const yaml::Document& document, std::vector<Problem>& problems)
      : file_(std::move(file)), document_(document), problems_(problems) {}
  /// `path`: "$.nodes.a.set"; its line, or that of its nearest ancestor.
  void error(std::string_view code, const std::string& path, std::string message);
  void warning(std::string_view code, const std::string& path, std::string message);
  void error_at(std::string_view code, int line, std::string message);
  void warning_at(std::string_view code, int line, std::string message);
  int line(std::string path) const;
  bool has_errors() const { return has_errors_; }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  const yaml::Document& document_;
  std::vector<Problem>& problems_;
  bool has_errors_ = false;
};

class Fields {
 public:
  /// What is no map is told, and is empty.
  Fields(Faults& faults, const json::Value& value, std::string path,
         std::initializer_list<std::string_view> known);

  const json::Value* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string path_of(std::string_view key) const { return fmt::format("{}.{}", path_, key); }
  const std::string& path() const { return path_; }
  Faults& faults() const { return faults_; }
  /// Tells that it is missing.
  bool require(std::string_view key) const;

  std::string text(std::string_view key, std::string fallback = "") const;
  bool flag(std::string_view key) const;
  struct Range {
    std::int64_t min = 0, max = 0;
  };
  std::optional<std::int64_t> integer(std::string_view key, Range range) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<Milliseconds> duration(std::string_view key) const;
  /// "256MB" or a number of bytes.
  std::optional<std::int64_t> bytes(std::string_view key) const;
  /// The place of the text among `words`, or 0 with a fault.
  std::size_t word(std::string_view key, const std::vector<std::string_view>& words) const;
  std::vector<std::string> texts(std::string_view key) const;

 private:
  Faults& faults_;
  std::string path_;
  const json::Object* object_ = nullptr;
};

/// "; did you mean 'x'?", or "; known are: ..." or nothing.
std::string hint(std::string_view word, const std::vector<std::string_view>& known);
/// Whether it may be the name of a key, node, tool or model.
bool is_name(std::string_view name);

}  // namespace slipway::agents::detail
