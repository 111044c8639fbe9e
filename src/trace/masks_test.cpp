#include "trace/masks.hpp"

#include <doctest/doctest.h>

#include "trace/config.hpp"
#include "trace/detail/mount_fixture.hpp"

namespace slipway::trace::detail {

namespace {

std::string inputs_after(const std::vector<std::string>& rules, const std::string& json) {
  const auto masks = Masks::make(rules);
  if (!masks) return masks.error().message();
  RunPatch run;
  run.inputs = Payload{json};
  masks->apply(run);
  return run.inputs->bytes;
}

}  // namespace

TEST_CASE("a path masks what stands there, and every other byte stays") {
  const std::string json =
      R"({"user": {"password" : "s3cret", "age": 1.0}, "l":[{"password":[1,2]}, {"p": 1e3}] })";
  CHECK(
      inputs_after({"$.inputs.user.password"}, json) ==
      R"({"user": {"password" : "[masked]", "age": 1.0}, "l":[{"password":[1,2]}, {"p": 1e3}] })");
  CHECK(inputs_after({"$..password"}, json) == R"({"user": {"password" : "[masked]", "age": 1.0}, )"
                                               R"("l":[{"password":"[masked]"}, {"p": 1e3}] })");
  CHECK(inputs_after({"$.inputs.l[1].p"}, json).find(R"("p": "[masked]")") != std::string::npos);
  CHECK(inputs_after({"$.inputs['l'][*]"}, json).find(R"(["[masked]", "[masked]"])") !=
        std::string::npos);
  CHECK(inputs_after({"$.inputs.*"}, json) == R"({"user": "[masked]", "l":"[masked]" })");
  CHECK(inputs_after({"$.inputs"}, json) == R"("[masked]")");
  CHECK(inputs_after({"$.outputs", "$.inputs.none"}, json) == json);
  CHECK(inputs_after({"$.inputs.pass"}, R"({"p\u0061ss":1})") == R"({"p\u0061ss":"[masked]"})");
}

TEST_CASE("personal data and patterns are masked in strings, names and numbers, escaped or not") {
  CHECK(inputs_after({"email"}, R"({"to":"ann\u0040example.com","n":[1,true,null]})") ==
        R"({"to":"[email]","n":[1,true,null]})");
  CHECK(inputs_after({"email"}, R"({"ann@example.com":1})") == R"({"[email]":1})");
  CHECK(inputs_after({"card"}, R"([4111111111111111, 4111111111111112])") ==
        R"(["[card]", 4111111111111112])");
  CHECK(inputs_after({R"(sk-[A-Za-z0-9]{8,})"}, R"("key \"sk-abcdefgh\" here")") ==
        R"("key \"[masked]\" here")");
}

TEST_CASE("all of a run is looked through") {
  RunPatch run;
  const std::string address = "ann@example.com";
  run.name = run.error = run.user_id = run.session_id = address;
  run.outputs = Payload{"mail " + address, true};
  run.tags = {address};
  run.events = {{.name = "e", .attributes = {{"to", address}}}};
  run.metadata = {{"to", address}, {"n", 1.5}};
  run.attributes = {{"http.url", address}};
  run.extra = {{"runtime", json::Object{{"who", address}}}};
  must(Masks::make({"email", "$.metadata.n"})).apply(run);
  for (const auto* text : {&run.name, &run.error, &run.user_id, &run.session_id})
    CHECK(*text == "[email]");
  CHECK(run.outputs->bytes == "mail [email]");
  CHECK(run.tags.front() == "[email]");
  CHECK(run.events.front().attributes.at("to") == "[email]");
  CHECK(json::dump(run.metadata) == R"({"to":"[email]","n":"[masked]"})");
  CHECK(run.attributes.at("http.url") == "[email]");
  CHECK(run.extra.at("runtime").at("who") == "[email]");
}

TEST_CASE("a rule that is none is told with its place") {
  for (const char* rule : {"$.", "$.a..", "$[", "$[x]", "$['a", "$a", "(", ""}) {
    const auto masks = Masks::make({"email", rule});
    REQUIRE_FALSE(masks.ok());
    CHECK(masks.error().message().find("mask[1]") != std::string::npos);
  }
  TracesConfig config;
  config.mask = {"["};
  CHECK_FALSE(config.validate().ok());
  config.mask = {"email", "$..password", "sk-[a-z]+"};
  CHECK(config.validate().ok());
}

}  // namespace slipway::trace::detail
