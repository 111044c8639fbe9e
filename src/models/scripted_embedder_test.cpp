#include <doctest/doctest.h>

#include "models/scripted.hpp"

namespace slipway::models {

namespace {

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

TEST_CASE("texts that share words are near, whatever their case and punctuation") {
  ScriptedEmbedder embedder;
  const auto vector = [&](std::string_view text) {
    auto result = embedder.embed_one(Context(), text, TextRole::query);
    REQUIRE(result);
    return *std::move(result);
  };
  CHECK(dot(vector("Traces are kept."), vector("traces, are KEPT!")) == doctest::Approx(1));
  CHECK(dot(vector("traces are kept"), vector("traces are dropped")) > 0.5);
  CHECK(dot(vector("traces are kept"), vector("three eggs sugar")) < 0.5);
  CHECK(vector("Ähre") == vector("ähre"));
  for (const char* text : {"", "...", "one", "one one two", "日本 語"})
    CHECK(dot(vector(text), vector(text)) == doctest::Approx(1));
}

TEST_CASE("the scripted embedder counts words and texts") {
  ScriptedEmbedder embedder(8);
  CHECK(embedder.count_tokens("one, two three-four") == 4);
  Usage usage;
  const auto vectors =
      embedder.embed(Context(), {"one two", "", "three"}, TextRole::document, &usage);
  REQUIRE(vectors);
  CHECK(vectors->size() == 3);
  CHECK((*vectors)[0].size() == 8);
  CHECK(usage.embedding_tokens == 3);
  CHECK(embedder.embedded() == 3);
  CHECK(embedder.identity() != ScriptedEmbedder(9).identity());
  std::stop_source source;
  source.request_stop();
  CHECK(embedder.embed_one(Context(source.get_token()), "x", TextRole::query).error().code() ==
        Code::cancelled);
}

TEST_CASE("embed_one passes the error of embed on, and refuses another number of vectors") {
  class Odd final : public Embedder {
   public:
    const std::string& identity() const override { return name_; }
    const std::string& name() const override { return name_; }
    std::size_t dimension() const override { return 1; }
    std::size_t tokens_max() const override { return 1; }
    std::size_t count_tokens(std::string_view) const override { return 0; }
    Result<std::vector<Vector>> embed(const Context&, const std::vector<std::string_view>& texts,
                                      TextRole, Usage*) override {
      if (texts[0] == "fail") return fail(Code::unavailable, "no");
      return std::vector<Vector>();
    }

   private:
    std::string name_ = "odd";
  };
  Odd odd;
  CHECK(odd.embed_one(Context(), "fail", TextRole::query).error().code() == Code::unavailable);
  CHECK(odd.embed_one(Context(), "x", TextRole::query).error().message() ==
        "embedder 'odd' gave 0 vectors for one text");
}

TEST_CASE("scripted towers give an image the vector of its colour's name") {
  ScriptedTowers towers;
  REQUIRE(towers.reads_images());
  const auto painted = [](char red, char green, char blue) {
    return Image{2, 1, {red, green, blue, red, green, blue}};
  };
  const std::vector<Image> images = {painted('\xDC', '\x10', '\x22'),
                                     painted('\x08', '\x10', '\x04')};
  const auto vectors = towers.image_embedder()->embed_images(Context(), images);
  REQUIRE(vectors);
  CHECK((*vectors)[0] == *towers.embed_one(Context(), "Red", TextRole::query));
  CHECK((*vectors)[1] == *towers.embed_one(Context(), "black", TextRole::query));
  CHECK(towers.embedded_images() == 2);
  const std::vector<Image> none = {Image{}};
  CHECK_FALSE(towers.image_embedder()->embed_images(Context(), none));
}

}  // namespace slipway::models
