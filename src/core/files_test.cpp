#include "core/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "core/fault.hpp"

using namespace slipway;

namespace fs = std::filesystem;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/slipway-files-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(std::string_view name) const { return path_ / name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), {}));
  }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("what was written is read back, whatever the bytes") {
  const TemporaryFolder folder;
  for (const std::string& bytes : {std::string(), std::string("text\n"),
                                   std::string("\0\xff\n\0", 4), std::string(3'000'000, 'x')}) {
    REQUIRE(write_file_atomically(folder / "deep/er/file", bytes).ok());
    CHECK(*read_file(folder / "deep/er/file") == bytes);
    CHECK(*sha256_of_file(folder / "deep/er/file") == sha256(bytes));
  }
}

TEST_CASE("a write that fails at any call leaves the old content or the new, and nothing else") {
  const TemporaryFolder folder;
  const fs::path target = folder / "target";
  int failures = 0;
  for (int n = 1;; ++n) {
    REQUIRE(n < 50);
    REQUIRE(write_file_atomically(target, "old").ok());
    bool fired = false;
    bool done = false;
    {
      const FaultPlan plan(FaultKind::file, n);
      done = write_file_atomically(target, "new").ok();
      fired = plan.fired();
    }
    CAPTURE(n);
    CHECK(done != fired);
    const std::string content = *read_file(target);
    CHECK((content == "old" || content == "new"));
    if (done) CHECK(content == "new");
    CHECK(folder.entries() == 1);
    if (!fired) break;
    ++failures;
  }
  CHECK(failures >= 6);  // Folder, create, write, sync, rename, sync of the folder.
}

TEST_CASE("a first write that fails leaves no file") {
  const TemporaryFolder folder;
  for (int n = 1; n < 50; ++n) {
    const fs::path target = folder / fmt::format("{}/target", n);
    const FaultPlan plan(FaultKind::file, n);
    if (write_file_atomically(target, "new")) break;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(target.parent_path(), ignored))
      CHECK(entry.path() == target);
  }
}

TEST_CASE("reads fail cleanly at every call") {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder / "file", "content").ok());
  int failures = 0;
  for (int n = 1; n < 20; ++n) {
    const FaultPlan plan(FaultKind::file, n);
    const auto bytes = read_file(folder / "file");
    if (bytes) {
      CHECK(*bytes == "content");
      break;
    }
    ++failures;
    CHECK(bytes.error().code() == Code::unavailable);
  }
  CHECK(failures >= 2);
  const FaultPlan plan(FaultKind::file, 2);
  CHECK_FALSE(sha256_of_file(folder / "file").ok());
}

TEST_CASE("what cannot be read is named with the reason") {
  const TemporaryFolder folder;
  const auto missing = read_file(folder / "missing");
  CHECK(missing.error().code() == Code::not_found);
  CHECK(missing.error().message() ==
        fmt::format("cannot open {}: No such file or directory", (folder / "missing").string()));
  CHECK(read_file(folder / "").error().code() == Code::invalid_argument);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_file(folder / "pipe").error().message().ends_with("is not a regular file"));
  CHECK(sha256_of_file(folder / "pipe").error().code() == Code::invalid_argument);
  fs::create_symlink("circle", folder / "circle");
  CHECK(read_file(folder / "circle").error().code() == Code::invalid_argument);
  CHECK(read_file(folder / std::string(300, 'x')).error().code() == Code::invalid_argument);
}

TEST_CASE("the limit of bytes holds also for files that do not tell their size") {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder / "file", std::string(100, 'x')).ok());
  CHECK(read_file(folder / "file", 100).ok());
  CHECK(read_file(folder / "file", 99)
            .error()
            .message()
            .ends_with("has 100 bytes, more than the limit of 99"));
  if (fs::exists("/proc/self/status")) {
    CHECK(read_file("/proc/self/status")->size() > 100);
    CHECK_FALSE(read_file("/proc/self/status", 10).ok());
  }
}

TEST_CASE("a file keeps its mode when it is replaced") {
  const TemporaryFolder folder;
  const fs::path target = folder / "secret";
  REQUIRE(write_file_atomically(target, "old").ok());
  REQUIRE(::chmod(target.c_str(), 0600) == 0);
  REQUIRE(write_file_atomically(target, "new").ok());
  struct stat info {};
  REQUIRE(::stat(target.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE("a file may have the longest name there is") {
  const TemporaryFolder folder;
  const fs::path target = folder / std::string(255, 'n');
  CHECK(write_file_atomically(target, "x").ok());
  CHECK(*read_file(target) == "x");
}

TEST_CASE("a folder cannot be made where a file stands") {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder / "file", "x").ok());
  CHECK_FALSE(make_directories(folder / "file/below").ok());
  CHECK_FALSE(write_file_atomically(folder / "file/below", "x").ok());
  CHECK(make_directories(folder / "a/b/c").ok());
  CHECK(make_directories(folder / "a/b/c").ok());
}

TEST_CASE("hashes are those of SHA-256") {
  CHECK(sha256("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the cache folder follows the environment") {
  const std::string old = std::getenv("XDG_CACHE_HOME") ? std::getenv("XDG_CACHE_HOME") : "";
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  CHECK(cache_directory() == "/somewhere/slipway");
  ::setenv("XDG_CACHE_HOME", "relative", 1);  // The specification says to ignore it.
  CHECK(cache_directory().string().ends_with("/.cache/slipway"));
  old.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", old.c_str(), 1);
}
