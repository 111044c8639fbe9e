// Calls of tools in the words that a model was trained on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/detail/llama_prompt.hpp"

namespace slipway::models::detail {

/// How a family of models is told its tools, calls them, and is told what they
/// gave. A value.
class ToolFormat {
 public:
  /// Known by words of the chat template: Hermes and Qwen (<tool_call>), Llama
  /// 3 (JSON). Nothing when the template has no tools, or has them in a way
  /// that is not known here.
  static std::optional<ToolFormat> of(std::string_view chat_template);

  /// The messages with the tools told, calls and results in the model's words.
  /// Fails: as `text_of`; invalid_argument (a result without its call,
  /// arguments that are no JSON object).
  Result<std::vector<Turn>> turns(const dialects::ChatRequest& request,
                                  std::string_view model) const;

  /// A reply is a text, or calls whose arguments are valid under their tools'
  /// schemas, or a text and then calls, as `tool_choice` says; a text is one of
  /// `response_format`. Fails: as `schema_rule`; unsupported (a tool's name).
  /// The schema of a tool that is not strict, when no grammar keeps it, counts
  /// as any object.
  Result<std::string> grammar(const dialects::ChatRequest& request) const;

  // What stands around calls: begin, then for each `{"name": "NAME", "KEY":
  // {...}}`.
  std::string begin;    ///< Before the first; empty: a call is the whole reply.
  std::string between;  ///< Empty: only one.
  std::string end;
  std::string key;  ///< Of the arguments.

 private:
  enum class Family { hermes, llama3 };
  std::string told(const std::vector<dialects::Tool>& tools) const;
  std::string written(const dialects::ToolCall& call) const;

  Family family_ = Family::hermes;
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
