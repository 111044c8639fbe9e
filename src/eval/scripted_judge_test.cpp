#include "eval/scripted_judge.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace slipway::eval {

namespace {

/// A file of replies that goes with the test.
class Replies {
 public:
  explicit Replies(std::string_view text)
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("slipway-replies-{}.jsonl", static_cast<const void*>(this))) {
    std::ofstream(path_) << text;
  }
  ~Replies() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Question question(std::string metric, std::string step, std::size_t index) {
  Question asked;
  asked.metric = std::move(metric);
  asked.step = std::move(step);
  asked.index = index;
  return asked;
}

Golden golden(std::string id) {
  Golden made;
  made.id = std::move(id);
  return made;
}

std::string refusal(std::string_view text) {
  const Replies replies(text);
  const auto opened = open_scripted_judge(replies.path());
  REQUIRE(!opened.ok());
  CHECK(opened.error().code() == Code::invalid_argument);
  const std::string& message = opened.error().message();
  return message.substr(message.find("line"));
}

}  // namespace

TEST_CASE("a file answers by case, metric, step and place; asked once more, the next") {
  const Replies replies(
      "{\"case\":\"a\",\"metric\":\"m\",\"replies\":{\"s\":[\"one\",\"two\"]}}\r\n\n"
      "{\"replies\":{\"s\":[\"three\"]},\"metric\":\"m\",\"case\":\"b\\u00e9\"}");
  const auto judge = std::move(*open_scripted_judge(replies.path()));
  const auto ask = [&](const std::string& id, std::size_t index, int attempt) {
    return judge->ask(Context(), golden(id), question("m", "s", index), attempt);
  };
  CHECK(ask("a", 0, 0)->text == "one");
  CHECK(ask("a", 0, 1)->text == "two");
  CHECK(ask("a", 1, 0)->text == "two");
  CHECK(ask("bé", 0, 0)->text == "three");
  CHECK(ask("a", 2, 0).error().message() ==
        "case 'a', m: there is no scripted reply 2 to step 's'");
  CHECK(ask("c", 0, 0).error().code() == Code::not_found);
  CHECK(judge->identity().starts_with("scripted:"));
}

TEST_CASE("a wrong line of replies is told by its number") {
  const std::string good = "{\"case\":\"a\",\"metric\":\"m\",\"replies\":{}}\n";
  CHECK(refusal(good + "nothing") == "line 2: is no JSON object");
  CHECK(refusal("[]") == "line 1: is no JSON object");
  CHECK(refusal("{\"case\":\"a\",\"metric\":\"m\"}") ==
        "line 1: needs \"case\", \"metric\" and an object \"replies\"");
  CHECK(refusal(good + "\n" + good) ==
        "line 3: replies for case 'a', metric 'm' stand in line 1 already");
  CHECK(open_scripted_judge("no/such/file").error().code() == Code::not_found);
}

TEST_CASE("entailment, embeddings and probabilities are looked up") {
  const auto judge = scripted_judge(
      json::parse(R"({"entailment":[{"sentence":0,"citations":[2,1],"reply":"{\"entailed\":1}"},
        {"sentence":1,"citations":[1],"reply":"no idea"}],"embeddings":{"x":[1,0.5]},
        "score":["{}"],
        "logprobs":[[{"token":"8","top_logprobs":[{"token":"8","logprob":-0.5}]}]]})")
          ->as_object());
  const Golden at = golden("a");
  const Question asked = question("m", "entailment", 0);
  CHECK(*judge->entails(Context(), at, asked, 0, {1, 2}) == true);
  CHECK(judge->entails(Context(), at, asked, 0, {1}).error().code() == Code::not_found);
  CHECK(judge->entails(Context(), at, asked, 1, {1})
            .error()
            .message()
            .find("the reply holds no JSON object") != std::string::npos);
  CHECK(judge->embed(Context(), at, "m", "x")->at(1) == 0.5);
  CHECK(!judge->embed(Context(), at, "m", "y").ok());
  Question score = question("m", "score", 0);
  score.wants_logprobs = true;
  CHECK(judge->ask(Context(), at, score, 0)->logprobs->at(0).top.at(0).logprob == -0.5);
}

}  // namespace slipway::eval
