#include "models/detail/tokenizer_file.hpp"

#include <map>

namespace slipway::models::detail {

namespace {

struct AddedTokenFile {
  std::string content;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = true;
};
BOOST_DESCRIBE_STRUCT(AddedTokenFile, (), (content, single_word, lstrip, rstrip, normalized))

}  // namespace

const json::Value* member_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

Result<FoundTokens> read_added_tokens(const json::Object& file, AddedTokenRules rules) {
  FoundTokens found;
  const json::Value* value = member_of(file, "added_tokens");
  if (!value) return found;
  std::map<std::string, std::pair<AddedToken, bool>> tokens;
  for (auto& entry : TRY(read_part<std::vector<AddedTokenFile>>(*value, "$.added_tokens"))) {
    if (entry.content.empty()) continue;
    TokenId id = rules.find(entry.content);
    if (const auto known = tokens.find(entry.content); known != tokens.end())
      id = known->second.first.id;
    else if (id < 0)
      id = rules.next_id++;
    found.id_max = std::max(found.id_max, id);
    AddedToken token{entry.content, id, entry.single_word, entry.lstrip, entry.rstrip};
    if (entry.normalized) {
      token.content = rules.normalize(entry.content);
      if (token.content.empty())
        return fail(Code::invalid_argument,
                    "$.added_tokens: nothing is left of \"{}\" once it is normalised",
                    entry.content);
    }
    tokens.insert_or_assign(entry.content, std::pair(std::move(token), entry.normalized));
  }
  std::vector<AddedToken> raw, normalized;
  for (auto& [content, token] : tokens)
    (token.second ? normalized : raw).push_back(std::move(token.first));
  found.raw = AddedTokens(std::move(raw));
  found.normalized = AddedTokens(std::move(normalized));
  return found;
}

Result<TokenId> read_named_id(const json::Object& post_processor, std::string_view key) {
  const std::string path = fmt::format("$.post_processor.{}", key);
  const json::Value* value = member_of(post_processor, key);
  if (!value || !value->is_array() || value->get_array().size() != 2)
    return json::detail::expected(path, "a token and its id", value ? *value : json::Value());
  return read_part<TokenId>(value->get_array()[1], path + "[1]");
}

}  // namespace slipway::models::detail
