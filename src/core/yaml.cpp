#include "core/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <deque>
#include <sstream>

#include "core/detail/plain_yaml.hpp"

namespace slipway::yaml {

namespace {

constexpr int depth_max = 64;
constexpr std::size_t nodes_max = 1'000'000;
constexpr std::size_t path_bytes_max = 32u << 20;  // Long keys in deep aliases multiply as well.

/// What the parser tells, kept as a tree. YAML::Node would take as long again as the parsing.
struct Item {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  bool is_quoted = false;
  YAML::Mark mark;
  std::string text;
  std::vector<const Item*> children;  ///< Of a map keys and values in turn.
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  /// Of an empty document null.
  const Item& root() const { return items_.empty() ? nothing_ : items_.front(); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Item::Kind::null, mark, anchor);
  }
  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override {
    // An item that names itself becomes too deep for the converter.
    if (const auto found = anchors_.find(anchor); found != anchors_.end()) put(found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Item& item = add(Item::Kind::scalar, mark, anchor);
    item.text = text;
    item.is_quoted = tag == "!";  // So yaml-cpp tags it; it is always a string.
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(&add(Item::Kind::sequence, mark, anchor));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(&add(Item::Kind::map, mark, anchor));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  void put(const Item* item) {
    if (!open_.empty()) open_.back()->children.push_back(item);
  }
  Item& add(Item::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Item& item = items_.emplace_back();
    item.kind = kind;
    item.mark = mark;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &item;
    put(&item);
    return item;
  }

  std::deque<Item> items_;  // Stay where they are.
  std::vector<Item*> open_;
  std::map<YAML::anchor_t, const Item*> anchors_;
  const Item nothing_;
};

class Converter {
 public:
  explicit Converter(std::map<std::string, int>& lines) : lines_(lines) {}

  Result<json::Value> convert(const Item& node, const std::string& path, int depth) {
    if (depth > depth_max) return wrong(node, "is nested more than 64 levels deep");
    if (++nodes_ > nodes_max) return wrong(node, "expands to more than a million values");
    switch (node.kind) {
      case Item::Kind::null: return json::Value(nullptr);
      case Item::Kind::scalar: return scalar(node);
      case Item::Kind::sequence: return sequence(node, path, depth);
      case Item::Kind::map: return map(node, path, depth);
    }
    return json::Value(nullptr);
  }

 private:
  static Error wrong(const Item& node, std::string_view what) {
    return fail(Code::invalid_argument, "line {}, column {}: {}", node.mark.line + 1,
                node.mark.column + 1, what);
  }

  Result<void> remember(const std::string& path, const Item& node) {
    path_bytes_ += path.size();
    if (path_bytes_ > path_bytes_max) return wrong(node, "expands to more than a million values");
    lines_.insert_or_assign(path, node.mark.line + 1);
    return {};
  }

  static json::Value scalar(const Item& node) {
    const std::string& text = node.text;
    if (node.is_quoted) return json::Value(boost::json::string(text));
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

  Result<json::Value> sequence(const Item& node, const std::string& path, int depth) {
    json::Array items;
    items.reserve(node.children.size());
    for (const Item* item : node.children) {
      const std::string item_path = fmt::format("{}[{}]", path, items.size());
      TRY(remember(item_path, *item));
      items.push_back(TRY(convert(*item, item_path, depth + 1)));
    }
    return json::Value(std::move(items));
  }

  Result<json::Value> map(const Item& node, const std::string& path, int depth) {
    json::Object object;
    object.reserve(node.children.size() / 2);
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const Item& name = *node.children[i];
      if (name.kind != Item::Kind::scalar) return wrong(name, "a key must be a plain word");
      const std::string& key = name.text;
      const std::string item_path = path + "." + key;
      const auto [place, is_new] = object.emplace(key, nullptr);
      if (!is_new) return wrong(name, fmt::format("key '{}' stands twice", key));
      TRY(remember(item_path, name));
      place->value() = TRY(convert(*node.children[i + 1], item_path, depth + 1));
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

}  // namespace

namespace detail {

std::optional<Document> parse_plain(std::string_view text) {
  TreeBuilder tree;
  if (!read_plain(text, tree)) return std::nullopt;
  Document document;
  auto value = Converter(document.lines).convert(tree.root(), "$", 0);
  if (!value) return std::nullopt;
  document.value = *std::move(value);
  if (document.value.is_null()) document.value = json::Object();
  return document;
}

Result<Document> parse_any(std::string_view text) {
  Document document;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder tree;
    // `YAML::LoadAll` would read all documents, and of text like ",}" it finds some without end.
    FirstMark second;
    if (parser.HandleNextDocument(tree) && parser.HandleNextDocument(second))
      return fail(Code::invalid_argument,
                  "line {}, column {}: a second document begins; one is expected, so remove the "
                  "'---' between them",
                  second.mark().line + 1, second.mark().column + 1);
    document.value = TRY(Converter(document.lines).convert(tree.root(), "$", 0));
  } catch (const YAML::Exception& error) {
    return fail(Code::invalid_argument, "not valid YAML at line {}, column {}: {}",
                error.mark.line + 1, error.mark.column + 1, error.msg);
  }
  if (document.value.is_null()) document.value = json::Object();
  return document;
}

}  // namespace detail

Result<Document> parse(std::string_view text) {
  // What is wrong with a text is told by who reads all of YAML.
  if (auto document = detail::parse_plain(text)) return *std::move(document);
  return detail::parse_any(text);
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
