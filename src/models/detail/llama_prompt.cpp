// Why two ways to tokenize: the whole rendered prompt at once gives the tokens
// that the model was trained on (pieces may join across the seam of template
// and message). But then "<|im_end|>" inside a message becomes the token that
// ends a turn. So messages that hold a control word are tokenized apart from
// the template, as plain text; all others, that is nearly always, at once.
#include "models/detail/llama_prompt.hpp"

#include <llama.h>

#include <algorithm>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t template_excerpt_bytes = 120;

std::string excerpt(std::string_view text) {
  text =
      text.substr(0, unicode::floor_boundary(text, std::min(text.size(), template_excerpt_bytes)));
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::vector<std::string> control_words_of(const llama_vocab* vocabulary) {
  std::vector<std::string> words;
  const int count = llama_vocab_n_tokens(vocabulary);
  for (Token token = 0; token < count; ++token) {
    if (!llama_vocab_is_control(vocabulary, token) && !llama_vocab_is_eog(vocabulary, token))
      continue;
    const char* text = llama_vocab_get_text(vocabulary, token);
    if (text != nullptr && *text != '\0') words.emplace_back(text);
  }
  return words;
}

/// Stands for a message while the template is applied.
std::string placeholder(std::size_t index, std::uint64_t nonce) {
  return fmt::format("slot{}of{:016x}end", index, nonce);
}

}  // namespace

Result<LlamaPrompt> LlamaPrompt::open(const llama_model& model, std::string_view model_name) {
  const char* text = llama_model_chat_template(&model, nullptr);
  if (text == nullptr || *text == '\0') {
    log::warning("model '{}' has no chat template; its messages are written as ChatML", model_name);
    text = "chatml";
  }
  const llama_vocab* vocabulary = llama_model_get_vocab(&model);
  LlamaPrompt prompt(vocabulary, text);
  if (!prompt.render({{"user", "x"}}))
    return fail(Code::unsupported, "model '{}' has a chat template that is not known here: {}",
                model_name, excerpt(text));
  prompt.control_words_ = control_words_of(vocabulary);
  return prompt;
}

std::vector<Turn> turns_of(const std::vector<Message>& messages) {
  std::vector<Turn> turns;
  for (const Message& message : messages)
    turns.push_back({std::string(json::name(message.role)), message.content});
  return turns;
}

Result<std::string> LlamaPrompt::render(const std::vector<Turn>& turns) const {
  std::vector<llama_chat_message> chat;
  std::size_t bytes = 256;
  for (const Turn& turn : turns) {
    chat.push_back({turn.role.c_str(), turn.content.c_str()});
    bytes += 2 * turn.content.size() + 64;
  }
  std::string buffer(bytes, '\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    const int size =
        llama_chat_apply_template(template_.c_str(), chat.data(), chat.size(), true, buffer.data(),
                                  static_cast<std::int32_t>(buffer.size()));
    if (size < 0) break;
    const bool fits = static_cast<std::size_t>(size) <= buffer.size();
    buffer.resize(static_cast<std::size_t>(size));
    if (fits) return buffer;
  }
  return fail(Code::unsupported, "the chat template cannot be applied: {}", excerpt(template_));
}

Result<std::vector<Token>> LlamaPrompt::tokenize(const std::vector<Turn>& turns) const {
  if (std::any_of(turns.begin(), turns.end(),
                  [&](const Turn& turn) { return has_control_word(turn.content); }))
    return tokenize_apart(turns);
  std::vector<Token> tokens;
  append_tokens(TRY(render(turns)), Control::is_token, Start::yes, tokens);
  return tokens;
}

std::vector<Token> LlamaPrompt::tokenize(const std::vector<PromptPiece>& pieces) const {
  const bool is_apart = std::any_of(pieces.begin(), pieces.end(), [&](const PromptPiece& piece) {
    return piece.kind == PromptPiece::Kind::text && has_control_word(piece.text);
  });
  std::vector<Token> tokens;
  std::string whole;
  for (const PromptPiece& piece : pieces) {
    if (!is_apart) {
      whole += piece.text;
      continue;
    }
    append_tokens(piece.text,
                  piece.kind == PromptPiece::Kind::words ? Control::is_token : Control::is_text,
                  tokens.empty() ? Start::yes : Start::no, tokens);
  }
  if (!is_apart) append_tokens(whole, Control::is_token, Start::yes, tokens);
  return tokens;
}

std::optional<Token> LlamaPrompt::control_token(std::string_view word) const {
  std::vector<Token> tokens;
  append_tokens(word, Control::is_token, Start::no, tokens);
  if (tokens.size() != 1 || !llama_vocab_is_control(vocabulary_, tokens[0])) return std::nullopt;
  return tokens[0];
}

bool LlamaPrompt::has_control_word(std::string_view text) const {
  return std::any_of(control_words_.begin(), control_words_.end(), [&](const std::string& word) {
    return text.find(word) != std::string_view::npos;
  });
}

Result<std::vector<Token>> LlamaPrompt::tokenize_apart(const std::vector<Turn>& turns) const {
  const std::uint64_t nonce = system_random().next();
  std::vector<Turn> stand_ins = turns;
  for (std::size_t i = 0; i < turns.size(); ++i) stand_ins[i].content = placeholder(i, nonce);
  const std::string prompt = TRY(render(stand_ins));
  std::vector<Token> tokens;
  std::size_t at = 0;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const std::string& stand_in = stand_ins[i].content;
    const std::size_t found = prompt.find(stand_in, at);
    if (found == std::string::npos)
      return fail(Code::unsupported, "the chat template drops or reorders messages");
    append_tokens(std::string_view(prompt).substr(at, found - at), Control::is_token,
                  at == 0 ? Start::yes : Start::no, tokens);
    append_tokens(turns[i].content, Control::is_text, Start::no, tokens);
    at = found + stand_in.size();
  }
  append_tokens(std::string_view(prompt).substr(at), Control::is_token, Start::no, tokens);
  return tokens;
}

std::vector<Token> LlamaPrompt::tokens_of_text(std::string_view text) const {
  std::vector<Token> tokens;
  append_tokens(text, Control::is_text, Start::no, tokens);
  return tokens;
}

void LlamaPrompt::append_tokens(std::string_view text, Control control, Start start,
                                std::vector<Token>& tokens) const {
  if (text.empty() && start == Start::no) return;
  const std::size_t before = tokens.size();
  std::size_t room = text.size() + 8;  // A token has at least one byte; BOS and EOS may be added.
  for (int attempt = 0; attempt < 2; ++attempt) {
    tokens.resize(before + room);
    const std::int32_t count = llama_tokenize(
        vocabulary_, text.data(), static_cast<std::int32_t>(text.size()), tokens.data() + before,
        static_cast<std::int32_t>(room), start == Start::yes, control == Control::is_token);
    room = static_cast<std::size_t>(std::abs(count));
    if (count >= 0)
      break;  // A few vocabularies make more tokens than bytes; then `-count`
              // fit.
  }
  tokens.resize(before + room);
}

}  // namespace slipway::models::detail
