#include "models/detail/two_towers.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "core/files.hpp"
#include "models/detail/onnx_fixture.hpp"
#include "models/detail/onnx_split.hpp"

namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;

const fs::path clip = fs::path(SLIPWAY_TEST_DATA) / "clip";

/// A folder with the tiny CLIP.
fs::path clip_folder(const Scratch& scratch) {
  const fs::path folder = scratch.path() / "clip";
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const char* name :
       {"text_model.onnx", "vision_model.onnx", "tokenizer.json", "preprocessor_config.json"})
    fs::copy_file(clip / name, folder / name);
  return folder;
}

void replace(const fs::path& path, const char* with) {
  fs::copy_file(clip / with, path, fs::copy_options::overwrite_existing);
}

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string data(const char* name) { return *read_file(clip / name); }

TwoTowerOptions options_of(const fs::path& folder) {
  return {.name = "tiny", .folder = folder, .hash = "sha256:0123456789abcdef0123", .threads = 2};
}

std::shared_ptr<Embedder> open(TwoTowerOptions options) {
  auto embedder = open_two_towers(std::move(options));
  if (!embedder) FAIL(embedder.error().message());
  return *std::move(embedder);
}

Error error_of(const fs::path& folder) {
  const auto embedder = open_two_towers(options_of(folder));
  REQUIRE_FALSE(embedder);
  return embedder.error();
}

/// A picture of one colour with some noise, so that no two are equal.
Image picture(unsigned red, unsigned green, unsigned blue, unsigned seed = 1) {
  std::mt19937 random(seed);
  Image image{40 + seed, 30, {}};
  for (std::size_t i = 0; i < image.width * image.height; ++i)
    for (const unsigned value : {red, green, blue})
      image.rgb += static_cast<char>(std::min(255u, value + static_cast<unsigned>(random() % 20)));
  return image;
}

double cosine(const Vector& a, const Vector& b) {
  double dot = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

std::size_t nearest(const Vector& query, const std::vector<Vector>& vectors) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < vectors.size(); ++i)
    if (cosine(query, vectors[i]) > cosine(query, vectors[best])) best = i;
  return best;
}

Vector embed(Embedder& embedder, std::string_view text, TextRole role = TextRole::query) {
  auto vector = embedder.embed_one(Context(), text, role);
  if (!vector) FAIL(vector.error().message());
  return *std::move(vector);
}

std::vector<Vector> embed(Embedder& embedder, const std::vector<Image>& images) {
  REQUIRE(embedder.reads_images());
  auto vectors = embedder.image_embedder()->embed_images(Context(), images);
  if (!vectors) FAIL(vectors.error().message());
  return *std::move(vectors);
}

/// CHECK that the message has the part.
void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a text finds the picture that it describes, and a picture its like") {
  const Scratch scratch;
  const auto embedder = open(options_of(clip_folder(scratch)));
  CHECK(embedder->dimension() == 4);
  CHECK(embedder->tokens_max() == 77);
  CHECK(embedder->identity() == "tiny@0123456789abcdef");
  const std::vector<std::string> colours = {"red", "green", "blue", "yellow", "white", "black"};
  const std::vector<Image> images = {picture(220, 10, 10),   picture(10, 200, 20),
                                     picture(0, 20, 230),    picture(230, 220, 0),
                                     picture(235, 235, 235), picture(0, 0, 0)};
  const auto vectors = embed(*embedder, images);
  for (std::size_t i = 0; i < colours.size(); ++i) {
    CAPTURE(colours[i]);
    CHECK(cosine(vectors[i], vectors[i]) == doctest::Approx(1));
    CHECK(nearest(embed(*embedder, "a photo of a " + colours[i] + " square"), vectors) == i);
  }
  CHECK(nearest(embed(*embedder, {picture(180, 30, 40, 7)}).front(), vectors) == 0);
}

TEST_CASE("texts and images have the same bits alone, beside others and on many threads") {
  const Scratch scratch;
  const auto embedder = open(options_of(clip_folder(scratch)));
  std::vector<Image> images;
  for (unsigned i = 0; i < 12; ++i) images.push_back(picture(i * 20, 255 - i * 20, i * 7, i));
  const std::vector<std::string_view> texts = {"red", "a green and blue thing", "", "red"};
  const auto together = embed(*embedder, images);
  const auto words = embedder->embed(Context(), texts, TextRole::document);
  REQUIRE(words);
  CHECK((*words)[0] == (*words)[3]);
  for (std::size_t i = 0; i < images.size(); ++i)
    CHECK(embed(*embedder, {images[i]}).front() == together[i]);
  std::vector<std::thread> callers;
  std::atomic<int> different{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      const auto again = embedder->image_embedder()->embed_images(Context(), images);
      const auto again_words = embedder->embed(Context(), texts, TextRole::document);
      if (!again || *again != together || !again_words || *again_words != *words) ++different;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(different == 0);
}

TEST_CASE("prefixes are put before texts, tokens are counted, long texts are cut") {
  const Scratch scratch;
  auto options = options_of(clip_folder(scratch));
  options.query_prefix = "a red ";
  options.tokens_max = 6;
  const auto embedder = open(options);
  CHECK(embed(*embedder, "x") == embed(*embedder, "a red x", TextRole::document));
  Usage usage;
  REQUIRE(embedder->embed(Context(), {"a a a a a a a", "a"}, TextRole::document, &usage));
  CHECK(usage.embedding_tokens == 6 + 3);
  CHECK(embedder->count_tokens("a a a a a a a") == 7);
  CHECK(embed(*embedder, "a a red red", TextRole::document) ==
        embed(*embedder, "a a red red blue blue", TextRole::document));
  options.tokens_max = 2;
  const auto refused = open_two_towers(options);
  REQUIRE_FALSE(refused);
  check_says(refused.error().message(), "at least 3");
}

TEST_CASE("a text tower of fixed length gets padded texts and the same vectors") {
  const Scratch scratch;
  const fs::path folder = clip_folder(scratch);
  const Vector free = embed(*open(options_of(folder)), "a red picture");
  replace(folder / "text_model.onnx", "text_of_16.onnx");
  const auto fixed = open(options_of(folder));
  CHECK(fixed->tokens_max() == 16);
  CHECK(embed(*fixed, "a red picture") == free);
  CHECK(embed(*fixed, std::string(300, '!') + " red").size() == 4);
}

TEST_CASE("embedding stops at its deadline and when it is cancelled") {
  const Scratch scratch;
  const auto embedder = open(options_of(clip_folder(scratch)));
  const Context late = Context().with_timeout(std::chrono::milliseconds(-1));
  const std::vector<Image> images = {picture(1, 2, 3)};
  const auto vectors = embedder->image_embedder()->embed_images(late, images);
  REQUIRE_FALSE(vectors);
  CHECK(vectors.error().code() == Code::deadline_exceeded);
  const std::vector<Image> wrong = {picture(1, 2, 3), Image{3, 3, "short"}};
  const auto refused = embedder->image_embedder()->embed_images(Context(), wrong);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::invalid_argument);
  CHECK(embed(*embedder, std::vector<Image>()).empty());
}

TEST_CASE("towers that do not fit are refused with what is wrong") {
  const Scratch scratch;
  fs::path folder = clip_folder(scratch);
  replace(folder / "vision_model.onnx", "vision_unprojected.onnx");
  check_says(error_of(folder).message(), "no output 'image_embeds', but pooler_output[-1, 4]");
  check_says(error_of(folder).message(), "CLIPVisionModelWithProjection");
  replace(folder / "vision_model.onnx", "vision_of_8.onnx");
  check_says(error_of(folder).message(), "4 numbers a vector, vision_model.onnx 8");
  replace(folder / "vision_model.onnx", "text_model.onnx");
  check_says(error_of(folder).message(), "no output 'image_embeds'");
  folder = clip_folder(scratch);
  write(folder / "preprocessor_config.json", R"({"size":40,"crop_size":40})");
  check_says(error_of(folder).message(), "does not take what preprocessor_config.json makes");
  write(folder / "preprocessor_config.json", "{");
  check_says(error_of(folder).message(), "preprocessor_config.json");
  folder = clip_folder(scratch);
  fs::remove(folder / "preprocessor_config.json");
  CHECK(error_of(folder).code() == Code::not_found);
  folder = clip_folder(scratch);
  fs::remove(folder / "tokenizer.json");
  check_says(error_of(folder).message(), "tokenizer.json");
  folder = clip_folder(scratch);
  write(folder / "text_model.onnx", data("text_model.onnx").substr(0, 900));
  CHECK(error_of(folder).code() == Code::invalid_argument);
  folder = clip_folder(scratch);
  replace(folder / "text_model.onnx", "model.onnx");
  check_says(error_of(folder).message(), "input 'pixel_values'");
}

TEST_CASE("damaged models are an answer or one clear error") {
  const Scratch scratch;
  const fs::path folder = clip_folder(scratch);
  std::mt19937 random(5);
  for (int i = 0; i < 60; ++i) {
    const char* name = i % 2 == 0 ? "vision_model.onnx" : "text_model.onnx";
    std::string bytes = data(name);
    if (i % 5 == 0) bytes.resize(random() % bytes.size());
    // The tables of words are most of the text tower; what is around them says more.
    const std::size_t edge = std::min<std::size_t>(bytes.size(), 700);
    for (int n = 0; n < 3 && edge > 0; ++n)
      bytes[random() % 2 == 0 ? random() % edge : bytes.size() - 1 - random() % edge] ^=
          static_cast<char>(1 << random() % 8);
    write(folder / name, bytes);
    const auto embedder = open_two_towers(options_of(folder));
    if (!embedder) CHECK(!embedder.error().message().empty());
    replace(folder / name, name);
  }
}

TEST_CASE("a model of both towers is cut into two that give the same bits") {
  const Scratch scratch;
  const fs::path folder = clip_folder(scratch);
  const std::vector<Image> images = {picture(200, 30, 90), picture(3, 140, 9)};
  const auto whole = open(options_of(folder));
  const auto names = onnx_names(data("model.onnx"));
  REQUIRE(names);
  CHECK(names->inputs == std::vector<std::string>{"input_ids", "pixel_values", "attention_mask"});
  CHECK(names->outputs == std::vector<std::string>{"logits_per_image", "logits_per_text",
                                                   "text_embeds", "image_embeds"});
  const auto text = split_onnx(data("model.onnx"), "text_embeds");
  const auto vision = split_onnx(data("model.onnx"), "image_embeds");
  REQUIRE(text);
  REQUIRE(vision);
  CHECK(onnx_names(*text)->inputs == std::vector<std::string>{"input_ids", "attention_mask"});
  CHECK(onnx_names(*vision)->inputs == std::vector<std::string>{"pixel_values"});
  CHECK(vision->size() < 700);
  write(folder / "text_model.onnx", *text);
  write(folder / "vision_model.onnx", *vision);
  const auto parts = open(options_of(folder));
  CHECK(embed(*parts, images) == embed(*whole, images));
  CHECK(embed(*parts, "a red picture") == embed(*whole, "a red picture"));
  // A graph within a node uses names from outside.
  const auto logits = split_onnx(data("model.onnx"), "logits_per_image");
  REQUIRE(logits);
  CHECK(onnx_names(*logits)->inputs.size() == 3);
  const auto none = split_onnx(data("model.onnx"), "nothing");
  REQUIRE_FALSE(none);
  check_says(none.error().message(), "no output 'nothing'");
}

TEST_CASE("cutting a damaged model is an answer or one clear error") {
  const std::string whole = data("model.onnx");
  std::mt19937 random(17);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole;
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    for (int n = 0; n < 3 && !bytes.empty(); ++n) {
      const std::size_t near = std::min<std::size_t>(bytes.size(), 1500);
      bytes[random() % near] = static_cast<char>(random());
    }
    const auto part = split_onnx(bytes, "image_embeds");
    if (!part) CHECK(!part.error().message().empty());
    (void)onnx_names(bytes);
  }
  CHECK_FALSE(split_onnx("", "image_embeds"));
}

}  // namespace slipway::models::detail
