// From messages to the tokens that the model reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/chat_model.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// A message as a template takes it: some have roles that `Role` has not.
struct Turn {
  std::string role;
  std::string content;
};
std::vector<Turn> turns_of(const std::vector<Message>& messages);

/// A part of a prompt that is written whole, without the template.
struct PromptPiece {
  enum class Kind {
    words,  ///< Of the format: the model's control tokens are read in it.
    text,   ///< Whatever it looks like.
  };
  Kind kind = Kind::text;
  std::string text;
};

/// The chat template and the vocabulary of one model, which must outlive it.
/// Immutable.
class LlamaPrompt {
 public:
  /// Fails: unsupported when llama.cpp does not know the template, naming it.
  static Result<LlamaPrompt> open(const llama_model& model, std::string_view model_name);

  Result<std::string> render(const std::vector<Turn>& turns) const;
  /// The tokens of `render`. What stands in a message is text: words that look
  /// like the model's control tokens stay words, so a document cannot open a
  /// new turn.
  Result<std::vector<Token>> tokenize(const std::vector<Turn>& turns) const;
  std::vector<Token> tokenize(const std::vector<PromptPiece>& pieces) const;

  /// The control token that is written so.
  std::optional<Token> control_token(std::string_view word) const;
  std::vector<Token> tokens_of_text(std::string_view text) const;
  const std::string& chat_template() const { return template_; }

 private:
  LlamaPrompt(const llama_vocab* vocabulary, std::string chat_template)
      : vocabulary_(vocabulary), template_(std::move(chat_template)) {}

  enum class Control { is_text, is_token };
  enum class Start { no, yes };
  void append_tokens(std::string_view text, Control control, Start start,
                     std::vector<Token>& tokens) const;
  bool has_control_word(std::string_view text) const;
  Result<std::vector<Token>> tokenize_apart(const std::vector<Turn>& turns) const;

  const llama_vocab* vocabulary_;
  std::string template_;
  std::vector<std::string> control_words_;
};

}  // namespace slipway::models::detail
