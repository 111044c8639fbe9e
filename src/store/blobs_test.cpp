#include "store/blobs.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "store/detail/scratch.hpp"

using namespace slipway;
using namespace slipway::store;

namespace {

/// What every blob store promises.
void check_conformance(BlobStore& blobs) {
  const std::string bytes("a\0b\xff\n", 5);
  const auto hash = blobs.put(bytes);
  REQUIRE(hash);
  CHECK(*hash == sha256(bytes));
  CHECK(*blobs.put(bytes) == *hash);
  CHECK(*blobs.get(*hash) == bytes);
  CHECK(*blobs.contains(*hash));
  const auto empty = blobs.put("");
  REQUIRE(empty);
  CHECK(blobs.get(*empty)->empty());
  std::vector<std::string> both{*hash, *empty};
  std::sort(both.begin(), both.end());
  CHECK(*blobs.list() == both);

  REQUIRE(blobs.remove(*hash));
  REQUIRE(blobs.remove(*hash));
  CHECK_FALSE(*blobs.contains(*hash));
  CHECK(blobs.get(*hash).error().code() == Code::not_found);
  CHECK(*blobs.list() == std::vector<std::string>{*empty});

  for (const char* bad : {"", "sha256:", "sha256:../../../../etc/passwd", "md5:00", "sha256:ABC"}) {
    CHECK(blobs.get(bad).error().code() == Code::invalid_argument);
    CHECK(blobs.contains(bad).error().code() == Code::invalid_argument);
    CHECK(blobs.remove(bad).error().code() == Code::invalid_argument);
  }
}

}  // namespace

TEST_CASE("blobs in memory keep the contract") { check_conformance(*BlobStore::in_memory()); }

TEST_CASE("blobs in files keep the contract") {
  const Scratch scratch;
  auto blobs = BlobStore::open(scratch.path() / "deep" / "blobs");
  REQUIRE(blobs);
  check_conformance(**blobs);
}

TEST_CASE("a damaged blob is reported with its file, and putting it again heals a wrong length") {
  const Scratch scratch;
  auto blobs = BlobStore::open(scratch.path());
  REQUIRE(blobs);
  const std::string hash = *(*blobs)->put("the bytes");
  const auto file = scratch.path() / hash.substr(7, 2) / hash.substr(9);
  std::ofstream(file) << "the bytez";
  const auto damaged = (*blobs)->get(hash);
  CHECK(damaged.error().code() == Code::unavailable);
  CHECK(damaged.error().message().find(file.string()) != std::string::npos);
  std::ofstream(file) << "the";
  CHECK(*(*blobs)->put("the bytes") == hash);
  CHECK(*(*blobs)->get(hash) == "the bytes");
}

TEST_CASE("whichever file call fails, a blob is there whole or not at all") {
  for (int nth = 1;; ++nth) {
    const Scratch scratch;
    auto blobs = BlobStore::open(scratch.path());
    REQUIRE(blobs);
    bool fired = false;
    Result<std::string> put = std::string();
    {
      const FaultPlan plan(FaultKind::file, nth);
      put = (*blobs)->put("some bytes");
      fired = plan.fired();
    }
    CHECK(put.ok() == !fired);
    CHECK((*blobs)->list()->size() <= 1);
    CHECK(*(*blobs)->get(*(*blobs)->put("some bytes")) == "some bytes");
    if (!fired) break;
    REQUIRE(nth < 100);
  }
}
