// Calls of tools in the words that a model was trained on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/detail/llama_mistral.hpp"
#include "models/detail/llama_prompt.hpp"

namespace slipway::models::detail {

/// A tool as all templates show it, and JSON as they write it: spaces after ':' and ','.
json::Value described(const dialects::Tool& tool);
std::string spaced(const json::Value& value);
/// Fails: invalid_argument (no JSON object); `path` is the message's.
Result<void> check_arguments(const dialects::ToolCall& call, const std::string& path);
/// The failure of a result whose call is not before it.
Error no_such_call(const dialects::Message& message, const std::string& path);

/// How a family of models is told its tools, calls them, and is told what they
/// gave. A value.
class ToolFormat {
 public:
  /// Known by words of the chat template: Hermes and Qwen (<tool_call>), Llama
  /// 3 (JSON), Mistral ([TOOL_CALLS]). Nothing when the template has no tools,
  /// or has them in a way that is not known here.
  static std::optional<ToolFormat> of(std::string_view chat_template);

  /// The prompt, with the tools told, calls and results in the model's words.
  /// Fails: as `text_of`; invalid_argument (a result without its call,
  /// arguments that are no JSON object).
  Result<std::vector<Token>> tokenize(const LlamaPrompt& prompt,
                                      const dialects::ChatRequest& request,
                                      std::string_view model) const;
  /// The same before it is tokens; not for Mistral, which writes no turns.
  Result<std::vector<Turn>> turns(const dialects::ChatRequest& request,
                                  std::string_view model) const;

  /// A reply is a text, or calls whose arguments are valid under their tools'
  /// schemas, or a text and then calls, as `tool_choice` says; a text is one of
  /// `response_format`. Fails: as `schema_rule`; unsupported (a tool's name).
  /// The schema of a tool that is not strict, when no grammar keeps it, counts
  /// as any object.
  Result<std::string> grammar(const dialects::ChatRequest& request) const;

  /// What may stand around calls as control tokens.
  std::vector<std::string> marks() const;

  // A reply with calls: `begin`, calls with `between` between them, `end`. A
  // call: `open`, its name, perhaps `id_mark` and an id, `middle`, its
  // arguments, `close`.
  std::string begin;    ///< Empty: a call is the whole reply.
  std::string between;  ///< Empty: only one.
  std::string end;
  std::string open;     ///< May be empty, and then `between` is not.
  std::string id_mark;  ///< Empty: the model gives no ids.
  std::string middle;
  std::string close;

 private:
  enum class Family { hermes, llama3, mistral };
  static ToolFormat of(const MistralWords& words);
  std::string told(const std::vector<dialects::Tool>& tools) const;
  std::string written(const dialects::ToolCall& call) const;
  std::string call_rule(const std::string& name, const std::string& arguments) const;

  Family family_ = Family::hermes;
  std::optional<MistralWords> mistral_;
};

/// Tells text and calls apart in one reply as it comes. Without a format all is
/// text.
class ToolReader {
 public:
  ToolReader(std::optional<ToolFormat> format, std::size_t choice);

  std::vector<dialects::ChatEvent> read(std::string_view text,
                                        std::vector<dialects::TokenLogprob> logprobs);
  /// What was held back, and the end: `tool_calls` when there was a call and
  /// the model had ended.
  std::vector<dialects::ChatEvent> finish(dialects::ChatEvent end);

 private:
  enum class State { text, name, arguments, after };
  bool step(std::vector<dialects::ChatEvent>& events);
  bool read_text(std::vector<dialects::ChatEvent>& events);
  bool read_name(std::vector<dialects::ChatEvent>& events);
  bool read_arguments(std::vector<dialects::ChatEvent>& events);
  void say(std::string text, std::vector<dialects::ChatEvent>& events);
  dialects::ChatEvent event(dialects::EventKind kind) const;

  std::optional<ToolFormat> format_;
  std::size_t choice_;
  State state_ = State::text;
  std::string held_;
  std::vector<dialects::TokenLogprob> logprobs_;
  bool has_text_ = false;
  std::size_t calls_ = 0;
  int depth_ = 0;
  bool is_in_string_ = false;
  bool is_escaped_ = false;
};

}  // namespace slipway::models::detail
