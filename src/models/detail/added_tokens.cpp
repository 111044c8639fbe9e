#include "models/detail/added_tokens.hpp"

#include <algorithm>

#include "core/unicode.hpp"
#include "models/detail/bert_text.hpp"

namespace slipway::models::detail {

namespace {

unsigned char first_byte(const AddedToken& token) {
  return static_cast<unsigned char>(token.content[0]);
}

/// Where the code point before `at` starts.
std::size_t previous(std::string_view text, std::size_t at) {
  return unicode::floor_boundary(text, at - 1);
}

bool word_ends(std::string_view text, std::size_t at) {
  return at > 0 && is_word_character(unicode::decode(text, previous(text, at)).code_point);
}

bool word_starts(std::string_view text, std::size_t at) {
  return at < text.size() && is_word_character(unicode::decode(text, at).code_point);
}

std::size_t space_before(std::string_view text, std::size_t at) {
  while (at > 0) {
    const std::size_t start = previous(text, at);
    if (!is_white_space(unicode::decode(text, start).code_point)) break;
    at = start;
  }
  return at;
}

std::size_t space_after(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    if (!is_white_space(decoded.code_point)) break;
    at += decoded.bytes;
  }
  return at;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    if (first_byte(a) != first_byte(b)) return first_byte(a) < first_byte(b);
    return a.content.size() > b.content.size();
  });
  for (const AddedToken& token : tokens_) ++begins_[first_byte(token) + 1u];
  for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
}

const AddedToken* AddedTokens::match(std::string_view text, std::size_t at) const {
  const auto byte = static_cast<unsigned char>(text[at]);
  for (std::size_t i = begins_[byte]; i < begins_[byte + 1u]; ++i)
    if (text.substr(at).starts_with(tokens_[i].content)) return &tokens_[i];
  return nullptr;
}

std::vector<Part> AddedTokens::split(std::string_view text) const {
  std::vector<Part> parts;
  std::size_t done = 0;
  const auto plain_until = [&](std::size_t end) {
    if (done < end) parts.push_back({text.substr(done, end - done), std::nullopt});
  };
  for (std::size_t at = 0; at < text.size() && !tokens_.empty();) {
    const AddedToken* token = match(text, at);
    if (!token) {
      ++at;
      continue;
    }
    std::size_t start = at;
    std::size_t stop = at += token->content.size();
    if (token->single_word && (word_ends(text, start) || word_starts(text, stop))) continue;
    // White space that an earlier token took is not taken again.
    if (token->lstrip) start = std::max(space_before(text, start), done);
    if (token->rstrip) stop = space_after(text, stop);
    plain_until(start);
    parts.push_back({text.substr(start, stop - start), token->id});
    done = stop;
  }
  plain_until(text.size());
  return parts;
}

}  // namespace slipway::models::detail
