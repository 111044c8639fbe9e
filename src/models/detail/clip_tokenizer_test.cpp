#include "models/detail/clip_tokenizer.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "core/files.hpp"
#include "core/json.hpp"
#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

struct ClipCase {
  std::string text;
  std::vector<TokenId> ids;
};
BOOST_DESCRIBE_STRUCT(ClipCase, (), (text, ids))
struct CodePoints {
  std::uint32_t end = 0;
  std::string ids;
};
BOOST_DESCRIBE_STRUCT(CodePoints, (), (end, ids))

constexpr std::size_t no_cut = 1u << 20;

std::string data(const std::string& name) {
  auto bytes = read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "clip" / name);
  REQUIRE(bytes);
  return *std::move(bytes);
}

ClipTokenizer parsed(Result<ClipTokenizer> tokenizer) {
  INFO((tokenizer.ok() ? std::string() : tokenizer.error().message()));
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

ClipTokenizer small() { return parsed(ClipTokenizer::parse(data("tokenizer.json"))); }

void check_cases(const ClipTokenizer& tokenizer) {
  const auto rows = json::from<std::vector<ClipCase>>(*json::parse(data("tokenizer_cases.json")));
  REQUIRE(rows);
  REQUIRE(rows->size() > 200);
  for (const ClipCase& row : *rows) {
    CAPTURE(row.text);
    CHECK(tokenizer.encode(row.text, no_cut) == row.ids);
    CHECK(tokenizer.count(row.text) + 2 == row.ids.size());
  }
}

/// The small tokenizer with one member replaced.
std::string with(std::string_view path, const std::string& value) {
  json::Value file = *json::parse(data("tokenizer.json"));
  boost::system::error_code error;
  json::Value* member = file.find_pointer(path, error);
  REQUIRE(member != nullptr);
  *member = *json::parse(value);
  return json::dump(file);
}

std::string message_of(const Result<ClipTokenizer>& result) {
  return result ? "no error" : result.error().message();
}

/// CHECK that the message has the part.
void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("texts become the ids of the real library") { check_cases(small()); }

TEST_CASE("vocab.json and merges.txt make the same tokenizer as tokenizer.json") {
  check_cases(parsed(ClipTokenizer::parse(data("vocab.json"), data("merges.txt"))));
}

TEST_CASE("every code point is cut, composed and lowered as by the real library") {
  const auto wanted = json::from<CodePoints>(*json::parse(data("code_points.json")));
  REQUIRE(wanted);
  const ClipTokenizer tokenizer = small();
  std::string all;
  for (char32_t c = 0; c < wanted->end; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text = "x";
    unicode::append(text, c);
    unicode::append(text, U'\u0323');
    for (const TokenId id : tokenizer.encode(text += "y", no_cut)) {
      all += static_cast<char>(id);
      all += static_cast<char>(id >> 8);
    }
  }
  CHECK(sha256(all) == wanted->ids);
}

TEST_CASE("the pattern of OpenAI's own file and pairs as lists give the same ids") {
  const std::string pattern =
      R"("<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|)"
      R"([^\\s\\p{L}\\p{N}]+")";
  check_cases(
      parsed(ClipTokenizer::parse(with("/pre_tokenizer/pretokenizers/0/pattern/Regex", pattern))));
  json::Value file = *json::parse(data("tokenizer.json"));
  for (json::Value& merge : file.at("model").at("merges").as_array())
    if (merge.is_string()) {
      const std::string text(merge.get_string());
      const std::size_t blank = text.find(' ');
      merge = json::Array{json::Value(text.substr(0, blank).c_str()),
                          json::Value(text.substr(blank + 1).c_str())};
    } else {
      const std::string text = std::string(merge.get_array()[0].get_string()) + " " +
                               std::string(merge.get_array()[1].get_string());
      merge = json::Value(text.c_str());
    }
  check_cases(parsed(ClipTokenizer::parse(json::dump(file))));
  // Where the special tokens are not listed as such, the byte level cuts them up.
  const ClipTokenizer bare = parsed(ClipTokenizer::parse(with("/added_tokens", "[]")));
  CHECK(bare.count("<|endoftext|>") > 1);
  CHECK(small().count("<|endoftext|>") == 1);
}

TEST_CASE("a text that is too long keeps its beginning between start and end") {
  const ClipTokenizer tokenizer = small();
  const auto whole = tokenizer.encode("a photo of a red square", no_cut);
  const auto cut = tokenizer.encode("a photo of a red square", 5);
  REQUIRE(cut.size() == 5);
  CHECK(cut[0] == whole[0]);
  CHECK(cut[3] == whole[3]);
  CHECK(cut[4] == whole.back());
  CHECK(tokenizer.encode("red", 0) == std::vector<TokenId>{whole.front(), whole.back()});
}

TEST_CASE("any bytes become ids of the vocabulary, quickly") {
  const ClipTokenizer tokenizer = small();
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const TokenId id : tokenizer.encode(bytes, no_cut))
      CHECK((id >= 0 && id <= tokenizer.id_max()));
  }
  CHECK(tokenizer.encode("a\xFF\x62", no_cut) == tokenizer.encode("a\uFFFD"
                                                                  "b",
                                                                  no_cut));
  // One word of a million letters.
  CHECK(tokenizer.count(std::string(1'000'000, 'a')) > 100'000);
}

TEST_CASE("a tokenizer.json that is not CLIP's is refused with what differs") {
  const auto refusal = [](std::string_view path, const std::string& value) {
    return message_of(ClipTokenizer::parse(with(path, value)));
  };
  check_says(refusal("/model/type", R"("WordPiece")"), "$.model.type");
  check_says(refusal("/model/dropout", "0.1"), "$.model.dropout");
  check_says(refusal("/model/fuse_unk", "true"), "$.model.fuse_unk");
  check_says(refusal("/model/unk_token", R"("none")"), "\"none\" is not in the vocabulary");
  check_says(refusal("/model/vocab", "{}"), "$.model.vocab: is empty");
  check_says(refusal("/model/vocab", R"({"a":-1})"), "expected an id");
  check_says(refusal("/model/merges", R"(["a"])"), "$.model.merges[0]");
  check_says(refusal("/model/merges", R"(["a b c"])"), "$.model.merges[0]");
  check_says(refusal("/model/merges", R"(["a nope"])"), "\"nope\" is not in the vocabulary");
  check_says(refusal("/normalizer", R"({"type":"Lowercase"})"), "$.normalizer");
  check_says(refusal("/normalizer", "null"), "$.normalizer");
  check_says(refusal("/pre_tokenizer", R"({"type":"ByteLevel"})"), "$.pre_tokenizer");
  check_says(refusal("/pre_tokenizer/pretokenizers/0/pattern", R"({"Regex":"x"})"),
             "$.pre_tokenizer");
  check_says(refusal("/pre_tokenizer/pretokenizers/1/add_prefix_space", "true"), "$.pre_tokenizer");
  check_says(refusal("/post_processor", "null"), "$.post_processor");
  check_says(refusal("/post_processor/cls", R"(["a"])"), "$.post_processor.cls");
  check_says(refusal("/post_processor/sep", R"(["a",-3])"), "no token id");
  check_says(message_of(ClipTokenizer::parse("[]")), "expected an object");
  check_says(message_of(ClipTokenizer::parse("{")), "line 1");
  check_says(message_of(ClipTokenizer::parse("{}", "")), "vocab.json");
  check_says(message_of(ClipTokenizer::parse(R"({"a":1})", "")), "<|startoftext|>");
  check_says(message_of(ClipTokenizer::parse(data("vocab.json"), "#version\nr nope\n")),
             "merges.txt");
}

TEST_CASE("a tokenizer.json that is cut or has bytes turned over is an answer or one clear error") {
  const std::string whole = data("tokenizer.json");
  std::mt19937 random(11);
  for (int i = 0; i < 150; ++i) {
    std::string bytes = whole;
    if (i % 3 == 0)
      bytes.resize(random() % bytes.size());
    else
      for (int n = 0; n < 1 + i % 4; ++n)
        bytes[random() % bytes.size()] = "\"{}[],:0a"[random() % 9];
    const auto tokenizer = ClipTokenizer::parse(bytes);
    if (tokenizer)
      (void)tokenizer->encode("a photo of a red square, isn't it?", 77);
    else
      CHECK(!tokenizer.error().message().empty());
  }
}

}  // namespace slipway::models::detail
