#include "tools/detail/arguments.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "http/message.hpp"

namespace slipway::tools::detail {

namespace {

using agents::Outcome;
using agents::Value;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Whatever looks like a name of its own: a word that begins with a letter, outside of strings,
/// not behind a dot. A name too many does no harm.
std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  constexpr std::string_view words[] = {"true", "false", "null", "in"};
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"' || text[i] == '\'') {
      const char quote = text[i++];
      while (i < text.size() && text[i] != quote) i += text[i] == '\\' ? 2 : 1;
      ++i;
      continue;
    }
    if (!is_word(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && is_word(text[i])) ++i;
    const std::string word(text.substr(begin, i - begin));
    std::size_t before = begin;
    while (before > 0 && text[before - 1] == ' ') --before;
    const bool is_member = before > 0 && text[before - 1] == '.';
    const std::size_t after = std::min(text.find_first_not_of(' ', i), text.size());
    const bool is_function = after < text.size() && text[after] == '(';
    const bool is_number = word[0] >= '0' && word[0] <= '9';
    if (is_member || is_function || is_number) continue;
    if (std::find(std::begin(words), std::end(words), word) == std::end(words))
      add_names(names, {word});
  }
  return names;
}

/// The names within {{ }}.
std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = text.find("{{", at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find("}}", at), text.size());
    add_names(names, names_in(text.substr(at + 2, end - at - 2)));
    at = end;
  }
  return names;
}

}  // namespace

void add_names(std::vector<std::string>& to, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
}

Value parameters_of(const std::vector<std::string>& names) {
  Value properties = Value::map(), required = Value::list();
  for (const std::string& name : names) {
    properties.put(name, Value::map());
    required.push(name);
  }
  return Value::map({{"type", "object"},
                     {"properties", std::move(properties)},
                     {"required", std::move(required)}});
}

Result<ArgumentText> ArgumentText::compile(std::string_view text) {
  ArgumentText made;
  made.names_ = names_of(text);
  agents::Names names;
  for (const std::string& name : made.names_) (void)names.add_local(name);
  made.template_ = TRY(agents::Template::compile(text, names));
  return made;
}

std::vector<const Value*> ArgumentText::locals_of(const Value& args) const {
  std::vector<const Value*> locals;
  for (const std::string& name : names_) locals.push_back(&args.at(name));
  return locals;
}

Outcome<Value> ArgumentText::evaluate(const Value& args) const {
  const std::vector<const Value*> locals = locals_of(args);
  return template_.evaluate({.locals = locals});
}

Outcome<std::string> ArgumentText::write(const Value& args, Encoding encoding) const {
  const std::vector<const Value*> locals = locals_of(args);
  const agents::Inputs inputs{.locals = locals};
  if (encoding == Encoding::none || template_.is_single()) return template_.write(inputs);
  std::string out;
  for (const agents::Template::Piece& piece : template_.pieces()) {
    if (!piece.expression) {
      out += piece.text;
      continue;
    }
    const Value value = SLIPWAY_GET(piece.expression.evaluate(inputs));
    out += http::percent_encode(agents::in_words(value));
  }
  return out;
}

Result<ArgumentForm> ArgumentForm::compile(const Value& value) {
  ArgumentForm form;
  TRY(form.read(value));
  return form;
}

Result<void> ArgumentForm::read(const Value& value) {
  if (value.is_text()) {
    text_.push_back(TRY(ArgumentText::compile(value.text())));
    names_ = text_.front().names();
  } else if (value.is_list()) {
    is_list_ = true;
    for (const Value& item : value.items()) items_.push_back(TRY(compile(item)));
  } else if (value.is_map()) {
    is_map_ = true;
    for (const auto& [key, item] : value.entries().items) {
      keys_.push_back(key);
      items_.push_back(TRY(compile(item)));
    }
  } else {
    constant_ = value;
  }
  for (const ArgumentForm& item : items_) add_names(names_, item.names_);
  return {};
}

Outcome<Value> ArgumentForm::evaluate(const Value& args) const {
  if (!text_.empty()) return text_.front().evaluate(args);
  if (!is_list_ && !is_map_) return constant_;
  Value made = is_list_ ? Value::list() : Value::map();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Value item = SLIPWAY_GET(items_[i].evaluate(args));
    if (is_list_)
      made.push(std::move(item));
    else
      made.put(keys_[i], std::move(item));
  }
  return made;
}

}  // namespace slipway::tools::detail
