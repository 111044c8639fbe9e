// Reads the files of CLIP tokenizers. The steps of a tokenizer.json are compared with the ones that
// are built in: what differs would give other ids, so it is refused.
#include <algorithm>
#include <set>

#include "core/unicode.hpp"
#include "models/detail/clip_tokenizer.hpp"
#include "models/detail/tokenizer_file.hpp"

namespace slipway::models::detail {

namespace {

struct ModelFile {
  std::string type;
  std::optional<double> dropout;
  std::optional<std::string> unk_token;
  std::optional<std::string> continuing_subword_prefix;
  std::optional<std::string> end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};
BOOST_DESCRIBE_STRUCT(ModelFile, (),
                      (type, dropout, unk_token, continuing_subword_prefix, end_of_word_suffix,
                       fuse_unk, byte_fallback, ignore_merges))

constexpr std::string_view normalizer_steps = R"([
  {"type": "NFC"},
  {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
  {"type": "Lowercase"}])";
constexpr std::string_view pattern = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
constexpr std::string_view pattern_of_literals = R"(<\|startoftext\|>|<\|endoftext\|>|)";
constexpr std::string_view start_token = "<|startoftext|>";
constexpr std::string_view end_token = "<|endoftext|>";
/// What CLIP reads of merges.txt after its first line: 49152 tokens less two of each byte and two
/// special ones.
constexpr std::size_t merges_max = 49152 - 256 - 2;

Error not_clip(std::string_view path, std::string_view wanted) {
  return fail(Code::invalid_argument,
              "{}: is not {}; only the tokenizer of CLIP is supported beside a vision model", path,
              wanted);
}

/// The member `name` of `object` is the string.
bool is_text(const json::Object& object, std::string_view name, std::string_view text) {
  const json::Value* value = member_of(object, name);
  return value && value->is_string() && std::string_view(value->get_string()) == text;
}

Result<void> check_normalizer(const json::Object& file) {
  const json::Value* value = member_of(file, "normalizer");
  const json::Object* object = value ? value->if_object() : nullptr;
  const json::Value* steps = object ? member_of(*object, "normalizers") : nullptr;
  if (steps && is_text(*object, "type", "Sequence") && *steps == TRY(json::parse(normalizer_steps)))
    return {};
  return not_clip("$.normalizer", "the sequence NFC, Replace \\s+, Lowercase");
}

/// Whether the pattern names the special tokens too, as that of OpenAI's own files does.
Result<bool> read_pre_tokenizer(const json::Object& file) {
  constexpr std::string_view path = "$.pre_tokenizer";
  const Error wrong = not_clip(path, "the sequence of CLIP's Split and ByteLevel");
  const json::Value* value = member_of(file, "pre_tokenizer");
  const json::Object* object = value ? value->if_object() : nullptr;
  const json::Value* list = object ? member_of(*object, "pretokenizers") : nullptr;
  if (!list || !list->is_array() || list->get_array().size() != 2) return wrong;
  const json::Object* split = list->get_array()[0].if_object();
  const json::Object* bytes = list->get_array()[1].if_object();
  if (!split || !bytes || !is_text(*split, "type", "Split") ||
      !is_text(*split, "behavior", "Removed") || !is_text(*bytes, "type", "ByteLevel"))
    return wrong;
  const json::Value* invert = member_of(*split, "invert");
  const json::Value* space = member_of(*bytes, "add_prefix_space");
  const json::Value* again = member_of(*bytes, "use_regex");
  if (!invert || *invert != json::Value(true) || !space || *space != json::Value(false) ||
      (again && *again != json::Value(true)))
    return wrong;
  const json::Value* expression = member_of(*split, "pattern");
  const json::Object* regex = expression ? expression->if_object() : nullptr;
  if (regex && is_text(*regex, "Regex", pattern)) return false;
  if (regex && is_text(*regex, "Regex", std::string(pattern_of_literals).append(pattern)))
    return true;
  return wrong;
}

using Words = std::unordered_map<std::string_view, TokenId>;

/// The keys are views into `entries`.
Result<Words> read_words(const json::Object& entries, std::string_view path) {
  if (entries.empty()) return fail(Code::invalid_argument, "{}: is empty", path);
  Words words;
  words.reserve(entries.size());
  for (const auto& [token, value] : entries) {
    boost::system::error_code error;
    const auto id = value.is_number() ? value.to_number<TokenId>(error) : -1;
    if (error || id < 0 || id > token_id_limit)
      return json::detail::expected(fmt::format("{}[\"{}\"]", path, std::string_view(token)),
                                    "an id", value);
    words.emplace(token, id);
  }
  return words;
}

TokenId find(const Words& words, std::string_view token) {
  const auto found = words.find(token);
  return found == words.end() ? -1 : found->second;
}

TokenId largest(const Words& words) {
  TokenId id_max = 0;
  for (const auto& [token, id] : words) id_max = std::max(id_max, id);
  return id_max;
}

/// "a b" or, in newer files, ["a", "b"].
Result<std::pair<std::string, std::string>> read_merge(const json::Value& value,
                                                       const std::string& path) {
  if (value.is_array()) {
    auto pair = TRY(read_part<std::vector<std::string>>(value, path));
    if (pair.size() == 2) return std::pair(std::move(pair[0]), std::move(pair[1]));
  } else if (value.is_string()) {
    const std::string_view text = value.get_string();
    const std::size_t blank = text.find(' ');
    if (blank != text.npos && text.find(' ', blank + 1) == text.npos)
      return std::pair(std::string(text.substr(0, blank)), std::string(text.substr(blank + 1)));
  }
  return json::detail::expected(path, "two tokens", value);
}

Result<BytePairs::Merges> read_merges(const json::Object& model) {
  const json::Value* value = member_of(model, "merges");
  if (!value || !value->is_array())
    return json::detail::expected("$.model.merges", "an array", value ? *value : json::Value());
  BytePairs::Merges merges;
  merges.reserve(value->get_array().size());
  for (const json::Value& item : value->get_array())
    merges.push_back(TRY(read_merge(item, fmt::format("$.model.merges[{}]", merges.size()))));
  return merges;
}

Result<void> check_model(const ModelFile& model) {
  if (model.type != "BPE") return not_clip("$.model.type", "\"BPE\"");
  if (model.dropout.value_or(0) != 0) return not_clip("$.model.dropout", "null");
  if (!model.continuing_subword_prefix.value_or("").empty())
    return not_clip("$.model.continuing_subword_prefix", "empty");
  if (model.fuse_unk) return not_clip("$.model.fuse_unk", "false");
  if (model.byte_fallback) return not_clip("$.model.byte_fallback", "false");
  if (model.ignore_merges) return not_clip("$.model.ignore_merges", "false");
  return {};
}

Result<void> read_specials(const json::Object& file, ClipTokenizer::Parts& parts) {
  const json::Value* value = member_of(file, "post_processor");
  const json::Object* object = value ? value->if_object() : nullptr;
  if (!object || (!is_text(*object, "type", "RobertaProcessing") &&
                  !is_text(*object, "type", "BertProcessing")))
    return not_clip("$.post_processor.type", "\"RobertaProcessing\"");
  parts.before = TRY(read_named_id(*object, "cls"));
  parts.after = TRY(read_named_id(*object, "sep"));
  for (const TokenId id : {parts.before, parts.after})
    if (id < 0 || id > token_id_limit)
      return fail(Code::invalid_argument, "$.post_processor: {} is no token id", id);
  parts.id_max = std::max({parts.id_max, parts.before, parts.after});
  return {};
}

/// Lines "a b" after the first, which tells a version.
BytePairs::Merges merges_of(std::string_view text) {
  text = unicode::trim(text);
  text.remove_prefix(std::min(text.find('\n'), text.size()));
  BytePairs::Merges merges;
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t line = 0; !text.empty() && line < merges_max; ++line) {
    text.remove_prefix(1);
    const std::string_view words = unicode::trim(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size()));
    const std::size_t blank = words.find(' ');
    std::pair merge(std::string(words.substr(0, blank)),
                    std::string(blank == words.npos ? "" : unicode::trim(words.substr(blank))));
    if (seen.insert(merge).second) merges.push_back(std::move(merge));
  }
  return merges;
}

}  // namespace

Result<ClipTokenizer> ClipTokenizer::parse(std::string_view tokenizer_json) {
  const json::Value value = TRY(json::parse(tokenizer_json));
  const json::Object* file = value.if_object();
  if (!file) return json::detail::expected("$", "an object", value);
  const json::Value* model_value = member_of(*file, "model");
  if (!model_value) return fail(Code::invalid_argument, "$.model: is required");
  const auto model = TRY(read_part<ModelFile>(*model_value, "$.model"));
  TRY(check_model(model));
  TRY(check_normalizer(*file));
  const bool has_literals = TRY(read_pre_tokenizer(*file));
  const json::Object& object = model_value->get_object();
  const json::Value* vocab = member_of(object, "vocab");
  if (!vocab || !vocab->is_object())
    return json::detail::expected("$.model.vocab", "an object", vocab ? *vocab : json::Value());
  const Words words = TRY(read_words(vocab->get_object(), "$.model.vocab"));
  BytePairs::Options options;
  options.find = [&](std::string_view token) { return find(words, token); };
  options.end_of_word = model.end_of_word_suffix.value_or("");
  if (model.unk_token) {
    options.unknown = find(words, *model.unk_token);
    if (options.unknown < 0)
      return fail(Code::invalid_argument, "$.model.unk_token: \"{}\" is not in the vocabulary",
                  *model.unk_token);
  }
  Parts parts{.pairs =
                  TRY(BytePairs::make(options, TRY(read_merges(object))).within("$.model.merges"))};
  parts.has_literals = has_literals;
  auto added = TRY(read_added_tokens(
      *file, {options.find, &ClipTokenizer::normalize, static_cast<TokenId>(words.size())}));
  parts.raw_tokens = std::move(added.raw);
  parts.normalized_tokens = std::move(added.normalized);
  parts.id_max = std::max(largest(words), added.id_max);
  TRY(read_specials(*file, parts));
  return ClipTokenizer(std::move(parts));
}

Result<ClipTokenizer> ClipTokenizer::parse(std::string_view vocab_json,
                                           std::string_view merges_txt) {
  const json::Value value = TRY(json::parse(vocab_json).within("vocab.json"));
  if (!value.is_object()) return json::detail::expected("vocab.json: $", "an object", value);
  const Words words = TRY(read_words(value.get_object(), "$").within("vocab.json"));
  BytePairs::Options options;
  options.find = [&](std::string_view token) { return find(words, token); };
  options.end_of_word = "</w>";
  const TokenId before = find(words, start_token), after = find(words, end_token);
  if (before < 0 || after < 0)
    return fail(Code::invalid_argument, "vocab.json: \"{}\" is not in the vocabulary",
                before < 0 ? start_token : end_token);
  options.unknown = after;
  Parts parts{.pairs = TRY(BytePairs::make(options, merges_of(merges_txt)).within("merges.txt"))};
  // As transformers makes them of these files.
  parts.raw_tokens = AddedTokens({{std::string(end_token), after}});
  parts.normalized_tokens = AddedTokens({{std::string(start_token), before}});
  parts.before = before;
  parts.after = after;
  parts.id_max = largest(words);
  return ClipTokenizer(std::move(parts));
}

}  // namespace slipway::models::detail
