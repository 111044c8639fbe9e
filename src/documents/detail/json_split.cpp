// LangChain copies members into new objects and writes those; nothing of that stands in the source.
// But the members of one of its chunks always stand one behind the other, so here a chunk is the
// stretch of the source that holds them, from the comma before to the comma behind. Which members
// come together is decided by the same numbers: the length of the new object as Python would write
// it. It is kept up to date instead of being computed again for every member.
#include "documents/detail/json_split.hpp"

#include "documents/detail/recursive.hpp"

namespace slipway::documents::detail {

namespace {

class JsonSplitter {
 public:
  JsonSplitter(std::string_view text, const SplitterSettings& settings,
               const std::vector<JsonNode>& nodes)
      : text_(text), settings_(settings), nodes_(nodes) {
    is_lines_ = nodes.size() > 1 && nodes[1].span.start == nodes[0].span.start;
    constexpr std::size_t default_gap = 200, default_min = 50;
    size_min_ = settings.chunk_size_min;
    if (size_min_ == 0)
      size_min_ = std::max(settings.chunk_size, default_gap + default_min) - default_gap;
  }

  std::vector<JsonChunk> run() {
    chunks_.push_back({nodes_.front().span, 0, {}});
    if (!may_descend(nodes_.front())) {
      chunks_.back().members = 1;
      chunks_.back().leaf = nodes_.front().span;
      return std::move(chunks_);
    }
    open_.push_back({0, 0});
    for (std::size_t at = 1; at < nodes_.size();) {
      while (at >= nodes_[open_.back().node].next) close();
      const JsonNode& node = nodes_[at];
      const std::size_t alone = brackets + entry_size(open_.back(), node);
      if (chunk_size_ + alone < settings_.chunk_size) {
        put(node);
        at = node.next;
        continue;
      }
      // A record of JSON lines is not torn only to fill the chunk before it.
      const bool is_record = open_.size() == 1 && is_lines_ && alone < settings_.chunk_size;
      if ((chunk_size_ >= size_min_ || is_record) && chunks_.back().members > 0) begin_chunk();
      continue_with(at, node, is_record);
    }
    chunks_.back().span.end = nodes_.front().span.end;
    return std::move(chunks_);
  }

 private:
  static constexpr std::size_t brackets = 2, colon = 2, comma = 2, quotes = 2;

  struct Frame {
    std::size_t node = 0;
    std::size_t path_size = 0;  ///< Of the keys and brackets of the frames down to this one.
    std::size_t items = 0;      ///< Seen so far: the next key of a list.
  };

  bool may_descend(const JsonNode& node) const {
    return node.children > 0 && (node.kind == JsonNode::Kind::object ||
                                 (node.kind == JsonNode::Kind::list && settings_.split_lists));
  }
  std::size_t size_of(const JsonNode& node) const {
    return settings_.split_lists ? node.split_size : node.size;
  }
  std::size_t key_size(const Frame& parent, const JsonNode& node) const {
    return nodes_[parent.node].kind == JsonNode::Kind::object
               ? node.key_size
               : std::to_string(parent.items).size() + quotes;
  }
  std::size_t entry_size(const Frame& parent, const JsonNode& node) const {
    return key_size(parent, node) + colon + size_of(node);
  }

  void continue_with(std::size_t& at, const JsonNode& node, bool stays_whole) {
    if (may_descend(node) && !stays_whole) {
      const std::size_t path =
          open_.back().path_size + key_size(open_.back(), node) + colon + brackets;
      ++open_.back().items;
      open_.push_back({at, path});
      ++at;
    } else {
      put(node);
      at = node.next;
    }
  }

  void put(const JsonNode& node) {
    JsonChunk& chunk = chunks_.back();
    chunk_size_ += entry_size(open_.back(), node) + (chunk.members > 0 ? comma : 0);
    // What of the path is not yet in the chunk.
    chunk_size_ += open_.back().path_size - open_[in_chunk_ - 1].path_size;
    in_chunk_ = open_.size();
    ++open_.back().items;
    ++chunk.members;
    chunk.leaf = may_descend(node) ? Span() : node.span;
    last_end_ = node.span.end;
  }

  void close() {
    open_.pop_back();
    in_chunk_ = std::min(in_chunk_, open_.size());
  }

  /// The brackets that close behind the last member still belong to it; the comma to nobody.
  void begin_chunk() {
    std::size_t end = last_end_;
    std::size_t at = end;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '}' || c == ']')
        end = at + 1;
      else if (!is_space(c))
        break;
    }
    while (at < text_.size() && (text_[at] == ',' || is_space(text_[at]))) ++at;
    chunks_.back().span.end = end;
    chunks_.push_back({{at, at}, 0, {}});
    chunk_size_ = brackets;
    in_chunk_ = 1;
  }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  const std::string_view text_;
  const SplitterSettings& settings_;
  const std::vector<JsonNode>& nodes_;
  std::size_t size_min_ = 0;
  bool is_lines_ = false;  ///< Several values without brackets around them.
  std::vector<Frame> open_;
  std::size_t in_chunk_ = 1;  ///< How many frames of `open_` the chunk holds; the root always.
  std::size_t chunk_size_ = brackets;
  std::vector<JsonChunk> chunks_;
  std::size_t last_end_ = 0;
};

}  // namespace

std::vector<JsonChunk> find_json_chunks(std::string_view text, const std::vector<JsonNode>& nodes,
                                        const SplitterSettings& settings) {
  return JsonSplitter(text, settings, nodes).run();
}

Result<void> split_json(std::string_view text, const SplitterSettings& settings,
                        const Measure& measure, Output& output) {
  RecursiveSplitter finer(text, settings, measure, output);
  TRY(finer.prepare());
  const auto nodes = parse_json_tree(text);
  if (!nodes) return finer.split({0, text.size()});
  for (const JsonChunk& chunk : find_json_chunks(text, *nodes, settings)) {
    // A value that nesting cannot make smaller; or mostly white space, of which sizes know nothing.
    constexpr std::size_t spaced_factor = 4;
    const bool is_long_leaf = chunk.members == 1 && measure(chunk.leaf) > settings.chunk_size;
    if (is_long_leaf || measure(chunk.span) > settings.chunk_size * spaced_factor)
      TRY(finer.split(chunk.span));
    else
      output.add(chunk.span);
  }
  return {};
}

}  // namespace slipway::documents::detail
