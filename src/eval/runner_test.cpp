#include "eval/runner.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "core/files.hpp"
#include "eval/evaluation.hpp"

namespace slipway::eval {

namespace {

/// A folder that goes with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "slipway_eval_runner_test") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, std::string_view text) const {
    REQUIRE(write_file_atomically(path_ / name, text));
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

/// Answers with the input's number of the golden, after `fails_after` answers with an error.
class FakeTarget final : public Target {
 public:
  std::string name() const override { return "fake"; }
  std::string identity() const override { return "fake 1"; }
  Result<Golden> answer(const Context&, const Golden& golden, int) override {
    if (++asked_ > cancels_after_) return fail(Code::cancelled, "stopped");
    if (golden.input == "broken") return fail(Code::unavailable, "it is down");
    Golden answered = golden;
    answered.actual_output = golden.input;
    return answered;
  }
  std::atomic<int> asked_ = 0;
  int cancels_after_ = 1'000'000;
};

std::string goldens(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += fmt::format(
        "{{\"id\":\"g{:03}\",\"input\":\"answer {}\",\"expected_output\":\"answer {}\","
        "\"metadata\":{{\"document\":\"d{}\"}}}}\n",
        i, i, i % 4 == 0 ? i + 1 : i, i / 4);
  return text;
}

std::unique_ptr<Evaluation> open(const std::string& file, Target* target = nullptr,
                                 std::string_view more = "") {
  auto suite = parse_suite(
      fmt::format("name: s\ndataset: {}\nmetrics:\n - {{name: exact_match}}\n{}", file, more));
  REQUIRE_MESSAGE(suite, (suite ? "" : suite.error().message()));
  /// Borrows the test's.
  class Borrowed final : public Target {
   public:
    explicit Borrowed(Target& target) : target_(target) {}
    std::string name() const override { return target_.name(); }
    std::string identity() const override { return target_.identity(); }
    Result<Golden> answer(const Context& c, const Golden& g, int r) override {
      return target_.answer(c, g, r);
    }

   private:
    Target& target_;
  };
  Doors doors;
  if (target) {
    suite->target = TargetSpec{.rag = "x"};
    doors.open_target = [target](const Suite&) -> Result<std::unique_ptr<Target>> {
      return std::unique_ptr<Target>(std::make_unique<Borrowed>(*target));
    };
  }
  doors.open_perturbation = [](const std::string& name, const Suite&,
                               const GoldenSet&) -> Result<NamedPerturb> {
    return NamedPerturb{name, [](const Golden& golden, std::size_t index) -> Result<Golden> {
                          Golden changed = golden;
                          if (index % 3 == 0) changed.actual_output = "something else";
                          return changed;
                        }};
  };
  auto evaluation = Evaluation::open(*std::move(suite), doors);
  REQUIRE_MESSAGE(evaluation, (evaluation ? "" : evaluation.error().message()));
  return *std::move(evaluation);
}

}  // namespace

TEST_CASE("a run gives the same bytes on any number of threads") {
  const Folder folder;
  const std::string file = folder.write("g.jsonl", goldens(60));
  FakeTarget target;
  const auto evaluation = open(file, &target);
  const auto one = run_suite(Context(), evaluation->parts(), {.threads = 1});
  const auto many = run_suite(Context(), evaluation->parts(), {.threads = 8});
  REQUIRE(one);
  REQUIRE(many);
  CHECK(to_text(one->result) == to_text(many->result));
  const MetricResult& metric = one->result.metrics[0];
  CHECK(metric.n == 60);
  CHECK(*metric.mean == doctest::Approx(0.75));
  CHECK(metric.clusters == 15);
  CHECK(metric.method == "wilson_design_effect");  // Every document has the same rate.
  CHECK(*metric.pass_rate == doctest::Approx(0.75));
  CHECK(one->details.by_item.size() == 60);
  CHECK(one->details.by_item[0].find("\"actual_output\":\"answer 0\"") != std::string::npos);
  const auto back = parse_result(to_text(one->result));
  REQUIRE_MESSAGE(back, (back ? "" : back.error().message()));
  CHECK(to_text(*back) == to_text(one->result));
}

TEST_CASE("an interrupted run goes on where it stopped") {
  const Folder folder;
  const std::string file = folder.write("g.jsonl", goldens(40));
  FakeTarget target;
  target.cancels_after_ = 25;
  const auto evaluation = open(file, &target);
  const RunOptions options{.threads = 1, .journal = folder.path() / "journal.jsonl"};
  const auto stopped = run_suite(Context(), evaluation->parts(), options);
  REQUIRE(!stopped);
  CHECK(stopped.error().code() == Code::cancelled);
  // A line that was cut off says nothing.
  const std::string kept = *read_file(options.journal);
  REQUIRE(write_file_atomically(options.journal, kept + "{\"case\":30,\"sco"));
  target.cancels_after_ = 1'000'000;
  target.asked_ = 0;
  const auto resumed = run_suite(Context(), evaluation->parts(), options);
  REQUIRE(resumed);
  CHECK(resumed->resumed == 25);
  CHECK(target.asked_ == 15);
  CHECK(!std::filesystem::exists(options.journal));
  const auto whole = run_suite(Context(), evaluation->parts());
  CHECK(to_text(resumed->result) == to_text(whole->result));
}

TEST_CASE("a journal of another run is not read") {
  const Folder folder;
  const std::string file = folder.write("g.jsonl", goldens(10));
  FakeTarget target;
  const auto evaluation = open(file, &target);
  const RunOptions options{.threads = 1, .journal = folder.path() / "journal.jsonl"};
  REQUIRE(
      write_file_atomically(options.journal,
                            "{\"run\":\"sha256:other\"}\n"
                            "{\"case\":0,\"scores\":[[0,1,1]],\"errors\":[],\"details\":{}}\n"));
  const auto run = run_suite(Context(), evaluation->parts(), options);
  REQUIRE(run);
  CHECK(run->resumed == 0);
}

TEST_CASE("a case that fails is an error in the report and not in the mean") {
  const Folder folder;
  const std::string file = folder.write("g.jsonl", R"({"id":"a","input":"x","expected_output":"x"}
{"id":"b","input":"broken","expected_output":"x"}
{"id":"c","input":"y","expected_output":"y"}
{"id":"d","input":"no expectation"}
)");
  FakeTarget target;
  const auto run = run_suite(Context(), open(file, &target)->parts());
  REQUIRE(run);
  const MetricResult& metric = run->result.metrics[0];
  CHECK(metric.n == 2);
  CHECK(metric.errors == 1);
  CHECK(metric.skipped == 1);
  CHECK(*metric.mean == 1);
  REQUIRE(run->notes.size() == 1);
  CHECK(run->notes[0] == "target: it is down");
}

TEST_CASE("robustness compares each perturbed item with its clean one") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 30; ++i)
    text +=
        fmt::format("{{\"input\":\"q{}\",\"actual_output\":\"a\",\"expected_output\":\"a\"}}\n", i);
  const auto evaluation =
      open(folder.write("g.jsonl", text), nullptr, "robustness: [typos, injection]\n");
  const auto run = run_suite(Context(), evaluation->parts());
  REQUIRE(run);
  REQUIRE(run->result.robustness.size() == 2);
  const RobustnessResult& typos = run->result.robustness[0];
  CHECK(typos.perturbation == "typos");
  CHECK(typos.n == 30);
  CHECK(*typos.difference == doctest::Approx(-1.0 / 3));
  CHECK(*typos.invariance == doctest::Approx(2.0 / 3));
  CHECK(typos.p_worse < 0.01);
}

TEST_CASE("goldens that cannot be read say where and why") {
  const Folder folder;
  const auto complaint = [&](std::string_view text) {
    const auto set = read_jsonl_goldens(folder.write("g.jsonl", text));
    return set ? std::string("accepted") : set.error().message();
  };
  CHECK(complaint("{\"input\":\"a\"}\n\n{\"inptu\":\"b\"}\n")
            .ends_with("g.jsonl:3: $.inptu: unknown key; did you mean 'input'?"));
  CHECK(complaint("{\"input\":\"a\",\"id\":\"1\"}\n{\"input\":\"b\",\"id\":\"1\"}\n")
            .ends_with("line 2 has the id '1' of line 1; give each golden its own"));
  CHECK(complaint("\n").ends_with("has no goldens; write one JSON object a line"));
  CHECK(complaint("{\"input\":\"a\"}\n{\"input\":\"a\"}\n") == "accepted");
}

TEST_CASE("a set's version is that of its goldens, in any order") {
  std::vector<Golden> all(3);
  GoldenSet there, back;
  for (int i = 0; i < 3; ++i) {
    all[static_cast<std::size_t>(i)].input = fmt::format("q{}", i);
    identify(all[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < 3; ++i) {
    REQUIRE(there.add(all[static_cast<std::size_t>(i)]));
    REQUIRE(back.add(all[static_cast<std::size_t>(2 - i)]));
  }
  CHECK(there.version() == version_of(all));
  CHECK(back.version() == there.version());
  CHECK(back.at(0).input == "q2");
  CHECK(back.find(all[0].id) == std::optional<std::size_t>(2));
}

}  // namespace slipway::eval
