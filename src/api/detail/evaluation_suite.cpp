#include "api/detail/evaluation_suite.hpp"

namespace slipway::api::detail {

namespace {

constexpr std::size_t goldens_max = 100'000;

/// What a suite on the command line may do and one that was sent may not: it would act with the
/// rights of this server.
Result<void> check_reach(const eval::Suite& suite) {
  const auto refuse = [](std::string_view what) {
    return fail(Code::forbidden,
                "{}: only suites of the command line may say this; run them with "
                "slipway eval run",
                what);
  };
  if (suite.target) {
    if (suite.target->command) return refuse("target.command");
    if (suite.target->url) return refuse("target.url");
    if (suite.target->agent) return refuse("target.agent");
  }
  if (suite.judge) {
    if (!suite.judge->provider.empty()) return refuse("judge.provider");
    if (!suite.judge->replies.empty()) return refuse("judge.replies");
    if (!suite.judge->prompts.empty()) return refuse("judge.prompts");
  }
  return {};
}

}  // namespace

Result<SentSuite> read_sent_suite(const Context& context, datasets::Datasets& datasets,
                                  const json::Value& body) {
  SentSuite sent;
  sent.request = TRY(json::from<json::Object>(body));
  json::Object wish = sent.request;
  if (const json::Value* baseline = wish.if_contains("baseline")) {
    if (baseline->is_string()) sent.baseline = std::string(baseline->get_string());
    wish.erase("baseline");
  }
  const std::string name =
      std::string(json::from<std::string>(wish["dataset"]).ok() ? wish["dataset"].get_string()
                                                                : std::string_view());
  if (const json::Value* given = wish.if_contains("name");
      !given || (given->is_string() && given->get_string().empty()))
    wish["name"] = name;
  sent.request["name"] = wish["name"];
  sent.suite = TRY(eval::parse_suite(json::Value(wish)));
  TRY(check_reach(sent.suite));
  const eval::NamedDataset named = TRY(eval::find_goldens(context, datasets, name));
  sent.dataset = named.dataset;
  const auto version = TRY(eval::golden_version(context, datasets, named));
  for (eval::StoredGolden& stored : TRY(eval::stored_goldens(context, datasets, named))) {
    if (sent.goldens.size() >= goldens_max)
      return fail(Code::conflict,
                  "dataset '{}' has more than {} goldens; evaluate it with slipway "
                  "eval run",
                  named.dataset.name, goldens_max);
    eval::identify(stored.golden);
    sent.examples[stored.golden.id] = std::move(stored.example_id);
    TRY(sent.goldens.add(std::move(stored.golden)));
  }
  if (sent.goldens.size() == 0)
    return fail(Code::conflict, "dataset '{}' has no goldens in that version", named.dataset.name);
  sent.version = format_time(Clock::Time(std::chrono::microseconds(version.version)));
  // The runner takes a dataset's name for a file if there is one of that name.
  sent.suite.dataset = fmt::format("{}@{}", named.dataset.id, version.digest);
  return sent;
}

}  // namespace slipway::api::detail
