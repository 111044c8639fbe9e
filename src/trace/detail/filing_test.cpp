// Tables that were set aside become files.
#include "trace/detail/filing.hpp"

#include "trace/detail/segment_fixture.hpp"

namespace slipway::trace::detail {

TEST_CASE("a table that is set aside when the one before has just become a file becomes one, too") {
  Place place;
  std::filesystem::create_directories(place.path / "files");
  Shelf shelf(place.path / "files", false);
  Filing filing(Filing::Options{.shelf = shelf});
  const PriceBook prices{{}, {}};
  Arrivals arrivals;
  must(filing.open(Manifest()));
  filing.start();
  for (int i = 0; i < 300; ++i) {
    Batch batch(shelf, prices, arrivals);
    must(batch.apply(prepare(run(fmt::format("t{}", i), fmt::format("r{}", i), "", i))));
    batch.finish();
    batch.install();
    while (shelf.has_set_aside()) continue;  // No longer than that, as who makes room.
    REQUIRE(shelf.set_aside());
    filing.seal_from(static_cast<std::uint64_t>(i) + 2, arrivals);
    if (i % 2 == 0) continue;
    REQUIRE(filing.wait_until_sealed(std::chrono::minutes(1)));
    REQUIRE_FALSE(shelf.has_set_aside());
  }
}

}  // namespace slipway::trace::detail
