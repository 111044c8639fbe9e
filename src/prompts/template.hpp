// A prompt as it is written: messages with variables, in one of two syntaxes.
//
//   f-string:  "You are {role}."               braces are doubled: {{ }}
//   mustache:  "You are {{role}}. {{#docs}}- {{title}}{{/docs}}"
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::prompts {

enum class Syntax { fstring, mustache };
/// "f-string", "mustache". Fails: invalid_argument.
Result<Syntax> parse_syntax(const std::string& name);
std::string_view name(Syntax syntax);

struct Message {
  std::string role;          ///< "system", "user", "assistant", "tool" or another.
  std::string content;       ///< With variables.
  std::string placeholder;   ///< Not empty: a variable that is a list of messages stands here.
  bool is_optional = false;  ///< Of a placeholder.
};

struct Template {
  Syntax syntax = Syntax::fstring;
  std::vector<Message> messages;
  std::string model;        ///< That it is meant for; may be empty.
  json::Object parameters;  ///< "temperature", "max_tokens" ...: for the call, if it names none.
};

struct Variable {
  std::string name;
  bool is_required = true;
  bool is_list = false;  ///< Of messages, or what a section of mustache goes through.
};

/// {"messages": [{"role","content"} | {"placeholder","optional"}], "syntax"?, "model"?,
/// "parameters"?} or, in the place of `messages`, {"text": "..."} for one message of the user.
/// At most 1000 messages and 1 MiB. Fails: invalid_argument naming the place, also where a variable
/// is not closed.
Result<Template> read_template(const json::Value& value);
json::Object template_json(const Template& written);

/// In the order in which they first appear. Fails: as `read_template`.
Result<std::vector<Variable>> variables_of(const Template& written);

/// The messages with every variable in its place: [{"role","content"}]. Texts stand as they are,
/// other values as JSON; nothing is escaped, since no browser reads it.
/// Fails: invalid_argument naming a variable that is missing, or one that the prompt has not.
Result<json::Array> render(const Template& written, const json::Object& variables);

/// The object in which LangChain keeps prompts ({"lc", "type", "id", "kwargs"}), and back.
json::Object manifest_of(const Template& written);
/// Fails: invalid_argument (it is no such object), unsupported (a kind of prompt that has no
/// messages of text).
Result<Template> template_of_manifest(const json::Object& manifest);
/// "Manifest must have an id field" and the like, as LangSmith's clients know them.
Result<void> check_manifest(const json::Object& manifest);

}  // namespace slipway::prompts
