#include "models/detail/llama_tools.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "models/detail/conversation.hpp"
#include "models/detail/schema_grammar.hpp"

namespace slipway::models::detail {

namespace {

using dialects::ChatEvent;
using dialects::EventKind;

constexpr std::size_t name_bytes_max = 64;
constexpr std::string_view id_rule = "[a-zA-Z0-9]{9}";

Result<void> check_name(const std::string& name) {
  const bool is_good =
      name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '-' || c == '.';
      });
  if (is_good) return {};
  return fail(Code::invalid_argument,
              "tools: the name '{}' is not made of at most {} of a-z A-Z 0-9 _ - .", name,
              name_bytes_max);
}

/// The rule of a tool's arguments.
Result<std::string> arguments_rule(Grammar& grammar, const dialects::Tool& tool,
                                   const std::string& path) {
  if (tool.parameters.is_null()) return std::string(R"("{}")");
  Grammar tried = grammar;
  auto rule = schema_rule(tried, tool.parameters, path);
  if (!rule && !tool.strict.value_or(false)) return json_object(grammar);
  if (rule) grammar = std::move(tried);
  return rule;
}

/// Texts in which `word` does not stand: the automaton that looks for it,
/// without its last state.
std::string text_without(Grammar& grammar, const std::string& word) {
  // Longest beginning of `word` that ends `prefix` + c.
  const auto next = [&](std::size_t state, char c) {
    std::string seen = word.substr(0, state) + c;
    while (!seen.empty() && !word.starts_with(seen)) seen.erase(0, 1);
    return seen.size();
  };
  std::vector<std::string> names(word.size());
  for (std::string& name : names) name = grammar.reserve();
  std::vector<char> letters(word.begin(), word.end());
  std::sort(letters.begin(), letters.end());
  letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
  CodeRanges own;
  for (const char c : letters) own.emplace_back(c, c);
  const std::string others = plain_char(complement(united(own))) + R"( | [\n\r\t])";
  for (std::size_t state = 0; state < word.size(); ++state) {
    std::vector<std::string> choices = {"\"\"", fmt::format("({}) {}", others, names[0])};
    for (const char c : letters) {
      if (c == '\n') continue;  // Among the others' line ends.
      const std::size_t to = next(state, c);
      if (to < word.size())
        choices.push_back(fmt::format("{} {}", literal(std::string(1, c)), names[to]));
    }
    grammar.define(names[state], fmt::format("{}", fmt::join(choices, " | ")));
  }
  return names[0];
}

}  // namespace

json::Value described(const dialects::Tool& tool) {
  json::Object function{{"name", tool.name}, {"description", tool.description}};
  function["parameters"] =
      tool.parameters.is_null() ? json::Value(json::Object{{"type", "object"}}) : tool.parameters;
  return json::Object{{"type", "function"}, {"function", std::move(function)}};
}

std::string spaced(const json::Value& value) {
  const std::string compact = json::dump(value);
  std::string text;
  bool is_in_string = false;
  bool is_escaped = false;
  for (const char c : compact) {
    text += c;
    if (!is_in_string && (c == ':' || c == ',')) text += ' ';
    if (c == '"' && !is_escaped) is_in_string = !is_in_string;
    is_escaped = c == '\\' && !is_escaped;
  }
  return text;
}

Result<void> check_arguments(const dialects::ToolCall& call, const std::string& path) {
  const auto arguments = json::parse(call.arguments.empty() ? "{}" : call.arguments);
  if (arguments && arguments->is_object()) return {};
  return fail(Code::invalid_argument, "{}.tool_calls: the arguments of '{}' are no JSON object",
              path, call.name);
}

Error no_such_call(const dialects::Message& message, const std::string& path) {
  return fail(Code::invalid_argument, "{}.tool_call_id: no call before it has the id '{}'", path,
              message.tool_call_id);
}

ToolFormat ToolFormat::of(const MistralWords& words) {
  ToolFormat format;
  format.family_ = Family::mistral;
  format.mistral_ = words;
  const std::string mark = "[TOOL_CALLS]";
  if (words.calls == MistralWords::Calls::list) {
    format.begin = fmt::format("{}{}[", mark, words.space);
    format.between = ", ";
    format.end = "]";
    format.open = R"({"name": ")";
    format.middle = R"(", "arguments": )";
    format.close = "}";
    return format;
  }
  format.begin = format.between = mark;
  format.middle = "[ARGS]";
  if (words.calls == MistralWords::Calls::marks_with_id) format.id_mark = "[CALL_ID]";
  return format;
}

std::optional<ToolFormat> ToolFormat::of(std::string_view text) {
  const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (const auto words = MistralWords::of(text)) return of(*words);
  ToolFormat format;
  format.open = R"({"name": ")";
  format.close = "}";
  if (has("<|im_start|>") && has("<tool_call>") && has("tools") && !has("<function=") &&
      !has("<arg_key>")) {
    format.family_ = Family::hermes;
    format.begin = "<tool_call>\n";
    format.between = "\n</tool_call>\n<tool_call>\n";
    format.end = "\n</tool_call>";
    format.middle = R"(", "arguments": )";
    return format;
  }
  if (has("<|start_header_id|>") && has("ipython") && has("tools")) {
    format.family_ = Family::llama3;
    format.middle = R"(", "parameters": )";
    return format;
  }
  return std::nullopt;
}

std::vector<std::string> ToolFormat::marks() const {
  if (family_ != Family::mistral) return {};
  return {"[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"};
}

std::string ToolFormat::told(const std::vector<dialects::Tool>& tools) const {
  std::string text;
  if (family_ == Family::hermes) {
    text =
        "# Tools\n\nYou may call one or more functions to assist with the "
        "user query.\n\nYou are "
        "provided with function signatures within <tools></tools> XML "
        "tags:\n<tools>";
    for (const dialects::Tool& tool : tools) text += "\n" + spaced(described(tool));
    return text +
           "\n</tools>\n\nFor each function call, return a json object with "
           "function name and "
           "arguments within <tool_call></tool_call> XML "
           "tags:\n<tool_call>\n{\"name\": "
           "<function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
  }
  text =
      "Given the following functions, please respond with a JSON for a "
      "function call with its "
      "proper arguments that best answers the given prompt.\n\nRespond in "
      "the format {\"name\": "
      "function name, \"parameters\": dictionary of argument name and its "
      "value}. Do not use "
      "variables.\n\n";
  for (const dialects::Tool& tool : tools) text += spaced(described(tool)) + "\n\n";
  return text;
}

std::string ToolFormat::written(const dialects::ToolCall& call) const {
  return open + call.name + middle + (call.arguments.empty() ? "{}" : call.arguments) + close;
}

Result<std::vector<Token>> ToolFormat::tokenize(const LlamaPrompt& prompt,
                                                const dialects::ChatRequest& request,
                                                std::string_view model) const {
  if (!mistral_) return prompt.tokenize(TRY(turns(request, model)));
  const bool may_call = request.tool_choice != dialects::ToolChoice::none;
  return prompt.tokenize(TRY(
      mistral_->prompt(request, may_call ? request.tools : std::vector<dialects::Tool>(), model)));
}

Result<std::vector<Turn>> ToolFormat::turns(const dialects::ChatRequest& request,
                                            std::string_view model) const {
  std::vector<Turn> turns;
  std::vector<std::string> calls;  // Their ids.
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const dialects::Message& message = request.messages[i];
    const std::string path = fmt::format("messages[{}]", i);
    std::string text = TRY(text_of(message, path, model));
    if (message.role == dialects::Role::tool) {
      if (std::find(calls.begin(), calls.end(), message.tool_call_id) == calls.end())
        return no_such_call(message, path);
      if (family_ == Family::llama3) {
        turns.push_back({"ipython", text});
        continue;
      }
      text = fmt::format("<tool_response>\n{}\n</tool_response>", text);
      const bool follows = i > 0 && request.messages[i - 1].role == dialects::Role::tool;
      if (follows)
        turns.back().content += "\n" + text;
      else
        turns.push_back({"user", text});
      continue;
    }
    for (const dialects::ToolCall& call : message.tool_calls) {
      TRY(check_arguments(call, path));
      calls.push_back(call.id);
      const bool is_tagged = family_ == Family::hermes;
      if (!text.empty()) text += "\n";
      text += is_tagged ? begin + written(call) + end : written(call);
    }
    std::string role(json::name(message.role));
    if (message.role == dialects::Role::developer) role = "system";
    turns.push_back({std::move(role), std::move(text)});
  }
  if (request.tools.empty() || request.tool_choice == dialects::ToolChoice::none) return turns;
  if (family_ == Family::llama3) {
    const auto user = std::find_if(turns.begin(), turns.end(),
                                   [](const Turn& turn) { return turn.role == "user"; });
    if (user == turns.end())
      turns.push_back({"user", told(request.tools)});
    else
      user->content = told(request.tools) + user->content;
    return turns;
  }
  if (turns.front().role == "system")
    turns.front().content += "\n\n" + told(request.tools);
  else
    turns.insert(turns.begin(), Turn{"system", told(request.tools)});
  return turns;
}

std::string ToolFormat::call_rule(const std::string& name, const std::string& arguments) const {
  std::string head = literal(open + name + (id_mark.empty() ? middle : id_mark));
  if (!id_mark.empty()) head += fmt::format(" {} {}", id_rule, literal(middle));
  return fmt::format("{} {} {}", head, arguments, literal(close));
}

Result<std::string> ToolFormat::grammar(const dialects::ChatRequest& request) const {
  Grammar grammar;
  std::vector<std::string> choices;
  for (std::size_t i = 0; i < request.tools.size(); ++i) {
    const dialects::Tool& tool = request.tools[i];
    TRY(check_name(tool.name));
    if (request.tool_choice == dialects::ToolChoice::named && tool.name != request.tool_name)
      continue;
    const std::string arguments =
        TRY(arguments_rule(grammar, tool, fmt::format("tools[{}].parameters", i)));
    choices.push_back(call_rule(tool.name, arguments));
  }
  const std::string call = grammar.add(fmt::format("{}", fmt::join(choices, " | ")));
  std::string calls = fmt::format("{} {}", literal(begin), call);
  if (!between.empty() && request.parallel_tool_calls.value_or(true))
    calls += fmt::format(" ({} {})*", literal(between), call);
  calls = grammar.add(fmt::format("{} {}", calls, literal(end)));
  if (request.tool_choice != dialects::ToolChoice::automatic) return grammar.text(calls);

  const dialects::ResponseFormat& format = request.response_format;
  if (format.kind == dialects::ResponseKind::json_schema) {
    const std::string text =
        TRY(schema_rule(grammar, format.schema, "response_format.json_schema.schema"));
    return grammar.text(grammar.add(fmt::format("{} | {}", text, calls)));
  }
  if (format.kind == dialects::ResponseKind::json_object)
    return grammar.text(grammar.add(fmt::format("{} | {}", json_object(grammar), calls)));
  if (begin.empty()) {
    // Only the first character tells them apart.
    const std::string any = R"([\x20-\x7E\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\n\r\t])";
    return grammar.text(grammar.add(fmt::format(
        R"((([\x20-\x7A\x7C-\x7E\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\n\r\t] {}*)?) | {})",
        any, calls)));
  }
  const std::string tag = begin.substr(0, begin.find('\n'));
  return grammar.text(grammar.add(fmt::format("{} ({})?", text_without(grammar, tag), calls)));
}

ToolReader::ToolReader(std::optional<ToolFormat> format, std::size_t choice)
    : format_(std::move(format)), choice_(choice) {}

ChatEvent ToolReader::event(EventKind kind) const {
  ChatEvent result;
  result.kind = kind;
  result.choice = choice_;
  return result;
}

void ToolReader::say(std::string text, std::vector<ChatEvent>& events) {
  if (text.empty()) return;
  has_text_ = true;
  ChatEvent said = event(EventKind::text);
  said.text = std::move(text);
  said.logprobs = std::exchange(logprobs_, {});
  events.push_back(std::move(said));
}

std::vector<ChatEvent> ToolReader::read(std::string_view text,
                                        std::vector<dialects::TokenLogprob> logprobs) {
  std::vector<ChatEvent> events;
  logprobs_.insert(logprobs_.end(), std::make_move_iterator(logprobs.begin()),
                   std::make_move_iterator(logprobs.end()));
  held_ += text;
  if (format_) {
    while (step(events)) {
    }
    if (state_ != State::text) logprobs_.clear();  // They are of a text.
  } else {
    say(std::exchange(held_, {}), events);
  }
  return events;
}

bool ToolReader::step(std::vector<ChatEvent>& events) {
  if (held_.empty()) return false;
  switch (state_) {
    case State::text: return read_text(events);
    case State::name: return read_name(events);
    case State::arguments: return read_arguments(events);
    case State::after: break;
  }
  // The rest of one call, or what is between it and the next one.
  const std::string& next = format_->open.empty() ? format_->between : format_->open;
  const std::size_t at = held_.find(next);
  if (at == std::string::npos) return false;
  held_.erase(0, at + next.size());
  state_ = State::name;
  return true;
}

bool ToolReader::read_text(std::vector<ChatEvent>& events) {
  const std::string mark = format_->begin + format_->open;
  if (format_->begin.empty()) {
    // A call is the whole reply or none.
    const bool may_be = !has_text_ && (mark.starts_with(held_) || held_.starts_with(mark));
    if (!may_be) return say(std::exchange(held_, {}), events), false;
    if (held_.size() < mark.size()) return false;
  }
  const std::size_t at = held_.find(mark);
  if (at != std::string::npos) {
    std::string before = held_.substr(0, at);
    while (before.ends_with('\n')) before.pop_back();  // Between text and tag.
    say(std::move(before), events);
    held_.erase(0, at + mark.size());
    state_ = State::name;
    return true;
  }
  // Line breaks may belong to the tag that follows them.
  std::size_t kept = std::min(held_.size(), mark.size() - 1);
  while (kept > 0 && !mark.starts_with(std::string_view(held_).substr(held_.size() - kept))) --kept;
  while (kept < held_.size() && held_[held_.size() - kept - 1] == '\n') ++kept;
  std::string whole = held_.substr(0, held_.size() - kept);
  held_.erase(0, whole.size());
  say(std::move(whole), events);
  return false;
}

bool ToolReader::read_name(std::vector<ChatEvent>& events) {
  const std::size_t at = held_.find(format_->middle);
  if (at == std::string::npos) return false;
  std::string name = held_.substr(0, at);
  std::string id;
  if (!format_->id_mark.empty()) {
    const std::size_t mark = std::min(name.find(format_->id_mark), name.size());
    id = name.substr(std::min(mark + format_->id_mark.size(), name.size()));
    name.resize(mark);
  }
  ChatEvent start = event(EventKind::tool_start);
  start.call_index = calls_++;
  start.call.id = id.empty() ? make_id("call") : id;
  start.call.name = std::move(name);
  events.push_back(std::move(start));
  held_.erase(0, at + format_->middle.size());
  depth_ = 0;
  state_ = State::arguments;
  return true;
}

bool ToolReader::read_arguments(std::vector<ChatEvent>& events) {
  std::size_t end = 0;
  bool is_whole = false;
  while (end < held_.size() && !is_whole) {
    const char c = held_[end++];
    if (is_in_string_) {
      if (c == '"' && !is_escaped_) is_in_string_ = false;
      is_escaped_ = c == '\\' && !is_escaped_;
      continue;
    }
    if (c == '"') is_in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') is_whole = --depth_ == 0;
  }
  ChatEvent piece = event(EventKind::tool_delta);
  piece.call_index = calls_ - 1;
  piece.text = held_.substr(0, end);
  held_.erase(0, end);
  events.push_back(std::move(piece));
  if (is_whole) state_ = State::after;
  return is_whole;
}

std::vector<ChatEvent> ToolReader::finish(ChatEvent end) {
  std::vector<ChatEvent> events;
  if (state_ == State::text) say(std::exchange(held_, {}), events);
  if (calls_ > 0 && end.finish_reason == dialects::FinishReason::stop && end.stop_sequence.empty())
    end.finish_reason = dialects::FinishReason::tool_calls;
  events.push_back(std::move(end));
  return events;
}

}  // namespace slipway::models::detail
