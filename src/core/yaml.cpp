#include "core/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <sstream>

namespace slipway::yaml {

namespace {

constexpr int depth_max = 64;
constexpr std::size_t nodes_max = 1'000'000;
constexpr std::size_t path_bytes_max = 32u << 20;  // Long keys in deep aliases multiply as well.

class Converter {
 public:
  explicit Converter(std::map<std::string, int>& lines) : lines_(lines) {}

  Result<json::Value> convert(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > depth_max) return wrong(node, "is nested more than 64 levels deep");
    if (++nodes_ > nodes_max) return wrong(node, "expands to more than a million values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return json::Value(nullptr);
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: return sequence(node, path, depth);
      case YAML::NodeType::Map: return map(node, path, depth);
    }
    return json::Value(nullptr);
  }

 private:
  static Error wrong(const YAML::Node& node, std::string_view what) {
    return fail(Code::invalid_argument, "line {}, column {}: {}", node.Mark().line + 1,
                node.Mark().column + 1, what);
  }

  Result<void> remember(const std::string& path, const YAML::Node& node) {
    path_bytes_ += path.size();
    if (path_bytes_ > path_bytes_max) return wrong(node, "expands to more than a million values");
    lines_[path] = node.Mark().line + 1;
    return {};
  }

  static json::Value scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    // "!" is yaml-cpp's tag for a quoted scalar: always a string.
    if (node.Tag() == "!") return json::Value(boost::json::string(text));
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (text == "null" || text == "~" || text == "Null" || text == "NULL" || text.empty())
      return nullptr;
    const char* begin = text.data();
    const char* end = text.data() + text.size();
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') ++begin;
    int base = 10;
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
      base = text[1] == 'x' ? 16 : 8;
      begin += 2;
      if (*begin == '-') return json::Value(boost::json::string(text));
    }
    std::int64_t whole = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, whole, base);
        error == std::errc() && stop == end)
      return whole;
    std::uint64_t large = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, large, base);
        error == std::errc() && stop == end)
      return large;
    if (base != 10) return json::Value(boost::json::string(text));
    double real = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, real);
        error == std::errc() && stop == end && std::isfinite(real))
      return real;
    return json::Value(boost::json::string(text));
  }

  Result<json::Value> sequence(const YAML::Node& node, const std::string& path, int depth) {
    json::Array items;
    for (const YAML::Node& item : node) {
      const std::string item_path = fmt::format("{}[{}]", path, items.size());
      TRY(remember(item_path, item));
      items.push_back(TRY(convert(item, item_path, depth + 1)));
    }
    return json::Value(std::move(items));
  }

  Result<json::Value> map(const YAML::Node& node, const std::string& path, int depth) {
    json::Object object;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) return wrong(pair.first, "a key must be a plain word");
      const std::string& key = pair.first.Scalar();
      const std::string item_path = path + "." + key;
      if (object.contains(key)) return wrong(pair.first, fmt::format("key '{}' stands twice", key));
      TRY(remember(item_path, pair.first));
      object[key] = TRY(convert(pair.second, item_path, depth + 1));
    }
    return json::Value(std::move(object));
  }

  std::map<std::string, int>& lines_;
  std::size_t nodes_ = 0;
  std::size_t path_bytes_ = 0;
};

/// Where the first thing of a document stands.
class FirstMark final : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_.is_null() ? start_ : mark_; }
  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { see(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { see(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    see(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    see(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    see(mark);
  }
  void OnMapEnd() override {}

 private:
  void see(const YAML::Mark& mark) {
    if (mark_.is_null()) mark_ = mark;
  }
  YAML::Mark start_, mark_ = YAML::Mark::null_mark();
};

/// Where a second document begins. `YAML::LoadAll` would read all of them, and of text like ",}"
/// it finds documents without end.
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  FirstMark first, second;
  if (!parser.HandleNextDocument(first) || !parser.HandleNextDocument(second)) return std::nullopt;
  return second.mark();
}

}  // namespace

Result<Document> parse(std::string_view text) {
  Document document;
  try {
    const std::string copy(text);
    if (const auto second = second_document(copy))
      return fail(Code::invalid_argument,
                  "line {}, column {}: a second document begins; one is expected, so remove the "
                  "'---' between them",
                  second->line + 1, second->column + 1);
    document.value = TRY(Converter(document.lines).convert(YAML::Load(copy), "$", 0));
  } catch (const YAML::Exception& error) {
    return fail(Code::invalid_argument, "not valid YAML at line {}, column {}: {}",
                error.mark.line + 1, error.mark.column + 1, error.msg);
  }
  if (document.value.is_null()) document.value = json::Object();
  return document;
}

Error locate(Error error, const Document& document) {
  std::string path = error.message().substr(0, error.message().find(':'));
  // The path of a missing key has no line of its own: its nearest ancestor has.
  while (!path.empty()) {
    if (const auto found = document.lines.find(path); found != document.lines.end())
      return std::move(error).within(fmt::format("line {}", found->second));
    const auto cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return error;
}

}  // namespace slipway::yaml
