#include "core/secret.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "core/files.hpp"

using namespace slipway;

TEST_CASE("a secret is read from where its setting says") {
  setenv("SLIPWAY_TEST_SECRET", " hunter2\n", 1);
  CHECK(*resolve_secret("token", "env:SLIPWAY_TEST_SECRET") == "hunter2");
  CHECK(*resolve_secret("token", "") == "");
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("slipway-secret-{}", getpid());
  REQUIRE(write_file_atomically(path, "hunter3\n").ok());
  CHECK(*resolve_secret("token", "file:" + path.string()) == "hunter3");
  REQUIRE(write_file_atomically(path, " \n").ok());
  CHECK(resolve_secret("token", "file:" + path.string()).error().message().find("is empty") !=
        std::string::npos);
  std::filesystem::remove(path);
  CHECK(resolve_secret("token", "file:" + path.string()).error().code() == Code::not_found);
}

TEST_CASE("what is no secret is refused without being shown") {
  setenv("SLIPWAY_TEST_SECRET", "hun ter2", 1);
  unsetenv("SLIPWAY_TEST_UNSET");
  for (const char* reference : {"hunter2", "env:SLIPWAY_TEST_SECRET", "env:SLIPWAY_TEST_UNSET"}) {
    const auto secret = resolve_secret("credentials of x: token", reference);
    REQUIRE_FALSE(secret.ok());
    CHECK(secret.error().code() == Code::invalid_argument);
    CHECK(secret.error().message().starts_with("credentials of x: token: "));
    CHECK(secret.error().message().find("hun") == std::string::npos);
  }
}

TEST_CASE("comparing with a secret tells only whether it is the same") {
  CHECK(equals_in_constant_time("hunter2", "hunter2"));
  CHECK(equals_in_constant_time("", ""));
  for (const char* other : {"", "hunter", "hunter3", "Hunter2", "hunter22"})
    CHECK_FALSE(equals_in_constant_time("hunter2", other));
}
