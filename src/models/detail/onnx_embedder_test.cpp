#include "models/detail/onnx_embedder.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "core/files.hpp"
#include "models/detail/file_hash.hpp"
#include "models/detail/onnx_fixture.hpp"

namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;
void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::shared_ptr<Embedder> open(OnnxEmbedderOptions options) {
  auto embedder = open_onnx_embedder(std::move(options));
  if (!embedder) FAIL(embedder.error().message());
  return *std::move(embedder);
}

std::shared_ptr<Embedder> bge(std::size_t threads = 2, OnnxEngine engine = OnnxEngine::fastest) {
  return open({.name = "bge",
               .folder = fs::path(SLIPWAY_TEST_MODELS) / "bge-small-en-v1.5-q",
               .pooling = Pooling::cls,
               .query_prefix = "Represent this sentence for searching relevant passages: ",
               .threads = threads,
               .engine = engine});
}

/// Computed by ONNX Runtime.
std::shared_ptr<Embedder> plain_bge() { return bge(2, OnnxEngine::onnx_runtime); }

Error error_of(const fs::path& folder) {
  const auto embedder = open_onnx_embedder({.name = "broken", .folder = folder});
  REQUIRE_FALSE(embedder);
  return embedder.error();
}

Vector embed(Embedder& embedder, std::string_view text, TextRole role = TextRole::document) {
  auto vector = embedder.embed_one(Context(), text, role);
  if (!vector) FAIL(vector.error().message());
  return *std::move(vector);
}

double cosine(const Vector& a, const Vector& b) {
  double dot = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

/// Different lengths, so that the order of work is not the order of the texts.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts = {"", "a", "a"};
  for (int i = 1; i < 14; ++i) {
    std::string text;
    for (int word = 0; word < i * i % 40 + 1; ++word)
      text += fmt::format("word{} of text {} ", word * 7 % 11, i);
    texts.push_back(text);
  }
  return texts;
}

/// CHECK that the message has the part.
void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("mean and first-token pooling give unit vectors that a hand can compute") {
  const Scratch scratch;
  const fs::path folder = scratch.model_folder("per_token.onnx");
  // "the fox" is the tokens 1, 3, 5, 2; token i has the vector (i, 1, 0).
  const auto mean = open({.name = "tiny", .folder = folder, .pooling = Pooling::mean});
  CHECK(mean->dimension() == 3);
  CHECK(mean->tokens_max() == 512);
  const Vector middle = embed(*mean, "the fox");
  CHECK(middle[0] == doctest::Approx(2.75 / std::hypot(2.75, 1)));
  CHECK(middle[1] == doctest::Approx(1 / std::hypot(2.75, 1)));
  CHECK(middle[2] == 0);
  const auto first = open({.name = "tiny", .folder = folder, .pooling = Pooling::cls});
  CHECK(embed(*first, "the fox")[0] == doctest::Approx(std::sqrt(0.5)));
  CHECK(mean->identity() == first->identity());
  CHECK(mean->identity() == "tiny@" + sha256_of_file(folder / "model.onnx")->substr(7, 16));
}

TEST_CASE("a model that pools by itself is taken as it is") {
  const Scratch scratch;
  const auto pooled = open(
      {.name = "tiny", .folder = scratch.model_folder("per_text.onnx"), .pooling = Pooling::mean});
  const auto tokens = open(
      {.name = "tiny", .folder = scratch.model_folder("per_token.onnx"), .pooling = Pooling::mean});
  CHECK(cosine(embed(*pooled, "the quick"), embed(*tokens, "the quick")) == doctest::Approx(1));
}

TEST_CASE("prefixes are put before texts, and what is too long is cut") {
  const Scratch scratch;
  const fs::path folder = scratch.model_folder("per_token.onnx");
  const auto plain = open({.name = "tiny", .folder = folder, .tokens_max = 5});
  const auto prefixed = open({.name = "tiny",
                              .folder = folder,
                              .query_prefix = "the ",
                              .document_prefix = "quick ",
                              .tokens_max = 5});
  CHECK(embed(*prefixed, "fox", TextRole::query) == embed(*plain, "the fox"));
  CHECK(embed(*prefixed, "fox", TextRole::document) == embed(*plain, "quick fox"));
  CHECK(embed(*plain, "a a a a b") == embed(*plain, "a a a"));
  CHECK(plain->count_tokens("a a a a b") == 5);
  Usage usage;
  REQUIRE(plain->embed(Context(), {"a a a a b", "a"}, TextRole::document, &usage));
  CHECK(usage.embedding_tokens == 5 + 3);
}

TEST_CASE("a text has the same bits alone, beside others, twice and on many threads") {
  const auto embedder = bge(2);
  const auto texts = many_texts();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto together = embedder->embed(Context(), views, TextRole::document);
  REQUIRE(together);
  REQUIRE(together->size() == texts.size());
  CHECK((*together)[1] == (*together)[2]);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i);
    CHECK(cosine((*together)[i], (*together)[i]) == doctest::Approx(1));
    CHECK(embed(*embedder, texts[i]) == (*together)[i]);
  }
  std::vector<std::thread> callers;
  std::atomic<int> different{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      const auto again = embedder->embed(Context(), views, TextRole::document);
      if (!again || *again != *together) ++different;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(different == 0);
}

TEST_CASE("related texts are nearer than others, and a long text is cut at 512 tokens") {
  const auto embedder = bge();
  CHECK(embedder->dimension() == 384);
  const Vector question = embed(*embedder, "How long are traces kept?", TextRole::query);
  const double related = cosine(question, embed(*embedder, "Traces are deleted after 30 days."));
  const double other = cosine(question, embed(*embedder, "The cake needs three eggs and sugar."));
  CHECK(related > other + 0.15);
  std::string text;
  for (int i = 0; i < 510; ++i) text += "word ";
  CHECK(embed(*embedder, text) == embed(*embedder, text + "and more that is not seen"));
}

TEST_CASE("a call that is cancelled or late embeds nothing and says so") {
  const auto embedder = bge();
  std::stop_source source;
  source.request_stop();
  const auto stopped = embedder->embed(Context(source.get_token()), {"text"}, TextRole::document);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == Code::cancelled);
  std::string text;
  for (int i = 0; i < 500; ++i) text += fmt::format("word{} ", i % 97);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back(text + std::to_string(i));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto late = embedder->embed(Context().with_timeout(std::chrono::milliseconds(50)), views,
                                    TextRole::document);
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == Code::deadline_exceeded);
  CHECK(embedder->embed(Context(), {}, TextRole::document)->empty());
}

TEST_CASE("the kept graph gives the same bits as the model, and is made again when damaged") {
  const Scratch scratch;
  const std::string text = "the same bits, with the cache and without";
  // A file where the cache should be: nothing can be kept.
  write(scratch.path() / "cache", "in the way");
  const Vector without = embed(*plain_bge(), text);
  fs::remove(scratch.path() / "cache");
  CHECK(embed(*plain_bge(), text) == without);
  REQUIRE(fs::exists(scratch.cached_graphs()));
  std::vector<fs::path> kept(fs::directory_iterator(scratch.cached_graphs()), {});
  REQUIRE(kept.size() == 1);
  const auto size = fs::file_size(kept[0]);
  CHECK(embed(*plain_bge(), text) == without);
  for (const std::uintmax_t cut : {std::uintmax_t{0}, std::uintmax_t{100}, size / 2}) {
    CAPTURE(cut);
    fs::resize_file(kept[0], cut);
    CHECK(embed(*plain_bge(), text) == without);
    // ONNX Runtime writes a graph in an order, and so with a padding, that differs by some bytes.
    CHECK(fs::file_size(kept[0]) > size - 1024);
  }
  CHECK(std::distance(fs::directory_iterator(scratch.cached_graphs()), {}) == 1);
}

TEST_CASE("the remembered hash follows the file") {
  const Scratch scratch;
  const fs::path file = scratch.path() / "weights";
  write(file, "one");
  CHECK(*remembered_hash(file) == sha256("one"));
  CHECK(*remembered_hash(file) == sha256("one"));
  const auto time = fs::last_write_time(file);
  write(file, "two");
  fs::last_write_time(file, time);
  CHECK(*remembered_hash(file) == sha256("two"));
  for (const auto& note : fs::directory_iterator(scratch.path() / "cache" / "slipway" / "hashes"))
    write(note.path(), "{\"path\":");
  CHECK(*remembered_hash(file) == sha256("two"));
  CHECK(remembered_hash(scratch.path() / "none").error().code() == Code::not_found);
}

TEST_CASE("what is missing or of another kind is named") {
  const Scratch scratch;
  fs::path folder = scratch.model_folder("per_token.onnx");
  fs::remove(folder / "model.onnx");
  CHECK(error_of(folder).code() == Code::not_found);
  check_says(error_of(folder).message(), "opening embedder 'broken'");
  CHECK(error_of(scratch.path() / "none").code() == Code::not_found);
  const std::pair<const char*, const char*> wrong[] = {
      {"no_text.onnx", "input 'pixels' is not one of"},
      {"no_vector.onnx", "no output is a float vector"},
      {"few_tokens.onnx", "does not take the tokens of its tokenizer"},
      {"no_direction.onnx", "without a direction"}};
  for (const auto& [model, message] : wrong) {
    CAPTURE(model);
    const Error error = error_of(scratch.model_folder(model));
    CHECK(error.code() == Code::invalid_argument);
    check_says(error.message(), message);
  }
  folder = scratch.model_folder("per_token.onnx");
  write(folder / "tokenizer.json", "{\"model\":");
  CHECK(error_of(folder).code() == Code::invalid_argument);
  check_says(error_of(folder).message(), "tokenizer.json");
  check_says(
      open_onnx_embedder(
          {.name = "short", .folder = scratch.model_folder("per_token.onnx"), .tokens_max = 2})
          .error()
          .message(),
      "tokens_max: 2 leaves no room");
}

TEST_CASE("a damaged model file gives an error or a model, never a crash") {
  const Scratch scratch;
  const fs::path folder = scratch.model_folder("per_text.onnx");
  const std::string whole = *read_file(folder / "model.onnx");
  for (const std::string& bytes : {std::string(), std::string("not a model"), whole.substr(0, 40),
                                   whole.substr(0, whole.size() - 1), std::string(5000, '\0')}) {
    write(folder / "model.onnx", bytes);
    CHECK(error_of(folder).code() == Code::invalid_argument);
    check_says(error_of(folder).message(), "model.onnx");
  }
  std::mt19937 random(3);
  for (int round = 0; round < 120; ++round) {
    std::string bytes = whole;
    for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    write(folder / "model.onnx", bytes);
    const auto embedder = open_onnx_embedder({.name = "mutant", .folder = folder});
    if (embedder) (void)(*embedder)->embed_one(Context(), "the fox", TextRole::query);
  }
}

}  // namespace slipway::models::detail
