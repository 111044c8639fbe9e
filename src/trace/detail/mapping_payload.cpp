// Inputs and outputs: the one attribute that holds them, or the many that do together.
#include <boost/json/basic_parser_impl.hpp>

#include <charconv>

#include "trace/detail/mapping.hpp"

namespace slipway::trace::detail {

namespace {

using M = Meaning;

// ---- Whether a text is JSON ------------------------------------------------------------------

/// Forgets what it is told.
struct SilentHandler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  using Code = boost::system::error_code;
  using Text = boost::json::string_view;
  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(Text, std::size_t, Code&) { return true; }
  bool on_key(Text, std::size_t, Code&) { return true; }
  bool on_string_part(Text, std::size_t, Code&) { return true; }
  bool on_string(Text, std::size_t, Code&) { return true; }
  bool on_number_part(Text, Code&) { return true; }
  bool on_int64(std::int64_t, Text, Code&) { return true; }
  bool on_uint64(std::uint64_t, Text, Code&) { return true; }
  bool on_double(double, Text, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }
};

constexpr std::string_view spaces = " \t\r\n";

// ---- Flat keys to JSON -----------------------------------------------------------------------

/// Deeper keys keep the rest of their dots: the tree is built by recursion.
constexpr std::size_t segments_max = 16;

struct Segment {
  std::string_view word;
  std::optional<std::uint32_t> number;

  explicit Segment(std::string_view text) : word(text) {
    std::uint32_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc() && end == text.data() + text.size()) number = parsed;
  }
  /// Numbers before words.
  bool operator<(const Segment& other) const {
    if (number && other.number && *number != *other.number) return *number < *other.number;
    if (number.has_value() != other.number.has_value()) return number.has_value();
    return word < other.word;
  }
  bool operator==(const Segment& other) const { return word == other.word; }
};

struct Leaf {
  std::vector<Segment> path;
  const json::Value* value;
};

using Leaves = std::vector<Leaf>::const_iterator;

Leaf leaf_of(const RestOfKey& flat) {
  Leaf leaf{{}, flat.value};
  std::string_view rest = flat.rest;
  while (leaf.path.size() + 1 < segments_max) {
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    leaf.path.emplace_back(rest.substr(0, dot));
    rest.remove_prefix(dot + 1);
  }
  leaf.path.emplace_back(rest);
  return leaf;
}

/// OpenInference puts each item of a list in an object of its own.
bool is_wrapper(std::string_view key) {
  return key == "message" || key == "message_content" || key == "tool_call" || key == "document" ||
         key == "embedding" || key == "prompt" || key == "completion";
}

/// Of the leaves whose paths agree up to `depth`, sorted.
json::Value tree(Leaves begin, Leaves end, std::size_t depth) {
  // A leaf that is a branch as well stands before it, and says less.
  while (begin + 1 != end && begin->path.size() == depth) ++begin;
  if (begin->path.size() == depth) return *begin->value;
  const bool is_list = (end - 1)->path[depth].number.has_value();  // Words stand behind numbers.
  json::Array items;
  json::Object object;
  for (Leaves at = begin; at != end;) {
    const Segment& segment = at->path[depth];
    Leaves next = at;
    while (next != end && next->path[depth] == segment) ++next;
    json::Value value = tree(at, next, depth + 1);
    if (is_list)
      items.push_back(std::move(value));
    else
      object.insert_or_assign(segment.word, std::move(value));
    at = next;
  }
  if (is_list) return items;
  if (object.size() == 1 && depth > 0 && is_wrapper(object.begin()->key()))
    return std::move(object.begin()->value());
  return object;
}

// ---- Where payloads are ----------------------------------------------------------------------

std::vector<RestOfKey> of_row(const FoundAttributes& found, std::size_t row) {
  std::vector<RestOfKey> flat;
  for (const RestOfKey& each : found.prefixed())
    if (each.row == row && !each.rest.empty()) flat.push_back(each);
  return flat;
}

std::string_view text_of(const json::Object& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->value().is_string()
             ? std::string_view(found->value().get_string())
             : std::string_view();
}

/// "text/plain" beside a value says that it is not JSON, though it looks like it.
bool is_said_to_be_text(const json::Object& attributes, std::string_view key) {
  if (key != "input.value" && key != "output.value") return false;
  const std::string mime = std::string(key.substr(0, key.find('.'))) + ".mime_type";
  return text_of(attributes, mime).starts_with("text/");
}

/// The AI SDK tells the words of a reply and its calls of tools apart.
std::optional<Payload> reply_of_ai_sdk(const json::Object& attributes, std::string_view key) {
  if (key != "ai.response.text" && key != "ai.result.text") return std::nullopt;
  const std::string calls_key = std::string(key.substr(0, key.rfind('.'))) + ".toolCalls";
  const std::string_view calls = text_of(attributes, calls_key);
  if (calls.empty() || !is_json(calls)) return std::nullopt;
  return Payload{fmt::format(R"({{"text":{},"toolCalls":{}}})",
                             json::dump(json::Value(text_of(attributes, key))), calls)};
}

std::optional<Payload> from_attributes(M meaning, const FoundAttributes& found,
                                       const RunPatch& run) {
  const auto rows = mapping_rows();
  const auto [begin, end] = FoundAttributes::rows_of(meaning);
  // The rows in their order, whether they hold one attribute or many.
  std::size_t row_of_one = end;
  const json::Value* one = nullptr;
  found.first(meaning, [&](const json::Value& value, std::size_t row) {
    row_of_one = row;
    one = &value;
    return true;
  });
  std::size_t row_of_many = end;
  for (const RestOfKey& each : found.prefixed())
    if (each.row >= begin && each.row < row_of_many && !each.rest.empty()) row_of_many = each.row;
  if (row_of_many < row_of_one) return Payload{json::dump(unflatten(of_row(found, row_of_many)))};
  if (!one) return std::nullopt;
  const std::string_view key = rows[row_of_one].key;
  if (auto reply = reply_of_ai_sdk(run.attributes, key)) return reply;
  if (one->is_string() && is_said_to_be_text(run.attributes, key))
    return Payload{std::string(one->get_string()), true};
  return payload_of(*one);
}

/// {"role", "content", ...} of gen_ai.user.message and the like.
json::Value message_of(const Event& event) {
  // Azure's tracer puts all of it into one attribute.
  if (const auto whole = text_of(event.attributes, "gen_ai.event.content"); !whole.empty())
    if (auto parsed = json::parse(whole)) return *std::move(parsed);
  json::Object message;
  constexpr std::string_view prefix = "gen_ai.";
  const std::string_view role =
      std::string_view(event.name).substr(prefix.size()).substr(0, event.name.find('.', 7) - 7);
  if (event_meaning(event.name) == EventMeaning::message) message["role"] = role;
  for (const auto& [key, value] : event.attributes)
    if (!key.starts_with("gen_ai.") && !key.starts_with("event.") && !key.starts_with("otel."))
      message.insert_or_assign(key, value);
  return message;
}

std::optional<Payload> from_one_event(M meaning, const Event& event) {
  const bool is_input = meaning == M::inputs;
  std::string_view key;
  switch (event_meaning(event.name)) {
    case EventMeaning::details:
      key = is_input ? "gen_ai.input.messages" : "gen_ai.output.messages";
      break;
    case EventMeaning::prompt: key = is_input ? "gen_ai.prompt" : ""; break;
    case EventMeaning::completion: key = is_input ? "" : "gen_ai.completion"; break;
    default: break;
  }
  if (key.empty()) return std::nullopt;
  const auto found = event.attributes.find(key);
  if (found == event.attributes.end() || found->value().is_null()) return std::nullopt;
  return payload_of(found->value());
}

std::optional<Payload> from_events(M meaning, const RunPatch& run) {
  json::Array messages;
  const EventMeaning wanted = meaning == M::inputs ? EventMeaning::message : EventMeaning::choice;
  for (const Event& event : run.events) {
    if (auto whole = from_one_event(meaning, event)) return whole;
    if (event_meaning(event.name) == wanted) messages.push_back(message_of(event));
  }
  if (messages.empty()) return std::nullopt;
  return Payload{json::dump(messages)};
}

}  // namespace

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return false;
  // Most bare text is told by its first letter.
  if (std::string_view("{[\"-0123456789tfn").find(text[first]) == std::string_view::npos)
    return false;
  constexpr std::size_t depth_max = 64;  // That of json::parse.
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::json::basic_parser<SilentHandler> parser(options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  return !error && text.find_first_not_of(spaces, used) == std::string_view::npos;
}

Payload payload_of(const json::Value& value) {
  if (!value.is_string()) return {json::dump(value)};
  const std::string_view text = value.get_string();
  return {std::string(text), !is_json(text)};
}

json::Value unflatten(const std::vector<RestOfKey>& flat) {
  std::vector<Leaf> leaves;
  leaves.reserve(flat.size());
  for (const RestOfKey& each : flat) leaves.push_back(leaf_of(each));
  if (leaves.empty()) return {};
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Leaf& a, const Leaf& b) { return a.path < b.path; });
  return tree(leaves.begin(), leaves.end(), 0);
}

std::optional<Payload> find_payload(Meaning meaning, const FoundAttributes& found,
                                    const RunPatch& run) {
  if (auto payload = from_attributes(meaning, found, run)) return payload;
  return from_events(meaning, run);
}

}  // namespace slipway::trace::detail
