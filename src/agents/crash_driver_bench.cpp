// Runs an agent whose tools have effects that can be counted, for tests that end this program while
// it runs (tests/journeys/test_agent_crash.py).
//
// Usage: crash_driver_bench agent run FILE --run-id R --input JSON | resume [--answer ID=JSON]... |
//        ledger | history, each with --thread T --data FOLDER
//
// Tools of kind `command: [NAME, FILE]` append a line "NAME KEY" to FILE and give back how many
// lines there are of that key, or for the name `probe` whether a line has it.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <map>

#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/files.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

/// What happened, outside of all that a crash may take away.
class EffectLog final : public Tool {
 public:
  EffectLog(std::string name, std::string file) : name_(std::move(name)), file_(std::move(file)) {}

  ToolResult call(const Context&, const ToolCall& call) override {
    if (name_ == "probe") {
      const int count = lines_of(call.args.at("key").text());
      return ToolResult::done(Value::map({{"done", count > 0}, {"result", count}}));
    }
    const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const std::string line = fmt::format("{} {}\n", name_, call.effect_key);
    const bool is_written =
        file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    if (file >= 0) ::close(file);
    if (!is_written) return ToolResult::failed({"network", "the effect could not be written"});
    // The same of an effect that is made again.
    return ToolResult::done(Value(1));
  }

 private:
  int lines_of(const std::string& key) const {
    const auto text = read_file(file_);
    int count = 0;
    for (std::size_t at = 0; text && (at = text->find(" " + key + "\n", at)) != std::string::npos;
         ++at)
      ++count;
    return count;
  }

  const std::string name_, file_;
};

Result<std::shared_ptr<Tool>> make_tool(const ToolSpec& spec) {
  if (!spec.config.is_list() || spec.config.items().size() != 2)
    return fail(Code::invalid_argument, "tool '{}': command: [NAME, FILE] is expected", spec.name);
  return std::shared_ptr<Tool>(
      std::make_shared<EffectLog>(spec.config.items()[0].text(), spec.config.items()[1].text()));
}

struct Words {
  std::string what, file;
  std::map<std::string, std::string> options;
  std::vector<std::pair<std::string, Value>> answers;
};

Words read_words(int count, char** list) {
  Words words;
  for (int i = 1; i < count; ++i) {
    const std::string word = list[i];
    if (word == "agent" || word == "--json" || word == "--trace") continue;
    if (word == "--answer" && i + 1 < count) {
      const std::string text = list[++i];
      const std::size_t cut = text.find('=');
      if (auto value = parse_json(text.substr(cut + 1)))
        words.answers.emplace_back(text.substr(0, cut), *std::move(value));
    } else if (word.starts_with("--") && i + 1 < count) {
      words.options[word.substr(2)] = list[++i];
    } else if (words.what.empty()) {
      words.what = word;
    } else {
      words.file = word;
    }
  }
  return words;
}

Result<Value> act(Words& words) {
  Runtime::Options options{.data = words.options["data"]};
  options.tools.add("command", make_tool);
  const auto runtime = TRY(Runtime::open(std::move(options)));
  const std::string thread = words.options["thread"];
  if (words.what == "ledger") return runtime->ledger(thread);
  if (words.what == "history") {
    std::vector<Value> list;
    for (const HistoryEntry& entry : TRY(runtime->history(thread))) list.push_back(entry.json());
    return Value::list(std::move(list));
  }
  RunResult result;
  if (words.what == "resume") {
    result = runtime->resume({}, thread, {.answers = words.answers, .trace = true});
  } else {
    const LoadedAgent loaded = load_agent_file(words.file);
    if (!loaded.ok()) return loaded.error();
    result = runtime->run({}, loaded.agent, TRY(parse_json(words.options["input"])),
                          {.thread = thread, .run = words.options["run-id"], .trace = true});
  }
  // Seen as soon as it is there: before the data folder is closed.
  const std::string text = dump(result.json()) + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0)
    return fail(Code::unavailable, "stdout cannot be written");
  return Value();
}

}  // namespace

int main(int count, char** list) {
  Words words = read_words(count, list);
  const auto value = act(words);
  if (!value) {
    std::fprintf(stderr, "%s\n", value.error().message().c_str());
    return 1;
  }
  if (!value->is_null()) std::printf("%s\n", dump(*value).c_str());
  return 0;
}
