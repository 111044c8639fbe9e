#include "models/deployment.hpp"

#include <doctest/doctest.h>

#include "models/catalog.hpp"

namespace slipway::models {

namespace {

Result<ModelConfig> read(const char* text) { return json::from<ModelConfig>(*json::parse(text)); }

std::string refusal(const char* text) {
  const auto config = read(text);
  REQUIRE_FALSE(config.ok());
  return config.error().message();
}

}  // namespace

TEST_CASE("a deployment is read in the words of the contract") {
  const auto config = read(R"({"provider": "openai", "model": "gpt-4o-mini",
    "api_key": [{"key": "env:A", "weight": 3}, {"key": "file:/run/b"}], "retries": 4,
    "timeouts": {"connect": "500ms"}, "fallback": ["steady"],
    "limits": {"requests": "600/min", "concurrent": 64},
    "price": {"input": 0.15, "output": 0.6, "cached_input": 0.075}, "max_tokens": 77})");
  REQUIRE(config);
  CHECK(config->api_key.items().size() == 2);
  CHECK(config->api_key.items()[1].weight == 1);
  CHECK(config->api_key.first() == "env:A");
  CHECK(config->timeouts.connect == "500ms");
  CHECK(config->timeouts.total == "10m");
  CHECK(config->resolved().base_url == "https://api.openai.com/v1");
  const auto again = json::from<ModelConfig>(json::to(*config));
  REQUIRE(again);
  CHECK(json::to(*again) == json::to(*config));
}

TEST_CASE("file and context are other words for path and context_tokens") {
  const auto config = read(R"({"provider": "llama", "file": "x.gguf", "context": 4096})");
  REQUIRE(config);
  CHECK(config->resolved().path == "x.gguf");
  CHECK(config->resolved().context_tokens == 4096);
  CHECK(refusal(R"({"provider": "llama", "file": "x", "path": "y"})").find("keep one") !=
        std::string::npos);
}

TEST_CASE("what is wrong in a deployment is named, and a pasted key is not shown") {
  const auto says = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string pasted = refusal(R"({"api_key": [{"key": "sk-secret"}]})");
  says(pasted, "api_key: write env:NAME");
  CHECK(pasted.find("sk-secret") == std::string::npos);
  says(refusal(R"({"api_key": [{"key": "env:A", "weight": 0}]})"), "weight");
  says(refusal(R"({"limits": {"requests": "600"}})"), "$.limits: requests: '600' is no rate");
  says(refusal(R"({"limits": {"tokens": "-1/min"}})"), "no rate");
  says(refusal(R"({"timeouts": {"total": "soon"}})"), "$.timeouts: total: 'soon' is no time");
  says(refusal(R"({"timeouts": {"connect": "0s"}})"), "longer than 0s");
  says(refusal(R"({"price": {"input": -1}})"), "a price is a number from 0");
  says(refusal(R"({"retries": 11})"), "outside of 0..10");
  says(refusal(R"({"provider": "anthropic", "task": "embed"})"), "anthropic models chat");
  says(refusal(R"({"provider": "anthropic", "responses": true})"), "only openai servers");
}

}  // namespace slipway::models
