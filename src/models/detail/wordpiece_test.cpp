#include "models/detail/wordpiece.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "core/files.hpp"
#include "core/json.hpp"

namespace slipway::models::detail {

namespace {

struct Case {
  std::string text;
  std::vector<TokenId> ids;
};
BOOST_DESCRIBE_STRUCT(Case, (), (text, ids))

struct PairCase {
  std::string first, second;
  std::size_t tokens_max = 0;
  std::vector<TokenId> ids, types;
};
BOOST_DESCRIBE_STRUCT(PairCase, (), (first, second, tokens_max, ids, types))

constexpr std::size_t no_cut = 1u << 20;

std::string data(const std::string& name) {
  auto bytes = read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / name);
  REQUIRE(bytes);
  return *std::move(bytes);
}

std::vector<Case> cases(const std::string& name) {
  auto rows = json::from<std::vector<Case>>(*json::parse(data(name)));
  REQUIRE(rows);
  return *std::move(rows);
}

WordPiece model_tokenizer(const std::string& model) {
  const auto path = std::filesystem::path(SLIPWAY_TEST_MODELS) / model / "tokenizer.json";
  const auto bytes = read_file(path);
  REQUIRE(bytes);
  auto tokenizer = WordPiece::parse(*bytes);
  REQUIRE(tokenizer);
  return *std::move(tokenizer);
}

WordPiece small_tokenizer() {
  auto tokenizer = WordPiece::parse(data("small_tokenizer.json"));
  REQUIRE(tokenizer);
  return *std::move(tokenizer);
}

void check_cases(const WordPiece& tokenizer, const std::vector<Case>& wanted) {
  for (const Case& row : wanted) {
    CAPTURE(row.text);
    CHECK(tokenizer.encode(row.text, no_cut) == row.ids);
    CHECK(tokenizer.count(row.text) == row.ids.size() - tokenizer.special_tokens());
  }
}

/// The small tokenizer with one member replaced.
std::string with(std::string_view path, const std::string& value) {
  json::Value file = *json::parse(data("small_tokenizer.json"));
  boost::system::error_code error;
  json::Value* member = file.find_pointer(path, error);
  REQUIRE(member != nullptr);
  *member = *json::parse(value);
  return json::dump(file);
}

std::string message_of(const Result<WordPiece>& result) {
  return result ? "no error" : result.error().message();
}

/// CHECK that the message has the part.
void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("texts of all scripts have the ids that Hugging Face tokenizers gives them") {
  const auto wanted = cases("tokenizer_cases.json");
  CHECK(wanted.size() >= 50);
  for (const char* model : {"bge-small-en-v1.5-q", "all-minilm-l6-v2-q", "e5-small-v2-q"}) {
    CAPTURE(model);
    check_cases(model_tokenizer(model), wanted);
  }
}

TEST_CASE("added tokens take white space, respect words and match normalised text as they say") {
  check_cases(small_tokenizer(), cases("small_tokenizer_cases.json"));
}

TEST_CASE("a cut keeps the special tokens at both ends") {
  const WordPiece tokenizer = small_tokenizer();
  const std::string text = "the quick fox the quick fox";
  CHECK(tokenizer.encode(text, 4) == std::vector<TokenId>{1, 3, 4, 2});
  CHECK(tokenizer.encode(text, 2) == std::vector<TokenId>{1, 2});
  CHECK(tokenizer.encode(text, 0) == std::vector<TokenId>{1, 2});
  CHECK(tokenizer.encode(text, 8).size() == 8);
  CHECK(tokenizer.encode(text, 9).size() == 8);
  // A word of several tokens may be cut in the middle, as the library does.
  CHECK(tokenizer.encode("a ab", 4) == std::vector<TokenId>{1, 9, 9, 2});
}

TEST_CASE("an invalid byte counts as U+FFFD, which cleaning removes") {
  const WordPiece tokenizer = small_tokenizer();
  CHECK(tokenizer.encode("a\xFF\xC3 \x80 b", no_cut) == tokenizer.encode("a  b", no_cut));
}

TEST_CASE("a tokenizer.json of another kind is refused with the path of what is wrong") {
  const auto error_of = [](std::string_view path, const std::string& value) {
    return message_of(WordPiece::parse(with(path, value)));
  };
  check_says(error_of("/model/type", "\"BPE\""), "$.model.type: \"BPE\" is not supported");
  check_says(error_of("/model/vocab", "[1]"), "$.model.vocab: expected an object");
  check_says(error_of("/model/vocab", "{}"), "$.model.vocab: is empty");
  check_says(error_of("/model/vocab/fox", "-1"), "$.model.vocab[\"fox\"]: expected an id");
  check_says(error_of("/model/vocab/fox", "1e30"), "$.model.vocab[\"fox\"]");
  check_says(error_of("/model/unk_token", "\"<unk>\""), "\"<unk>\" is not in the vocab");
  check_says(error_of("/model/max_input_chars_per_word", "-3"), "max_input_chars_per_word");
  check_says(error_of("/normalizer/type", "\"NFC\""), "$.normalizer.type");
  check_says(error_of("/normalizer", "null"), "$.normalizer");
  check_says(error_of("/normalizer/lowercase", "3"), "$.normalizer.lowercase");
  check_says(error_of("/pre_tokenizer/type", "\"Whitespace\""), "BertPreTokenizer");
  check_says(error_of("/pre_tokenizer", "7"), "$.pre_tokenizer");
  check_says(error_of("/post_processor/type", "\"RobertaProcessing\""), "post_processor");
  check_says(error_of("/post_processor/single", "[]"), "the sequence A is missing");
  check_says(error_of("/post_processor/special_tokens", "{}"), "\"[CLS]\" is missing");
  check_says(error_of("/added_tokens", "{}"), "$.added_tokens: expected an array");
  check_says(message_of(WordPiece::parse("[]")), "expected an object");
  check_says(message_of(WordPiece::parse("{}")), "$.model: is required");
  CHECK(message_of(WordPiece::parse("")) != "no error");
}

TEST_CASE("special tokens may be missing or be written in the older form") {
  const auto plain = WordPiece::parse(with("/post_processor", "null"));
  REQUIRE(plain);
  CHECK(plain->encode("the fox", no_cut) == std::vector<TokenId>{3, 5});
  const auto older = WordPiece::parse(
      with("/post_processor", R"({"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]})"));
  REQUIRE(older);
  CHECK(older->encode("the fox", no_cut) == std::vector<TokenId>{1, 3, 5, 2});
}

TEST_CASE("a truncated or damaged tokenizer.json gives an error or a tokenizer, never a crash") {
  const std::string whole = data("small_tokenizer.json");
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7)
    CHECK_FALSE(WordPiece::parse(std::string_view(whole).substr(0, size)));
  std::mt19937 random(5);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = below(bytes.size());
      if (below(2))
        bytes[at] = static_cast<char>(below(256));
      else
        bytes.erase(at, 1 + below(20));
    }
    const auto tokenizer = WordPiece::parse(bytes);
    if (tokenizer) CHECK(tokenizer->encode("the [left] fox É", 6).size() <= 6 + 4);
  }
}

TEST_CASE("random bytes are tokenized without a crash and always alike") {
  const WordPiece tokenizer = small_tokenizer();
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 64, ' ');
    for (char& c : text) c = static_cast<char>(random() % 3 ? random() % 256 : 0xCC + random() % 3);
    CHECK(tokenizer.encode(text, no_cut) == tokenizer.encode(text, no_cut));
  }
}

TEST_CASE("two texts become one input, cut and typed as the real library does") {
  const auto tokenizer = WordPiece::parse(data("pair_tokenizer.json"));
  REQUIRE(tokenizer);
  REQUIRE(tokenizer->has_pairs());
  const auto rows =
      json::from<std::vector<PairCase>>(*json::parse(data("pair_tokenizer_cases.json")));
  REQUIRE(rows);
  CHECK(rows->size() > 50);
  for (const PairCase& row : *rows) {
    CAPTURE(row.first);
    CAPTURE(row.second);
    CAPTURE(row.tokens_max);
    const auto pair = tokenizer->encode_pair(row.first, row.second, row.tokens_max);
    CHECK(pair.ids == row.ids);
    CHECK(pair.types == row.types);
  }
}

TEST_CASE("a limit below the special tokens leaves only those") {
  const auto tokenizer = WordPiece::parse(data("pair_tokenizer.json"));
  REQUIRE(tokenizer);
  CHECK(tokenizer->encode_pair("the", "fox", 0).ids == std::vector<TokenId>{1, 2, 2});
}

TEST_CASE("a file that does not say how two texts go together still serves for one") {
  for (const char* pair :
       {R"([{"Sequence":{"id":"A","type_id":0}}])", R"([])",
        R"([{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"A","type_id":1}}])",
        R"([{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"C","type_id":1}}])",
        R"([{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"no","type_id":1}},
                               {"Sequence":{"id":"B","type_id":1}}])"}) {
    CAPTURE(pair);
    const auto tokenizer = WordPiece::parse(with("/post_processor/pair", pair));
    REQUIRE(tokenizer);
    CHECK_FALSE(tokenizer->has_pairs());
    CHECK(tokenizer->encode("the fox", no_cut) == std::vector<TokenId>{1, 3, 5, 2});
  }
}

TEST_CASE("every token knows its bytes of the text, as the real library tells them") {
  const WordPiece tokenizer = model_tokenizer("bge-small-en-v1.5-q");
  const auto pieces = [&](std::string_view text) {
    std::vector<std::string> all;
    for (const TokenSpan span : tokenizer.spans(text))
      all.emplace_back(text.substr(span.start, span.end - span.start));
    return all;
  };
  using Pieces = std::vector<std::string>;
  CHECK(pieces("Tokenization of Ångström, naïvely.") ==
        Pieces{"Token", "ization", "of", "Ång", "ström", ",", "naïve", "ly", "."});
  CHECK(pieces("½ 日本語") == Pieces{"½", "日", "本", "語"});
  CHECK(pieces("x\u200By  [SEP] z") == Pieces{"x", "y", "[SEP]", "z"});
  CHECK(pieces(std::string_view("ﬁne\0d", 7)) == Pieces{"ﬁ", std::string("ne\0d", 4)});
  CHECK(pieces(std::string(120, 'a') + " b") == Pieces{std::string(120, 'a'), "b"});
  // A dropped accent goes with its letter, which the real library leaves out.
  CHECK(pieces("cafe\u0301 x") == Pieces{"cafe\u0301", "x"});
  CHECK(pieces("").empty());
}

TEST_CASE("there are as many token spans as tokens, in order and on code points, on any text") {
  for (const std::string file : {"small_tokenizer.json", "pair_tokenizer.json"}) {
    const auto tokenizer = WordPiece::parse(data(file));
    REQUIRE(tokenizer);
    const std::vector<std::string> parts = {
        "the ",          "fox!",    "Straße", "É",      " [left] ",  "[single]", "un",  "affable",
        "\u0301",        "\u0315x", "日",     "\u200B", "\t",        "\xFF",     "\0x", "[SEP]",
        "e\u0323\u0301", "각",      "İ",      "é",      "[right]  ", "😀"};
    std::mt19937 random(9);
    for (int round = 0; round < 3000; ++round) {
      std::string text;
      for (auto left = random() % 25; left > 0; --left) text += parts[random() % parts.size()];
      const std::vector<TokenSpan> spans = tokenizer->spans(text);
      CAPTURE(text);
      REQUIRE(spans.size() == tokenizer->count(text));
      std::size_t last_start = 0, last_end = 0;
      for (const TokenSpan span : spans) {
        REQUIRE(span.start <= span.end);
        REQUIRE(span.end <= text.size());
        REQUIRE(span.start >= last_start);
        REQUIRE(span.end >= last_end);
        last_start = span.start;
        last_end = span.end;
      }
    }
  }
}

}  // namespace slipway::models::detail
