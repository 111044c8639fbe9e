#include "app/command_line.hpp"

#include <doctest/doctest.h>

#include "app/completion.hpp"
#include "app/detail/fake_library.hpp"

namespace slipway::app {

namespace {

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "slipway");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string error_of(std::vector<const char*> arguments) {
  const CommandLine line = parse(std::move(arguments));
  CHECK_FALSE(line.run);
  CHECK(line.out.empty());
  CHECK(line.exit_code == exit_wrong_use);
  return line.err.substr(0, line.err.find('\n'));
}

}  // namespace

TEST_CASE("global options may stand before and after the command") {
  for (const auto& arguments : {std::vector<const char*>{"--json", "--data", "d", "search", "x"},
                                std::vector<const char*>{"search", "x", "--data", "d", "--json"}}) {
    const CommandLine line = parse(arguments);
    REQUIRE(line.run);
    CHECK(line.command == "search");
    CHECK(line.global.json);
    CHECK(line.global.data == "d");
  }
}

TEST_CASE("a command of two words has both in its name") {
  CHECK(parse({"models", "list"}).command == "models list");
}

TEST_CASE("an unknown option names the nearest known one") {
  CHECK(error_of({"search", "x", "--limt", "3"}) ==
        "slipway search: unknown option '--limt'; did you mean '--limit'?");
  CHECK(error_of({"search", "--limt=3"}) ==
        "slipway search: unknown option '--limt'; did you mean '--limit'?");
  CHECK(error_of({"--jsn", "search", "x"}) ==
        "slipway search: unknown option '--jsn'; did you mean '--json'?");
  CHECK(error_of({"search", "x", "--widget"}) == "slipway search: unknown option '--widget'");
}

TEST_CASE("an unknown command names the nearest known one") {
  CHECK(error_of({"serch", "x"}) == "slipway: unknown command 'serch'; did you mean 'search'?");
  CHECK(error_of({"models", "lst"}) ==
        "slipway models: unknown command 'lst'; did you mean 'list'?");
}

TEST_CASE("a missing command lists what there is") {
  CHECK(error_of({"models"}) ==
        "slipway models: a command is missing; there are: list, pull, import");
  CHECK(error_of({}).starts_with("slipway: a command is missing; there are: ingest, search, ask"));
}

TEST_CASE("a question without quotes is explained") {
  CHECK(error_of({"ask", "how", "long"}) ==
        "slipway ask: unexpected argument 'long'; put a text with spaces in quotes");
}

TEST_CASE("values out of range are refused") {
  CHECK(error_of({"search", "x", "--limit", "0"}).find("--limit") != std::string::npos);
  CHECK(error_of({"search", "x", "--limit", "1001"}).find("--limit") != std::string::npos);
  CHECK(error_of({"search", "x", "--limit", "ten"}).find("ten") != std::string::npos);
  CHECK(error_of({"ask", "x", "--mode", "extracts"}) ==
        "slipway ask: --mode: 'extracts' is none of: auto, generate, extract; did you mean "
        "'extract'?");
  CHECK(error_of({"search", "x", "--mmr", "7"}).find("range 0 to 1") != std::string::npos);
  CHECK(error_of({"ask", "x", "--budget", "-1"}).find("-1") != std::string::npos);
}

TEST_CASE("a text that is the name of a command is still a text") {
  detail::Run run;
  const CommandLine line = parse({"search", "models"});
  REQUIRE(line.run);
  CHECK(line.run(*run.app));
  CHECK(run.library->search_request_.query == "models");
}

TEST_CASE("options reach the library as they were written") {
  detail::Run run;
  const CommandLine line =
      parse({"ingest", "--metadata", "year=2024", "-m", "draft=false", "-m", "n=1.5", "-m",
             "v=1.0.0", "docs/", "b.md", "--exclude", "*.tmp", "--sync", "-c", "handbook"});
  REQUIRE(line.run);
  REQUIRE(line.run(*run.app));
  const rag::IngestRequest& request = run.library->ingest_request_;
  CHECK(request.sources == std::vector<std::string>{"docs/", "b.md"});
  CHECK(json::dump(request.metadata) == R"({"year":2024,"draft":false,"n":1.5E0,"v":"1.0.0"})");
  CHECK(request.source_options.exclude == std::vector<std::string>{"*.tmp"});
  CHECK(request.sync);
  CHECK_FALSE(request.dry_run);
  CHECK_FALSE(request.settings);
  CHECK(request.collection == "handbook");
}

TEST_CASE(
    "what orders and chooses passages reaches the library, and what contradicts is wrong use") {
  detail::Run run;
  CommandLine line =
      parse({"search", "x", "--rerank", "--candidates", "20", "--collapse", "--expand", "section"});
  REQUIRE(line.run);
  REQUIRE(line.run(*run.app));
  const rag::SearchRequest& request = run.library->search_request_;
  CHECK(request.rerank == true);
  CHECK(request.candidates == 20);
  CHECK(request.collapse);
  CHECK(request.expand == rag::Expand::section);
  CHECK_FALSE(request.mmr);
  line = parse({"search", "x", "--mmr", "0.5", "--mode", "dense"});
  REQUIRE(line.run);
  REQUIRE(line.run(*run.app));
  CHECK(run.library->search_request_.mmr == 0.5);
  CHECK_FALSE(run.library->search_request_.rerank.has_value());
  line = parse({"ask", "x", "--reranker", "cross"});
  REQUIRE(line.run);
  REQUIRE(line.run(*run.app));
  CHECK(run.library->ask_request_.reranker == "cross");
  line = parse({"search", "x", "--mmr", "0.5", "--rerank"});
  REQUIRE(line.run);
  CHECK(*line.run(*run.app) == exit_wrong_use);
  CHECK(run.err.find("mmr: cannot keep a reranker's order") != std::string::npos);
}

TEST_CASE("help at each level has an example") {
  const auto check_help = [](const std::vector<const char*>& arguments, std::string_view example) {
    const CommandLine line = parse(arguments);
    CHECK_FALSE(line.run);
    CHECK(line.exit_code == 0);
    CHECK(line.err.empty());
    CHECK_MESSAGE(line.out.find(example) != std::string::npos, line.out);
  };
  check_help({"--help"}, "slipway ask \"How long are traces kept?\"");
  check_help({"ask", "--help"}, "slipway ask --replay");
  check_help({"models", "--help"}, "slipway models list");
  check_help({"traces", "export", "--help"}, "slipway traces export --project shop");
  check_help({"models", "import", "--help"}, "slipway models import");
  check_help({"eval", "gate", "--help"}, "slipway eval gate eval/handbook.yaml --baseline");
  check_help({"collections", "delete", "-h"}, "--yes");
  CHECK(parse({"--version"}).out == "slipway 0.1.0\n");
}

namespace {
void for_each_leaf(const CommandNode& node, const std::function<void(const CommandNode&)>& visit) {
  visit(node);
  for (const CommandNode& child : node.children) for_each_leaf(child, visit);
}
}  // namespace

TEST_CASE("completion scripts name every command and option") {
  const CommandNode root = command_tree();
  const std::string scripts[] = {bash_completion(root), zsh_completion(root),
                                 fish_completion(root)};
  int options = 0;
  for_each_leaf(root, [&](const CommandNode& node) {
    for (const auto& option : node.options) {
      ++options;
      const std::string name = option.names.back().substr(2);
      for (const std::string& script : scripts)
        CHECK_MESSAGE(script.find(name) != std::string::npos, name);
    }
    for (const CommandNode& child : node.children)
      for (const std::string& script : scripts)
        CHECK_MESSAGE(script.find(child.name) != std::string::npos, child.name);
  });
  CHECK(options > 60);
  CHECK(scripts[0].find("hybrid dense lexical") != std::string::npos);
}

}  // namespace slipway::app
