#include <condition_variable>
#include <mutex>

#include "agents/model.hpp"
#include "core/files.hpp"

namespace slipway::agents {

namespace {

struct Line {
  std::optional<std::string> node, contains;
  std::optional<std::int64_t> index, visit, turn, attempt;
  std::optional<std::string> text;
  std::vector<ToolRequest> tool_calls;
  std::optional<std::int64_t> input, output;
  Milliseconds delay{0};
  std::string error;
};

std::int64_t tokens_of(std::size_t bytes) { return static_cast<std::int64_t>((bytes + 3) / 4); }

Error wrong(std::size_t number, std::string_view what) {
  return fail(Code::invalid_argument, "replies, line {}: {}", number, what);
}

Result<std::optional<std::int64_t>> whole(const Value& value, std::string_view key,
                                          std::size_t number) {
  const Value& found = value.at(key);
  if (found.is_null()) return std::optional<std::int64_t>();
  if (!found.is_integer() || found.integer() < 0)
    return wrong(number, fmt::format("'{}' is a whole number of 0 or more", key));
  return std::optional<std::int64_t>(found.integer());
}

Result<std::optional<std::string>> words(const Value& value, std::string_view key,
                                         std::size_t number) {
  const Value& found = value.at(key);
  if (found.is_null()) return std::optional<std::string>();
  if (!found.is_text()) return wrong(number, fmt::format("'{}' is a string", key));
  return std::optional<std::string>(found.text());
}

Result<void> read_tool_calls(const Value& value, Line& line, std::size_t number) {
  const Value& calls = value.at("tool_calls");
  if (calls.is_null()) return {};
  if (!calls.is_list()) return wrong(number, "'tool_calls' is a list");
  for (const Value& call : calls.items()) {
    if (!call.at("name").is_text()) return wrong(number, "a tool call needs a 'name'");
    Value args = call.at("args");
    if (args.is_null()) args = Value::map();
    line.tool_calls.push_back({.id = call.at("id").is_text() ? call.at("id").text() : "",
                               .name = call.at("name").text(),
                               .args = std::move(args)});
  }
  return {};
}

Result<Line> read_line(std::string_view text, std::size_t number) {
  auto parsed = parse_json(text);
  if (!parsed) return wrong(number, parsed.error().message());
  const Value& value = *parsed;
  if (!value.is_map()) return wrong(number, "a JSON object is expected");
  const std::vector<std::string_view> known = {"node",       "index",    "visit",    "turn",
                                               "attempt",    "contains", "text",     "json",
                                               "tool_calls", "usage",    "delay_ms", "error"};
  for (const auto& [key, item] : value.entries().items)
    if (std::find(known.begin(), known.end(), key) == known.end())
      return wrong(number,
                   fmt::format("unknown key '{}'; known are: {}", key, fmt::join(known, ", ")));
  Line line;
  line.node = TRY(words(value, "node", number));
  line.contains = TRY(words(value, "contains", number));
  line.index = TRY(whole(value, "index", number));
  line.visit = TRY(whole(value, "visit", number));
  line.turn = TRY(whole(value, "turn", number));
  line.attempt = TRY(whole(value, "attempt", number));
  line.text = TRY(words(value, "text", number));
  if (const Value* json = value.find("json")) line.text = dump(*json);
  TRY(read_tool_calls(value, line, number));
  if (value.find("usage") != nullptr) {
    line.input = TRY(whole(value.at("usage"), "input", number));
    line.output = TRY(whole(value.at("usage"), "output", number));
  }
  line.delay = Milliseconds(TRY(whole(value, "delay_ms", number)).value_or(0));
  line.error = TRY(words(value, "error", number)).value_or("");
  if (!line.text && line.tool_calls.empty() && line.error.empty())
    return wrong(number, "'text', 'json', 'tool_calls' or 'error' is needed");
  return line;
}

bool waits_out(const Context& context, Milliseconds delay) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const auto until = std::chrono::steady_clock::now() + delay;
  const auto end = context.deadline() ? std::min(until, *context.deadline()) : until;
  never.wait_until(lock, context.stop(), end, [] { return false; });
  return context.check().ok();
}

class ScriptedModel final : public Model {
 public:
  explicit ScriptedModel(std::vector<Line> lines) : lines_(std::move(lines)) {}

  Outcome<ModelReply> reply(const Context& context, const ModelCall& call) override {
    const Line* line = find(call);
    if (line == nullptr)
      return Failure{"script",
                     fmt::format("no reply is written for node '{}', index {}, visit {}, "
                                 "turn {}, attempt {}",
                                 call.node, call.index, call.visit, call.turn, call.attempt)};
    if (line->delay.count() > 0 && !waits_out(context, line->delay))
      return failure_of(context.check().error());
    if (!line->error.empty())
      return Failure{line->error, fmt::format("the script says so: {}", line->error)};
    ModelReply reply{.text = line->text.value_or(""), .tool_calls = line->tool_calls};
    std::size_t written = reply.text.size();
    for (std::size_t i = 0; i < reply.tool_calls.size(); ++i) {
      ToolRequest& request = reply.tool_calls[i];
      written += request.name.size() + dump(request.args).size();
      if (request.id.empty()) request.id = fmt::format("call_{}_{}", call.turn, i);
    }
    reply.input_tokens = line->input.value_or(prompt_tokens(call));
    reply.output_tokens = line->output.value_or(tokens_of(written));
    if (call.on_token) call.on_token(reply.text);
    return reply;
  }

  Outcome<std::int64_t> count_tokens(const ModelCall& call) override {
    // What the script says it took is what it would have counted.
    const Line* line = find(call);
    if (line != nullptr && line->input) return *line->input;
    return prompt_tokens(call);
  }

  Outcome<std::int64_t> measure(const ModelCall& call) override { return prompt_tokens(call); }

 private:
  static std::int64_t prompt_tokens(const ModelCall& call) {
    std::size_t bytes = 0;
    for (const ChatMessage& message : call.messages) {
      bytes += message.content.size();
      for (const ToolRequest& request : message.tool_calls)
        bytes += request.name.size() + dump(request.args).size();
    }
    return tokens_of(bytes);
  }

  const Line* find(const ModelCall& call) const {
    std::string_view question;
    for (const ChatMessage& message : call.messages)
      if (message.role == "user") question = message.content;
    for (const Line& line : lines_) {
      const bool holds =
          (!line.node || *line.node == call.node) && (!line.index || *line.index == call.index) &&
          (!line.visit || *line.visit == call.visit) && (!line.turn || *line.turn == call.turn) &&
          (!line.attempt || *line.attempt == call.attempt) &&
          (!line.contains || question.find(*line.contains) != std::string::npos);
      if (holds) return &line;
    }
    return nullptr;
  }

  std::vector<Line> lines_;
};

}  // namespace

Result<std::shared_ptr<Model>> make_scripted_model(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    lines.push_back(TRY(read_line(line, number)));
  }
  return std::shared_ptr<Model>(std::make_shared<ScriptedModel>(std::move(lines)));
}

Result<std::shared_ptr<Model>> open_scripted_model(const std::string& file) {
  constexpr std::uint64_t bytes_max = 64u << 20;
  return make_scripted_model(TRY(read_file(file, bytes_max))).within(file);
}

}  // namespace slipway::agents
