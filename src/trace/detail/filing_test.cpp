// Tables that were set aside become files: in small pieces, unless somebody waits for it.
#include "trace/detail/filing.hpp"

#include "core/files.hpp"
#include "trace/detail/segment_fixture.hpp"
#include "trace/detail/segment_writer.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int traces_of_a_table = 4'000;

struct Store {
  Place place;
  Shelf shelf{place.path / "files", false};
  Filing filing{Filing::Options{.shelf = shelf}};
  PriceBook prices{{}, {}};
  Arrivals arrivals;
  std::uint64_t journal = 1;
  int traces = 0;

  Store() {
    std::filesystem::create_directories(place.path / "files");
    must(filing.open(Manifest()));
    filing.start();
  }
  void fill() {
    Batch batch(shelf, prices, arrivals);
    for (int i = 0; i < traces_of_a_table; ++i) {
      ++traces;
      RunPatch one = run(fmt::format("t{}", traces), fmt::format("r{}", traces), "", traces);
      std::string words;
      for (int word = 0; word < 40; ++word) words += fmt::format("w{} ", traces * 40 + word);
      one.outputs = Payload{words, true};
      must(batch.apply(prepare(std::move(one))));
    }
    batch.finish();
    batch.install();
  }
  void seal() {
    REQUIRE(shelf.set_aside());
    filing.seal_from(++journal, arrivals);
  }
};

template <typename Step>
std::chrono::steady_clock::duration time_of(Step&& step) {
  const auto begin = std::chrono::steady_clock::now();
  step();
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace

TEST_CASE("a file that is written in pieces is the one that is written at once") {
  Store store;
  store.fill();
  REQUIRE(store.shelf.set_aside());
  const auto traces = store.shelf.aside();
  const auto whole = store.place.path / "whole", in_pieces = store.place.path / "in_pieces";
  int breaths = 0;
  must(write_segment(whole, false, traces));
  must(write_segment(in_pieces, false, traces, [&] { ++breaths; }));
  CHECK(breaths > traces_of_a_table);
  CHECK(must(read_file(in_pieces)) == must(read_file(whole)));
}

TEST_CASE("a table is written little by little until somebody waits for it") {
  Store store;
  store.fill();
  const auto unwaited = time_of([&] {
    store.seal();
    while (store.shelf.has_set_aside()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  REQUIRE(store.filing.wait_until_sealed(std::chrono::minutes(1)));
  store.fill();
  const auto waited = time_of([&] {
    store.seal();
    CHECK(store.filing.wait_until_sealed(std::chrono::minutes(1)));
  });
  CHECK(2 * waited < unwaited);  // About a fifth.
}

}  // namespace slipway::trace::detail
