#include "documents/sources.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/unicode.hpp"

using namespace slipway;
using namespace slipway::documents;

namespace fs = std::filesystem;

namespace {

/// A folder of its own for each test, which is also the working folder while it lives.
class Playground {
 public:
  Playground() : before_(fs::current_path()) {
    char name[] = "/tmp/slipway-sources-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    root_ = fs::canonical(name);
    fs::current_path(root_);
  }
  ~Playground() {
    fs::current_path(before_);
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  const fs::path& root() const { return root_; }
  std::string uri(std::string_view relative) const { return file_uri(root_ / relative); }
  void file(const fs::path& relative, std::string_view bytes = "text") const {
    const fs::path path = root_ / relative;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << bytes;
  }

 private:
  fs::path before_;
  fs::path root_;
};

SourceList found(const std::vector<std::string>& sources, const SourceOptions& options = {}) {
  auto list = find_sources(Context(), sources, options);
  REQUIRE_MESSAGE(list.ok(), list.error().message());
  return *std::move(list);
}

std::vector<std::string> paths(const SourceList& list) {
  std::vector<std::string> names;
  for (const SourceFile& file : list.files) names.push_back(file.path);
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("patterns match as in a .gitignore file") {
  struct Row {
    std::string_view pattern;
    std::string_view path;
    bool matches;
  };
  const Row rows[] = {
      {"*.md", "a.md", true},
      {"*.md", "x/y/a.md", true},
      {"*.md", "a.mdx", false},
      {"/*.md", "a.md", true},
      {"/*.md", "x/a.md", false},
      {"docs/*.md", "docs/a.md", true},
      {"docs/*.md", "x/docs/a.md", false},
      {"docs/*.md", "docs/x/a.md", false},
      {"docs", "docs/x/a.md", true},
      {"docs", "x/docs/a.md", true},
      {"docs", "docs", true},
      {"docs/", "docs/a.md", true},
      {"docs/", "x/docs/a.md", true},
      {"docs/", "docs", false},
      {"docs/", "docs/", true},
      {"/docs/", "x/docs/a.md", false},
      {"**/a.md", "a.md", true},
      {"**/a.md", "x/y/a.md", true},
      {"x/**", "x/y/z.md", true},
      {"x/**", "x", false},
      {"x/**", "x/", false},
      {"x/**/z.md", "x/z.md", true},
      {"x/**/z.md", "x/a/b/z.md", true},
      {"x/**/z.md", "y/x/z.md", false},
      {"**", "any/thing", true},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"a?c", "aéc", true},
      {"a*c", "a/c", false},
      {"[a-c]x", "bx", true},
      {"[a-c]x", "dx", false},
      {"[!a-c]x", "dx", true},
      {"[^a-c]x", "bx", false},
      {"[]]x", "]x", true},
      {"[é-ü]x", "öx", true},
      {"[a-]x", "-x", true},
      {"\\*.md", "*.md", true},
      {"\\*.md", "a.md", false},
      {"\\!x", "!x", true},
      {"[\\]]x", "]x", true},
      {"a**b", "axyb", true},
      {"*", "a/b", true},
      {"a/b", "a/b/c", true},
      {"a/b", "b", false},
      {"A.md", "a.md", false},
      {"*.*", "a", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.path);
    CHECK(matches_pattern(row.pattern, row.path) == row.matches);
  }
}

TEST_CASE("a pattern full of stars is decided at once") {
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  std::string stars, folders;
  for (int i = 0; i < 100; ++i) stars += "a*";
  for (int i = 0; i < 50; ++i) folders += "**/a/";
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "a/";
  CHECK_FALSE(matches_pattern(stars + "b", std::string(5000, 'a')));
  CHECK_FALSE(matches_pattern(folders + "b", deep + "c"));
  CHECK(std::clock() - begin < 10 * CLOCKS_PER_SEC);
}

TEST_CASE("a pattern that means nothing is refused with its text") {
  for (const std::string_view pattern : {"", "/", "!*.md", "[abc", "x\\", "a/[b/c]"}) {
    CAPTURE(pattern);
    CHECK_FALSE(matches_pattern(pattern, "a.md"));
    const auto list = find_sources(Context(), {}, {.exclude = {std::string(pattern)}});
    REQUIRE_FALSE(list.ok());
    CHECK(list.error().code() == Code::invalid_argument);
    CHECK(list.error().message().starts_with(fmt::format("exclude: '{}' is not", pattern)));
  }
}

TEST_CASE("a folder gives its documents, without hidden files and what no loader takes") {
  const Playground place;
  place.file("docs/b.md", "12345");
  place.file("docs/deep/er/a.txt");
  place.file("docs/README");
  place.file("docs/picture.png");
  place.file("docs/.hidden.md");
  place.file("docs/.git/config.md");
  const SourceList list = found({"docs"});
  CHECK(paths(list) == Names{"README", "b.md", "deep/er/a.txt"});
  CHECK(list.skipped == 1);
  CHECK(list.failures.empty());
  CHECK(list.roots == Names{place.uri("docs") + "/"});
  const SourceFile& file = list.files[1];
  CHECK(file.file == place.root() / "docs/b.md");
  CHECK(file.uri == place.uri("docs/b.md"));
  CHECK(file.size_bytes == 5);
  const auto age = system_clock().now() - file.modified_at;
  CHECK(age > -std::chrono::minutes(1));
  CHECK(age < std::chrono::minutes(10));
}

TEST_CASE("include and exclude see paths relative to the folder, and exclude wins") {
  const Playground place;
  for (const auto* name : {"d/a.md", "d/b.txt", "d/x/c.md", "d/x/old/e.md", "d/p.png", "a.md"})
    place.file(name);
  CHECK(paths(found({"d"}, {.include = {"*.md"}})) == Names{"a.md", "x/c.md", "x/old/e.md"});
  CHECK(paths(found({"d"}, {.include = {"*.md"}, .exclude = {"old/"}})) == Names{"a.md", "x/c.md"});
  CHECK(paths(found({"d"}, {.include = {"/x/**"}})) == Names{"x/c.md", "x/old/e.md"});
  CHECK(paths(found({"d"}, {.include = {"*.png"}})) == Names{"p.png"});
  CHECK(paths(found({"d/a.md", "d/b.txt"}, {.exclude = {"*.txt"}})) == Names{"d/a.md"});
}

TEST_CASE("a named file is taken whatever its ending, and shown as it was written") {
  const Playground place;
  place.file("d/picture.png");
  place.file("d/.hidden");
  CHECK(paths(found({"d/picture.png"})) == Names{"d/picture.png"});
  CHECK(paths(found({"./d/../d/.hidden"})) == Names{"d/.hidden"});
  const SourceList absolute = found({(place.root() / "d/picture.png").string()});
  CHECK(paths(absolute) == Names{"picture.png"});
  CHECK(absolute.roots == Names{place.uri("d/picture.png")});
}

TEST_CASE("a file named in several ways is listed once") {
  const Playground place;
  place.file("d/a.md");
  fs::create_symlink("a.md", place.root() / "d/b.md");
  fs::create_directory_symlink("d", place.root() / "e");
  const SourceList list = found({"d", "d/a.md", "e", "./d/", "d/*.md", place.uri("d/a.md")});
  REQUIRE(list.files.size() == 1);
  CHECK(list.files[0].uri == place.uri("d/a.md"));
  CHECK(list.files[0].path == "a.md");
  CHECK(list.failures.empty());
}

TEST_CASE("a glob finds at any depth and knows nothing that it does not name") {
  const Playground place;
  for (const auto* name : {"docs/a.md", "docs/x/b.md", "docs/x/c.txt", "docs/.h/d.md", "e.md",
                           "docs/pic.png", "docs/sub/pic.png"})
    place.file(name);
  CHECK(paths(found({"docs/**/*.md"})) == Names{"a.md", "x/b.md"});
  CHECK(paths(found({"docs/*.md"})) == Names{"a.md"});
  CHECK(paths(found({"*.md"})) == Names{"e.md"});
  CHECK(paths(found({"do*/x"})) == Names{"docs/x/b.md", "docs/x/c.txt"});
  CHECK(paths(found({"docs/*"})) == Names{"a.md", "x/b.md", "x/c.txt"});
  CHECK(paths(found({"docs/*.png"})) == Names{"pic.png"});
  CHECK(paths(found({"docs/.h/*"})) == Names{"d.md"});
  CHECK(paths(found({(place.root() / "docs/[ab].md").string()})) == Names{"a.md"});
  CHECK(found({"docs/*.md"}).roots.empty());
  const SourceList none = found({"docs/*.pdf", "no/*.md"});
  REQUIRE(none.failures.size() == 2);
  CHECK(none.failures[0].error.message() == "docs/*.pdf does not exist: no file matches");
  CHECK(none.failures[1].error.message() == "no/*.md does not exist: there is no folder no");
}

TEST_CASE("a file whose name looks like a glob is itself") {
  const Playground place;
  place.file("a[1].md");
  place.file("a1.md");
  CHECK(paths(found({"a[1].md"})) == Names{"a[1].md"});
}

TEST_CASE("uris are percent-encoded and read back") {
  const Playground place;
  const std::string name = "ü 100% #1?+ä&.md";
  place.file("d/" + name);
  const SourceList list = found({"d"});
  REQUIRE(list.files.size() == 1);
  CHECK(list.files[0].path == name);
  CHECK(list.files[0].uri == place.uri("d") + "/%C3%BC%20100%25%20%231%3F%2B%C3%A4%26.md");
  const SourceList again = found({list.files[0].uri});
  REQUIRE(again.files.size() == 1);
  CHECK(again.files[0].uri == list.files[0].uri);
  CHECK(found({"file://other/x", "file:///a%zz", "file:///a%00"}).failures.size() == 3);
}

TEST_CASE("a name that is not UTF-8 is shown with replacement and kept in the uri") {
  const Playground place;
  place.file("d/\xff\xfe.md");
  const SourceList list = found({"d"});
  REQUIRE(list.files.size() == 1);
  CHECK(list.files[0].path == "\uFFFD\uFFFD.md");
  CHECK(unicode::is_valid_utf8(list.files[0].path));
  CHECK(list.files[0].uri.ends_with("/%FF%FE.md"));
}

TEST_CASE("a source that is not there is one failure and the rest is found") {
  const Playground place;
  place.file("a.md");
  fs::create_symlink("nowhere", place.root() / "dangling.md");
  fs::create_symlink("circle.md", place.root() / "circle.md");
  const SourceList list = found({"missing.md", "", "dangling.md", "circle.md", "a.md/b", "a.md"});
  CHECK(paths(list) == Names{"a.md"});
  REQUIRE(list.failures.size() == 5);
  CHECK(list.failures[0].uri == place.uri("missing.md"));
  CHECK(list.failures[0].error.code() == Code::not_found);
  CHECK(list.failures[0].error.message().starts_with("missing.md does not exist"));
  CHECK(list.failures[1].error.message().starts_with("a source is empty"));
  CHECK(list.failures[2].error.message() ==
        "dangling.md is a symbolic link to something that does not exist");
  CHECK(list.failures[3].error.message() == "circle.md: its symbolic links lead in a circle");
  CHECK(list.failures[4].error.code() == Code::not_found);
}

TEST_CASE("URLs and connectors are refused clearly") {
  const SourceList list = found({"https://example.org/a.html", "HTTP://x", "confluence:https://x"});
  REQUIRE(list.failures.size() == 3);
  CHECK(list.failures[0].uri == "https://example.org/a.html");
  CHECK(list.failures[0].error.code() == Code::unsupported);
  CHECK(list.failures[0].error.message() ==
        "URLs are not supported yet; download the page and ingest the file");
  CHECK(list.failures[2].error.message().starts_with("connectors are not supported yet"));
}

TEST_CASE("a folder loop is one failure and every file is still found once") {
  const Playground place;
  place.file("d/a.md");
  place.file("d/x/b.md");
  fs::create_directory_symlink("..", place.root() / "d/x/up");
  fs::create_directory_symlink(".", place.root() / "d/here");
  const SourceList list = found({"d"});
  CHECK(paths(list) == Names{"a.md", "x/b.md"});
  REQUIRE(list.failures.size() == 2);
  CHECK(list.failures[0].error.message().starts_with("folder loop: here/ leads back to /"));
  CHECK(list.failures[1].uri == place.uri("d/x/up") + "/");
}

TEST_CASE("a tree of links that multiplies is read once") {
  const Playground place;
  for (int i = 0; i < 40; ++i) {
    const fs::path folder = place.root() / fmt::format("d/{:02}", i);
    fs::create_directories(folder);
    for (const auto* side : {"left", "right"})
      fs::create_directory_symlink(fmt::format("../{:02}", i + 1), folder / side);
  }
  place.file("d/40/end.md");
  const SourceList list = found({"d/00"});
  CHECK(list.files.size() == 1);
  CHECK(list.failures.empty());
}

TEST_CASE("links out of the folder are followed and widen what the source covers") {
  const Playground place;
  place.file("elsewhere/a.md");
  place.file("d/b.md");
  fs::create_directory_symlink("../elsewhere", place.root() / "d/link");
  const SourceList list = found({"d"});
  CHECK(paths(list) == Names{"b.md", "link/a.md"});
  CHECK(list.roots == Names{place.uri("d") + "/", place.uri("elsewhere") + "/"});
}

TEST_CASE("named pipes, sockets and devices are failures and never hang") {
  const Playground place;
  place.file("d/a.md");
  REQUIRE(::mkfifo((place.root() / "d/pipe.md").c_str(), 0600) == 0);
  const SourceList list = found({"d", "d/pipe.md", "/dev/null"});
  CHECK(paths(list) == Names{"a.md"});
  REQUIRE(list.failures.size() == 3);
  CHECK(list.failures[0].error.message().find("is a named pipe") != std::string::npos);
  CHECK(list.failures[1].error.message().find("is a named pipe") != std::string::npos);
  CHECK(list.failures[2].error.message().find("is a device") != std::string::npos);
}

TEST_CASE("a folder that cannot be read is a failure and nothing below it counts as gone") {
  const Playground place;
  place.file("d/a.md");
  place.file("d/x/b.md");
  int failed_folders = 0;
  for (int n = 1; n < 10; ++n) {
    const FaultPlan plan(FaultKind::file, n);
    const SourceList list = found({"d"});
    if (!plan.fired()) break;
    REQUIRE(list.failures.size() == 1);
    ++failed_folders;
    CHECK(list.failures[0].uri.ends_with("/"));
    CHECK_FALSE(list.covers(place.uri("d/x/b.md")));
    CHECK(list.covers(place.uri("d/gone.md")) == (n > 1));
  }
  CHECK(failed_folders == 2);
}

TEST_CASE("what a list covers ends at folders and whole names") {
  SourceList list;
  list.roots = {"file:///a/b/", "file:///c.md"};
  list.failures.push_back({"file:///a/b/x/", fail(Code::forbidden, "closed")});
  list.failures.push_back({"file:///a/b/p.md", fail(Code::forbidden, "closed")});
  CHECK(list.covers("file:///a/b/q.md"));
  CHECK(list.covers("file:///c.md"));
  CHECK_FALSE(list.covers("file:///c.md.bak"));
  CHECK_FALSE(list.covers("file:///a/bc.md"));
  CHECK_FALSE(list.covers("file:///a/b/x/y.md"));
  CHECK_FALSE(list.covers("file:///a/b/p.md"));
}

TEST_CASE("a source that is missing covers nothing, so that nothing is deleted for it") {
  const Playground place;
  CHECK(found({"unmounted"}).roots.empty());
}

TEST_CASE("the limit of files and a cancelled context end the walk") {
  const Playground place;
  for (int i = 0; i < 5; ++i) place.file(fmt::format("d/{}.md", i));
  CHECK(find_sources(Context(), {"d"}, {.files_max = 5}).ok());
  const auto over = find_sources(Context(), {"d"}, {.files_max = 4});
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().message().starts_with("more than 4 files"));
  std::stop_source stop;
  stop.request_stop();
  CHECK(find_sources(Context(stop.get_token()), {"d"}, {}).error().code() == Code::cancelled);
}

TEST_CASE("a very deep folder costs no stack") {
  const Playground place;
  fs::path deep = place.root() / "d";
  for (int i = 0; i < 400; ++i) deep /= "x";
  fs::create_directories(deep);
  std::ofstream(deep / "end.md") << "text";
  CHECK(found({"d"}).files.size() == 1);
}
