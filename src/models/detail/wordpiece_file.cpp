// Reads tokenizer.json. The vocabulary is read by hand: 30,000 entries through the struct walker
// would be copied three times, and opening a model must be quick.
#include <algorithm>
#include <map>

#include "models/detail/tokenizer_file.hpp"
#include "models/detail/wordpiece.hpp"

namespace slipway::models::detail {

namespace {

/// `truncate` and `padding` are not read: the caller decides.
struct NormalizerFile {
  std::string type;
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents;  ///< Null: as `lowercase`.
  bool lowercase = true;
};
BOOST_DESCRIBE_STRUCT(NormalizerFile, (),
                      (type, clean_text, handle_chinese_chars, strip_accents, lowercase))

struct ModelFile {
  std::string type = "WordPiece";  ///< Old files leave it out.
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
};
BOOST_DESCRIBE_STRUCT(ModelFile, (),
                      (type, unk_token, continuing_subword_prefix, max_input_chars_per_word))

struct TemplatePiece {
  std::string id;
  std::int64_t type_id = 0;
};
BOOST_DESCRIBE_STRUCT(TemplatePiece, (), (id, type_id))

struct TemplateItem {
  std::optional<TemplatePiece> SpecialToken;  // NOLINT: the file's name.
  std::optional<TemplatePiece> Sequence;      // NOLINT: the file's name.
};
BOOST_DESCRIBE_STRUCT(TemplateItem, (), (SpecialToken, Sequence))

struct SpecialTokenFile {
  std::vector<TokenId> ids;
};
BOOST_DESCRIBE_STRUCT(SpecialTokenFile, (), (ids))

struct TemplateFile {
  std::vector<TemplateItem> single;
  std::vector<TemplateItem> pair;
  std::map<std::string, SpecialTokenFile> special_tokens;
};
BOOST_DESCRIBE_STRUCT(TemplateFile, (), (single, pair, special_tokens))

Error not_bert(std::string_view path, std::string_view wanted, std::string_view got) {
  return fail(Code::invalid_argument,
              "{}: \"{}\" is not supported, only \"{}\": use a BERT-style WordPiece model", path,
              got, wanted);
}

Result<BertNormalizerOptions> read_normalizer(const json::Object& file) {
  const json::Value* value = member_of(file, "normalizer");
  if (!value) return not_bert("$.normalizer", "BertNormalizer", "null");
  const auto normalizer = TRY(read_part<NormalizerFile>(*value, "$.normalizer"));
  if (normalizer.type != "BertNormalizer")
    return not_bert("$.normalizer.type", "BertNormalizer", normalizer.type);
  return BertNormalizerOptions{
      .clean_text = normalizer.clean_text,
      .handle_chinese_chars = normalizer.handle_chinese_chars,
      .strip_accents = normalizer.strip_accents.value_or(normalizer.lowercase),
      .lowercase = normalizer.lowercase};
}

Result<void> check_pre_tokenizer(const json::Object& file) {
  const json::Value* value = member_of(file, "pre_tokenizer");
  const json::Object* object = value ? value->if_object() : nullptr;
  const json::Value* type = object ? member_of(*object, "type") : nullptr;
  if (type && type->is_string() && type->get_string() == "BertPreTokenizer") return {};
  return not_bert("$.pre_tokenizer.type", "BertPreTokenizer",
                  type && type->is_string() ? std::string_view(type->get_string()) : "null");
}

Result<Vocabulary> read_vocabulary(const json::Object& entries, const std::string& prefix,
                                   TokenId& id_max) {
  if (entries.empty()) return fail(Code::invalid_argument, "$.model.vocab: is empty");
  const auto inside = std::count_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return std::string_view(entry.key()).starts_with(prefix);
  });
  Vocabulary vocabulary(entries.size() + static_cast<std::size_t>(inside));
  for (const auto& [token, value] : entries) {
    boost::system::error_code error;
    const auto id = value.is_number() ? value.to_number<TokenId>(error) : -1;
    if (error || id < 0 || id > token_id_limit)
      return json::detail::expected(fmt::format("$.model.vocab[\"{}\"]", std::string_view(token)),
                                    "an id", value);
    const std::string_view text = token;
    vocabulary.add(Vocabulary::Position::start, text, static_cast<std::uint32_t>(id));
    if (text.starts_with(prefix))
      vocabulary.add(Vocabulary::Position::inside, text.substr(prefix.size()),
                     static_cast<std::uint32_t>(id));
    id_max = std::max(id_max, id);
  }
  return vocabulary;
}

Result<void> add_tokens(const json::Object& file, TokenId next_id, WordPiece::Parts& parts) {
  AddedTokenRules rules;
  rules.next_id = next_id;
  rules.find = [&](std::string_view token) {
    return parts.vocabulary.find(Vocabulary::Position::start, token);
  };
  rules.normalize = [&](std::string_view text) {
    std::string normalized;
    parts.normalizer.append(text, normalized);
    return normalized;
  };
  FoundTokens found = TRY(read_added_tokens(file, std::move(rules)));
  parts.raw_tokens = std::move(found.raw);
  parts.normalized_tokens = std::move(found.normalized);
  parts.id_max = std::max(parts.id_max, found.id_max);
  return {};
}

using PairPiece = WordPiece::PairPiece;

/// What cannot be read is left out: only rerankers need pairs, and they say so.
std::vector<PairPiece> read_pair(const TemplateFile& file) {
  std::vector<PairPiece> pieces;
  bool seen_first = false, seen_second = false;
  for (const TemplateItem& item : file.pair) {
    const auto& piece = item.Sequence ? item.Sequence : item.SpecialToken;
    if (!piece || piece->type_id < 0 || piece->type_id > token_id_limit) return {};
    if (item.Sequence) {
      const bool is_first = piece->id == "A";
      bool& seen = is_first ? seen_first : seen_second;
      if (seen || (!is_first && piece->id != "B")) return {};
      seen = true;
      pieces.push_back(
          {is_first ? PairPiece::Kind::first : PairPiece::Kind::second, 0, piece->type_id});
      continue;
    }
    const auto special = file.special_tokens.find(piece->id);
    if (special == file.special_tokens.end()) return {};
    for (const TokenId id : special->second.ids)
      pieces.push_back({PairPiece::Kind::special, id, piece->type_id});
  }
  return seen_first && seen_second ? pieces : std::vector<PairPiece>();
}

Result<void> read_template(const json::Value& value, WordPiece::Parts& parts) {
  const auto file = TRY(read_part<TemplateFile>(value, "$.post_processor"));
  bool seen_text = false;
  for (const TemplateItem& item : file.single) {
    const auto& piece = item.Sequence ? item.Sequence : item.SpecialToken;
    if (!piece || piece->type_id != 0 || (item.Sequence && (seen_text || piece->id != "A")))
      return fail(Code::invalid_argument,
                  "$.post_processor.single: expected special tokens around one sequence A, all "
                  "with type_id 0");
    if (item.Sequence) {
      seen_text = true;
      continue;
    }
    const auto special = file.special_tokens.find(piece->id);
    if (special == file.special_tokens.end())
      return fail(Code::invalid_argument, "$.post_processor.special_tokens: \"{}\" is missing",
                  piece->id);
    auto& ids = seen_text ? parts.after : parts.before;
    ids.insert(ids.end(), special->second.ids.begin(), special->second.ids.end());
  }
  if (!seen_text)
    return fail(Code::invalid_argument, "$.post_processor.single: the sequence A is missing");
  parts.pair = read_pair(file);
  return {};
}

Result<void> read_post_processor(const json::Object& file, WordPiece::Parts& parts) {
  const json::Value* value = member_of(file, "post_processor");
  if (!value) return {};
  const auto object = TRY(read_part<json::Object>(*value, "$.post_processor"));
  const json::Value* type = member_of(object, "type");
  const std::string name =
      type ? TRY(read_part<std::string>(*type, "$.post_processor.type")) : "null";
  if (name == "TemplateProcessing") {
    TRY(read_template(*value, parts));
  } else if (name == "BertProcessing") {
    parts.before = {TRY(read_named_id(object, "cls"))};
    parts.after = {TRY(read_named_id(object, "sep"))};
    using Kind = PairPiece::Kind;
    const TokenId cls = parts.before.front(), sep = parts.after.front();
    parts.pair = {{Kind::special, cls, 0},
                  {Kind::first, 0, 0},
                  {Kind::special, sep, 0},
                  {Kind::second, 0, 1},
                  {Kind::special, sep, 1}};
  } else {
    return not_bert("$.post_processor.type", "TemplateProcessing", name);
  }
  std::vector<TokenId> specials = parts.before;
  specials.insert(specials.end(), parts.after.begin(), parts.after.end());
  for (const PairPiece& piece : parts.pair)
    if (piece.kind == PairPiece::Kind::special) specials.push_back(piece.id);
  for (const TokenId id : specials) {
    if (id < 0 || id > token_id_limit)
      return fail(Code::invalid_argument, "$.post_processor: {} is no token id", id);
    parts.id_max = std::max(parts.id_max, id);
  }
  return {};
}

}  // namespace

Result<WordPiece> WordPiece::parse(std::string_view tokenizer_json) {
  const json::Value value = TRY(json::parse(tokenizer_json));
  const json::Object* file = value.if_object();
  if (!file) return json::detail::expected("$", "an object", value);
  const json::Value* model_value = member_of(*file, "model");
  if (!model_value) return fail(Code::invalid_argument, "$.model: is required");
  const auto model = TRY(read_part<ModelFile>(*model_value, "$.model"));
  if (model.type != "WordPiece") return not_bert("$.model.type", "WordPiece", model.type);
  const json::Value* vocab = model_value->get_object().if_contains("vocab");
  if (!vocab || !vocab->is_object())
    return json::detail::expected("$.model.vocab", "an object", vocab ? *vocab : json::Value());

  const auto normalizer = TRY(read_normalizer(*file));
  TRY(check_pre_tokenizer(*file));
  TokenId id_max = 0;
  auto vocabulary =
      TRY(read_vocabulary(vocab->get_object(), model.continuing_subword_prefix, id_max));
  Parts parts{.normalizer = BertNormalizer(normalizer), .vocabulary = std::move(vocabulary)};
  parts.id_max = id_max;
  parts.word_chars_max = model.max_input_chars_per_word;
  parts.unknown = parts.vocabulary.find(Vocabulary::Position::start, model.unk_token);
  if (parts.unknown < 0)
    return fail(Code::invalid_argument, "$.model.unk_token: \"{}\" is not in the vocabulary",
                model.unk_token);
  TRY(add_tokens(*file, static_cast<TokenId>(vocab->get_object().size()), parts));
  TRY(read_post_processor(*file, parts));
  return WordPiece(std::move(parts));
}

}  // namespace slipway::models::detail
