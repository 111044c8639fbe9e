// From messages to the tokens that the model reads.
#pragma once

#include <string>
#include <vector>

#include "models/chat_model.hpp"
#include "models/detail/llama_runtime.hpp"

namespace slipway::models::detail {

/// The chat template and the vocabulary of one model, which must outlive it. Immutable.
class LlamaPrompt {
 public:
  /// Fails: unsupported when llama.cpp does not know the template, naming it.
  static Result<LlamaPrompt> open(const llama_model& model, std::string_view model_name);

  Result<std::string> render(const ChatRequest& request) const;
  /// The tokens of `render`. What stands in a message is text: words that look like the model's
  /// control tokens stay words, so a document cannot open a new turn.
  Result<std::vector<Token>> tokenize(const ChatRequest& request) const;

  std::vector<Token> tokens_of_text(std::string_view text) const;
  /// The bytes of a token; nothing for control tokens.
  std::string bytes_of(Token token) const;

 private:
  LlamaPrompt(const llama_vocab* vocabulary, std::string chat_template)
      : vocabulary_(vocabulary), template_(std::move(chat_template)) {}

  enum class Control { is_text, is_token };
  enum class Start { no, yes };
  void append_tokens(std::string_view text, Control control, Start start,
                     std::vector<Token>& tokens) const;
  Result<std::string> apply(const std::vector<Message>& messages) const;
  bool has_control_words(const std::vector<Message>& messages) const;
  Result<std::vector<Token>> tokenize_apart(const std::vector<Message>& messages) const;

  const llama_vocab* vocabulary_;
  std::string template_;
  std::vector<std::string> control_words_;
};

}  // namespace slipway::models::detail
