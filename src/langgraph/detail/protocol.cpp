#include "langgraph/detail/protocol.hpp"

#include <algorithm>

#include "langgraph/detail/reading.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::size_t channels_max = 100, spaces_max = 1000, segments_max = 64;

const std::set<std::string>& known_channels() {
  static const std::set<std::string> names = {"values", "updates",   "messages",
                                              "tools",  "lifecycle", "input",
                                              "tasks",  "custom",    "checkpoints"};
  return names;
}

NameSpace split(std::string_view joined) {
  NameSpace parts;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find('|'), joined.size());
    parts.emplace_back(joined.substr(0, end));
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return parts;
}

/// "sub" stands for any "sub:<task>".
bool is_below(const NameSpace& space, const NameSpace& prefix) {
  if (prefix.size() > space.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const bool is_open = prefix[i].find(':') == std::string::npos;
    if (space[i] != prefix[i] && !(is_open && space[i].substr(0, space[i].find(':')) == prefix[i]))
      return false;
  }
  return true;
}

Value space_value(const NameSpace& space) {
  return Value::list(std::vector<Value>(space.begin(), space.end()));
}

std::string text_in(const Value& value) { return value.is_text() ? value.text() : std::string(); }

}  // namespace

Value Told::json(const std::string& id, std::int64_t seq) const {
  return Value::map(
      {{"type", "event"},
       {"event_id", id},
       {"seq", seq},
       {"method", method},
       {"params",
        Value::map({{"namespace", space_value(space)}, {"timestamp", time_ms}, {"data", data}})}});
}

bool Channels::wants(const Told& told) const {
  std::string channel = told.method == "input.requested" ? "input" : told.method;
  const Value& name = told.data.at("name");
  const bool is_named = channel == "custom" && name.is_text() && !name.text().empty();
  if (!names.contains(channel) && !(is_named && names.contains("custom:" + name.text())))
    return false;
  if (spaces.empty()) return true;
  return std::any_of(spaces.begin(), spaces.end(), [&](const NameSpace& prefix) {
    return is_below(told.space, prefix) &&
           (!depth || told.space.size() - prefix.size() <= static_cast<std::size_t>(*depth));
  });
}

Result<Channels> read_channels(const Value& body) {
  Channels made;
  for (std::string& name : TRY(texts_of(body, "channels"))) {
    if (!known_channels().contains(name) && !name.starts_with("custom:"))
      return fail(Code::invalid_argument, "channels: '{}' is none of {}, custom:NAME", name,
                  fmt::join(known_channels(), ", "));
    made.names.insert(std::move(name));
  }
  if (made.names.empty() || made.names.size() > channels_max)
    return fail(Code::invalid_argument, "channels: 1 to {} names are expected", channels_max);
  const Value& spaces = body.at("namespaces");
  if (!spaces.is_null() && (!spaces.is_list() || spaces.items().size() > spaces_max))
    return fail(Code::invalid_argument, "namespaces: a list of at most {} name spaces is expected",
                spaces_max);
  if (spaces.is_list())
    for (const Value& space : spaces.items()) {
      made.spaces.push_back(TRY(texts_of(Value::map({{"namespaces", space}}), "namespaces")));
      if (made.spaces.back().size() > segments_max)
        return fail(Code::invalid_argument, "namespaces: more than {} names in one", segments_max);
    }
  if (!body.at("depth").is_null()) {
    const std::int64_t depth = TRY(number_of(body, "depth", 0));
    if (depth < 0) return fail(Code::invalid_argument, "depth: {} is below 0", depth);
    made.depth = static_cast<int>(std::min<std::int64_t>(depth, segments_max));
  }
  made.since = TRY(number_of(body, "since", 0));
  return made;
}

Protocol::Protocol(Translator::Options options)
    : agent_(options.agent), translator_([&] {
        options.modes = {"values", "updates", "messages-tuple", "tasks", "checkpoints", "custom"};
        options.has_subgraphs = true;
        return Translator(std::move(options));
      }()) {}

void Protocol::put(std::string method, NameSpace space, Value data) {
  out_.push_back({.method = std::move(method),
                  .space = std::move(space),
                  .data = std::move(data),
                  .time_ms = time_ms_});
}

NameSpace Protocol::space_of(const std::string& scope) const {
  return split(translator_.space_of(scope));
}

void Protocol::lifecycle(const std::string& scope, const char* event, const Value& error) {
  const auto known = scopes_.find(scope);
  const NameSpace space = known == scopes_.end() ? space_of(scope) : known->second;
  Value data = Value::map({{"event", event}});
  data.put("graph_name", scope.empty() ? agent_->name : scope.substr(scope.rfind('/') + 1));
  if (!error.is_null()) data.put("error", error);
  if (std::string_view(event) == "started") {
    data.put("namespace", space_value(space));
    data.put("trigger_call_id", space.back().substr(space.back().find(':') + 1));
    scopes_[scope] = space;
  } else if (!scope.empty()) {
    scopes_.erase(scope);
  }
  put("lifecycle", space, std::move(data));
}

void Protocol::content(const Message& message, const char* event, std::int64_t index, Value extra) {
  Value data = Value::map({{"event", event}, {"index", index}, {"message_id", message.id}});
  for (const auto& [name, value] : extra.entries().items) data.put(name, value);
  put("messages", message.space, std::move(data));
}

void Protocol::start(Message& message, const Value& whole) {
  const std::string type = text_in(whole.at("type"));
  Value data = Value::map({{"event", "message-start"},
                           {"role", type == "AIMessageChunk" ? Value("ai") : Value(type)},
                           {"id", message.id}});
  if (type == "tool") data.put("tool_call_id", whole.at("tool_call_id"));
  put("messages", message.space, std::move(data));
}

/// A piece, or a whole message, whose text and calls come after what was said.
void Protocol::say(Message& message, const Value& piece) {
  const std::string text = text_in(piece.at("content"));
  if (!text.empty() && !message.has_text) {
    message.has_text = true;
    ++message.blocks;
    content(message, "content-block-start", 0,
            Value::map({{"content", Value::map({{"type", "text"}, {"text", ""}})}}));
  }
  message.text += text;
  if (!text.empty())
    content(message, "content-block-delta", 0,
            Value::map({{"delta", Value::map({{"type", "text-delta"}, {"text", text}})}}));
  if (!piece.at("tool_calls").is_list() || piece.at("tool_calls").items().empty()) return;
  const Value whole_text = Value::map({{"type", "text"}, {"text", message.text}});
  if (message.has_text)
    content(message, "content-block-finish", 0, Value::map({{"content", whole_text}}));
  message.has_text = false;
  for (const Value& call : piece.at("tool_calls").items()) {
    const std::int64_t index = message.blocks++;
    const Value begin = Value::map({{"type", "tool_call_chunk"},
                                    {"id", call.at("id")},
                                    {"name", call.at("name")},
                                    {"args", agents::dump(call.at("args"))}});
    const Value whole = Value::map({{"type", "tool_call"},
                                    {"id", call.at("id")},
                                    {"name", call.at("name")},
                                    {"args", call.at("args")}});
    content(message, "content-block-start", index, Value::map({{"content", begin}}));
    content(message, "content-block-finish", index, Value::map({{"content", whole}}));
  }
}

void Protocol::finish(Message& message, const agents::Event& event) {
  if (message.has_text)
    content(message, "content-block-finish", 0,
            Value::map({{"content", Value::map({{"type", "text"}, {"text", message.text}})}}));
  Value data = Value::map({{"event", "message-finish"}, {"message_id", message.id}});
  const Value& input = event.data.at("input_tokens");
  const Value& output = event.data.at("output_tokens");
  if (input.is_integer() && output.is_integer())
    data.put("usage", Value::map({{"input_tokens", input},
                                  {"output_tokens", output},
                                  {"total_tokens", input.integer() + output.integer()}}));
  put("messages", message.space, std::move(data));
}

void Protocol::said(const NameSpace& space, const Value& message, const agents::Event& event) {
  const std::string id = text_in(message.at("id"));
  const bool is_piece = message.at("type") == Value("AIMessageChunk");
  if (!is_piece) {
    Message whole{.id = id, .space = space};
    start(whole, message);
    say(whole, message);
    return finish(whole, event);
  }
  auto [place, is_new] = open_.try_emplace(id, Message{.id = id, .space = space});
  if (is_new) start(place->second, message);
  say(place->second, message);
}

void Protocol::frame(const Frame& frame, const agents::Event& event) {
  const std::size_t bar = std::min(frame.event.find('|'), frame.event.size());
  const std::string mode = frame.event.substr(0, bar);
  NameSpace space =
      split(std::string_view(frame.event).substr(std::min(bar + 1, frame.event.size())));
  if (mode == "error" || !frame.data.at("__interrupt__").is_null()) return;  // Told below.
  if (mode == "values" || mode == "tasks") return put(mode, std::move(space), frame.data);
  if (mode == "updates") {
    for (const auto& [node, writes] : frame.data.entries().items)
      put(mode, space, Value::map({{"node", node}, {"values", writes}}));
  } else if (mode == "messages" && !frame.data.items().empty()) {
    said(space, frame.data.items().front(), event);
  } else if (mode == "custom") {
    Value data = Value::map({{"payload", frame.data}});
    if (frame.data.at("name").is_text()) data.put("name", frame.data.at("name"));
    put(mode, std::move(space), std::move(data));
  } else if (mode == "checkpoints") {
    const Value& metadata = frame.data.at("metadata");
    Value data = Value::map({{"id", frame.data.at("config").at("configurable").at("checkpoint_id")},
                             {"step", metadata.at("step")},
                             {"source", metadata.at("source")}});
    if (const Value& parent = frame.data.at("parent_config"); parent.is_map())
      data.put("parent_id", parent.at("configurable").at("checkpoint_id"));
    put(mode, std::move(space), std::move(data));
  }
}

void Protocol::tool(const Value& data) {
  const NameSpace space = space_of(text_in(data.at("graph")));
  const std::string call = agents::in_words(data.at("call"));
  if (tools_.insert(call).second)
    put("tools", space,
        Value::map({{"event", "tool-started"},
                    {"tool_call_id", call},
                    {"tool_name", data.at("tool")},
                    {"input", data.at("args")}}));
  if (data.at("state") == Value("begun")) return;
  tools_.erase(call);
  if (data.at("state") == Value("done"))
    return put(
        "tools", space,
        Value::map(
            {{"event", "tool-finished"}, {"tool_call_id", call}, {"output", data.at("result")}}));
  put("tools", space,
      Value::map({{"event", "tool-error"},
                  {"tool_call_id", call},
                  {"message", data.at("error").at("message")},
                  {"code", data.at("error").at("kind")}}));
}

void Protocol::ended(const Value& data) {
  const std::string status = text_in(data.at("status"));
  if (data.at("interrupts").is_list() && status == "interrupted")
    for (const Value& interrupt : data.at("interrupts").items()) {
      const std::string path = text_in(interrupt.at("path"));
      const std::size_t slash = path.rfind('/');
      const std::string scope = slash == std::string::npos ? "" : path.substr(0, slash);
      const auto known = scopes_.find(scope);
      put("input.requested", known == scopes_.end() ? space_of(scope) : known->second,
          Value::map({{"interrupt_id", interrupt.at("id")}, {"payload", interrupt.at("value")}}));
    }
  const bool is_done = status == "done", is_open = status == "interrupted";
  const char* event = is_done ? "completed" : is_open ? "interrupted" : "failed";
  while (!scopes_.empty()) lifecycle(scopes_.rbegin()->first, event);
  Value error;
  if (status == "failed") error = data.at("error").at("message");
  if (status == "cancelled") error = Value("the run was cancelled");
  lifecycle("", event, error);
}

Result<std::vector<Told>> Protocol::tell(const agents::Event& event) {
  out_.clear();
  time_ms_ = event.time_ms;
  const Value& data = event.data;
  const std::string scope = text_in(data.at("graph"));
  const std::string inner =
      scope.empty() ? text_in(data.at("node")) : scope + "/" + text_in(data.at("node"));
  if (event.type == "run.started") lifecycle("", "running");
  const auto frames = TRY(translator_.frames(event));
  if (event.type == "step.started" && !scope.empty() && !scopes_.contains(scope))
    lifecycle(scope, "started");
  for (const Frame& one : frames) frame(one, event);
  if (event.type == "model" && data.at("state") == Value("done"))
    if (auto over = open_.extract(translator_.message_id(data)); !over.empty())
      finish(over.mapped(), event);
  if (event.type == "tool") tool(data);
  if (event.type == "task.finished" && scopes_.contains(inner)) {
    const std::string status = text_in(data.at("status"));
    if (status == "done") lifecycle(inner, "completed");
    if (status == "failed") lifecycle(inner, "failed", data.at("error").at("message"));
  }
  if (event.type == "run.finished") ended(data);
  return std::move(out_);
}

}  // namespace slipway::langgraph::detail
