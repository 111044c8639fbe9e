// JSON stays as it is unless rules say which values are the text. Paths are walked over the tree of
// places that the JSON splitter uses too, so every character of a value knows its bytes.
#include <algorithm>
#include <charconv>

#include "core/unicode.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/json_tree.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

namespace {

using Nodes = std::vector<JsonNode>;

struct PathStep {
  enum class Kind { key, index, any, deep } kind = Kind::any;
  std::string key;
  std::size_t index = 0;
};
using Path = std::vector<PathStep>;

Error bad_path(std::string_view path, std::string_view what) {
  return fail(Code::invalid_argument,
              "the JSON path '{}' {}; write it like $.items[*].body or $..title", path, what);
}

/// Inside brackets: `*`, a number or a quoted key.
Result<PathStep> parse_bracket(std::string_view path, std::string_view inside) {
  PathStep step;
  if (inside == "*") return step;
  if (inside.size() > 1 && (inside[0] == '"' || inside[0] == '\'') && inside.back() == inside[0]) {
    step.kind = PathStep::Kind::key;
    step.key = inside.substr(1, inside.size() - 2);
    return step;
  }
  step.kind = PathStep::Kind::index;
  const auto [end, error] =
      std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (error != std::errc() || end != inside.data() + inside.size())
    return bad_path(path, "has something else than a number, '*' or a quoted key in brackets");
  return step;
}

Result<Path> parse_path(std::string_view path) {
  Path steps;
  if (!path.starts_with('$')) return bad_path(path, "does not begin with '$'");
  for (std::size_t at = 1; at < path.size();) {
    if (path[at] == '[') {
      const std::size_t end = path.find(']', at);
      if (end == std::string_view::npos) return bad_path(path, "has a bracket that is not closed");
      steps.push_back(TRY(parse_bracket(path, path.substr(at + 1, end - at - 1))));
      at = end + 1;
      continue;
    }
    if (path[at] != '.') return bad_path(path, "lacks a '.' before a key");
    ++at;
    if (at < path.size() && path[at] == '.') {
      steps.push_back({PathStep::Kind::deep, "", 0});
      ++at;
    }
    const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
    const std::string_view key = path.substr(at, end - at);
    if (key.empty() && !(end < path.size() && path[end] == '['))
      return bad_path(path, "has an empty key");
    if (key == "*")
      steps.push_back({PathStep::Kind::any, "", 0});
    else if (!key.empty())
      steps.push_back({PathStep::Kind::key, std::string(key), 0});
    at = end;
  }
  return steps;
}

/// Four hexadecimal digits, or more than 0xFFFF.
char32_t hex4(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() < 4 || error != std::errc() || end != digits.data() + 4) return 0x10000;
  return value;
}

/// A string of JSON as it is meant, part by part: `sink(text, start, end)` with the bytes in `raw`.
template <typename Sink>
void decode_string(std::string_view raw, const Sink& sink) {
  std::size_t at = 1;
  const std::size_t close = raw.size() - 1;
  while (at < close) {
    const std::size_t mark = std::min(raw.find('\\', at), close);
    if (mark > at) sink(raw.substr(at, mark - at), at, mark);
    if (mark + 1 >= close) return;
    constexpr std::pair<char, char> signs[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'},  {'b', '\b'},
                                               {'f', '\f'}, {'"', '"'},  {'\\', '\\'}, {'/', '/'}};
    std::string text;
    at = mark + 2;
    for (const auto& [sign, meant] : signs)
      if (raw[mark + 1] == sign) text = meant;
    if (raw[mark + 1] == 'u') {
      char32_t code = hex4(raw.substr(mark + 2, 4));
      at = std::min(mark + 6, close);
      if (code >= 0xD800 && code < 0xDC00 && raw.substr(at, 2) == "\\u") {
        const char32_t low = hex4(raw.substr(at + 2, 4));
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          at = std::min(at + 6, close);
        }
      }
      unicode::append(text, code);
    }
    sink(std::string_view(text), mark, at);
  }
}

class JsonDocument {
 public:
  JsonDocument(std::string_view text, const Nodes& nodes) : text_(text), nodes_(nodes) {}

  std::string_view raw(std::size_t node) const {
    return text_.substr(nodes_[node].span.start, nodes_[node].span.size());
  }
  bool is_string(std::size_t node) const { return raw(node).starts_with('"'); }

  std::string value(std::size_t node) const {
    if (!is_string(node)) return std::string(raw(node));
    std::string all;
    decode_string(raw(node), [&](std::string_view part, std::size_t, std::size_t) { all += part; });
    return all;
  }

  /// In the order of the text, each once.
  std::vector<std::size_t> select(std::size_t root, const Path& path) const {
    std::vector<std::size_t> found{root};
    for (const PathStep& step : path) {
      std::vector<std::size_t> next;
      for (const std::size_t node : found) take_step(node, step, next);
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
      found = std::move(next);
    }
    return found;
  }

  std::vector<std::size_t> children(std::size_t node) const {
    std::vector<std::size_t> all;
    for (std::size_t at = node + 1; at < nodes_[node].next; at = nodes_[at].next) all.push_back(at);
    return all;
  }

  /// Scalars below a node, or itself.
  template <typename Visit>
  void for_each_scalar(std::size_t node, const Visit& visit) const {
    const std::size_t end = std::max(nodes_[node].next, node + 1);
    for (std::size_t at = node; at < end; ++at)
      if (nodes_[at].kind == JsonNode::Kind::scalar) visit(at);
  }

 private:
  void take_step(std::size_t node, const PathStep& step, std::vector<std::size_t>& next) const {
    if (step.kind == PathStep::Kind::deep) {
      for (std::size_t at = node; at < std::max(nodes_[node].next, node + 1); ++at)
        next.push_back(at);
      return;
    }
    if (nodes_[node].kind == JsonNode::Kind::scalar) return;
    const bool is_list = nodes_[node].kind == JsonNode::Kind::list;
    std::size_t index = 0;
    for (std::size_t at = node + 1; at < nodes_[node].next; at = nodes_[at].next, ++index) {
      const bool fits = step.kind == PathStep::Kind::any ||
                        (step.kind == PathStep::Kind::index && is_list && index == step.index) ||
                        (step.kind == PathStep::Kind::key && !is_list && key(at) == step.key);
      if (fits) next.push_back(at);
    }
  }

  std::string key(std::size_t node) const {
    const std::string_view member = text_.substr(nodes_[node].member.start);
    std::size_t end = 1;
    while (end < member.size() && member[end] != '"') end += member[end] == '\\' ? 2 : 1;
    if (end >= member.size()) return {};
    std::string name;
    decode_string(member.substr(0, end + 1),
                  [&](std::string_view part, std::size_t, std::size_t) { name += part; });
    return name;
  }

  std::string_view text_;
  const Nodes& nodes_;
};

struct ParsedRules {
  std::vector<Path> text;
  std::optional<Path> title;
  std::vector<std::pair<std::string, Path>> metadata;
};

Result<ParsedRules> parse_rules(const JsonRules& rules) {
  ParsedRules parsed;
  for (const std::string& path : rules.text) parsed.text.push_back(TRY(parse_path(path)));
  if (!rules.title.empty()) parsed.title = TRY(parse_path(rules.title));
  for (const std::string& path : rules.metadata) {
    Path steps = TRY(parse_path(path));
    const auto last = std::find_if(steps.rbegin(), steps.rend(), [](const PathStep& step) {
      return step.kind == PathStep::Kind::key;
    });
    if (last == steps.rend()) return bad_path(path, "names no key for the metadata");
    parsed.metadata.emplace_back(last->key, std::move(steps));
  }
  return parsed;
}

class JsonTextWriter {
 public:
  JsonTextWriter(const JsonDocument& json, const Nodes& nodes, Document& document)
      : json_(json), nodes_(nodes), document_(document) {}

  /// The values of one record.
  void add(std::size_t root, const std::vector<Path>& paths, std::int64_t row) {
    std::vector<std::size_t> selected;
    for (const Path& path : paths) {
      const auto found = json_.select(root, path);
      selected.insert(selected.end(), found.begin(), found.end());
    }
    std::sort(selected.begin(), selected.end());
    const std::size_t before = text_.size();
    std::size_t done = 0;  // A value inside one that was written is not written again.
    for (const std::size_t node : selected) {
      if (node < done) continue;
      done = std::max(nodes_[node].next, node + 1);
      write(node);
    }
    const std::size_t start = before == 0 ? 0 : before + 2;
    if (row > 0 && text_.size() > start)
      document_.map.rows.push_back({start, text_.size(), -1, row});
  }

  std::size_t invisible() const { return text_.invisible(); }
  MappedText take() { return text_.take(); }

 private:
  void write(std::size_t node) {
    std::string_view gap = "\n\n";
    json_.for_each_scalar(node, [&](std::size_t scalar) {
      if (unicode::trim(json_.value(scalar)).empty()) return;
      if (!text_.empty()) text_.synthetic(gap);
      gap = "\n";
      const std::size_t start = nodes_[scalar].span.start;
      const std::string_view raw = json_.raw(scalar);
      if (!json_.is_string(scalar)) return text_.add(raw, start, start + raw.size());
      decode_string(raw, [&](std::string_view part, std::size_t from, std::size_t to) {
        text_.add(part, start + from, start + to);
      });
    });
  }

  const JsonDocument& json_;
  const Nodes& nodes_;
  Document& document_;
  VisibleText text_;
};

void note_metadata(const JsonDocument& json, const std::vector<std::size_t>& found,
                   const std::string& key, Document& document) {
  json::Array values;
  for (const std::size_t node : found)
    if (const auto value = json::parse(json.raw(node))) values.push_back(*value);
  if (values.size() == 1)
    document.metadata[key] = values.front();
  else if (!values.empty())
    document.metadata[key] = std::move(values);
}

/// Each line of JSON lines is a row.
void add_line_rows(Document& document) {
  std::int64_t row = 0;
  for (std::size_t at = 0; at < document.text.size();) {
    const std::size_t end = std::min(document.text.find('\n', at), document.text.size());
    if (!unicode::trim(std::string_view(document.text).substr(at, end - at)).empty())
      document.map.rows.push_back({at, end, -1, ++row});
    at = end + 1;
  }
}

Documents one(Document document) {
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

/// What is wrong with the JSON, by the parser that tells line and column.
std::string fault_of(std::string_view text) {
  const auto parsed = json::parse(text);
  return parsed ? "several values stand in one file" : parsed.error().message();
}

Documents as_it_is(DecodedText decoded, bool is_lines) {
  Document document = visible_document(std::move(decoded));
  if (is_lines) add_line_rows(document);
  return one(std::move(document));
}

}  // namespace

Result<Documents> read_json(const ReadTask& task) {
  const ParsedRules rules = TRY(parse_rules(task.json));
  DecodedText decoded = TRY(decode_text(task.bytes, task.charset));
  const bool is_lines = task.media_type == "application/x-ndjson";
  if (task.json == JsonRules()) return as_it_is(std::move(decoded), is_lines);
  const std::string text = decoded.text;
  const auto nodes = parse_json_tree(text);
  if (!nodes || nodes->empty())
    return fail(Code::invalid_argument, "is not valid JSON: {}", fault_of(text));
  const JsonDocument tree(text, *nodes);
  Document document;
  if (rules.text.empty()) document = std::move(as_it_is(decoded, is_lines).front());
  std::vector<std::size_t> records{0};
  if (is_lines && nodes->front().kind == JsonNode::Kind::list && !tree.raw(0).starts_with('['))
    records = tree.children(0);
  JsonTextWriter writer(tree, *nodes, document);
  std::int64_t row = 0;
  for (const std::size_t record : records) {
    if (!rules.text.empty()) writer.add(record, rules.text, is_lines ? ++row : 0);
    if (rules.title && document.title.empty())
      for (const std::size_t node : tree.select(record, *rules.title))
        if (document.title.empty()) document.title = clean_title(tree.value(node));
  }
  for (const auto& [key, path] : rules.metadata)
    note_metadata(tree, tree.select(records.front(), path), key, document);
  if (rules.text.empty()) return one(std::move(document));
  warn_of_hidden(writer.invisible(), document);
  MappedText mapped = writer.take();
  document.map.pieces = compose(mapped.take_pieces(), decoded.map);
  document.text = mapped.take_text();
  document.warnings.insert(document.warnings.begin(), decoded.warnings.begin(),
                           decoded.warnings.end());
  return one(std::move(document));
}

}  // namespace slipway::documents::detail
