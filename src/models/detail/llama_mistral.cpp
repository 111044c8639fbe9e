// The formats grew: tools told before the last question and calls as one list (Mistral 7B v0.3 with
// a space after each mark, Nemo without), results behind their call's id and marks for the system
// prompt (Large 2411, Small 3), calls by marks instead of a list (Small 3.2 with an id, Devstral
// and Ministral without). What a template says of each point is asked apart, because they come
// mixed.
#include "models/detail/llama_mistral.hpp"

#include <algorithm>

#include "models/detail/conversation.hpp"
#include "models/detail/llama_tools.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t id_bytes = 9;  // Their templates refuse others.

bool is_id(std::string_view text) {
  return text.size() == id_bytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

/// Joins pieces of one kind.
class Prompt {
 public:
  void mark(std::string_view text) { add(PromptPiece::Kind::words, text); }
  void text(std::string_view text) { add(PromptPiece::Kind::text, text); }
  std::vector<PromptPiece> take() { return std::move(pieces_); }

 private:
  void add(PromptPiece::Kind kind, std::string_view text) {
    if (text.empty()) return;
    if (pieces_.empty() || pieces_.back().kind != kind) pieces_.push_back({kind, {}});
    pieces_.back().text += text;
  }
  std::vector<PromptPiece> pieces_;
};

/// Writes the messages of one request.
class Writer {
 public:
  Writer(const MistralWords& words, const std::vector<dialects::Tool>& tools,
         std::string_view model)
      : words_(words), tools_(tools), model_(model) {}

  Result<std::vector<PromptPiece>> write(const std::vector<dialects::Message>& messages) {
    const auto asked = std::find_if(messages.rbegin(), messages.rend(), [](const auto& message) {
      return message.role == dialects::Role::user;
    });
    // Without a question: a number that no message has.
    last_question_ = static_cast<std::size_t>(messages.rend() - asked) - 1;
    if (!words_.has_system) TRY(collect_system(messages));
    bool are_told = false;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const bool is_system = role_of(messages[i]) == dialects::Role::system;
      if (!are_told && !is_system && (words_.tells_first || i == last_question_)) {
        tell();
        are_told = true;
      }
      TRY(write(messages[i], i));
    }
    if (!are_told) tell();
    if (asked == messages.rend() && !system_.empty()) question(system_);
    return prompt_.take();
  }

 private:
  static dialects::Role role_of(const dialects::Message& message) {
    return message.role == dialects::Role::developer ? dialects::Role::system : message.role;
  }

  void mark(std::string_view word) { prompt_.mark(fmt::format("{}{}", word, words_.space)); }

  void tell() {
    if (tools_.empty()) return;
    mark("[AVAILABLE_TOOLS]");
    json::Array all;
    for (const dialects::Tool& tool : tools_) all.push_back(described(tool));
    prompt_.text(spaced(all));
    prompt_.mark("[/AVAILABLE_TOOLS]");
  }

  void question(std::string_view text) {
    mark("[INST]");
    prompt_.text(text);
    prompt_.mark("[/INST]");
  }

  /// Without marks of its own a system prompt stands in the last question, as they learned it.
  Result<void> collect_system(const std::vector<dialects::Message>& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (role_of(messages[i]) != dialects::Role::system) continue;
      const std::string text = TRY(text_of(messages[i], fmt::format("messages[{}]", i), model_));
      system_ += (system_.empty() ? "" : "\n\n") + text;
    }
    return {};
  }

  Result<void> write(const dialects::Message& message, std::size_t at) {
    const std::string path = fmt::format("messages[{}]", at);
    const std::string text = TRY(text_of(message, path, model_));
    switch (role_of(message)) {
      case dialects::Role::tool: return result(message, text, path);
      case dialects::Role::assistant: return reply(message, text, path);
      case dialects::Role::user:
        question(at == last_question_ && !system_.empty() ? system_ + "\n\n" + text : text);
        return {};
      default: break;
    }
    if (!words_.has_system) return {};  // Collected.
    mark("[SYSTEM_PROMPT]");
    prompt_.text(text);
    prompt_.mark("[/SYSTEM_PROMPT]");
    return {};
  }

  Result<void> reply(const dialects::Message& message, const std::string& text,
                     const std::string& path) {
    if (!text.empty()) {
      prompt_.text(words_.space);
      prompt_.text(text);
    }
    const bool is_list = words_.calls == MistralWords::Calls::list;
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
      const dialects::ToolCall& call = message.tool_calls[i];
      TRY(check_arguments(call, path));
      const std::string arguments = call.arguments.empty() ? "{}" : call.arguments;
      const std::string& id = id_of(call);
      if (!is_list || i == 0) mark("[TOOL_CALLS]");
      if (is_list) {
        prompt_.text(fmt::format(R"({}{{"name": "{}", "arguments": {}, "id": "{}"}}{})",
                                 i == 0 ? "[" : ", ", call.name, arguments, id,
                                 i + 1 == message.tool_calls.size() ? "]" : ""));
        continue;
      }
      prompt_.text(call.name);
      if (words_.calls == MistralWords::Calls::marks_with_id) {
        prompt_.mark("[CALL_ID]");
        prompt_.text(id);
      }
      prompt_.mark("[ARGS]");
      prompt_.text(arguments);
    }
    prompt_.mark("</s>");
    return {};
  }

  Result<void> result(const dialects::Message& message, const std::string& text,
                      const std::string& path) {
    const auto known = std::find_if(ids_.begin(), ids_.end(), [&](const auto& one) {
      return one.first == message.tool_call_id;
    });
    if (known == ids_.end()) return no_such_call(message, path);
    mark("[TOOL_RESULTS]");
    switch (words_.results) {
      case MistralWords::Results::bare: prompt_.text(text); break;
      case MistralWords::Results::after_id:
        prompt_.text(known->second);
        mark("[TOOL_CONTENT]");
        prompt_.text(text);
        break;
      case MistralWords::Results::json:
        prompt_.text(fmt::format(R"({{"content": {}, "call_id": "{}"}})",
                                 json::parse(text) ? text : json::dump(json::Value(text)),
                                 known->second));
        break;
    }
    prompt_.mark("[/TOOL_RESULTS]");
    return {};
  }

  /// Callers' ids have other forms.
  const std::string& id_of(const dialects::ToolCall& call) {
    const std::string own =
        is_id(call.id) ? call.id : fmt::format("call{:05}", ids_.size() % 100000);
    return ids_.emplace_back(call.id, own).second;
  }

  const MistralWords& words_;
  const std::vector<dialects::Tool>& tools_;
  std::string_view model_;
  Prompt prompt_;
  std::size_t last_question_ = 0;
  std::string system_;                                    ///< Waits for its question.
  std::vector<std::pair<std::string, std::string>> ids_;  ///< The caller's and the model's.
};

}  // namespace

std::optional<MistralWords> MistralWords::of(std::string_view text) {
  const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (!has("[INST]") || !has("[TOOL_CALLS]") || !has("[AVAILABLE_TOOLS]")) return std::nullopt;
  MistralWords words;
  if (has("[ARGS]")) words.calls = has("[CALL_ID]") ? Calls::marks_with_id : Calls::marks;
  words.has_system = has("[SYSTEM_PROMPT]");
  words.tells_first = words.calls == Calls::marks;
  if (has("[TOOL_CONTENT]")) words.results = Results::after_id;
  if (words.calls == Calls::marks) words.results = Results::bare;
  if (has("[INST] ") || has("[TOOL_CALLS] ")) words.space = " ";
  return words;
}

Result<std::vector<PromptPiece>> MistralWords::prompt(const dialects::ChatRequest& request,
                                                      const std::vector<dialects::Tool>& tools,
                                                      std::string_view model) const {
  return Writer(*this, tools, model).write(request.messages);
}

}  // namespace slipway::models::detail
