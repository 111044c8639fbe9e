// What all readers of tokenizer.json share.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "models/detail/added_tokens.hpp"

namespace slipway::models::detail {

/// ONNX models take 64-bit ids; a real vocabulary has well below a million.
inline constexpr TokenId token_id_limit = 0x7FFFFFFF;

/// A part of a tokenizer.json, tolerantly: `path` is for messages.
template <typename T>
Result<T> read_part(const json::Value& value, std::string_view path) {
  return json::detail::read<T>(value, std::string(path), json::Policy::ignore_unknown);
}

/// Null when the member is missing or null.
const json::Value* member_of(const json::Object& object, std::string_view key);

struct AddedTokenRules {
  std::function<TokenId(std::string_view)> find;           ///< -1: not in the vocabulary.
  std::function<std::string(std::string_view)> normalize;  ///< As texts are.
  TokenId next_id = 0;                                     ///< Of tokens not in the vocabulary.
};

struct FoundTokens {
  AddedTokens raw;         ///< Looked for in the text as it is.
  AddedTokens normalized;  ///< Looked for in the normalised text.
  TokenId id_max = 0;
};

/// `$.added_tokens`. Ids are as the library gives them: the vocabulary's if it has the token, else
/// the next number after the vocabulary; what the file says is not looked at.
Result<FoundTokens> read_added_tokens(const json::Object& file, AddedTokenRules rules);

/// `["[SEP]", 102]`, a member of `$.post_processor`.
Result<TokenId> read_named_id(const json::Object& post_processor, std::string_view key);

}  // namespace slipway::models::detail
